package iampolicy

import (
	"slices"
	"strings"
)

// What destroys backups, their keys, or what they protect.
var destroying = []string{
	"backup:DeleteBackupVault", "backup:DeleteRecoveryPoint", "backup:DisassociateRecoveryPoint", "backup:UpdateRecoveryPointLifecycle",
	"cloudformation:DeleteStack", "dynamodb:DeleteBackup", "dynamodb:DeleteTable", "ec2:DeleteSnapshot", "ec2:DeleteVolume",
	"ec2:DeregisterImage", "ec2:TerminateInstances", "ec2:UnlockSnapshot", "elasticfilesystem:DeleteFileSystem",
	"kms:DeleteImportedKeyMaterial", "kms:DisableKey", "kms:ScheduleKeyDeletion", "organizations:LeaveOrganization",
	"rds:DeleteDBCluster", "rds:DeleteDBClusterAutomatedBackup", "rds:DeleteDBClusterSnapshot", "rds:DeleteDBInstance",
	"rds:DeleteDBInstanceAutomatedBackup", "rds:DeleteDBSnapshot", "s3:BypassGovernanceRetention", "s3:DeleteBucket",
	"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutLifecycleConfiguration",
}

// What carries content off: to other accounts, into buckets, or to the caller.
var sharing = []string{
	"dynamodb:ExportTableToPointInTime", "ebs:GetSnapshotBlock", "ec2:CreateStoreImageTask", "ec2:ExportImage",
	"ec2:ModifyImageAttribute", "ec2:ModifySnapshotAttribute", "kms:CreateGrant", "rds:ModifyDBClusterSnapshotAttribute",
	"rds:ModifyDBSnapshotAttribute", "rds:StartExportTask", "s3:GetObject", "s3:GetObjectVersion", "ssm:ModifyDocumentPermission",
}

// What writes the policy, or the access list, of a resource.
var rewriting = []string{
	"backup:PutBackupVaultAccessPolicy", "dynamodb:PutResourcePolicy", "elasticfilesystem:PutFileSystemPolicy", "kms:PutKeyPolicy",
	"organizations:PutResourcePolicy", "s3:PutAccessPointPolicy", "s3:PutBucketAcl", "s3:PutBucketPolicy", "s3:PutObjectAcl",
	"s3:PutObjectVersionAcl", "ssm:PutResourcePolicy",
}

// What changes the permissions of identities.
var empowering = []string{
	"iam:AddUserToGroup", "iam:AttachGroupPolicy", "iam:AttachRolePolicy", "iam:AttachUserPolicy", "iam:CreatePolicyVersion",
	"iam:DeleteRolePermissionsBoundary", "iam:DeleteRolePolicy", "iam:DeleteUserPermissionsBoundary", "iam:DetachRolePolicy",
	"iam:PutGroupPolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:PutUserPermissionsBoundary", "iam:PutUserPolicy",
	"iam:SetDefaultPolicyVersion", "iam:UpdateAssumeRolePolicy",
}

// lintGrant looks at what a statement allows.
func (in *inspection) lintGrant(s *inspected) {
	if in.administers(s) {
		in.find("administrator", s.at, "every action on every resource is allowed")
		return
	}
	in.lintStar(s)
	if !s.narrowed() {
		in.lintWide(s, "destructive-unconditioned", destroying)
		in.lintWide(s, "sharing-unconditioned", sharing)
		in.lintWide(s, "self-change", empowering)
		if names := in.allowed(s, rewriting); len(names) > 0 {
			in.find("policy-rewrite", s.actionsAt(), "%s", few(names))
		}
	}
	in.lintPassRole(s)
	in.lintTagBypass(s)
}

// administers says that a statement allows everything.
func (in *inspection) administers(s *inspected) bool {
	return s.Effect == Allow && !s.narrowed() && slices.Contains(s.Actions.Values, "*") &&
		slices.Contains(s.Resources.Values, "*") && !in.deniesSome()
}

// deniesSome says that the document takes something back.
func (in *inspection) deniesSome() bool {
	return slices.ContainsFunc(in.statements, func(s inspected) bool { return s.Effect == Deny })
}

// allowed returns those of some known actions that a statement allows and no
// other takes back.
func (in *inspection) allowed(s *inspected, names []string) []string {
	var all []string
	for _, name := range names {
		if in.allows(s, name) {
			all = append(all, name)
		}
	}
	return all
}

func (in *inspection) allows(s *inspected, name string) bool {
	if s.NotActions.absent() && !matchesAny(s.Actions.Values, name) || !s.NotActions.absent() && matchesAny(s.NotActions.Values, name) {
		return false
	}
	a := knowledge().action(name)
	if !s.NotResources.absent() {
		return !in.denies(name, "*")
	}
	return slices.ContainsFunc(s.Resources.Values, func(pattern string) bool {
		return (a == nil || a.takes(pattern)) && !in.denies(name, pattern)
	})
}

// lintWide looks for actions on all resources of a type.
func (in *inspection) lintWide(s *inspected, id string, names []string) {
	names = slices.DeleteFunc(in.allowed(s, names), func(name string) bool { return !s.wide(knowledge().action(name)) })
	if len(names) > 0 {
		in.find(id, s.actionsAt(), "%s", few(names))
	}
}

func (s *inspected) actionsAt() place {
	if s.NotActions.absent() {
		return s.at.member("Action")
	}
	return s.at.member("NotAction")
}

// most is how many actions a finding names.
const most = 5

// few names at most so many, and says whether there are others.
func few(names []string) string {
	if len(names) > most {
		return strings.Join(names[:most], ", ") + " and others"
	}
	return strings.Join(names, ", ")
}

// lintStar looks for actions that are allowed on everything though they could
// be confined.
func (in *inspection) lintStar(s *inspected) {
	for i, pattern := range s.Resources.Values {
		if !isStar(pattern) {
			continue
		}
		var names []string
		for _, a := range s.known {
			if len(a.Resources) > 0 && a.takes(pattern) && !in.denies(a.Name, pattern) {
				names = append(names, a.Name)
			}
			if len(names) > most {
				break // no more are named
			}
		}
		if len(names) == 0 && (pattern == "*" || !s.open) {
			continue
		}
		what := few(names)
		if what == "" {
			what = "the actions"
		}
		in.find("resource-star", s.at.member("Resource").value(s.Resources, i), "%s on everything", what)
	}
}

// isStar says whether a pattern covers every resource of a type, in every
// account and Region.
func isStar(pattern string) bool {
	if pattern == "*" {
		return true
	}
	p := splitPattern(pattern)
	return p[3] == "*" && p[4] == "*" && coversType(p, "")
}

func (in *inspection) lintPassRole(s *inspected) {
	const pass = "iam:PassRole"
	if !in.allows(s, pass) {
		return
	}
	switch {
	case s.wide(knowledge().action(pass)):
		in.find("pass-role-wide", s.actionsAt(), "any role may be passed")
	case !s.demands(func(key string) bool { return key == "iam:passedtoservice" || key == "iam:associatedresourcearn" }):
		in.find("pass-role-any-service", s.actionsAt(), "no service is named")
	}
}

// lintGrants looks for principals of a key that may hand it on. Who may do
// everything with the key may change its policy too, and is meant to.
func (in *inspection) lintGrants(s *inspected) {
	const grant = "kms:CreateGrant"
	if in.allows(s, grant) && !matchesAny(s.Actions.Values, "kms:PutKeyPolicy") && !s.narrowed() {
		in.find("sharing-unconditioned", s.actionsAt(), "%s to anyone, for any use", grant)
	}
}
