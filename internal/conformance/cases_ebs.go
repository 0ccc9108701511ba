package conformance

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"
)

const (
	direct     = "EBS User Guide, Use EBS direct APIs to access the contents of an EBS snapshot"
	checksums  = "EBS User Guide, Use checksums with the EBS direct APIs to validate snapshot data"
	writing    = "EBS direct APIs Reference, PutSnapshotBlock"
	changes    = "EBS direct APIs Reference, ListChangedBlocks"
	blockBytes = 512 << 10
)

// block is one full block of a pattern that is no text.
func block(b byte) []byte { return bytes.Repeat([]byte{0, 0xff, 0x80, b}, blockBytes/4) }

func checksum(data []byte) string {
	sum := sha256.Sum256(data)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// begin starts a snapshot of 1 GiB, upon a parent or none.
func (s *scene) begin(parent string) (id string) {
	in := &ebs.StartSnapshotInput{VolumeSize: aws.Int64(1)}
	if parent != "" {
		in.ParentSnapshotId = &parent
	}
	return *must(s.owner().ebs().StartSnapshot(s.ctx, in))(s).SnapshotId
}

// put writes data as a block under a checksum.
func (s *scene) put(id string, index int32, data []byte, sum string) error {
	_, err := s.owner().ebs().PutSnapshotBlock(s.ctx, &ebs.PutSnapshotBlockInput{
		SnapshotId: &id, BlockIndex: &index, BlockData: bytes.NewReader(data), DataLength: aws.Int32(int32(len(data))),
		Checksum: &sum, ChecksumAlgorithm: types.ChecksumAlgorithmChecksumAlgorithmSha256,
	})
	return err
}

// written makes a completed snapshot with blocks of their index's pattern.
func (s *scene) written(parent string, indexes ...int32) (id string) {
	id = s.begin(parent)
	for _, i := range indexes {
		data := block(byte(i) + byte(len(parent))) // a child's blocks differ from its parent's
		s.works(s.put(id, i, data, checksum(data)))
	}
	must(s.owner().ebs().CompleteSnapshot(s.ctx, &ebs.CompleteSnapshotInput{SnapshotId: &id, ChangedBlocksCount: aws.Int32(int32(len(indexes)))}))(s)
	s.completed(s.owner(), id)
	return id
}

func (s *scene) blocks(id string, from *int32) *ebs.ListSnapshotBlocksOutput {
	return must(s.owner().ebs().ListSnapshotBlocks(s.ctx, &ebs.ListSnapshotBlocksInput{SnapshotId: &id, StartingBlockIndex: from}))(s)
}

var ebsWriteCases = []Case{
	{"ebs", "start a snapshot", "pending, of the account, with blocks of 512 KiB", "EBS direct APIs Reference, StartSnapshot", func(s *scene) {
		out := must(s.owner().ebs().StartSnapshot(s.ctx, &ebs.StartSnapshotInput{
			VolumeSize: aws.Int64(1), Description: aws.String("direct"), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
		}))(s)
		s.check(out.Status == types.StatusPending && aws.ToString(out.OwnerId) == Owner, "it is %s", out.Status)
		s.check(aws.ToInt32(out.BlockSize) == blockBytes, "blocks of %d bytes", aws.ToInt32(out.BlockSize))
	}},
	{"ebs", "start a snapshot twice with one client token", "the same snapshot", "EBS User Guide, Idempotency for StartSnapshot API", func(s *scene) {
		in := &ebs.StartSnapshotInput{VolumeSize: aws.Int64(1), ClientToken: aws.String("token-1")}
		first := must(s.owner().ebs().StartSnapshot(s.ctx, in))(s)
		second := must(s.owner().ebs().StartSnapshot(s.ctx, in))(s)
		s.check(*first.SnapshotId == *second.SnapshotId, "another snapshot")
	}},
	{"ebs", "write a block", "its checksum is confirmed", writing, func(s *scene) {
		data := block('a')
		s.works(s.put(s.begin(""), 0, data, checksum(data)))
	}},
	{"ebs", "write a block under a wrong checksum", "ValidationException", checksums, func(s *scene) {
		s.refused(s.put(s.begin(""), 0, block('a'), checksum([]byte("other"))), "ValidationException")
	}},
	{"ebs", "write a block that is too short", "ValidationException", writing, func(s *scene) {
		data := block('a')[:100]
		s.refused(s.put(s.begin(""), 0, data, checksum(data)), "ValidationException")
	}},
	{"ebs", "write a block beyond the end", "ValidationException", writing, func(s *scene) {
		data := block('a')
		s.refused(s.put(s.begin(""), 2048, data, checksum(data)), "ValidationException")
	}},
	{"ebs", "complete a snapshot", "pending, then completed", "EBS direct APIs Reference, CompleteSnapshot", func(s *scene) {
		id, data := s.begin(""), block('a')
		s.works(s.put(id, 0, data, checksum(data)))
		out := must(s.owner().ebs().CompleteSnapshot(s.ctx, &ebs.CompleteSnapshotInput{SnapshotId: &id, ChangedBlocksCount: aws.Int32(1)}))(s)
		s.check(out.Status == types.StatusPending, "it is %s at once", out.Status)
		s.completed(s.owner(), id)
	}},
	{"ebs", "complete a snapshot with a wrong number of blocks", "refused, or the snapshot fails", "EBS direct APIs Reference, CompleteSnapshot", func(s *scene) {
		id, data := s.begin(""), block('a')
		s.works(s.put(id, 0, data, checksum(data)))
		_, err := s.owner().ebs().CompleteSnapshot(s.ctx, &ebs.CompleteSnapshotInput{SnapshotId: &id, ChangedBlocksCount: aws.Int32(9)})
		if err != nil {
			s.refused(err, "ValidationException")
			return
		}
		s.until("a snapshot that is not pending", func() bool { return s.look(s.owner(), id).State != "pending" })
		s.check(s.look(s.owner(), id).State == "error", "it is completed")
	}},
	{"ebs", "write a block of a completed snapshot", "refused", writing, func(s *scene) {
		data := block('a')
		s.refused(s.put(s.written("", 0), 4, data, checksum(data)), "ValidationException", "ConflictException")
	}},
}

var ebsReadCases = []Case{
	{"ebs", "which blocks were written", "those, ascending, with size and expiry", direct, func(s *scene) {
		out := s.blocks(s.written("", 3, 0), nil)
		s.check(len(out.Blocks) == 2 && *out.Blocks[0].BlockIndex == 0 && *out.Blocks[1].BlockIndex == 3, "%d blocks", len(out.Blocks))
		s.check(aws.ToInt32(out.BlockSize) == blockBytes && aws.ToInt64(out.VolumeSize) == 1 && out.ExpiryTime != nil, "blocks of %d bytes, %d GiB", aws.ToInt32(out.BlockSize), aws.ToInt64(out.VolumeSize))
	}},
	{"ebs", "which blocks were written, from an index on", "those", direct, func(s *scene) {
		out := s.blocks(s.written("", 0, 3), aws.Int32(3))
		s.check(len(out.Blocks) == 1 && *out.Blocks[0].BlockIndex == 3, "%d blocks", len(out.Blocks))
	}},
	{"ebs", "read a block", "what was written, under its checksum", direct, func(s *scene) {
		id := s.written("", 0)
		out := must(s.owner().ebs().GetSnapshotBlock(s.ctx, &ebs.GetSnapshotBlockInput{
			SnapshotId: &id, BlockIndex: aws.Int32(0), BlockToken: s.blocks(id, nil).Blocks[0].BlockToken,
		}))(s)
		data, err := io.ReadAll(out.BlockData)
		s.works(err)
		s.check(bytes.Equal(data, block(0)), "other data")
		s.check(aws.ToString(out.Checksum) == checksum(data), "another checksum")
	}},
	{"ebs", "read a block with a token that is none", "ValidationException", direct, func(s *scene) {
		id := s.written("", 0)
		_, err := s.owner().ebs().GetSnapshotBlock(s.ctx, &ebs.GetSnapshotBlockInput{SnapshotId: &id, BlockIndex: aws.Int32(0), BlockToken: aws.String("garbage")})
		s.refused(err, "ValidationException")
	}},
	{"ebs", "read a snapshot that is pending", "refused", direct, func(s *scene) {
		id := s.begin("")
		_, err := s.owner().ebs().ListSnapshotBlocks(s.ctx, &ebs.ListSnapshotBlocksInput{SnapshotId: &id})
		s.refused(err, "ValidationException", "ConflictException", "ResourceNotFoundException")
	}},
	{"ebs", "a snapshot that EC2 made", "its blocks are listed", direct, func(s *scene) {
		s.blocks(s.snapshot(s.owner(), ""), nil)
	}},
	{"ebs", "a snapshot made directly, in EC2", "it is there", direct, func(s *scene) {
		sn := s.look(s.owner(), s.written("", 0))
		s.check(aws.ToInt32(sn.VolumeSize) == 1, "%d GiB", aws.ToInt32(sn.VolumeSize))
	}},
	{"ebs", "a snapshot of another account", "refused", "EBS direct APIs Reference, ListSnapshotBlocks", func(s *scene) {
		id := s.written("", 0)
		_, err := s.vault().ebs().ListSnapshotBlocks(s.ctx, &ebs.ListSnapshotBlocksInput{SnapshotId: &id})
		s.refused(err, "AccessDeniedException", "ResourceNotFoundException")
	}},
	{"ebs", "a snapshot that does not exist", "ResourceNotFoundException", "EBS direct APIs Reference, ListSnapshotBlocks", func(s *scene) {
		_, err := s.owner().ebs().ListSnapshotBlocks(s.ctx, &ebs.ListSnapshotBlocksInput{SnapshotId: aws.String(noSnapshot)})
		s.refused(err, "ResourceNotFoundException")
	}},
	{"ebs", "what changed since the parent", "blocks that were written since, with both tokens where both have one", changes, func(s *scene) {
		first := s.written("", 0, 3)
		second := s.written(first, 0, 7)
		out := must(s.owner().ebs().ListChangedBlocks(s.ctx, &ebs.ListChangedBlocksInput{FirstSnapshotId: &first, SecondSnapshotId: &second}))(s)
		s.check(len(out.ChangedBlocks) == 2 && *out.ChangedBlocks[0].BlockIndex == 0 && *out.ChangedBlocks[1].BlockIndex == 7, "%d blocks", len(out.ChangedBlocks))
		s.check(out.ChangedBlocks[0].FirstBlockToken != nil && out.ChangedBlocks[1].FirstBlockToken == nil, "other tokens")
	}},
	{"ebs", "what changed between strangers", "ValidationException: not related", changes, func(s *scene) {
		first, second := s.written("", 0), s.written("", 1)
		_, err := s.owner().ebs().ListChangedBlocks(s.ctx, &ebs.ListChangedBlocksInput{FirstSnapshotId: &first, SecondSnapshotId: &second})
		s.refused(err, "ValidationException")
	}},
	{"ebs", "the blocks of a child", "the parent's, too", "EBS direct APIs Reference, StartSnapshot", func(s *scene) {
		out := s.blocks(s.written(s.written("", 0, 3), 0, 7), nil)
		s.check(len(out.Blocks) == 3, "%d blocks", len(out.Blocks))
	}},
}
