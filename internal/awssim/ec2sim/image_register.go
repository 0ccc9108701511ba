package ec2sim

import (
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// imageName is what an image may be called.
// Source: EC2 API Reference, RegisterImage, Name.
var imageName = regexp.MustCompile(`^[a-zA-Z0-9()\[\] ./'@_-]{3,128}$`)

// RegisterImage makes an image of snapshots. What the request leaves out has
// the API's defaults, of which architecture i386 and virtualization type
// paravirtual hardly run anywhere.
func (s *Service) RegisterImage(c *core.Call, in *ec2.RegisterImageInput) (*ec2.RegisterImageOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	switch {
	case in.ImageLocation != nil:
		return nil, c.Unsupported("ImageLocation")
	case in.KernelId != nil, in.RamdiskId != nil:
		return nil, c.Unsupported("KernelId and RamdiskId")
	case len(in.BillingProducts) > 0:
		return nil, c.Unsupported("BillingProducts")
	}
	if err := servedDisks(c, in.BlockDeviceMappings); err != nil {
		return nil, err
	}
	tags, err := createTags(in.TagSpecifications, "image")
	if err != nil {
		return nil, err
	}
	if err := s.freeName(c, aws.ToString(in.Name)); err != nil {
		return nil, err
	}
	im, sources, err := s.planImage(c, st, in)
	if err != nil {
		return nil, err
	}
	made := newImage(st.Site, tags["image"])
	demanded := append(needs("RegisterImage", made), tagging("RegisterImage", made, tags["image"])...)
	for _, sn := range sources {
		demanded = append(demanded, needs("RegisterImage", sn.existing("snapshot", c.Account.ID))...)
	}
	if err := c.Authorize(demanded...); err != nil {
		return nil, err
	}
	if err := c.DryRun(in.DryRun); err != nil {
		return nil, err
	}
	s.publish(c, im, tags["image"])
	return &ec2.RegisterImageOutput{ImageId: aws.String(im.id)}, nil
}

// publish gives a new image its id and puts it among the others.
func (s *Service) publish(c *core.Call, im *image, tags map[string]string) {
	im.id = s.cloud.NewID("ami")
	im.created = stamp(c.Now)
	im.ready = im.created.Add(s.pace.Image)
	im.tags = ownTags(c.Account.ID, tags)
	s.addImage(im)
}

// freeName checks that an image name is well-formed and not in use.
func (s *Service) freeName(c *core.Call, name string) error {
	if !imageName.MatchString(name) {
		return core.Errorf("InvalidAMIName.Malformed", "AMI names must be between 3 and 128 characters long, and may contain"+
			" letters, numbers, and only the characters ( ) [ ] . - / ' @ _ and space")
	}
	for _, im := range s.region(c.Region).images.items {
		if im.site.Account == c.Account.ID && im.name == name {
			return core.Errorf("InvalidAMIName.Duplicate", "AMI name %s is already in use by AMI %s", name, im.id)
		}
	}
	return nil
}

// planImage works out the image of a request and the snapshots it is made of.
func (s *Service) planImage(c *core.Call, st *site, in *ec2.RegisterImageInput) (*image, []*snapshot, error) {
	im := &image{
		site: st.Site, platform: linux, name: *in.Name, description: aws.ToString(in.Description), arch: in.Architecture,
		virtualization: types.VirtualizationType(aws.ToString(in.VirtualizationType)), ena: aws.ToBool(in.EnaSupport),
		boot: in.BootMode, tpm: in.TpmSupport, imds: in.ImdsSupport, sriov: aws.ToString(in.SriovNetSupport),
		uefiData: aws.ToString(in.UefiData), rootDevice: aws.ToString(in.RootDeviceName),
	}
	if im.arch == "" {
		im.arch = types.ArchitectureValuesI386
	}
	if im.virtualization == "" {
		im.virtualization = types.VirtualizationTypeParavirtual
	}
	switch {
	case !slices.Contains(im.arch.Values(), im.arch):
		return nil, nil, invalid("architecture", im.arch)
	case !slices.Contains(im.virtualization.Values(), im.virtualization):
		return nil, nil, invalid("virtualizationType", im.virtualization)
	case im.boot != "" && !slices.Contains(im.boot.Values(), im.boot):
		return nil, nil, invalid("bootMode", im.boot)
	case im.rootDevice == "":
		return nil, nil, core.Errorf("MissingParameter", "The request must contain the parameter RootDeviceName")
	}
	var sources []*snapshot
	for _, b := range in.BlockDeviceMappings {
		m, source, err := s.planMapping(c, st, b)
		if err != nil {
			return nil, nil, err
		}
		if slices.ContainsFunc(im.mappings, func(other mapping) bool { return other.device == m.device }) {
			return nil, nil, core.Errorf("InvalidBlockDeviceMapping", "The device '%s' is used more than once in the block-device mapping.", m.device)
		}
		im.mappings = append(im.mappings, m)
		if source != nil {
			sources = append(sources, source)
		}
	}
	root := slices.IndexFunc(im.mappings, func(m mapping) bool { return m.device == im.rootDevice })
	if root < 0 || im.mappings[root].snapshot == "" {
		return nil, nil, core.Errorf("InvalidBlockDeviceMapping", "The root device '%s' must be mapped to a snapshot", im.rootDevice)
	}
	im.bill(sources)
	return im, sources, nil
}

// instanceStore names a volume of the computer that an instance runs on.
// Source: EC2 API Reference, BlockDeviceMapping, VirtualName.
var instanceStore = regexp.MustCompile(`^ephemeral([0-9]|1[0-9]|2[0-3])$`)

func storeMapping(device, name string) (mapping, *snapshot, error) {
	if !instanceStore.MatchString(name) {
		return mapping{}, nil, core.Errorf("InvalidBlockDeviceMapping", "The virtual name '%s' of device '%s' is not valid", name, device)
	}
	return mapping{device: device, virtual: name}, nil, nil
}

// planMapping works out one mapping. The encryption of a mapping with a
// snapshot is the snapshot's and cannot be given.
// Source: EC2 API Reference, RegisterImage, BlockDeviceMappings.
func (s *Service) planMapping(c *core.Call, st *site, b types.BlockDeviceMapping) (mapping, *snapshot, error) {
	device := aws.ToString(b.DeviceName)
	switch {
	case b.NoDevice != nil:
		return mapping{}, nil, c.Unsupported("NoDevice")
	case device != "" && b.VirtualName != nil && b.Ebs == nil:
		return storeMapping(device, *b.VirtualName)
	case device == "" || b.Ebs == nil:
		return mapping{}, nil, core.Errorf("InvalidBlockDeviceMapping", "A mapping needs a device and a volume")
	case b.Ebs.KmsKeyId != nil, b.Ebs.Encrypted != nil && b.Ebs.SnapshotId != nil:
		return mapping{}, nil, core.Errorf("InvalidBlockDeviceMapping", "The encryption of a snapshot's volume cannot be specified for device '%s'", device)
	}
	var source *snapshot
	if b.Ebs.SnapshotId != nil {
		var err error
		if source, err = s.visibleSnapshot(c, c.Region, b.Ebs.SnapshotId); err != nil {
			return mapping{}, nil, err
		}
	}
	v, err := s.plan(c, st, source, volumeSpec{
		size: b.Ebs.VolumeSize, kind: b.Ebs.VolumeType, iops: b.Ebs.Iops, throughput: b.Ebs.Throughput, encrypted: b.Ebs.Encrypted,
	})
	if err != nil {
		return mapping{}, nil, err
	}
	m := mapping{
		device: device, snapshot: v.snapshot, size: v.size, kind: v.kind, throughput: v.throughput,
		encrypted: source != nil && source.encrypted(), deleteOnTermination: b.Ebs.DeleteOnTermination == nil || *b.Ebs.DeleteOnTermination,
	}
	if volumeTypes[v.kind].maxIOPS > 0 {
		m.iops = v.iops
	}
	return m, source, nil
}
