// Package backuptest is a simulated AWS for the tests and demonstrations of
// programs that use snapkeep.
//
//	backuptest.Simulate(func() {
//		cloud := backuptest.New(backuptest.Options{})
//		admin := cloud.User("111111111111", "admin", backuptest.Admin())
//		client := ec2.NewFromConfig(cloud.Config(admin, "eu-west-1"))
//		// … weeks of backups, in milliseconds
//	})
//
// The clients are the SDK's own: they sign, retry and page as on AWS. Every
// call is authenticated and authorized by the caller's IAM policies, held
// against the limits that AWS publishes, and takes its time. Accounts see each
// other's resources only as far as they are shared. Volumes and snapshots have
// contents, to be compared after a restore.
//
// What is simulated: of EC2, instances, volumes, snapshots, images and tags as
// backups use them; of KMS, keys with their policies, grants and states; of
// STS, role chains. What is not simulated is an error and is listed by
// Cloud.Misuse: a test should end by looking there.
//
// What no simulation shows is that AWS does today what its documentation says.
//
// A Cloud is safe for concurrent use. For one caller at a time, what happens
// is a function of Options.Seed, apart from the delays that the SDK draws
// before retries and between polls.
package backuptest
