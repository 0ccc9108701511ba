package ebs_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

func lockStep(id string, l backup.Lock) backup.Step {
	return backup.Step{Kind: backup.StepLock, Snapshot: id, Lock: &l}
}

// locksOf lists locks by snapshot.
func locksOf(t *testing.T, c backup.Client) map[string]backup.SnapshotLock {
	t.Helper()
	found := map[string]backup.SnapshotLock{}
	for l, err := range c.(backup.Locker).Locks(t.Context()) {
		require.NoError(t, err)
		found[l.Snapshot] = l
	}
	return found
}

// TestLocks puts every kind of lock and reads it back, in pages of one.
func TestLocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, false)
		s.cloud.EC2().SetLimits(ec2sim.Limits{ScannedPerPage: 1})
		c, sn, day := s.client(site), s.snapshots(3), 24*time.Hour
		require.Equal(t, "LockSnapshot", ebs.New(ebs.Options{}).API(lockStep(sn[0], backup.Lock{})))
		now := time.Now().UTC().Truncate(time.Second)
		for id, l := range map[string]backup.Lock{
			sn[0]: {Mode: backup.Governance, Days: 1}, sn[1]: {Mode: backup.Compliance, Days: 30}, sn[2]: {Mode: backup.Compliance, Days: 7, CoolOffHours: 48},
		} {
			_, err := c.Do(t.Context(), lockStep(id, l))
			require.NoError(t, err)
		}
		since := now.Add(time.Second) // AWS's times have no fractions
		got := locksOf(t, c)
		require.Len(t, got, 3)
		for id, want := range map[string]backup.SnapshotLock{
			sn[0]: {Snapshot: sn[0], Mode: backup.Governance, Until: since.Add(day)},
			sn[1]: {Snapshot: sn[1], Mode: backup.Compliance, Final: true, Until: since.Add(30 * day)},
			sn[2]: {Snapshot: sn[2], Mode: backup.Compliance, Until: since.Add(7 * day)},
		} {
			require.WithinDuration(t, want.Until, got[id].Until, 2*time.Second)
			require.WithinDuration(t, now, got[id].Since, 2*time.Second)
			want.Since, want.Until = got[id].Since, got[id].Until
			require.Equal(t, want, got[id])
		}
		time.Sleep(49 * time.Hour)
		require.True(t, locksOf(t, c)[sn[2]].Final)
		require.True(t, locksOf(t, c)[sn[0]].Expired)
		_, err := c.Do(t.Context(), lockStep(sn[1], backup.Lock{Mode: backup.Compliance, Days: 30}))
		require.ErrorContains(t, err, "OperationNotPermitted")
		require.NotErrorIs(t, err, backup.ErrUnknownOutcome)
		require.Empty(t, s.cloud.Misuse())
	})
}

// TestTheLockOfAPendingSnapshot: somebody else may put one. AWS does not tell
// its end, and the driver tells none that is too late.
func TestTheLockOfAPendingSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, false)
		out, err := s.ec2.CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: aws.String(s.ids["loose"])})
		require.NoError(t, err)
		s.lock(*out.SnapshotId, 3)
		got := locksOf(t, s.client(site))[*out.SnapshotId]
		require.WithinDuration(t, time.Now().Add(72*time.Hour), got.Until, 2*time.Second)
		time.Sleep(time.Hour)
		require.True(t, locksOf(t, s.client(site))[*out.SnapshotId].Until.After(got.Until))
	})
}

// TestALockIsSentOnce: whatever becomes of the answer; a second one could be refused.
func TestALockIsSentOnce(t *testing.T) {
	for _, fault := range []core.Fault{{Way: core.Reset}, {Way: core.Reset, After: true}, {Way: core.Refuse, After: true}, {Way: core.Garbage}} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, false)
			sn := s.snapshots(1)
			s.cloud.SetFault(func(c core.CallInfo) core.Fault {
				if c.Mutating {
					return fault
				}
				return core.Fault{}
			})
			c := s.client(site)
			_, err := c.Do(t.Context(), lockStep(sn[0], backup.Lock{Mode: backup.Compliance, Days: 3}))
			require.ErrorIs(t, err, backup.ErrUnknownOutcome)
			require.Equal(t, 1, s.cloud.Stats().Calls["ec2:LockSnapshot"])
			require.Equal(t, fault.After, len(locksOf(t, c)) == 1)
		})
	}
}

// TestLocksThatAreNotOne is refused before any call.
func TestLocksThatAreNotOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, false)
		for _, l := range []*backup.Lock{nil, {}, {Mode: backup.Governance, Until: time.Now().Add(time.Hour)}} {
			_, err := s.client(site).Do(t.Context(), backup.Step{Kind: backup.StepLock, Snapshot: "snap-1", Lock: l})
			require.ErrorIs(t, err, backup.ErrUnsupported)
		}
		_, err := s.client(site).Do(t.Context(), lockStep("snap-0123456789abcdef0", backup.Lock{Mode: backup.Governance, Days: 1}))
		require.ErrorIs(t, err, backup.ErrNotFound)
	})
}

// TestLocksThatMayNotBeRead is an error, not an empty list.
func TestLocksThatMayNotBeRead(t *testing.T) {
	client, _ := open(t, func(r request) answer { return refused(403, "UnauthorizedOperation", "You are not authorized.") })
	for _, err := range client.(backup.Locker).Locks(t.Context()) {
		require.ErrorIs(t, err, backup.ErrDenied)
		return
	}
	t.Error("no error")
}

// TestArchiveStep moves a snapshot once; the listing tells when it is there.
func TestArchiveStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, false)
		c, sn := s.client(site), s.snapshots(1)
		step := backup.Step{Kind: backup.StepArchive, Snapshot: sn[0]}
		require.Equal(t, "ModifySnapshotTier", ebs.New(ebs.Options{}).API(step))
		require.False(t, list(t, c, backup.Query{})[0].Archived)
		_, err := c.Do(t.Context(), step)
		require.NoError(t, err)
		_, err = c.Do(t.Context(), step)
		require.ErrorContains(t, err, "IncorrectState")
		time.Sleep(73 * time.Hour)
		require.True(t, list(t, c, backup.Query{})[0].Archived)
	})
}
