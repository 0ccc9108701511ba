package ebssim

import (
	"crypto/sha256"
	"encoding/base64"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

const sha = types.ChecksumAlgorithmChecksumAlgorithmSha256

// PutSnapshotBlock writes a block of a snapshot that StartSnapshot has made. A
// block may be written again until the snapshot is completed.
func (s *Service) PutSnapshotBlock(c *core.Call, in *ebs.PutSnapshotBlockInput) (*ebs.PutSnapshotBlockOutput, error) {
	if err := checkPut(in); err != nil {
		return nil, err
	}
	sn, err := s.writable(c, in.SnapshotId)
	if err != nil {
		return nil, err
	}
	i, err := blockOf(sn, in.BlockIndex)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(in.BlockData)
	if err != nil || len(data) != ec2sim.BlockSize {
		// Source of the text, and that a client tries it again: Amazon EBS User
		// Guide, "Error retries" of the EBS direct APIs.
		return nil, invalidValue("Failed to read block data")
	}
	sum := sha256.Sum256(data)
	text := base64.StdEncoding.EncodeToString(sum[:])
	if text != *in.Checksum {
		return nil, invalid(types.ValidationExceptionReasonInvalidBlock, "The checksum of the block is %s, not %s.", text, *in.Checksum)
	}
	sn.Put(c.Now, i, data, sum, in.Progress)
	return &ebs.PutSnapshotBlockOutput{Checksum: &text, ChecksumAlgorithm: sha}, nil
}

// checkPut checks what can be said of a request by itself.
// Source: EBS direct APIs Reference, PutSnapshotBlock.
func checkPut(in *ebs.PutSnapshotBlockInput) error {
	switch {
	case in.BlockData == nil:
		return missing("BlockData")
	case in.DataLength == nil:
		return missing("DataLength")
	case *in.DataLength != ec2sim.BlockSize:
		return invalidValue("DataLength must be %d, not %d.", ec2sim.BlockSize, *in.DataLength)
	case in.Checksum == nil:
		return missing("Checksum")
	case in.ChecksumAlgorithm != sha:
		return invalidValue("ChecksumAlgorithm must be %s, not '%s'.", sha, in.ChecksumAlgorithm)
	case in.Progress != nil && (*in.Progress < 0 || *in.Progress > 100):
		return invalidValue("Progress must be from 0 to 100, not %d.", *in.Progress)
	}
	return nil
}

// CompleteSnapshot seals a snapshot. It may take a while until the snapshot is
// completed in EC2. What a second call is answered is not documented; it is
// refused here, so that a client that has lost the answer looks at the state.
func (s *Service) CompleteSnapshot(c *core.Call, in *ebs.CompleteSnapshotInput) (*ebs.CompleteSnapshotOutput, error) {
	if err := checkComplete(in); err != nil {
		return nil, err
	}
	sn, err := s.writable(c, in.SnapshotId)
	if err != nil {
		return nil, err
	}
	if n := int(*in.ChangedBlocksCount); n != sn.PutCount() {
		return nil, invalidValue("ChangedBlocksCount is %d, but %d blocks were written.", n, sn.PutCount())
	}
	if in.Checksum != nil {
		sum := sn.LinearSum()
		if text := base64.StdEncoding.EncodeToString(sum[:]); text != *in.Checksum {
			return nil, invalidValue("The aggregated checksum is %s, not %s.", text, *in.Checksum)
		}
	}
	sn.Complete(c.Now)
	return &ebs.CompleteSnapshotOutput{Status: types.Status(sn.State(c.Now))}, nil
}

// checkComplete checks what can be said of a request by itself. A checksum
// comes with its algorithm and method: which of them may be left out is not
// documented.
// Source: EBS direct APIs Reference, CompleteSnapshot.
func checkComplete(in *ebs.CompleteSnapshotInput) error {
	const linear = types.ChecksumAggregationMethodChecksumAggregationLinear
	aggregated := in.Checksum != nil
	switch {
	case in.ChangedBlocksCount == nil:
		return missing("ChangedBlocksCount")
	case aws.ToInt32(in.ChangedBlocksCount) < 0:
		return invalidValue("ChangedBlocksCount must not be negative.")
	case aggregated != (in.ChecksumAlgorithm != ""), aggregated != (in.ChecksumAggregationMethod != ""):
		return invalidValue("Checksum, ChecksumAlgorithm and ChecksumAggregationMethod must be given together.")
	case aggregated && in.ChecksumAlgorithm != sha:
		return invalidValue("ChecksumAlgorithm must be %s, not '%s'.", sha, in.ChecksumAlgorithm)
	case aggregated && in.ChecksumAggregationMethod != linear:
		return invalidValue("ChecksumAggregationMethod must be %s, not '%s'.", linear, in.ChecksumAggregationMethod)
	}
	return nil
}
