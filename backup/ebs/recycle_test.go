package ebs_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
	"github.com/snapkeep/snapkeep/retention"
)

// TestWhatWentToTheRecycleBin: what a rule caught is no point any more, the
// report says until when it can be had back, and one that comes back is pending
// until it is there, and then pruned again.
func TestWhatWentToTheRecycleBin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, false)
		m := &pruneModel{estate: s, plan: backup.Plan{
			Name: "bin", Retention: retention.Policy{Last: 1},
			Sources: []backup.Source{{Account: site.Account, Regions: []string{site.Region}, Select: backup.Selector{IDs: []string{s.ids["loose"]}}}},
		}}
		for range 3 {
			m.night()
		}
		require.NoError(t, s.cloud.EC2().SetRecycleBin(ec2sim.BinRule{Site: ec2sim.Site{Account: string(site.Account), Region: site.Region}, Days: 7}))
		plan := func() *backup.PrunePlan {
			pp, err := m.engine().PlanPrune(t.Context(), m.plan, time.Now())
			require.NoError(t, err)
			return pp
		}
		pp := plan()
		r, err := m.engine().Prune(t.Context(), pp)
		require.NoError(t, err)
		require.Equal(t, 2, r.Count(backup.Pruned))
		for _, p := range r.Results {
			require.WithinDuration(t, time.Now().Add(7*24*time.Hour), p.Recoverable, 2*time.Minute)
		}
		require.Contains(t, r.String(), "kept in the Recycle Bin until ")
		require.Len(t, m.points(), 1)

		_, err = s.ec2.RestoreSnapshotFromRecycleBin(t.Context(), &ec2.RestoreSnapshotFromRecycleBinInput{SnapshotId: aws.String(pp.Groups[0].Decisions[2].Snapshots[0])})
		require.NoError(t, err)
		now := plan().Groups[0].Decisions
		require.Len(t, now, 2)
		require.Equal(t, retention.Defer, now[1].Action)
		require.Equal(t, "pending", now[1].Reasons.String())
		time.Sleep(time.Minute)
		require.Equal(t, retention.Prune, plan().Groups[0].Decisions[1].Action)
	})
}
