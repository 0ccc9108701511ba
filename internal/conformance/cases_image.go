package conformance

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const createImage = "EC2 API Reference, CreateImage"

// image makes one of a running instance with a data volume, and waits for it.
func (s *scene) image() (id string) {
	in := s.instance(s.owner(), 1)
	out := must(s.owner().ec2().CreateImage(s.ctx, &ec2.CreateImageInput{InstanceId: &in.id, Name: aws.String("image"), NoReboot: aws.Bool(true)}))(s)
	s.imageIsThere(s.owner(), *out.ImageId)
	return *out.ImageId
}

func (s *scene) imageIsThere(a actor, id string) {
	s.until("an image that is available", func() bool {
		im := s.lookImage(a, id)
		s.check(im.State != types.ImageStateFailed, "the image failed")
		return im.State == types.ImageStateAvailable
	})
}

func (s *scene) lookImage(a actor, id string) types.Image {
	out := must(a.ec2().DescribeImages(s.ctx, &ec2.DescribeImagesInput{ImageIds: []string{id}}))(s)
	s.check(len(out.Images) == 1, "%d images of one id", len(out.Images))
	return out.Images[0]
}

func behind(im types.Image) (snapshots []string) {
	for _, m := range im.BlockDeviceMappings {
		if m.Ebs != nil && m.Ebs.SnapshotId != nil {
			snapshots = append(snapshots, *m.Ebs.SnapshotId)
		}
	}
	return snapshots
}

// register makes an image of a snapshot.
func (s *scene) register(snapshot string) (id string) {
	return *must(s.owner().ec2().RegisterImage(s.ctx, &ec2.RegisterImageInput{
		Name: aws.String("registered"), Architecture: types.ArchitectureValuesX8664, VirtualizationType: aws.String("hvm"), EnaSupport: aws.Bool(true),
		RootDeviceName:      aws.String("/dev/sda1"),
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sda1"), Ebs: &types.EbsBlockDevice{SnapshotId: &snapshot}}},
	}))(s).ImageId
}

func (s *scene) shareImage(id string) {
	must(s.owner().ec2().ModifyImageAttribute(s.ctx, &ec2.ModifyImageAttributeInput{
		ImageId: &id, LaunchPermission: &types.LaunchPermissionModifications{Add: []types.LaunchPermission{{UserId: aws.String(Vault)}}},
	}))(s)
}

