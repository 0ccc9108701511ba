package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/accounts/preflight"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/iampolicy"
)

func TestTheSimulatedAccountIsOnboarded(t *testing.T) {
	for format, want := range map[string]string{
		"cloudformation":      "AWSTemplateFormatVersion: \"2010-09-09\"",
		"cloudformation-json": "\"AWSTemplateFormatVersion\": \"2010-09-09\"",
		"terraform":           "resource \"aws_iam_role\" \"snapkeep_backup\" {",
		"script":              "put_role snapkeep-backup",
		"json":                "\"RoleName\": \"snapkeep-backup\"",
	} {
		var out, errs bytes.Buffer
		require.Zero(t, run([]string{"-format", format}, &out, &errs), errs.String())
		require.Contains(t, out.String(), want)
		before, after, ok := strings.Cut(out.String(), "== The roles are created")
		require.True(t, ok)
		require.Contains(t, before, "there is no such role")
		require.Contains(t, before, "0 ok, 2 wrong, 0 unknown")
		require.Contains(t, after, " ok, 0 wrong, 0 unknown")
	}
}

// TestAStackSetOnboardsAnOrganization creates the roles in two accounts from
// one template, and lists the accounts with the ids that the template makes.
func TestAStackSetOnboardsAnOrganization(t *testing.T) {
	backuptest.Simulate(func() {
		ctx := context.Background()
		cloud := backuptest.New(backuptest.Options{})
		in, base, err := newVault(ctx, cloud)
		require.NoError(t, err)
		set, err := in.StackSet(iampolicy.Protected{Regions: []string{region}, ExternalID: "fleet-5c1a"})
		require.NoError(t, err)
		members := []accounts.ID{"222222222222", "012345678901"}
		cloud.SetOrganization("o-a1b2c3d4e5", append([]accounts.ID{vault}, members...)...)

		in.Protected = nil
		api := organizations.NewFromConfig(cloud.Config(cloud.User(vault, "lister", backuptest.Admin()), region))
		for a, err := range accounts.Organization(ctx, api, accounts.OrganizationFilter{
			ExceptManagement: true,
			Template: accounts.AccountTemplate{Chain: []accounts.Role{{
				ARN: "arn:{partition}:iam::{account}:role/snapkeep-backup", ExternalID: "fleet-5c1a-{account}",
			}}},
		}) {
			require.NoError(t, err)
			in.Protected = append(in.Protected, iampolicy.Protected{
				Account: string(a.ID), ExternalID: a.Chain[0].ExternalID, Regions: []string{region},
			})
			admin := cloud.Config(cloud.User(a.ID, "admin", backuptest.Admin()), region)
			require.NoError(t, deploy(ctx, admin, string(a.ID), set.CloudFormationJSON()))
		}
		require.Len(t, in.Protected, 2)
		policy, err := in.OrchestratorPolicy()
		require.NoError(t, err)
		cloud.User(vault, "orchestrator", policy)
		made, err := in.Template(vault) // the writer copies from these accounts now
		require.NoError(t, err)
		for _, r := range made.Roles {
			cloud.PutRole(vault, backuptest.Role{Name: r.Name, Trust: r.Trust, Policies: []*iampolicy.Document{r.Policy}})
		}
		sessions, err := declare(base, in)
		require.NoError(t, err)
		var out bytes.Buffer
		require.NoError(t, look(ctx, sessions, in, preflight.Options{Auditor: func(_ context.Context, id accounts.ID, region string) (aws.Config, error) {
			return cloud.Config(cloud.Root(id), region), nil
		}}, time.Second, time.Minute, &out))
		require.Contains(t, out.String(), " ok, 0 wrong, 0 unknown")
	})
}

const path = "testdata/installation.json"

