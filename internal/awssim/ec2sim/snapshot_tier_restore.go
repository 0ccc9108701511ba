package ec2sim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

const (
	// maxRestoreDays is how long a temporary restore may last.
	// Source: Amazon EBS User Guide, "Restore an archived Amazon EBS snapshot".
	maxRestoreDays = 180
	// maxRestoreTime is how long a restore may take to begin with.
	// Source: Amazon EBS User Guide, "Considerations and limitations for
	// archiving Amazon EBS snapshots".
	maxRestoreTime = 72 * time.Hour
)

// RestoreSnapshotTier brings an archived snapshot back, for some days or for
// good, or changes for how long it is back.
func (s *Service) RestoreSnapshotTier(c *core.Call, in *ec2.RestoreSnapshotTierInput) (*ec2.RestoreSnapshotTierOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	permanent := aws.ToBool(in.PermanentRestore)
	days := int32(1) // Source: Amazon EBS User Guide, "Restore an archived Amazon EBS snapshot".
	switch d := in.TemporaryRestoreDays; {
	case d != nil && permanent:
		return nil, core.Errorf("InvalidParameterCombination", "The parameters PermanentRestore and TemporaryRestoreDays cannot be used together")
	case d != nil && (*d < 1 || *d > maxRestoreDays):
		return nil, invalid("TemporaryRestoreDays", *d)
	case d != nil:
		days = *d
	}
	sn, err := s.ownSnapshot(c, in.SnapshotId)
	if err != nil {
		return nil, err
	}
	if err := allowed(c, in.DryRun, needs("RestoreSnapshotTier", sn.existing("snapshot", c.Account.ID))...); err != nil {
		return nil, err
	}
	if err := s.canRestore(c.Now, st, sn); err != nil {
		return nil, err
	}
	s.restore(c.Now, sn, permanent, days)
	out := &ec2.RestoreSnapshotTierOutput{
		IsPermanentRestore: aws.Bool(permanent), RestoreStartTime: aws.Time(sn.tier.start), SnapshotId: aws.String(sn.id),
	}
	if !permanent {
		out.RestoreDuration = aws.Int32(days)
	}
	return out, nil
}

// canRestore checks that a snapshot is archived or on loan, and the quota. The
// codes are not documented.
func (s *Service) canRestore(now time.Time, st *site, sn *snapshot) error {
	switch {
	case sn.tier.onLoan(now):
		return nil // no data moves
	case sn.tier.moving(now), !sn.tier.inArchive(now):
		return core.Errorf("IncorrectState", "The snapshot '%s' is not archived, or is being archived or restored", sn.id)
	}
	moving := 0
	for _, other := range st.everTiered(now) {
		if other.tier.move != archival && other.tier.moving(now) {
			moving++
		}
	}
	if reached(s.limits.Restores, moving) {
		return core.Errorf("ResourceLimitExceeded", "You have reached the limit of snapshots being restored from the archive: %d", s.limits.Restores)
	}
	return nil
}

// restore starts a restore. One that is there already is changed at once: the
// new days count from now.
// Source: Amazon EBS User Guide, "Modify the restore period for a temporarily
// restored Amazon EBS snapshot".
func (s *Service) restore(now time.Time, sn *snapshot, permanent bool, days int32) {
	was := sn.tier
	start := stamp(now)
	next := &tiering{move: temporaryRestore, start: start, done: start, archived: was.archived, days: days}
	if permanent {
		next.move, next.days = permanentRestore, 0
	}
	if !was.onLoan(now) {
		next.done = start.Add(min(maxRestoreTime, s.work(s.pace.Restore, s.pace.RestoreBlock, sn.data.count)))
	}
	if !permanent {
		next.expires = next.done.Add(time.Duration(days) * day)
		s.moved = append(s.moved, sn)
	}
	sn.tier = next
}
