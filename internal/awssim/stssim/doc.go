// Package stssim is the STS of the simulated AWS: sessions of roles, temporary
// credentials of users, and what goes with them.
//
// What is not simulated: MFA, web identities and SAML, context assertions, and
// AssumeRoot, which needs centralized root access.
package stssim
