package ebssim_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ebssim"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// changes lists what differs between two snapshots.
func (w *world) changes(first, second string) map[int32]types.ChangedBlock {
	w.t.Helper()
	all := map[int32]types.ChangedBlock{}
	in := &ebs.ListChangedBlocksInput{FirstSnapshotId: &first, SecondSnapshotId: &second, MaxResults: aws.Int32(100)}
	last := int32(-1)
	for {
		out, err := w.ebs(home).ListChangedBlocks(w.t.Context(), in)
		require.NoError(w.t, err)
		for _, b := range out.ChangedBlocks {
			require.Greater(w.t, *b.BlockIndex, last)
			last = *b.BlockIndex
			all[last] = b
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return all
		}
	}
}

func TestChangedBlocksOfAVolume(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		vol := w.volume(4, "")
		w.write(vol, "old", 1, 2, 3)
		a := w.snapshot(vol)
		w.write(vol, "new", 2, 9)
		w.write(vol, "old", 3)
		b := w.snapshot(vol)
		got := w.changes(a, b)
		require.Len(t, got, 3)
		require.NotNil(t, got[2].FirstBlockToken)
		require.NotNil(t, got[2].SecondBlockToken)
		require.NotNil(t, got[3].SecondBlockToken, "written again counts as changed, whatever it holds")
		require.Nil(t, got[9].FirstBlockToken, "added")
		require.NotNil(t, got[9].SecondBlockToken)
		c := w.ebs(home)
		require.Equal(t, "old", string(bytes.TrimRight(get(t, c, a, 2, got[2].FirstBlockToken), "\x00")))
		require.Equal(t, "new", string(bytes.TrimRight(get(t, c, b, 2, got[2].SecondBlockToken), "\x00")))

		back := w.changes(b, a)
		require.Len(t, back, 3)
		require.NotNil(t, back[9].FirstBlockToken, "removed")
		require.Nil(t, back[9].SecondBlockToken)
		require.Empty(t, w.changes(a, a))
	})
}

// What ListChangedBlocks lists is what the contents of two snapshots differ in,
// whatever layers they are made of.
func TestChangesAreTheDifferenceOfContents(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		vol := w.volume(4, "")
		var ids []string
		for day := range uint64(5) {
			switch day {
			case 0, 3:
				span := ec2sim.Span{First: int64(500 * day), Count: 3000}
				require.NoError(t, w.EC2().FillVolume(vol, ec2sim.Fill{Seed: day, Share: 0.7, Spans: []ec2sim.Span{span}}))
			default:
				_, err := w.EC2().Churn(vol, day, 0.05)
				require.NoError(t, err)
			}
			w.write(vol, "day", int64(1000+10*day), 7000)
			ids = append(ids, w.snapshot(vol))
		}
		for _, a := range ids {
			for _, b := range ids {
				got := w.changes(a, b)
				x, err := w.EC2().ReadSnapshot(w.ref(a))
				require.NoError(t, err)
				y, err := w.EC2().ReadSnapshot(w.ref(b))
				require.NoError(t, err)
				for i := range int64(4 * 2048) {
					c, listed := got[int32(i)]
					if i == 7000 { // written anew with the same bytes
						require.Equal(t, a != b, listed)
						continue
					}
					require.Equal(t, !bytes.Equal(x.Blocks[i], y.Blocks[i]), listed, "block %d", i)
					if listed {
						require.Equal(t, x.Blocks[i] != nil, c.FirstBlockToken != nil)
						require.Equal(t, y.Blocks[i] != nil, c.SecondBlockToken != nil)
					}
				}
			}
		}
	})
}

func TestOnlyALineageCanBeCompared(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		vol := w.volume(1, "")
		w.write(vol, "old", 1)
		a := w.snapshot(vol)
		other := w.snapshot(w.volume(1, ""))
		copied, err := w.ec2(home).CopySnapshot(t.Context(), &ec2.CopySnapshotInput{SourceRegion: aws.String(ireland), SourceSnapshotId: &a})
		require.NoError(t, err)
		wait(time.Minute)
		changed := func(first, second *string) error {
			_, err := w.ebs(home).ListChangedBlocks(t.Context(), &ebs.ListChangedBlocksInput{FirstSnapshotId: first, SecondSnapshotId: second})
			return err
		}
		invalid(t, changed(&other, &a), types.ValidationExceptionReasonUnrelatedSnapshots)
		require.ErrorContains(t, changed(&other, &a), other+" and "+a+" are not related")
		invalid(t, changed(&a, copied.SnapshotId), types.ValidationExceptionReasonUnrelatedSnapshots)
		w.EBS().SetRules(ebssim.Rules{CopiesRelated: true})
		require.NoError(t, changed(&a, copied.SnapshotId))
		invalid(t, changed(&other, &a), types.ValidationExceptionReasonUnrelatedSnapshots)
		invalid(t, changed(nil, &a), types.ValidationExceptionReasonInvalidParameterValue)
	})
}
