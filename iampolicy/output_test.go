package iampolicy_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// templates are those of testdata/output: an account of each kind, an account
// in another partition, and a StackSet.
func templates(t testing.TB) map[string]*iampolicy.Template {
	t.Helper()
	all := map[string]*iampolicy.Template{}
	add := func(name string, made *iampolicy.Template, err error) {
		t.Helper()
		require.NoError(t, err, name)
		all[name] = made
	}
	i := installation()
	for _, account := range []string{"111111111111", "222222222222", "555555555555", "999999999999"} {
		made, err := i.Template(account)
		add(account, made, err)
	}
	made, err := china().Template("555555555555")
	add("china.555555555555", made, err)
	made, err = i.StackSet(iampolicy.Protected{Regions: []string{"eu-west-1", "us-east-1"}, ExternalID: "fleet-5c1a"})
	add("stackset", made, err)
	for _, account := range []string{"111111111111", "555555555555", "999999999999"} {
		made, err := full().Template(account)
		add("full."+account, made, err)
	}
	i.Restore[1].Account, i.Restore[1].Keys = "111111111111", []string{"arn:aws:kms:us-east-1:111111111111:key/drill"}
	made, err = i.Template("111111111111")
	add("both.111111111111", made, err)
	return all
}

func TestOutputsAreThoseReviewed(t *testing.T) {
	dir := filepath.Join("testdata", "output")
	want := map[string]bool{}
	check := func(name string, got []byte) {
		want[name] = true
		path := filepath.Join(dir, name)
		if *updateRoles {
			require.NoError(t, os.MkdirAll(dir, 0o755))
			require.NoError(t, os.WriteFile(path, got, 0o644))
			return
		}
		reviewed, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(reviewed), string(got), "run with -update if %s is meant to change", name)
	}
	for name, made := range templates(t) {
		check(name+".yaml", made.CloudFormation())
		check(name+".template.json", made.CloudFormationJSON())
		check(name+".tf", made.Terraform())
		check(name+".sh", made.Script())
		if name != "stackset" {
			text, err := made.JSON()
			require.NoError(t, err)
			check(name+".json", text)
		}
	}
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range files {
		require.True(t, want[f.Name()], "nothing makes %s", f.Name())
	}
}

func TestOutputsAreTheSameWhateverTheOrderOfTheInstallation(t *testing.T) {
	i := installation()
	slices.Reverse(i.Protected)
	slices.Reverse(i.Restore)
	slices.Reverse(i.Regions)
	slices.Reverse(i.Protected[1].Regions)
	a, err := i.Template("111111111111")
	require.NoError(t, err)
	b := templates(t)["111111111111"]
	require.Equal(t, string(b.CloudFormation()), string(a.CloudFormation()))
	require.Equal(t, string(b.Terraform()), string(a.Terraform()))
}

func TestCloudFormationCreatesTheRolesInBothLanguages(t *testing.T) {
	for name, made := range templates(t) {
		var fromJSON map[string]any
		require.NoError(t, json.Unmarshal(made.CloudFormationJSON(), &fromJSON), name)
		fromYAML := readYAML(t, made.CloudFormation())
		a, err := json.Marshal(fromJSON)
		require.NoError(t, err)
		b, err := json.Marshal(fromYAML)
		require.NoError(t, err)
		require.JSONEq(t, string(a), string(b), name)

		at := place{account: made.Roles[0].Account, partition: "aws"}
		if strings.HasPrefix(name, "china") {
			at.partition = "aws-cn"
		}
		require.Equal(t, wanted(t, made.Roles), deployed(t, fromYAML, at), name)
	}
}

// TestOneStackSetServesEveryAccount resolves the StackSet's template in
// accounts of two partitions, and holds it against what an installation with
// those accounts needs.
func TestOneStackSetServesEveryAccount(t *testing.T) {
	template := readYAML(t, templates(t)["stackset"].CloudFormation())
	for _, account := range []string{"333333333333", "012345678901"} {
		i := installation()
		i.Protected = []iampolicy.Protected{{
			Account: account, ExternalID: "fleet-5c1a-" + account, Regions: []string{"us-east-1", "eu-west-1"},
		}}
		made, err := i.Template(account)
		require.NoError(t, err)
		require.Equal(t, wanted(t, made.Roles), deployed(t, template, place{account: account, partition: "aws"}))
	}
	text := string(templates(t)["stackset"].CloudFormation())
	require.NotContains(t, text, "000000000000")
	for _, literal := range []string{"111111111111", "222222222222", "arn:aws:"} {
		require.NotContains(t, strings.ReplaceAll(text, `"arn:aws:iam::999999999999:role/backup/orchestrator"`, ""), literal)
	}
}

