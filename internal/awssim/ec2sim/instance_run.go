package ec2sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A launch is what RunInstances is about to make, for each instance the same.
type launch struct {
	image    *image
	instance instance // the model of each
	disks    []launchDisk
	tags     map[string]map[string]string // by kind of resource
}

// A launchDisk is one volume of each instance.
type launchDisk struct {
	mapping mapping
	volume  volume    // the model
	source  *snapshot // or nil
}

// RunInstances launches instances with the volumes that the image and the
// request describe.
func (s *Service) RunInstances(c *core.Call, in *ec2.RunInstancesInput) (*ec2.RunInstancesOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	if err := onlyPlain(c, in); err != nil {
		return nil, err
	}
	if out, err := s.sameInstances(c, in); out != nil || err != nil {
		return out, err
	}
	l, err := s.launch(c, st, in)
	if err != nil {
		return nil, err
	}
	if err := c.Authorize(l.needs(c)...); err != nil {
		return nil, err
	}
	if err := c.DryRun(in.DryRun); err != nil {
		return nil, err
	}
	reservation := s.cloud.NewID("r")
	for i := range *in.MaxCount {
		s.start(c, st, l, reservation, i)
	}
	s.remember(c, in.ClientToken, in, reservation)
	return s.reservationOf(c, st, reservation), nil
}

// onlyPlain refuses what the simulation lacks.
func onlyPlain(c *core.Call, in *ec2.RunInstancesInput) error {
	for _, member := range []struct {
		name string
		set  bool
	}{
		{"LaunchTemplate", in.LaunchTemplate != nil},
		{"NetworkInterfaces", len(in.NetworkInterfaces) > 0},
		{"InstanceMarketOptions", in.InstanceMarketOptions != nil},
		{"HibernationOptions", in.HibernationOptions != nil},
		{"DisableApiTermination", aws.ToBool(in.DisableApiTermination)},
		{"DisableApiStop", aws.ToBool(in.DisableApiStop)},
	} {
		if member.set {
			return c.Unsupported(member.name)
		}
	}
	if in.MinCount == nil || in.MaxCount == nil || *in.MinCount < 1 || *in.MaxCount < *in.MinCount {
		return core.Errorf("InvalidParameterValue", "The counts of instances must be at least 1, and the maximum not below the minimum")
	}
	return nil
}

func (s *Service) sameInstances(c *core.Call, in *ec2.RunInstancesInput) (*ec2.RunInstancesOutput, error) {
	earlier, err := s.repeated(c, in.ClientToken, in)
	if earlier == nil || err != nil {
		return nil, err
	}
	st := s.site(Site{Account: c.Account.ID, Region: c.Region})
	out := s.reservationOf(c, st, earlier.id)
	var authorized []core.Need
	for _, i := range st.instances.items {
		if i.reservation == earlier.id {
			authorized = append(authorized, needs("RunInstances", i.planned(i.tags[c.Account.ID]))...)
		}
	}
	return out, c.Authorize(authorized...)
}

func (s *Service) reservationOf(c *core.Call, st *site, reservation string) *ec2.RunInstancesOutput {
	out := &ec2.RunInstancesOutput{OwnerId: aws.String(c.Account.ID), ReservationId: aws.String(reservation)}
	for _, i := range st.instances.items {
		if i.reservation == reservation {
			out.Instances = append(out.Instances, i.api(c.Now))
		}
	}
	return out
}

// launch checks a request and works out what it leads to.
func (s *Service) launch(c *core.Call, st *site, in *ec2.RunInstancesInput) (*launch, error) {
	tags, err := createTags(in.TagSpecifications, "instance", "volume", "network-interface")
	if err != nil {
		return nil, err
	}
	im, err := s.visibleImage(c, in.ImageId)
	if err != nil {
		return nil, err
	}
	if im.state(c.Now) != types.ImageStateAvailable {
		return nil, core.Errorf("InvalidAMIID.Unavailable", "The image ID '%s' is not available", im.id)
	}
	kind := in.InstanceType
	if kind == "" {
		kind = types.InstanceTypeM1Small // Source: EC2 API Reference, RunInstances, InstanceType.
	}
	if err := im.canRun(kind); err != nil {
		return nil, err
	}
	sub, err := st.place(in)
	if err != nil {
		return nil, err
	}
	groups, err := st.securityGroups(in)
	if err != nil {
		return nil, err
	}
	l := &launch{image: im, tags: tags, instance: instance{
		site: st.Site, image: im, kind: kind, subnet: sub, vpc: st.vpc, groups: groups,
		keyName: aws.ToString(in.KeyName), profile: profileARN(c, in.IamInstanceProfile), token: aws.ToString(in.ClientToken),
		ebsOptimized: aws.ToBool(in.EbsOptimized), rootDevice: im.rootDevice,
	}}
	l.disks, err = s.launchDisks(c, st, im, in.BlockDeviceMappings)
	for i := range l.disks {
		l.disks[i].volume.zone = sub.zone
	}
	return l, err
}

