// Package sigv4 verifies AWS Signature Version 4 on requests, as the servers
// of AWS do. It shares no code with the signer of the SDK, so that the two
// check each other.
//
// A request is read by Parse, which says whose key is to be looked up, and
// then checked by Signature.Verify against the secret of that key. Services
// differ in what they demand; Rules holds that.
//
// Sources: IAM User Guide, "AWS Signature Version 4 for API requests"; Amazon
// S3 API Reference, "Authenticating Requests (AWS Signature Version 4)".
package sigv4
