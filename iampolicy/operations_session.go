package iampolicy

// sessionCalls are the rows of the session policies of one plan. A session may
// do what its role may and its session policy says, so these rows say only
// what a plan leaves out of its role's rights, as briefly as that can be said:
// a session policy has 2,048 characters.
var sessionCalls = []engineCall{
	{
		ops: []string{"list", "discover"}, papers: backupSession, sid: "Read",
		actions: []string{"ec2:DescribeInstances", "ec2:DescribeVolumes"}, on: onAll,
		when: []clause{equals("aws:RequestedRegion", theRegions)},
		why:  "The plan looks at its own Regions.",
	},
	{
		ops: []string{"discover"}, papers: backupSession, sid: "UseKeys",
		actions: []string{"kms:DescribeKey"}, on: onAccountKeys,
		why: "Whether a volume's key is one that can be shared, its description tells.",
	},
	{
		ops: []string{"snapshot"}, papers: backupSession, sid: "Snapshot",
		actions: []string{"ec2:CreateSnapshot", "ec2:CreateSnapshots"}, on: onOwn("instance", "volume"),
		when: []clause{equals("aws:RequestedRegion", theRegions)},
		why:  "The plan snapshots in its own Regions.",
	},
	{
		ops: []string{"snapshot"}, papers: backupSession, sid: "MakeForPlan",
		actions: []string{"ec2:CreateSnapshot", "ec2:CreateSnapshots"}, on: onNewSnapshots, when: []clause{equals(requestedPlan, thePlan)},
		why: "What is made is marked as the plan's.",
	},
	{
		ops: []string{"snapshot", "copy"}, papers: backupSession, sid: "TagForPlan",
		actions: []string{"ec2:CreateTags"}, on: onNewSnapshots,
		when: []clause{createdBy("CopySnapshot", "CreateSnapshot", "CreateSnapshots"), equals(requestedPlan, thePlan)},
		why:  "It is marked in the call that makes it.",
	},
	{
		ops: []string{"share", "revoke"}, papers: backupSession | sharerSession, sid: "ShareOfPlan",
		actions: []string{"ec2:ModifySnapshotAttribute"}, on: onSnapshots, when: []clause{equals(taggedPlan, thePlan)},
		why: "Snapshots of other plans are shared by those.",
	},
	{
		ops: []string{"list", "prune"}, papers: backupSession | writerSession, sid: "Read",
		actions: []string{
			"ec2:DescribeImages", "ec2:DescribeLockedSnapshots", "ec2:DescribeSnapshotTierStatus", "ec2:DescribeSnapshots",
			"ec2:ListSnapshotsInRecycleBin",
		}, on: onAll, when: []clause{equals("aws:RequestedRegion", theRegions)},
		why: "The plan looks at its own Regions.",
	},
	{
		ops: []string{"copy"}, papers: backupSession | writerSession, sid: "CopyFromSources",
		actions: []string{"ec2:CopySnapshot"}, on: onSnapshots, when: []clause{equals("ec2:Owner", theSources)}, only: ifCopies,
		why: "The plan copies from its own accounts.",
	},
	{
		ops: []string{"copy"}, papers: backupSession | writerSession, sid: "CopyForPlan",
		actions: []string{"ec2:CopySnapshot"}, on: onNewCopies,
		when: []clause{equals(requestedPlan, thePlan), equals("aws:RequestedRegion", theRegions)}, only: ifCopies,
		why: "Copies are marked as the plan's and are made in its Regions.",
	},
	{
		ops: []string{"copy"}, papers: writerSession, sid: "TagForPlan",
		actions: []string{"ec2:CreateTags"}, on: onNewSnapshots, when: []clause{createdBy("CopySnapshot"), equals(requestedPlan, thePlan)}, only: ifCopies,
		why: "Copies are marked in the call that makes them.",
	},
	{
		ops: []string{"copy"}, papers: backupSession, sid: "UseKeys",
		actions: useKey, on: onAccountKeys, only: ifCopies,
		why: "A rekey reads under the key aws/ebs, whose id nobody knows beforehand; what it writes under, and that EC2 does it, the role says.",
	},
	{
		ops: []string{"copy"}, papers: backupSession, sid: "GrantKeys",
		actions: []string{"kms:CreateGrant"}, on: onAccountKeys, when: []clause{isTrue("kms:GrantIsForAWSResource")}, only: ifCopies,
		why: "EC2 works on by a grant.",
	},
	{
		ops: []string{"copy"}, papers: writerSession, sid: "UseKeysOfPlan",
		actions: append([]string{"kms:CreateGrant"}, useKey...), on: onKeys, only: ifCopies,
		why: "The plan copies from and to these keys.",
	},
	{
		ops: []string{"copy"}, papers: writerSession, sid: "UseKeysOfPlan",
		actions: []string{"kms:DescribeKey"}, on: onKeys, only: ifCopies,
		why: "They are looked at first.",
	},
	{
		ops: []string{"lock"}, papers: writerSession, sid: "LockOfPlan",
		actions: []string{"ec2:LockSnapshot"}, on: onSnapshots, when: []clause{equals(taggedPlan, thePlan)}, only: ifLocks,
		why: "A plan locks what is its own; for how long, the role says.",
	},
	{
		ops: []string{"lock"}, papers: backupSession, sid: "ShareOfPlan",
		actions: []string{"ec2:LockSnapshot"}, on: onSnapshots, when: []clause{equals(taggedPlan, thePlan)}, only: ifLocks,
		why: "A plan locks what is its own; for how long, the role says.",
	},
	{
		ops: []string{"prune"}, papers: deleterSession, sid: "DeleteOldOfPlan",
		actions: []string{"ec2:DeleteSnapshot"}, on: onSnapshots,
		when: []clause{equals(taggedVault, theVault), equals(taggedPlan, thePlan), startedBefore},
		why:  "A plan's prune deletes what is the plan's and older than the minimum age.",
	},
}

// Condition keys for the tag of a plan.
const (
	requestedPlan = "aws:RequestTag/" + TagPlan
	taggedPlan    = "aws:ResourceTag/" + TagPlan
)

func thePlan(p particulars) []string { return []string{p.plan} }
