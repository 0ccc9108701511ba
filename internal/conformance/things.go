package conformance

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// What the cases are about is made here, each with as few calls as it takes.

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: &name, Values: values}
}

func tag(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }

func tagged(kind types.ResourceType, tags ...types.Tag) []types.TagSpecification {
	return []types.TagSpecification{{ResourceType: kind, Tags: tags}}
}

func tagValue(tags []types.Tag, key string) string {
	for _, t := range tags {
		if aws.ToString(t.Key) == key {
			return aws.ToString(t.Value)
		}
	}
	return ""
}

// An instance and its volumes by device.
type instance struct {
	id      string
	root    string // device of the root volume
	volumes map[string]string
}

func (i instance) rootVolume() string { return i.volumes[i.root] }

// anyImage is for targets that list no images but run instances of any.
const anyImage = "ami-12c6146b"

// instance runs one with a root volume of 8 GiB and data volumes of 10, 11 …
// GiB, and waits until it is running.
func (s *scene) instance(a actor, data int) instance {
	image, root := anyImage, "/dev/sda1"
	images := must(a.ec2().DescribeImages(s.ctx, &ec2.DescribeImagesInput{Filters: []types.Filter{filter("architecture", "x86_64")}}))(s)
	if len(images.Images) > 0 {
		image, root = *images.Images[0].ImageId, aws.ToString(images.Images[0].RootDeviceName)
	}
	mappings := []types.BlockDeviceMapping{{DeviceName: &root, Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(8), DeleteOnTermination: aws.Bool(true)}}}
	for i := range data {
		mappings = append(mappings, types.BlockDeviceMapping{
			DeviceName: aws.String(fmt.Sprintf("/dev/sd%c", 'f'+i)),
			Ebs:        &types.EbsBlockDevice{VolumeSize: aws.Int32(int32(10 + i)), DeleteOnTermination: aws.Bool(false)},
		})
	}
	out := must(a.ec2().RunInstances(s.ctx, &ec2.RunInstancesInput{
		ImageId: &image, MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: types.InstanceTypeT3Micro, BlockDeviceMappings: mappings,
		TagSpecifications: []types.TagSpecification{
			{ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{tag("backup", "daily"), tag("Name", "web")}},
			{ResourceType: types.ResourceTypeVolume, Tags: []types.Tag{tag("of", "web")}},
		},
	}))(s)
	in := instance{id: *out.Instances[0].InstanceId, root: root, volumes: map[string]string{}}
	s.instanceIs(a, in.id, types.InstanceStateNameRunning)
	volumes := must(a.ec2().DescribeVolumes(s.ctx, &ec2.DescribeVolumesInput{Filters: []types.Filter{filter("attachment.instance-id", in.id)}}))(s)
	for _, v := range volumes.Volumes {
		in.volumes[aws.ToString(v.Attachments[0].Device)] = *v.VolumeId
	}
	return in
}

// instanceIs waits until an instance is in a state.
func (s *scene) instanceIs(a actor, id string, want types.InstanceStateName) {
	s.until("an instance that is "+string(want), func() bool {
		out := must(a.ec2().DescribeInstances(s.ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}}))(s)
		return out.Reservations[0].Instances[0].State.Name == want
	})
}

// volume makes a volume of 4 GiB under a key, or of none, and waits until it
// is available.
func (s *scene) volume(a actor, key string) (id string) {
	in := &ec2.CreateVolumeInput{AvailabilityZone: aws.String(a.cfg.Region + "a"), Size: aws.Int32(4), VolumeType: types.VolumeTypeGp3}
	switch key {
	case "":
	case defaultKey:
		in.Encrypted = aws.Bool(true)
	default:
		in.Encrypted, in.KmsKeyId = aws.Bool(true), &key
	}
	out := must(a.ec2().CreateVolume(s.ctx, in))(s)
	s.volumeIs(a, *out.VolumeId, types.VolumeStateAvailable)
	return *out.VolumeId
}

// defaultKey stands for the account's own key for EBS, alias/aws/ebs.
const defaultKey = "aws/ebs"

func (s *scene) volumeIs(a actor, id string, want types.VolumeState) {
	s.until("a volume that is "+string(want), func() bool {
		out := must(a.ec2().DescribeVolumes(s.ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{id}}))(s)
		return out.Volumes[0].State == want
	})
}

// snapshot makes a snapshot of a new volume and waits until it is completed.
func (s *scene) snapshot(a actor, key string) (id string) {
	return s.snapshotOf(a, s.volume(a, key))
}

// snapshotOf makes a snapshot of a volume and waits until it is completed.
func (s *scene) snapshotOf(a actor, volume string) (id string) {
	out := must(a.ec2().CreateSnapshot(s.ctx, &ec2.CreateSnapshotInput{VolumeId: &volume}))(s)
	s.completed(a, *out.SnapshotId)
	return *out.SnapshotId
}

// completed waits until a snapshot is.
func (s *scene) completed(a actor, id string) {
	s.until("a snapshot that is completed", func() bool {
		sn := s.look(a, id)
		s.check(sn.State != types.SnapshotStateError, "the snapshot failed: %s", aws.ToString(sn.StateMessage))
		return sn.State == types.SnapshotStateCompleted
	})
}

// look describes one snapshot.
func (s *scene) look(a actor, id string) types.Snapshot {
	out := must(a.ec2().DescribeSnapshots(s.ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: []string{id}}))(s)
	s.check(len(out.Snapshots) == 1, "%d snapshots of one id", len(out.Snapshots))
	return out.Snapshots[0]
}

// list describes snapshots and returns their ids.
func (s *scene) list(a actor, in *ec2.DescribeSnapshotsInput) []string {
	out := must(a.ec2().DescribeSnapshots(s.ctx, in))(s)
	var ids []string
	for _, sn := range out.Snapshots {
		ids = append(ids, *sn.SnapshotId)
	}
	return ids
}

// share changes with whom a snapshot is shared.
func (s *scene) share(a actor, snapshot, account string, op types.OperationType) error {
	_, err := a.ec2().ModifySnapshotAttribute(s.ctx, &ec2.ModifySnapshotAttributeInput{
		SnapshotId: &snapshot, Attribute: types.SnapshotAttributeNameCreateVolumePermission, OperationType: op, UserIds: []string{account},
	})
	return err
}

// shared makes a snapshot of the owner's that the vault may use.
func (s *scene) shared(key string) (id string) {
	id = s.snapshot(s.owner(), key)
	s.works(s.share(s.owner(), id, Vault, types.OperationTypeAdd))
	return id
}

// key makes a KMS key with a policy, or the default one, and returns its ARN.
func (s *scene) key(a actor, policy string) (arn string) {
	in := &kms.CreateKeyInput{}
	if policy != "" {
		in.Policy = &policy
	}
	return *must(a.kms().CreateKey(s.ctx, in))(s).KeyMetadata.Arn
}
