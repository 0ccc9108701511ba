package iampolicy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

func TestBadInstallationsAreRefusedFieldByField(t *testing.T) {
	key := "arn:aws:kms:us-east-1:111111111111:key/k"
	for _, c := range []struct {
		name  string
		spoil func(*iampolicy.Installation)
		want  []string // "field: problem", all of them
	}{
		{"partition", func(i *iampolicy.Installation) {
			*i = iampolicy.Installation{Partition: "aws-moon", Vault: "999999999999", ExternalID: "x1"}
		}, []string{
			`Partition: "aws-moon": want one of aws, aws-cn, aws-us-gov`,
			`Orchestrator: is missing`, `Regions: is empty`,
			`KeyAdmins: is empty; nobody could ever change the vault keys' policy`,
		}},
		{"vault short", func(i *iampolicy.Installation) { i.Vault = "99999999999"; i.Restore = nil }, []string{
			`Vault: account id "99999999999": want 12 digits`,
			`Orchestrator: arn:aws:iam::999999999999:role/backup/orchestrator is not in account 99999999999`,
			`VaultKeys[0]: key arn:aws:kms:us-east-1:999999999999:key/vault-us is not of account 99999999999`,
			`VaultKeys[1]: key arn:aws:kms:eu-west-1:999999999999:key/vault-eu is not of account 99999999999`,
			`KeyAdmins[0]: arn:aws:iam::999999999999:role/key-admin is not in account 99999999999`,
			`KeyAdmins[1]: arn:aws:iam::999999999999:role/key-admin-2 is not in account 99999999999`,
		}},
		{"orchestrator is root", func(i *iampolicy.Installation) { i.Orchestrator = "arn:aws:iam::999999999999:root" }, []string{
			`Orchestrator: "arn:aws:iam::999999999999:root" is not the ARN of a role or user; wildcards are not taken`,
		}},
		{"orchestrator is a session", func(i *iampolicy.Installation) { i.Orchestrator = "arn:aws:sts::999999999999:assumed-role/o/s" }, []string{
			`Orchestrator: "arn:aws:sts::999999999999:assumed-role/o/s" is not the ARN of a role or user; wildcards are not taken`,
		}},
		{"orchestrator is anyone", func(i *iampolicy.Installation) { i.Orchestrator = "arn:aws:iam::999999999999:role/*" }, []string{
			`Orchestrator: "arn:aws:iam::999999999999:role/*" is not the ARN of a role or user; wildcards are not taken`,
		}},
		{"orchestrator elsewhere", func(i *iampolicy.Installation) { i.Orchestrator = "arn:aws:iam::111111111111:role/o" }, []string{
			`Orchestrator: arn:aws:iam::111111111111:role/o is not in account 999999999999`,
		}},
		{"orchestrator in another partition", func(i *iampolicy.Installation) { i.Orchestrator = "arn:aws-cn:iam::999999999999:role/o" }, []string{
			`Orchestrator: arn:aws-cn:iam::999999999999:role/o is not in partition aws`,
		}},
		{"orchestrator is a generated role", func(i *iampolicy.Installation) {
			i.Orchestrator = "arn:aws:iam::999999999999:role/snapkeep-vault-writer"
		}, []string{
			`Orchestrator: snapkeep-vault-writer is the name of a generated role`,
		}},
		{"external id missing", func(i *iampolicy.Installation) {
			i.ExternalID, i.Protected[0].ExternalID, i.Restore[1].ExternalID = "", "", ""
		}, []string{
			`ExternalID: is missing`, `Protected[0].ExternalID: is missing`, `Restore[1].ExternalID: is missing`,
		}},
		{"external id short", func(i *iampolicy.Installation) { i.ExternalID = "x" }, []string{`ExternalID: want 2 to 1224 letters, digits and _+=,.@:/-`}},
		{"external id long", func(i *iampolicy.Installation) { i.ExternalID = strings.Repeat("x", 1225) }, []string{`ExternalID: want 2 to 1224 letters, digits and _+=,.@:/-`}},
		{"external id with a wildcard", func(i *iampolicy.Installation) { i.ExternalID = "x*" }, []string{`ExternalID: want 2 to 1224 letters, digits and _+=,.@:/-`}},
		{"external id with a variable", func(i *iampolicy.Installation) { i.ExternalID = "${aws:username}" }, []string{`ExternalID: want 2 to 1224 letters, digits and _+=,.@:/-`}},
		{"external id of two", func(i *iampolicy.Installation) { i.Protected[1].ExternalID = i.Protected[0].ExternalID }, []string{
			`Protected[1].ExternalID: is also that of account 111111111111`,
		}},
		{"external id of the vault", func(i *iampolicy.Installation) { i.Restore[0].ExternalID = i.ExternalID }, []string{
			`Restore[0].ExternalID: is also that of account 999999999999`,
		}},
		{"no Regions", func(i *iampolicy.Installation) { i.Protected[1].Regions = nil; i.Protected[1].SourceKeys = nil }, []string{`Protected[1].Regions: is empty`}},
		{"Regions", func(i *iampolicy.Installation) {
			i.Protected[0].Regions = append(i.Protected[0].Regions, "us-east", "*", "us-east-1", "cn-north-1", "us-gov-west-1", "us-iso-east-1")
		}, []string{
			`Protected[0].Regions[4]: us-east-1 is listed twice`,
			`Protected[0].Regions[2]: "us-east" is not a Region`,
			`Protected[0].Regions[3]: "*" is not a Region`,
			`Protected[0].Regions[5]: Region cn-north-1 is not in partition aws`,
			`Protected[0].Regions[6]: Region us-gov-west-1 is not in partition aws`,
			`Protected[0].Regions[7]: Region us-iso-east-1 is not in partition aws`,
		}},
		{"no vault keys", func(i *iampolicy.Installation) { i.VaultKeys = i.VaultKeys[:1] }, []string{`VaultKeys: has no key in eu-west-1`}},
		{"no restore keys", func(i *iampolicy.Installation) { i.Restore[1].Keys = nil }, []string{`Restore[1].Keys: has no key in us-east-1`}},
		{"keys", func(i *iampolicy.Installation) {
			i.Protected[0].SourceKeys = []string{
				"arn:aws:kms:us-east-1:111111111111:alias/data", "arn:aws:kms:us-east-1:111111111111:key/*", "k",
				"arn:aws:kms:us-east-1:222222222222:key/k", "arn:aws-cn:kms:us-east-1:111111111111:key/k",
				"arn:aws:kms:ap-south-1:111111111111:key/k", key, key,
			}
		}, []string{
			`Protected[0].SourceKeys[7]: arn:aws:kms:us-east-1:111111111111:key/k is listed twice`,
			`Protected[0].SourceKeys[0]: "arn:aws:kms:us-east-1:111111111111:alias/data" is not the ARN of a key; aliases and wildcards are not taken`,
			`Protected[0].SourceKeys[1]: "arn:aws:kms:us-east-1:111111111111:key/*" is not the ARN of a key; aliases and wildcards are not taken`,
			`Protected[0].SourceKeys[2]: "k" is not the ARN of a key; aliases and wildcards are not taken`,
			`Protected[0].SourceKeys[3]: key arn:aws:kms:us-east-1:222222222222:key/k is not of account 111111111111`,
			`Protected[0].SourceKeys[4]: key arn:aws-cn:kms:us-east-1:111111111111:key/k is not in partition aws`,
			`Protected[0].SourceKeys[5]: key arn:aws:kms:ap-south-1:111111111111:key/k is in none of the account's Regions`,
		}},
		{"rekey key of the vault", func(i *iampolicy.Installation) { i.Protected[0].RekeyKeys = i.VaultKeys[:1] }, []string{
			`Protected[0].RekeyKeys[0]: key arn:aws:kms:us-east-1:999999999999:key/vault-us is not of account 111111111111`,
		}},
		{"no key admins", func(i *iampolicy.Installation) { i.KeyAdmins = nil }, []string{`KeyAdmins: is empty; nobody could ever change the vault keys' policy`}},
		{"key admins", func(i *iampolicy.Installation) {
			i.KeyAdmins = []string{
				i.Orchestrator, "arn:aws:iam::999999999999:user/bob", "arn:aws:iam::111111111111:role/admin",
				"arn:aws:iam::999999999999:role/snapkeep-vault-pruner", i.Orchestrator,
			}
		}, []string{
			`KeyAdmins[4]: arn:aws:iam::999999999999:role/backup/orchestrator is listed twice`,
			`KeyAdmins[0]: is the orchestrator`,
			`KeyAdmins[1]: arn:aws:iam::999999999999:user/bob is a user; want a role`,
			`KeyAdmins[2]: arn:aws:iam::111111111111:role/admin is not in account 999999999999`,
			`KeyAdmins[3]: snapkeep-vault-pruner is the name of a generated role`,
			`KeyAdmins[4]: is the orchestrator`,
		}},
		{"the vault protects itself", func(i *iampolicy.Installation) {
			i.Protected[1] = iampolicy.Protected{Account: i.Vault, ExternalID: "y2", Regions: i.Regions}
		}, []string{`Protected[1].Account: is the vault`}},
		{"the vault restores into itself", func(i *iampolicy.Installation) {
			i.Restore[1] = iampolicy.RestoreAccount{Account: i.Vault, ExternalID: "y2", Regions: i.Regions, Keys: i.VaultKeys}
		}, []string{`Restore[1].Account: is the vault`}},
		{"accounts twice", func(i *iampolicy.Installation) {
			i.Protected = append(i.Protected, i.Protected[0])
			i.Restore = append(i.Restore, i.Restore[1])
		}, []string{
			`Protected[2].Account: 111111111111 is listed twice`, `Restore[2].Account: 666666666666 is listed twice`,
		}},
		{"pass roles", func(i *iampolicy.Installation) {
			i.Restore[0].PassRoles = []string{
				"arn:aws:iam::555555555555:role/snapkeep-restore", "arn:aws:iam::555555555555:user/app",
				"arn:aws:iam::555555555555:role/*", "arn:aws:iam::111111111111:role/app", "",
			}
		}, []string{
			`Restore[0].PassRoles[0]: snapkeep-restore is the name of a generated role`,
			`Restore[0].PassRoles[1]: arn:aws:iam::555555555555:user/app is a user; want a role`,
			`Restore[0].PassRoles[2]: "arn:aws:iam::555555555555:role/*" is not the ARN of a role or user; wildcards are not taken`,
			`Restore[0].PassRoles[3]: arn:aws:iam::111111111111:role/app is not in account 555555555555`,
			`Restore[0].PassRoles[4]: is missing`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := installation()
			c.spoil(&i)
			require.Equal(t, c.want, faults(t, i.Validate()))
		})
	}
}