// place returns the subnet of a request: the one it names, the one of the
// zone it names, or the first.
func (st *site) place(in *ec2.RunInstancesInput) (subnet, error) {
	asked := ""
	if in.Placement != nil {
		asked = aws.ToString(in.Placement.AvailabilityZone)
	}
	if in.SubnetId != nil {
		i := slices.IndexFunc(st.subnets, func(sub subnet) bool { return sub.id == *in.SubnetId })
		if i < 0 {
			return subnet{}, core.Errorf("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", *in.SubnetId)
		}
		if asked != "" && asked != st.subnets[i].zone {
			return subnet{}, core.Errorf("InvalidParameterValue", "The subnet '%s' is not in the availability zone '%s'", *in.SubnetId, asked)
		}
		return st.subnets[i], nil
	}
	if asked == "" {
		return st.subnets[0], nil
	}
	if _, err := zone(st.Region, &asked, nil); err != nil {
		return subnet{}, err
	}
	return st.subnets[slices.IndexFunc(st.subnets, func(sub subnet) bool { return sub.zone == asked })], nil
}

func (st *site) securityGroups(in *ec2.RunInstancesInput) ([]string, error) {
	for _, id := range in.SecurityGroupIds {
		if id != st.group {
			return nil, core.Errorf("InvalidGroup.NotFound", "The security group '%s' does not exist", id)
		}
	}
	for _, name := range in.SecurityGroups {
		if name != "default" {
			return nil, core.Errorf("InvalidGroup.NotFound", "The security group '%s' does not exist in default VPC '%s'", name, st.vpc)
		}
	}
	return []string{st.group}, nil
}

func profileARN(c *core.Call, spec *types.IamInstanceProfileSpecification) string {
	switch {
	case spec == nil:
		return ""
	case spec.Arn != nil:
		return *spec.Arn
	}
	return c.Account.GlobalARN("iam", "instance-profile/"+aws.ToString(spec.Name))
}

// passedRole is the role that an instance profile passes to the instance. The
// simulation knows no instance profiles: each is taken to hold the role that
// has its name, as the console makes them.
func passedRole(profile string) string {
	return strings.Replace(profile, ":instance-profile/", ":role/", 1)
}

// launchDisks lays the request's mappings over the image's.
// Source: EC2 User Guide, "Block device mappings".
func (s *Service) launchDisks(c *core.Call, st *site, im *image, asked []types.BlockDeviceMapping) ([]launchDisk, error) {
	merged := slices.Clone(im.mappings)
	specs := map[string]types.EbsBlockDevice{}
	for _, b := range asked {
		device := aws.ToString(b.DeviceName)
		i := slices.IndexFunc(merged, func(m mapping) bool { return m.device == device })
		switch {
		case device == "":
			return nil, core.Errorf("MissingParameter", "The request must contain the parameter deviceName")
		case b.VirtualName != nil:
			return nil, c.Unsupported("VirtualName")
		case b.NoDevice != nil:
			if i >= 0 {
				merged = slices.Delete(merged, i, i+1)
			}
			continue
		case b.Ebs == nil:
			return nil, core.Errorf("InvalidBlockDeviceMapping", "The mapping of '%s' says nothing of a volume", device)
		case i < 0:
			merged = append(merged, mapping{device: device, deleteOnTermination: true})
			i = len(merged) - 1
		}
		if b.Ebs.DeleteOnTermination != nil {
			merged[i].deleteOnTermination = *b.Ebs.DeleteOnTermination
		}
		specs[device] = *b.Ebs
	}
	var disks []launchDisk
	for _, m := range merged {
		d, err := s.launchDisk(c, st, m, specs[m.device])
		if err != nil {
			return nil, err
		}
		disks = append(disks, d)
	}
	if !slices.ContainsFunc(disks, func(d launchDisk) bool { return d.mapping.device == im.rootDevice }) {
		return nil, core.Errorf("InvalidBlockDeviceMapping", "The root device '%s' has no volume", im.rootDevice)
	}
	return disks, nil
}

// launchDisk plans one volume: what the request leaves open is as the image
// has it. The image's snapshots need not be visible to whoever may launch it.
func (s *Service) launchDisk(c *core.Call, st *site, m mapping, asked types.EbsBlockDevice) (launchDisk, error) {
	source := s.snapshotByID(c.Now, m.snapshot)
	if id := aws.ToString(asked.SnapshotId); id != "" && id != m.snapshot {
		var err error
		if source, err = s.visibleSnapshot(c, c.Region, asked.SnapshotId); err != nil {
			return launchDisk{}, err
		}
	}
	spec := volumeSpec{
		size: asked.VolumeSize, kind: asked.VolumeType, iops: asked.Iops, throughput: asked.Throughput,
		encrypted: asked.Encrypted, key: asked.KmsKeyId,
	}
	if spec.size == nil && m.size > 0 {
		spec.size = aws.Int32(m.size)
	}
	if spec.kind == "" || spec.kind == m.kind {
		spec.kind = m.kind
		if spec.iops == nil && m.iops > 0 {
			spec.iops = aws.Int32(m.iops)
		}
		if spec.throughput == nil && m.throughput > 0 {
			spec.throughput = aws.Int32(m.throughput)
		}
	}
	v, err := s.plan(c, st, source, spec)
	if err != nil {
		return launchDisk{}, err
	}
	return launchDisk{mapping: m, volume: *v, source: source}, nil
}

