package ec2sim_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// inBin lists the Recycle Bin of a site.
func (w *world) inBin(at ec2sim.Site) []types.SnapshotRecycleBinInfo {
	w.t.Helper()
	out, err := w.admin(at).ListSnapshotsInRecycleBin(w.t.Context(), &ec2.ListSnapshotsInRecycleBinInput{})
	require.NoError(w.t, err)
	return out.Snapshots
}

// recover asks for a snapshot in the Recycle Bin.
func (w *world) recover(sn ec2sim.Ref) (*ec2.RestoreSnapshotFromRecycleBinOutput, string) {
	out, err := w.admin(sn.Site).RestoreSnapshotFromRecycleBin(w.t.Context(), &ec2.RestoreSnapshotFromRecycleBinInput{SnapshotId: &sn.ID})
	return out, code(w.t, err)
}

func TestRecycleBin(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		require.NoError(t, w.EC2().SetRecycleBin(ec2sim.BinRule{Site: at, Days: 7}))
		vol := w.volume(at, "")
		w.write(vol, "kept", 3)
		sn := w.snapshot(vol, "a", "1")
		before, err := w.EC2().ReadSnapshot(sn)
		require.NoError(t, err)
		require.NoError(t, w.share(sn, "add", second))
		require.Empty(t, w.remove(sn))
		left := time.Now()

		require.Equal(t, types.SnapshotStateRecoverable, w.find(sn).State)
		require.Equal(t, "InvalidSnapshot.NotFound", w.remove(sn))
		require.Empty(t, w.listed(at, ec2.DescribeSnapshotsInput{}))
		require.Equal(t, "InvalidSnapshot.NotFound", code(t, w.use(sn)))
		_, err = w.admin(site(second, ireland)).CopySnapshot(t.Context(), copyInput(sn, ""))
		require.Equal(t, "InvalidSnapshot.NotFound", code(t, err))
		bin := w.inBin(at)
		require.Len(t, bin, 1)
		require.Equal(t, sn.ID, *bin[0].SnapshotId)
		require.Equal(t, vol.ID, *bin[0].VolumeId)
		require.WithinDuration(t, left, *bin[0].RecycleBinEnterTime, time.Second)
		require.Equal(t, bin[0].RecycleBinEnterTime.Add(7*days), *bin[0].RecycleBinExitTime)
		require.Empty(t, w.inBin(site(second, ireland)))

		_, err = w.admin(at).CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{sn.ID}, Tags: tags("b", "2")})
		require.NoError(t, err, "it can be tagged")
		_, err = w.admin(at).DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: []string{sn.ID}, Tags: tags("aws:recycle-bin:resource-in-bin", "true")})
		require.Equal(t, "InvalidParameterValue", code(t, err), "but for AWS's own tag")
		d, err := w.admin(at).DescribeTags(t.Context(), &ec2.DescribeTagsInput{Filters: []types.Filter{filter("key", "aws:recycle-bin:resource-in-bin")}})
		require.NoError(t, err)
		require.Len(t, d.Tags, 1)

		time.Sleep(7*days - time.Second)
		out, failed := w.recover(sn)
		require.Empty(t, failed)
		require.Equal(t, types.SnapshotStateRecovering, out.State)
		require.Equal(t, types.SnapshotStateRecovering, w.described(sn).State)
		require.Equal(t, "IncorrectState", code(t, w.use(sn)))
		time.Sleep(10 * time.Second)
		got := w.described(sn)
		require.Equal(t, types.SnapshotStateCompleted, got.State)
		require.Equal(t, map[string]string{"a": "1", "b": "2"}, tagMap(got.Tags))
		require.Empty(t, w.find(sn).Shares, "with whom it was shared is forgotten")
		after, err := w.EC2().ReadSnapshot(sn)
		require.NoError(t, err)
		require.True(t, after.Equal(before))
		require.Empty(t, w.inBin(at))
		_, failed = w.recover(sn)
		require.Equal(t, "InvalidSnapshot.NotFound", failed)

		require.Empty(t, w.remove(sn))
		time.Sleep(7 * days)
		_, failed = w.recover(sn)
		require.Equal(t, "InvalidSnapshot.NotFound", failed, "too late")
		require.Empty(t, w.inBin(at))
		require.Empty(t, w.EC2().Snapshots())
	})
}

// Source: EC2 User Guide, "Considerations for Recycle Bin".
func TestRecycleBinRules(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		w.EC2().SetLimits(ec2sim.Limits{Spacing: -1})
		require.NoError(t, w.EC2().SetRecycleBin(
			ec2sim.BinRule{Site: at, Days: 3, Except: []ec2sim.BinTag{{Key: "scratch"}}},
			ec2sim.BinRule{Site: at, Days: 30, Tags: []ec2sim.BinTag{{Key: "plan", Value: "gold"}, {Key: "legal"}}},
			ec2sim.BinRule{Site: at, Days: 90, From: time.Now().Add(days)},
		))
		vol := w.volume(at, "")
		plain, gold, legal := w.snapshot(vol), w.snapshot(vol, "plan", "gold"), w.snapshot(vol, "legal", "x", "scratch", "")
		silver, scratch := w.snapshot(vol, "plan", "silver"), w.snapshot(vol, "scratch", "1")
		for _, sn := range []ec2sim.Ref{plain, gold, legal, silver, scratch} {
			require.Empty(t, w.remove(sn))
		}
		kept := map[string]time.Duration{}
		for _, in := range w.inBin(at) {
			kept[*in.SnapshotId] = in.RecycleBinExitTime.Sub(*in.RecycleBinEnterTime)
		}
		require.Equal(t, map[string]time.Duration{plain.ID: 3 * days, gold.ID: 30 * days, legal.ID: 30 * days, silver.ID: 3 * days}, kept)
		time.Sleep(days)
		late := w.snapshot(vol)
		require.Empty(t, w.remove(late))
		require.Len(t, w.inBin(at), 5)
		time.Sleep(88 * days)
		require.Equal(t, late.ID, *w.inBin(at)[0].SnapshotId, "the third rule acts now")

		far := w.snapshot(w.volume(site(target, oregon), ""))
		require.Empty(t, w.remove(far))
		require.Empty(t, w.inBin(far.Site), "another Region has rules of its own")
		require.Error(t, w.EC2().SetRecycleBin(ec2sim.BinRule{Site: at, Days: 0}))
		require.Error(t, w.EC2().SetRecycleBin(ec2sim.BinRule{Site: at, Days: 3651}))
	})
}

