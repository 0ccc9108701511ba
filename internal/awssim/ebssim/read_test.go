package ebssim_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ebssim"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

func TestASnapshotIsReadAsItWasWritten(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		vol := w.volume(4, "")
		require.NoError(t, w.EC2().FillVolume(vol, ec2sim.Fill{Seed: 3, Share: 0.1}))
		w.write(vol, "text", 0, 5000, 8191)
		id := w.snapshot(vol)
		w.write(vol, "later", 1)
		want, err := w.EC2().ReadSnapshot(w.ref(id))
		require.NoError(t, err)
		c := w.ebs(home)
		last, n := int32(-1), 0
		for b := range w.list(c, id, 100) {
			require.Greater(t, *b.BlockIndex, last, "ascending and unique")
			last = *b.BlockIndex
			n++
			if n%40 == 0 || *b.BlockIndex == 5000 {
				data := get(t, c, id, *b.BlockIndex, b.BlockToken)
				require.Equal(t, want.Blocks[int64(last)], bytes.TrimRight(data, "\x00"))
			}
		}
		require.Len(t, want.Blocks, n)
	})
}

func TestPagesMayBeShortOrEmpty(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		vol := w.volume(2, "")
		require.NoError(t, w.EC2().FillVolume(vol, ec2sim.Fill{Seed: 3}))
		id := w.snapshot(vol)
		short, empty, lastEmpty := 0, 0, 0
		for range 60 {
			in := &ebs.ListSnapshotBlocksInput{SnapshotId: &id, MaxResults: aws.Int32(100)}
			total := 0
			for more := true; more; {
				out, err := w.ebs(home).ListSnapshotBlocks(t.Context(), in)
				require.NoError(t, err)
				total += len(out.Blocks)
				in.NextToken = out.NextToken
				more = out.NextToken != nil
				switch {
				case more && len(out.Blocks) == 0:
					empty++
				case more && len(out.Blocks) < 100:
					short++
				case len(out.Blocks) == 0:
					lastEmpty++
				}
			}
			require.Equal(t, 4096, total)
		}
		require.Positive(t, short)
		require.Positive(t, empty)
		require.Positive(t, lastEmpty)
	})
}

func TestWhatAListingSays(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.EBS().SetRules(plain())
		vol := w.volume(4, "")
		require.NoError(t, w.EC2().FillVolume(vol, ec2sim.Fill{Seed: 3, Spans: []ec2sim.Span{{First: 100, Count: 500}}}))
		id := w.snapshot(vol)
		c := w.ebs(home)
		first, err := c.ListSnapshotBlocks(t.Context(), &ebs.ListSnapshotBlocksInput{SnapshotId: &id, MaxResults: aws.Int32(200), StartingBlockIndex: aws.Int32(150)})
		require.NoError(t, err)
		require.Len(t, first.Blocks, 200)
		require.EqualValues(t, 150, *first.Blocks[0].BlockIndex)
		require.EqualValues(t, 4, *first.VolumeSize)
		require.EqualValues(t, 524_288, *first.BlockSize)
		require.WithinDuration(t, time.Now().Add(7*24*time.Hour), *first.ExpiryTime, time.Second)

		second, err := c.ListSnapshotBlocks(t.Context(), &ebs.ListSnapshotBlocksInput{
			SnapshotId: &id, NextToken: first.NextToken, StartingBlockIndex: aws.Int32(0),
		})
		require.NoError(t, err)
		require.EqualValues(t, 350, *second.Blocks[0].BlockIndex, "the token wins over the starting index")
		require.Len(t, second.Blocks, 250)
		require.Nil(t, second.NextToken)

		again, err := c.ListSnapshotBlocks(t.Context(), &ebs.ListSnapshotBlocksInput{SnapshotId: &id, StartingBlockIndex: aws.Int32(150)})
		require.NoError(t, err)
		require.NotEqual(t, *first.Blocks[0].BlockToken, *again.Blocks[0].BlockToken, "each listing has its own tokens")
		require.Regexp(t, `^[A-Za-z0-9+/=]{1,256}$`, *again.Blocks[0].BlockToken)
		require.Regexp(t, `^[A-Za-z0-9+/=]{1,256}$`, *first.NextToken)
		for _, token := range []*string{first.Blocks[0].BlockToken, again.Blocks[0].BlockToken} {
			get(t, c, id, 150, token)
		}
		beyond, err := c.ListSnapshotBlocks(t.Context(), &ebs.ListSnapshotBlocksInput{SnapshotId: &id, StartingBlockIndex: aws.Int32(600)})
		require.NoError(t, err)
		require.Empty(t, beyond.Blocks)
		require.Nil(t, beyond.NextToken)
	})
}

func TestTokensExpire(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.EBS().SetRules(plain())
		vol := w.volume(1, "")
		require.NoError(t, w.EC2().FillVolume(vol, ec2sim.Fill{Seed: 3}))
		id := w.snapshot(vol)
		c := w.ebs(home)
		in := &ebs.ListSnapshotBlocksInput{SnapshotId: &id, MaxResults: aws.Int32(100)}
		out, err := c.ListSnapshotBlocks(t.Context(), in)
		require.NoError(t, err)
		in.NextToken = out.NextToken
		wait(time.Hour - time.Second)
		_, err = c.ListSnapshotBlocks(t.Context(), in)
		require.NoError(t, err)
		wait(time.Second)
		_, err = c.ListSnapshotBlocks(t.Context(), in)
		invalid(t, err, types.ValidationExceptionReasonInvalidPageToken)

		token := out.Blocks[0].BlockToken
		wait(time.Until(*out.ExpiryTime) - time.Second)
		get(t, c, id, 0, token)
		wait(time.Second)
		_, err = c.GetSnapshotBlock(t.Context(), &ebs.GetSnapshotBlockInput{SnapshotId: &id, BlockIndex: aws.Int32(0), BlockToken: token})
		invalid(t, err, types.ValidationExceptionReasonInvalidBlockToken)
	})
}