// faults lists the field errors that an error joins, and fails if it holds any other.
func faults(t testing.TB, err error) (all []string) {
	t.Helper()
	var joined interface{ Unwrap() []error }
	require.ErrorAs(t, err, &joined)
	for _, e := range joined.Unwrap() {
		var field *iampolicy.FieldError
		require.True(t, errors.As(e, &field), "%v", e)
		all = append(all, field.Field+": "+field.Problem)
	}
	return all
}

func TestGoodInstallationsAreTaken(t *testing.T) {
	for name, change := range map[string]func(*iampolicy.Installation){
		"as it is":               func(*iampolicy.Installation) {},
		"partition spelled out":  func(i *iampolicy.Installation) { i.Partition = "aws" },
		"orchestrator is a user": func(i *iampolicy.Installation) { i.Orchestrator = "arn:aws:iam::999999999999:user/ops/o@example.org" },
		"orchestrator is snapkeep": func(i *iampolicy.Installation) {
			i.Orchestrator = "arn:aws:iam::999999999999:role/snapkeep-orchestrator"
		},
		"only restores":  func(i *iampolicy.Installation) { i.Protected = nil },
		"never restores": func(i *iampolicy.Installation) { i.Restore = nil },
		"external id at its longest": func(i *iampolicy.Installation) {
			i.ExternalID = strings.Repeat("x", 1224)
		},
		"multi-Region key": func(i *iampolicy.Installation) {
			i.Protected[0].SourceKeys = []string{"arn:aws:kms:us-east-1:111111111111:key/mrk-1234abcd12ab34cd56ef1234567890ab"}
		},
		"one key for both": func(i *iampolicy.Installation) { i.Protected[0].SourceKeys = i.Protected[0].RekeyKeys },
		"restore where it was": func(i *iampolicy.Installation) {
			i.Restore[1].Account, i.Restore[1].ExternalID = "111111111111", i.Protected[0].ExternalID
			i.Restore[1].Keys = []string{"arn:aws:kms:us-east-1:111111111111:key/restored"}
		},
		"China": func(i *iampolicy.Installation) { *i = china() },
		"GovCloud": func(i *iampolicy.Installation) {
			*i = iampolicy.Installation{
				Partition: "aws-us-gov", Vault: "999999999999", Orchestrator: "arn:aws-us-gov:iam::999999999999:role/o", ExternalID: "x1",
				Regions: []string{"us-gov-west-1"}, VaultKeys: []string{"arn:aws-us-gov:kms:us-gov-west-1:999999999999:key/v"},
				KeyAdmins: []string{"arn:aws-us-gov:iam::999999999999:role/k"},
			}
		},
	} {
		i := installation()
		change(&i)
		require.NoError(t, i.Validate(), name)
		documents(t, i)
	}
}

