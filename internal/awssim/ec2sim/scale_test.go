package ec2sim_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// Listing 100,000 snapshots in pages looks at each of them once, whatever the
// size of the pages and the filters.
func TestListingManySnapshotsCostsOneWalk(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const n, page = 100_000, 1000
		at := site(target, ireland)
		vol := w.volume(at, "")
		w.EC2().TakeMany(vol, n, func(i int) map[string]string { return map[string]string{"page": fmt.Sprint(i / page)} })
		c := w.admin(at)
		looked := func(in *ec2.DescribeSnapshotsInput) (found, looked int) {
			before := w.EC2().Looked()
			_, ids := pages(t.Context(), t, c, in)
			return len(ids), w.EC2().Looked() - before
		}
		tenth := []types.Filter{filter("tag:page", "*7")}
		found, cost := looked(&ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, Filters: tenth, MaxResults: aws.Int32(page)})
		require.Equal(t, n/10, found)
		require.Equal(t, n, cost)
		found, cost = looked(&ec2.DescribeSnapshotsInput{Filters: []types.Filter{filter("tag:page", "50")}, MaxResults: aws.Int32(5)})
		require.Equal(t, page, found)
		require.Equal(t, n, cost, "small pages cost no more")

		first, err := c.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{MaxResults: aws.Int32(page)})
		require.NoError(t, err)
		var ids []string
		for _, sn := range first.Snapshots {
			ids = append(ids, *sn.SnapshotId)
		}
		found, cost = looked(&ec2.DescribeSnapshotsInput{SnapshotIds: ids})
		require.Equal(t, page, found)
		require.Equal(t, page, cost, "naming some does not look at the others")
	})
}

// BenchmarkMemory reports what a snapshot with as many tags as the engine
// gives it takes.
func BenchmarkMemory(b *testing.B) {
	for _, tags := range []int{0, 8} {
		b.Run(fmt.Sprint(tags, " tags"), func(b *testing.B) {
			const n = 100_000
			w := newWorld(b)
			w.EC2().SetDurations(ec2sim.Durations{Volume: -1})
			at := site(target, ireland)
			out, err := w.admin(at).CreateVolume(b.Context(), &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(4)})
			require.NoError(b, err)
			before := heap()
			for b.Loop() {
				w.EC2().TakeMany(ec2sim.Ref{Site: at, ID: *out.VolumeId}, n, func(i int) map[string]string {
					all := map[string]string{}
					for k := range tags {
						all[fmt.Sprint("snapkeep:key-", k)] = fmt.Sprint(time.Now().Unix(), i)
					}
					return all
				})
			}
			b.ReportMetric(float64(heap()-before)/float64(n*b.N), "B/snapshot")
			runtime.KeepAlive(w)
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
