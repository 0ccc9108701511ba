// Package orgsim is the AWS Organizations of the simulated AWS: accounts in a
// tree of organizational units, and the policies on its nodes, which bind the
// accounts below from the next call on.
//
// What is not simulated: invitations, accounts that leave, policies other than
// service and resource control policies, delegation by resource policy,
// consolidated billing, and the service-linked role of Organizations.
package orgsim
