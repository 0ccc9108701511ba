package iampolicy_test

import "github.com/snapkeep/snapkeep/iampolicy"

// both is a document of several statements.
func both(statements ...string) string {
	text := `{"Statement":[`
	for i, s := range statements {
		if i > 0 {
			text += ","
		}
		text += s
	}
	return text + `]}`
}

// grant is one statement of both.
func grant(effect, action, resource string, conditions ...string) string {
	text := `{"Effect":"` + effect + `","Action":` + action + `,"Resource":` + resource
	for _, c := range conditions {
		text += when(c)
	}
	return text + `}`
}

func lintRows() []findingRow {
	return concat(grantRows(), tagRows(), lintConditionRows(), escalationRows(), resourceRows(), publicToolRows())
}

func grantRows() []findingRow {
	const tagged = `"StringEquals":{"aws:ResourceTag/a":"b"}`
	return []findingRow{
		{"administrator", iampolicy.KindIdentity, allow(`"*"`, `"*"`), []string{"administrator Statement"}},
		{"any snapshot deleted", iampolicy.KindIdentity, allow(`"ec2:DeleteSnapshot"`, snapshots), []string{"destructive-unconditioned Statement.Action"}},
		{"any snapshot by its id", iampolicy.KindIdentity, allow(`"ec2:Delete*"`, `"arn:aws:ec2:*::snapshot/snap-*"`), []string{"destructive-unconditioned Statement.Action"}},
		{"any snapshot of a Region", iampolicy.KindIdentity, allow(`"ec2:DeleteSnapshot"`, `"*"`, when(`"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`)), []string{"destructive-unconditioned Statement.Action"}},
		{"tagged snapshots deleted", iampolicy.KindIdentity, allow(`"ec2:DeleteSnapshot"`, snapshots, when(tagged)), nil},
		{"one snapshot deleted", iampolicy.KindIdentity, allow(`"ec2:DeleteSnapshot"`, `"arn:aws:ec2:*::snapshot/snap-1"`), nil},
		{"what a boundary leaves", iampolicy.KindBoundary, allow(`["ec2:DeleteSnapshot","iam:PassRole"]`, `"*"`), nil},
		{"any snapshot shared or read", iampolicy.KindIdentity, allow(`["ec2:ModifySnapshotAttribute","ebs:GetSnapshotBlock"]`, snapshots), []string{"sharing-unconditioned Statement.Action"}},
		{"shared with one account", iampolicy.KindIdentity, allow(`"ec2:ModifySnapshotAttribute"`, snapshots, when(`"StringEquals":{"ec2:Add/userId":"1"}`)), nil},
		{"taken back by a Deny", iampolicy.KindIdentity, both(grant("Allow", `"ec2:*"`, snapshots), grant("Deny", `["ec2:Delete*","ec2:Modify*","ec2:UnlockSnapshot"]`, `"*"`)), nil},
		{"all but some actions", iampolicy.KindSession, `{"Statement":{"Effect":"Allow","NotAction":["iam:*","backup:*","cloudformation:*","dynamodb:*","ebs:*","ec2:*","elasticfilesystem:*","kms:*","organizations:*","rds:*","s3:*","ssm:*","sts:*","lambda:*"],"Resource":"*"}}`, []string{"allow-by-exclusion Statement.NotAction"}},
		{"all but some resources", iampolicy.KindIdentity, `{"Statement":{"Effect":"Allow","Action":"ec2:DeleteSnapshot","NotResource":"arn:aws:ec2:*::snapshot/snap-1"}}`, []string{"destructive-unconditioned Statement.Action", "allow-by-exclusion Statement.NotResource"}},
		{"any role passed", iampolicy.KindIdentity, allow(`"iam:PassRole"`, `"arn:aws:iam::111111111111:role/*"`, when(`"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}`)), []string{"pass-role-wide Statement.Action"}},
		{"a role passed anywhere", iampolicy.KindIdentity, allow(`"iam:PassRole"`, `"arn:aws:iam::111111111111:role/app"`), []string{"pass-role-any-service Statement.Action"}},
		{"a role passed to EC2", iampolicy.KindIdentity, allow(`"iam:PassRole"`, `"arn:aws:iam::111111111111:role/app"`, when(`"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}`)), nil},
		{"changes any role", iampolicy.KindIdentity, allow(`"iam:PutRolePolicy"`, `"*"`), []string{"self-change Statement.Action"}},
		{"changes bounded roles", iampolicy.KindIdentity, allow(`"iam:PutRolePolicy"`, `"*"`, when(`"ArnEquals":{"iam:PermissionsBoundary":"arn:aws:iam::111111111111:policy/b"}`)), nil},
		{"changes roles below a path", iampolicy.KindIdentity, allow(`"iam:PutRolePolicy"`, `"arn:aws:iam::111111111111:role/apps/*"`), nil},
		{"rewrites a bucket's policy", iampolicy.KindIdentity, allow(`["s3:GetObject","s3:PutBucketPolicy"]`, `["arn:aws:s3:::b","arn:aws:s3:::b/*"]`), []string{"policy-rewrite Statement.Action"}},
		{"denied anyway", iampolicy.KindIdentity, both(grant("Allow", `["ec2:DeleteSnapshot"]`, `"arn:aws:ec2:*::snapshot/snap-*"`), grant("Deny", `"ec2:Delete*"`, snapshots)), []string{"denied-anyway Statement[0]"}},
		{"denied sometimes", iampolicy.KindIdentity, both(grant("Allow", `"ec2:StopInstances"`, `"arn:aws:ec2:*:111111111111:instance/i-1"`), grant("Deny", `"ec2:*"`, `"*"`, `"Bool":{"aws:SecureTransport":"false"}`)), nil},
	}
}

