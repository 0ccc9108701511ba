package ebssim

import (
	"crypto/sha256"
	"encoding/base64"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

// GetSnapshotBlock gives the data of a block, to whoever has a token of a
// listing.
func (s *Service) GetSnapshotBlock(c *core.Call, in *ebs.GetSnapshotBlockInput) (*ebs.GetSnapshotBlockOutput, error) {
	sn, err := s.readable(c, "SnapshotId", in.SnapshotId)
	if err != nil {
		return nil, err
	}
	i, err := blockOf(sn, in.BlockIndex)
	if err != nil {
		return nil, err
	}
	if err := s.checkBlockToken(c, sn, i, in.BlockToken); err != nil {
		return nil, err
	}
	if err := keyError(sn.MayRead(c)); err != nil {
		return nil, err
	}
	data := sn.Read(i)
	sum := sha256.Sum256(data)
	if s.onRead != nil {
		s.onRead(Read{Snapshot: sn.Ref(), Block: i, Caller: c.Caller.ARN, Data: data})
	}
	return &ebs.GetSnapshotBlockOutput{
		BlockData: wire.Blob(data), DataLength: aws.Int32(ec2sim.BlockSize),
		Checksum: aws.String(base64.StdEncoding.EncodeToString(sum[:])), ChecksumAlgorithm: sha,
	}, nil
}