func TestExternalIDsNeverReachErrors(t *testing.T) {
	i := installation()
	i.ExternalID = "hush hush"
	i.Protected[0].ExternalID, i.Protected[1].ExternalID = "quiet-please", "quiet-please"
	text := i.Validate().Error()
	require.Len(t, strings.Split(text, "\n"), 2)
	require.NotContains(t, text, "hush")
	require.NotContains(t, text, "quiet")
}

// withOptions sets every option of an installation. A text is tried as what it
// may be, and elsewhere it is left at what is known to be good.
func withOptions(i *iampolicy.Installation, text string, lock iampolicy.LockBounds) {
	good := *i
	good.Lock, good.Export, good.Bucket, good.Deployers = &lock, true, "bucket", []string{"deploy/snapkeep"}
	p := &good.Protected[0]
	p.OnlyTagged, p.Images, p.Lock = map[string]string{"backup": "daily"}, true, &lock
	p.Documents = []string{"arn:aws:ssm:" + p.Regions[0] + ":" + p.Account + ":document/freeze"}
	*i = good
	for _, set := range []func(){
		func() { i.Bucket = text },
		func() { i.Organization = text },
		func() { i.SourceIdentity = text },
		func() { i.SessionTags = []string{text} },
		func() { i.GrantOperations = []string{text} },
		func() { i.Deployers = []string{text} },
		func() { p.OnlyTagged = map[string]string{text: "daily"} },
		func() { p.OnlyTagged = map[string]string{"backup": text} },
		func() { p.Documents = []string{text} },
	} {
		kept, tags, documents := *i, p.OnlyTagged, p.Documents
		if set(); i.Validate() != nil {
			*i, p.OnlyTagged, p.Documents = kept, tags, documents
		}
	}
}

