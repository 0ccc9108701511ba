package backuptest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// A Disk is a volume to be put into an account.
type Disk struct {
	// GiB is its size. Zero means 8.
	GiB int32
	// Type such as "gp3" or "st1". Empty means gp3.
	Type types.VolumeType
	// KeyARN encrypts it. Empty means not encrypted, and "aws/ebs" the key that
	// AWS manages, whose snapshots cannot be shared.
	KeyARN string
	// Zone is the last letter of its Availability Zone, for AddVolume. Empty means "a".
	Zone string
	Tags map[string]string // for AddVolume; those of an instance's disks are the instance's
	// Blocks are written to it, by block index.
	Blocks map[int64][]byte
	// Fill is written to it before Blocks. Nil means nothing.
	Fill *Fill
}

// An Instance is an EC2 instance to be put into an account.
type Instance struct {
	// Name is its tag Name. Empty means none.
	Name string
	// Type such as "m7g.large". Empty means t3.micro; one of arm64 gets an image for it.
	Type types.InstanceType
	Tags map[string]string // beside the name
	// Disks are its data volumes, at /dev/sdf and the letters after it. The root
	// volume comes from the base image.
	Disks []Disk
}

// keyOfAWS is how people name the key that AWS manages for EBS.
const keyOfAWS = "aws/ebs"

// AddKey puts a KMS key into an account and returns its ARN. Without a policy
// it has the default one, by which the account's IAM policies decide.
func (c *Cloud) AddKey(account accounts.ID, region string, policy *iampolicy.Document) (arn string, err error) {
	in := &kms.CreateKeyInput{}
	if policy != nil {
		text, err := policy.MarshalCompact()
		if err != nil {
			return "", fmt.Errorf("backuptest: key policy: %w", err)
		}
		in.Policy, in.BypassPolicyLockoutSafetyCheck = aws.String(string(text)), true
	}
	out, err := kms.NewFromConfig(c.builder(account, region)).CreateKey(context.Background(), in)
	if err != nil {
		return "", fmt.Errorf("backuptest: %w", err)
	}
	return *out.KeyMetadata.Arn, nil
}

// AddVolume puts a volume into an account. It is available at once.
func (c *Cloud) AddVolume(account accounts.ID, region string, d Disk) (Ref, error) {
	zone := d.Zone
	if zone == "" {
		zone = "a"
	}
	e := d.mapping()
	out, err := c.root(account, region).CreateVolume(context.Background(), &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String(region + zone), Size: e.VolumeSize, VolumeType: e.VolumeType,
		Encrypted: e.Encrypted, KmsKeyId: e.KmsKeyId, TagSpecifications: tagSpecs(d.Tags, types.ResourceTypeVolume),
	})
	if err != nil {
		return Ref{}, fmt.Errorf("backuptest: %w", err)
	}
	ref := Ref{Account: account, Region: region, ID: *out.VolumeId}
	c.settle(account, region)
	return ref, c.write(ref, d)
}

// AddInstance puts an instance into an account and returns its id and its
// volumes, the root volume first. It runs at once. Its tags are on its volumes too.
func (c *Cloud) AddInstance(account accounts.ID, region string, in Instance) (id string, volumes []Ref, err error) {
	if in.Type == "" {
		in.Type = types.InstanceTypeT3Micro
	}
	all := maps.Clone(in.Tags)
	if in.Name != "" {
		if all == nil {
			all = map[string]string{}
		}
		all["Name"] = in.Name
	}
	run := &ec2.RunInstancesInput{
		ImageId:  aws.String(c.BaseImage(region, architecture(in.Type))),
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: in.Type,
		TagSpecifications: tagSpecs(all, types.ResourceTypeInstance, types.ResourceTypeVolume),
	}
	for i, d := range in.Disks {
		run.BlockDeviceMappings = append(run.BlockDeviceMappings, types.BlockDeviceMapping{
			DeviceName: aws.String("/dev/sd" + string(rune('f'+i))), Ebs: d.mapping(),
		})
	}
	out, err := c.root(account, region).RunInstances(context.Background(), run)
	if err != nil {
		return "", nil, fmt.Errorf("backuptest: %w", err)
	}
	c.settle(account, region)
	id = *out.Instances[0].InstanceId
	volumes, err = c.volumesOf(account, region, id)
	for i, d := range in.Disks {
		if err == nil {
			err = c.write(volumes[i+1], d)
		}
	}
	return id, volumes, err
}

