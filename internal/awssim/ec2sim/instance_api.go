package ec2sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

func (in *instance) api(now time.Time) types.Instance {
	out := types.Instance{
		AmiLaunchIndex:           aws.Int32(in.index),
		Architecture:             in.image.arch,
		BlockDeviceMappings:      in.apiDevices(now),
		BootMode:                 in.image.boot,
		ClientToken:              aws.String(in.token),
		CurrentInstanceBootMode:  in.bootMode(),
		EbsOptimized:             aws.Bool(in.ebsOptimized),
		EnaSupport:               aws.Bool(in.image.ena),
		HibernationOptions:       &types.HibernationOptions{Configured: aws.Bool(in.options.hibernation)},
		Hypervisor:               types.HypervisorTypeXen,
		ImageId:                  aws.String(in.image.id),
		InstanceId:               aws.String(in.id),
		InstanceType:             in.kind,
		LaunchTime:               aws.Time(in.launched),
		MetadataOptions:          in.metadata(now),
		Monitoring:               &types.Monitoring{State: in.monitoring()},
		Placement:                &types.Placement{AvailabilityZone: aws.String(in.subnet.zone), Tenancy: types.TenancyDefault},
		Platform:                 in.platform.kind(),
		PlatformDetails:          aws.String(in.platform.details),
		ProductCodes:             apiProducts(in.products),
		RootDeviceName:           aws.String(in.rootDevice),
		RootDeviceType:           types.DeviceTypeEbs,
		State:                    apiState(in.state(now)),
		StateTransitionReason:    aws.String(in.by),
		Tags:                     apiTags(in.tags[in.site.Account]),
		UsageOperation:           aws.String(in.platform.operation),
		UsageOperationUpdateTime: aws.Time(stamp(in.made)),
		VirtualizationType:       in.image.virtualization,
	}
	if in.keyName != "" {
		out.KeyName = aws.String(in.keyName)
	}
	if in.image.tpm != "" {
		out.TpmSupport = aws.String(string(in.image.tpm))
	}
	if in.profile != nil {
		out.IamInstanceProfile = in.profile.api()
	}
	if in.reason != nil && !now.Before(in.at) {
		reason := *in.reason
		out.StateReason = &reason
	}
	if in.state(now) != types.InstanceStateNameTerminated {
		in.apiNetwork(&out)
	}
	return out
}

func (in *instance) apiDevices(now time.Time) (list []types.InstanceBlockDeviceMapping) {
	for _, v := range in.attached(now) {
		list = append(list, v.apiOfInstance(now))
	}
	return list
}

func (v *volume) apiOfInstance(now time.Time) types.InstanceBlockDeviceMapping {
	return types.InstanceBlockDeviceMapping{
		DeviceName: aws.String(v.attachment.device),
		Ebs: &types.EbsInstanceBlockDevice{
			AttachTime: aws.Time(v.attachment.since), DeleteOnTermination: aws.Bool(v.attachment.deleteOnTermination),
			Status: types.AttachmentStatus(v.attachment.state(now)), VolumeId: aws.String(v.id),
		},
	}
}

// apiNetwork fills in what an instance has no more once it is terminated.
func (in *instance) apiNetwork(out *types.Instance) {
	out.SubnetId, out.VpcId = aws.String(in.subnet.id), aws.String(in.subnet.vpc.id)
	for _, n := range in.nics {
		if n.plug != nil {
			out.NetworkInterfaces = append(out.NetworkInterfaces, n.apiOfInstance())
		}
	}
	if first := in.primary(); first != nil {
		out.PrivateIpAddress, out.PrivateDnsName = aws.String(first.address.String()), aws.String(first.hostname())
		out.SecurityGroups = apiGroups(first.groups)
		out.SourceDestCheck = aws.Bool(first.sourceDestCheck)
	}
}

func (in *instance) profileARN() string {
	if in.profile == nil {
		return ""
	}
	return in.profile.arn
}

func (in *instance) groups() []*securityGroup {
	if first := in.primary(); first != nil {
		return first.groups
	}
	return nil
}

func (in *instance) address() string {
	if first := in.primary(); first != nil {
		return first.address.String()
	}
	return ""
}

func (in *instance) nicIDs() []string {
	var out []string
	for _, n := range in.nics {
		out = append(out, n.id)
	}
	return out
}

// primary is the network interface that an instance was launched with.
func (in *instance) primary() *nic {
	if len(in.nics) == 0 {
		return nil
	}
	return in.nics[0]
}

// hostname is the private name of an address.
// Source: EC2 User Guide, "EC2 instance hostname types".
func (n *nic) hostname() string {
	domain := n.site.Region + ".compute.internal"
	if n.site.Region == "us-east-1" {
		domain = "ec2.internal"
	}
	return fmt.Sprintf("ip-%s.%s", strings.ReplaceAll(n.address.String(), ".", "-"), domain)
}

func (in *instance) monitoring() types.MonitoringState {
	if in.options.monitoring {
		return types.MonitoringStateEnabled
	}
	return types.MonitoringStateDisabled
}

func (in *instance) metadata(now time.Time) *types.InstanceMetadataOptionsResponse {
	out := in.options.metadata
	out.State = types.InstanceMetadataOptionsStateApplied
	if in.state(now) == types.InstanceStateNamePending {
		out.State = types.InstanceMetadataOptionsStatePending
	}
	return &out
}

func (in *instance) keys() map[string][]string {
	keys := core.Keys(
		"ec2:AvailabilityZone", in.subnet.zone,
		"ec2:AvailabilityZoneId", zoneID(in.subnet.zone),
		"ec2:EbsOptimized", flag(in.ebsOptimized),
		"ec2:InstanceID", in.id,
		"ec2:InstanceType", string(in.kind),
		"ec2:RootDeviceType", "ebs",
		"ec2:Tenancy", "default",
	)
	keys["ec2:InstanceMarketType"] = []string{"on-demand"}
	keys["ec2:MetadataHttpEndpoint"] = []string{string(in.options.metadata.HttpEndpoint)}
	keys["ec2:MetadataHttpPutResponseHopLimit"] = []string{strconv.Itoa(int(aws.ToInt32(in.options.metadata.HttpPutResponseHopLimit)))}
	keys["ec2:MetadataHttpTokens"] = []string{string(in.options.metadata.HttpTokens)}
	keys["ec2:InstanceMetadataTags"] = []string{string(in.options.metadata.InstanceMetadataTags)}
	if len(in.products) > 0 {
		keys["ec2:ProductCode"] = in.products
	}
	if in.profile != nil {
		keys["ec2:InstanceProfile"] = []string{in.profile.arn}
	}
	return keys
}

func (in *instance) existing() subject {
	return subject{
		kind: "instance", arn: arn(in.site, "instance", in.id), owner: in.site.Account,
		keys: core.WithResourceTags(in.keys(), "ec2", in.tags[in.site.Account]),
	}
}

func (in *instance) planned(tags map[string]string) subject {
	keys := in.keys()
	delete(keys, "ec2:InstanceID")
	return subject{
		kind: "instance", arn: arn(in.site, "instance", "*"), owner: in.site.Account,
		keys: core.WithRequestTags(keys, tags),
	}
}