func TestParametersReplaceTheVault(t *testing.T) {
	i := installation()
	template := readYAML(t, templates(t)["222222222222"].CloudFormation())
	i.Vault, i.Orchestrator = "777777777777", "arn:aws:iam::777777777777:role/other"
	i.VaultKeys = []string{"arn:aws:kms:us-east-1:777777777777:key/a", "arn:aws:kms:eu-west-1:777777777777:key/b"}
	i.KeyAdmins = []string{"arn:aws:iam::777777777777:role/key-admin"}
	i.Protected = i.Protected[1:]
	i.Protected[0].ExternalID = "another-id"
	made, err := i.Template("222222222222")
	require.NoError(t, err)
	require.Equal(t, wanted(t, made.Roles), deployed(t, template, place{
		account: "222222222222", partition: "aws",
		parameters: map[string]string{"VaultAccount": "777777777777", "Orchestrator": i.Orchestrator, "ExternalId": "another-id"},
	}))
}

func TestPlainJSONHoldsTheRoles(t *testing.T) {
	made := templates(t)["111111111111"]
	text, err := made.JSON()
	require.NoError(t, err)
	require.Equal(t, wanted(t, made.Roles), listed(t, text))
	_, err = templates(t)["stackset"].JSON()
	require.ErrorContains(t, err, "a StackSet has no plain JSON")
}

// TestScriptCreatesTheRoles runs the script with an aws that writes down what
// it is told.
func TestScriptCreatesTheRoles(t *testing.T) {
	for name, made := range templates(t) {
		partition := "aws"
		if strings.HasPrefix(name, "china") {
			partition = "aws-cn"
		}
		for _, there := range []string{"", "yes"} {
			got, said, err := runScript(t, made.Script(), made.Roles[0].Account, partition, there)
			require.NoError(t, err, said)
			require.Equal(t, wanted(t, made.Roles), got, name)
		}
	}
	_, said, err := runScript(t, templates(t)["111111111111"].Script(), "222222222222", "aws", "")
	require.Error(t, err)
	require.Contains(t, said, "for account 111111111111, not for 222222222222")
}

// TestLargeRolesHaveManagedPolicies takes a vault with more protected accounts
// than an inline policy of the writer can name the keys of.
func TestLargeRolesHaveManagedPolicies(t *testing.T) {
	i := installation()
	for n := range 60 {
		account := fmt.Sprintf("3%011d", n)
		i.Protected = append(i.Protected, iampolicy.Protected{
			Account: account, ExternalID: "many-" + account, Regions: []string{"us-east-1"},
			SourceKeys: []string{"arn:aws:kms:us-east-1:" + account + ":key/data"},
		})
	}
	made, err := i.Template(i.Vault)
	require.NoError(t, err)
	want := wanted(t, made.Roles)
	require.Greater(t, len(want["snapkeep-vault-writer"]), 2)
	at := place{account: i.Vault, partition: "aws"}
	require.Equal(t, want, deployed(t, readYAML(t, made.CloudFormation()), at))
	require.Equal(t, want, applied(t, made.Terraform(), i.Vault, "aws", "amazonaws.com"))
	text, err := made.JSON()
	require.NoError(t, err)
	require.Equal(t, want, listed(t, text))
	for _, there := range []string{"", "yes"} {
		got, said, err := runScript(t, made.Script(), i.Vault, "aws", there)
		require.NoError(t, err, said)
		require.Equal(t, want, got)
	}
}

func TestTemplatesRefuse(t *testing.T) {
	_, err := installation().Template("333333333333")
	require.ErrorContains(t, err, `account "333333333333" is not of the installation`)
	_, err = iampolicy.Installation{}.Template("111111111111")
	require.ErrorContains(t, err, "Vault")
	for want, like := range map[string]iampolicy.Protected{
		"ExternalID: is missing":           {Regions: []string{"eu-west-1"}},
		"Account: is of one account":       {Account: "111111111111", Regions: []string{"eu-west-1"}, ExternalID: "fleet"},
		"SourceKeys: keys are of one":      {Regions: []string{"eu-west-1"}, ExternalID: "fleet", RekeyKeys: []string{"key"}},
		"Protected[0].Regions: is empty":   {ExternalID: "fleet"},
		"Protected[0].ExternalID: want 2 ": {Regions: []string{"eu-west-1"}, ExternalID: "fleet 1"},
	} {
		_, err = installation().StackSet(like)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "fleet")
	}
}
