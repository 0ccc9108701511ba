package ec2sim_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

const days = 24 * time.Hour

func governance(sn ec2sim.Ref, days int32) *ec2.LockSnapshotInput {
	return &ec2.LockSnapshotInput{SnapshotId: &sn.ID, LockMode: types.LockModeGovernance, LockDuration: &days}
}

// compliance asks for a lock; without a cooling-off period if that is zero.
func compliance(sn ec2sim.Ref, days, coolOff int32) *ec2.LockSnapshotInput {
	in := &ec2.LockSnapshotInput{SnapshotId: &sn.ID, LockMode: types.LockModeCompliance, LockDuration: &days}
	if coolOff > 0 {
		in.CoolOffPeriod = &coolOff
	}
	return in
}

// lock asks for a lock as an administrator and returns the code of the error.
func (w *world) lock(sn ec2sim.Ref, in *ec2.LockSnapshotInput) string {
	_, err := w.admin(sn.Site).LockSnapshot(w.t.Context(), in)
	return code(w.t, err)
}

func (w *world) unlock(sn ec2sim.Ref) string {
	_, err := w.admin(sn.Site).UnlockSnapshot(w.t.Context(), &ec2.UnlockSnapshotInput{SnapshotId: &sn.ID})
	return code(w.t, err)
}

func (w *world) remove(sn ec2sim.Ref) string {
	_, err := w.admin(sn.Site).DeleteSnapshot(w.t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: &sn.ID})
	return code(w.t, err)
}

func TestGovernanceLock(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		sn := w.snapshot(w.volume(site(target, ireland), ""))
		out, err := w.admin(sn.Site).LockSnapshot(t.Context(), governance(sn, 30))
		require.NoError(t, err)
		require.Equal(t, types.LockStateGovernance, out.LockState)
		require.Equal(t, int32(30), *out.LockDuration)
		require.WithinDuration(t, time.Now(), *out.LockCreatedOn, time.Second)
		require.Equal(t, *out.LockCreatedOn, *out.LockDurationStartTime)
		require.Equal(t, out.LockCreatedOn.Add(30*days), *out.LockExpiresOn)
		require.Nil(t, out.CoolOffPeriod)
		require.Equal(t, "OperationNotPermitted", w.remove(sn))
		require.Empty(t, w.lock(sn, governance(sn, 2)), "it can be made shorter")
		require.Empty(t, w.unlock(sn))
		require.Equal(t, "IncorrectState", w.unlock(sn))
		require.Empty(t, w.remove(sn))
	})
}

// The code for a locked snapshot is nobody's promise: clients are tried with
// another.
func TestLockedCodeIsAdjustable(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		sn := w.snapshot(w.volume(site(target, ireland), ""))
		require.Empty(t, w.lock(sn, governance(sn, 1)))
		w.EC2().SetLockedCode("SnapshotLocked")
		require.Equal(t, "SnapshotLocked", w.remove(sn))
		time.Sleep(days - time.Second)
		require.Equal(t, "SnapshotLocked", w.remove(sn))
		time.Sleep(time.Second)
		require.Empty(t, w.remove(sn), "the lock has expired")
	})
}

