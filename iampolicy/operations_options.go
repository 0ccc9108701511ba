package iampolicy

import (
	"maps"
	"slices"
	"strconv"
)

// optionCalls are the rows for what an installation may do without: the table
// of operations.go goes on here.
//
// Sources beside the Service Authorization Reference: Systems Manager User
// Guide, "Restricting Run Command access based on tags"; EBS User Guide,
// "Control access to EBS direct APIs using IAM" and "Control access to
// snapshot locking"; IAM User Guide, "Pass session tags in AWS STS" and
// "Monitor and control actions taken with assumed roles"; S3 User Guide,
// "Bucket policy examples using condition keys".
var optionCalls = []engineCall{
	{
		ops: []string{"quiesce"}, papers: backupPolicy, sid: "RunListedDocuments",
		actions: []string{"ssm:SendCommand"}, on: onDocuments, only: ifQuiesces,
		why: "Applications are brought to rest around a snapshot by these documents and no other script.",
	},
	{
		ops: []string{"quiesce"}, papers: backupPolicy, sid: "RunOnTaggedInstances",
		actions: []string{"ssm:SendCommand"}, on: onOwn("instance"), also: []func(particulars) []Condition{onlyTagged}, only: ifQuiesces,
		why: "Documents run on instances that are backed up and on no other.",
	},
	{
		ops: []string{"quiesce"}, papers: backupPolicy, sid: "FollowCommands",
		actions: []string{"ssm:ListCommandInvocations"}, on: onAll,
		when: []clause{equals("aws:RequestedRegion", theRegions)}, only: ifQuiesces,
		why: "A snapshot waits for the application to rest, and no command is sent twice; the call knows no resources, only Regions.",
	},
	{
		ops: []string{"describe"}, papers: backupPolicy, sid: "DescribeAttributes",
		actions: []string{"ec2:DescribeInstanceAttribute"}, on: onOwn("instance"),
		when: []clause{equals("aws:RequestedRegion", theRegions)}, also: []func(particulars) []Condition{onlyTagged}, only: ifAttributes,
		why: "A manifest holds user data and what protects from termination, which are told one instance at a time.",
	},
	{
		ops: []string{"image"}, papers: backupPolicy, sid: "ImageInstances",
		actions: []string{"ec2:CreateImage"}, on: onOwn("instance"), when: []clause{equals("aws:RequestedRegion", theRegions)},
		also: []func(particulars) []Condition{onlyTagged}, only: ifImages,
		why: "An image is made of an instance that is backed up, where the account is.",
	},
	{
		ops: []string{"image"}, papers: backupPolicy, sid: "MakeTaggedImages",
		actions: []string{"ec2:CreateImage"}, on: onNewImagesAndSnapshots, when: []clause{equals(requestedVault, theVault)}, only: ifImages,
		why: "Neither an image nor a snapshot of it is made without the tag by which it is later shared and pruned.",
	},
	{
		ops: []string{"image"}, papers: backupPolicy, sid: "TagNewImages",
		actions: []string{"ec2:CreateTags"}, on: onNewImagesAndSnapshots,
		when: []clause{createdBy("CreateImage"), equals(requestedVault, theVault)}, only: ifImages,
		why: "Images are tagged in the call that makes them and at no other time.",
	},
	{
		ops: []string{"image"}, papers: writerPolicy, sid: "ImageOwnCopies",
		actions: []string{"ec2:RegisterImage"}, on: onSnapshots, when: []clause{equals(taggedVault, theVault)}, only: ifImages,
		why: "Images are registered of the vault's own copies only.",
	},
	{
		ops: []string{"image"}, papers: writerPolicy, sid: "RegisterTaggedImages",
		actions: []string{"ec2:RegisterImage"}, on: onNewImages, when: []clause{equals(requestedVault, theVault)}, only: ifImages,
		why: "No image is registered without the tag by which it is later dropped.",
	},
	{
		ops: []string{"image"}, papers: writerPolicy, sid: "TagNewImages",
		actions: []string{"ec2:CreateTags"}, on: onNewImages,
		when: []clause{createdBy("RegisterImage"), equals(requestedVault, theVault)}, only: ifImages,
		why: "Images are tagged in the call that makes them and at no other time.",
	},
	{
		ops: []string{"prune"}, papers: prunerPolicy | vaultPrunerPolicy, sid: "DropOwnImages",
		actions: []string{"ec2:DeregisterImage"}, on: onImages,
		when: []clause{equals("ec2:Owner", theAccount), equals(taggedVault, theVault)}, only: ifImages,
		why: "An image keeps its snapshots from being deleted; only the vault's own are dropped.",
	},
	{
		ops: []string{"lock"}, papers: backupPolicy | writerPolicy, sid: "LockOwn",
		actions: []string{"ec2:LockSnapshot"}, on: onSnapshots,
		when: []clause{equals("ec2:Owner", theAccount), equals(taggedVault, theVault), lockedAtLeast, lockedAtMost}, only: ifLocks,
		why: "Only the vault's own snapshots are locked, neither for no time nor for good; nobody is given the right to unlock.",
	},
	{
		ops: []string{"archive"}, papers: vaultPrunerPolicy, sid: "ArchiveOwn",
		actions: []string{"ec2:ModifySnapshotTier"}, on: onSnapshots,
		when: []clause{equals("ec2:Owner", theAccount), equals(taggedVault, theVault)}, only: ifArchives,
		why: "Only the vault's own copies are moved to the archive; which of them, and how old at least, each call says in its session policy.",
	},
	{
		ops: []string{"restore"}, papers: sharerPolicy, sid: "ThawOwn",
		actions: []string{"ec2:RestoreSnapshotTier"}, on: onSnapshots,
		when: []clause{equals("ec2:Owner", theAccount), equals(taggedVault, theVault)}, only: ifArchives,
		why: "What is in the archive must be brought back before it can be shared and restored.",
	},
	{
		ops: []string{"archive"}, papers: archiveSession, sid: "ArchiveOld",
		actions: []string{"ec2:ModifySnapshotTier"}, on: onSnapshots, when: []clause{equals(taggedVault, theVault), startedBefore},
		why: "A session that archives can delete nothing, and cannot move what is younger.",
	},
	{
		ops: []string{"export"}, papers: exportPolicy, sid: "ReadBlocks",
		actions: []string{"ebs:GetSnapshotBlock", "ebs:ListChangedBlocks", "ebs:ListSnapshotBlocks"}, on: onSnapshots,
		when: []clause{equals(taggedVault, theVault)},
		why:  "Blocks are read of the vault's own copies; what others share has none of the tags of this account.",
	},
	{
		ops: []string{"import"}, papers: importPolicy, sid: "StartTagged",
		actions: []string{"ebs:StartSnapshot"}, on: onNewSnapshots, when: []clause{has(requestedRestore)},
		why: "No snapshot is written without the tag by which its writer may go on. That it is encrypted no condition key tells.",
	},
	{
		ops: []string{"import"}, papers: importPolicy, sid: "TagStarted",
		actions: []string{"ec2:CreateTags"}, on: onNewSnapshots, when: []clause{createdBy("StartSnapshot"), has(requestedRestore)},
		why: "What is written is tagged in the call that starts it and at no other time.",
	},
	{
		ops: []string{"import"}, papers: importPolicy, sid: "WriteBlocks",
		actions: []string{"ebs:CompleteSnapshot", "ebs:PutSnapshotBlock"}, on: onSnapshots, when: []clause{has(taggedRestore)},
		why: "Blocks are written to what an import or a restore has begun and to nothing else.",
	},
	{
		ops: []string{"import"}, papers: importPolicy, sid: "UseKeysThroughEC2",
		actions: []string{"kms:Encrypt"}, on: onKeys, when: []clause{viaEC2},
		why: "Blocks are encrypted as they come.",
	},
	{
		ops: []string{"assume"}, papers: roleTrust, sid: "NamesIdentity", by: byOrchestrator,
		actions: []string{"sts:SetSourceIdentity"}, also: []func(particulars) []Condition{fromOrganization, namedIdentity}, only: ifNamesIdentity,
		why: "Each session says for whom it is, and cannot say otherwise later. The external id is asked for when the role is assumed.",
	},
	{
		ops: []string{"assume"}, papers: roleTrust, sid: "TagsSessions", by: byOrchestrator,
		actions: []string{"sts:TagSession"}, when: []clause{tagsOfSessions, has("aws:TagKeys")},
		also: []func(particulars) []Condition{fromOrganization}, only: ifTagsSessions,
		why: "Sessions carry these tags, for the audit log, and no others that a policy might believe.",
	},
	{
		ops: []string{"assume"}, papers: orchestratorPolicy, sid: "AssumeRolesOfInstallation",
		actions: []string{"sts:SetSourceIdentity"}, on: onAssumed, only: ifNamesIdentity,
		why: "Sessions name for whom they are.",
	},
	{
		ops: []string{"assume"}, papers: orchestratorPolicy, sid: "AssumeRolesOfInstallation",
		actions: []string{"sts:TagSession"}, on: onAssumed, only: ifTagsSessions,
		why: "Sessions carry tags.",
	},
	{
		ops: []string{"export"}, papers: vaultKeyPolicy, sid: "ExporterReadsThroughEC2", by: byExporter,
		actions: []string{"kms:Decrypt"}, on: onAll, when: []clause{equals("kms:CallerAccount", theVault), viaEC2}, only: ifExports,
		why: "Blocks are decrypted by EBS for the export role, and the key is used in no other way.",
	},
	{
		ops: []string{"export"}, papers: vaultKeyPolicy, sid: "ExporterWritesThroughS3", by: byExporter,
		actions: []string{"kms:Decrypt", "kms:GenerateDataKey"}, on: onAll,
		when: []clause{equals("kms:CallerAccount", theVault), viaS3}, only: ifExportsToBucket,
		why: "Objects of the vault's bucket are under the vault's keys; parts of large ones are put together with Decrypt.",
	},
	{
		ops: []string{"manifest"}, papers: vaultKeyPolicy, sid: "WriterWritesThroughS3", by: byWriter,
		actions: []string{"kms:Decrypt", "kms:GenerateDataKey"}, on: onAll,
		when: []clause{equals("kms:CallerAccount", theVault), viaS3}, only: ifManifests,
		why: "Manifests in the vault's bucket are under the vault's keys.",
	},
	{
		ops: []string{"export"}, papers: bucketPolicy, sid: "ExporterWrites", by: byExporter,
		actions: []string{"s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"}, on: onObjects,
		only: ifExports, why: "Exports are written, and read back to be verified.",
	},
	{
		ops: []string{"export"}, papers: bucketPolicy, sid: "ExporterLists", by: byExporter,
		actions: []string{"s3:ListBucket"}, on: onBucket, only: ifExports,
		why: "What is there already is not written again.",
	},
	{
		ops: []string{"manifest"}, papers: bucketPolicy, sid: "WriterKeepsManifests", by: byWriter,
		actions: []string{"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:PutObjectRetention"}, on: onManifests, only: ifManifests,
		why: "What a restore needs beyond blocks is written and locked, and read back to be verified; what was written over it is passed by.",
	},
	{
		ops: []string{"manifest"}, papers: bucketPolicy, sid: "WriterLists", by: byWriter,
		actions: []string{"s3:ListBucket", "s3:ListBucketVersions"}, on: onBucket, only: ifManifests,
		why: "Who may not list is told that access is denied, and not that there is nothing.",
	},
	{
		ops: []string{"own"}, papers: bucketPolicy, sid: "OnlyTheseRoles", deny: true, anyone: true,
		actions: []string{"s3:*"}, on: onBucketAndObjects, when: []clause{notBy(byUsersOfBucket), notService},
		why: "An administrator of the account cannot let himself or others in by IAM policies.",
	},
	{
		ops: []string{"own"}, papers: bucketPolicy, sid: "NeverWeaken", deny: true, anyone: true,
		actions: weakenBucket, on: onBucketAndObjects, when: []clause{notBy(byKeyAdmins)},
		why: "What is written stays: versions, their retention and what guards them; the exporter cannot delete either.",
	},
	{
		ops: []string{"own"}, papers: bucketPolicy, sid: "OnlyVaultKeys", deny: true, anyone: true,
		actions: []string{"s3:PutObject"}, on: onObjects, when: []clause{otherKey, has(objectKey)},
		why: "A key of somebody else's would take the exports away later. Without the header the bucket's own default counts.",
	},
	{
		ops: []string{"own"}, papers: bucketPolicy, sid: "OnlyTLS", deny: true, anyone: true,
		actions: []string{"s3:*"}, on: onBucketAndObjects, when: []clause{isFalse("aws:SecureTransport")},
		why: "Nothing goes over a network in the clear.",
	},
}