// volumesOf returns the volumes of an instance in the order of their devices:
// the root volume's, /dev/xvda or /dev/sda1, is the first.
func (c *Cloud) volumesOf(account accounts.ID, region, instance string) ([]Ref, error) {
	found, err := c.root(account, region).DescribeInstances(context.Background(), &ec2.DescribeInstancesInput{InstanceIds: []string{instance}})
	if err != nil {
		return nil, fmt.Errorf("backuptest: %w", err)
	}
	in := found.Reservations[0].Instances[0]
	mappings := slices.SortedFunc(slices.Values(in.BlockDeviceMappings), func(a, b types.InstanceBlockDeviceMapping) int {
		switch root := aws.ToString(in.RootDeviceName); {
		case *a.DeviceName == root:
			return -1
		case *b.DeviceName == root:
			return 1
		}
		return strings.Compare(*a.DeviceName, *b.DeviceName)
	})
	var volumes []Ref
	for _, m := range mappings {
		volumes = append(volumes, Ref{Account: account, Region: region, ID: *m.Ebs.VolumeId})
	}
	return volumes, nil
}

// root is a client of the account's root user, which nothing but an SCP binds.
func (c *Cloud) root(account accounts.ID, region string) *ec2.Client {
	return ec2.NewFromConfig(c.builder(account, region))
}

// builder is the configuration of root: what SetFault, SetLag and the limits
// on requests do to others does not happen to it.
func (c *Cloud) builder(account accounts.ID, region string) aws.Config {
	cfg := c.Config(c.Root(account), region)
	cfg.HTTPClient = c.sim.Builder()
	return cfg
}

func (c *Cloud) settle(account accounts.ID, region string) {
	c.sim.EC2().Settle(ec2sim.Site{Account: account.String(), Region: region})
}

// write writes what is on a disk.
func (c *Cloud) write(ref Ref, d Disk) error {
	if d.Fill != nil {
		if err := c.FillVolume(ref, *d.Fill); err != nil {
			return err
		}
	}
	for _, i := range slices.Sorted(maps.Keys(d.Blocks)) {
		if err := c.WriteVolume(ref, i, d.Blocks[i]); err != nil {
			return err
		}
	}
	return nil
}

// mapping describes a disk as RunInstances wants it.
func (d Disk) mapping() *types.EbsBlockDevice {
	e := &types.EbsBlockDevice{VolumeSize: aws.Int32(8), VolumeType: types.VolumeTypeGp3}
	if d.GiB != 0 {
		e.VolumeSize = aws.Int32(d.GiB)
	}
	if d.Type != "" {
		e.VolumeType = d.Type
	}
	if d.KeyARN != "" {
		e.Encrypted = aws.Bool(true)
		if d.KeyARN != keyOfAWS {
			e.KmsKeyId = aws.String(d.KeyARN)
		}
	}
	return e
}

func tagSpecs(tags map[string]string, kinds ...types.ResourceType) []types.TagSpecification {
	if len(tags) == 0 {
		return nil
	}
	var list []types.Tag
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	var specs []types.TagSpecification
	for _, kind := range kinds {
		specs = append(specs, types.TagSpecification{ResourceType: kind, Tags: list})
	}
	return specs
}

// architecture of an instance type: AWS names those with its own Graviton
// processors with a g after the generation.
// Source: EC2 User Guide, "Amazon EC2 instance type naming conventions".
func architecture(t types.InstanceType) types.ArchitectureValues {
	family, _, _ := strings.Cut(string(t), ".")
	if i := strings.LastIndexAny(family, "0123456789"); i >= 0 && strings.HasPrefix(family[i+1:], "g") {
		return types.ArchitectureValuesArm64
	}
	return types.ArchitectureValuesX8664
}