// Source: EC2 API Reference, LockSnapshot.
func TestComplianceLockCoolsOff(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		sn := w.snapshot(w.volume(site(target, ireland), ""))
		require.Empty(t, w.lock(sn, compliance(sn, 10, 48)))
		state := func() types.LockState { return w.find(sn).Lock }
		require.Equal(t, types.LockStateComplianceCooloff, state())
		require.Equal(t, "OperationNotPermitted", w.remove(sn))
		require.Empty(t, w.lock(sn, compliance(sn, 5, 24)), "while it cools off everything can be changed")
		require.Empty(t, w.lock(sn, governance(sn, 5)))
		require.Equal(t, types.LockStateGovernance, state())
		require.Empty(t, w.lock(sn, compliance(sn, 5, 24)))
		time.Sleep(24*time.Hour - time.Second)
		require.Equal(t, types.LockStateComplianceCooloff, state())
		time.Sleep(time.Second)
		require.Equal(t, types.LockStateCompliance, state())

		require.Equal(t, "OperationNotPermitted", w.unlock(sn))
		require.Equal(t, "OperationNotPermitted", w.remove(sn))
		require.Equal(t, "OperationNotPermitted", w.lock(sn, governance(sn, 50)), "the mode stays")
		require.Equal(t, "OperationNotPermitted", w.lock(sn, compliance(sn, 4, 0)), "it does not get shorter")
		require.Equal(t, "OperationNotPermitted", w.lock(sn, compliance(sn, 5, 0)), "nor stays as it is")
		require.Equal(t, "InvalidParameterCombination", w.lock(sn, compliance(sn, 50, 1)), "no second cooling-off")
		require.Empty(t, w.lock(sn, compliance(sn, 6, 0)), "it gets longer")
		time.Sleep(5 * days)
		require.Equal(t, types.LockStateExpired, state())
		require.Empty(t, w.lock(sn, governance(sn, 1)), "what has expired can be locked anew")
		require.Equal(t, types.LockStateGovernance, state())
	})
}

func TestComplianceLockWithoutCoolOff(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		sn := w.snapshot(w.volume(site(target, ireland), ""))
		require.Empty(t, w.lock(sn, compliance(sn, 1, 0)))
		require.Equal(t, types.LockStateCompliance, w.find(sn).Lock)
		require.Equal(t, "OperationNotPermitted", w.unlock(sn))
	})
}

// A pending snapshot can be locked: the duration counts from its completion,
// and there is no lock if it fails.
// Source: Amazon EBS User Guide, "Considerations for Amazon EBS snapshot lock".
func TestLockOfAPendingSnapshot(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.EC2().SetDurations(ec2sim.Durations{Snapshot: 2 * days, Jitter: -1})
		at := site(target, ireland)
		pending := func() ec2sim.Ref {
			vol := w.volume(at, "")
			out, err := w.admin(at).CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &vol.ID})
			require.NoError(t, err)
			return ec2sim.Ref{Site: at, ID: *out.SnapshotId}
		}
		good, bad := pending(), pending()
		for _, sn := range []ec2sim.Ref{good, bad} {
			out, err := w.admin(at).LockSnapshot(t.Context(), governance(sn, 3))
			require.NoError(t, err)
			require.Nil(t, out.LockDurationStartTime)
			require.Nil(t, out.LockExpiresOn)
			require.Equal(t, types.LockStateGovernance, out.LockState)
			require.Equal(t, "OperationNotPermitted", w.remove(sn))
		}
		require.NoError(t, w.EC2().SetSnapshotError(bad, "broken"))
		require.Empty(t, w.find(bad).Lock)
		require.Empty(t, w.remove(bad))
		time.Sleep(5*days - time.Second - time.Minute)
		require.Equal(t, types.LockStateGovernance, w.find(good).Lock)
		time.Sleep(time.Minute)
		require.Equal(t, types.LockStateExpired, w.find(good).Lock)
	})
}

func TestLockUntilADate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		sn := w.snapshot(w.volume(site(target, ireland), ""))
		until := time.Now().UTC().Truncate(time.Second).Add(40 * time.Hour)
		in := &ec2.LockSnapshotInput{SnapshotId: &sn.ID, LockMode: types.LockModeCompliance, ExpirationDate: &until}
		out, err := w.admin(sn.Site).LockSnapshot(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, until, *out.LockExpiresOn)
		require.Nil(t, out.LockDuration)
		sooner, later := until.Add(-time.Hour), until.Add(time.Hour)
		in.ExpirationDate = &sooner
		require.Equal(t, "OperationNotPermitted", w.lock(sn, in))
		require.Equal(t, "OperationNotPermitted", w.lock(sn, compliance(sn, 1, 0)), "a day is less")
		in.ExpirationDate = &later
		require.Empty(t, w.lock(sn, in))
		time.Sleep(time.Until(later))
		require.Equal(t, types.LockStateExpired, w.find(sn).Lock)
	})
}