func TestPendingSnapshotGoesIntoTheBinWhenItIsDone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		require.NoError(t, w.EC2().SetRecycleBin(ec2sim.BinRule{Site: at, Days: 1}))
		vol := w.volume(at, "")
		out, err := w.admin(at).CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &vol.ID})
		require.NoError(t, err)
		sn := ec2sim.Ref{Site: at, ID: *out.SnapshotId}
		require.Empty(t, w.remove(sn))
		require.Equal(t, types.SnapshotStatePending, w.described(sn).State)
		require.Empty(t, w.inBin(at))
		time.Sleep(time.Until(w.find(sn).Done))
		require.Empty(t, w.listed(at, ec2.DescribeSnapshotsInput{}))
		require.Len(t, w.inBin(at), 1)
		_, failed := w.recover(sn)
		require.Empty(t, failed)
		time.Sleep(time.Minute)
		require.NoError(t, w.use(sn))
	})
}

func TestRecycleBinAndLocksAndArchive(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		require.NoError(t, w.EC2().SetRecycleBin(ec2sim.BinRule{Site: at, Days: 7}))
		sn := w.snapshot(w.volume(at, ""))
		require.Empty(t, w.lock(sn, governance(sn, 2)))
		require.Equal(t, "OperationNotPermitted", w.remove(sn), "what is locked cannot be put there")
		require.Empty(t, w.inBin(at))
		w.inArchive(sn)
		time.Sleep(2 * days)
		require.Empty(t, w.remove(sn))
		require.Equal(t, "InvalidSnapshot.NotFound", w.lock(sn, governance(sn, 2)), "what is there cannot be locked")
		require.Equal(t, "InvalidSnapshot.NotFound", w.restore(sn, 1))
		_, failed := w.recover(sn)
		require.Empty(t, failed)
		time.Sleep(time.Minute)
		require.Equal(t, types.StorageTierArchive, w.described(sn).StorageTier, "it comes back into the archive")
		require.Empty(t, w.restore(sn, 1))
	})
}

// That a snapshot went into the bin is told late as well, where the cloud is
// eventually consistent.
func TestRecycleBinIsToldLate(t *testing.T) {
	var sn ec2sim.Ref
	inLaggingWorld(t, func(w *world) {
		at := site(target, ireland)
		require.NoError(t, w.EC2().SetRecycleBin(ec2sim.BinRule{Site: at, Days: 300}))
		sn = w.snapshot(w.volume(at, ""))
	}, func(t *testing.T, w *world) {
		require.Empty(t, w.remove(sn))
		watch(t, func() bool {
			in, out := len(w.inBin(sn.Site)), len(w.listed(sn.Site, ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}}))
			return in == 1 && out == 0
		})
	}, core.Deletion)
}

func TestListSnapshotsInRecycleBinPages(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		w.EC2().SetLimits(ec2sim.Limits{Spacing: -1})
		require.NoError(t, w.EC2().SetRecycleBin(ec2sim.BinRule{Site: at, Days: 7}))
		vol := w.volume(at, "")
		var ids []string
		for range 12 {
			sn := w.snapshot(vol)
			ids = append(ids, sn.ID)
			require.Empty(t, w.remove(sn))
		}
		var got []string
		pages := ec2.NewListSnapshotsInRecycleBinPaginator(w.admin(at), &ec2.ListSnapshotsInRecycleBinInput{MaxResults: aws.Int32(5)})
		for pages.HasMorePages() {
			out, err := pages.NextPage(t.Context())
			require.NoError(t, err)
			require.LessOrEqual(t, len(out.Snapshots), 5)
			for _, in := range out.Snapshots {
				got = append(got, *in.SnapshotId)
			}
		}
		require.Equal(t, ids, got)
		one, err := w.admin(at).ListSnapshotsInRecycleBin(t.Context(), &ec2.ListSnapshotsInRecycleBinInput{SnapshotIds: ids[3:4]})
		require.NoError(t, err)
		require.Len(t, one.Snapshots, 1)
		alive := w.snapshot(vol)
		_, err = w.admin(at).ListSnapshotsInRecycleBin(t.Context(), &ec2.ListSnapshotsInRecycleBinInput{SnapshotIds: []string{alive.ID}})
		require.Equal(t, "InvalidSnapshot.NotFound", code(t, err))
	})
}