// FuzzValidate: what Validate takes makes documents that parse, name only what
// was given, and hold no wildcard or variable that the table has not.
func FuzzValidate(f *testing.F) {
	seed := installation()
	add := func(partition, vault, orchestrator, externalID, region, keyID, account, accountExternalID, passRole string) {
		f.Add(partition, vault, orchestrator, externalID, region, keyID, account, accountExternalID, passRole, "", 0, 0, false)
		f.Add(partition, vault, orchestrator, externalID, region, keyID, account, accountExternalID, passRole, "Decrypt", 7, 30, true)
		f.Add(partition, vault, orchestrator, externalID, region, keyID, account, accountExternalID, passRole, "o-a1b2c3d4e5", 1, 36_500, true)
	}
	add("", seed.Vault, seed.Orchestrator, seed.ExternalID, "us-east-1", "vault-us", "111111111111", "first-9b2d", "role/app")
	add("aws-cn", "999999999999", "arn:aws-cn:iam::999999999999:user/o", "x1", "cn-north-1", "v", "222222222222", "y2", "role/a/b")
	add("aws", "*", "arn:aws:iam::*:role/*", "${aws:username}", "*", "*", "*", "*", "*")
	add("aws-us-gov", "999999999999", "", "\x00", "us-gov-west-1", "\"", "é", "😀", "role/${*}")
	f.Fuzz(func(t *testing.T, partition, vault, orchestrator, externalID, region, keyID, account, accountExternalID, passRole, option string, low, high int, options bool) {
		p := partition
		if p == "" {
			p = "aws"
		}
		keyOf := func(account string) []string {
			return []string{"arn:" + p + ":kms:" + region + ":" + account + ":key/" + keyID}
		}
		regions := []string{region}
		i := iampolicy.Installation{
			Partition: partition, Vault: vault, Orchestrator: orchestrator, ExternalID: externalID,
			Regions: regions, VaultKeys: keyOf(vault), KeyAdmins: []string{"arn:" + p + ":iam::" + vault + ":role/key-admin"},
			Protected: []iampolicy.Protected{{
				Account: account, ExternalID: accountExternalID, Regions: regions, SourceKeys: keyOf(account), RekeyKeys: keyOf(account),
			}},
			Restore: []iampolicy.RestoreAccount{{
				Account: account, ExternalID: accountExternalID, Regions: regions, Keys: keyOf(account),
				PassRoles: []string{"arn:" + p + ":iam::" + account + ":" + passRole},
			}},
		}
		if options {
			withOptions(&i, option, iampolicy.LockBounds{Min: low, Max: high})
		}
		if err := i.Validate(); err != nil {
			require.NotEmpty(t, faults(t, err))
			_, err = i.Roles()
			require.Error(t, err)
			return
		}
		for name, doc := range documents(t, i) {
			text := indented(t, doc)
			again, err := iampolicy.Parse(text)
			require.NoError(t, err, name)
			require.Equal(t, string(text), string(indented(t, again)), name)
			require.Equal(t, 0, strings.Count(strings.ReplaceAll(string(text), "snapshot/${*}", ""), "$"), name)
			for _, s := range doc.Statements {
				for _, c := range s.Conditions {
					wild := slices.ContainsFunc(c.Values.Values, func(v string) bool { return strings.ContainsAny(v, "*?") })
					if c.Key == "aws:PrincipalArn" {
						continue // roles of a guard are in any account
					}
					if c.Key == "sts:SourceIdentity" {
						continue // the one that may end in any way
					}
					require.Equal(t, c.Key == "kms:ViaService", wild, "%s: %s", name, c.Key)
				}
			}
		}
	})
}