// weakenBucket takes versions or what guards them away.
var weakenBucket = []string{
	"s3:BypassGovernanceRetention", "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:DeleteObject", "s3:DeleteObjectVersion",
	"s3:PutBucketAcl", "s3:PutBucketObjectLockConfiguration", "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock",
	"s3:PutBucketVersioning", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration", "s3:PutObjectAcl",
	"s3:PutReplicationConfiguration",
}

// objectKey is the condition key for the KMS key that an object is put under.
const objectKey = "s3:x-amz-server-side-encryption-aws-kms-key-id"

// Resources of the rows.

func onDocuments(p particulars) []string { return p.documents }

func onNewImagesAndSnapshots(p particulars) []string { return p.unowned("image/*", "snapshot/*") }

func onBucket(p particulars) []string { return []string{"arn:" + p.partition + ":s3:::" + p.bucket} }

func onObjects(p particulars) []string {
	return []string{"arn:" + p.partition + ":s3:::" + p.bucket + "/*"}
}

func onManifests(p particulars) []string {
	return []string{"arn:" + p.partition + ":s3:::" + p.bucket + "/manifests/*"}
}

func onBucketAndObjects(p particulars) []string { return append(onBucket(p), onObjects(p)...) }

// Principals of the rows.

func byExporter(p particulars) []string { return []string{p.exporter} }