func TestTokensAreForOneThing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.EBS().SetRules(plain())
		vol := w.volume(1, "")
		require.NoError(t, w.EC2().FillVolume(vol, ec2sim.Fill{Seed: 3}))
		a, b := w.snapshot(vol), w.snapshot(vol)
		c := w.ebs(home)
		out, err := c.ListSnapshotBlocks(t.Context(), &ebs.ListSnapshotBlocksInput{SnapshotId: &a, MaxResults: aws.Int32(100)})
		require.NoError(t, err)
		token := *out.Blocks[7].BlockToken
		for _, wrong := range []struct {
			id    string
			block int32
			token string
		}{
			{a, 8, token},
			{b, 7, token},
			{a, 7, *out.NextToken},
			{a, 7, token[:len(token)-4]},
			{a, 7, strings.ToLower(token)},
			{a, 7, token + token},
			{a, 7, "none"},
		} {
			_, err := c.GetSnapshotBlock(t.Context(), &ebs.GetSnapshotBlockInput{SnapshotId: &wrong.id, BlockIndex: &wrong.block, BlockToken: &wrong.token})
			invalid(t, err, types.ValidationExceptionReasonInvalidBlockToken)
		}
		_, err = c.ListSnapshotBlocks(t.Context(), &ebs.ListSnapshotBlocksInput{SnapshotId: &b, NextToken: out.NextToken})
		invalid(t, err, types.ValidationExceptionReasonInvalidPageToken)
		_, err = c.ListSnapshotBlocks(t.Context(), &ebs.ListSnapshotBlocksInput{SnapshotId: &a, NextToken: &token})
		invalid(t, err, types.ValidationExceptionReasonInvalidPageToken)
		_, err = c.ListChangedBlocks(t.Context(), &ebs.ListChangedBlocksInput{FirstSnapshotId: &a, SecondSnapshotId: &b, NextToken: out.NextToken})
		invalid(t, err, types.ValidationExceptionReasonInvalidPageToken)
	})
}

func TestReadsOutOfBounds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		vol := w.volume(1, "")
		w.write(vol, "text", 0)
		id := w.snapshot(vol)
		c := w.ebs(home)
		for _, n := range []int32{99, 10_001, -1, 0} {
			_, err := c.ListSnapshotBlocks(t.Context(), &ebs.ListSnapshotBlocksInput{SnapshotId: &id, MaxResults: &n})
			invalid(t, err, types.ValidationExceptionReasonInvalidParameterValue)
		}
		_, err := c.ListSnapshotBlocks(t.Context(), &ebs.ListSnapshotBlocksInput{SnapshotId: &id, StartingBlockIndex: aws.Int32(-1)})
		invalid(t, err, types.ValidationExceptionReasonInvalidParameterValue)
		for _, block := range []int32{-1, 2048} {
			_, err := c.GetSnapshotBlock(t.Context(), &ebs.GetSnapshotBlockInput{SnapshotId: &id, BlockIndex: &block, BlockToken: w.token(id, 0)})
			invalid(t, err, types.ValidationExceptionReasonInvalidBlock)
		}
		for _, bad := range []string{"snap-xyz", "vol-00000000000000001", "snap-" + strings.Repeat("0", 60)} {
			_, err := c.ListSnapshotBlocks(t.Context(), &ebs.ListSnapshotBlocksInput{SnapshotId: &bad})
			invalid(t, err, types.ValidationExceptionReasonInvalidSnapshotId)
		}
		_, err = c.ListSnapshotBlocks(t.Context(), &ebs.ListSnapshotBlocksInput{SnapshotId: aws.String("snap-00000000000000001")})
		refused(t, err, "ResourceNotFoundException", "SNAPSHOT_NOT_FOUND", 404)
		_, err = w.ebs(ec2sim.Site{Account: owner, Region: oregon}).ListSnapshotBlocks(t.Context(), &ebs.ListSnapshotBlocksInput{SnapshotId: &id})
		refused(t, err, "ResourceNotFoundException", "SNAPSHOT_NOT_FOUND", 404)
	})
}

func TestACorruptBlockDoesNotFitItsChecksum(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		vol := w.volume(1, "")
		w.write(vol, "text", 0)
		id := w.snapshot(vol)
		token := w.token(id, 0)
		var seen []ebssim.Read
		w.EBS().OnRead(func(r ebssim.Read) {
			r.Data[3] ^= 1
			r.Data = nil
			seen = append(seen, r)
		})
		c := w.ebs(home)
		out, err := c.GetSnapshotBlock(t.Context(), &ebs.GetSnapshotBlockInput{SnapshotId: &id, BlockIndex: aws.Int32(0), BlockToken: token})
		require.NoError(t, err)
		data := new(bytes.Buffer)
		_, err = data.ReadFrom(out.BlockData)
		require.NoError(t, err)
		require.NotEqual(t, *out.Checksum, sum(data.Bytes()))
		require.Equal(t, []ebssim.Read{{Snapshot: w.ref(id), Block: 0, Caller: "arn:aws:iam::" + owner + ":user/admin"}}, seen)
		w.EBS().OnRead(nil)
		require.Equal(t, "text", string(bytes.TrimRight(get(t, c, id, 0, token), "\x00")), "the block itself is whole")
	})
}
