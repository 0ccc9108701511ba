package ec2sim

import (
	"encoding/base64"

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
	nics     []launchNIC
	key      *keyPair                     // or nil
	profile  string                       // ARN of the instance profile
	tags     map[string]map[string]string // by kind of resource
}

// runMembers are those of RunInstances that are served.
const runMembers = "BlockDeviceMappings ClientToken DisableApiStop DisableApiTermination EbsOptimized HibernationOptions " +
	"IamInstanceProfile ImageId InstanceInitiatedShutdownBehavior InstanceType KeyName MaxCount MetadataOptions MinCount Monitoring " +
	"NetworkInterfaces Placement PrivateIpAddress SecurityGroupIds SecurityGroups SubnetId TagSpecifications UserData"

// RunInstances launches instances with the volumes that the image and the
// request describe.
func (s *Service) RunInstances(c *core.Call, in *ec2.RunInstancesInput) (*ec2.RunInstancesOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	if err := servedRun(c, in); err != nil {
		return nil, err
	}
	if in.MinCount == nil || in.MaxCount == nil || *in.MinCount < 1 || *in.MaxCount < *in.MinCount {
		return nil, core.Errorf("InvalidParameterValue", "The counts of instances must be at least 1, and the maximum not below the minimum")
	}
	if out, err := s.sameInstances(c, in); out != nil || err != nil {
		return out, err
	}
	l, err := s.launch(c, st, in)
	if err != nil {
		return nil, err
	}
	if err := allowed(c, in.DryRun, l.needs(c)...); err != nil {
		return nil, err
	}
	st.sweep(c.Now)
	if err := l.room(int(*in.MaxCount)); err != nil {
		return nil, err
	}
	reservation := s.cloud.NewID("r")
	for i := range *in.MaxCount {
		if err := s.start(c, st, l, reservation, i); err != nil {
			return nil, err
		}
	}
	s.remember(c, in.ClientToken, in, reservation)
	return s.reservationOf(c, st, reservation), nil
}

// servedRun refuses what the simulation lacks, also inside of members.
func servedRun(c *core.Call, in *ec2.RunInstancesInput) error {
	if err := served(c, in, runMembers); err != nil {
		return err
	}
	if in.Placement != nil {
		if in.Placement.Tenancy != "" && in.Placement.Tenancy != types.TenancyDefault {
			return c.Unsupported("Placement.Tenancy")
		}
		if err := served(c, in.Placement, "AvailabilityZone Tenancy"); err != nil {
			return err
		}
	}
	for i := range in.NetworkInterfaces {
		if err := served(c, &in.NetworkInterfaces[i], "DeleteOnTermination Description DeviceIndex Groups NetworkInterfaceId PrivateIpAddress SubnetId"); err != nil {
			return err
		}
	}
	return servedDisks(c, in.BlockDeviceMappings)
}

// servedDisks is served for the volumes of block device mappings.
func servedDisks(c *core.Call, mappings []types.BlockDeviceMapping) error {
	for _, b := range mappings {
		if b.Ebs == nil {
			continue
		}
		if err := served(c, b.Ebs, "DeleteOnTermination Encrypted Iops KmsKeyId SnapshotId Throughput VolumeInitializationRate VolumeSize VolumeType"); err != nil {
			return err
		}
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
		return nil, unavailable(im)
	}
	kind := in.InstanceType
	if kind == "" {
		kind = types.InstanceTypeM1Small // Source: EC2 API Reference, RunInstances, InstanceType.
	}
	if err := im.canRun(kind); err != nil {
		return nil, err
	}
	l := &launch{image: im, tags: tags, profile: profileARN(c, in.IamInstanceProfile), instance: instance{
		site: st.Site, image: im, kind: kind, token: aws.ToString(in.ClientToken), platform: im.platform, products: im.products,
		ebsOptimized: aws.ToBool(in.EbsOptimized), rootDevice: im.rootDevice,
	}}
	if l.profile != "" {
		l.instance.profile = &profileUse{arn: l.profile} // for its condition key
	}
	if err := st.place(l, in); err != nil {
		return nil, err
	}
	if in.KeyName != nil {
		if l.key, err = st.keyNamed(in.KeyName); err != nil {
			return nil, err
		}
		l.instance.keyName = l.key.name
	}
	if l.disks, l.instance.stores, err = s.launchDisks(c, st, im, in.BlockDeviceMappings); err != nil {
		return nil, err
	}
	for i := range l.disks {
		l.disks[i].volume.zone = l.instance.subnet.zone
	}
	return l, l.setOptions(c, in)
}

