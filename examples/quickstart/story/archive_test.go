package story_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/restore"
	"github.com/snapkeep/snapkeep/retention"
)

// coldLab is a lab with copies of some months, all kept, and a plan that archives.
func coldLab(t *testing.T, allowed bool) *lab {
	l := kept(t, "last=1", "last=1")
	l.Install.Archive = allowed
	l.putRoles()
	l.Plan.Copies[0].Retention = retention.Policy{Last: retention.All}
	l.Plan.Copies[0].Archive = &backup.Archive{AfterDays: 60}
	for range 5 {
		l.pass(aDay("a day"))
		time.Sleep(40 * 24 * time.Hour)
	}
	l.pass(aDay("a day"))
	return l
}

// copies returns the copies in the vault, as they are inside AWS.
func (l *lab) copies() (list []backuptest.Snapshot) {
	for _, s := range l.Cloud.Snapshots() {
		if s.Tags["snapkeep:source"] != "" {
			list = append(list, s)
		}
	}
	return list
}

// With the generated roles old copies go to the archive; the next copies are
// incremental all the same, no prune deletes what is charged for in any case,
// and a restore says what is to be done first.
func TestArchiveInTheGeneratedRoles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := coldLab(t, true)
		plan, err := l.Engine.PlanArchive(l.ctx, l.Plan, time.Now())
		require.NoError(t, err)
		require.Equal(t, 4*len(l.resources), plan.Moves(), plan.String())
		report, err := l.Engine.Archive(l.ctx, plan)
		require.NoError(t, err, report)
		require.Equal(t, plan.Moves(), report.Count(backup.Archived), report.String())
		time.Sleep(4 * 24 * time.Hour)
		moved, full := 0, 0
		for _, s := range l.copies() {
			if s.Tier == types.StorageTierArchive {
				moved++
			}
		}
		require.Equal(t, report.Calls, moved)

		l.pass(aDay("a day after"))
		for _, s := range l.copies() {
			if s.Full && s.Tier == types.StorageTierStandard {
				full++
			}
		}
		require.Zero(t, full, "the next copies are incremental")

		l.Plan.Copies[0].Retention = retention.Policy{Last: 2}
		_, copies := l.outcomes()
		require.Equal(t, 4*len(l.resources), copies[retention.Blocked], "the archive's minimum holds them")
		var cold backup.Point
		for pt, err := range l.Engine.Points(l.ctx, l.Plan.Filter(l.vault())) {
			require.NoError(t, err)
			if !pt.Copy || !pt.Members[0].Snapshot.Archived {
				continue
			}
			_, err = l.Restorer.Plan(l.ctx, l.drill(pt))
			require.ErrorContains(t, err, "point.members[0].snapshot.archived")
			require.ErrorContains(t, err, "Engine.Thaw")
			cold = pt
		}
		l.thaw(cold)
		require.Empty(t, l.Cloud.Misuse())
	})
}

// drill restores volumes of a point into the clean account.
func (l *lab) drill(pt backup.Point) restore.Request {
	site, key := l.clean()
	return restore.Request{
		ID: "drill", Account: site.Account, Region: site.Region, Zone: site.Region + "a", KMSKey: key, As: restore.Volumes, Point: pt,
	}
}

// thaw brings a point back from the archive and restores it.
func (l *lab) thaw(pt backup.Point) {
	began := time.Now()
	for {
		out, err := l.Engine.Thaw(l.ctx, pt, 3)
		require.NoError(l.t, err)
		if out.Done {
			break
		}
		require.Contains(l.t, out.Waiting, "to come from the archive")
		time.Sleep(time.Until(out.NotBefore))
		require.Less(l.t, time.Since(began), 73*time.Hour)
	}
	require.Greater(l.t, time.Since(began), time.Minute)
	for p, err := range l.Engine.Points(l.ctx, l.Plan.Filter(l.vault())) {
		require.NoError(l.t, err)
		if p.ID != pt.ID || !p.Copy {
			continue
		}
		plan, err := l.Restorer.Plan(l.ctx, l.drill(p))
		require.NoError(l.t, err)
		report, err := l.Restorer.Run(l.ctx, plan)
		require.NoError(l.t, err)
		require.Len(l.t, report.Volumes, len(p.Members))
		return
	}
	require.Fail(l.t, "the point is gone")
}

// Roles that were made without the archive move nothing, and say so.
func TestArchiveThatTheRolesDoNotAllow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := coldLab(t, false)
		plan, err := l.Engine.PlanArchive(l.ctx, l.Plan, time.Now())
		require.NoError(t, err)
		report, err := l.Engine.Archive(l.ctx, plan)
		require.ErrorIs(t, err, backup.ErrDenied)
		require.ErrorContains(t, err, "ec2:ModifySnapshotTier")
		require.Equal(t, plan.Moves(), report.Count(backup.ArchiveFailed))
	})
}
