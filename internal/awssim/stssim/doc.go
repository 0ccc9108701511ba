// Package stssim is the STS of the simulated AWS: sessions of roles.
//
// What is not simulated: managed session policies (PolicyArns), MFA, web
// identities and SAML.
package stssim
