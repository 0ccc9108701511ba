package iampolicy_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// A request is one row of the table of what must be allowed and what must not.
type request struct {
	name     string
	who      string // a role's name and account, or an outsider below
	action   string
	resource string
	owner    string   // of a key or role; empty means the caller's account. Snapshots have no policy that could let others in: EC2 itself knows whom they are shared with
	keys     []string // condition keys and their values, in pairs; a key given twice has two values
	policy   string   // document that is the resource's own policy
	session  string   // document that narrows the session
	want     bool
}

// outsiders are principals that are none of our roles. Those with everything
// in their account stand for its administrators, or who has taken it over.
var outsiders = map[string]iampolicy.Principal{
	"orchestrator":           {ARN: "arn:aws:sts::999999999999:assumed-role/orchestrator/run", RoleARN: "arn:aws:iam::999999999999:role/backup/orchestrator"},
	"key-admin":              {ARN: "arn:aws:sts::999999999999:assumed-role/key-admin/alice"},
	"key-admin-2":            {ARN: "arn:aws:sts::999999999999:assumed-role/key-admin-2/bob"},
	"vault admin":            {ARN: "arn:aws:sts::999999999999:assumed-role/admin/eve"},
	"vault root":             {ARN: "arn:aws:iam::999999999999:root"},
	"protected admin":        {ARN: "arn:aws:sts::111111111111:assumed-role/admin/eve"},
	"restore admin":          {ARN: "arn:aws:sts::555555555555:assumed-role/admin/eve"},
	"orchestrator unbound":   {ARN: "arn:aws:sts::999999999999:assumed-role/orchestrator/run", RoleARN: "arn:aws:iam::999999999999:role/backup/orchestrator"},
	"drill admin":            {ARN: "arn:aws:sts::666666666666:assumed-role/admin/eve"},
	"drill restorer unbound": {ARN: "arn:aws:sts::666666666666:assumed-role/snapkeep-restore/snapkeep"},
	"writer unbound":         {ARN: "arn:aws:sts::999999999999:assumed-role/snapkeep-vault-writer/snapkeep"},
	"restorer unbound":       {ARN: "arn:aws:sts::555555555555:assumed-role/snapkeep-restore/snapkeep"},
	"stranger":               {ARN: "arn:aws:sts::333333333333:assumed-role/admin/eve"},
}

var everythingAllowed = document(statement("All", nil, "*", "*"))

// judge puts a row to the evaluator, with the documents as given.
func (r request) judge(docs map[string]*iampolicy.Document) iampolicy.Decision {
	return iampolicy.Evaluate(r.asked(), r.policies(docs))
}

func (r request) asked() iampolicy.Request {
	context := map[string][]string{}
	given := map[string]bool{}
	for n := 0; n < len(r.keys); n += 2 {
		if key := r.keys[n]; !given[key] {
			given[key], context[key] = true, nil
		}
		context[r.keys[n]] = append(context[r.keys[n]], r.keys[n+1])
	}
	if parts := strings.Split(r.resource, ":"); len(parts) > 3 && parts[3] != "" && context["aws:RequestedRegion"] == nil {
		context["aws:RequestedRegion"] = []string{strings.Replace(parts[3], "*", "us-east-1", 1)}
	}
	principal, outside := outsiders[r.who]
	if !outside {
		name, account, _ := strings.Cut(r.who, ".")
		principal.ARN = "arn:aws:sts::" + account + ":assumed-role/" + name + "/snapkeep"
	}
	if strings.HasPrefix(r.action, "kms:") && context["kms:CallerAccount"] == nil {
		context["kms:CallerAccount"] = []string{strings.Split(principal.ARN, ":")[4]}
	}
	return iampolicy.Request{
		Principal: principal, Action: r.action, Resource: r.resource, ResourceAccount: r.owner, Context: context,
	}
}

func (r request) policies(docs map[string]*iampolicy.Document) iampolicy.PolicySet {
	set := iampolicy.PolicySet{Resource: docs[r.policy], Session: docs[r.session]}
	switch {
	case docs[r.who] != nil:
		set.Identity = []*iampolicy.Document{docs[r.who]}
	case strings.HasPrefix(r.who, "key-admin"):
		// The key policy alone gives them what they have.
	default:
		set.Identity = []*iampolicy.Document{everythingAllowed}
	}
	return set
}

