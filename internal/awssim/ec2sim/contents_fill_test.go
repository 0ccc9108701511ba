package ec2sim_test

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// large makes a volume of a size in GiB that is ready at once.
func (w *world) large(at ec2sim.Site, gib int32) ec2sim.Ref {
	w.t.Helper()
	w.EC2().SetDurations(ec2sim.Durations{Volume: -1})
	out, err := w.admin(at).CreateVolume(w.t.Context(), &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String(at.Region + "a"), Size: &gib,
	})
	require.NoError(w.t, err)
	return ec2sim.Ref{Site: at, ID: *out.VolumeId}
}

func (w *world) read(ref ec2sim.Ref) map[int64][]byte {
	w.t.Helper()
	read := w.EC2().ReadSnapshot
	if ref.ID[:4] == "vol-" {
		read = w.EC2().ReadVolume
	}
	got, err := read(ref)
	require.NoError(w.t, err)
	return got.Blocks
}

func TestFillsHaveBounds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		vol := w.volume(site(target, ireland), "") // 4 GiB: blocks 0 to 8191
		for _, span := range []ec2sim.Span{{-1, 2}, {0, 0}, {0, 8193}, {8192, 1}, {1, 1<<63 - 1}} {
			require.Error(t, w.EC2().FillVolume(vol, ec2sim.Fill{Spans: []ec2sim.Span{span}}), "%v", span)
		}
		nan := 0.0
		nan /= nan
		for _, share := range []float64{-0.1, 1.01, nan} {
			require.Error(t, w.EC2().FillVolume(vol, ec2sim.Fill{Share: share}), "%v", share)
			_, err := w.EC2().Churn(vol, 1, share)
			require.Error(t, err, "%v", share)
		}
		nowhere := ec2sim.Ref{Site: vol.Site, ID: "vol-00000000000000001"}
		require.ErrorIs(t, w.EC2().FillVolume(nowhere, ec2sim.Fill{}), ec2sim.ErrNotFound)
		require.Empty(t, w.read(vol))
		require.NoError(t, w.EC2().FillVolume(vol, ec2sim.Fill{Spans: []ec2sim.Span{{0, 3}, {8190, 2}}}))
		require.Len(t, w.read(vol), 5)
	})
}

func TestFillsHitTheirShare(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, share := range []float64{1, 0.5, 0.01, 0.0001} {
			vol := w.large(site(target, ireland), 64) // 131,072 blocks
			require.NoError(t, w.EC2().FillVolume(vol, ec2sim.Fill{Seed: 7, Share: share}))
			n, err := w.EC2().CountBlocks(vol)
			require.NoError(t, err)
			require.InDelta(t, share*131_072, n, 1)
			blocks := w.read(vol)
			require.Len(t, blocks, int(n))
			churned, err := w.EC2().Churn(vol, 8, 0.25)
			require.NoError(t, err)
			require.InDelta(t, float64(n)/4, churned, float64(n)/20+5)
			full := 0
			for i, data := range w.read(vol) {
				if !bytes.Equal(data, blocks[i]) {
					churned--
				}
				if len(data) == ec2sim.BlockSize {
					full++
				}
			}
			require.Zero(t, churned, "what Churn counts is what it changes")
			if share == 1 {
				require.Positive(t, full, "some blocks are full")
			}
		}
	})
}

func TestEqualSeedsGiveEqualBytes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a, b := w.volume(site(target, ireland), ""), w.volume(site(second, oregon), "")
		require.NoError(t, w.EC2().FillVolume(a, ec2sim.Fill{Seed: 1, Share: 0.3}))
		require.NoError(t, w.EC2().FillVolume(b, ec2sim.Fill{Seed: 1, Share: 0.3}))
		first, err := w.EC2().FirstDifference(a, b)
		require.NoError(t, err)
		require.EqualValues(t, -1, first)
		w.write(b, "other", 4711)
		first, err = w.EC2().FirstDifference(a, b)
		require.NoError(t, err)
		require.EqualValues(t, 4711, first)
		for i, data := range w.read(a) { // written one by one, the bytes are the same
			require.NoError(t, w.EC2().WriteVolume(b, i, data))
		}
		if w.read(a)[4711] == nil {
			w.write(b, "", 4711)
		}
		first, err = w.EC2().FirstDifference(a, b)
		require.NoError(t, err)
		require.EqualValues(t, -1, first)
		x, err := w.EC2().Digest(a)
		require.NoError(t, err)
		y, err := w.EC2().Digest(b)
		require.NoError(t, err)
		require.Equal(t, x, y)
	})
}

// A model is a volume or snapshot of the test below, and what it must hold.
type model struct {
	ref    ec2sim.Ref
	blocks map[int64][]byte
}