// needs names everything that RunInstances touches.
func (l *launch) needs(c *core.Call) []core.Need {
	made := l.instance.planned(l.tags["instance"])
	at := l.instance.site
	sub := l.instance.subnet
	net := core.Keys("ec2:AvailabilityZone", sub.zone, "ec2:Vpc", arn(at, "vpc", l.instance.vpc), "ec2:Subnet", arn(at, "subnet", sub.id))
	nic := subject{
		kind: "network-interface", arn: arn(at, "network-interface", "*"), owner: at.Account,
		keys: core.WithRequestTags(net, l.tags["network-interface"]),
	}
	all := needs("RunInstances", l.image.existing(c.Account.ID), made, nic, subject{
		kind: "subnet", arn: arn(at, "subnet", sub.id), owner: at.Account,
		keys: core.Keys("ec2:AvailabilityZone", sub.zone, "ec2:AvailabilityZoneId", zoneID(sub.zone), "ec2:SubnetID", sub.id,
			"ec2:Vpc", arn(at, "vpc", l.instance.vpc)),
	})
	for _, g := range l.instance.groups {
		all = append(all, needs("RunInstances", subject{
			kind: "security-group", arn: arn(at, "security-group", g), owner: at.Account,
			keys: core.Keys("ec2:SecurityGroupID", g, "ec2:Vpc", arn(at, "vpc", l.instance.vpc)),
		})...)
	}
	if l.instance.keyName != "" {
		all = append(all, needs("RunInstances", subject{
			kind: "key-pair", arn: arn(at, "key-pair", l.instance.keyName), owner: at.Account,
			keys: core.Keys("ec2:KeyPairName", l.instance.keyName),
		})...)
	}
	for i := range l.disks {
		d := &l.disks[i]
		all = append(all, needs("RunInstances", d.volume.planned(l.tags["volume"]))...)
		// A snapshot that the request adds to those of the image.
		if d.source != nil && d.source.id != d.mapping.snapshot {
			all = append(all, needs("RunInstances", d.source.existing("snapshot", c.Account.ID))...)
		}
	}
	all = append(all, tagging("RunInstances", l.instance.planned(nil), l.tags["instance"])...)
	if len(l.disks) > 0 {
		all = append(all, tagging("RunInstances", l.disks[0].volume.planned(nil), l.tags["volume"])...)
	}
	if l.instance.profile != "" {
		all = append(all, core.Need{
			Action: "iam:PassRole", Resource: passedRole(l.instance.profile),
			Keys: core.Keys("iam:PassedToService", "ec2.amazonaws.com"),
		})
	}
	return all
}

// start makes one instance and its volumes. If the caller may not use the key
// of one, the instance never runs.
// Source of the reasons: EC2 User Guide, "Instance terminates immediately".
func (s *Service) start(c *core.Call, st *site, l *launch, reservation string, index int32) {
	inst := l.instance
	inst.id, inst.seq, inst.reservation, inst.index = s.cloud.NewID("i"), s.next(), reservation, index
	inst.made, inst.launched = c.Now, stamp(c.Now)
	inst.tags = ownTags(c.Account.ID, l.tags["instance"])
	st.addresses++
	inst.address = fmt.Sprintf("172.31.%d.%d", st.addresses/250%250, 4+st.addresses%250)
	inst.platform, inst.products = l.image.platform, l.image.products
	l.image.launched = inst.launched
	inst.boot(c.Now)
	inst.move(c.Now, types.InstanceStateNamePending, types.InstanceStateNameRunning, s.pace.Instance)
	made := &inst
	s.instances[made.id] = made
	st.instances.add(made)
	fault := keyWorks
	for _, d := range l.disks {
		v := d.volume
		v.tags = ownTags(c.Account.ID, l.tags["volume"])
		if f := s.make(c, st, &v, d.source); f != keyWorks {
			fault = f
		}
		s.attach(c, &v, made, d.mapping.device)
		v.attachment.deleteOnTermination = d.mapping.deleteOnTermination
	}
	if fault == keyWorks {
		return
	}
	made.move(c.Now, types.InstanceStateNamePending, types.InstanceStateNameTerminated, s.pace.Volume)
	made.reason = launchFailure(fault)
	for _, v := range made.volumes {
		v.vanishes = made.at
	}
}

func launchFailure(fault keyFault) *types.StateReason {
	if fault == keyState {
		return &types.StateReason{
			Code:    aws.String("Client.InvalidKMSKey.InvalidState"),
			Message: aws.String("Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state"),
		}
	}
	return &types.StateReason{
		Code: aws.String("Client.InternalError"), Message: aws.String("Client.InternalError: Client error on launch"),
	}
}