func tagRows() []findingRow {
	own := grant("Allow", `"ec2:DeleteSnapshot"`, snapshots, `"StringEquals":{"aws:ResourceTag/owner":"us"}`)
	at := []string{`tag-bypass Statement[0].Condition.StringEquals["aws:ResourceTag/owner"]`}
	with := func(name, resource, conditions string, want []string) findingRow {
		statement := grant("Allow", `"ec2:CreateTags"`, resource)
		if conditions != "" {
			statement = grant("Allow", `"ec2:CreateTags"`, resource, conditions)
		}
		return findingRow{name, iampolicy.KindIdentity, both(own, statement), want}
	}
	return []findingRow{
		with("free tagging", `"*"`, ``, at),
		with("free tagging of snapshots", snapshots, ``, at),
		with("free tagging of volumes", `"arn:aws:ec2:*:111111111111:volume/*"`, ``, nil),
		with("tagging with the same value", `"*"`, `"StringEquals":{"aws:RequestTag/owner":"us"}`, at),
		with("tagging in the making", `"*"`, `"StringEquals":{"ec2:CreateAction":["CreateSnapshot","CopySnapshot"]}`, nil),
		with("tagging in a call of its own", `"*"`, `"StringEquals":{"ec2:CreateAction":["CreateSnapshot","CreateTags"]}`, at),
		with("tagging in the making, negated", `"*"`, `"StringNotLike":{"ec2:CreateAction":"CreateTags"}`, append(at, `fail-open-negation Statement[1].Condition.StringNotLike["ec2:CreateAction"]`)),
		with("tagging with other tags", `"*"`, `"ForAllValues:StringEquals":{"aws:TagKeys":["state"]},"Null":{"aws:TagKeys":"false"}`, nil),
		with("tagging with any but the tag", `"*"`, `"ForAllValues:StringNotEquals":{"aws:TagKeys":["owner"]},"Null":{"aws:TagKeys":"false"}`, nil),
		with("tagging with this among others", `"*"`, `"ForAllValues:StringLike":{"aws:TagKeys":["o*"]},"Null":{"aws:TagKeys":"false"}`, at),
		with("tagging without the tag", `"*"`, `"Null":{"aws:RequestTag/owner":"true"}`, nil),
		with("tagging what is tagged", `"*"`, `"StringEquals":{"aws:ResourceTag/owner":"us"}`, nil),
		{"tagging denied", iampolicy.KindIdentity, both(own, grant("Allow", `"ec2:CreateTags"`, `"*"`), grant("Deny", `"ec2:CreateTags"`, `"*"`, `"ForAnyValue:StringEquals":{"aws:TagKeys":"owner"}`)), nil},
		{"only AWS sets the tag", iampolicy.KindIdentity, both(grant("Allow", `"ec2:DeleteSnapshot"`, snapshots, `"Null":{"aws:ResourceTag/aws:backup:source-resource":"false"}`), grant("Allow", `"ec2:CreateTags"`, `"*"`)), nil},
		{"tags of databases", iampolicy.KindIdentity, both(grant("Allow", `"rds:DeleteDBSnapshot"`, `"arn:aws:rds:*:111111111111:snapshot:*"`, `"StringEquals":{"rds:snapshot-tag/owner":"us"}`), grant("Allow", `"rds:AddTagsToResource"`, `"*"`)), []string{`tag-bypass Statement[0].Condition.StringEquals["rds:snapshot-tag/owner"]`}},
	}
}