// Whatever is filled, churned, written, flipped, snapshotted and restored: what
// was not touched stays as it is, and every way of comparing agrees.
func TestLayersAreLikeWrittenBlocks(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(0, 6), 1, 12).Draw(rt, "steps")
		seed := rapid.Uint64().Draw(rt, "seed")
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.EC2().SetLimits(ec2sim.Limits{Spacing: -1, PendingPerVolume: -1})
			rng := rand.New(rand.NewPCG(seed, 2))
			all := []*model{{w.large(site(target, ireland), 2), map[int64][]byte{}}}
			for _, step := range steps {
				m := all[rng.IntN(len(all))]
				volume := m.ref.ID[:4] == "vol-"
				switch {
				case step == 0 && volume:
					span := ec2sim.Span{First: rng.Int64N(4000), Count: 1 + rng.Int64N(96)}
					f := ec2sim.Fill{Seed: rng.Uint64(), Share: rng.Float64(), Spans: []ec2sim.Span{span}}
					if rng.IntN(4) == 0 {
						f.Spans, f.Share = nil, []float64{0, 0.01, 0.3}[rng.IntN(3)]
					}
					require.NoError(t, w.EC2().FillVolume(m.ref, f))
					m.blocks = w.read(m.ref)
				case step == 1 && volume:
					m.churn(t, w, rng.Uint64(), rng.Float64())
				case step == 2 && volume:
					i := rng.Int64N(4096)
					w.write(m.ref, "text", i)
					m.blocks = with(m.blocks, i, []byte("text"))
				case step == 3 && volume:
					all = append(all, &model{w.snapshot(m.ref), m.blocks})
				case step == 4 && !volume && len(m.blocks) > 0:
					for i, data := range m.blocks {
						require.NoError(t, w.EC2().FlipBlock(m.ref, i))
						flipped := bytes.Clone(data)
						flipped[0] ^= 1
						m.blocks = with(m.blocks, i, flipped)
						break
					}
				case step == 5 && !volume:
					out, err := w.admin(m.ref.Site).CreateVolume(t.Context(), &ec2.CreateVolumeInput{
						AvailabilityZone: aws.String(m.ref.Region + "a"), SnapshotId: &m.ref.ID,
					})
					require.NoError(t, err)
					all = append(all, &model{ec2sim.Ref{Site: m.ref.Site, ID: *out.VolumeId}, m.blocks})
				}
			}
			for _, m := range all {
				m.check(t, w, all[rng.IntN(len(all))])
			}
		})
	})
}

func with(blocks map[int64][]byte, i int64, data []byte) map[int64][]byte {
	out := map[int64][]byte{i: data}
	for k, v := range blocks {
		if k != i {
			out[k] = v
		}
	}
	return out
}

func (m *model) churn(t *testing.T, w *world, seed uint64, share float64) {
	n, err := w.EC2().Churn(m.ref, seed, share)
	require.NoError(t, err)
	now := w.read(m.ref)
	require.Len(t, now, len(m.blocks), "what was not written stays so")
	for i, data := range now {
		if !bytes.Equal(data, m.blocks[i]) {
			n--
		}
	}
	require.Zero(t, n)
	m.blocks = now
}

func (m *model) check(t *testing.T, w *world, other *model) {
	require.Equal(t, m.blocks, w.read(m.ref), "%s", m.ref)
	n, err := w.EC2().CountBlocks(m.ref)
	require.NoError(t, err)
	require.EqualValues(t, len(m.blocks), n)
	got, err := w.EC2().FirstDifference(m.ref, other.ref)
	require.NoError(t, err)
	want := int64(-1)
	for i := int64(0); i < 4096 && want < 0; i++ {
		if !bytes.Equal(m.blocks[i], other.blocks[i]) {
			want = i
		}
	}
	require.Equal(t, want, got)
	x, err := w.EC2().Digest(m.ref)
	require.NoError(t, err)
	y, err := w.EC2().Digest(other.ref)
	require.NoError(t, err)
	require.Equal(t, want < 0, x == y)
}

func TestFullVolumesOf16TiB(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		vol := w.large(at, 16_384)
		w.EC2().SetLimits(ec2sim.Limits{Spacing: -1})
		w.EC2().SetDurations(ec2sim.Durations{Snapshot: -1, SnapshotBlock: -1, Copy: -1, CopyBlock: -1})
		require.NoError(t, w.EC2().FillVolume(vol, ec2sim.Fill{Seed: 1}))
		n, err := w.EC2().CountBlocks(vol)
		require.NoError(t, err)
		require.EqualValues(t, 33_554_432, n)
		_, err = w.EC2().ReadVolume(vol)
		require.ErrorIs(t, err, ec2sim.ErrTooLarge)

		full := w.snapshot(vol)
		churned, err := w.EC2().Churn(vol, 2, 0.01)
		require.NoError(t, err)
		require.InDelta(t, 335_544, churned, 1)
		next := w.snapshot(vol)
		copied := w.copy(next, site(target, oregon), "")
		w.settled(copied)
		first, err := w.EC2().FirstDifference(next, copied)
		require.NoError(t, err)
		require.EqualValues(t, -1, first)
		first, err = w.EC2().FirstDifference(full, next)
		require.NoError(t, err)
		require.Positive(t, first)
		require.NoError(t, w.EC2().FlipBlock(copied, 33_554_431))
		first, err = w.EC2().FirstDifference(next, copied)
		require.NoError(t, err)
		require.EqualValues(t, 33_554_431, first)
		_, err = w.EC2().ReadSnapshot(copied)
		require.ErrorIs(t, err, ec2sim.ErrTooLarge)
	})
}

// A year of daily snapshots of a full volume of 16 TiB.
func BenchmarkSnapshotsOf16TiB(b *testing.B) {
	w := newWorld(b)
	w.EC2().SetLimits(ec2sim.Limits{Spacing: -1, PendingPerVolume: -1, PendingPerSite: -1, SnapshotsPerSite: -1})
	vol := w.large(site(target, ireland), 16_384)
	require.NoError(b, w.EC2().FillVolume(vol, ec2sim.Fill{Seed: 1}))
	ec := w.admin(vol.Site)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	days := uint64(0)
	var ids []string
	for b.Loop() {
		days++
		_, err := w.EC2().Churn(vol, days, 0.02)
		require.NoError(b, err)
		out, err := ec.CreateSnapshot(b.Context(), &ec2.CreateSnapshotInput{VolumeId: &vol.ID})
		require.NoError(b, err)
		ids = append(ids, *out.SnapshotId)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(days), "B/snapshot")
	require.Len(b, slices.Compact(ids), int(days))
}
