package ec2sim

import (
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// DeleteSnapshot removes a snapshot of the caller's. One that is pending is
// removed once it is done, and counts against the limits until then.
// Source: Amazon EBS User Guide, "Delete an Amazon EBS snapshot".
func (s *Service) DeleteSnapshot(c *core.Call, in *ec2.DeleteSnapshotInput) (*ec2.DeleteSnapshotOutput, error) {
	if _, err := s.here(c); err != nil {
		return nil, err
	}
	sn, err := s.ownSnapshot(c, in.SnapshotId)
	if err != nil {
		return nil, err
	}
	if err := c.Authorize(needs("DeleteSnapshot", sn.existing("snapshot", c.Account.ID))...); err != nil {
		return nil, err
	}
	if err := c.DryRun(in.DryRun); err != nil {
		return nil, err
	}
	if im := s.imageUsing(sn); im != nil {
		// Source of the text: gruntwork-io/cloud-nuke#727.
		return nil, core.Errorf("InvalidSnapshot.InUse", "The snapshot %s is currently in use by %s", sn.id, im.id)
	}
	if sn.state(c.Now) == types.SnapshotStatePending {
		sn.deleting = true
		return &ec2.DeleteSnapshotOutput{}, nil
	}
	s.forget(sn)
	return &ec2.DeleteSnapshotOutput{}, nil
}

// imageUsing returns an image of the snapshot's owner that is registered with
// it, or nil.
func (s *Service) imageUsing(sn *snapshot) *image {
	for _, im := range s.region(sn.site.Region).images.items {
		if im.site.Account != sn.site.Account {
			continue
		}
		for _, m := range im.mappings {
			if m.snapshot == sn.id {
				return im
			}
		}
	}
	return nil
}
