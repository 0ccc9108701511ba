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

// hasten enables a snapshot for fast restore in zone a, as an account.
func (w *world) hasten(at ec2sim.Site, ids ...string) *ec2.EnableFastSnapshotRestoresOutput {
	w.t.Helper()
	out, err := w.admin(at).EnableFastSnapshotRestores(w.t.Context(), &ec2.EnableFastSnapshotRestoresInput{
		AvailabilityZones: []string{at.Region + "a"}, SourceSnapshotIds: ids,
	})
	require.NoError(w.t, err)
	return out
}

func (w *world) fastRestores(at ec2sim.Site, filters ...types.Filter) []types.DescribeFastSnapshotRestoreSuccessItem {
	w.t.Helper()
	out, err := w.admin(at).DescribeFastSnapshotRestores(w.t.Context(), &ec2.DescribeFastSnapshotRestoresInput{Filters: filters})
	require.NoError(w.t, err)
	return out.FastSnapshotRestores
}

// Source: Amazon EBS User Guide, "Amazon EBS fast snapshot restore".
func TestFastSnapshotRestoreStates(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.EC2().SetDurations(ec2sim.Durations{FastRestoreSwitch: time.Minute})
		at := site(target, ireland)
		sn := w.snapshot(w.volume(at, "")) // 4 GiB
		const optimizes = time.Hour / 256
		out, err := w.admin(at).EnableFastSnapshotRestores(t.Context(), &ec2.EnableFastSnapshotRestoresInput{
			AvailabilityZoneIds: []string{"euw1-az1", "euw1-az2"}, SourceSnapshotIds: []string{sn.ID},
		})
		require.NoError(t, err)
		require.Len(t, out.Successful, 2)
		require.Equal(t, "eu-west-1b", *out.Successful[1].AvailabilityZone)
		require.Equal(t, types.FastSnapshotRestoreStateCodeEnabling, out.Successful[0].State)
		require.Equal(t, "Client.UserInitiated", *out.Successful[0].StateTransitionReason)
		state := func() types.FastSnapshotRestoreStateCode { return w.fastRestores(at)[0].State }
		time.Sleep(time.Minute)
		require.Equal(t, types.FastSnapshotRestoreStateCodeOptimizing, state())
		time.Sleep(optimizes)
		require.Equal(t, types.FastSnapshotRestoreStateCodeEnabled, state())
		got := w.fastRestores(at)[0]
		require.WithinDuration(t, got.EnablingTime.Add(time.Minute+optimizes), *got.EnabledTime, time.Millisecond)
		require.Nil(t, got.DisablingTime)
		off, err := w.admin(at).DisableFastSnapshotRestores(t.Context(), &ec2.DisableFastSnapshotRestoresInput{
			AvailabilityZones: []string{"eu-west-1a", "eu-west-1c"}, SourceSnapshotIds: []string{sn.ID},
		})
		require.NoError(t, err)
		require.Len(t, off.Successful, 1)
		require.Equal(t, types.FastSnapshotRestoreStateCodeDisabling, off.Successful[0].State)
		require.Equal(t, "eu-west-1c", *off.Unsuccessful[0].FastSnapshotRestoreStateErrors[0].AvailabilityZone)
		time.Sleep(time.Minute)
		require.Equal(t, types.FastSnapshotRestoreStateCodeDisabled, state())
		require.Len(t, w.fastRestores(at, filter("state", "enabled")), 1)
		require.Len(t, w.fastRestores(at, filter("availability-zone", "eu-west-1b"), filter("snapshot-id", sn.ID)), 1)
		require.Len(t, w.hasten(at, sn.ID).Successful, 1, "it can be enabled again")
		require.Len(t, w.fastRestores(at), 2)
	})
}

