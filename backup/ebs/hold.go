package ebs

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/internal/awscall"
	"github.com/snapkeep/snapkeep/retention"
)

// archiveMinimum is what a snapshot in the archive is charged for at least; to
// delete it earlier saves nothing (EBS User Guide, "Archive Amazon EBS
// snapshots": the minimum archive period is 90 days).
const archiveMinimum = 90 * 24 * time.Hour

var (
	_ backup.Holder   = (*client)(nil)
	_ backup.Recycler = (*client)(nil)
)

// Holds lists what keeps EC2 from deleting snapshots: registered images of the
// account's own, also disabled ones, and locks; and the minimum time of the
// archive. Fast snapshot restore is no hold: EC2 deletes what it is enabled
// for (EBS User Guide, "Amazon EBS fast snapshot restore").
func (c *client) Holds(ctx context.Context) iter.Seq2[backup.SnapshotHold, error] {
	return func(yield func(backup.SnapshotHold, error) bool) {
		_ = c.images(ctx, yield) && c.locks(ctx, yield) && c.archived(ctx, yield)
	}
}

// unread tells of a kind of holds that a call could not read them. Where AWS
// does not have the call at all, in an older Region or partition, it does not
// have what it would list.
func unread(yield func(backup.SnapshotHold, error) bool, kind retention.HoldKind, call string, err error) bool {
	if err = awscall.Wrap(call, err); errors.Is(err, backup.ErrUnsupported) {
		return true
	}
	return yield(backup.SnapshotHold{Hold: retention.Hold{Kind: kind}}, err)
}

// images yields each snapshot of each image. EC2 keeps the root's; the others
// are of no use to the image once they are gone (EBS User Guide, "Delete an
// Amazon EBS snapshot").
func (c *client) images(ctx context.Context, yield func(backup.SnapshotHold, error) bool) bool {
	pages := ec2.NewDescribeImagesPaginator(c.ec2, &ec2.DescribeImagesInput{
		Owners: []string{"self"}, IncludeDisabled: aws.Bool(true), MaxResults: aws.Int32(1000),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unread(yield, retention.InUse, "DescribeImages", err)
		}
		for _, image := range page.Images {
			for _, m := range image.BlockDeviceMappings {
				if m.Ebs == nil || m.Ebs.SnapshotId == nil {
					continue
				}
				hold := retention.Hold{Kind: retention.InUse, Ref: aws.ToString(image.ImageId)}
				if !yield(backup.SnapshotHold{Snapshot: *m.Ebs.SnapshotId, Hold: hold}, nil) {
					return false
				}
			}
		}
	}
	return true
}

// locks yields each snapshot that is locked. The end of a lock is known once
// its snapshot is completed (EC2 API Reference, LockedSnapshotsInfo).
func (c *client) locks(ctx context.Context, yield func(backup.SnapshotHold, error) bool) bool {
	for l, err := range c.locked(ctx) {
		if err != nil {
			return unread(yield, retention.SnapshotLock, "DescribeLockedSnapshots", err)
		}
		if l.LockState == types.LockStateExpired {
			continue
		}
		id := aws.ToString(l.SnapshotId)
		hold := retention.Hold{Kind: retention.SnapshotLock, Ref: id, Until: aws.ToTime(l.LockExpiresOn)}
		if !yield(backup.SnapshotHold{Snapshot: id, Hold: hold}, nil) {
			return false
		}
	}
	return true
}

// inArchive are the last moves of snapshots that are in the archive, on their
// way there, or on loan from there. An archival that failed leaves a snapshot
// where it was, a restore that failed too.
var inArchive = []string{
	string(types.TieringOperationStatusArchivalInProgress), string(types.TieringOperationStatusArchivalCompleted),
	string(types.TieringOperationStatusTemporaryRestoreInProgress), string(types.TieringOperationStatusTemporaryRestoreCompleted),
	string(types.TieringOperationStatusTemporaryRestoreFailed), string(types.TieringOperationStatusPermanentRestoreFailed),
}

// archived yields each snapshot that is archived, with the end of the time that
// is charged in any case.
func (c *client) archived(ctx context.Context, yield func(backup.SnapshotHold, error) bool) bool {
	for s, err := range c.tiered(ctx) {
		if err != nil {
			return unread(yield, retention.ColdMinimum, "DescribeSnapshotTierStatus", err)
		}
		id := aws.ToString(s.SnapshotId)
		hold := retention.Hold{Kind: retention.ColdMinimum, Ref: id, Until: archivedAt(s).Add(archiveMinimum)}
		if !yield(backup.SnapshotHold{Snapshot: id, Hold: hold}, nil) {
			return false
		}
	}
	return true
}

// archivedAt is when archiving began. After a restore AWS tells only when it
// was done, which is up to three days later.
func archivedAt(s types.SnapshotTierStatus) time.Time {
	switch s.LastTieringOperationStatus {
	case types.TieringOperationStatusArchivalInProgress, types.TieringOperationStatusArchivalCompleted:
		return aws.ToTime(s.LastTieringStartTime)
	default:
		return aws.ToTime(s.ArchivalCompleteTime)
	}
}

// Recycled lists what is in the Recycle Bin. Listings of snapshots do not show
// it (EBS User Guide, "Recover deleted EBS snapshots with Recycle Bin").
func (c *client) Recycled(ctx context.Context) iter.Seq2[backup.RecycledSnapshot, error] {
	return func(yield func(backup.RecycledSnapshot, error) bool) {
		pages := ec2.NewListSnapshotsInRecycleBinPaginator(c.ec2, &ec2.ListSnapshotsInRecycleBinInput{MaxResults: aws.Int32(1000)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				if err = awscall.Wrap("ListSnapshotsInRecycleBin", err); !errors.Is(err, backup.ErrUnsupported) {
					yield(backup.RecycledSnapshot{}, err)
				}
				return
			}
			for _, s := range page.Snapshots {
				if !yield(backup.RecycledSnapshot{ID: aws.ToString(s.SnapshotId), Until: aws.ToTime(s.RecycleBinExitTime)}, nil) {
					return
				}
			}
		}
	}
}