func byUsersOfBucket(p particulars) []string {
	users := slices.Clone(p.admins)
	if p.export {
		users = append(users, p.exporter)
	}
	if p.manifests {
		users = append(users, p.writer)
	}
	return users
}

// When a row is of use.

func ifQuiesces(p particulars) bool        { return len(p.documents) > 0 }
func ifImages(p particulars) bool          { return p.images }
func ifAttributes(p particulars) bool      { return p.attributes }
func ifLocks(p particulars) bool           { return p.lock != nil }
func ifArchives(p particulars) bool        { return p.archive }
func ifExports(p particulars) bool         { return p.export }
func ifBucket(p particulars) bool          { return p.bucket != "" }
func ifManifests(p particulars) bool       { return p.manifests }
func ifExportsToBucket(p particulars) bool { return p.export && p.bucket != "" }
func ifNamesIdentity(p particulars) bool   { return p.sourceIdentity != "" }
func ifTagsSessions(p particulars) bool    { return len(p.sessionTags) > 0 }

// Conditions of the rows.

// onlyTagged holds for resources that have all the tags.
func onlyTagged(p particulars) (all []Condition) {
	for _, key := range slices.Sorted(maps.Keys(p.onlyTagged)) {
		all = append(all, Condition{Operator: "StringEquals", Key: "aws:ResourceTag/" + key, Values: Of(p.onlyTagged[key])})
	}
	return all
}