func TestFastSnapshotRestoreLimits(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at, other := site(target, ireland), site(second, ireland)
		w.EC2().SetLimits(ec2sim.Limits{Spacing: -1})
		vol := w.volume(at, "")
		var ids []string
		for range 6 {
			sn := w.snapshot(vol)
			require.NoError(t, w.share(sn, "add", second))
			ids = append(ids, sn.ID)
		}
		out := w.hasten(at, ids...)
		require.Len(t, out.Successful, 5)
		require.Len(t, out.Unsuccessful, 1)
		require.Equal(t, ids[5], *out.Unsuccessful[0].SnapshotId)
		require.Len(t, w.hasten(at, ids[0]).Successful, 1, "once more changes nothing")
		require.Len(t, w.hasten(other, ids[5]).Successful, 1, "a grantee has a quota of its own")
		require.Empty(t, w.fastRestores(at, filter("owner-id", second)))
		require.Len(t, w.fastRestores(other, filter("owner-id", second)), 1)
		for name, in := range map[string]*ec2.EnableFastSnapshotRestoresInput{
			"InvalidZone.NotFound":        {AvailabilityZones: []string{"eu-west-1x"}, SourceSnapshotIds: ids[:1]},
			"InvalidSnapshot.NotFound":    {AvailabilityZones: []string{"eu-west-1a"}, SourceSnapshotIds: []string{"snap-0123456789abcdef0"}},
			"MissingParameter":            {SourceSnapshotIds: ids[:1]},
			"InvalidSnapshotID.Malformed": {AvailabilityZones: []string{"eu-west-1a"}, SourceSnapshotIds: []string{"x"}},
			"InvalidParameterCombination": {
				AvailabilityZones: []string{"eu-west-1a"}, AvailabilityZoneIds: []string{"euw1-az1"}, SourceSnapshotIds: ids[:1],
			},
			"DryRunOperation": {AvailabilityZones: []string{"eu-west-1a"}, SourceSnapshotIds: ids[:1], DryRun: aws.Bool(true)},
		} {
			_, err := w.admin(at).EnableFastSnapshotRestores(t.Context(), in)
			require.Equal(t, name, code(t, err))
		}
	})
}

// Source: Amazon EBS User Guide, "Amazon EBS fast snapshot restore volume
// creation credits".
func TestVolumeCreationCredits(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		vol, err := w.admin(at).CreateVolume(t.Context(), &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(512)})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		sn := w.snapshot(ec2sim.Ref{Site: at, ID: *vol.VolumeId})
		fast := func(zone string) bool {
			out, err := w.admin(at).CreateVolume(t.Context(), &ec2.CreateVolumeInput{AvailabilityZone: aws.String(at.Region + zone), SnapshotId: &sn.ID})
			require.NoError(t, err)
			d, err := w.admin(at).DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{VolumeIds: []string{*out.VolumeId}})
			require.NoError(t, err)
			return aws.ToBool(d.Volumes[0].FastRestored)
		}
		w.hasten(at, sn.ID)
		require.False(t, fast("a"), "it is not enabled yet")
		time.Sleep(31 * time.Minute) // half a TiB takes half an hour; two credits an hour
		require.True(t, fast("a"))
		require.False(t, fast("a"), "the credit is used up")
		require.False(t, fast("b"), "it is enabled in zone a")
		time.Sleep(10 * time.Hour)
		require.True(t, fast("a"))
		require.True(t, fast("a"))
		require.False(t, fast("a"), "there are two credits at most")
		d, err := w.admin(at).DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{Filters: []types.Filter{filter("fast-restored", "true")}})
		require.NoError(t, err)
		require.Len(t, d.Volumes, 3)
	})
}

func TestFastSnapshotRestoreOfTooLargeSnapshots(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		out, err := w.admin(at).CreateVolume(t.Context(), &ec2.CreateVolumeInput{
			AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(20 << 10), VolumeType: types.VolumeTypeIo2, Iops: aws.Int32(1000),
		})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		sn := w.snapshot(ec2sim.Ref{Site: at, ID: *out.VolumeId})
		require.Len(t, w.hasten(at, sn.ID).Unsuccessful, 1, "16 TiB at most")
	})
}

// Source: Amazon EBS User Guide, "Configure fast snapshot restore for an
// Amazon EBS snapshot".
func TestFastSnapshotRestoreEndsWithTheSnapshot(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at, other := site(target, ireland), site(second, ireland)
		w.EC2().SetLimits(ec2sim.Limits{Spacing: -1})
		vol := w.volume(at, "")
		deleted, unshared, archived := w.snapshot(vol), w.snapshot(vol), w.snapshot(vol)
		require.NoError(t, w.share(unshared, "add", second))
		w.hasten(at, deleted.ID, unshared.ID, archived.ID)
		w.hasten(other, unshared.ID)
		time.Sleep(time.Hour)
		require.Len(t, w.fastRestores(at, filter("state", "enabled")), 3)
		require.Empty(t, w.remove(deleted))
		require.NoError(t, w.share(unshared, "remove", second))
		w.inArchive(archived)
		w.fastRestores(at)
		require.Equal(t, types.FastSnapshotRestoreStateCodeDisabling, w.fastRestores(other)[0].State)
		time.Sleep(time.Minute)
		require.Len(t, w.fastRestores(at, filter("state", "disabled")), 2)
		left := w.fastRestores(at, filter("state", "enabled"))
		require.Len(t, left, 1)
		require.Equal(t, unshared.ID, *left[0].SnapshotId)
	})
}
