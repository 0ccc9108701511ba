package ebs

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/internal/awscall"
)

var _ backup.Thawer = (*client)(nil)

// Tiers lists what is in the archive, on its way there or from there, or on
// loan from there. What is being archived can still be used, but not thawed.
func (c *client) Tiers(ctx context.Context) iter.Seq2[backup.SnapshotTier, error] {
	return func(yield func(backup.SnapshotTier, error) bool) {
		for s, err := range c.tiered(ctx) {
			if err != nil {
				yield(backup.SnapshotTier{}, awscall.Wrap("DescribeSnapshotTierStatus", err))
				return
			}
			tier := backup.SnapshotTier{
				Snapshot: aws.ToString(s.SnapshotId), Archived: s.StorageTier == types.StorageTierArchive,
				Thawing: s.LastTieringOperationStatus == types.TieringOperationStatusTemporaryRestoreInProgress, Until: aws.ToTime(s.RestoreExpiryTime),
			}
			if !yield(tier, nil) {
				return
			}
		}
	}
}

// tiered lists what inArchive says, as AWS tells it.
func (c *client) tiered(ctx context.Context) iter.Seq2[types.SnapshotTierStatus, error] {
	return func(yield func(types.SnapshotTierStatus, error) bool) {
		pages := ec2.NewDescribeSnapshotTierStatusPaginator(c.ec2, &ec2.DescribeSnapshotTierStatusInput{
			Filters:    []types.Filter{{Name: aws.String("last-tiering-operation"), Values: inArchive}},
			MaxResults: aws.Int32(1000),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(types.SnapshotTierStatus{}, err)
				return
			}
			for _, s := range page.SnapshotTierStatuses {
				if !yield(s, nil) {
					return
				}
			}
		}
	}
}