// grantOperationsOnly holds if all operations of the grant are listed. Without
// a list they are not tested; without operations it would hold for a grant of
// none, which Null refuses.
func grantOperationsOnly(p particulars) []Condition {
	if len(p.grantOperations) == 0 {
		return nil
	}
	return []Condition{
		{Operator: "ForAllValues:StringEquals", Key: "kms:GrantOperations", Values: listed(p.grantOperations...)},
		{Operator: "Null", Key: "kms:GrantOperations", Values: Of("false")},
	}
}

func fromOrganization(p particulars) []Condition {
	if p.organization == "" {
		return nil
	}
	return []Condition{{Operator: "StringEquals", Key: "aws:PrincipalOrgID", Values: Of(p.organization)}}
}

func namedIdentity(p particulars) []Condition {
	if p.sourceIdentity == "" {
		return nil
	}
	return []Condition{{Operator: "StringLike", Key: "sts:SourceIdentity", Values: Of(p.sourceIdentity)}}
}

func tagsOfSessions(p particulars) Condition {
	return Condition{Operator: "ForAllValues:StringEquals", Key: "aws:TagKeys", Values: listed(p.sessionTags...)}
}

func lockedAtLeast(p particulars) Condition {
	return Condition{Operator: "NumericGreaterThanEquals", Key: "ec2:SnapshotLockDuration", Values: Of(strconv.Itoa(p.lock.Min))}
}

func lockedAtMost(p particulars) Condition {
	return Condition{Operator: "NumericLessThanEquals", Key: "ec2:SnapshotLockDuration", Values: Of(strconv.Itoa(p.lock.Max))}
}

func viaS3(p particulars) Condition {
	return Condition{Operator: "StringLike", Key: "kms:ViaService", Values: Of("s3.*." + dnsSuffix(p.partition))}
}

// notBy is for a Deny: it holds for everyone but these principals, also for
// those who are nobody.
func notBy(who func(particulars) []string) clause {
	return func(p particulars) Condition {
		return Condition{Operator: "ArnNotLike", Key: "aws:PrincipalArn", Values: listed(who(p)...)}
	}
}

// notService lets AWS's own services through a Deny: logs, inventories.
func notService(particulars) Condition {
	return Condition{Operator: "BoolIfExists", Key: "aws:PrincipalIsAWSService", Values: Of("false")}
}

func isFalse(key string) clause {
	return func(particulars) Condition { return Condition{Operator: "Bool", Key: key, Values: Of("false")} }
}

func otherKey(p particulars) Condition {
	return Condition{Operator: "ArnNotEquals", Key: objectKey, Values: listed(p.keys...)}
}
