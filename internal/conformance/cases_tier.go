package conformance

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const archiving = "EBS User Guide, Archive Amazon EBS snapshots"

// archiving makes a snapshot that is on its way into the archive.
func (s *scene) archiving() (id string) {
	id = s.snapshot(s.owner(), "")
	must(s.owner().ec2().ModifySnapshotTier(s.ctx, &ec2.ModifySnapshotTierInput{SnapshotId: &id, StorageTier: types.TargetStorageTierArchive}))(s)
	return id
}

func (s *scene) tier(id string) types.SnapshotTierStatus {
	out := must(s.owner().ec2().DescribeSnapshotTierStatus(s.ctx, &ec2.DescribeSnapshotTierStatusInput{
		Filters: []types.Filter{filter("snapshot-id", id)},
	}))(s)
	s.check(len(out.SnapshotTierStatuses) == 1, "%d states of one snapshot", len(out.SnapshotTierStatuses))
	return out.SnapshotTierStatuses[0]
}

// archived makes a snapshot that is in the archive.
func (s *scene) archived() (id string) {
	id = s.archiving()
	s.until("an archived snapshot", func() bool { return s.tier(id).StorageTier == types.StorageTierArchive })
	return id
}

var tierCases = []Case{
	{"tier", "archive a snapshot, just after", "archival-in-progress", archiving, func(s *scene) {
		got := s.tier(s.archiving()).LastTieringOperationStatus
		s.check(got == types.TieringOperationStatusArchivalInProgress, "it is %s", got)
	}},
	{"tier", "archive a snapshot, in the end", "in the archive, as its description says", archiving, func(s *scene) {
		sn := s.look(s.owner(), s.archived())
		s.check(sn.StorageTier == types.StorageTierArchive, "the tier is %q", sn.StorageTier)
	}},
	{"tier", "archive a snapshot twice", "refused", archiving, func(s *scene) {
		id := s.archived()
		_, err := s.owner().ec2().ModifySnapshotTier(s.ctx, &ec2.ModifySnapshotTierInput{SnapshotId: &id, StorageTier: types.TargetStorageTierArchive})
		s.check(err != nil, "accepted")
	}},
	{"tier", "a volume from an archived snapshot", "refused", archiving, func(s *scene) {
		id := s.archived()
		_, err := s.owner().ec2().CreateVolume(s.ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String("us-east-1a"), SnapshotId: &id})
		s.refused(err, "IncorrectState", "InvalidParameterValue", "OperationNotPermitted")
	}},
	{"tier", "copy an archived snapshot", "refused", archiving, func(s *scene) {
		_, err := s.copy(s.owner(), s.archived(), "")
		s.refused(err, "IncorrectState", "InvalidParameterValue", "OperationNotPermitted")
	}},
	{"tier", "restore an archived snapshot for two days", "it can be used again", archiving, func(s *scene) {
		id := s.archived()
		out := must(s.owner().ec2().RestoreSnapshotTier(s.ctx, &ec2.RestoreSnapshotTierInput{SnapshotId: &id, TemporaryRestoreDays: aws.Int32(2)}))(s)
		s.check(aws.ToInt32(out.RestoreDuration) == 2, "for %d days", aws.ToInt32(out.RestoreDuration))
		s.until("a restored snapshot", func() bool {
			return s.tier(id).LastTieringOperationStatus == types.TieringOperationStatusTemporaryRestoreCompleted
		})
		must(s.owner().ec2().CreateVolume(s.ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String("us-east-1a"), SnapshotId: &id}))(s)
	}},
	{"tier", "restore a snapshot that is not archived", "refused", archiving, func(s *scene) {
		id := s.snapshot(s.owner(), "")
		_, err := s.owner().ec2().RestoreSnapshotTier(s.ctx, &ec2.RestoreSnapshotTierInput{SnapshotId: &id, TemporaryRestoreDays: aws.Int32(2)})
		s.check(err != nil, "accepted")
	}},
}