func lintConditionRows() []findingRow {
	stop := func(conditions string) string {
		return allow(`"ec2:StopInstances"`, `"arn:aws:ec2:*:111111111111:instance/i-1"`, when(conditions))
	}
	path := func(id, operator, key string) []string {
		return []string{id + ` Statement.Condition` + operator + `["` + key + `"]`}
	}
	deny := func(conditions string) string {
		return `{"Statement":{"Effect":"Deny","Action":"ec2:*","Resource":"*","Condition":{` + conditions + `}}}`
	}
	never := []string{"never-matches Statement.Condition"}
	return []findingRow{
		{"negated", iampolicy.KindIdentity, stop(`"StringNotEquals":{"aws:ResourceTag/env":"prod"}`), path("fail-open-negation", ".StringNotEquals", "aws:ResourceTag/env")},
		{"if it exists", iampolicy.KindIdentity, stop(`"StringEqualsIfExists":{"aws:ResourceTag/env":"test"}`), path("fail-open-negation", ".StringEqualsIfExists", "aws:ResourceTag/env")},
		{"negated and demanded", iampolicy.KindIdentity, stop(`"StringNotEquals":{"aws:ResourceTag/env":"prod"},"Null":{"aws:ResourceTag/env":"false"}`), nil},
		{"negated, of what is always there", iampolicy.KindIdentity, stop(`"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}`), nil},
		{"negated in a Deny", iampolicy.KindIdentity, deny(`"StringNotEquals":{"aws:ResourceTag/env":"test"}`), nil},
		{"for all values", iampolicy.KindIdentity, allow(`"ec2:DeleteTags"`, snapshots, when(`"ForAllValues:StringEquals":{"aws:TagKeys":"state"}`)), path("for-all-values-without-null", `["ForAllValues:StringEquals"]`, "aws:TagKeys")},
		{"for all values, with one demanded", iampolicy.KindIdentity, allow(`"ec2:CreateTags"`, snapshots, when(`"ForAllValues:StringEquals":{"aws:TagKeys":"state"},"StringLike":{"aws:RequestTag/state":"*"}`)), nil},
		{"for all values, denied", iampolicy.KindIdentity, deny(`"ForAllValues:StringNotEquals":{"ec2:Add/userId":"1"}`), path("deny-evaded", `["ForAllValues:StringNotEquals"]`, "ec2:Add/userId")},
		{"for any value, denied", iampolicy.KindIdentity, deny(`"ForAnyValue:StringNotEquals":{"ec2:Add/userId":"1"}`), nil},
		{"session tags", iampolicy.KindTrust, `{"Statement":{"Effect":"Allow",` + aRole + `"Action":["sts:AssumeRole","sts:TagSession"],"Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":"team"}}}}`, nil},
		{"allowed without a second factor", iampolicy.KindIdentity, stop(`"Bool":{"aws:MultiFactorAuthPresent":"false"}`), path("mfa-hole", ".Bool", "aws:MultiFactorAuthPresent")},
		{"denied without a second factor, but for access keys", iampolicy.KindIdentity, deny(`"Bool":{"aws:MultiFactorAuthPresent":"false"}`), path("mfa-hole", ".Bool", "aws:MultiFactorAuthPresent")},
		{"denied without a second factor", iampolicy.KindIdentity, deny(`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}`), nil},
		{"there and not there", iampolicy.KindIdentity, stop(`"Null":{"aws:ResourceTag/a":"true"},"StringEquals":{"aws:ResourceTag/A":"b"}`), never},
		{"two values for one", iampolicy.KindIdentity, stop(`"StringEquals":{"aws:ResourceTag/a":["x","y"]},"StringLike":{"aws:ResourceTag/a":["z*","?x"]}`), never},
		{"two patterns that meet", iampolicy.KindIdentity, stop(`"StringEquals":{"aws:ResourceTag/a":["x","zy"]},"StringLike":{"aws:ResourceTag/a":"z*"}`), nil},
		{"equal and not equal", iampolicy.KindIdentity, stop(`"StringEquals":{"aws:ResourceTag/a":"x"},"StringNotLike":{"aws:ResourceTag/a":"*"}`), never},
		{"literal asterisk", iampolicy.KindIdentity, stop(`"StringEquals":{"aws:ResourceTag/a":"*"},"StringLike":{"aws:ResourceTag/a":"x"}`), never},
		{"bounds apart", iampolicy.KindIdentity, stop(`"DateGreaterThan":{"aws:CurrentTime":"2026-02-01"},"DateLessThan":{"aws:CurrentTime":"2026-01-01"}`), never},
		{"bounds that touch", iampolicy.KindIdentity, stop(`"NumericGreaterThan":{"aws:MultiFactorAuthAge":"60"},"NumericLessThanEquals":{"aws:MultiFactorAuthAge":"60"}`), never},
		{"bounds around one value", iampolicy.KindIdentity, stop(`"NumericGreaterThanEquals":{"aws:MultiFactorAuthAge":"60"},"NumericLessThanEquals":{"aws:MultiFactorAuthAge":"60"}`), nil},
		{"true and false", iampolicy.KindIdentity, stop(`"Bool":{"aws:SecureTransport":"true"},"BoolIfExists":{"aws:SecureTransport":"False"}`), never},
		{"a variable may be either", iampolicy.KindIdentity, stop(`"StringEquals":{"aws:ResourceTag/a":"${aws:username}"},"StringLike":{"aws:ResourceTag/a":"x"}`), nil},
		{"several values of a list", iampolicy.KindIdentity, allow(`"ec2:CreateTags"`, snapshots, when(`"ForAnyValue:StringEquals":{"aws:TagKeys":"x"},"ForAnyValue:StringLike":{"aws:TagKeys":"y"}`)), nil},
	}
}

