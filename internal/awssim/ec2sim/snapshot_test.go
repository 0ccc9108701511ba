package ec2sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

func TestSnapshotGoesFromPendingToCompleted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		key := w.key(at)
		vol := w.volume(at, key)
		w.write(vol, "one", 0, 1, 2)
		out, err := w.admin(at).CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{
			VolumeId: &vol.ID, Description: aws.String("nightly"), TagSpecifications: tagged("snapshot", "a", "1"),
		})
		require.NoError(t, err)
		require.Equal(t, types.SnapshotStatePending, out.State)
		require.Equal(t, map[string]string{"a": "1"}, tagMap(out.Tags))
		require.WithinDuration(t, time.Now(), *out.StartTime, time.Second)
		describe := func() types.Snapshot {
			d, err := w.admin(at).DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{SnapshotIds: []string{*out.SnapshotId}})
			require.NoError(t, err)
			require.Len(t, d.Snapshots, 1)
			return d.Snapshots[0]
		}
		require.Equal(t, types.SnapshotStatePending, describe().State)
		ref := ec2sim.Ref{Site: at, ID: *out.SnapshotId}
		time.Sleep(time.Until(w.find(ref).Done) - time.Millisecond)
		require.Equal(t, "98%", *describe().Progress)
		require.Nil(t, describe().CompletionTime)
		time.Sleep(time.Millisecond)
		sn := describe()
		require.Equal(t, types.SnapshotStateCompleted, sn.State)
		require.Equal(t, "100%", *sn.Progress)
		require.Equal(t, key, *sn.KmsKeyId, "encryption follows the volume")
		require.True(t, *sn.Encrypted)
		require.Equal(t, int64(3*ec2sim.BlockSize), *sn.FullSnapshotSizeInBytes)
		require.Equal(t, "nightly", *sn.Description)
		require.Equal(t, target, *sn.OwnerId)
		require.Equal(t, int32(4), *sn.VolumeSize)
		require.Equal(t, vol.ID, *sn.VolumeId)
	})
}

func TestSnapshotTimeGrowsWithChangedBlocks(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.EC2().SetDurations(ec2sim.Durations{Jitter: -1, Snapshot: time.Minute, SnapshotBlock: time.Second})
		vol := w.volume(site(target, ireland), "")
		took := func() time.Duration {
			sn := w.find(w.snapshot(vol))
			return sn.Done.Sub(sn.Start)
		}
		w.write(vol, "one", 0, 1, 2, 3, 4)
		require.Equal(t, time.Minute+5*time.Second, took(), "the first stores all")
		w.write(vol, "two", 1, 2)
		w.write(vol, "three", 1)
		require.Equal(t, time.Minute+2*time.Second, took(), "the next what changed")
		require.Equal(t, time.Minute, took())
	})
}

func TestCreateSnapshotRefuses(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		mine, theirs := w.volume(at, ""), w.volume(site(second, ireland), "")
		far := w.volume(site(target, oregon), "")
		fresh, err := w.admin(at).CreateVolume(t.Context(), &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(1)})
		require.NoError(t, err)
		var many []string
		for i := range 51 {
			many = append(many, fmt.Sprint("k", i), "v")
		}
		for _, tt := range []struct {
			name string
			in   ec2.CreateSnapshotInput
			want string
		}{
			{"malformed", ec2.CreateSnapshotInput{VolumeId: aws.String("vol-zz")}, "InvalidVolumeID.Malformed"},
			{"unknown", ec2.CreateSnapshotInput{VolumeId: aws.String("vol-0123456789abcdef0")}, "InvalidVolume.NotFound"},
			{"of another account", ec2.CreateSnapshotInput{VolumeId: &theirs.ID}, "InvalidVolume.NotFound"},
			{"of another Region", ec2.CreateSnapshotInput{VolumeId: &far.ID}, "InvalidVolume.NotFound"},
			{"not available yet", ec2.CreateSnapshotInput{VolumeId: fresh.VolumeId}, "IncorrectState"},
			{"dry run", ec2.CreateSnapshotInput{VolumeId: &mine.ID, DryRun: aws.Bool(true)}, "DryRunOperation"},
			{"tags for volumes", ec2.CreateSnapshotInput{VolumeId: &mine.ID, TagSpecifications: tagged("volume", "a", "b")}, "InvalidParameterValue"},
			{"too many tags", ec2.CreateSnapshotInput{VolumeId: &mine.ID, TagSpecifications: tagged("snapshot", many...)}, "TagLimitExceeded"},
			{"AWS's own tags", ec2.CreateSnapshotInput{VolumeId: &mine.ID, TagSpecifications: tagged("snapshot", "aws:x", "y")}, "InvalidParameterValue"},
		} {
			_, err := w.admin(at).CreateSnapshot(t.Context(), &tt.in)
			require.Equal(t, tt.want, code(t, err), tt.name)
		}
		require.Empty(t, w.EC2().Snapshots())
	})
}