var imageCases = []Case{
	{"image", "of an instance with two volumes", "two snapshots behind it, of the account", createImage, func(s *scene) {
		im := s.lookImage(s.owner(), s.image())
		s.check(len(behind(im)) == 2, "%d snapshots", len(behind(im)))
		s.check(aws.ToString(im.OwnerId) == Owner, "another owner")
	}},
	{"image", "of an instance, with tags for image and snapshots", "both have them", createImage, func(s *scene) {
		in := s.instance(s.owner(), 1)
		plan := []types.Tag{tag("plan", "p")}
		out := must(s.owner().ec2().CreateImage(s.ctx, &ec2.CreateImageInput{
			InstanceId: &in.id, Name: aws.String("image"), NoReboot: aws.Bool(true),
			TagSpecifications: []types.TagSpecification{{ResourceType: "image", Tags: plan}, {ResourceType: "snapshot", Tags: plan}},
		}))(s)
		im := s.lookImage(s.owner(), *out.ImageId)
		s.check(tagValue(im.Tags, "plan") == "p", "the image has not")
		s.check(tagValue(s.look(s.owner(), behind(im)[0]).Tags, "plan") == "p", "the snapshots have not")
	}},
	{"image", "a name that is taken", "InvalidAMIName.Duplicate", errorCodes, func(s *scene) {
		in := s.instance(s.owner(), 0)
		ask := &ec2.CreateImageInput{InstanceId: &in.id, Name: aws.String("image"), NoReboot: aws.Bool(true)}
		must(s.owner().ec2().CreateImage(s.ctx, ask))(s)
		_, err := s.owner().ec2().CreateImage(s.ctx, ask)
		s.refused(err, "InvalidAMIName.Duplicate")
	}},
	{"image", "delete a snapshot behind one", "InvalidSnapshot.InUse", errorCodes, func(s *scene) {
		s.refused(s.delete(s.owner(), behind(s.lookImage(s.owner(), s.image()))[0]), "InvalidSnapshot.InUse")
	}},
	{"image", "of another account", "InvalidAMIID.NotFound", errorCodes, func(s *scene) {
		_, err := s.vault().ec2().DescribeImages(s.ctx, &ec2.DescribeImagesInput{ImageIds: []string{s.image()}})
		s.refused(err, "InvalidAMIID.NotFound")
	}},
	{"image", "shared with an account", "it sees it", "EC2 User Guide, Share an AMI with specific AWS accounts", func(s *scene) {
		id := s.image()
		s.shareImage(id)
		s.lookImage(s.vault(), id)
	}},
	{"image", "copy into another Region, encrypted", "an image with encrypted snapshots there", "EC2 API Reference, CopyImage", func(s *scene) {
		id := s.image()
		there := s.owner().in(ireland)
		out := must(there.ec2().CopyImage(s.ctx, &ec2.CopyImageInput{
			Name: aws.String("copy"), SourceImageId: &id, SourceRegion: aws.String(virginia), Encrypted: aws.Bool(true),
		}))(s)
		s.imageIsThere(there, *out.ImageId)
		for _, m := range s.lookImage(there, *out.ImageId).BlockDeviceMappings {
			s.check(m.Ebs != nil && aws.ToBool(m.Ebs.Encrypted), "a snapshot that is not encrypted")
		}
	}},
	{"image", "deregister", "it is gone, and its snapshots can be deleted", "EC2 User Guide, Deregister an AMI", func(s *scene) {
		id := s.image()
		snapshots := behind(s.lookImage(s.owner(), id))
		must(s.owner().ec2().DeregisterImage(s.ctx, &ec2.DeregisterImageInput{ImageId: &id}))(s)
		_, err := s.owner().ec2().DescribeImages(s.ctx, &ec2.DescribeImagesInput{ImageIds: []string{id}})
		s.refused(err, "InvalidAMIID.NotFound", "InvalidAMIID.Unavailable")
		s.works(s.delete(s.owner(), snapshots[0]))
	}},
	{"image", "register one of a snapshot", "an image that holds the snapshot", "EC2 API Reference, RegisterImage", func(s *scene) {
		id := s.snapshot(s.owner(), "")
		im := s.lookImage(s.owner(), s.register(id))
		s.check(len(behind(im)) == 1 && behind(im)[0] == id, "%d snapshots behind it", len(behind(im)))
		s.refused(s.delete(s.owner(), id), "InvalidSnapshot.InUse")
	}},
	{"image", "register one of a snapshot that does not exist", "InvalidSnapshot.NotFound", errorCodes, func(s *scene) {
		_, err := s.owner().ec2().RegisterImage(s.ctx, &ec2.RegisterImageInput{
			Name: aws.String("registered"), RootDeviceName: aws.String("/dev/sda1"),
			BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sda1"), Ebs: &types.EbsBlockDevice{SnapshotId: aws.String(noSnapshot)}}},
		})
		s.refused(err, "InvalidSnapshot.NotFound")
	}},
	{"image", "run an instance of a registered one", "an instance whose root volume comes from the snapshot", "EC2 API Reference, RunInstances", func(s *scene) {
		snapshot := s.snapshot(s.owner(), "")
		id := s.register(snapshot)
		s.imageIsThere(s.owner(), id)
		out := must(s.owner().ec2().RunInstances(s.ctx, &ec2.RunInstancesInput{
			ImageId: &id, MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: types.InstanceTypeT3Micro,
		}))(s)
		s.instanceIs(s.owner(), *out.Instances[0].InstanceId, types.InstanceStateNameRunning)
		volumes := must(s.owner().ec2().DescribeVolumes(s.ctx, &ec2.DescribeVolumesInput{
			Filters: []types.Filter{filter("attachment.instance-id", *out.Instances[0].InstanceId)},
		}))(s)
		s.check(len(volumes.Volumes) == 1 && aws.ToString(volumes.Volumes[0].SnapshotId) == snapshot, "%d volumes, of the snapshot: false", len(volumes.Volumes))
	}},
}
