package iampolicy_test

import (
	"encoding/json"
	"fmt"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// A backup role as many write it: it deletes only snapshots with its name, and
// may give any snapshot that name.
func ExampleCheck() {
	findings := iampolicy.Check([]byte(`{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["ec2:CreateTags", "ec2:CreateSnapshots", "ec2:CopySnapshots"],
      "Resource": ["arn:aws:ec2:*:111111111111:snapshot/*", "arn:aws:ec2:*::snapshot/*"]
    },
    {
      "Effect": "Allow",
      "Action": "ec2:DeleteSnapshot",
      "Resource": "arn:aws:ec2:*::snapshot/*",
      "Condition": {"StringLike": {"ec2:ResourceTag/Name": "backup-*"}}
    }
  ]
}`), iampolicy.KindIdentity)
	for _, f := range findings {
		fmt.Printf("line %d: %v: %s: %s\n", f.Line, f.Severity, f.ID, f.Message)
	}
	// Output:
	// line 6: warning: action-unknown: ec2:CopySnapshots is not an action; there is ec2:CopySnapshot
	// line 7: warning: resource-never-matches: arn:aws:ec2:*:111111111111:snapshot/*: no snapshot has an ARN with this account: it is empty
	// line 13: warning: tag-bypass: ec2:CreateTags of Statement[0] may set the tag
}

func ExampleValidate() {
	trust, err := iampolicy.Parse([]byte(`{
  "Version": "2012-10-17",
  "Statement": {
    "Sid": "the vault",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::999999999999:role/*"},
    "Action": "sts:AssumeRole",
    "Resource": "*"
  }
}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range iampolicy.Validate(trust, iampolicy.KindTrust) {
		fmt.Printf("%s: %v: %s\n", f.Path, f.Severity, f.Message)
	}
	// Output:
	// Statement.Sid: error: the Sid has other characters than letters and digits
	// Statement.Resource: error: a trust policy has no Resource
	// Statement.Principal.AWS: error: a principal has a wildcard
}

func ExampleLint() {
	policy, err := iampolicy.Parse([]byte(`{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": ["iam:PassRole", "ec2:RunInstances"],
    "Resource": "*",
    "Condition": {"StringNotEquals": {"aws:ResourceTag/env": "prod"}}
  }
}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range iampolicy.Lint(policy, iampolicy.KindIdentity) {
		fmt.Println(f.ID+":", f.Message)
	}
	// Output:
	// fail-open-negation: StringNotEquals holds where aws:ResourceTag/env is missing
	// resource-star: ec2:RunInstances, iam:PassRole on everything
	// pass-role-wide: any role may be passed
	// privilege-escalation: iam:PassRole with ec2:RunInstances: starts a machine with another role
}

func ExampleFinding() {
	findings := iampolicy.Check([]byte(`{"Version": "2012-10-17",
"Statement": {"Effect": "Allow", "Action": "kms:Decrypted", "Resource": "*"}}`), iampolicy.KindIdentity)
	fmt.Println(findings[0])
	text, err := json.MarshalIndent(findings[0], "", "  ")
	fmt.Println(string(text), err)
	// Output:
	// line 2, column 34: Statement.Action: warning: kms:Decrypted is not an action; there is kms:Decrypt [action-unknown]: Spell it right, or take newer data if the action is new.
	// {
	//   "id": "action-unknown",
	//   "severity": "warning",
	//   "path": "Statement.Action",
	//   "line": 2,
	//   "column": 34,
	//   "message": "kms:Decrypted is not an action; there is kms:Decrypt",
	//   "reason": "The service has no such action, so the statement speaks of nothing.",
	//   "remedy": "Spell it right, or take newer data if the action is new."
	// } <nil>
}

// What can a statement about copying snapshots be conditioned on?
func ExampleLookupAction() {
	action, ok := iampolicy.LookupAction("ec2:copysnapshot")
	fmt.Println(action.Name, action.Access, ok)
	for _, r := range action.Resources {
		fmt.Println(r.Name, r.ARN)
		fmt.Println(r.Keys)
	}
	// Output:
	// ec2:CopySnapshot Write true
	// snapshot arn:${Partition}:ec2:${Region}::snapshot/${SnapshotId}
	// [ec2:Encrypted ec2:OutpostArn ec2:Owner ec2:ParentSnapshot ec2:ParentVolume ec2:ProductCode ec2:SnapshotID ec2:SnapshotTime ec2:VolumeSize aws:RequestTag/${TagKey} aws:TagKeys]
}

func ExampleActionsMatching() {
	for a := range iampolicy.ActionsMatching("ec2:*SnapshotLock*") {
		fmt.Println(a.Name, a.Access)
	}
	for a := range iampolicy.ActionsMatching("kms:Schedule*") {
		fmt.Println(a.Name, a.Access)
	}
	// Output:
	// kms:ScheduleKeyDeletion Write
}

func ExampleLookupKey() {
	for _, name := range []string{"ec2:SnapshotTime", "aws:ResourceTag/team", "aws:SourceIp", "aws:Owner"} {
		key, ok := iampolicy.LookupKey(name)
		fmt.Println(key.Name, key.Type, key.Global, ok)
	}
	// Output:
	// ec2:SnapshotTime Date false true
	// aws:ResourceTag/${TagKey} String false true
	// aws:SourceIp IPAddress true true
	//   false false
}

// Resource control policies reach keys and buckets, but no snapshots.
func ExampleLookupService() {
	for _, prefix := range []string{"kms", "s3", "ec2", "lambda"} {
		s, ok := iampolicy.LookupService(prefix)
		fmt.Println(s.Prefix, s.Described, s.RCP, ok)
	}
	// Output:
	// kms true true true
	// s3 true true true
	// ec2 true false true
	// lambda false false true
}

func ExampleRules() {
	for _, r := range iampolicy.Rules()[:3] {
		fmt.Println(r.ID, r.Severity)
	}
	// Output:
	// syntax error
	// size error
	// size-managed notice
}
