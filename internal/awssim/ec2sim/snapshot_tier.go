package ec2sim

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A tierMove is what moves a snapshot from one storage tier to the other.
type tierMove int

const (
	archival tierMove = iota
	temporaryRestore
	permanentRestore
)

// A tiering is the last move of a snapshot that was archived at some time.
type tiering struct {
	move     tierMove
	start    time.Time
	done     time.Time
	archived time.Time // when the last archival was done
	days     int32     // of a temporary restore
	expires  time.Time // when it ends
}

// inArchive tells whether the snapshot cannot be used since it is archived.
// It can be while it is being archived.
// Source: Amazon EBS User Guide, "Archive an Amazon EBS snapshot".
func (t *tiering) inArchive(now time.Time) bool {
	switch {
	case t == nil:
		return false
	case t.move == archival:
		return !now.Before(t.done)
	case t.move == temporaryRestore:
		return now.Before(t.done) || !now.Before(t.expires)
	}
	return now.Before(t.done)
}

// moving tells whether the snapshot is between the tiers.
func (t *tiering) moving(now time.Time) bool { return t != nil && now.Before(t.done) }

// onLoan tells whether the snapshot is restored for some days.
func (t *tiering) onLoan(now time.Time) bool {
	return t != nil && t.move == temporaryRestore && !t.inArchive(now)
}

func (sn *snapshot) storageTier(now time.Time) types.StorageTier {
	if sn.tier.inArchive(now) {
		return types.StorageTierArchive
	}
	return types.StorageTierStandard
}

// usable returns the error for a snapshot that volumes and copies cannot be
// made from now: one that is not completed, or one that is archived. The code
// of the second is not documented.
func (sn *snapshot) usable(now time.Time) error {
	switch {
	case sn.state(now) != types.SnapshotStateCompleted:
		return notCompleted(sn)
	case sn.tier.inArchive(now):
		return core.Errorf("IncorrectState", "Snapshot '%s' is archived and must be restored before it can be used.", sn.id)
	}
	return nil
}

// settle brings about what archiving does to snapshots whose time has come:
// sharing is disabled. Every operation begins with it.
// Source: Amazon EBS User Guide, "Archive an Amazon EBS snapshot".
func (s *Service) settle(now time.Time) {
	if len(s.moved) == 0 {
		return
	}
	s.moved = slices.DeleteFunc(s.moved, func(sn *snapshot) bool {
		if !sn.tier.inArchive(now) {
			return sn.removed || sn.tier.move == permanentRestore
		}
		s.unshare(sn)
		sn.full = true
		return sn.removed || !sn.tier.moving(now)
	})
}

// ModifySnapshotTier archives a snapshot of the caller's.
func (s *Service) ModifySnapshotTier(c *core.Call, in *ec2.ModifySnapshotTierInput) (*ec2.ModifySnapshotTierOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	// Source: EC2 API Reference, ModifySnapshotTier: "You must specify archive."
	if in.StorageTier != types.TargetStorageTierArchive {
		return nil, invalid("StorageTier", in.StorageTier)
	}
	sn, err := s.ownSnapshot(c, in.SnapshotId)
	if err != nil {
		return nil, err
	}
	if err := allowed(c, in.DryRun, needs("ModifySnapshotTier", sn.existing("snapshot", c.Account.ID))...); err != nil {
		return nil, err
	}
	if err := s.canArchive(c.Now, st, sn); err != nil {
		return nil, err
	}
	start := stamp(c.Now)
	done := start.Add(s.work(s.pace.Archive, s.pace.ArchiveBlock, sn.data.count))
	sn.tier = &tiering{move: archival, start: start, done: done, archived: done}
	st.tiered = append(st.tiered, sn)
	s.moved = append(s.moved, sn)
	return &ec2.ModifySnapshotTierOutput{SnapshotId: aws.String(sn.id), TieringStartTime: aws.Time(start)}, nil
}

// canArchive checks the state of a snapshot, the images that hold it and the
// quotas. The codes are not documented.
// Source: Amazon EBS User Guide, "Archive an Amazon EBS snapshot" and "Quotas
// for archiving Amazon EBS snapshots".
func (s *Service) canArchive(now time.Time, st *site, sn *snapshot) error {
	switch {
	case sn.state(now) != types.SnapshotStateCompleted:
		return notCompleted(sn)
	case sn.tier.moving(now), sn.tier.inArchive(now), sn.tier.onLoan(now):
		return core.Errorf("IncorrectState", "The snapshot '%s' is archived or being archived or restored", sn.id)
	}
	if im := s.imageWith(sn, func(im *image) bool { return im.state(now) != types.ImageStateDisabled }); im != nil {
		return core.Errorf("InvalidSnapshot.InUse", "The snapshot %s is currently in use by %s, which must be disabled first", sn.id, im.id)
	}
	moving, ofVolume := 0, 0
	for _, other := range st.everTiered(now) {
		if other.tier.move == archival && other.tier.moving(now) {
			moving++
		}
		if other.lineage == sn.lineage {
			ofVolume++
		}
	}
	switch {
	case reached(s.limits.ArchivedPerVolume, ofVolume):
		return core.Errorf("ResourceLimitExceeded", "You have reached the limit of archived snapshots of a volume: %d", s.limits.ArchivedPerVolume)
	case reached(s.limits.Archivals, moving):
		return core.Errorf("ResourceLimitExceeded", "You have reached the limit of snapshots being archived: %d", s.limits.Archivals)
	}
	return nil
}

// everTiered returns the snapshots of a site that are in the archive, on their
// way there or from there, or on loan from it.
func (st *site) everTiered(now time.Time) []*snapshot {
	st.tiered = slices.DeleteFunc(st.tiered, func(sn *snapshot) bool {
		return sn.lost(now) || sn.tier.move == permanentRestore && !sn.tier.moving(now)
	})
	return st.tiered
}
