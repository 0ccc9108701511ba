package iampolicy

import "slices"

// This file is the one place that says what the engine may do. Each row of
// engineCalls reads: for these operations these documents allow these actions,
// on these resources, under these conditions, because. All roles, trust
// policies, key policies and session policies are written from it.
//
// The resources and condition keys that an action has are those of the Service
// Authorization Reference ("Actions, resources, and condition keys for Amazon
// EC2", "… for AWS Key Management Service"). What a copy needs of its keys is
// from the EBS User Guide, "Share the KMS key used to encrypt a shared Amazon
// EBS snapshot" and "Copy an Amazon EBS snapshot".

// A paper is a set of generated documents.
type paper uint32

const (
	backupPolicy paper = 1 << iota
	prunerPolicy
	writerPolicy
	vaultPrunerPolicy
	sharerPolicy
	restorePolicy
	roleTrust
	orchestratorPolicy
	sourceKeyPolicy
	vaultKeyPolicy
	restoreKeyPolicy
	pruneSession
	cleanupSession
	exportPolicy
	importPolicy
	bucketPolicy
	protectedGuard
	vaultGuard
	backupSession
	writerSession
	sharerSession
	deleterSession
	archiveSession
)

// paperNames are in the order of the constants.
var paperNames = []string{
	roleBackup, rolePruner, roleWriter, roleVaultPruner, roleSharer, roleRestore,
	"trust policies", "orchestrator", "source key policy", "vault key policy", "restore key policy",
	"prune session", "cleanup session", roleExport, roleImport, "vault bucket policy", "protected guard", "vault guard",
	"backup plan session", "vault writer plan session", "vault sharer plan session", "pruner plan session", "archive session",
}

// An engineCall is one row of the table.
type engineCall struct {
	ops    []string
	papers paper
	// sid of the statement. Rows of one document with the same sid make one
	// statement and differ in their actions only.
	sid     string
	deny    bool
	by      func(particulars) []string // principals; nil in identity policies
	anyone  bool                       // the principal "*"
	actions []string
	on      func(particulars) []string // resources; nil in trust policies
	when    []clause                   // all must hold
	// also holds conditions of which an installation may have any number.
	also []func(particulars) []Condition
	only func(particulars) bool // when the row is of use; nil means always
	why  string
}

// An Operation is something the engine does, and one statement that it needs.
type Operation struct {
	// Name of the operation, such as "copy".
	Name string
	// Document is the name of a role, or "vault key policy" and the like.
	Document string
	// Statement is the Sid in that document.
	Statement string
	Effect    Effect   // Deny for what the engine must be refused
	Actions   []string // such as "ec2:CopySnapshot"
	// Reason why the engine needs it, or must be refused it.
	Reason string
}

// Operations returns the table that all documents are generated from, by
// document: what each operation of the engine needs, and why. An installation's
// documents leave out the statements it has no use for.
func Operations() []Operation {
	var all []Operation
	for n, name := range paperNames {
		for _, row := range calls() {
			if row.papers&(1<<n) == 0 {
				continue
			}
			for _, op := range row.ops {
				all = append(all, Operation{
					Name: op, Document: name, Statement: row.sid, Effect: row.effect(),
					Actions: slices.Clone(row.actions), Reason: row.why,
				})
			}
		}
	}
	return all
}

// calls is the whole table.
func calls() []engineCall { return slices.Concat(engineCalls, optionCalls, guardCalls, sessionCalls) }

// useKey are the actions that EC2 makes with a key on the caller's behalf when
// it copies an encrypted snapshot, beside kms:DescribeKey and kms:CreateGrant.
var useKey = []string{
	"kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo",
}

// administerKey leaves out whatever takes a key out of use.
var administerKey = []string{
	"kms:CancelKeyDeletion", "kms:DescribeKey", "kms:EnableKey", "kms:EnableKeyRotation", "kms:GetKeyPolicy",
	"kms:GetKeyRotationStatus", "kms:ListGrants", "kms:ListKeyPolicies", "kms:ListResourceTags", "kms:PutKeyPolicy",
	"kms:TagResource", "kms:UpdateKeyDescription",
}

