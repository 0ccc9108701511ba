package core

import "strings"

// A rate is one line of the table of request rates: which calls draw from
// which bucket.
type rate struct {
	service string
	// operations, separated by spaces. "reading" and "changing" are all of the
	// service that no other line names, "other" is both.
	operations string
	bucket     Bucket
	// elsewhere is the bucket in some Regions, in place of the other.
	elsewhere []regionalBucket
	// shared is the name of the bucket that all the operations draw from. Empty
	// means that each has its own, "service:Operation".
	shared string
	// also is the name of a bucket that a call draws from beside that of
	// another line.
	also string
	// when says which calls of the operations are meant. Nil means all.
	when func(in any) bool
	// each says of what in the request each has a bucket of its own. Nil means
	// that there is one.
	each func(in any) string
	// cost is how many tokens a call takes. Nil means one.
	cost func(in any) float64
	// refusal is the answer. Without it, it is that of the service.
	refusal *Error
}

// A regionalBucket is the bucket in some Regions.
type regionalBucket struct {
	regions string // separated by spaces
	bucket  Bucket
}

// perSecond is the bucket of a rate of which no more is known: a burst of one
// second's calls.
func perSecond(n float64) Bucket { return Bucket{n, n} }

// rates is the table of request rates: everything counts per account and
// Region, whoever in the account calls. A call of one account that reaches
// into another, such as AssumeRole, counts where it comes from.
//
// Sources, in the order of the services:
//   - EC2: Amazon EC2 Developer Guide, "Request throttling for the Amazon EC2
//     API". The operations of the last line are in none of its tables, and so
//     have what is said of all mutating ones.
//   - EBS: Amazon EBS User Guide, "Quotas for Amazon EBS" (EBS direct APIs);
//     the code of what counts per account is from "Error retries for the EBS
//     direct APIs", it is not in the model. The other is.
//   - STS: IAM User Guide, "IAM and AWS STS quotas", "STS request quotas".
//     AssumeRole with another account's role takes of the caller's quota only,
//     and the global endpoint has one of its own.
//   - KMS: AWS KMS Developer Guide, "Request quotas"; not simulated: what
//     services ask of KMS for their callers counts too.
//   - Organizations: AWS Organizations User Guide, "Quotas and service limits
//     for AWS Organizations", for the whole organization; here for each account.
//   - S3: Amazon S3 User Guide, "Best practices design patterns": at least so
//     many per partitioned prefix. How S3 cuts prefixes nobody tells: here a
//     prefix is what comes before the last slash.
//   - IAM and SSM publish no rates for what is here: the numbers are guesses,
//     low enough to be met by a client that does not pace itself.
var rates = []rate{
	{service: "ec2", operations: "reading", bucket: Bucket{100, 20}},
	{service: "ec2", operations: "changing", bucket: Bucket{50, 5}},
	{
		service: "ec2", operations: "DescribeInstances DescribeInstanceStatus DescribeNetworkInterfaces DescribeSecurityGroups DescribeSnapshots DescribeSpotInstanceRequests DescribeVolumes",
		bucket: Bucket{50, 10}, when: isUnfiltered, shared: unfilteredName,
	},
	{
		service: "ec2", operations: "CreateSnapshot CreateSnapshots DeleteSnapshot ModifySnapshotAttribute CreateVolume DeleteVolume DeregisterImage ModifyImageAttribute TerminateInstances CreateNetworkInterface AssociateIamInstanceProfile",
		bucket: Bucket{100, 5},
	},
	{service: "ec2", operations: "CreateTags DeleteTags", bucket: Bucket{100, 10}},
	{service: "ec2", operations: "CopyImage", bucket: Bucket{100, 1}},
	{service: "ec2", operations: "RunInstances StartInstances", bucket: Bucket{5, 2}},
	{service: "ec2", operations: "EnableSnapshotBlockPublicAccess DisableSnapshotBlockPublicAccess", bucket: Bucket{1, 0.1}},
	{service: "ec2", operations: "CreateStoreImageTask CreateRestoreImageTask", bucket: Bucket{50, 0.1}},
	{service: "ec2", operations: "DescribeStoreImageTasks", bucket: Bucket{50, 0.5}},
	{service: "ec2", operations: "RunInstances StartInstances", also: "instances", bucket: Bucket{1000, 2}, cost: instances},
	{service: "ec2", operations: "StopInstances TerminateInstances", also: "instances", bucket: Bucket{1000, 20}, cost: instances},

	{service: "ebs", operations: "other", bucket: perSecond(10), refusal: ebsThrottled},
	{service: "ebs", operations: "StartSnapshot CompleteSnapshot", bucket: perSecond(10), refusal: ebsThrottled},
	{service: "ebs", operations: "ListSnapshotBlocks ListChangedBlocks", bucket: perSecond(50), refusal: ebsThrottled},
	{
		service: "ebs", operations: "GetSnapshotBlock PutSnapshotBlock", bucket: perSecond(1000), refusal: ebsThrottled,
		elsewhere: []regionalBucket{{"us-east-1 us-east-2 us-west-2 ap-southeast-1 eu-west-1", perSecond(5000)}},
	},
	{
		service: "ebs", operations: "GetSnapshotBlock PutSnapshotBlock", also: "snapshot", bucket: perSecond(1000), each: memberText("SnapshotId"),
		refusal: &Error{
			Code: "RequestThrottledException", Status: 400, Members: map[string]string{"Reason": "RESOURCE_LEVEL_THROTTLE"},
			Message: "The number of API requests has exceeded the maximum allowed API request throttling limit for the snapshot.",
		},
	},

	{
		service: "sts", operations: "AssumeRole DecodeAuthorizationMessage GetAccessKeyInfo GetCallerIdentity GetFederationToken GetSessionToken",
		shared: "sts", bucket: perSecond(600),
	},

	{service: "kms", operations: "other", bucket: perSecond(5)},
	{
		service: "kms", operations: "Decrypt Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateMac GenerateRandom ReEncrypt VerifyMac",
		shared: "kms:cryptography", bucket: perSecond(10_000), elsewhere: []regionalBucket{
			{"us-east-2 ap-southeast-1 ap-southeast-2 ap-northeast-1 eu-central-1 eu-west-2", perSecond(20_000)},
			{"us-east-1 us-west-2 eu-west-1", perSecond(100_000)},
		},
	},
	{service: "kms", operations: "DescribeKey GetPublicKey ListResourceTags", bucket: perSecond(2000)},
	{service: "kms", operations: "GetKeyPolicy GetKeyRotationStatus", bucket: perSecond(1000)},
	{service: "kms", operations: "ListAliases ListKeys", bucket: perSecond(500)},
	{service: "kms", operations: "ListGrants ListKeyPolicies ListKeyRotations ListRetirableGrants", bucket: perSecond(100)},
	{service: "kms", operations: "CreateGrant RetireGrant RevokeGrant", bucket: perSecond(50)},
	{service: "kms", operations: "DeleteAlias EnableKeyRotation PutKeyPolicy ScheduleKeyDeletion", bucket: perSecond(15)},
	{service: "kms", operations: "TagResource", bucket: perSecond(10)},

	{service: "organizations", operations: "other", bucket: Bucket{8, 5}},
	{service: "organizations", operations: "DescribeAccount", bucket: Bucket{30, 20}},
	{service: "organizations", operations: "ListTagsForResource", bucket: Bucket{15, 10}},
	{service: "organizations", operations: "ListAccounts", bucket: Bucket{12, 8}},
	{service: "organizations", operations: "ListChildren", bucket: Bucket{10, 6}},
	{service: "organizations", operations: "ListRoots DescribeOrganization", bucket: Bucket{2, 1}},

	{service: "s3", operations: "reading", shared: "s3:reading", bucket: perSecond(5500), each: objectPrefix, refusal: slowDown},
	{service: "s3", operations: "HeadObject HeadBucket", shared: "s3:reading", bucket: perSecond(5500), each: objectPrefix, refusal: slowDown},
	{service: "s3", operations: "changing", shared: "s3:changing", bucket: perSecond(3500), each: objectPrefix, refusal: slowDown},

	{service: "iam", operations: "other", shared: "iam", bucket: Bucket{100, 20}},
	{service: "ssm", operations: "other", bucket: Bucket{40, 10}},
}

