package iampolicy

// guardCalls are the rows of the guards: service control policies, which hold
// for everyone in an account, its root user included, but not for principals
// of other accounts, service-linked roles and the organization's management
// account (Organizations User Guide, "Service control policies"). They allow
// nothing.
var guardCalls = []engineCall{
	{
		ops: []string{"guard"}, papers: protectedGuard | vaultGuard, sid: "OwnSnapshotsUntouchable", deny: true,
		actions: tamperWithSnapshots, on: onNewSnapshots, when: []clause{equals(taggedVault, theVault), notBy(byFree)},
		why: "What the vault made is not deleted, shared, archived, locked, unlocked or given other tags but by its own roles.",
	},
	{
		ops: []string{"guard"}, papers: protectedGuard | vaultGuard, sid: "TagReserved", deny: true,
		actions: []string{"ebs:StartSnapshot", "ec2:CreateTags"}, on: onNewSnapshots, when: []clause{equals(requestedVault, theVault), notBy(byFree)},
		why: "Nothing else is made to look as if the vault had made it, to be shared or pruned.",
	},
	{
		ops: []string{"guard"}, papers: protectedGuard | vaultGuard, sid: "RolesUntouchable", deny: true,
		actions: changeRoles, on: onGuarded, also: []func(particulars) []Condition{notByDeployers},
		why: "An administrator can neither widen a role, nor assume it by another trust policy, nor take it away; nor make one that the guard would take for it.",
	},
	{
		ops: []string{"guard"}, papers: protectedGuard | vaultGuard, sid: "ManagedPoliciesUntouchable", deny: true,
		actions: []string{"iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:SetDefaultPolicyVersion"},
		on:      onManagedPolicies, also: []func(particulars) []Condition{notByDeployers},
		why: "Roles with too many rights for one document have them from managed policies.",
	},
	{
		ops: []string{"guard"}, papers: vaultGuard, sid: "OrchestratorUntouchable", deny: true,
		actions: changeUser, on: onGuardedUser, also: []func(particulars) []Condition{notByDeployers}, only: ifGuardsUser,
		why: "Who has a key of the orchestrator is the orchestrator.",
	},
	{
		ops: []string{"guard"}, papers: protectedGuard | vaultGuard, sid: "KeysIndestructible", deny: true,
		actions: []string{"kms:DeleteImportedKeyMaterial", "kms:DisableKey", "kms:ScheduleKeyDeletion"}, on: onKeys, only: ifCopies,
		why: "Without its key a snapshot is lost, a locked one too.",
	},
	{
		ops: []string{"guard"}, papers: protectedGuard, sid: "KeyPoliciesKept", deny: true,
		actions: openKey, on: onKeys, also: []func(particulars) []Condition{notByDeployers}, only: ifCopies,
		why: "The key lets the vault read what is shared with it.",
	},
	{
		ops: []string{"guard"}, papers: vaultGuard, sid: "KeyPoliciesKept", deny: true,
		actions: openKey, on: onKeys, when: []clause{notBy(byKeyAdmins)}, only: ifCopies,
		why: "Only the key admins change who may use the key.",
	},
	{
		ops: []string{"guard"}, papers: protectedGuard | vaultGuard, sid: "PublicAccessBlocked", deny: true,
		actions: []string{"ec2:DisableSnapshotBlockPublicAccess", "ec2:EnableSnapshotBlockPublicAccess"}, on: onAll,
		also: []func(particulars) []Condition{notByDeployers},
		why:  "What keeps snapshots from being public is neither switched off nor weakened; set it before the guard.",
	},
	{
		ops: []string{"guard"}, papers: protectedGuard | vaultGuard, sid: "NeverLeave", deny: true,
		actions: []string{"organizations:LeaveOrganization"}, on: onAll,
		why: "Outside the organization no guard holds.",
	},
	{
		ops: []string{"guard"}, papers: vaultGuard, sid: "BucketPolicyKept", deny: true,
		actions: []string{"s3:DeleteBucketPolicy", "s3:PutBucketPolicy"}, on: onBucket, when: []clause{notBy(byKeyAdmins)}, only: ifBucket,
		why: "The account's root user may take a bucket's policy away whatever it says.",
	},
}

// tamperWithSnapshots is what can be done to a snapshot that is there.
var tamperWithSnapshots = []string{
	"ec2:CreateTags", "ec2:DeleteSnapshot", "ec2:DeleteTags", "ec2:LockSnapshot", "ec2:ModifySnapshotAttribute",
	"ec2:ModifySnapshotTier", "ec2:ResetSnapshotAttribute", "ec2:UnlockSnapshot",
}

// changeRoles changes what a role may do, who may assume it, or whether it is
// there.
var changeRoles = []string{
	"iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRole", "iam:DeleteRolePermissionsBoundary", "iam:DeleteRolePolicy",
	"iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy",
}

// changeUser is changeRoles for a user, whose secrets are within reach too.
var changeUser = []string{
	"iam:AttachUserPolicy", "iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:DeleteAccessKey", "iam:DeleteUser",
	"iam:DeleteUserPermissionsBoundary", "iam:DeleteUserPolicy", "iam:DetachUserPolicy", "iam:PutUserPermissionsBoundary",
	"iam:PutUserPolicy", "iam:UpdateAccessKey", "iam:UpdateLoginProfile",
}

// openKey lets others use a key, or those who need it no longer.
var openKey = []string{"kms:PutKeyPolicy", "kms:RevokeGrant"}

// Resources and principals of the rows.

func onGuarded(p particulars) []string     { return p.guarded }
func onGuardedUser(p particulars) []string { return []string{p.guardedUser} }
func byFree(p particulars) []string        { return p.free }

func onManagedPolicies(p particulars) []string {
	return []string{"arn:" + p.partition + ":iam::*:policy/snapkeep-*"}
}

func ifGuardsUser(p particulars) bool { return p.guardedUser != "" }

// notByDeployers holds for everyone if there are none.
func notByDeployers(p particulars) []Condition {
	if len(p.deployers) == 0 {
		return nil
	}
	return []Condition{notBy(func(p particulars) []string { return p.deployers })(p)}
}