// setOptions reads what a request says of the instance itself.
func (l *launch) setOptions(c *core.Call, in *ec2.RunInstancesInput) error {
	o := &l.instance.options
	o.keepRunning, o.keepAlive = aws.ToBool(in.DisableApiStop), aws.ToBool(in.DisableApiTermination)
	o.monitoring = in.Monitoring != nil && aws.ToBool(in.Monitoring.Enabled)
	o.shutdown = types.ShutdownBehaviorStop
	if in.InstanceInitiatedShutdownBehavior != "" {
		o.shutdown = in.InstanceInitiatedShutdownBehavior
	}
	if err := o.setUserData(in.UserData); err != nil {
		return err
	}
	o.metadata = metadataOptions(l.image, in.MetadataOptions)
	if in.HibernationOptions == nil || !aws.ToBool(in.HibernationOptions.Configured) {
		return nil
	}
	for _, d := range l.disks {
		// Source: EC2 User Guide, "Prerequisites for EC2 instance hibernation":
		// the root volume is encrypted.
		if d.mapping.device == l.image.rootDevice && !d.volume.encrypted() {
			return core.Errorf("UnsupportedHibernationConfiguration", "Hibernation needs an encrypted root volume")
		}
	}
	o.hibernation = true
	return nil
}

// setUserData checks and sets user data, which comes in base64.
// Source of the number: EC2 User Guide, "Run commands when you launch an EC2
// instance with user data input": 16 KB before it is encoded.
func (o *instanceOptions) setUserData(text *string) error {
	raw, err := base64.StdEncoding.DecodeString(aws.ToString(text))
	switch {
	case err != nil:
		return core.Errorf("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.")
	case len(raw) > 16<<10:
		return core.Errorf("InvalidParameterValue", "User data is limited to 16384 bytes")
	}
	o.userData = aws.ToString(text)
	return nil
}

// metadataOptions lays what a request says over the defaults, which are those
// of the account unless the image demands version 2.
// Source: EC2 User Guide, "Configure the Instance Metadata Service options".
func metadataOptions(im *image, in *types.InstanceMetadataOptionsRequest) types.InstanceMetadataOptionsResponse {
	out := types.InstanceMetadataOptionsResponse{
		HttpEndpoint: types.InstanceMetadataEndpointStateEnabled, HttpProtocolIpv6: types.InstanceMetadataProtocolStateDisabled,
		HttpPutResponseHopLimit: aws.Int32(1), HttpTokens: types.HttpTokensStateOptional,
		InstanceMetadataTags: types.InstanceMetadataTagsStateDisabled,
	}
	if im.imds == types.ImdsSupportValuesV20 {
		out.HttpTokens, out.HttpPutResponseHopLimit = types.HttpTokensStateRequired, aws.Int32(2)
	}
	if in == nil {
		return out
	}
	if in.HttpEndpoint != "" {
		out.HttpEndpoint = in.HttpEndpoint
	}
	if in.HttpProtocolIpv6 != "" {
		out.HttpProtocolIpv6 = in.HttpProtocolIpv6
	}
	if in.HttpPutResponseHopLimit != nil {
		out.HttpPutResponseHopLimit = in.HttpPutResponseHopLimit
	}
	if in.HttpTokens != "" {
		out.HttpTokens = in.HttpTokens
	}
	if in.InstanceMetadataTags != "" {
		out.InstanceMetadataTags = in.InstanceMetadataTags
	}
	return out
}
