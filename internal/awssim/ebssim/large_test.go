package ebssim_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// Every block of a full TiB is listed once, in order.
func TestAListingOfAFullTiB(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		vol := w.volume(1024, "")
		require.NoError(t, w.EC2().FillVolume(vol, ec2sim.Fill{Seed: 1}))
		id := w.snapshot(vol)
		next := int32(0)
		for b := range w.list(w.ebs(home), id, 10_000) {
			if *b.BlockIndex != next {
				t.Fatalf("got block %d, want %d", *b.BlockIndex, next)
			}
			next++
		}
		require.EqualValues(t, 2_097_152, next)
	})
}

// A page of 16 TiB costs no more than a page of anything else, wherever it is,
// and with months of changes behind it.
func TestPagesOf16TiB(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.EBS().SetRules(plain())
		vol := w.volume(16_384, "")
		require.NoError(t, w.EC2().FillVolume(vol, ec2sim.Fill{Seed: 1}))
		var first, second string
		for day := range uint64(100) {
			_, err := w.EC2().Churn(vol, day, 0.001)
			require.NoError(t, err)
			if day >= 98 {
				first, second = second, w.snapshot(vol)
			}
		}
		c := w.ebs(home)
		for _, start := range []int32{0, 16_777_216, 33_544_432} {
			out, err := c.ListSnapshotBlocks(t.Context(), &ebs.ListSnapshotBlocksInput{SnapshotId: &second, StartingBlockIndex: &start})
			require.NoError(t, err)
			require.Len(t, out.Blocks, 10_000)
			require.Equal(t, start, *out.Blocks[0].BlockIndex)
			require.Equal(t, start == 33_544_432, out.NextToken == nil)
			get(t, c, second, start, out.Blocks[0].BlockToken)
		}
		require.InDelta(t, 33_554, len(w.changes(first, second)), 1)
	})
}

func FuzzTokens(f *testing.F) {
	f.Add("AAAB", "AAAB")
	f.Add("", "=")
	f.Add("AAABAAAAAGkp2YBmUHj2mE9LngAAAAAAAAAAuNKXk1hGmwf5Cq3Km4nXiw==", "AAABAAAAAGkp2YBmUHj2mE9LngAAAAAAAAAAuNKXk1hGmwf5Cq3Km4nXiw==")
	f.Fuzz(func(t *testing.T, block, page string) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, core.Limits{Off: true})
			vol := w.volume(1, "")
			w.write(vol, "text", 0)
			id := w.snapshot(vol)
			c := w.ebs(home)
			_, err := c.GetSnapshotBlock(t.Context(), &ebs.GetSnapshotBlockInput{SnapshotId: &id, BlockIndex: aws.Int32(0), BlockToken: &block})
			invalid(t, err, types.ValidationExceptionReasonInvalidBlockToken)
			_, err = c.ListSnapshotBlocks(t.Context(), &ebs.ListSnapshotBlocksInput{SnapshotId: &id, NextToken: &page})
			invalid(t, err, types.ValidationExceptionReasonInvalidPageToken)
			_, err = c.ListChangedBlocks(t.Context(), &ebs.ListChangedBlocksInput{FirstSnapshotId: &id, SecondSnapshotId: &id, NextToken: &page})
			invalid(t, err, types.ValidationExceptionReasonInvalidPageToken)
		})
	})
}

func BenchmarkListSnapshotBlocks(b *testing.B) {
	w := newWorld(b, core.Limits{Off: true})
	w.EBS().SetRules(plain())
	vol := w.volume(16_384, "")
	require.NoError(b, w.EC2().FillVolume(vol, ec2sim.Fill{Seed: 1}))
	id := w.snapshot(vol)
	c := w.ebs(home)
	in := &ebs.ListSnapshotBlocksInput{SnapshotId: &id}
	blocks := 0
	b.ReportAllocs()
	for b.Loop() {
		out, err := c.ListSnapshotBlocks(context.Background(), in)
		require.NoError(b, err)
		blocks += len(out.Blocks)
		in.NextToken = out.NextToken
	}
	b.ReportMetric(float64(blocks)/b.Elapsed().Seconds(), "blocks/s")
}

func BenchmarkListChangedBlocks(b *testing.B) {
	w := newWorld(b, core.Limits{Off: true})
	w.EBS().SetRules(plain())
	vol := w.volume(16_384, "")
	require.NoError(b, w.EC2().FillVolume(vol, ec2sim.Fill{Seed: 1}))
	first := w.snapshot(vol)
	_, err := w.EC2().Churn(vol, 2, 0.01)
	require.NoError(b, err)
	second := w.snapshot(vol)
	c := w.ebs(home)
	in := &ebs.ListChangedBlocksInput{FirstSnapshotId: &first, SecondSnapshotId: &second}
	blocks := 0
	b.ReportAllocs()
	for b.Loop() {
		out, err := c.ListChangedBlocks(context.Background(), in)
		require.NoError(b, err)
		blocks += len(out.ChangedBlocks)
		in.NextToken = out.NextToken
	}
	b.ReportMetric(float64(blocks)/b.Elapsed().Seconds(), "blocks/s")
}

func BenchmarkGetSnapshotBlock(b *testing.B) {
	w := newWorld(b, core.Limits{Off: true})
	vol := w.volume(1, "")
	require.NoError(b, w.EC2().FillVolume(vol, ec2sim.Fill{Seed: 1}))
	id := w.snapshot(vol)
	c := w.ebs(home)
	token := w.token(id, 7)
	b.ReportAllocs()
	for b.Loop() {
		_, err := c.GetSnapshotBlock(context.Background(), &ebs.GetSnapshotBlockInput{SnapshotId: &id, BlockIndex: aws.Int32(7), BlockToken: token})
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "blocks/s")
}

func BenchmarkPutSnapshotBlock(b *testing.B) {
	w := newWorld(b, core.Limits{Off: true})
	id := *w.start(nil).SnapshotId
	c := w.ebs(home)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	block := int32(0)
	b.ReportAllocs()
	for b.Loop() {
		_, err := c.PutSnapshotBlock(context.Background(), put(id, block%2048, "text"))
		require.NoError(b, err)
		block++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "blocks/s")
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(min(block, 2048)), "B/block")
}