func TestDeleteSnapshot(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		vol := w.volume(at, "")
		remove := func(at ec2sim.Site, id string) string {
			_, err := w.admin(at).DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: &id})
			return code(t, err)
		}
		shared := w.snapshot(vol)
		require.NoError(t, w.share(shared, "add", second))
		require.Equal(t, "AuthFailure", remove(site(second, ireland), shared.ID), "a grantee only reads")
		require.Equal(t, "InvalidSnapshot.NotFound", remove(site(vault, ireland), shared.ID))
		require.Equal(t, "InvalidSnapshot.NotFound", remove(site(target, oregon), shared.ID))
		require.Equal(t, "InvalidSnapshotID.Malformed", remove(at, "snap-1"))
		require.Empty(t, remove(at, shared.ID))
		require.Equal(t, "InvalidSnapshot.NotFound", remove(at, shared.ID))
		out, err := w.admin(site(second, ireland)).DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{})
		require.NoError(t, err)
		require.Empty(t, out.Snapshots, "for the grantee too")

		// Source: Amazon EBS User Guide, "Delete an Amazon EBS snapshot".
		pending, err := w.admin(at).CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &vol.ID})
		require.NoError(t, err)
		require.Empty(t, remove(at, *pending.SnapshotId))
		ref := ec2sim.Ref{Site: at, ID: *pending.SnapshotId}
		sn := w.find(ref)
		require.Equal(t, types.SnapshotStatePending, sn.State, "it is removed only when it is done")
		time.Sleep(time.Until(sn.Done))
		require.Empty(t, w.EC2().Snapshots())
		require.Equal(t, "InvalidSnapshot.NotFound", remove(at, ref.ID))
	})
}

func TestLimitsOfAVolume(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		w.EC2().SetDurations(ec2sim.Durations{Snapshot: time.Hour})
		vol := w.volume(at, "")
		snap := func(id string) (ec2sim.Ref, string) {
			out, err := w.admin(at).CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &id})
			if err != nil {
				return ec2sim.Ref{}, code(t, err)
			}
			return ec2sim.Ref{Site: at, ID: *out.SnapshotId}, ""
		}
		first, refused := snap(vol.ID)
		require.Empty(t, refused)
		time.Sleep(14 * time.Second)
		_, refused = snap(vol.ID)
		require.Equal(t, "SnapshotCreationPerVolumeRateExceeded", refused)
		time.Sleep(time.Second)
		for range 4 {
			_, refused = snap(vol.ID)
			require.Empty(t, refused)
			time.Sleep(15 * time.Second)
		}
		_, refused = snap(vol.ID)
		require.Equal(t, "ConcurrentSnapshotLimitExceeded", refused, "five are pending")
		require.NoError(t, w.EC2().SetSnapshotError(first, "lost"))
		_, refused = snap(vol.ID)
		require.Equal(t, "ConcurrentSnapshotLimitExceeded", refused, "one that failed counts until it is deleted")
		_, err := w.admin(at).DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: &first.ID})
		require.NoError(t, err)
		_, refused = snap(vol.ID)
		require.Empty(t, refused)
		time.Sleep(2 * time.Hour)
		_, refused = snap(vol.ID)
		require.Empty(t, refused, "completed ones do not count")

		for _, kind := range []types.VolumeType{types.VolumeTypeSt1, types.VolumeTypeSc1} {
			out, err := w.admin(at).CreateVolume(t.Context(), &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(125), VolumeType: kind})
			require.NoError(t, err)
			time.Sleep(time.Minute)
			_, refused = snap(*out.VolumeId)
			require.Empty(t, refused)
			time.Sleep(time.Minute)
			_, refused = snap(*out.VolumeId)
			require.Equal(t, "ConcurrentSnapshotLimitExceeded", refused, "%s has one", kind)
		}
	})
}

func TestLimitsOfASite(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		w.EC2().SetLimits(ec2sim.Limits{PendingPerSite: 3, SnapshotsPerSite: 4})
		snap := func(at ec2sim.Site) string {
			vol := w.volume(at, "")
			_, err := w.admin(at).CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &vol.ID})
			return code(t, err)
		}
		w.EC2().SetDurations(ec2sim.Durations{Snapshot: time.Hour, Jitter: -1})
		for range 3 {
			require.Empty(t, snap(at))
		}
		require.Equal(t, "PendingSnapshotLimitExceeded", snap(at))
		require.Empty(t, snap(site(target, oregon)), "another Region counts for itself")
		require.Empty(t, snap(site(second, ireland)), "and so does another account")
		time.Sleep(time.Hour)
		require.Empty(t, snap(at))
		require.Equal(t, "SnapshotLimitExceeded", snap(at))
		w.EC2().SetLimits(ec2sim.Limits{SnapshotsPerSite: -1})
		require.Empty(t, snap(at))
	})
}

func TestPendingSnapshotsCountThoughTheLimitCameLater(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const n = 20
		at := site(target, ireland)
		vol := w.volume(at, "")
		w.EC2().SetDurations(ec2sim.Durations{Snapshot: time.Hour, Jitter: -1})
		snap := func() string {
			_, err := w.admin(at).CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &vol.ID})
			return code(t, err)
		}
		limit := func(site, volume int) {
			w.EC2().SetLimits(ec2sim.Limits{PendingPerSite: site, PendingPerVolume: volume, Spacing: -1})
		}
		for i := range 2 * n {
			if i == n {
				time.Sleep(time.Hour) // the first half is done
			}
			limit(-1, -1)
			require.Empty(t, snap())
		}
		limit(n, -1)
		require.Equal(t, "PendingSnapshotLimitExceeded", snap())
		limit(-1, n)
		require.Equal(t, "ConcurrentSnapshotLimitExceeded", snap())
		limit(n+1, n+1)
		require.Empty(t, snap(), "those that are done do not count")
	})
}

func TestDefaultLimitOfPendingSnapshots(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		w.EC2().SetDurations(ec2sim.Durations{Snapshot: 1000 * time.Hour})
		for i := range 101 {
			vol := w.volume(at, "")
			_, err := w.admin(at).CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &vol.ID})
			if i < 100 {
				require.NoError(t, err)
				continue
			}
			require.Equal(t, "PendingSnapshotLimitExceeded", code(t, err))
		}
	})
}
