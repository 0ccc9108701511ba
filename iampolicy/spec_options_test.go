package iampolicy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

func TestFaultyOptionsAreNamed(t *testing.T) {
	for _, tt := range []struct {
		want   string
		change func(*iampolicy.Installation)
	}{
		{"Lock: want from 1 to 36500 days", func(i *iampolicy.Installation) { i.Lock = &iampolicy.LockBounds{Max: 3} }},
		{"Lock: want from 1 to 36500 days", func(i *iampolicy.Installation) { i.Lock = &iampolicy.LockBounds{Min: 1, Max: 36_501} }},
		{"Lock: Min of 9 days is more than Max of 8", func(i *iampolicy.Installation) { i.Lock = &iampolicy.LockBounds{Min: 9, Max: 8} }},
		{"Protected[0].Lock: want from 1 to 36500 days", func(i *iampolicy.Installation) { i.Protected[0].Lock = &iampolicy.LockBounds{} }},
		{`Bucket: "B*" is not the name of a bucket`, func(i *iampolicy.Installation) { i.Bucket = "B*" }},
		{"Bucket: is of no use without Export or Manifests", func(i *iampolicy.Installation) { i.Export, i.Manifests = false, false }},
		{"Manifests: need a Bucket", func(i *iampolicy.Installation) { i.Bucket = "" }},
		{`Organization: "o-*" is not the id of an organization`, func(i *iampolicy.Installation) { i.Organization = "o-*" }},
		{"SourceIdentity: want 2 to 64 letters, digits and _+=,.@-, the last of which may be an asterisk", func(i *iampolicy.Installation) { i.SourceIdentity = "*" }},
		{"SourceIdentity: want 2 to 64 letters, digits and _+=,.@-, the last of which may be an asterisk", func(i *iampolicy.Installation) { i.SourceIdentity = "a*b" }},
		{`SessionTags[1]: "a*" is not the key of a tag`, func(i *iampolicy.Installation) { i.SessionTags = []string{"a", "a*"} }},
		{"SessionTags[1]: a is listed twice", func(i *iampolicy.Installation) { i.SessionTags = []string{"a", "a"} }},
		{
			`GrantOperations[0]: "decrypt": want some of CreateGrant, Decrypt, DescribeKey, Encrypt, GenerateDataKey, GenerateDataKeyPair, ` +
				"GenerateDataKeyPairWithoutPlaintext, GenerateDataKeyWithoutPlaintext, ReEncryptFrom, ReEncryptTo, RetireGrant",
			func(i *iampolicy.Installation) { i.GrantOperations = []string{"decrypt"} },
		},
		{
			`Deployers[0]: "deploy-*" is not the name of a role; wildcards are not taken, since whoever can make a role could make one that matches`,
			func(i *iampolicy.Installation) { i.Deployers = []string{"deploy-*"} },
		},
		{"Deployers[0]: snapkeep-export is the name of a generated role", func(i *iampolicy.Installation) { i.Deployers = []string{"snapkeep-export"} }},
		{`Protected[0].OnlyTagged: "a$" is not the key of a tag`, func(i *iampolicy.Installation) { i.Protected[0].OnlyTagged = map[string]string{"a$": "b"} }},
		{
			"Protected[0].OnlyTagged: the value of a is not that of a tag; wildcards are not taken",
			func(i *iampolicy.Installation) { i.Protected[0].OnlyTagged = map[string]string{"a": "${b}"} },
		},
		{
			"Protected[0].Documents: need OnlyTagged, or they could be run on every instance",
			func(i *iampolicy.Installation) { i.Protected[0].OnlyTagged = nil },
		},
		{
			`Protected[0].Documents[0]: "freeze" is not the ARN of a document; wildcards are not taken`,
			func(i *iampolicy.Installation) { i.Protected[0].Documents = []string{"freeze"} },
		},
		{
			"Protected[0].Documents[0]: arn:aws:ssm:us-east-1::document/AWS-RunShellScript runs whatever it is given",
			func(i *iampolicy.Installation) {
				i.Protected[0].Documents = []string{"arn:aws:ssm:us-east-1::document/AWS-RunShellScript"}
			},
		},
		{
			"Protected[0].Documents[0]: arn:aws:ssm:us-east-1:333333333333:document/freeze is neither AWS's nor of account 111111111111",
			func(i *iampolicy.Installation) {
				i.Protected[0].Documents = []string{"arn:aws:ssm:us-east-1:333333333333:document/freeze"}
			},
		},
		{
			"Protected[0].Documents[0]: arn:aws:ssm:ap-south-1::document/freeze is in none of the account's Regions",
			func(i *iampolicy.Installation) {
				i.Protected[0].Documents = []string{"arn:aws:ssm:ap-south-1::document/freeze"}
			},
		},
		{
			"Protected[0].Documents[0]: arn:aws-cn:ssm:us-east-1::document/freeze is not in partition aws",
			func(i *iampolicy.Installation) {
				i.Protected[0].Documents = []string{"arn:aws-cn:ssm:us-east-1::document/freeze"}
			},
		},
	} {
		t.Run(tt.want, func(t *testing.T) {
			i := full()
			require.NoError(t, i.Validate())
			tt.change(&i)
			require.EqualError(t, i.Validate(), "iampolicy: "+tt.want)
		})
	}
}

