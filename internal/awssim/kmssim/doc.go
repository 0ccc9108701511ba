// Package kmssim is the KMS of the simulated AWS: symmetric keys with
// policies, grants, aliases and states, and the keys that AWS makes and
// manages for EBS.
//
// Operations are methods on the SDK's own input and output types. Beside
// them stand the methods by which other services of the simulation use keys
// on behalf of a caller: [Service.EBSKey], [Service.Resolve],
// [Service.Usable], [Service.Permits]. Those run under the cloud's lock, as
// operations do.
//
// What each operation demands of the caller is written in needs.go, from the
// Service Authorization Reference and the AWS KMS Developer Guide.
//
// Not simulated: asymmetric and HMAC keys, imported key material, custom key
// stores, pairs of RSA data keys.
package kmssim