func escalationRows() []findingRow {
	at := func(path string) []string { return []string{"privilege-escalation " + path} }
	return []findingRow{
		{"keys of any user", iampolicy.KindIdentity, allow(`"iam:CreateAccessKey"`, `"*"`), at("Statement.Action")},
		{"own keys", iampolicy.KindIdentity, allow(`"iam:CreateAccessKey"`, `"arn:aws:iam::*:user/${aws:username}"`), nil},
		{"any role assumed", iampolicy.KindIdentity, allow(`"sts:AssumeRole"`, `"*"`), at("Statement.Action")},
		{"a machine with any role", iampolicy.KindIdentity, both(grant("Allow", `"ec2:RunInstances"`, `"*"`), grant("Allow", `"iam:PassRole"`, `"*"`)), []string{"privilege-escalation Statement[0].Action", "pass-role-wide Statement[1].Action"}},
		{"a function with any role", iampolicy.KindIdentity, allow(`["iam:PassRole","lambda:*Function"]`, `"*"`), []string{"pass-role-wide Statement.Action", "privilege-escalation Statement.Action"}},
		{"a machine with a listed role", iampolicy.KindIdentity, both(grant("Allow", `"ec2:RunInstances"`, `"*"`), grant("Allow", `"iam:PassRole"`, `"arn:aws:iam::111111111111:role/app"`, `"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}`)), nil},
		{"user data", iampolicy.KindIdentity, allow(`["ec2:ModifyInstanceAttribute","ec2:StartInstances","ec2:StopInstances"]`, `"arn:aws:ec2:*:111111111111:instance/*"`), at("Statement.Action")},
		{"commands on tagged machines", iampolicy.KindIdentity, allow(`"ssm:SendCommand"`, `"*"`, when(`"StringEquals":{"ssm:resourceTag/a":"b"}`)), nil},
		{"in a boundary", iampolicy.KindBoundary, allow(`"sts:AssumeRole"`, `"*"`), nil},
	}
}

