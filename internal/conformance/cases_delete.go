package conformance

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const locking = "EBS User Guide, Amazon EBS snapshot lock"

func (s *scene) delete(a actor, id string) error {
	_, err := a.ec2().DeleteSnapshot(s.ctx, &ec2.DeleteSnapshotInput{SnapshotId: &id})
	return err
}

// lock makes a snapshot that is locked for a day.
func (s *scene) lock(in ec2.LockSnapshotInput) (id string) {
	id = s.snapshot(s.owner(), "")
	in.SnapshotId = &id
	must(s.owner().ec2().LockSnapshot(s.ctx, &in))(s)
	return id
}

var deleteCases = []Case{
	{"delete", "a shared snapshot by the grantee", "refused", "EBS User Guide, Delete an Amazon EBS snapshot", func(s *scene) {
		s.refused(s.delete(s.vault(), s.shared("")), "UnauthorizedOperation", "AuthFailure", "InvalidSnapshot.NotFound")
	}},
	{"delete", "an own snapshot", "it is gone", "EC2 API Reference, DeleteSnapshot", func(s *scene) {
		id := s.snapshot(s.owner(), "")
		s.works(s.delete(s.owner(), id))
		s.check(len(s.list(s.owner(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})) == 0, "it is there")
	}},
	{"delete", "a snapshot twice", "InvalidSnapshot.NotFound", errorCodes, func(s *scene) {
		id := s.snapshot(s.owner(), "")
		s.works(s.delete(s.owner(), id))
		s.refused(s.delete(s.owner(), id), "InvalidSnapshot.NotFound")
	}},
	{"delete", "a snapshot whose copy stays", "the copy stays", "EBS User Guide, Delete an Amazon EBS snapshot", func(s *scene) {
		id := s.snapshot(s.owner(), "")
		copied := s.copied(s.owner(), id, "")
		s.works(s.delete(s.owner(), id))
		s.look(s.owner(), *copied.SnapshotId)
	}},
	{"delete", "a snapshot locked in governance mode", "refused", locking, func(s *scene) {
		id := s.lock(ec2.LockSnapshotInput{LockMode: types.LockModeGovernance, LockDuration: aws.Int32(1)})
		s.refused(s.delete(s.owner(), id), "SnapshotLocked", "OperationNotPermitted", "IncorrectState", "UnauthorizedOperation")
	}},
	{"delete", "a snapshot that was unlocked", "it is gone", locking, func(s *scene) {
		id := s.lock(ec2.LockSnapshotInput{LockMode: types.LockModeGovernance, LockDuration: aws.Int32(1)})
		must(s.owner().ec2().UnlockSnapshot(s.ctx, &ec2.UnlockSnapshotInput{SnapshotId: &id}))(s)
		s.works(s.delete(s.owner(), id))
	}},
	{"delete", "unlock a snapshot in compliance mode", "refused", locking, func(s *scene) {
		id := s.lock(ec2.LockSnapshotInput{LockMode: types.LockModeCompliance, LockDuration: aws.Int32(1)})
		_, err := s.owner().ec2().UnlockSnapshot(s.ctx, &ec2.UnlockSnapshotInput{SnapshotId: &id})
		s.check(err != nil, "accepted")
		s.check(!absent(err), "absent")
		s.check(s.delete(s.owner(), id) != nil, "it could be deleted")
	}},
	{"delete", "a lock for no time", "InvalidParameterValue: one day at least", "EC2 API Reference, LockSnapshot", func(s *scene) {
		id := s.snapshot(s.owner(), "")
		_, err := s.owner().ec2().LockSnapshot(s.ctx, &ec2.LockSnapshotInput{SnapshotId: &id, LockMode: types.LockModeGovernance, LockDuration: aws.Int32(0)})
		s.refused(err, "InvalidParameterValue")
	}},
	{"delete", "which snapshots are locked", "the locked one, in its mode", "EC2 API Reference, DescribeLockedSnapshots", func(s *scene) {
		s.snapshot(s.owner(), "")
		id := s.lock(ec2.LockSnapshotInput{LockMode: types.LockModeGovernance, LockDuration: aws.Int32(1)})
		out := must(s.owner().ec2().DescribeLockedSnapshots(s.ctx, nil))(s)
		s.check(len(out.Snapshots) == 1 && *out.Snapshots[0].SnapshotId == id, "%d snapshots", len(out.Snapshots))
		s.check(out.Snapshots[0].LockState == types.LockStateGovernance, "the state is %s", out.Snapshots[0].LockState)
	}},
	{"delete", "what is in the recycle bin", "nothing without a rule", "EBS User Guide, Recycle Bin", func(s *scene) {
		s.works(s.delete(s.owner(), s.snapshot(s.owner(), "")))
		out := must(s.owner().ec2().ListSnapshotsInRecycleBin(s.ctx, nil))(s)
		s.check(len(out.Snapshots) == 0, "%d snapshots", len(out.Snapshots))
	}},
	{"delete", "is public sharing blocked", "no", "EC2 API Reference, GetSnapshotBlockPublicAccessState", func(s *scene) {
		out := must(s.owner().ec2().GetSnapshotBlockPublicAccessState(s.ctx, nil))(s)
		s.check(out.State == types.SnapshotBlockPublicAccessStateUnblocked, "the state is %s", out.State)
	}},
	{"delete", "share with everybody when that is blocked", "OperationNotPermitted", "EBS User Guide, Block public access for Amazon EBS snapshots", func(s *scene) {
		must(s.owner().ec2().EnableSnapshotBlockPublicAccess(s.ctx, &ec2.EnableSnapshotBlockPublicAccessInput{
			State: types.SnapshotBlockPublicAccessStateBlockAllSharing,
		}))(s)
		id := s.snapshot(s.owner(), "")
		_, err := s.owner().ec2().ModifySnapshotAttribute(s.ctx, &ec2.ModifySnapshotAttributeInput{
			SnapshotId: &id, Attribute: types.SnapshotAttributeNameCreateVolumePermission,
			OperationType: types.OperationTypeAdd, GroupNames: []string{"all"},
		})
		s.refused(err, "OperationNotPermitted")
	}},
}
