//go:build unix

package awssim_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// BenchmarkCalls is what one call through a client of the SDK costs, with
// and without what may be switched on.
func BenchmarkCalls(b *testing.B) {
	calm := core.Options{Latency: -1, Limits: core.Limits{Off: true}}
	limited, logged, lagging, weather := calm, calm, calm, calm
	limited.Limits = core.Limits{Buckets: map[string]core.Bucket{"ec2:DescribeSnapshots unfiltered": {Burst: 1e9, PerSecond: 1e9}}}
	logged.LogCalls = 1000
	lagging.Consistency = core.Consistency{Max: time.Minute}
	weather.OnCall = core.Weather(1, map[core.Way]float64{core.None: 1e-9, core.Reset: 1e-9, core.Garbage: 1e-9}).Decide()
	for _, bb := range []struct {
		name string
		opts core.Options
	}{{"calm", calm}, {"limited", limited}, {"logged", logged}, {"lagging", lagging}, {"weather", weather}} {
		b.Run(bb.name, func(b *testing.B) {
			cloud := awssim.New(bb.opts)
			client := ec2.NewFromConfig(cloud.Config(cloud.User(target, "admin", awssim.Admin()), "eu-west-1"))
			cloud.SetConsistency(bb.opts.Consistency) // of what comes after the user
			in := &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}}
			b.ReportAllocs()
			before := cpuTime(b)
			for b.Loop() {
				if _, err := client.DescribeSnapshots(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(perCall(cpuTime(b)-before, b.N), "cpu-µs/call")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}

// cpuTime returns how long this process has been computing, on all cores and
// with the collection of garbage. It tells more of the code than the clock on
// a machine with other work to do.
func cpuTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// perCall is in microseconds.
func perCall(spent time.Duration, calls int) float64 {
	return float64(spent.Nanoseconds()) / 1000 / float64(calls)
}

// BenchmarkPolling waits 90 simulated minutes for a snapshot, as one poller of
// a site does that lists it every 15 s.
func BenchmarkPolling(b *testing.B) {
	calls, before := 0, cpuTime(b)
	for b.Loop() {
		var t testing.T
		synctest.Test(&t, func(t *testing.T) {
			ctx := context.Background()
			cloud := awssim.New(awssim.Options{})
			cloud.EC2().SetDurations(ec2sim.Durations{Snapshot: 90 * time.Minute, Jitter: -1})
			client := ec2.NewFromConfig(cloud.Config(cloud.User(target, "admin", awssim.Admin()), "eu-west-1"))
			volume, err := client.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(8)})
			if err != nil {
				b.Fatal(err)
			}
			time.Sleep(time.Minute)
			if _, err := client.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: volume.VolumeId}); err != nil {
				b.Fatal(err)
			}
			in := &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, MaxResults: aws.Int32(1000)}
			for state := types.SnapshotStatePending; state == types.SnapshotStatePending; time.Sleep(15 * time.Second) {
				out, err := client.DescribeSnapshots(ctx, in)
				if err != nil {
					b.Fatal(err)
				}
				state = out.Snapshots[0].State
			}
			calls = cloud.Stats().Total
		})
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/90min")
	b.ReportMetric(float64(calls), "calls")
	b.ReportMetric(perCall(cpuTime(b)-before, calls*b.N), "cpu-µs/call")
}

// BenchmarkListing lists many snapshots through the client, 1,000 a page. That
// twice as many cost twice as much is for package ec2sim to show by counting.
func BenchmarkListing(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			cloud := awssim.New(awssim.Options{Latency: -1, Limits: core.Limits{Off: true}})
			cloud.EC2().SetDurations(ec2sim.Durations{Volume: -1})
			client := ec2.NewFromConfig(cloud.Config(cloud.User(target, "admin", awssim.Admin()), "eu-west-1"))
			volume, err := client.CreateVolume(b.Context(), &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(8)})
			if err != nil {
				b.Fatal(err)
			}
			cloud.EC2().SetLimits(ec2sim.Limits{PendingPerVolume: -1, Spacing: -1, PendingPerSite: -1})
			for range n {
				if _, err := client.CreateSnapshot(b.Context(), &ec2.CreateSnapshotInput{VolumeId: volume.VolumeId}); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				found := 0
				pages := ec2.NewDescribeSnapshotsPaginator(client, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, MaxResults: aws.Int32(1000)})
				for pages.HasMorePages() {
					out, err := pages.NextPage(b.Context())
					if err != nil {
						b.Fatal(err)
					}
					found += len(out.Snapshots)
				}
				if found != n {
					b.Fatal(found)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n*b.N), "µs/snapshot")
			b.ReportMetric(float64(n*b.N)/1000/b.Elapsed().Seconds(), "pages/s")
		})
	}
}