func tableDocuments(t testing.TB) map[string]*iampolicy.Document {
	t.Helper()
	return withOthers(documents(t, installation()))
}

// withOthers adds documents that are not ours: a key policy as AWS makes it for
// the vault's keys, the vault's with such a statement beside it, and keys and
// roles that let everyone in.
func withOthers(docs map[string]*iampolicy.Document) map[string]*iampolicy.Document {
	docs = maps.Clone(docs)
	vaultRoot := &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of("arn:aws:iam::999999999999:root")}}
	anyone := &iampolicy.Principals{Any: true}
	delegation := statement("OwnAccount", vaultRoot, "kms:*", "*")
	docs["delegating vault key"] = document(delegation)
	docs["vault-key and delegation"] = document(append(slices.Clone(docs["vault-key"].Statements), delegation)...)
	docs["open key"] = document(statement("Open", anyone, "kms:*", "*"))
	docs["open trust"] = document(statement("Open", vaultRoot, "sts:*"))
	docs["open role"] = document(statement("Open", anyone, "sts:*"))
	return docs
}

func document(statements ...iampolicy.Statement) *iampolicy.Document {
	return &iampolicy.Document{Version: iampolicy.Version, Statements: statements}
}

func statement(sid string, who *iampolicy.Principals, action string, resources ...string) iampolicy.Statement {
	return iampolicy.Statement{Sid: sid, Effect: iampolicy.Allow, Principal: who, Actions: iampolicy.Of(action), Resources: iampolicy.Of(resources...)}
}

func TestRequestsAreAllowedOrDenied(t *testing.T) {
	docs := tableDocuments(t)
	allowed, denied, names := 0, 0, map[string]bool{}
	for _, r := range requests() {
		require.False(t, names[r.name], "two rows are named %q", r.name)
		names[r.name] = true
		for _, doc := range []string{r.policy, r.session} {
			require.True(t, doc == "" || docs[doc] != nil, "%s: no document %q", r.name, doc)
		}
		require.True(t, docs[r.who] != nil || outsiders[r.who].ARN != "", "%s: nobody is %q", r.name, r.who)
		got := r.judge(docs)
		require.Equal(t, r.want, got.Outcome == iampolicy.Allowed, "%s: %v", r.name, got)
		require.NotEqual(t, iampolicy.Unknown, got.Outcome, r.name)
		if r.want {
			allowed++
		} else {
			denied++
		}
	}
	require.Greater(t, allowed, 100)
	require.Greater(t, denied, 100)
	t.Logf("%d requests allowed, %d denied", allowed, denied)
}

// dangerous actions are in no role's policy: they destroy, give away, unlock,
// weaken a guard, or lead to more rights than the role has.
var dangerous = []string{
	"ec2:ResetSnapshotAttribute", "ec2:UnlockSnapshot", "ec2:ModifySnapshotTier", "ec2:RestoreSnapshotTier", "ec2:DeleteTags",
	"ec2:DeleteVolume", "ec2:DetachVolume", "ec2:ModifyVolume", "ec2:TerminateInstances", "ec2:StopInstances",
	"ec2:ModifyInstanceAttribute", "ec2:ModifyImageAttribute", "ec2:CopyImage", "ec2:CreateImage", "ec2:CreateStoreImageTask",
	"ec2:ExportImage", "ec2:CreateReplaceRootVolumeTask", "ec2:AssociateIamInstanceProfile", "ec2:ReplaceIamInstanceProfileAssociation",
	"ec2:DisableSnapshotBlockPublicAccess", "ec2:DisableImageBlockPublicAccess", "ec2:DisableEbsEncryptionByDefault",
	"ec2:ModifyEbsDefaultKmsKeyId", "ec2:DisableFastSnapshotRestores", "ec2:RestoreSnapshotFromRecycleBin",
	"ebs:GetSnapshotBlock", "ebs:ListSnapshotBlocks", "ebs:ListChangedBlocks", "ebs:StartSnapshot", "ebs:PutSnapshotBlock",
	"rbin:DeleteRule", "rbin:UpdateRule", "rbin:UnlockRule",
	"kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:PutKeyPolicy", "kms:RevokeGrant", "kms:RetireGrant", "kms:Encrypt",
	"kms:DeleteImportedKeyMaterial", "kms:CreateKey", "kms:DeleteAlias", "kms:UpdateAlias", "kms:ReplicateKey",
	"iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:DeleteRolePolicy",
	"iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:CreateAccessKey", "iam:AddRoleToInstanceProfile",
	"iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary", "iam:CreateServiceLinkedRole", "iam:UpdateRole",
	"sts:AssumeRole", "sts:AssumeRoot", "sts:GetFederationToken", "sts:TagSession", "sts:SetSourceIdentity",
	"lambda:CreateFunction", "lambda:InvokeFunction", "ssm:SendCommand", "ssm:StartSession", "cloudformation:CreateStack",
	"organizations:LeaveOrganization", "organizations:DetachPolicy", "cloudtrail:StopLogging", "backup:DeleteRecoveryPoint",
	"s3:GetObject", "s3:PutBucketPolicy", "secretsmanager:GetSecretValue",
}

