package ec2sim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// DeleteSnapshot removes a snapshot of the caller's, or puts it into the
// Recycle Bin if a rule says so. One that is pending is removed once it is
// done, and counts against the limits until then.
// Source: Amazon EBS User Guide, "Delete an Amazon EBS snapshot".
func (s *Service) DeleteSnapshot(c *core.Call, in *ec2.DeleteSnapshotInput) (*ec2.DeleteSnapshotOutput, error) {
	if _, err := s.here(c); err != nil {
		return nil, err
	}
	sn, err := s.ownSnapshot(c, in.SnapshotId)
	if err != nil {
		return nil, err
	}
	if err := allowed(c, in.DryRun, needs("DeleteSnapshot", sn.existing("snapshot", c.Account.ID))...); err != nil {
		return nil, err
	}
	if err := s.canDelete(c.Now, sn); err != nil {
		return nil, err
	}
	s.discard(c.Now, sn)
	return &ec2.DeleteSnapshotOutput{}, nil
}

// canDelete returns the error for a snapshot that nobody may delete now.
func (s *Service) canDelete(now time.Time, sn *snapshot) error {
	if im := s.imageUsing(sn); im != nil {
		// Source of the text: gruntwork-io/cloud-nuke#727.
		return core.Errorf("InvalidSnapshot.InUse", "The snapshot %s is currently in use by %s", sn.id, im.id)
	}
	if sn.locked(now) {
		return core.Errorf(s.lockedCode, "The snapshot %s is locked and cannot be deleted", sn.id)
	}
	// Archiving and restoring cannot be cancelled (Amazon EBS User Guide,
	// "Archive Amazon EBS snapshots"); that deleting meanwhile is refused is
	// the stricter reading of it.
	if sn.tier.moving(now) || sn.state(now) == types.SnapshotStateRecovering {
		return core.Errorf("IncorrectState", "The snapshot '%s' is being moved", sn.id)
	}
	return nil
}

// discard deletes a snapshot.
func (s *Service) discard(now time.Time, sn *snapshot) {
	pending := sn.state(now) == types.SnapshotStatePending
	if stay := s.binStay(now, sn); stay != nil {
		// Source: EC2 User Guide, "Considerations for Recycle Bin": it is no
		// longer shared, and bears a tag of AWS's.
		if sn.tags == nil {
			sn.tags = tagSets{}
		}
		s.unshare(sn)
		sn.bin, sn.deleting = stay, pending
		sn.tags.mark(sn.site.Account, binTag, "true")
		return
	}
	if pending {
		sn.deleting = true
		return
	}
	s.forget(sn)
}

// imageUsing returns an image of the snapshot's owner that is registered with
// it, or nil.
func (s *Service) imageUsing(sn *snapshot) *image {
	return s.imageWith(sn, func(*image) bool { return true })
}

// imageWith is imageUsing for the images that count.
func (s *Service) imageWith(sn *snapshot, counts func(*image) bool) *image {
	for _, im := range s.region(sn.site.Region).images.items {
		if im.site.Account != sn.site.Account {
			continue
		}
		for _, m := range im.mappings {
			if m.snapshot == sn.id && counts(im) {
				return im
			}
		}
	}
	return nil
}