func TestLockSnapshotRefuses(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		sn := w.snapshot(w.volume(at, ""))
		require.NoError(t, w.share(sn, "add", second))
		past, far := time.Now().Add(-time.Hour), time.Now().Add(36_501*days)
		for _, tt := range []struct {
			name string
			edit func(*ec2.LockSnapshotInput)
			want string
		}{
			{"no mode", func(in *ec2.LockSnapshotInput) { in.LockMode = "x" }, "InvalidParameterValue"},
			{"no duration", func(in *ec2.LockSnapshotInput) { in.LockDuration = nil }, "MissingParameter"},
			{"0 days", func(in *ec2.LockSnapshotInput) { in.LockDuration = aws.Int32(0) }, "InvalidParameterValue"},
			{"36,501 days", func(in *ec2.LockSnapshotInput) { in.LockDuration = aws.Int32(36_501) }, "InvalidParameterValue"},
			{"days and a date", func(in *ec2.LockSnapshotInput) { in.ExpirationDate = &far }, "InvalidParameterCombination"},
			{"a date in the past", func(in *ec2.LockSnapshotInput) { in.LockDuration, in.ExpirationDate = nil, &past }, "InvalidParameterValue"},
			{"a date too far", func(in *ec2.LockSnapshotInput) { in.LockDuration, in.ExpirationDate = nil, &far }, "InvalidParameterValue"},
			{"governance cools off", func(in *ec2.LockSnapshotInput) { in.CoolOffPeriod = aws.Int32(1) }, "InvalidParameterCombination"},
			{"73 hours", func(in *ec2.LockSnapshotInput) {
				in.LockMode, in.CoolOffPeriod = types.LockModeCompliance, aws.Int32(73)
			}, "InvalidParameterValue"},
			{"unknown", func(in *ec2.LockSnapshotInput) { in.SnapshotId = aws.String("snap-0123456789abcdef0") }, "InvalidSnapshot.NotFound"},
			{"dry run", func(in *ec2.LockSnapshotInput) { in.DryRun = aws.Bool(true) }, "DryRunOperation"},
		} {
			in := governance(sn, 10)
			tt.edit(in)
			require.Equal(t, tt.want, w.lock(sn, in), tt.name)
		}
		_, err := w.admin(site(second, ireland)).LockSnapshot(t.Context(), governance(sn, 10))
		require.Equal(t, "AuthFailure", code(t, err), "a grantee cannot lock")
		_, err = w.as(at, "nobody").LockSnapshot(t.Context(), governance(sn, 10))
		require.Equal(t, "UnauthorizedOperation", code(t, err))
		require.Empty(t, w.find(sn).Lock)
	})
}

// A policy sees how long a lock is asked for, and unlocking how long it was.
func TestLockConditionKeys(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		sn := w.snapshot(w.volume(site(target, ireland), ""))
		short := w.as(sn.Site, "short", policy(t, `{"Effect":"Allow","Action":["ec2:LockSnapshot","ec2:UnlockSnapshot"],"Resource":"*","Condition":{
			"NumericLessThanEquals":{"ec2:SnapshotLockDuration":"7","ec2:SnapshotCoolOffPeriod":"24"}}}`))
		lock := func(in *ec2.LockSnapshotInput) string {
			_, err := short.LockSnapshot(t.Context(), in)
			return code(t, err)
		}
		require.Equal(t, "UnauthorizedOperation", lock(compliance(sn, 8, 24)))
		require.Equal(t, "UnauthorizedOperation", lock(compliance(sn, 7, 25)))
		require.Equal(t, "UnauthorizedOperation", lock(governance(sn, 7)), "there is no cooling-off period")
		require.Empty(t, lock(compliance(sn, 7, 24)))
		require.Empty(t, w.lock(sn, compliance(sn, 8, 24)))
		_, err := short.UnlockSnapshot(t.Context(), &ec2.UnlockSnapshotInput{SnapshotId: &sn.ID})
		require.Equal(t, "UnauthorizedOperation", code(t, err))
	})
}

