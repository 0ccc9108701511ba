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

// archive starts archiving as an administrator and returns the code of the error.
func (w *world) archive(sn ec2sim.Ref) string {
	_, err := w.admin(sn.Site).ModifySnapshotTier(w.t.Context(), &ec2.ModifySnapshotTierInput{
		SnapshotId: &sn.ID, StorageTier: types.TargetStorageTierArchive,
	})
	return code(w.t, err)
}

// restore asks for a restore, for good if days is zero.
func (w *world) restore(sn ec2sim.Ref, days int32) string {
	in := &ec2.RestoreSnapshotTierInput{SnapshotId: &sn.ID, PermanentRestore: aws.Bool(days == 0)}
	if days > 0 {
		in.TemporaryRestoreDays = &days
	}
	_, err := w.admin(sn.Site).RestoreSnapshotTier(w.t.Context(), in)
	return code(w.t, err)
}

func (w *world) tierStatus(sn ec2sim.Ref) types.SnapshotTierStatus {
	w.t.Helper()
	out, err := w.admin(sn.Site).DescribeSnapshotTierStatus(w.t.Context(), &ec2.DescribeSnapshotTierStatusInput{
		Filters: []types.Filter{filter("snapshot-id", sn.ID)},
	})
	require.NoError(w.t, err)
	require.Len(w.t, out.SnapshotTierStatuses, 1)
	return out.SnapshotTierStatuses[0]
}

// described is a snapshot as an administrator of its account sees it.
func (w *world) described(sn ec2sim.Ref) types.Snapshot {
	w.t.Helper()
	out, err := w.admin(sn.Site).DescribeSnapshots(w.t.Context(), &ec2.DescribeSnapshotsInput{SnapshotIds: []string{sn.ID}})
	require.NoError(w.t, err)
	require.Len(w.t, out.Snapshots, 1)
	return out.Snapshots[0]
}

// inArchive waits until a snapshot is archived.
func (w *world) inArchive(sn ec2sim.Ref) {
	w.t.Helper()
	require.Empty(w.t, w.archive(sn))
	time.Sleep(2 * time.Hour)
	require.Equal(w.t, types.StorageTierArchive, w.described(sn).StorageTier)
}

func TestArchiveAndRestore(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.EC2().SetDurations(ec2sim.Durations{
			Archive: time.Hour, ArchiveBlock: time.Minute, Restore: 10 * time.Hour, RestoreBlock: time.Hour, Jitter: -1,
		})
		at := site(target, ireland)
		vol := w.volume(at, "")
		w.write(vol, "one", 0, 1, 2)
		first := w.snapshot(vol)
		w.write(vol, "two", 1)
		sn := w.snapshot(vol)
		require.False(t, w.find(sn).Full)
		require.Equal(t, 1, w.find(sn).Written)
		require.Equal(t, types.StorageTierStandard, w.described(sn).StorageTier)
		require.NoError(t, w.share(sn, "add", second))
		before, err := w.EC2().ReadSnapshot(sn)
		require.NoError(t, err)

		require.Empty(t, w.archive(sn))
		require.Equal(t, "IncorrectState", w.archive(sn), "it is under way")
		require.Equal(t, "IncorrectState", w.restore(sn, 1), "and cannot be cancelled")
		require.Equal(t, "IncorrectState", w.remove(sn))
		time.Sleep(time.Hour + 3*time.Minute - time.Second)
		st := w.tierStatus(sn)
		require.Equal(t, types.TieringOperationStatusArchivalInProgress, st.LastTieringOperationStatus)
		require.Equal(t, int32(98), *st.LastTieringProgress)
		require.Nil(t, st.ArchivalCompleteTime)
		require.NoError(t, w.use(sn), "it can be used until it is archived")
		time.Sleep(time.Second)
		st = w.tierStatus(sn)
		require.Equal(t, types.TieringOperationStatusArchivalCompleted, st.LastTieringOperationStatus)
		require.Equal(t, types.StorageTierArchive, st.StorageTier)
		require.WithinDuration(t, time.Now(), *st.ArchivalCompleteTime, time.Second)
		require.Equal(t, vol.ID, *st.VolumeId)
		require.True(t, w.find(sn).Full, "archived snapshots are full")
		require.WithinDuration(t, time.Now(), w.find(sn).Archived, time.Second)
		require.Equal(t, types.SnapshotStateCompleted, w.described(sn).State)
		require.Equal(t, "IncorrectState", code(t, w.use(sn)))
		require.Equal(t, []string{sn.ID}, w.listed(at, ec2.DescribeSnapshotsInput{Filters: []types.Filter{filter("storage-tier", "archive")}}))
		require.Equal(t, []string{first.ID}, w.listed(at, ec2.DescribeSnapshotsInput{Filters: []types.Filter{filter("storage-tier", "standard")}}))

		require.Empty(t, w.restore(sn, 0))
		time.Sleep(13*time.Hour - time.Second)
		require.Equal(t, types.TieringOperationStatusPermanentRestoreInProgress, w.tierStatus(sn).LastTieringOperationStatus)
		require.Equal(t, "IncorrectState", code(t, w.use(sn)))
		time.Sleep(time.Second)
		require.Equal(t, types.TieringOperationStatusPermanentRestoreCompleted, w.tierStatus(sn).LastTieringOperationStatus)
		require.NoError(t, w.use(sn))
		after, err := w.EC2().ReadSnapshot(sn)
		require.NoError(t, err)
		require.True(t, after.Equal(before))
		require.Empty(t, w.find(sn).Shares, "the share does not come back")
		require.Equal(t, "IncorrectState", w.restore(sn, 1))
		require.Empty(t, w.archive(sn), "it can be archived again")
	})
}