func resourceRows() []findingRow {
	trust := func(principal, more string) string {
		return `{"Statement":{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"` + more + `}}`
	}
	web := func(conditions string) string {
		return `{"Statement":{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"},"Action":"sts:AssumeRoleWithWebIdentity"` + conditions + `}}`
	}
	root := `{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"kms:*","Resource":"*"}`
	return []findingRow{
		{"everyone assumes", iampolicy.KindTrust, trust(`"*"`, ``), []string{"public Statement.Principal"}},
		{"everyone of the organization", iampolicy.KindTrust, trust(`{"AWS":"*"}`, when(`"StringEquals":{"aws:PrincipalOrgID":"o-1"}`)), nil},
		{"an account assumes", iampolicy.KindTrust, trust(`{"AWS":"111111111111"}`, ``), []string{"confused-deputy Statement.Principal.AWS"}},
		{"an account with an external id", iampolicy.KindTrust, trust(`{"AWS":"111111111111"}`, when(`"StringEquals":{"sts:ExternalId":"x1"}`)), nil},
		{"a role assumes", iampolicy.KindTrust, trust(`{"AWS":"arn:aws:iam::111111111111:role/r"}`, ``), nil},
		{"any user of a code host", iampolicy.KindTrust, web(when(`"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}`)), []string{"federation-open Statement.Principal.Federated"}},
		{"one project of a code host", iampolicy.KindTrust, web(when(`"StringEquals":{"token.actions.githubusercontent.com:sub":"repo:a/b:ref:refs/heads/main"}`)), nil},
		{"a service writes for anyone", iampolicy.KindResource, `{"Statement":{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::b/*"}}`, []string{"confused-deputy Statement.Principal.Service"}},
		{"a service writes for the account", iampolicy.KindResource, `{"Statement":{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::b/*","Condition":{"StringEquals":{"aws:SourceAccount":"1"}}}}`, nil},
		{"nobody assumes", iampolicy.KindTrust, `{"Statement":{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}}`, []string{"lock-out"}},
		{"nobody administers the key", iampolicy.KindKey, `{"Statement":{"Effect":"Allow",` + aRole + `"Action":"kms:Decrypt","Resource":"*"}}`, []string{"lock-out"}},
		{"the account administers the key", iampolicy.KindKey, both(root), nil},
		{"a key handed on", iampolicy.KindKey, both(root, `{"Effect":"Allow",`+aRole+`"Action":["kms:Decrypt","kms:CreateGrant"],"Resource":"*"}`), []string{"sharing-unconditioned Statement[1].Action"}},
		{"a key handed on to AWS", iampolicy.KindKey, both(root, `{"Effect":"Allow",`+aRole+`"Action":"kms:CreateGrant","Resource":"*","Condition":{"Bool":{"kms:GrantIsForAWSResource":"true"}}}`), nil},
		{"everyone is denied the key", iampolicy.KindKey, both(root, `{"Effect":"Deny","Principal":"*","Action":"kms:Put*","Resource":"*"}`), []string{"lock-out", "lock-out Statement[1]"}},
		{"everyone is denied the bucket", iampolicy.KindResource, `{"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}}`, []string{"lock-out Statement"}},
		{"all but some are denied the bucket", iampolicy.KindResource, `{"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/r"}}}}`, nil},
		{"everyone is denied everything", iampolicy.KindSCP, `{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`, []string{"lock-out Statement"}},
	}
}

// Statements as public backup tools document them, cut to what is told of them
// in the comparison: deletion by tag with free tagging, and deletion of anything.
func publicToolRows() []findingRow {
	return []findingRow{
		{"deletes by name, tags freely", iampolicy.KindIdentity, both(
			grant("Allow", `["ec2:CreateSnapshot","ec2:CreateTags","ec2:ModifySnapshotAttribute"]`, `"*"`),
			grant("Allow", `"ec2:DeleteSnapshot"`, `"*"`, `"StringLike":{"ec2:ResourceTag/name":"Backup: Snapshot*"}`),
		), []string{"sharing-unconditioned Statement[0].Action", `tag-bypass Statement[1].Condition.StringLike["ec2:ResourceTag/name"]`}},
		{"deletes any snapshot of the account", iampolicy.KindIdentity, allow(`["ec2:DescribeSnapshots","ec2:CreateSnapshot","ec2:CreateTags","ec2:DeleteSnapshot"]`, `"*"`), []string{"destructive-unconditioned Statement.Action"}},
		{"takes over the account", iampolicy.KindIdentity, allow(`["iam:PassRole","ec2:RunInstances","cloudformation:CreateStack","ssm:SendCommand","sts:AssumeRole"]`, `"*"`), []string{
			"pass-role-wide Statement.Action", "privilege-escalation Statement.Action", "privilege-escalation Statement.Action",
			"privilege-escalation Statement.Action", "privilege-escalation Statement.Action",
		}},
	}
}
