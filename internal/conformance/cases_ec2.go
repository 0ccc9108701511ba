package conformance

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const errorCodes = "EC2 API Reference, Error codes"

const noVolume, noSnapshot, noInstance = "vol-0123456789abcdef0", "snap-0123456789abcdef0", "i-0123456789abcdef0"

var ec2Cases = []Case{
	{"ec2", "run an instance with three volumes", "three volumes attached to it", "EC2 API Reference, RunInstances", func(s *scene) {
		in := s.instance(s.owner(), 2)
		s.check(len(in.volumes) == 3, "%d volumes", len(in.volumes))
	}},
	{"ec2", "tags for the volumes of a new instance", "each volume has them", "EC2 API Reference, RunInstances", func(s *scene) {
		in := s.instance(s.owner(), 2)
		out := must(s.owner().ec2().DescribeVolumes(s.ctx, &ec2.DescribeVolumesInput{Filters: []types.Filter{filter("attachment.instance-id", in.id)}}))(s)
		for _, v := range out.Volumes {
			s.check(tagValue(v.Tags, "of") == "web", "a volume without the tag")
		}
	}},
	{"ec2", "a volume of another account", "InvalidVolume.NotFound", errorCodes, func(s *scene) {
		id := s.volume(s.owner(), "")
		_, err := s.vault().ec2().DescribeVolumes(s.ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{id}})
		s.refused(err, "InvalidVolume.NotFound")
	}},
	{"ec2", "a volume of another Region", "InvalidVolume.NotFound", errorCodes, func(s *scene) {
		id := s.volume(s.owner(), "")
		_, err := s.owner().in(ireland).ec2().DescribeVolumes(s.ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{id}})
		s.refused(err, "InvalidVolume.NotFound")
	}},
	{"ec2", "instances by a wildcard in a tag and by state", "those that both fit, with their account", "EC2 User Guide, List and filter resources", func(s *scene) {
		in := s.instance(s.owner(), 0)
		ask := func(state string) []types.Reservation {
			return must(s.owner().ec2().DescribeInstances(s.ctx, &ec2.DescribeInstancesInput{
				Filters: []types.Filter{filter("tag:backup", "dail*"), filter("instance-state-name", state)},
			}))(s).Reservations
		}
		s.check(len(ask("stopped")) == 0, "a running instance is listed as stopped")
		found := ask("running")
		s.check(len(found) == 1 && *found[0].Instances[0].InstanceId == in.id, "%d reservations", len(found))
		s.check(aws.ToString(found[0].OwnerId) == Owner, "another owner")
	}},
	{"ec2", "snapshot of a volume that does not exist", "InvalidVolume.NotFound", errorCodes, func(s *scene) {
		_, err := s.owner().ec2().CreateSnapshot(s.ctx, &ec2.CreateSnapshotInput{VolumeId: aws.String(noVolume)})
		s.refused(err, "InvalidVolume.NotFound")
	}},
	{"ec2", "a dry run of what is allowed", "DryRunOperation, and nothing happens", errorCodes, func(s *scene) {
		id := s.volume(s.owner(), "")
		_, err := s.owner().ec2().CreateSnapshot(s.ctx, &ec2.CreateSnapshotInput{VolumeId: &id, DryRun: aws.Bool(true)})
		s.refused(err, "DryRunOperation")
		s.check(len(s.list(s.owner(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})) == 0, "a snapshot was made")
	}},
	{"ec2", "is encryption by default on", "no", "EC2 API Reference, GetEbsEncryptionByDefault", func(s *scene) {
		out := must(s.owner().ec2().GetEbsEncryptionByDefault(s.ctx, nil))(s)
		s.check(!aws.ToBool(out.EbsEncryptionByDefault), "yes")
	}},
	{"ec2", "switch encryption by default on", "a new volume is encrypted without asking", "EBS User Guide, Enable Amazon EBS encryption by default", func(s *scene) {
		must(s.owner().ec2().EnableEbsEncryptionByDefault(s.ctx, nil))(s)
		out := must(s.owner().ec2().CreateVolume(s.ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String("us-east-1a"), Size: aws.Int32(1)}))(s)
		s.check(aws.ToBool(out.Encrypted), "a volume that is not encrypted")
	}},
	{"ec2", "Regions", "those that the account has enabled", "EC2 API Reference, DescribeRegions", func(s *scene) {
		out := must(s.owner().ec2().DescribeRegions(s.ctx, nil))(s)
		have := map[string]bool{}
		for _, r := range out.Regions {
			have[*r.RegionName] = true
		}
		s.check(have[virginia] && have[ireland], "one is missing")
	}},
	{"ec2", "stop an instance and start it", "stopping, stopped, pending, running", "EC2 User Guide, Instance state changes", func(s *scene) {
		in := s.instance(s.owner(), 0)
		out := must(s.owner().ec2().StopInstances(s.ctx, &ec2.StopInstancesInput{InstanceIds: []string{in.id}}))(s)
		s.check(out.StoppingInstances[0].CurrentState.Name == types.InstanceStateNameStopping, "it is %s at once", out.StoppingInstances[0].CurrentState.Name)
		s.instanceIs(s.owner(), in.id, types.InstanceStateNameStopped)
		must(s.owner().ec2().StartInstances(s.ctx, &ec2.StartInstancesInput{InstanceIds: []string{in.id}}))(s)
		s.instanceIs(s.owner(), in.id, types.InstanceStateNameRunning)
	}},
	{"ec2", "an instance that does not exist", "InvalidInstanceID.NotFound", errorCodes, func(s *scene) {
		_, err := s.owner().ec2().DescribeInstances(s.ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{noInstance}})
		s.refused(err, "InvalidInstanceID.NotFound")
	}},
	{"ec2", "terminate an instance", "volumes go or stay as their attachment says", "EC2 User Guide, Preserve data when an instance is terminated", func(s *scene) {
		in := s.instance(s.owner(), 1)
		must(s.owner().ec2().TerminateInstances(s.ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{in.id}}))(s)
		s.instanceIs(s.owner(), in.id, types.InstanceStateNameTerminated)
		_, err := s.owner().ec2().DescribeVolumes(s.ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{in.rootVolume()}})
		s.refused(err, "InvalidVolume.NotFound")
		s.volumeIs(s.owner(), in.volumes["/dev/sdf"], types.VolumeStateAvailable)
	}},
	{"ec2", "delete a volume that is attached", "VolumeInUse", errorCodes, func(s *scene) {
		in := s.instance(s.owner(), 1)
		_, err := s.owner().ec2().DeleteVolume(s.ctx, &ec2.DeleteVolumeInput{VolumeId: aws.String(in.volumes["/dev/sdf"])})
		s.refused(err, "VolumeInUse")
	}},
}