// use makes a volume from a snapshot.
func (w *world) use(sn ec2sim.Ref) error {
	_, err := w.admin(sn.Site).CreateVolume(w.t.Context(), &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String(sn.Region + "a"), SnapshotId: &sn.ID,
	})
	return err
}

func TestTemporaryRestore(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.EC2().SetDurations(ec2sim.Durations{Restore: 10 * time.Hour, Jitter: -1})
		sn := w.snapshot(w.volume(site(target, ireland), ""))
		w.inArchive(sn)
		require.Empty(t, w.restore(sn, 3))
		require.Nil(t, w.described(sn).RestoreExpiryTime)
		require.Equal(t, "IncorrectState", w.restore(sn, 5), "while it is restored nothing can be changed")
		time.Sleep(10 * time.Hour)
		ready := time.Now()
		st := w.tierStatus(sn)
		require.Equal(t, types.TieringOperationStatusTemporaryRestoreCompleted, st.LastTieringOperationStatus)
		require.WithinDuration(t, ready.Add(3*days), *st.RestoreExpiryTime, time.Second)
		require.WithinDuration(t, ready.Add(3*days), *w.described(sn).RestoreExpiryTime, time.Second)
		require.Equal(t, types.StorageTierStandard, w.described(sn).StorageTier)
		require.NoError(t, w.use(sn))
		require.Equal(t, "IncorrectState", w.archive(sn), "it goes back by itself")
		require.NoError(t, w.share(sn, "add", second))

		time.Sleep(2 * days)
		require.Empty(t, w.restore(sn, 5), "longer, from now")
		time.Sleep(4 * days)
		require.NoError(t, w.use(sn))
		require.Empty(t, w.restore(sn, 1), "shorter")
		time.Sleep(1*days - time.Second)
		require.NoError(t, w.use(sn))
		time.Sleep(time.Second)
		require.Equal(t, "IncorrectState", code(t, w.use(sn)))
		require.Equal(t, types.StorageTierArchive, w.described(sn).StorageTier)
		require.Nil(t, w.described(sn).RestoreExpiryTime)
		require.Empty(t, w.find(sn).Shares)

		require.Empty(t, w.restore(sn, 1))
		time.Sleep(11 * time.Hour)
		require.Empty(t, w.restore(sn, 0), "for good, at once")
		require.Equal(t, types.TieringOperationStatusPermanentRestoreCompleted, w.tierStatus(sn).LastTieringOperationStatus)
		time.Sleep(200 * days)
		require.NoError(t, w.use(sn))
	})
}

