package conformance

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const (
	createSnapshot  = "EC2 API Reference, CreateSnapshot"
	createSnapshots = "EC2 API Reference, CreateSnapshots"
	tagLimits       = "EC2 User Guide, Tag restrictions"
)

// ofInstance takes snapshots of an instance's volumes.
func (s *scene) ofInstance(spec types.InstanceSpecification, from types.CopyTagsFromSource) []types.SnapshotInfo {
	return must(s.owner().ec2().CreateSnapshots(s.ctx, &ec2.CreateSnapshotsInput{
		InstanceSpecification: &spec, Description: aws.String("set"), CopyTagsFromSource: from,
		TagSpecifications: tagged(types.ResourceTypeSnapshot, tag("plan", "p1"), tag("run", "r1")),
	}))(s).Snapshots
}

var snapshotCases = []Case{
	{"snapshots", "of all volumes of an instance", "one for each volume, with the tags", createSnapshots, func(s *scene) {
		in := s.instance(s.owner(), 2)
		made := s.ofInstance(types.InstanceSpecification{InstanceId: &in.id}, "")
		s.check(len(made) == 3, "%d snapshots", len(made))
		for _, sn := range made {
			s.check(tagValue(sn.Tags, "plan") == "p1", "a snapshot without the tag")
		}
	}},
	{"snapshots", "of all volumes, state in the answer", "pending, with an empty or zero progress", createSnapshots, func(s *scene) {
		in := s.instance(s.owner(), 1)
		sn := s.ofInstance(types.InstanceSpecification{InstanceId: &in.id}, "")[0]
		s.check(sn.State == types.SnapshotStatePending, "the state is %q", sn.State)
		s.check(aws.ToString(sn.OwnerId) == Owner, "another owner")
	}},
	{"snapshots", "of all volumes, with the volumes' tags", "the tags of each volume, too", createSnapshots, func(s *scene) {
		in := s.instance(s.owner(), 1)
		for _, sn := range s.ofInstance(types.InstanceSpecification{InstanceId: &in.id}, types.CopyTagsFromSourceVolume) {
			s.check(tagValue(sn.Tags, "of") == "web", "a snapshot without its volume's tag")
		}
	}},
	{"snapshots", "of all volumes but the root", "none of the root volume", createSnapshots, func(s *scene) {
		in := s.instance(s.owner(), 2)
		made := s.ofInstance(types.InstanceSpecification{InstanceId: &in.id, ExcludeBootVolume: aws.Bool(true)}, "")
		s.check(len(made) == 2, "%d snapshots", len(made))
		for _, sn := range made {
			s.check(*sn.VolumeId != in.rootVolume(), "the root volume is among them")
		}
	}},
	{"snapshots", "of all volumes but a named one", "none of that volume", createSnapshots, func(s *scene) {
		in := s.instance(s.owner(), 2)
		made := s.ofInstance(types.InstanceSpecification{InstanceId: &in.id, ExcludeDataVolumeIds: []string{in.volumes["/dev/sdg"]}}, "")
		s.check(len(made) == 2, "%d snapshots", len(made))
	}},
	{"snapshots", "of an instance that does not exist", "InvalidInstanceID.NotFound", errorCodes, func(s *scene) {
		_, err := s.owner().ec2().CreateSnapshots(s.ctx, &ec2.CreateSnapshotsInput{InstanceSpecification: &types.InstanceSpecification{InstanceId: aws.String(noInstance)}})
		s.refused(err, "InvalidInstanceID.NotFound")
	}},
	{"snapshots", "of one volume, the answer", "pending, with tags, start and owner", createSnapshot, func(s *scene) {
		id := s.volume(s.owner(), "")
		sn := must(s.owner().ec2().CreateSnapshot(s.ctx, &ec2.CreateSnapshotInput{
			VolumeId: &id, Description: aws.String("one"), TagSpecifications: tagged(types.ResourceTypeSnapshot, tag("plan", "p1")),
		}))(s)
		s.check(sn.State == types.SnapshotStatePending, "the state is %q", sn.State)
		s.check(len(sn.Tags) == 1 && sn.StartTime != nil && aws.ToString(sn.OwnerId) == Owner && aws.ToString(sn.Description) == "one", "something is missing")
		s.check(aws.ToInt32(sn.VolumeSize) == 4 && aws.ToString(sn.VolumeId) == id, "another volume")
	}},
	{"snapshots", "of one volume, just after", "still pending", "EBS User Guide, Create Amazon EBS snapshots", func(s *scene) {
		id := s.volume(s.owner(), "")
		sn := must(s.owner().ec2().CreateSnapshot(s.ctx, &ec2.CreateSnapshotInput{VolumeId: &id}))(s)
		state := s.look(s.owner(), *sn.SnapshotId).State
		s.check(state == types.SnapshotStatePending, "it is %s", state)
	}},
	{"snapshots", "of one volume, in the end", "completed at 100%", "EBS User Guide, Create Amazon EBS snapshots", func(s *scene) {
		sn := s.look(s.owner(), s.snapshot(s.owner(), ""))
		s.check(aws.ToString(sn.Progress) == "100%", "the progress is %s", aws.ToString(sn.Progress))
	}},
	{"snapshots", "of one volume, waited for", "the SDK's waiter ends", "AWS SDK for Go, SnapshotCompletedWaiter", func(s *scene) {
		id := s.volume(s.owner(), "")
		sn := must(s.owner().ec2().CreateSnapshot(s.ctx, &ec2.CreateSnapshotInput{VolumeId: &id}))(s)
		waiter := ec2.NewSnapshotCompletedWaiter(s.owner().ec2(), func(o *ec2.SnapshotCompletedWaiterOptions) {
			o.MinDelay, o.MaxDelay = s.target.Poll, s.target.Poll
		})
		err := waiter.Wait(s.ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: []string{*sn.SnapshotId}}, s.target.Patience)
		s.check(err == nil, "it does not: %v", err)
	}},
	{"snapshots", "many of one volume in a moment", "SnapshotCreationPerVolumeRateExceeded", errorCodes, func(s *scene) {
		id := s.volume(s.owner(), "")
		var err error
		for i := 0; i < 13 && err == nil; i++ {
			_, err = s.owner().ec2().CreateSnapshot(s.ctx, &ec2.CreateSnapshotInput{VolumeId: &id})
		}
		s.refused(err, "SnapshotCreationPerVolumeRateExceeded")
	}},
	{"snapshots", "tag one", "the tag is there", "EC2 API Reference, CreateTags", func(s *scene) {
		id := s.snapshot(s.owner(), "")
		must(s.owner().ec2().CreateTags(s.ctx, &ec2.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{tag("k", "v")}}))(s)
		s.check(tagValue(s.look(s.owner(), id).Tags, "k") == "v", "the tag is not there")
	}},
	{"snapshots", "take a tag off", "the tag is gone", "EC2 API Reference, DeleteTags", func(s *scene) {
		id := s.snapshot(s.owner(), "")
		must(s.owner().ec2().CreateTags(s.ctx, &ec2.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{tag("k", "v"), tag("l", "w")}}))(s)
		must(s.owner().ec2().DeleteTags(s.ctx, &ec2.DeleteTagsInput{Resources: []string{id}, Tags: []types.Tag{{Key: aws.String("k")}}}))(s)
		tags := s.look(s.owner(), id).Tags
		s.check(len(tags) == 1 && tagValue(tags, "l") == "w", "%d tags are left", len(tags))
	}},
	{"snapshots", "take a tag off that has another value", "the tag stays", "EC2 API Reference, DeleteTags", func(s *scene) {
		id := s.snapshot(s.owner(), "")
		must(s.owner().ec2().CreateTags(s.ctx, &ec2.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{tag("k", "v")}}))(s)
		must(s.owner().ec2().DeleteTags(s.ctx, &ec2.DeleteTagsInput{Resources: []string{id}, Tags: []types.Tag{tag("k", "other")}}))(s)
		s.check(tagValue(s.look(s.owner(), id).Tags, "k") == "v", "the tag is gone")
	}},
	{"snapshots", "a tag that begins with aws:", "refused: the prefix is AWS's own", tagLimits, func(s *scene) {
		id := s.snapshot(s.owner(), "")
		_, err := s.owner().ec2().CreateTags(s.ctx, &ec2.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{tag("aws:x", "v")}})
		s.refused(err, "InvalidParameterValue", "InvalidTagKey.Malformed")
	}},
	{"snapshots", "60 tags", "TagLimitExceeded: 50", tagLimits, func(s *scene) {
		id := s.snapshot(s.owner(), "")
		var many []types.Tag
		for i := range 60 {
			many = append(many, tag(fmt.Sprint("t", i), "v"))
		}
		_, err := s.owner().ec2().CreateTags(s.ctx, &ec2.CreateTagsInput{Resources: []string{id}, Tags: many})
		s.refused(err, "TagLimitExceeded")
	}},
	{"snapshots", "tags for another kind of resource", "InvalidParameterValue", createSnapshot, func(s *scene) {
		id := s.volume(s.owner(), "")
		_, err := s.owner().ec2().CreateSnapshot(s.ctx, &ec2.CreateSnapshotInput{VolumeId: &id, TagSpecifications: tagged(types.ResourceTypeVolume, tag("k", "v"))})
		s.refused(err, "InvalidParameterValue")
	}},
}
