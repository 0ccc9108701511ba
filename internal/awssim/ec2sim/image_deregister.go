package ec2sim

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// DeregisterImage removes an image of the caller's. Its snapshots stay, or are
// deleted with it as far as they can be: what became of each is told one by one.
func (s *Service) DeregisterImage(c *core.Call, in *ec2.DeregisterImageInput) (*ec2.DeregisterImageOutput, error) {
	im, err := s.imageFor(c, in.ImageId, in.DryRun, nil)
	if err != nil {
		return nil, err
	}
	if im.protection.holds(c.Now) {
		return nil, core.Errorf("OperationNotPermitted",
			"The image %s is protected from deregistration: %s", im.id, im.protection.name(c.Now))
	}
	delete(s.images, im.id)
	s.region(c.Region).images.remove(im)
	out := &ec2.DeregisterImageOutput{Return: aws.Bool(true)}
	if !aws.ToBool(in.DeleteAssociatedSnapshots) {
		return out, nil
	}
	var done []string
	for _, m := range im.mappings {
		if m.snapshot == "" || slices.Contains(done, m.snapshot) {
			continue
		}
		done = append(done, m.snapshot)
		out.DeleteSnapshotResults = append(out.DeleteSnapshotResults, types.DeleteSnapshotReturnCode{
			SnapshotId: aws.String(m.snapshot), ReturnCode: s.deleteWith(c, m.snapshot),
		})
	}
	return out, nil
}

// deleteWith deletes a snapshot of an image that is gone, as its owner would
// with DeleteSnapshot.
// Source: EC2 User Guide, "Deregister an Amazon EC2 AMI": snapshots that
// another AMI uses are skipped; the caller needs ec2:DeleteSnapshot.
func (s *Service) deleteWith(c *core.Call, id string) types.SnapshotReturnCodes {
	sn := s.snapshotByID(c.Now, id)
	switch {
	case sn == nil || sn.site.Account != c.Account.ID:
		return types.SnapshotReturnCodesErrorCodeClientError
	case s.imageUsing(sn) != nil:
		return types.SnapshotReturnCodesWarnSkipped
	}
	for _, need := range needs("DeleteSnapshot", sn.existing("snapshot", c.Account.ID)) {
		if !c.Allows(need) {
			return types.SnapshotReturnCodesErrorMissingPermissions
		}
	}
	if _, err := s.DeleteSnapshot(c, &ec2.DeleteSnapshotInput{SnapshotId: aws.String(id)}); err != nil {
		return types.SnapshotReturnCodesErrorCodeClientError
	}
	return types.SnapshotReturnCodesSuccess
}
