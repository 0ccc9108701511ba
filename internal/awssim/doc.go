// Package awssim is the simulated AWS: several accounts with IAM, STS, EC2,
// EBS direct, KMS, S3, Systems Manager and Organizations behind the real wire
// protocols, in memory.
//
//	cloud := awssim.New(awssim.Options{})
//	admin := cloud.User("111111111111", "admin", awssim.Admin())
//	client := ec2.NewFromConfig(cloud.Config(admin, "eu-west-1"))
//
// The client is the SDK's own and unmodified: it signs, retries and pages as
// it does on AWS. Every call is authenticated, authorized by the caller's
// policies, held against AWS's published limits, and takes its time.
//
// What it guarantees:
//
//   - A call does nothing that AWS documents as needing a permission which the
//     caller lacks.
//   - What a client sends and the simulation does not understand is an error,
//     and is listed in Misuse.
//   - Inside a testing/synctest bubble time is virtual, and for one caller at a
//     time a run is a function of Options.Seed.
//
// It cannot show that AWS does today what its documentation says.
package awssim