func TestDescribeLockedSnapshots(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		w.EC2().SetLimits(ec2sim.Limits{Spacing: -1, PendingPerVolume: -1})
		vol := w.volume(at, "")
		var locked []string
		for i := range 7 {
			sn := w.snapshot(vol)
			locked = append(locked, sn.ID)
			require.Empty(t, w.lock(sn, governance(sn, int32(i+1))))
		}
		free := w.snapshot(vol)
		time.Sleep(time.Hour)
		require.Empty(t, w.lock(free, compliance(free, 1, 1)))
		require.NoError(t, w.share(free, "add", second))
		list := func(at ec2sim.Site, in ec2.DescribeLockedSnapshotsInput) (ids []string, pages int) {
			for {
				out, err := w.admin(at).DescribeLockedSnapshots(t.Context(), &in)
				require.NoError(t, err)
				pages++
				for _, l := range out.Snapshots {
					require.Equal(t, target, *l.OwnerId)
					ids = append(ids, *l.SnapshotId)
				}
				if in.NextToken = out.NextToken; in.NextToken == nil {
					return ids, pages
				}
			}
		}
		all, pages := list(at, ec2.DescribeLockedSnapshotsInput{MaxResults: aws.Int32(5)})
		require.Equal(t, append(locked, free.ID), all)
		require.Equal(t, 2, pages)
		time.Sleep(3 * days)
		got, _ := list(at, ec2.DescribeLockedSnapshotsInput{Filters: []types.Filter{filter("lock-state", "expired", "compliance")}})
		require.Equal(t, []string{locked[0], locked[1], locked[2], free.ID}, got)
		got, _ = list(at, ec2.DescribeLockedSnapshotsInput{SnapshotIds: []string{locked[4]}})
		require.Equal(t, []string{locked[4]}, got)
		got, _ = list(site(second, ireland), ec2.DescribeLockedSnapshotsInput{SnapshotIds: []string{free.ID}})
		require.Empty(t, got, "locks are the owner's alone to see")
		_, err := w.admin(at).DescribeLockedSnapshots(t.Context(), &ec2.DescribeLockedSnapshotsInput{Filters: []types.Filter{filter("status", "x")}})
		require.Equal(t, "InvalidParameterValue", code(t, err))
		_, err = w.admin(at).DescribeLockedSnapshots(t.Context(), &ec2.DescribeLockedSnapshotsInput{MaxResults: aws.Int32(4)})
		require.Equal(t, "InvalidParameterValue", code(t, err))
	})
}

// A locked snapshot can do all that others can: be archived, be in an image
// that is deregistered.
// Source: Amazon EBS User Guide, "Considerations for Amazon EBS snapshot lock".
func TestLockHindersDeletingAlone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		sn := w.snapshot(w.volume(at, ""))
		require.Empty(t, w.lock(sn, compliance(sn, 100, 0)))
		im, err := w.admin(at).RegisterImage(t.Context(), imageInput("locked", sn.ID))
		require.NoError(t, err)
		off, err := w.admin(at).DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: im.ImageId, DeleteAssociatedSnapshots: aws.Bool(true)})
		require.NoError(t, err)
		require.Equal(t, types.SnapshotReturnCodesErrorCodeClientError, off.DeleteSnapshotResults[0].ReturnCode)
		require.Empty(t, w.archive(sn))
		time.Sleep(2 * time.Hour)
		require.Equal(t, types.StorageTierArchive, w.find(sn).Tier)
		require.Equal(t, "OperationNotPermitted", w.remove(sn))
		require.Empty(t, w.lock(sn, compliance(sn, 200, 0)), "what is archived can be locked")
	})
}
