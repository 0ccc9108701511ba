package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/examples/quickstart/story"
)

func TestTheStoryEndsWell(t *testing.T) {
	var out, errs bytes.Buffer
	require.Zero(t, run([]string{"-json"}, &out, &errs), errs.String())
	var r story.Result
	require.NoError(t, json.Unmarshal(out.Bytes(), &r))
	require.True(t, r.Identical)
	require.Equal(t, 63, r.RecoveryPoints, "three resources, 21 days")
	require.Equal(t, 63, r.Copies)
	require.Positive(t, r.Pruned)
	require.Equal(t, 4, r.RestoredVolumes)
	require.GreaterOrEqual(t, r.Attacks.Tried, 12)
	require.Zero(t, r.Attacks.Succeeded)
	require.Equal(t, r.Attacks.Tried, r.Attacks.Controls)
	require.Zero(t, r.Throttled)
	require.GreaterOrEqual(t, time.Duration(r.Virtual), 500*time.Hour)
	for _, key := range []string{
		"recovery_points", "copies", "pruned", "restored_volumes", "identical", "attacks", "api_calls", "throttled",
		"calls_per_volume", "virtual",
	} {
		require.Contains(t, out.String(), `"`+key+`"`)
	}
}

func TestAFlippedBlockIsSeen(t *testing.T) {
	var out, errs bytes.Buffer
	require.Equal(t, 1, run([]string{"-json", "-corrupt", "-days", "2"}, &out, &errs))
	var r story.Result
	require.NoError(t, json.Unmarshal(out.Bytes(), &r))
	require.False(t, r.Identical)
	require.Equal(t, 4, r.RestoredVolumes, "all that differs is the block")
	require.Contains(t, errs.String(), "did not end well")
}

func TestPlainTextNamesTheAttacks(t *testing.T) {
	var out, errs bytes.Buffer
	require.Zero(t, run([]string{"-days", "2"}, &out, &errs), errs.String())
	require.Contains(t, out.String(), "what is left, and why")
	require.Contains(t, out.String(), "confused deputy, without an external id")
	require.Empty(t, errs.String(), "no progress bar without a terminal")
}

func TestThePageOfTheFirstRun(t *testing.T) {
	var out, errs bytes.Buffer
	page := filepath.Join(t.TempDir(), "run.html")
	require.Zero(t, run([]string{"-days", "2", "-html", page}, &out, &errs), errs.String())
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Contains(t, string(text), "3</dd>", "three recovery points")
	require.Contains(t, string(text), "<svg")

	require.Equal(t, 1, run([]string{"-days", "1", "-html", filepath.Join(page, "nowhere")}, &out, &errs))
	require.Contains(t, errs.String(), "nowhere")
}

func TestBadFlags(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"unknown flag":        {[]string{"-nonsense"}, "-nonsense"},
		"an argument":         {[]string{"now"}, `"now"`},
		"role is no ARN":      {[]string{"-region", "eu-west-1", "-target-role", "backup"}, "-target-role"},
		"key is no ARN":       {[]string{"-region", "eu-west-1", "-target-role", targetRole, "-vault-key", "key"}, "-vault-key"},
		"moment is none":      {[]string{"-region", "eu-west-1", "-target-role", targetRole, "-vault-key", someKey, "-at", "noon"}, "-at"},
		"nothing is selected": {[]string{"-region", "eu-west-1", "-target-role", targetRole, "-vault-key", someKey}, "select"},
		"Region is none":      {[]string{"-region", "Europe", "-target-role", targetRole, "-vault-key", someKey, "-select", "all"}, "Europe"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			require.NotZero(t, run(c.args, &out, &errs))
			require.Contains(t, errs.String(), c.want)
		})
	}
}

const (
	targetRole = "arn:aws:iam::222222222222:role/snapkeep-backup"
	someKey    = "arn:aws:kms:eu-west-1:999999999999:key/11111111-2222-3333-4444-555555555555"
)

// TestLive runs what the flags do on the simulated AWS, first dry.
func TestLive(t *testing.T) {
	backuptest.Simulate(func() {
		ctx := context.Background()
		w, err := story.NewWorld(ctx, 1)
		require.NoError(t, err)
		mutations := 0
		w.Cloud.SetFault(func(c backuptest.Call) backuptest.Fault {
			if c.Mutating {
				mutations++
			}
			return backuptest.Fault{}
		})
		bank := w.Install.Protected[1]
		live := liveFlags{
			region: bank.Regions[0], selection: "all", targetRole: targetRole, externalID: bank.ExternalID,
			prunerRole: "arn:aws:iam::222222222222:role/snapkeep-pruner", rekeyKey: bank.RekeyKeys[0],
			vaultRole:       "arn:aws:iam::999999999999:role/snapkeep-vault-writer",
			vaultExternalID: w.Install.ExternalID, vaultKey: w.Install.VaultKeys[0], dryRun: true,
		}
		var out bytes.Buffer
		require.NoError(t, live.backUp(ctx, w.Base(), &out))
		require.Zero(t, mutations, "a dry run changes nothing")
		require.Contains(t, out.String(), "CopySnapshot", "the forecast")

		live.dryRun = false
		out.Reset()
		require.NoError(t, live.backUp(ctx, w.Base(), &out))
		require.Positive(t, mutations)
		require.Contains(t, out.String(), "done")
		require.Contains(t, out.String(), "retain")
	})
}