// unfilteredName marks the bucket of unfiltered calls of one operation.
const unfilteredName = " unfiltered"

var (
	ebsThrottled = &Error{Code: "ThrottlingException", Message: "Rate exceeded", Status: 400}
	slowDown     = &Error{Code: "SlowDown", Message: "Please reduce your request rate.", Status: 503}
)

// An api is one operation, or class of operations, of a service.
type api struct{ service, operation string }

// rateIndex holds the lines by API.
var rateIndex = func() map[api][]*rate {
	index := map[api][]*rate{}
	for i := range rates {
		for operation := range strings.FieldsSeq(rates[i].operations) {
			of := api{rates[i].service, operation}
			index[of] = append(index[of], &rates[i])
		}
	}
	return index
}()

// name of the bucket, as Limits.Buckets has it.
func (r *rate) name(operation string) string {
	switch {
	case r.also != "":
		return r.service + ":" + operation + " " + r.also
	case r.shared == unfilteredName:
		return r.service + ":" + operation + r.shared
	case r.shared != "":
		return r.shared
	}
	return r.service + ":" + operation
}

// in returns the bucket in a Region.
func (r *rate) in(region string) Bucket {
	for _, e := range r.elsewhere {
		for name := range strings.FieldsSeq(e.regions) {
			if name == region {
				return e.bucket
			}
		}
	}
	return r.bucket
}
