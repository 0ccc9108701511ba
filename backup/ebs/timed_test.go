package ebs_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
	"github.com/snapkeep/snapkeep/retention"
)

// A time-based copy is asked for as such, is listed as such, and says when it
// was completed; any other is not.
func TestTimeBasedCopies(t *testing.T) {
	inBench(t, "of a detached volume", func(t *testing.T, b bench) {
		for _, set := range b.snapshotAll(t) {
			for minutes := range 2 {
				_, err := b.source.Do(t.Context(), backup.Step{Kind: backup.StepShare, Snapshot: set[0].ID, With: b.vaultSite.Account})
				require.NoError(t, err)
				_, err = b.vault.Do(t.Context(), backup.Step{
					Kind: backup.StepCopy, Snapshot: set[0].ID, SourceRegion: b.sourceSite.Region, KMSKey: b.key,
					Tags: map[string]string{"copy": "yes"}, CompletionMinutes: minutes * 30,
				})
				require.NoError(t, err)
			}
		}
		settle()
		timed := 0
		for _, s := range list(t, b.vault, backup.Query{Tags: map[string]string{"copy": "yes"}}) {
			require.False(t, s.Completed.IsZero())
			require.False(t, s.Completed.Before(s.Started))
			if s.CompletionMinutes > 0 {
				require.Equal(t, 30, s.CompletionMinutes)
				require.LessOrEqual(t, s.Completed.Sub(s.Started), 30*time.Minute)
				timed++
			}
		}
		require.Positive(t, timed)
	})
}

// roots are Sessions with the owner of each account.
type roots struct{ *awssim.Cloud }

func (r roots) Config(_ context.Context, id accounts.ID, _ accounts.Purpose, region string) (aws.Config, error) {
	return r.Cloud.Config(r.Root(string(id)), region), nil
}

// A vault whose throughput for time-based copies others use up is waited for:
// AWS refuses, no attempt is burnt, no slot is given up, all is copied in the end.
func TestMoreTimeBasedCopiesThanAWSTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, false)
		for _, name := range []string{"web /dev/sdf", "loose", "other"} {
			ref := ec2sim.Ref{Site: ec2sim.Site{Account: string(site.Account), Region: site.Region}, ID: s.ids[name]}
			require.NoError(t, s.cloud.EC2().FillVolume(ref, ec2sim.Fill{Spans: []ec2sim.Span{{Count: 1 << 11}}})) // 1 GiB needs 1.1 MiB/s
		}
		s.cloud.EC2().SetLimits(ec2sim.Limits{CopyRate: 1}) // MiB/s; the engine thinks 2,000
		key, err := kms.NewFromConfig(s.cloud.Config(s.cloud.Root(string(vaultSite.Account)), vaultSite.Region)).CreateKey(t.Context(), &kms.CreateKeyInput{})
		require.NoError(t, err)
		refused := 0
		engine, err := backup.New(roots{s.cloud}, []backup.Driver{ebs.New(ebs.Options{})}, backup.Options{
			Vault: vaultSite.Account, Patience: 2,
			OnEvent: func(e backup.Event) {
				if errors.Is(e.Err, backup.ErrQuota) {
					require.Equal(t, backup.StepCopy, e.Step)
					refused++
				}
			},
		})
		require.NoError(t, err)
		report, err := engine.Run(t.Context(), backup.Plan{
			Name: "hurried", Retention: retention.Policy{Last: 1},
			Sources: []backup.Source{{Account: site.Account, Regions: []string{site.Region}, Select: backup.Selector{All: true}}},
			Copies: []backup.Copy{{
				Account: vaultSite.Account, Region: vaultSite.Region, KMSKey: aws.ToString(key.KeyMetadata.Arn), CompletionMinutes: 15,
			}},
		}, time.Now())
		require.NoError(t, err)
		require.Equal(t, len(report.Jobs), report.Copies)
		require.Greater(t, refused, 2*2, "more often than there is patience")
	})
}
