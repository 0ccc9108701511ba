package ebs

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/internal/awscall"
)

var _ backup.Locker = (*client)(nil)

// Locks lists the locks of the site's own snapshots, expired ones too.
func (c *client) Locks(ctx context.Context) iter.Seq2[backup.SnapshotLock, error] {
	return func(yield func(backup.SnapshotLock, error) bool) {
		for l, err := range c.locked(ctx) {
			if err != nil {
				yield(backup.SnapshotLock{}, awscall.Wrap("DescribeLockedSnapshots", err))
				return
			}
			if !yield(lockOf(l), nil) {
				return
			}
		}
	}
}

// locked lists locks as AWS tells them. The SDK has no paginator for this call.
func (c *client) locked(ctx context.Context) iter.Seq2[types.LockedSnapshotsInfo, error] {
	return func(yield func(types.LockedSnapshotsInfo, error) bool) {
		in := &ec2.DescribeLockedSnapshotsInput{MaxResults: aws.Int32(1000)}
		for {
			page, err := c.ec2.DescribeLockedSnapshots(ctx, in)
			if err != nil {
				yield(types.LockedSnapshotsInfo{}, err)
				return
			}
			for _, l := range page.Snapshots {
				if !yield(l, nil) {
					return
				}
			}
			if aws.ToString(page.NextToken) == "" {
				return
			}
			in.NextToken = page.NextToken
		}
	}
}

// lockOf reads a lock. Until its snapshot is completed AWS does not tell when
// it ends; it is no earlier than if its duration had begun when it was made
// (EC2 API Reference, LockedSnapshotsInfo).
func lockOf(l types.LockedSnapshotsInfo) backup.SnapshotLock {
	lock := backup.SnapshotLock{
		Snapshot: aws.ToString(l.SnapshotId), Mode: backup.Compliance,
		Final: l.LockState == types.LockStateCompliance, Expired: l.LockState == types.LockStateExpired,
		Since: aws.ToTime(l.LockDurationStartTime), Until: aws.ToTime(l.LockExpiresOn),
	}
	if l.LockState == types.LockStateGovernance {
		lock.Mode = backup.Governance
	}
	if lock.Since.IsZero() {
		lock.Since = aws.ToTime(l.LockCreatedOn)
	}
	if lock.Until.IsZero() && l.LockDuration != nil {
		lock.Until = lock.Since.Add(time.Duration(*l.LockDuration) * 24 * time.Hour)
	}
	return lock
}

// lock puts a lock on a snapshot or makes its lock longer. It is sent once: a
// lock in compliance mode is refused the second time, though it is there.
func (c *client) lock(ctx context.Context, s backup.Step) error {
	what := "LockSnapshot " + s.Snapshot
	if s.Lock == nil || s.Lock.Days < 1 {
		return fmt.Errorf("%s: without a duration: %w", what, backup.ErrUnsupported)
	}
	in := &ec2.LockSnapshotInput{
		SnapshotId: aws.String(s.Snapshot), LockMode: types.LockMode(s.Lock.Mode), LockDuration: aws.Int32(int32(s.Lock.Days)),
	}
	if s.Lock.CoolOffHours > 0 {
		in.CoolOffPeriod = aws.Int32(int32(s.Lock.CoolOffHours))
	}
	_, err := c.ec2.LockSnapshot(ctx, in, once)
	return awscall.WrapCreate(what, err)
}