// Condition keys for our tags.
const (
	requestedVault   = "aws:RequestTag/" + TagVault
	taggedVault      = "aws:ResourceTag/" + TagVault
	requestedRestore = "aws:RequestTag/" + TagRestore
	taggedRestore    = "aws:ResourceTag/" + TagRestore
	taggedRun        = "aws:ResourceTag/" + TagRun
)

var engineCalls = []engineCall{
	{
		ops: []string{"list"}, papers: backupPolicy | writerPolicy | restorePolicy | exportPolicy | importPolicy, sid: "Describe",
		actions: []string{"ec2:DescribeSnapshots"}, on: onAll, when: []clause{equals("aws:RequestedRegion", theRegions)},
		why: "The state of a run and the catalog are read from the snapshots' tags.",
	},
	{
		ops: []string{"discover"}, papers: backupPolicy, sid: "Describe",
		actions: []string{"ec2:DescribeInstanceTypes", "ec2:DescribeInstances", "ec2:DescribeVolumes"}, on: onAll,
		when: []clause{equals("aws:RequestedRegion", theRegions)},
		why:  "Plans select instances and volumes by id and tag, and instance stores are named; these calls know no resources, only Regions.",
	},
	{
		ops: []string{"prune"}, papers: backupPolicy | writerPolicy, sid: "Describe",
		actions: []string{
			"ec2:DescribeImages", "ec2:DescribeLockedSnapshots", "ec2:DescribeSnapshotTierStatus", "ec2:ListSnapshotsInRecycleBin",
		},
		on: onAll, when: []clause{equals("aws:RequestedRegion", theRegions)},
		why: "What images, locks and the archive hold is not planned to go, and what went to the Recycle Bin is told.",
	},
	{
		ops: []string{"restore"}, papers: restorePolicy, sid: "Describe",
		actions: []string{"ec2:DescribeImages", "ec2:DescribeInstances", "ec2:DescribeVolumes"}, on: onAll,
		when: []clause{equals("aws:RequestedRegion", theRegions)},
		why:  "A restore is followed until its volumes and instances are there.",
	},
	{
		ops: []string{"discover"}, papers: backupPolicy, sid: "InspectKeys",
		actions: []string{"kms:DescribeKey"}, on: onAccountKeys,
		why: "Snapshots under the AWS-managed key aws/ebs cannot be shared; only the key's description tells it from a customer key.",
	},
	{
		ops: []string{"snapshot"}, papers: backupPolicy, sid: "SnapshotVolumes",
		actions: []string{"ec2:CreateSnapshot", "ec2:CreateSnapshots"}, on: onOwn("volume"),
		when: []clause{equals("aws:RequestedRegion", theRegions)}, also: []func(particulars) []Condition{onlyTagged},
		why: "A snapshot is asked for of each volume it reads, where the account is backed up.",
	},
	{
		ops: []string{"snapshot"}, papers: backupPolicy, sid: "SnapshotInstances",
		actions: []string{"ec2:CreateSnapshots"}, on: onOwn("instance"), also: []func(particulars) []Condition{onlyTagged},
		why: "All volumes of an instance are snapshotted at one moment, which is asked for of the instance too.",
	},
	{
		ops: []string{"snapshot"}, papers: backupPolicy, sid: "MakeTaggedSnapshots",
		actions: []string{"ec2:CreateSnapshot", "ec2:CreateSnapshots"}, on: onNewSnapshots,
		when: []clause{equals(requestedVault, theVault)},
		why:  "No snapshot is made without the tag by which it is later shared and pruned.",
	},
	{
		ops: []string{"snapshot"}, papers: backupPolicy, sid: "TagNewSnapshots",
		actions: []string{"ec2:CreateTags"}, on: onNewSnapshots,
		when: []clause{createdBy("CreateSnapshot", "CreateSnapshots"), equals(requestedVault, theVault)},
		why:  "Tags are set in the call that makes a snapshot and at no other time: who could tag what exists could have it shared or deleted.",
	},
	{
		ops: []string{"share"}, papers: backupPolicy | sharerPolicy, sid: "ShareOwn",
		actions: []string{"ec2:ModifySnapshotAttribute"}, on: onSnapshots,
		when: []clause{equals(taggedVault, theVault), equals("ec2:Add/userId", theGrantees)},
		why:  "Only the vault's own snapshots are shared, and only with the accounts that are to copy them.",
	},
	{
		ops: []string{"revoke"}, papers: backupPolicy | sharerPolicy, sid: "RevokeOwn",
		actions: []string{"ec2:ModifySnapshotAttribute"}, on: onSnapshots,
		when: []clause{equals(taggedVault, theVault), equals("ec2:Remove/userId", theGrantees)},
		why:  "A share is taken back as soon as the copy is verified; other shares are not ours to take.",
	},
	{
		ops: []string{"share", "revoke"}, papers: backupPolicy | sharerPolicy, sid: "NeverPublic", deny: true,
		actions: []string{"ec2:ModifySnapshotAttribute"}, on: onAll, when: []clause{has("ec2:Add/group")},
		why: "A call that shares with an account could share with everyone as well.",
	},
	{
		ops: []string{"share", "revoke"}, papers: backupPolicy | sharerPolicy, sid: "NeverToOthers", deny: true,
		actions: []string{"ec2:ModifySnapshotAttribute"}, on: onAll, when: []clause{sharedWithOthers},
		why: "A call that names several accounts, or takes one share back and gives another, must not slip a stranger in.",
	},
	{
		ops: []string{"copy"}, papers: backupPolicy | writerPolicy | restorePolicy, sid: "CopySource",
		actions: []string{"ec2:CopySnapshot"}, on: onSnapshots, when: []clause{equals("ec2:Owner", theSources)}, only: ifCopies,
		why: "The source of a copy cannot be told by its tags, but by its owner: nothing is copied that a stranger shares.",
	},
	{
		ops: []string{"copy"}, papers: backupPolicy | writerPolicy, sid: "MakeTaggedCopies",
		actions: []string{"ec2:CopySnapshot"}, on: onNewCopies,
		when: []clause{equals(requestedVault, theVault), isTrue("ec2:Encrypted"), equals("aws:RequestedRegion", theRegions)}, only: ifCopies,
		why: "Copies are encrypted and carry the tag by which they are later shared and pruned.",
	},
	{
		ops: []string{"copy"}, papers: backupPolicy | writerPolicy, sid: "TagNewCopies",
		actions: []string{"ec2:CreateTags"}, on: onNewSnapshots,
		when: []clause{createdBy("CopySnapshot"), equals(requestedVault, theVault)}, only: ifCopies,
		why: "Copies are tagged in the call that makes them and at no other time.",
	},
	{
		ops: []string{"copy"}, papers: restorePolicy, sid: "MakeRestoreCopies",
		actions: []string{"ec2:CopySnapshot"}, on: onNewCopies, when: []clause{has(requestedRestore), isTrue("ec2:Encrypted")},
		why: "What the vault shares is first copied under a key of this account, so that nothing restored depends on the vault.",
	},
	{
		ops: []string{"copy", "restore"}, papers: restorePolicy, sid: "TagWhatIsMade",
		actions: []string{"ec2:CreateTags"}, on: onWhatRestoresMake,
		when: []clause{createdBy("CopySnapshot", "CreateVolume", "RegisterImage", "RunInstances"), has(requestedRestore)},
		why:  "What a restore makes is tagged in the call that makes it and at no other time.",
	},
	{
		ops: []string{"restore"}, papers: restorePolicy, sid: "UseRestoreCopies",
		actions: []string{"ec2:CreateVolume", "ec2:RegisterImage"}, on: onSnapshots, when: []clause{has(taggedRestore)},
		why: "Volumes and images are made of the restore's own copies only.",
	},
	{
		ops: []string{"restore"}, papers: restorePolicy, sid: "MakeVolumes",
		actions: []string{"ec2:CreateVolume"}, on: onOwn("volume"), when: []clause{has(requestedRestore), isTrue("ec2:Encrypted")},
		why: "Restored volumes are encrypted and marked.",
	},
	{
		ops: []string{"restore"}, papers: restorePolicy, sid: "MakeImages",
		actions: []string{"ec2:RegisterImage"}, on: onNewImages, when: []clause{has(requestedRestore)},
		why: "An instance starts from an image of the restored root volume.",
	},
	{
		ops: []string{"restore"}, papers: restorePolicy, sid: "DropImages",
		actions: []string{"ec2:DeregisterImage"}, on: onImages, when: []clause{has(taggedRestore)},
		why: "The image is of no use once the instance runs, and keeps the copies from being deleted.",
	},
	{
		ops: []string{"restore"}, papers: restorePolicy, sid: "RunRestoredImages",
		actions: []string{"ec2:RunInstances"}, on: onImages, when: []clause{equals("ec2:Owner", theAccount), has(taggedRestore)},
		why: "Instances start from the restore's own images only.",
	},
	{
		ops: []string{"restore"}, papers: restorePolicy, sid: "MakeInstances",
		actions: []string{"ec2:RunInstances"}, on: onOwn("instance", "volume"), when: []clause{has(requestedRestore)},
		why: "Restored instances and their volumes are marked.",
	},
	{
		ops: []string{"restore"}, papers: restorePolicy, sid: "PlaceInstances",
		actions: []string{"ec2:RunInstances"}, on: onOwn("key-pair", "network-interface", "security-group", "subnet"),
		why: "Where an instance starts is the caller's choice, within the account.",
	},
	{
		ops: []string{"restore"}, papers: restorePolicy, sid: "PassListedRoles",
		actions: []string{"iam:PassRole"}, on: onPassRoles, when: []clause{passedToEC2}, only: ifPasses,
		why: "A restored instance gets the role it had, if that is one of those listed.",
	},
	{
		ops: []string{"restore"}, papers: restorePolicy, sid: "DeleteRestoreCopies",
		actions: []string{"ec2:DeleteSnapshot"}, on: onSnapshots, when: []clause{equals("ec2:Owner", theAccount), has(taggedRestore)},
		why: "The restore's own copies are of no use once the volumes are made.",
	},
	{
		ops: []string{"prune", "clean up"}, papers: prunerPolicy | vaultPrunerPolicy, sid: "DeleteOwn",
		actions: []string{"ec2:DeleteSnapshot"}, on: onSnapshots, when: []clause{equals("ec2:Owner", theAccount), equals(taggedVault, theVault)},
		why: "Only the vault's own snapshots are deleted; which of them, and how old at least, each prune says in its session policy.",
	},
	{
		ops: []string{"prune"}, papers: pruneSession, sid: "DeleteOld",
		actions: []string{"ec2:DeleteSnapshot"}, on: onSnapshots, when: []clause{equals(taggedVault, theVault), startedBefore},
		why: "A prune cannot delete what is younger than the minimum age, whatever it believes of a snapshot.",
	},
	{
		ops: []string{"clean up"}, papers: cleanupSession, sid: "DeleteOfRun",
		actions: []string{"ec2:DeleteSnapshot"}, on: onSnapshots, when: []clause{equals(taggedVault, theVault), equals(taggedRun, theRun)},
		why: "Failed copies and intermediates are young; what else is young is safe since it is of another run.",
	},
	{
		ops: []string{"prune"}, papers: pruneSession, sid: "DropImages",
		actions: []string{"ec2:DeregisterImage"}, on: onImages, when: []clause{equals(taggedVault, theVault)},
		why: "The image of a point goes before its snapshots. No condition key tells how old it is; without it the snapshots remain.",
	},
	{
		ops: []string{"clean up"}, papers: cleanupSession, sid: "DropImagesOfRun",
		actions: []string{"ec2:DeregisterImage"}, on: onImages, when: []clause{equals(taggedVault, theVault), equals(taggedRun, theRun)},
		why: "An image that AWS bills as something else is of no use, and could be taken for one that is.",
	},
	{
		ops: []string{"copy"}, papers: writerPolicy | restorePolicy | importPolicy, sid: "DescribeKeys",
		actions: []string{"kms:DescribeKey"}, on: onKeys,
		why: "EC2 asks for it when a copy names a key, and so does the engine itself: kms:ViaService would not hold then.",
	},
	{
		ops: []string{"copy"}, papers: backupPolicy | writerPolicy | restorePolicy | importPolicy, sid: "GrantKeysToEC2",
		actions: []string{"kms:CreateGrant"}, on: onKeys, when: []clause{isTrue("kms:GrantIsForAWSResource"), viaEC2},
		also: []func(particulars) []Condition{grantOperationsOnly}, only: ifCopies,
		why: "EC2 works on after the call has returned, by a grant; nobody else is granted anything.",
	},
	{
		ops: []string{"copy"}, papers: backupPolicy | writerPolicy | restorePolicy | importPolicy, sid: "UseKeysThroughEC2",
		actions: useKey, on: onKeys, when: []clause{viaEC2}, only: ifCopies,
		why: "Copies are read and written under these keys by EC2; the role itself cannot decrypt anything.",
	},
	{
		ops: []string{"assume"}, papers: roleTrust, sid: "Orchestrator", by: byOrchestrator,
		actions: []string{"sts:AssumeRole"}, when: []clause{equals("sts:ExternalId", theExternalID)},
		also: []func(particulars) []Condition{fromOrganization, namedIdentity},
		why:  "One principal of the vault account assumes the role, and only on behalf of this account: the external id tells.",
	},
	{
		ops: []string{"assume"}, papers: orchestratorPolicy, sid: "AssumeRolesOfInstallation",
		actions: []string{"sts:AssumeRole"}, on: onAssumed,
		why: "The orchestrator has no right but to become one of the roles.",
	},
	{
		ops: []string{"own"}, papers: sourceKeyPolicy | restoreKeyPolicy, sid: "OwnAccount", by: byRoot,
		actions: []string{"kms:*"}, on: onAll,
		why: "The key is its account's; that account's IAM policies decide. It is the statement AWS gives every key.",
	},
	{
		ops: []string{"own"}, papers: vaultKeyPolicy, sid: "Administer", by: byKeyAdmins,
		actions: administerKey, on: onAll,
		why: "Somebody must be able to change this policy; they cannot use the key, disable or delete it.",
	},
	{
		ops: []string{"copy"}, papers: sourceKeyPolicy | vaultKeyPolicy, sid: "WriterDescribes", by: byWriter,
		actions: []string{"kms:DescribeKey"}, on: onAll,
		why: "The vault writer and EC2 for it look at the key before it is used.",
	},
	{
		ops: []string{"copy"}, papers: sourceKeyPolicy | vaultKeyPolicy, sid: "WriterGrantsToEC2", by: byWriter,
		actions: []string{"kms:CreateGrant"}, on: onAll, when: []clause{isTrue("kms:GrantIsForAWSResource"), viaEC2},
		also: []func(particulars) []Condition{grantOperationsOnly},
		why:  "EC2 works on after the call has returned, by a grant; nobody else is granted anything.",
	},
	{
		ops: []string{"copy"}, papers: sourceKeyPolicy | vaultKeyPolicy, sid: "WriterUsesThroughEC2", by: byWriter,
		actions: useKey, on: onAll, when: []clause{equals("kms:CallerAccount", theVault), viaEC2},
		why: "Copies are read and written by EC2 for the vault writer, and the key is used in no other way.",
	},
	{
		ops: []string{"copy"}, papers: vaultKeyPolicy, sid: "RestorersDescribe", by: byRestorers,
		actions: []string{"kms:DescribeKey"}, on: onAll, only: ifRestores,
		why: "Restore roles and EC2 for them look at the key before it is used.",
	},
	{
		ops: []string{"copy"}, papers: vaultKeyPolicy, sid: "RestorersGrantToEC2", by: byRestorers,
		actions: []string{"kms:CreateGrant"}, on: onAll, when: []clause{isTrue("kms:GrantIsForAWSResource"), viaEC2},
		also: []func(particulars) []Condition{grantOperationsOnly}, only: ifRestores,
		why: "EC2 reads the shared copy by a grant; nobody else is granted anything.",
	},
	{
		ops: []string{"copy"}, papers: vaultKeyPolicy, sid: "RestorersUseThroughEC2", by: byRestorers,
		actions: useKey, on: onAll, when: []clause{equals("kms:CallerAccount", theRestorersOwn), viaEC2}, only: ifRestores,
		why: "Shared copies are read by EC2 for the restore roles; which of them, the sharer decides.",
	},
	{
		ops: []string{"own"}, papers: vaultKeyPolicy, sid: "NeverDestroy", deny: true, anyone: true,
		actions: []string{"kms:DeleteImportedKeyMaterial", "kms:DisableKey", "kms:ScheduleKeyDeletion"}, on: onAll,
		why: "Without the key every copy is lost, locked ones too.",
	},
}
