package ec2sim_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// timedCopy asks for a copy within some minutes.
func (w *world) timedCopy(source ec2sim.Ref, to ec2sim.Site, minutes int32) (ec2sim.Ref, string) {
	in := copyInput(source, "")
	in.CompletionDurationMinutes = &minutes
	out, err := w.admin(to).CopySnapshot(w.t.Context(), in)
	if err != nil {
		return ec2sim.Ref{}, code(w.t, err)
	}
	return ec2sim.Ref{Site: to, ID: *out.SnapshotId}, ""
}

// Source: Amazon EBS User Guide, "Time-based copies".
func TestTimeBasedCopiesShareTheirThroughput(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		from, to := site(target, ireland), site(target, oregon)
		// 1,800 blocks are 900 MiB: 1 MiB/s for 15 minutes.
		w.EC2().SetLimits(ec2sim.Limits{Spacing: -1, CopyRate: 2, CopyRateEach: 1})
		w.EC2().SetDurations(ec2sim.Durations{Copy: 100 * time.Hour, Jitter: -1})
		filled := func(blocks int) ec2sim.Ref {
			vol := w.volume(from, "")
			for i := range blocks {
				w.write(vol, "x", int64(i))
			}
			return w.snapshot(vol)
		}
		takes := func(sn ec2sim.Ref) time.Duration { return w.find(sn).Done.Sub(w.find(sn).Start) }
		quarter, half, large := filled(1800), filled(900), filled(3600)

		one, failed := w.timedCopy(quarter, to, 15)
		require.Empty(t, failed)
		require.Equal(t, 15*time.Minute, takes(one))
		two, failed := w.timedCopy(half, to, 15)
		require.Empty(t, failed)
		require.Equal(t, 15*time.Minute, takes(two))
		late, failed := w.timedCopy(filled(1800), to, 15)
		require.Empty(t, failed)
		require.Equal(t, 30*time.Minute, takes(late), "half the throughput is left: it runs late")
		_, failed = w.timedCopy(large, to, 30)
		require.Equal(t, "ResourceLimitExceeded", failed, "there is none left")
		_, failed = w.timedCopy(large, from, 30)
		require.Empty(t, failed, "within the Region it is another throughput")

		time.Sleep(30 * time.Minute)
		slow, failed := w.timedCopy(large, to, 15)
		require.Empty(t, failed)
		require.Equal(t, 30*time.Minute, takes(slow), "one copy alone may have 1 MiB/s")
		next, failed := w.timedCopy(large, to, 60)
		require.Empty(t, failed)
		require.Equal(t, 30*time.Minute+60*time.Minute, takes(next), "a second of the same snapshot waits for the first")
	})
}

// The speed of a simulation on a real clock is one number.
func TestFasterDurations(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		w.EC2().SetDurations(ec2sim.Durations{Snapshot: time.Hour, Archive: 10 * time.Hour, ArchiveBlock: -1, Jitter: -1}.Faster(60))
		sn := w.find(w.snapshot(w.volume(at, "")))
		require.Equal(t, time.Minute, sn.Done.Sub(sn.Start))
		require.Empty(t, w.archive(sn.Ref))
		time.Sleep(10*time.Minute - time.Second)
		require.Equal(t, types.StorageTierStandard, w.find(sn.Ref).Tier)
		time.Sleep(time.Second)
		require.Equal(t, types.StorageTierArchive, w.find(sn.Ref).Tier)
	})
}

func TestCompletionDurationIsChecked(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		sn := w.snapshot(w.volume(at, ""))
		for minutes, want := range map[int32]string{
			0: "InvalidParameterValue", 10: "InvalidParameterValue", 15: "", 20: "InvalidParameterValue",
			2880: "", 2895: "InvalidParameterValue",
		} {
			_, failed := w.timedCopy(sn, at, minutes)
			require.Equal(t, want, failed, "%d minutes", minutes)
		}
		list := w.described(w.copy(sn, at, ""))
		require.Equal(t, "standard", string(list.TransferType))
		require.Nil(t, list.CompletionDurationMinutes)
		require.Empty(t, string(w.described(sn).TransferType), "an original is no copy")
		require.Equal(t, int64(0), aws.ToInt64(list.FullSnapshotSizeInBytes))
	})
}
