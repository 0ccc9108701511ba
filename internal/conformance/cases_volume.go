package conformance

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const createVolume = "EC2 API Reference, CreateVolume"

// restore asks for a volume from a snapshot.
func (s *scene) restore(a actor, snapshot string, size int32) (*ec2.CreateVolumeOutput, error) {
	in := &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String("us-east-1b"), SnapshotId: &snapshot, VolumeType: types.VolumeTypeGp3,
		TagSpecifications: tagged(types.ResourceTypeVolume, tag("restored", "y")),
	}
	if size > 0 {
		in.Size = &size
	}
	return a.ec2().CreateVolume(s.ctx, in)
}

var volumeCases = []Case{
	{"volume", "from an own snapshot", "creating, with the snapshot's size and the tags", createVolume, func(s *scene) {
		id := s.snapshot(s.owner(), "")
		v := must(s.restore(s.owner(), id, 0))(s)
		s.check(aws.ToInt32(v.Size) == 4 && aws.ToString(v.SnapshotId) == id && tagValue(v.Tags, "restored") == "y", "%d GiB, %d tags", aws.ToInt32(v.Size), len(v.Tags))
		s.check(v.State == types.VolumeStateCreating, "it is %s at once", v.State)
		s.volumeIs(s.owner(), *v.VolumeId, types.VolumeStateAvailable)
	}},
	{"volume", "larger than its snapshot", "of the size that was asked for", createVolume, func(s *scene) {
		v := must(s.restore(s.owner(), s.snapshot(s.owner(), ""), 9))(s)
		s.check(aws.ToInt32(v.Size) == 9, "%d GiB", aws.ToInt32(v.Size))
	}},
	{"volume", "smaller than its snapshot", "InvalidParameterValue", createVolume, func(s *scene) {
		_, err := s.restore(s.owner(), s.snapshot(s.owner(), ""), 1)
		s.refused(err, "InvalidParameterValue")
	}},
	{"volume", "in a zone that there is not", "InvalidZone.NotFound, or InvalidParameterValue", errorCodes, func(s *scene) {
		_, err := s.owner().ec2().CreateVolume(s.ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String("us-east-1z"), Size: aws.Int32(1)})
		s.refused(err, "InvalidZone.NotFound", "InvalidParameterValue")
	}},
	{"volume", "twice with one client token", "the same volume", "EC2 API Reference, Ensuring idempotency", func(s *scene) {
		in := &ec2.CreateVolumeInput{AvailabilityZone: aws.String("us-east-1a"), Size: aws.Int32(1), ClientToken: aws.String("token-1")}
		first := must(s.owner().ec2().CreateVolume(s.ctx, in))(s)
		second := must(s.owner().ec2().CreateVolume(s.ctx, in))(s)
		s.check(*first.VolumeId == *second.VolumeId, "another volume")
	}},
	{"volume", "another with a client token that is used", "IdempotentParameterMismatch", errorCodes, func(s *scene) {
		in := &ec2.CreateVolumeInput{AvailabilityZone: aws.String("us-east-1a"), Size: aws.Int32(1), ClientToken: aws.String("token-1")}
		must(s.owner().ec2().CreateVolume(s.ctx, in))(s)
		in.Size = aws.Int32(2)
		_, err := s.owner().ec2().CreateVolume(s.ctx, in)
		s.refused(err, "IdempotentParameterMismatch")
	}},
	{"volume", "from a snapshot of another account that is not shared", "refused", createVolume, func(s *scene) {
		_, err := s.restore(s.vault(), s.snapshot(s.owner(), ""), 0)
		s.refused(err, "InvalidSnapshot.NotFound", "UnauthorizedOperation")
	}},
	{"volume", "from a snapshot that another account shares", "a volume of one's own", sharing, func(s *scene) {
		v := must(s.restore(s.vault(), s.shared(""), 0))(s)
		s.volumeIs(s.vault(), *v.VolumeId, types.VolumeStateAvailable)
	}},
	{"volume", "from an encrypted snapshot", "under its key", "EBS User Guide, How Amazon EBS encryption works", func(s *scene) {
		key := s.key(s.owner(), "")
		v := must(s.restore(s.owner(), s.snapshot(s.owner(), key), 0))(s)
		s.check(aws.ToBool(v.Encrypted) && aws.ToString(v.KmsKeyId) == key, "encrypted: %v, under the key: %v", aws.ToBool(v.Encrypted), aws.ToString(v.KmsKeyId) == key)
	}},
	{"volume", "without a size or a snapshot", "MissingParameter, or InvalidParameterCombination", errorCodes, func(s *scene) {
		_, err := s.owner().ec2().CreateVolume(s.ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String("us-east-1a")})
		s.refused(err, "MissingParameter", "InvalidParameterCombination", "InvalidParameterValue")
	}},
	{"volume", "delete one whose snapshot stays", "the snapshot stays", "EBS User Guide, Amazon EBS snapshots", func(s *scene) {
		volume := s.volume(s.owner(), "")
		id := s.snapshotOf(s.owner(), volume)
		must(s.owner().ec2().DeleteVolume(s.ctx, &ec2.DeleteVolumeInput{VolumeId: &volume}))(s)
		s.look(s.owner(), id)
	}},
	{"volume", "attach and detach", "in-use, then available", "EC2 API Reference, AttachVolume", func(s *scene) {
		in := s.instance(s.owner(), 0)
		volume := s.volume(s.owner(), "")
		must(s.owner().ec2().AttachVolume(s.ctx, &ec2.AttachVolumeInput{InstanceId: &in.id, VolumeId: &volume, Device: aws.String("/dev/sdm")}))(s)
		s.volumeIs(s.owner(), volume, types.VolumeStateInUse)
		s.until("an attached volume", func() bool {
			out := must(s.owner().ec2().DescribeVolumes(s.ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{volume}}))(s)
			return out.Volumes[0].Attachments[0].State == types.VolumeAttachmentStateAttached
		})
		must(s.owner().ec2().DetachVolume(s.ctx, &ec2.DetachVolumeInput{VolumeId: &volume}))(s)
		s.volumeIs(s.owner(), volume, types.VolumeStateAvailable)
	}},
	{"volume", "fast restore of a snapshot", "enabling, in the zone", "EC2 API Reference, EnableFastSnapshotRestores", func(s *scene) {
		out := must(s.owner().ec2().EnableFastSnapshotRestores(s.ctx, &ec2.EnableFastSnapshotRestoresInput{
			AvailabilityZones: []string{"us-east-1a"}, SourceSnapshotIds: []string{s.snapshot(s.owner(), "")},
		}))(s)
		s.check(len(out.Successful) == 1 && out.Successful[0].State == types.FastSnapshotRestoreStateCodeEnabling, "%d zones", len(out.Successful))
	}},
	{"volume", "replace the root of an instance that does not exist", "InvalidInstanceID.NotFound", errorCodes, func(s *scene) {
		id := s.snapshot(s.owner(), "")
		_, err := s.owner().ec2().CreateReplaceRootVolumeTask(s.ctx, &ec2.CreateReplaceRootVolumeTaskInput{InstanceId: aws.String(noInstance), SnapshotId: &id})
		s.refused(err, "InvalidInstanceID.NotFound")
	}},
}
