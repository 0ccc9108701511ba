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
// A world is a few lines: AddKey, AddVolume and AddInstance put resources into
// an account that are ready at once, whatever limits, lags and faults there are
// for others. What goes wrong is a Script or a function
// for SetFault, a Process that is killed, a lag (SetLag), a clock that is wrong.
// What happened is in Log and Stats, and a Watcher says what must never have.
//
// What is simulated: EC2 as backups use it (instances, volumes, snapshots with
// their sharing, locks, archive and Recycle Bin, images, tags, networks), the EBS
// direct APIs, KMS, STS, IAM, Organizations, Systems Manager's Run Command, and
// S3 objects with versions and locks. What is not simulated is an error and is
// listed by Cloud.Misuse: a test should end by looking there.
//
// What no simulation shows is that AWS does today what its documentation says.
//
// A Cloud is safe for concurrent use. For one caller at a time, what happens
// is a function of Options.Seed, apart from the delays that the SDK draws
// before retries and between polls.
package backuptest