func TestTheTemplateOfARealAccountGoesToStandardOutput(t *testing.T) {
	in, err := readInstallation(path)
	require.NoError(t, err)
	made, err := in.Template(shop)
	require.NoError(t, err)
	set, err := in.StackSet(iampolicy.Protected{Regions: []string{region, "eu-central-1"}, ExternalID: "fleet"})
	require.NoError(t, err)
	for want, args := range map[string][]string{
		string(made.CloudFormation()): {"-account", shop},
		string(made.Terraform()):      {"-account", shop, "-format", "terraform"},
		string(set.CloudFormation()):  {"-stackset", "fleet", "-regions", region + ",eu-central-1"},
	} {
		var out, errs bytes.Buffer
		require.Zero(t, run(append([]string{"-installation", path}, args...), &out, &errs), errs.String())
		require.Equal(t, want, out.String(), "and nothing else")
	}
	var out, errs bytes.Buffer
	require.Zero(t, run([]string{"-new-external-id"}, &out, &errs))
	require.Regexp(t, `^[A-Z2-7]{26}\n$`, out.String())
}

// TestCheckWaitsForTheRoles does what -check does, on the simulated AWS: the
// roles are made while it waits.
func TestCheckWaitsForTheRoles(t *testing.T) {
	backuptest.Simulate(func() {
		ctx := context.Background()
		cloud := backuptest.New(backuptest.Options{})
		in, base, err := newVault(ctx, cloud)
		require.NoError(t, err)
		live := liveFlags{wait: time.Minute, auditRole: "auditor"}
		var out bytes.Buffer
		require.ErrorIs(t, live.look(ctx, base, in, &out), errNotYet)
		require.Equal(t, 1, strings.Count(out.String(), "0 ok, 2 wrong"), "what does not change is told once")

		time.AfterFunc(10*time.Minute, func() {
			made, err := in.Template(shop)
			if err == nil {
				err = deploy(ctx, cloud.Config(cloud.User(shop, "admin", backuptest.Admin()), region), shop, made.CloudFormationJSON())
			}
			if err != nil {
				panic(err)
			}
		})
		live.wait = 30 * time.Minute
		start := time.Now()
		require.NoError(t, live.look(ctx, base, in, &out))
		require.GreaterOrEqual(t, time.Since(start), 10*time.Minute)
		require.Less(t, time.Since(start), 12*time.Minute)

		ended, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		cloud.DeleteRole(shop, "snapkeep-backup")
		require.ErrorIs(t, live.look(ended, base, in, &out), context.DeadlineExceeded)
		time.Sleep(2 * time.Minute) // credentials that were asked for come after all, for whoever asks next
	})
}

func TestBadFlags(t *testing.T) {
	misspelt := filepath.Join(t.TempDir(), "misspelt.json")
	require.NoError(t, os.WriteFile(misspelt, []byte(`{"Vault": "999999999999", "Protect": []}`), 0o600))
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"unknown flag":        {[]string{"-nonsense"}, "-nonsense"},
		"an argument":         {[]string{"now"}, `"now"`},
		"unknown format":      {[]string{"-format", "toml"}, `-format "toml"`},
		"no installation":     {[]string{"-account", shop}, "-installation is missing"},
		"no such file":        {[]string{"-installation", "nowhere.json", "-account", shop}, "nowhere.json"},
		"a misspelt field":    {[]string{"-installation", misspelt, "-account", shop}, `unknown field "Protect"`},
		"no account":          {[]string{"-installation", path}, "-account or -stackset is missing"},
		"both":                {[]string{"-installation", path, "-account", shop, "-stackset", "fleet"}, "want one of the two"},
		"an unknown account":  {[]string{"-installation", path, "-account", "333333333333"}, "is not of the installation"},
		"a StackSet as JSON":  {[]string{"-installation", path, "-stackset", "fleet", "-regions", region, "-format", "json"}, "no plain JSON"},
		"a set of no Regions": {[]string{"-installation", path, "-stackset", "fleet"}, "Regions"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			require.NotZero(t, run(c.args, &out, &errs))
			require.Contains(t, errs.String(), c.want)
			require.Empty(t, out.String())
		})
	}
}
