package ec2sim

import (
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A capture is an image about to be made of an instance.
type capture struct {
	instance *instance
	image    *image
	volumes  []*volume                    // to take snapshots of
	sources  []*snapshot                  // that the request adds
	tags     map[string]map[string]string // by kind of resource
}

// CreateImage makes an image of an instance, with a snapshot of each volume.
// Unless the request says NoReboot the instance is rebooted for it.
func (s *Service) CreateImage(c *core.Call, in *ec2.CreateImageInput) (*ec2.CreateImageOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	if in.SnapshotLocation != "" {
		return nil, c.Unsupported("SnapshotLocation")
	}
	if err := servedDisks(c, in.BlockDeviceMappings); err != nil {
		return nil, err
	}
	plan, err := s.capture(c, st, in)
	if err != nil {
		return nil, err
	}
	if err := allowed(c, in.DryRun, plan.needs(c)...); err != nil {
		return nil, err
	}
	inst := plan.instance
	state := inst.state(c.Now)
	if state != types.InstanceStateNameRunning && state != types.InstanceStateNameStopped {
		return nil, core.Errorf("IncorrectState", "Instance '%s' is not 'running' or 'stopped'.", inst.id)
	}
	if err := s.canSnapshot(c.Now, st, plan.volumes...); err != nil {
		return nil, err
	}
	if state == types.InstanceStateNameRunning && !aws.ToBool(in.NoReboot) {
		inst.boot(c.Now)
	}
	im := plan.image
	s.publish(c, im, plan.tags["image"])
	for i := range im.mappings {
		m := &im.mappings[i]
		v := slices.IndexFunc(plan.volumes, func(v *volume) bool { return v.attachment.device == m.device })
		if v < 0 {
			continue
		}
		sn := s.take(c.Now, st, plan.volumes[v])
		// Source: EC2 User Guide, "Create an Amazon EBS-backed AMI", the
		// description of its snapshots as the console shows it.
		sn.description = fmt.Sprintf("Created by CreateImage(%s) for %s", inst.id, im.id)
		sn.tags = ownTags(c.Account.ID, plan.tags["snapshot"])
		m.snapshot = sn.id
		im.made = append(im.made, sn)
	}
	return &ec2.CreateImageOutput{ImageId: aws.String(im.id)}, nil
}

// capture checks a request and works out the image it leads to.
func (s *Service) capture(c *core.Call, st *site, in *ec2.CreateImageInput) (*capture, error) {
	inst, err := s.ownInstance(c, in.InstanceId)
	if err != nil {
		return nil, err
	}
	tags, err := createTags(in.TagSpecifications, "image", "snapshot")
	if err != nil {
		return nil, err
	}
	if err := s.freeName(c, aws.ToString(in.Name)); err != nil {
		return nil, err
	}
	boot := inst.image.boot
	if override := in.BootModeOverride; override != "" {
		if !slices.Contains(override.Values(), override) || inst.bootMode() != types.InstanceBootModeValuesUefi {
			return nil, invalid("BootModeOverride", override)
		}
		boot = types.BootModeValues(override)
	}
	p := &capture{instance: inst, tags: tags, image: &image{
		site: st.Site, name: *in.Name, description: aws.ToString(in.Description), arch: inst.image.arch,
		virtualization: inst.image.virtualization, ena: inst.image.ena, boot: boot, tpm: inst.image.tpm, imds: inst.image.imds,
		sriov: inst.image.sriov, uefiData: inst.image.uefiData, platform: inst.platform, products: inst.products,
		rootDevice: inst.rootDevice, sourceImage: inst.image.id, sourceRegion: st.Region, sourceInstance: inst.id,
	}}
	for _, v := range inst.attached(c.Now) {
		p.volumes = append(p.volumes, v)
		p.image.mappings = append(p.image.mappings, v.mapping())
	}
	p.image.mappings = append(p.image.mappings, inst.stores...)
	for _, b := range in.BlockDeviceMappings {
		if err := s.edit(c, st, p, b); err != nil {
			return nil, err
		}
	}
	if !slices.ContainsFunc(p.volumes, func(v *volume) bool { return v.attachment.device == inst.rootDevice }) {
		return nil, core.Errorf("InvalidBlockDeviceMapping", "The root device '%s' has no volume to take a snapshot of", inst.rootDevice)
	}
	return p, nil
}

// mapping is how an image has a volume that is attached.
func (v *volume) mapping() mapping {
	m := mapping{
		device: v.attachment.device, size: v.size, kind: v.kind, throughput: v.throughput,
		encrypted: v.encrypted(), deleteOnTermination: v.attachment.deleteOnTermination,
	}
	if volumeTypes[v.kind].maxIOPS > 0 {
		m.iops = v.iops
	}
	return m
}

// edit lays one mapping of the request over those of the instance: it leaves
// a volume out, adds one, or changes whether one goes with its instance.
// Source: EC2 API Reference, CreateImage, BlockDeviceMappings.
func (s *Service) edit(c *core.Call, st *site, p *capture, b types.BlockDeviceMapping) error {
	device := aws.ToString(b.DeviceName)
	i := slices.IndexFunc(p.image.mappings, func(m mapping) bool { return m.device == device })
	switch {
	case b.NoDevice != nil && i >= 0:
		p.image.mappings = slices.Delete(p.image.mappings, i, i+1)
		p.volumes = slices.DeleteFunc(p.volumes, func(v *volume) bool { return v.attachment.device == device })
	case b.NoDevice != nil:
	case i < 0:
		m, source, err := s.planMapping(c, st, b)
		if err != nil {
			return err
		}
		p.image.mappings = append(p.image.mappings, m)
		if source != nil {
			p.sources = append(p.sources, source)
		}
	case b.Ebs == nil || b.VirtualName != nil || p.image.mappings[i].virtual != "":
		return core.Errorf("InvalidBlockDeviceMapping", "The device '%s' is mapped to another kind of volume", device)
	default:
		return p.image.mappings[i].override(*b.Ebs)
	}
	return nil
}

// override changes what may be changed of a volume that is in use.
func (m *mapping) override(asked types.EbsBlockDevice) error {
	if asked.VolumeSize != nil && *asked.VolumeSize != m.size || asked.Encrypted != nil && *asked.Encrypted != m.encrypted ||
		asked.SnapshotId != nil || asked.KmsKeyId != nil || asked.VolumeType != "" && asked.VolumeType != m.kind ||
		asked.Iops != nil && *asked.Iops != m.iops || asked.Throughput != nil && *asked.Throughput != m.throughput {
		return core.Errorf("InvalidBlockDeviceMapping", "Of the volume of device '%s' only DeleteOnTermination can be changed", m.device)
	}
	if asked.DeleteOnTermination != nil {
		m.deleteOnTermination = *asked.DeleteOnTermination
	}
	return nil
}

// needs names the image, the instance and each snapshot.
func (p *capture) needs(c *core.Call) []core.Need {
	made := newImage(p.image.site, p.tags["image"])
	out := append(needs("CreateImage", made, p.instance.existing()), tagging("CreateImage", made, p.tags["image"])...)
	for _, v := range p.volumes {
		sn := newSnapshotOf(v, p.tags["snapshot"])
		out = append(out, needs("CreateImage", sn)...)
		out = append(out, tagging("CreateImage", sn, p.tags["snapshot"])...)
	}
	for _, sn := range p.sources {
		out = append(out, needs("CreateImage", sn.existing("snapshot", c.Account.ID))...)
	}
	return out
}
