package ec2sim_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

func TestWritesHaveBounds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		vol := w.volume(site(target, ireland), "") // 4 GiB: blocks 0 to 8191
		ec := w.EC2()
		require.NoError(t, ec.WriteVolume(vol, 8191, make([]byte, ec2sim.BlockSize)))
		require.Error(t, ec.WriteVolume(vol, 8192, []byte("x")))
		require.Error(t, ec.WriteVolume(vol, -1, []byte("x")))
		require.Error(t, ec.WriteVolume(vol, 0, make([]byte, ec2sim.BlockSize+1)))
		nowhere := ec2sim.Ref{Site: site(second, ireland), ID: vol.ID}
		require.ErrorIs(t, ec.WriteVolume(nowhere, 0, []byte("x")), ec2sim.ErrNotFound)
		_, err := ec.ReadVolume(nowhere)
		require.ErrorIs(t, err, ec2sim.ErrNotFound)
		_, err = ec.ReadSnapshot(vol)
		require.ErrorIs(t, err, ec2sim.ErrNotFound)
		require.ErrorIs(t, ec.SetSnapshotError(vol, "x"), ec2sim.ErrNotFound)
	})
}

func TestContentsAreCopiesOfBytes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		vol := w.volume(site(target, ireland), "")
		data := bytes.Repeat([]byte{0, 0xff, 'a', 0}, ec2sim.BlockSize/4)
		require.NoError(t, w.EC2().WriteVolume(vol, 5, data))
		data[1] = 'x'
		got, err := w.EC2().ReadVolume(vol)
		require.NoError(t, err)
		require.Equal(t, byte(0xff), got.Blocks[5][1], "what is written is a copy")
		got.Blocks[5][1] = 'y'
		again, err := w.EC2().ReadVolume(vol)
		require.NoError(t, err)
		require.Equal(t, byte(0xff), again.Blocks[5][1], "and what is read")
	})
}

func TestEqualContents(t *testing.T) {
	c := func(blocks map[int64][]byte) ec2sim.Contents { return ec2sim.Contents{GiB: 1, Blocks: blocks} }
	for _, tt := range []struct {
		name string
		a, b map[int64][]byte
		want bool
	}{
		{"both empty", nil, nil, true},
		{"same", map[int64][]byte{1: {1}}, map[int64][]byte{1: {1}}, true},
		{"padded", map[int64][]byte{1: {1}}, map[int64][]byte{1: {1, 0, 0}}, true},
		{"zeros and absent", map[int64][]byte{1: {0, 0}}, nil, true},
		{"other byte", map[int64][]byte{1: {1}}, map[int64][]byte{1: {2}}, false},
		{"other place", map[int64][]byte{1: {1}}, map[int64][]byte{2: {1}}, false},
		{"missing", map[int64][]byte{1: {1}}, nil, false},
	} {
		require.Equal(t, tt.want, c(tt.a).Equal(c(tt.b)), tt.name)
		require.Equal(t, tt.want, c(tt.b).Equal(c(tt.a)), tt.name)
	}
}

func TestFlippedBlockHurtsOneSnapshotOnly(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		vol := w.volume(at, "")
		w.write(vol, "good", 7)
		sn := w.snapshot(vol)
		copied := w.copy(sn, site(target, oregon), "")
		w.settled(copied)
		want, err := w.EC2().ReadSnapshot(sn)
		require.NoError(t, err)
		require.NoError(t, w.EC2().FlipBlock(copied, 7))
		got, err := w.EC2().ReadSnapshot(copied)
		require.NoError(t, err)
		require.False(t, got.Equal(want))
		original, err := w.EC2().ReadSnapshot(sn)
		require.NoError(t, err)
		require.True(t, original.Equal(want))
		onVolume, err := w.EC2().ReadVolume(vol)
		require.NoError(t, err)
		require.True(t, onVolume.Equal(want))
		require.ErrorIs(t, w.EC2().FlipBlock(copied, 8), ec2sim.ErrNotFound)
	})
}

// Whatever is written, snapshotted, copied and restored in whatever order:
// every snapshot keeps what was on the volume when it was taken.
func TestContentsSurviveEverything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(0, 9), 1, 25).Draw(rt, "steps")
		seed := rapid.Uint64().Draw(rt, "seed")
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.EC2().SetLimits(ec2sim.Limits{Spacing: -1, PendingPerVolume: -1, CopiesPerRegion: -1})
			rng := rand.New(rand.NewPCG(seed, 1))
			here, there := site(target, ireland), site(target, oregon)
			volumes := []ec2sim.Ref{w.volume(here, "")}
			model := map[ec2sim.Ref]map[int64]string{volumes[0]: {}}
			var snaps []ec2sim.Ref
			clone := func(from, to ec2sim.Ref) {
				model[to] = map[int64]string{}
				for k, v := range model[from] {
					model[to][k] = v
				}
			}
			for i, step := range steps {
				vol := volumes[rng.IntN(len(volumes))]
				switch {
				case step < 5 || len(snaps) == 0 && step != 5:
					b, text := int64(rng.IntN(6)), fmt.Sprint("step ", i)
					w.write(vol, text, b)
					model[vol][b] = text
				case step == 5, step == 6:
					sn := w.snapshot(vol)
					clone(vol, sn)
					snaps = append(snaps, sn)
				case step == 7:
					sn := snaps[rng.IntN(len(snaps))]
					to := []ec2sim.Site{here, there}[rng.IntN(2)]
					copied := w.copy(sn, to, "")
					w.settled(copied)
					clone(sn, copied)
					snaps = append(snaps, copied)
				default:
					sn := snaps[rng.IntN(len(snaps))]
					out, err := w.admin(sn.Site).CreateVolume(t.Context(), &ec2.CreateVolumeInput{
						AvailabilityZone: aws.String(sn.Region + "a"), SnapshotId: &sn.ID,
					})
					require.NoError(t, err)
					time.Sleep(time.Minute)
					restored := ec2sim.Ref{Site: sn.Site, ID: *out.VolumeId}
					clone(sn, restored)
					volumes = append(volumes, restored)
				}
			}
			for ref, blocks := range model {
				read := w.EC2().ReadSnapshot
				if ref.ID[:4] == "vol-" {
					read = w.EC2().ReadVolume
				}
				got, err := read(ref)
				require.NoError(t, err)
				require.Len(t, got.Blocks, len(blocks), "%s, seed %d", ref, seed)
				for i, text := range blocks {
					require.Equal(t, text, string(got.Blocks[i]), "%s block %d, seed %d", ref, i, seed)
				}
			}
		})
	})
}

// Snapshots of a large volume cost what changed, not what there is.
func BenchmarkSnapshotOfManyBlocks(b *testing.B) {
	w := newWorld(b)
	at := site(target, ireland)
	w.EC2().SetLimits(ec2sim.Limits{Spacing: -1, PendingPerVolume: -1, PendingPerSite: -1, SnapshotsPerSite: -1})
	w.EC2().SetDurations(ec2sim.Durations{Volume: -1})
	c := w.admin(at)
	out, err := c.CreateVolume(b.Context(), &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(16384)})
	require.NoError(b, err)
	ref := ec2sim.Ref{Site: at, ID: *out.VolumeId}
	for i := range int64(10_000) {
		require.NoError(b, w.EC2().WriteVolume(ref, i*3000, []byte("data")))
	}
	for b.Loop() {
		_, err := c.CreateSnapshot(b.Context(), &ec2.CreateSnapshotInput{VolumeId: out.VolumeId})
		require.NoError(b, err)
	}
}