func TestRestoreTakesThreeDaysAtMost(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.EC2().SetDurations(ec2sim.Durations{Restore: 100 * days})
		sn := w.snapshot(w.volume(site(target, ireland), ""))
		w.inArchive(sn)
		out, err := w.admin(sn.Site).RestoreSnapshotTier(t.Context(), &ec2.RestoreSnapshotTierInput{SnapshotId: &sn.ID})
		require.NoError(t, err)
		require.False(t, *out.IsPermanentRestore)
		require.Equal(t, int32(1), *out.RestoreDuration, "a day unless the request says")
		time.Sleep(72 * time.Hour)
		require.NoError(t, w.use(sn))
	})
}

// What an archived snapshot cannot do, and who loses it.
func TestArchivedSnapshotsAreOutOfReach(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		from, other := site(target, ireland), site(second, ireland)
		sn := w.snapshot(w.volume(from, ""))
		require.NoError(t, w.share(sn, "add", second))
		require.Equal(t, "AuthFailure", codeOf(t, func() error {
			_, err := w.admin(other).ModifySnapshotTier(t.Context(), &ec2.ModifySnapshotTierInput{SnapshotId: &sn.ID, StorageTier: types.TargetStorageTierArchive})
			return err
		}), "a grantee cannot archive")
		w.inArchive(sn)
		_, err := w.admin(other).CopySnapshot(t.Context(), copyInput(sn, ""))
		require.Equal(t, "InvalidSnapshot.NotFound", code(t, err), "who it was shared with sees it no more")
		require.Empty(t, w.listed(other, ec2.DescribeSnapshotsInput{}))
		_, err = w.admin(site(target, oregon)).CopySnapshot(t.Context(), copyInput(sn, ""))
		require.Equal(t, "IncorrectState", code(t, err))
		require.Equal(t, "IncorrectState", code(t, w.share(sn, "add", second)))
		_, err = w.admin(from).RegisterImage(t.Context(), imageInput("archived", sn.ID))
		require.Equal(t, "IncorrectState", code(t, err))
		_, err = w.admin(from).CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{sn.ID}, Tags: tags("a", "b")})
		require.NoError(t, err, "it can be tagged")
		require.Empty(t, w.remove(sn), "and deleted")
	})
}

func codeOf(t *testing.T, call func() error) string { return code(t, call()) }

func TestModifySnapshotTierRefuses(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		vol := w.volume(at, "")
		held, free := w.snapshot(vol), w.snapshot(vol)
		im, err := w.admin(at).RegisterImage(t.Context(), imageInput("holder", held.ID))
		require.NoError(t, err)
		time.Sleep(time.Minute)
		require.Equal(t, "InvalidSnapshot.InUse", w.archive(held))
		_, err = w.admin(at).DisableImage(t.Context(), &ec2.DisableImageInput{ImageId: im.ImageId})
		require.NoError(t, err)
		require.Empty(t, w.archive(held), "all its images are disabled")
		time.Sleep(time.Minute)
		out, err := w.admin(at).CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &vol.ID})
		require.NoError(t, err)
		require.Equal(t, "IncorrectState", w.archive(ec2sim.Ref{Site: at, ID: *out.SnapshotId}), "pending")
		require.Equal(t, "IncorrectState", w.restore(free, 1), "it is not archived")
		for name, in := range map[string]*ec2.RestoreSnapshotTierInput{
			"181 days":      {SnapshotId: &free.ID, TemporaryRestoreDays: aws.Int32(181)},
			"no days":       {SnapshotId: &free.ID, TemporaryRestoreDays: aws.Int32(0)},
			"both of them":  {SnapshotId: &free.ID, TemporaryRestoreDays: aws.Int32(1), PermanentRestore: aws.Bool(true)},
			"unknown":       {SnapshotId: aws.String("snap-0123456789abcdef0"), PermanentRestore: aws.Bool(true)},
			"dry run works": {SnapshotId: &free.ID, DryRun: aws.Bool(true)},
		} {
			_, err := w.admin(at).RestoreSnapshotTier(t.Context(), in)
			require.Contains(t, []string{"InvalidParameterValue", "InvalidParameterCombination", "InvalidSnapshot.NotFound", "DryRunOperation"}, code(t, err), name)
		}
		require.Equal(t, types.StorageTierStandard, w.find(free).Tier)
	})
}

