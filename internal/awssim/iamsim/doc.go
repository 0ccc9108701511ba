// Package iamsim is the IAM of the simulated AWS: the API for the roles,
// users, policies and instance profiles that package core keeps, and the
// policy simulator.
//
// What takes seconds on AWS counts at once here, unless the cloud's consistency
// says otherwise: a role, a policy or a key is in force as soon as the call that
// made it has answered.
//
// What is not simulated: groups, passwords, MFA, certificates, identity
// providers, credential reports, and the policies of service-linked roles.
package iamsim