func TestNoRoleHasADangerousAction(t *testing.T) {
	roles, err := installation().Roles()
	require.NoError(t, err)
	alsoNot := map[string][]string{ // allowed to others under conditions
		"backup":       {"ec2:DeleteSnapshot", "ec2:LockSnapshot", "ec2:CreateVolume", "ec2:RunInstances", "iam:PassRole"},
		"pruner":       {"ec2:CreateTags", "ec2:ModifySnapshotAttribute", "ec2:CopySnapshot", "ec2:DescribeSnapshots", "kms:Decrypt", "iam:PassRole"},
		"vault-writer": {"ec2:DeleteSnapshot", "ec2:ModifySnapshotAttribute", "ec2:CreateVolume", "ec2:RunInstances", "iam:PassRole"},
		"vault-pruner": {"ec2:CreateTags", "ec2:ModifySnapshotAttribute", "ec2:CopySnapshot", "ec2:DescribeSnapshots", "kms:Decrypt", "iam:PassRole"},
		"vault-sharer": {"ec2:CreateTags", "ec2:DeleteSnapshot", "ec2:CopySnapshot", "ec2:CreateVolume", "kms:Decrypt", "iam:PassRole"},
		"restore":      {"ec2:ModifySnapshotAttribute", "ec2:LockSnapshot", "ec2:CreateSnapshot"},
	}
	for _, role := range roles {
		require.NotEmpty(t, alsoNot[role.Purpose])
		for _, action := range append(alsoNot[role.Purpose], dangerous...) {
			for _, s := range role.Policy.Statements {
				if s.Effect == iampolicy.Allow {
					require.NotContains(t, s.Actions.Values, action, "%s: %s", role.Name, s.Sid)
				}
			}
			// All tags and keys that could open a condition are there.
			r := request{
				who: role.Name + "." + role.Account, action: action, resource: anythingOf(action, role.Account),
				keys: []string{
					"aws:ResourceTag/snapkeep:vault", "999999999999", "aws:RequestTag/snapkeep:vault", "999999999999",
					"aws:ResourceTag/snapkeep:restore", "r1", "aws:RequestTag/snapkeep:restore", "r1", "ec2:Owner", role.Account,
					"ec2:Encrypted", "true", "kms:ViaService", "ec2.us-east-1.amazonaws.com", "kms:GrantIsForAWSResource", "true",
					"iam:PassedToService", "ec2.amazonaws.com",
				},
			}
			docs := map[string]*iampolicy.Document{r.who: role.Policy}
			require.NotEqual(t, iampolicy.Allowed, r.judge(docs).Outcome, "%s: %s", role.Name, action)
		}
	}
}

func anythingOf(action, account string) string {
	switch service, _, _ := strings.Cut(action, ":"); service {
	case "ec2", "ebs":
		return "arn:aws:ec2:us-east-1::snapshot/snap-1"
	case "kms":
		return "arn:aws:kms:us-east-1:" + account + ":key/data"
	case "iam", "sts":
		return "arn:aws:iam::" + account + ":role/app"
	default:
		return "*"
	}
}