func TestWhatIsNotAskedForIsNotMade(t *testing.T) {
	i := installation()
	_, err := i.ExportRole()
	require.EqualError(t, err, "iampolicy: Export: is not asked for")
	_, err = i.ImportRole("555555555555")
	require.EqualError(t, err, "iampolicy: Restore: account 555555555555 does not import")
	_, err = i.ImportRole("111111111111")
	require.EqualError(t, err, `iampolicy: Restore: has no account "111111111111"`)
	_, err = i.VaultBucketPolicy()
	require.EqualError(t, err, "iampolicy: Bucket: is missing")
	_, err = i.ProtectedGuard("555555555555")
	require.EqualError(t, err, `iampolicy: Protected: has no account "555555555555"`)

	i = full()
	export, err := i.ExportRole()
	require.NoError(t, err)
	imports, err := i.ImportRole("555555555555")
	require.NoError(t, err)
	roles, err := i.Roles()
	require.NoError(t, err)
	require.Contains(t, roles, export)
	require.Contains(t, roles, imports)
	require.Equal(t, "export", export.Purpose)
	require.Equal(t, "import", imports.Purpose)
}

func TestFaultyPlanSessionsAreNamed(t *testing.T) {
	session := planSessions(installation())["backup"]
	for _, tt := range []struct {
		want, purpose string
		change        func(*iampolicy.PlanSession)
	}{
		{`purpose: "restore" has no sessions of a plan`, "restore", func(*iampolicy.PlanSession) {}},
		{"Plan: is missing", "backup", func(s *iampolicy.PlanSession) { s.Plan = "" }},
		{"Before: is missing", "pruner", func(s *iampolicy.PlanSession) { s.Before = time.Time{} }},
		{`Vault: account id "x": want 12 digits`, "vault-sharer", func(s *iampolicy.PlanSession) { s.Vault = "x" }},
		{`Account: account id "": want 12 digits`, "pruner", func(s *iampolicy.PlanSession) { s.Account = "" }},
		{"Regions: is empty", "vault-writer", func(s *iampolicy.PlanSession) { s.Regions = nil }},
		{"Keys: and Sources go together", "vault-writer", func(s *iampolicy.PlanSession) { s.Sources = nil }},
		{`Keys[0]: "*" is not the ARN of a key in partition aws`, "backup", func(s *iampolicy.PlanSession) { s.Keys = []string{"*"} }},
		{`Sources[0]: account id "*": want 12 digits`, "backup", func(s *iampolicy.PlanSession) { s.Sources = []string{"*"} }},
	} {
		t.Run(tt.want, func(t *testing.T) {
			changed := session
			tt.change(&changed)
			_, err := changed.Policy(tt.purpose)
			var field *iampolicy.FieldError
			require.ErrorAs(t, err, &field)
			require.EqualError(t, err, "iampolicy: "+tt.want)
		})
	}
	session = planSessions(installation())["vault-writer"]
	session.Keys = []string{session.Keys[0]}
	for len(session.Keys) < 17 {
		session.Keys = append(session.Keys, session.Keys[0]+strings.Repeat("x", len(session.Keys)))
	}
	doc, err := session.Policy("vault-writer")
	require.NoError(t, err)
	require.LessOrEqual(t, doc.Size(), iampolicy.SessionLimit)
	require.Empty(t, doc.Statements[0].Sid, "there is room for no Sids")
	for n := range 40 {
		session.Keys = append(session.Keys, session.Keys[0]+strings.Repeat("y", n))
	}
	_, err = session.Policy("vault-writer")
	require.ErrorIs(t, err, iampolicy.ErrTooLarge)
}
