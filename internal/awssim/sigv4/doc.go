// Package sigv4 verifies AWS Signature Version 4 on requests, as the servers
// of AWS do. It shares no code with the signer of the SDK, so that the two
// check each other.
//
// Source: IAM User Guide, "AWS Signature Version 4 for API requests".
package sigv4