// Source: Amazon EBS User Guide, "Archive Amazon EBS snapshots", quotas.
func TestArchiveQuotas(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.EC2().SetLimits(ec2sim.Limits{Spacing: -1, PendingPerVolume: -1, PendingPerSite: -1})
		w.EC2().SetDurations(ec2sim.Durations{Archive: time.Hour, Restore: time.Hour, Jitter: -1})
		at := site(target, ireland)
		one, two := w.volume(at, ""), w.volume(at, "")
		var shots []ec2sim.Ref
		for range 26 {
			shots = append(shots, w.snapshot(one))
		}
		other := w.snapshot(two)
		for _, sn := range shots[:25] {
			require.Empty(t, w.archive(sn))
		}
		require.Equal(t, "ResourceLimitExceeded", w.archive(other), "25 are under way")
		time.Sleep(time.Hour)
		require.Equal(t, "ResourceLimitExceeded", w.archive(shots[25]), "25 of the volume are archived")
		require.Empty(t, w.archive(other))
		for _, sn := range shots[:5] {
			require.Empty(t, w.restore(sn, 0))
		}
		require.Equal(t, "ResourceLimitExceeded", w.restore(shots[5], 0), "5 are under way")
		time.Sleep(time.Hour)
		require.Empty(t, w.restore(shots[5], 0))
		require.Empty(t, w.archive(shots[25]))
	})
}

func TestDescribeSnapshotTierStatusPages(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.EC2().SetLimits(ec2sim.Limits{Spacing: -1, PendingPerVolume: -1})
		at := site(target, ireland)
		vol, other := w.volume(at, ""), w.volume(at, "")
		for range 7 {
			w.snapshot(vol)
		}
		sn := w.snapshot(other, "a", "b")
		w.inArchive(sn)
		count := func(in ec2.DescribeSnapshotTierStatusInput) (n int, last types.SnapshotTierStatus) {
			pages := ec2.NewDescribeSnapshotTierStatusPaginator(w.admin(at), &in)
			for pages.HasMorePages() {
				out, err := pages.NextPage(t.Context())
				require.NoError(t, err)
				n += len(out.SnapshotTierStatuses)
				last = out.SnapshotTierStatuses[len(out.SnapshotTierStatuses)-1]
			}
			return n, last
		}
		n, last := count(ec2.DescribeSnapshotTierStatusInput{MaxResults: aws.Int32(5)})
		require.Equal(t, 8, n)
		require.Equal(t, sn.ID, *last.SnapshotId)
		require.Equal(t, map[string]string{"a": "b"}, tagMap(last.Tags))
		n, last = count(ec2.DescribeSnapshotTierStatusInput{Filters: []types.Filter{filter("volume-id", vol.ID)}})
		require.Equal(t, 7, n)
		require.Empty(t, last.LastTieringOperationStatus)
		n, _ = count(ec2.DescribeSnapshotTierStatusInput{Filters: []types.Filter{filter("last-tiering-operation", "archival-completed")}})
		require.Equal(t, 1, n)
	})
}

// Source: Amazon EBS User Guide, "Copy an Amazon EBS snapshot", incremental
// snapshot copying.
func TestCopyAfterTheNewestWasArchivedIsFull(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		from, to := site(target, ireland), site(target, oregon)
		vol := w.volume(from, "")
		shot := func(blocks ...int64) ec2sim.Snapshot {
			time.Sleep(time.Minute)
			w.write(vol, "x", blocks...)
			return w.settled(w.copy(w.snapshot(vol), to, ""))
		}
		first := shot(0, 1, 2, 3)
		require.True(t, first.Full)
		require.Equal(t, 4, first.Written)
		second := shot(1)
		require.False(t, second.Full)
		require.Equal(t, 1, second.Written)
		w.inArchive(second.Ref)
		third := shot(2)
		require.True(t, third.Full, "the newest is archived")
		require.Equal(t, 4, third.Written)
		w.inArchive(first.Ref)
		require.False(t, shot(3).Full, "an older one may be")
	})
}
