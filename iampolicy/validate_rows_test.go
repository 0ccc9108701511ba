package iampolicy_test

import (
	"strings"

	"github.com/snapkeep/snapkeep/iampolicy"
)

const (
	snapshots = `"arn:aws:ec2:*::snapshot/*"`
	aRole     = `"Principal":{"AWS":"arn:aws:iam::111111111111:role/r"},`
)

func validateRows() []findingRow {
	return concat(grammarRows(), sizeRows(), principalRows(), actionRows(), conditionRows(), variableRows())
}

func concat(parts ...[]findingRow) (all []findingRow) {
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

func grammarRows() []findingRow {
	fine := `{"Statement":[{"Sid":"A","Effect":"Allow","Action":"ec2:DeleteSnapshot","Resource":` + snapshots + `}]}`
	return []findingRow{
		{"clean", iampolicy.KindIdentity, fine, nil},
		{"not JSON", iampolicy.KindIdentity, `{`, []string{"syntax"}},
		{"list", iampolicy.KindIdentity, `[]`, []string{"syntax"}},
		{"nothing", iampolicy.KindIdentity, `{}`, []string{"member-missing Statement"}},
		{"empty statement", iampolicy.KindIdentity, `{"Statement":{}}`, []string{"member-missing Statement.Effect", "member-missing Statement.Action", "member-missing Statement.Resource"}},
		{"bad version", iampolicy.KindIdentity, `{"Version":"2012-10-18","Statement":{"Effect":"Allow","Action":"ec2:DescribeSnapshots","Resource":"*"}}`, []string{"version Version"}},
		{"empty version", iampolicy.KindIdentity, `{"Version":"","Statement":{"Effect":"Allow","Action":"ec2:DescribeSnapshots","Resource":"*"}}`, []string{"version Version"}},
		{"old version", iampolicy.KindIdentity, `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"ec2:DescribeSnapshots","Resource":"*"}}`, nil},
		{"old version in an RCP", iampolicy.KindRCP, `{"Version":"2008-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}}`, []string{"version Version"}},
		{"unknown members", iampolicy.KindIdentity, `{"Version":"2012-10-17","Note":1,"Statement":{"Effect":"Allow","Action":"ec2:DescribeSnapshots","Resource":"*","action":"x"}}`, []string{"member-unknown Note", "member-unknown Statement.action"}},
		{"effect in small letters", iampolicy.KindIdentity, `{"Statement":{"Effect":"allow","Action":"ec2:DescribeSnapshots","Resource":"*"}}`, []string{"effect Statement.Effect"}},
		{"RCP that allows", iampolicy.KindRCP, `{"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}}`, []string{"effect Statement.Effect"}},
		{"action and its negation", iampolicy.KindIdentity, `{"Statement":{"Effect":"Allow","Action":"ec2:DescribeSnapshots","NotAction":"kms:*","Resource":"*"}}`, []string{"member-conflict Statement.NotAction"}},
		{"resource in a trust policy", iampolicy.KindTrust, `{"Statement":{"Effect":"Allow",` + aRole + `"Action":"sts:AssumeRole","Resource":"*"}}`, []string{"member-not-for-kind Statement.Resource"}},
		{"NotPrincipal in a trust policy", iampolicy.KindTrust, `{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}}`, []string{"member-not-for-kind Statement.NotPrincipal"}},
		{"principal in an identity policy", iampolicy.KindIdentity, `{"Statement":{"Effect":"Allow",` + aRole + `"Action":"ec2:DescribeSnapshots","Resource":"*"}}`, []string{"member-not-for-kind Statement.Principal"}},
		{"principal in an SCP", iampolicy.KindSCP, `{"Statement":{"Effect":"Deny","Principal":"*","Action":"ec2:DeleteSnapshot","Resource":"*"}}`, []string{"member-not-for-kind Statement.Principal"}},
		{"NotAction in an RCP", iampolicy.KindRCP, `{"Statement":{"Effect":"Deny","Principal":"*","NotAction":"kms:*","Resource":"*"}}`, []string{"member-not-for-kind Statement.NotAction"}},
		{"Sid with a hyphen", iampolicy.KindIdentity, `{"Statement":{"Sid":"a-b","Effect":"Allow","Action":"ec2:DescribeSnapshots","Resource":"*"}}`, []string{"sid Statement.Sid"}},
		{"Sid with a blank in a key policy", iampolicy.KindKey, `{"Statement":{"Sid":"Enable root","Effect":"Allow",` + aRole + `"Action":"kms:*","Resource":"*"}}`, nil},
		{"Sid twice", iampolicy.KindSession, `{"Statement":[{"Sid":"A","Effect":"Allow","Action":"ec2:DescribeSnapshots","Resource":"*"},{"Sid":"A","Effect":"Deny","Action":"ec2:DescribeVolumes","Resource":"*"}]}`, []string{"sid-twice Statement[1].Sid"}},
		{"empty lists", iampolicy.KindIdentity, `{"Statement":{"Effect":"Allow","Action":[],"Resource":[]}}`, []string{"member-missing Statement.Action", "member-missing Statement.Resource"}},
	}
}

func sizeRows() []findingRow {
	sized := func(n int) string {
		return allow(`"ec2:DeleteSnapshot"`, `"arn:aws:ec2:*::snapshot/snap-`+strings.Repeat("a", n)+`"`)
	}
	blanks := strings.Repeat(" ", 2_100) + sized(10)
	scp := strings.Replace(sized(5_200), "Allow", "Deny", 1)
	return []findingRow{
		{"inline only", iampolicy.KindIdentity, sized(6_100), []string{"size-managed"}},
		{"too large for a role", iampolicy.KindIdentity, sized(10_240), []string{"size"}},
		{"too large a boundary", iampolicy.KindBoundary, sized(6_100), []string{"size"}},
		{"white space in a session policy", iampolicy.KindSession, blanks, []string{"size"}},
		{"white space in a role's policy", iampolicy.KindIdentity, blanks, nil},
		{"too large an SCP", iampolicy.KindSCP, scp, []string{"size"}},
		{"characters beyond Latin-1", iampolicy.KindIdentity, allow(`"ec2:DeleteSnapshot"`, `"arn:aws:ec2:*::snapshot/snap-€"`), []string{"characters"}},
		{"characters in an SCP", iampolicy.KindSCP, allow(`"ec2:DeleteSnapshot"`, `"arn:aws:ec2:*::snapshot/snap-€"`), nil},
	}
}

func principalRows() []findingRow {
	by := func(principal string) string {
		return `{"Statement":{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"}}`
	}
	key := func(member string) string {
		return `{"Statement":{"Effect":"Allow",` + member + `,"Action":"kms:DescribeKey","Resource":"*"}}`
	}
	return []findingRow{
		{"all kinds of principals", iampolicy.KindTrust, by(`{"AWS":["*","111111111111","arn:aws:iam::111111111111:root","arn:aws-cn:iam::111111111111:user/a/b","arn:aws:sts::111111111111:assumed-role/r/s"],"Service":["ec2.amazonaws.com","ec2.amazonaws.com.cn"],"Federated":["arn:aws:iam::111111111111:saml-provider/p","accounts.google.com"]}`), nil},
		{"none", iampolicy.KindTrust, `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}}`, []string{"member-missing Statement.Principal"}},
		{"nobody", iampolicy.KindTrust, by(`{}`), []string{"member-missing Statement.Principal"}},
		{"empty list", iampolicy.KindTrust, by(`{"AWS":[]}`), []string{"member-missing Statement.Principal.AWS"}},
		{"without a kind", iampolicy.KindTrust, by(`"111111111111"`), []string{"principal-syntax Statement.Principal"}},
		{"of an unknown kind", iampolicy.KindTrust, by(`{"Robot":"r2"}`), []string{"principal-syntax Statement.Principal.Robot"}},
		{"short account", iampolicy.KindTrust, by(`{"AWS":["11111111111"]}`), []string{"principal-syntax Statement.Principal.AWS[0]"}},
		{"wildcard", iampolicy.KindTrust, by(`{"AWS":"arn:aws:iam::111111111111:role/*"}`), []string{"principal-wildcard Statement.Principal.AWS"}},
		{"deleted", iampolicy.KindTrust, by(`{"AWS":"AROACKCEVSQ6C2EXAMPLE"}`), []string{"principal-deleted Statement.Principal.AWS"}},
		{"no service", iampolicy.KindTrust, by(`{"Service":"ec2"}`), []string{"principal-syntax Statement.Principal.Service"}},
		{"no provider", iampolicy.KindTrust, by(`{"Federated":"google"}`), []string{"principal-syntax Statement.Principal.Federated"}},
		{"canonical user at a key", iampolicy.KindKey, key(`"Principal":{"CanonicalUser":"79a5"}`), []string{"principal-syntax Statement.Principal.CanonicalUser"}},
		{"allowing by exclusion", iampolicy.KindKey, key(`"NotPrincipal":{"AWS":"111111111111"}`), []string{"member-not-for-kind Statement.NotPrincipal"}},
		{"named in an RCP", iampolicy.KindRCP, `{"Statement":{"Effect":"Deny","Principal":{"AWS":"111111111111"},"Action":"kms:*","Resource":"*"}}`, []string{"principal-syntax Statement.Principal"}},
	}
}

func actionRows() []findingRow {
	return []findingRow{
		{"no action", iampolicy.KindIdentity, allow(`["DeleteSnapshot","ec2:","ec2:Delete Snapshot","ec2:DescribeSnapshots"]`, `"*"`), []string{"action-syntax Statement.Action[0]", "action-syntax Statement.Action[1]", "action-syntax Statement.Action[2]"}},
		{"unknown service", iampolicy.KindIdentity, allow(`"ec3:DeleteSnapshot"`, `"*"`), []string{"service-unknown Statement.Action"}},
		{"unknown action", iampolicy.KindIdentity, allow(`["ec2:DeleteSnapshots","ec2:Snap*","lambda:Whatever"]`, `"*"`), []string{"action-unknown Statement.Action[0]", "action-unknown Statement.Action[1]"}},
		{"unknown among the excluded", iampolicy.KindSCP, `{"Statement":{"Effect":"Deny","NotAction":"iam:GetUsers","Resource":"*"}}`, []string{"action-unknown Statement.NotAction"}},
		{"small letters", iampolicy.KindIdentity, allow(`"EC2:deletesnapshot"`, snapshots), nil},
		{"not sts in a trust policy", iampolicy.KindTrust, `{"Statement":{"Effect":"Allow",` + aRole + `"Action":"iam:PassRole"}}`, []string{"action-not-for-kind Statement.Action"}},
		{"another sts action in a trust policy", iampolicy.KindTrust, `{"Statement":{"Effect":"Allow",` + aRole + `"Action":["sts:GetFederationToken","sts:AssumeRole*","sts:TagSession"]}}`, []string{"action-not-for-kind Statement.Action[0]"}},
		{"not kms at a key", iampolicy.KindKey, `{"Statement":{"Effect":"Allow",` + aRole + `"Action":"ec2:DeleteSnapshot","Resource":"*"}}`, []string{"action-not-for-kind Statement.Action"}},
		{"EC2 in an RCP", iampolicy.KindRCP, `{"Statement":{"Effect":"Deny","Principal":"*","Action":["kms:Decrypt","ec2:DeleteSnapshot"],"Resource":"*"}}`, []string{"action-not-for-kind Statement.Action[1]"}},
		{"everything in an RCP", iampolicy.KindRCP, `{"Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}}`, []string{"action-not-for-kind Statement.Action"}},
		{"snapshots of an account", iampolicy.KindIdentity, allow(`"ec2:DeleteSnapshot"`, `"arn:aws:ec2:*:111111111111:snapshot/*"`), []string{"resource-never-matches Statement.Resource"}},
		{"snapshots of any account", iampolicy.KindIdentity, allow(`"ec2:DeleteSnapshot"`, `"arn:aws:ec2:*:*:snapshot/*"`), nil},
		{"volumes of no account", iampolicy.KindIdentity, allow(`"ec2:DeleteVolume"`, `"arn:aws:ec2:*::volume/*"`), []string{"resource-never-matches Statement.Resource"}},
		{"one of several resources", iampolicy.KindIdentity, allow(`["ec2:DeleteSnapshot","ec2:DeleteVolume"]`, `["arn:aws:ec2:*::snapshot/*","arn:aws:ec2:*:111111111111:image/*","arn:aws:ec2:*:111111111111:volume/vol-*"]`), []string{"resource-never-matches Statement.Resource[1]"}},
		{"action without resources", iampolicy.KindIdentity, allow(`["ec2:DescribeSnapshots","ec2:DeleteSnapshot"]`, snapshots), []string{"action-never-matches Statement.Action[0]"}},
		{"action on other resources", iampolicy.KindIdentity, allow(`"s3:GetObject"`, `"arn:aws:s3:::bucket"`), []string{"resource-never-matches Statement.Resource"}},
		{"a bucket and what is in it", iampolicy.KindIdentity, allow(`["s3:GetObject","s3:ListBucket"]`, `["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"]`), nil},
		{"the resource in a variable", iampolicy.KindIdentity, allow(`"s3:GetObject"`, `"arn:aws:s3:::bucket/${aws:username}/*"`), nil},
		{"the literal asterisk of copies", iampolicy.KindIdentity, allow(`"ec2:CopySnapshot"`, `"arn:aws:ec2:*::snapshot/${*}"`), nil},
		{"patterns of actions", iampolicy.KindIdentity, allow(`"ec2:*Snapshot"`, snapshots), nil},
		{"all but some actions", iampolicy.KindIdentity, `{"Statement":{"Effect":"Deny","NotAction":"ec2:DescribeSnapshots","Resource":"arn:aws:ec2:*:111111111111:snapshot/*"}}`, nil},
		{"what AWS publishes", iampolicy.KindIdentity, allow(`"ssm:GetParameter"`, `"arn:aws:ssm:*::parameter/aws/service/*"`), nil},
		{"buckets for listing", iampolicy.KindIdentity, allow(`"s3:ListAllMyBuckets"`, `"arn:aws:s3:::*"`), nil},
		{"macros", iampolicy.KindIdentity, allow(`"cloudformation:CreateChangeSet"`, `"arn:aws:cloudformation:*:aws:transform/Serverless-2016-10-31"`), nil},
		{"no ARN", iampolicy.KindIdentity, allow(`"ec2:DeleteSnapshot"`, `["snap-1","arn:aws:ec2:snap-1","arn::ec2:*::snapshot/*","arn:aws:ec2:*"]`), []string{"resource-syntax Statement.Resource[0]", "resource-syntax Statement.Resource[1]", "resource-syntax Statement.Resource[2]"}},
	}
}

func conditionRows() []findingRow {
	on := func(conditions string) string { return allow(`"ec2:DeleteSnapshot"`, snapshots, when(conditions)) }
	return []findingRow{
		{"right types", iampolicy.KindIdentity, on(`"StringEquals":{"ec2:Owner":"111111111111"},"DateLessThan":{"ec2:SnapshotTime":"2026-01-01T00:00:00Z"},"Bool":{"aws:SecureTransport":true},"IpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::1"]},"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"},"NumericLessThan":{"aws:MultiFactorAuthAge":60}`), nil},
		{"unknown operator", iampolicy.KindIdentity, on(`"StringEqual":{"ec2:Owner":"1"}`), []string{"operator-unknown Statement.Condition.StringEqual"}},
		{"Null with IfExists", iampolicy.KindIdentity, on(`"NullIfExists":{"ec2:Owner":"true"}`), []string{"operator-unknown Statement.Condition.NullIfExists"}},
		{"operator without keys", iampolicy.KindIdentity, on(`"StringEquals":{}`), []string{"values-empty Statement.Condition.StringEquals"}},
		{"key without values", iampolicy.KindIdentity, on(`"StringEquals":{"ec2:Owner":[]}`), []string{`values-empty Statement.Condition.StringEquals["ec2:Owner"]`}},
		{"operator for another type", iampolicy.KindIdentity, on(`"NumericEquals":{"ec2:Owner":"1"},"StringEquals":{"ec2:VolumeSize":"8"}`), []string{`operator-type Statement.Condition.NumericEquals["ec2:Owner"]`, `operator-type Statement.Condition.StringEquals["ec2:VolumeSize"]`}},
		{"ARN as text", iampolicy.KindIdentity, on(`"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/r"}`), []string{`operator-text Statement.Condition.StringEquals["aws:PrincipalArn"]`}},
		{"values of other types", iampolicy.KindIdentity, on(`"DateLessThan":{"aws:CurrentTime":["yesterday","2026-01-01"]},"Bool":{"aws:SecureTransport":"yes"},"IpAddress":{"aws:SourceIp":"192.0.2.0/33"},"NumericLessThan":{"aws:MultiFactorAuthAge":"1h"},"Null":{"ec2:Owner":"no"},"ArnLike":{"aws:PrincipalArn":"role/r"},"BinaryEquals":{"aws:username":"%"}`), []string{
			`value-type Statement.Condition.DateLessThan["aws:CurrentTime"][0]`, `value-type Statement.Condition.Bool["aws:SecureTransport"]`,
			`value-type Statement.Condition.IpAddress["aws:SourceIp"]`, `value-type Statement.Condition.NumericLessThan["aws:MultiFactorAuthAge"]`,
			`value-type Statement.Condition.Null["ec2:Owner"]`, `value-type Statement.Condition.ArnLike["aws:PrincipalArn"]`,
			`value-type Statement.Condition.BinaryEquals["aws:username"]`, `operator-type Statement.Condition.BinaryEquals["aws:username"]`,
		}},
		{"list key without a set operator", iampolicy.KindIdentity, allow(`"ec2:CreateTags"`, snapshots, when(`"StringEquals":{"aws:TagKeys":"a"}`)), []string{`set-operator-missing Statement.Condition.StringEquals["aws:TagKeys"]`}},
		{"unknown keys", iampolicy.KindIdentity, on(`"StringEquals":{"owner":"1","ec2:Owners":"1","aws:Owner":"1"}`), []string{
			`key-unknown Statement.Condition.StringEquals.owner`, `key-unknown Statement.Condition.StringEquals["ec2:Owners"]`, `key-unknown Statement.Condition.StringEquals["aws:Owner"]`,
		}},
		{"keys of others", iampolicy.KindTrust, `{"Statement":{"Effect":"Allow","Principal":{"Federated":"token.example.com"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"token.example.com:sub":"x","saml:edupersonorgdn":"y"}}}}`, []string{`key-not-for-action Statement.Condition.StringEquals["saml:edupersonorgdn"]`}},
		{"tag of the source of a copy", iampolicy.KindIdentity, allow(`"ec2:CopySnapshot"`, snapshots, when(`"StringEquals":{"aws:ResourceTag/a":"b"}`)), []string{`key-not-for-action Statement.Condition.StringEquals["aws:ResourceTag/a"]`}},
		{"key of one of the actions", iampolicy.KindIdentity, allow(`["ec2:CopySnapshot","ec2:DeleteSnapshot"]`, snapshots, when(`"StringEquals":{"aws:ResourceTag/a":"b"}`)), []string{`key-not-for-action Statement.Condition.StringEquals["aws:ResourceTag/a"]`}},
		{"key of one of the actions, forgiven", iampolicy.KindIdentity, allow(`["ec2:CopySnapshot","ec2:DeleteSnapshot"]`, snapshots, when(`"StringEqualsIfExists":{"aws:ResourceTag/a":"b"}`)), nil},
		{"key of other resources", iampolicy.KindIdentity, allow(`"ec2:CreateSnapshot"`, `"arn:aws:ec2:*:111111111111:volume/*"`, when(`"StringEquals":{"aws:RequestTag/a":"b"}`)), []string{`key-not-for-action Statement.Condition.StringEquals["aws:RequestTag/a"]`}},
		{"key of the action itself", iampolicy.KindIdentity, allow(`"ec2:CreateTags"`, snapshots, when(`"StringEquals":{"ec2:CreateAction":"CopySnapshot"}`)), nil},
		{"session tags and external id", iampolicy.KindTrust, `{"Statement":{"Effect":"Allow",` + aRole + `"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Condition":{"StringEquals":{"sts:ExternalId":"x1"},"StringLike":{"sts:SourceIdentity":"job-*"}}}}`, nil},
		{"any service's tags", iampolicy.KindIdentity, allow(`"lambda:InvokeFunction"`, `"*"`, when(`"StringEquals":{"aws:ResourceTag/a":"b","lambda:FunctionArn":"x"}`)), nil},
	}
}

func variableRows() []findingRow {
	on := func(version, resource, conditions string) string {
		return `{"Version":"` + version + `","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":` + resource + `,"Condition":{` + conditions + `}}}`
	}
	const v, bucket = "2012-10-17", `"arn:aws:s3:::bucket/*"`
	return []findingRow{
		{"variables", iampolicy.KindIdentity, on(v, `"arn:aws:s3:::bucket/${aws:PrincipalTag/team, 'none'}/${$}${*}"`, `"StringLike":{"aws:PrincipalArn":"${aws:PrincipalArn}*"}`), []string{`operator-text Statement.Condition.StringLike["aws:PrincipalArn"]`}},
		{"in the old language", iampolicy.KindIdentity, on("2008-10-17", `"arn:aws:s3:::bucket/${aws:username}"`, ``), []string{"variable-not-replaced Statement.Resource"}},
		{"in a number", iampolicy.KindIdentity, on(v, bucket, `"NumericLessThan":{"aws:MultiFactorAuthAge":"${aws:EpochTime}"}`), []string{`variable-not-replaced Statement.Condition.NumericLessThan["aws:MultiFactorAuthAge"]`}},
		{"open brace", iampolicy.KindIdentity, on(v, `"arn:aws:s3:::bucket/${aws:username"`, ``), []string{"variable-syntax Statement.Resource"}},
		{"no key", iampolicy.KindIdentity, on(v, `"arn:aws:s3:::bucket/${name}"`, ``), []string{"variable-syntax Statement.Resource"}},
		{"unknown key", iampolicy.KindIdentity, on(v, `"arn:aws:s3:::bucket/${aws:user}"`, ``), []string{"variable-unknown Statement.Resource"}},
		{"key of an identity provider", iampolicy.KindIdentity, on(v, `"arn:aws:s3:::bucket/${www.example.com:user_id}"`, ``), nil},
	}
}
