package ec2sim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// Source: EC2 API Reference, DescribeLockedSnapshots.
var lockFilters = attributes[snapshotView]{
	"lock-state": func(v snapshotView) []string { return one(string(v.lockState(v.now))) },
}

// DescribeLockedSnapshots lists the locks on the caller's snapshots, those
// that have expired too. A snapshot that was never locked is not in the answer.
func (s *Service) DescribeLockedSnapshots(c *core.Call, in *ec2.DescribeLockedSnapshotsInput) (*ec2.DescribeLockedSnapshotsOutput, error) {
	found, next, err := describe(s, c, in, search[*snapshot, snapshotView]{
		shelf:  func(st *site) *shelf[*snapshot] { return s.namedOr(in.SnapshotIds, &st.snapshots) },
		ids:    in.SnapshotIds,
		exists: func(id string) error { return s.snapshotExists(c, id) },
		id:     func(sn *snapshot) string { return sn.id },
		told:   func(sn *snapshot) *snapshot { return s.toldSnapshot(c, sn) },
		fits: func(sn *snapshot) bool {
			return sn.site.Account == c.Account.ID && !sn.gone(c.Now) && sn.lockState(c.Now) != ""
		},
		view:    func(sn *snapshot) snapshotView { return snapshotView{sn, c.Now, c.Account.ID} },
		filters: lockFilters,
	})
	out := &ec2.DescribeLockedSnapshotsOutput{NextToken: next}
	for _, sn := range found {
		out.Snapshots = append(out.Snapshots, sn.lockInfo(c.Now))
	}
	return out, err
}

// lockInfo describes the lock of a snapshot that has one. What is not known
// before the snapshot is completed is left out, and so is the duration of a
// lock with a date.
func (sn *snapshot) lockInfo(now time.Time) types.LockedSnapshotsInfo {
	l := sn.lock
	out := types.LockedSnapshotsInfo{
		LockCreatedOn: aws.Time(l.created), LockDurationStartTime: known(l.start(sn, now)), LockExpiresOn: known(l.expiry(sn, now)),
		LockState: sn.lockState(now), OwnerId: aws.String(sn.site.Account), SnapshotId: aws.String(sn.id),
	}
	if l.days > 0 {
		out.LockDuration = aws.Int32(l.days)
	}
	if l.coolOff > 0 {
		out.CoolOffPeriod, out.CoolOffPeriodExpiresOn = aws.Int32(l.coolOff), aws.Time(l.coolOffEnd())
	}
	return out
}

// known makes the answer of a time that may not be there.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
