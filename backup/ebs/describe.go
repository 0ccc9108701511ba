package ebs

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/internal/awscall"
)

var (
	_ backup.Describer       = (*client)(nil)
	_ backup.DescribeCounter = (*Driver)(nil)
)

// Describe returns the manifests of the instances and volumes among the
// resources that exist, sorted by ARN. DescribeInstances and DescribeVolumes
// tell all there is, 200 resources a call, which is as many ids as a filter
// takes; what an instance has attached is listed in the same number of calls.
func (c *client) Describe(ctx context.Context, resources []string) iter.Seq2[backup.Manifest, error] {
	return func(yield func(backup.Manifest, error) bool) {
		s, err := c.describe(ctx, resources)
		if err != nil {
			yield(backup.Manifest{}, err)
			return
		}
		for _, resource := range slices.Sorted(slices.Values(resources)) {
			if m, ok := s.manifest(c.site, resource); ok && !yield(m, nil) {
				return
			}
		}
	}
}

// describe lists the resources and what the instances among them have attached.
func (c *client) describe(ctx context.Context, resources []string) (*survey, error) {
	s := newSurvey(picker{})
	ids := map[string][]string{}
	for _, resource := range resources {
		kind, id := kindAndID(resource)
		ids[kind] = append(ids[kind], id)
	}
	if err := inChunks(ids[KindInstance], func(ids []string) error {
		if err := c.listInstances(ctx, s, []types.Filter{filter("instance-id", ids...)}); err != nil {
			return err
		}
		return c.listVolumes(ctx, s, []types.Filter{filter("attachment.instance-id", ids...)})
	}); err != nil {
		return nil, err
	}
	return s, inChunks(ids[KindVolume], func(ids []string) error {
		return c.listVolumes(ctx, s, []types.Filter{filter("volume-id", ids...)})
	})
}

// kindAndID takes the end of an ARN apart: "instance/i-1".
func kindAndID(resource string) (kind, id string) {
	kind, id, _ = strings.Cut(resource[strings.LastIndex(resource, ":")+1:], "/")
	return kind, id
}

// manifest returns what was listed of a resource, or false if it was not.
func (s *survey) manifest(site backup.Site, resource string) (backup.Manifest, bool) {
	kind, id := kindAndID(resource)
	m := backup.Manifest{Resource: resource, Kind: kind, Site: site}
	switch kind {
	case KindVolume:
		v, ok := s.volumes[id]
		if !ok {
			return m, false
		}
		m.Tags, m.Volumes = tagMap(v.Tags), []backup.ManifestVolume{describedVolume(v, "")}
	case KindInstance:
		i, ok := s.instances[id]
		if !ok {
			return m, false
		}
		m.Tags, m.Instance = tagMap(i.Tags), describedInstance(i)
		for _, v := range s.volumes {
			if slices.Contains(owners(v), id) {
				m.Volumes = append(m.Volumes, describedVolume(v, id))
			}
		}
		slices.SortFunc(m.Volumes, func(a, b backup.ManifestVolume) int { return strings.Compare(a.Volume, b.Volume) })
	}
	return m, true
}

// describedVolume tells of a volume as it is attached to an instance.
func describedVolume(v types.Volume, instance string) backup.ManifestVolume {
	m := backup.ManifestVolume{
		Volume: aws.ToString(v.VolumeId), Zone: aws.ToString(v.AvailabilityZone), Type: string(v.VolumeType),
		SizeGiB: aws.ToInt32(v.Size), IOPS: aws.ToInt32(v.Iops), Throughput: aws.ToInt32(v.Throughput),
		Encrypted: aws.ToBool(v.Encrypted), KMSKey: aws.ToString(v.KmsKeyId),
		MultiAttach: aws.ToBool(v.MultiAttachEnabled), Tags: tagMap(v.Tags),
	}
	for _, a := range v.Attachments {
		if instance != "" && aws.ToString(a.InstanceId) == instance {
			m.Device, m.DeleteOnTermination = aws.ToString(a.Device), aws.ToBool(a.DeleteOnTermination)
		}
	}
	return m
}

func describedInstance(i types.Instance) *backup.ManifestInstance {
	m := &backup.ManifestInstance{
		InstanceType: string(i.InstanceType), Architecture: string(i.Architecture), BootMode: string(i.BootMode),
		RootDevice: aws.ToString(i.RootDeviceName), ENA: aws.ToBool(i.EnaSupport), EBSOptimized: aws.ToBool(i.EbsOptimized),
		Image: aws.ToString(i.ImageId), Platform: strings.ToLower(string(i.Platform)), PlatformDetails: aws.ToString(i.PlatformDetails),
		UsageOperation: aws.ToString(i.UsageOperation), Lifecycle: string(i.InstanceLifecycle), KeyName: aws.ToString(i.KeyName),
		Place: placement(i), SourceDestCheck: aws.ToBool(i.SourceDestCheck),
	}
	for _, p := range i.ProductCodes {
		m.Products = append(m.Products, aws.ToString(p.ProductCodeId))
	}
	slices.Sort(m.Products)
	if i.IamInstanceProfile != nil {
		m.Profile = aws.ToString(i.IamInstanceProfile.Arn)
	}
	if o := i.MetadataOptions; o != nil {
		m.Metadata = backup.ManifestMetadata{
			Tokens: string(o.HttpTokens), Endpoint: string(o.HttpEndpoint), IPv6: string(o.HttpProtocolIpv6),
			Tags: string(o.InstanceMetadataTags), HopLimit: aws.ToInt32(o.HttpPutResponseHopLimit),
		}
	}
	if i.Monitoring != nil {
		m.Monitoring = i.Monitoring.State == types.MonitoringStateEnabled || i.Monitoring.State == types.MonitoringStatePending
	}
	if o := i.CpuOptions; o != nil {
		m.CPU = backup.ManifestCPU{Cores: aws.ToInt32(o.CoreCount), Threads: aws.ToInt32(o.ThreadsPerCore), SEVSNP: string(o.AmdSevSnp)}
	}
	if o := i.HibernationOptions; o != nil {
		m.Hibernation = aws.ToBool(o.Configured)
	}
	if o := i.EnclaveOptions; o != nil {
		m.Enclave = aws.ToBool(o.Enabled)
	}
	if o := i.MaintenanceOptions; o != nil {
		m.Recovery = string(o.AutoRecovery)
	}
	for _, n := range i.NetworkInterfaces {
		m.Interfaces = append(m.Interfaces, networkInterface(n))
	}
	slices.SortFunc(m.Interfaces, func(a, b backup.ManifestNIC) int {
		return cmp.Or(cmp.Compare(a.Card, b.Card), cmp.Compare(a.Index, b.Index), cmp.Compare(a.Interface, b.Interface))
	})
	return m
}

func placement(i types.Instance) backup.ManifestPlacement {
	m := backup.ManifestPlacement{VPC: aws.ToString(i.VpcId), Subnet: aws.ToString(i.SubnetId), Groups: groupIDs(i.SecurityGroups)}
	if p := i.Placement; p != nil {
		m.Zone, m.Tenancy, m.Group = aws.ToString(p.AvailabilityZone), string(p.Tenancy), aws.ToString(p.GroupName)
		m.Partition, m.Host, m.Affinity = aws.ToInt32(p.PartitionNumber), aws.ToString(p.HostId), aws.ToString(p.Affinity)
	}
	return m
}

func groupIDs(groups []types.GroupIdentifier) (ids []string) {
	for _, g := range groups {
		ids = append(ids, aws.ToString(g.GroupId))
	}
	return ids
}

// amazonOwned is the owner of public addresses that go with the instance (EC2
// API Reference, InstanceNetworkInterfaceAssociation: IpOwnerId).
const amazonOwned = "amazon"

func networkInterface(n types.InstanceNetworkInterface) backup.ManifestNIC {
	m := backup.ManifestNIC{
		Interface: aws.ToString(n.NetworkInterfaceId), Type: aws.ToString(n.InterfaceType), Description: aws.ToString(n.Description),
		Subnet: aws.ToString(n.SubnetId), MAC: aws.ToString(n.MacAddress), Groups: groupIDs(n.Groups),
		SourceDestCheck: aws.ToBool(n.SourceDestCheck),
	}
	if a := n.Attachment; a != nil {
		m.Card, m.Index, m.DeleteOnTermination = aws.ToInt32(a.NetworkCardIndex), aws.ToInt32(a.DeviceIndex), aws.ToBool(a.DeleteOnTermination)
	}
	for _, a := range n.PrivateIpAddresses {
		address := backup.ManifestAddress{Private: aws.ToString(a.PrivateIpAddress)}
		if p := a.Association; p != nil {
			address.Public, address.Elastic = aws.ToString(p.PublicIp), aws.ToString(p.IpOwnerId) != amazonOwned
		}
		if aws.ToBool(a.Primary) {
			m.Addresses = slices.Insert(m.Addresses, 0, address)
		} else {
			m.Addresses = append(m.Addresses, address)
		}
	}
	for _, a := range n.Ipv6Addresses {
		m.IPv6 = append(m.IPv6, aws.ToString(a.Ipv6Address))
	}
	for _, p := range n.Ipv4Prefixes {
		m.Prefixes = append(m.Prefixes, aws.ToString(p.Ipv4Prefix))
	}
	for _, p := range n.Ipv6Prefixes {
		m.Prefixes = append(m.Prefixes, aws.ToString(p.Ipv6Prefix))
	}
	return m
}

// Detail asks for attributes of an instance, one call for each. Nothing is
// asked of volumes.
func (c *client) Detail(ctx context.Context, m *backup.Manifest, what backup.ManifestDetails) error {
	if m.Instance == nil {
		return nil
	}
	_, id := kindAndID(m.Resource)
	ask := func(name types.InstanceAttributeName) (*ec2.DescribeInstanceAttributeOutput, error) {
		out, err := c.ec2.DescribeInstanceAttribute(ctx, &ec2.DescribeInstanceAttributeInput{InstanceId: aws.String(id), Attribute: name})
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", name, awscall.Wrap("DescribeInstanceAttribute", err))
		}
		return out, nil
	}
	if what.UserData {
		out, err := ask(types.InstanceAttributeNameUserData)
		if err != nil {
			return err
		}
		if out.UserData != nil {
			m.Instance.UserData = backup.NewSecret(aws.ToString(out.UserData.Value))
		}
	}
	if !what.Protection {
		return nil
	}
	m.Instance.Protection = &backup.ManifestProtection{}
	for _, name := range protectionAttributes {
		out, err := ask(name)
		if err != nil {
			return err
		}
		if v := out.DisableApiTermination; v != nil {
			m.Instance.Protection.Termination = aws.ToBool(v.Value)
		}
		if v := out.DisableApiStop; v != nil {
			m.Instance.Protection.Stop = aws.ToBool(v.Value)
		}
		if v := out.InstanceInitiatedShutdownBehavior; v != nil {
			m.Instance.Protection.Shutdown = aws.ToString(v.Value)
		}
	}
	return nil
}

// protectionAttributes are asked for one by one: a call tells one attribute (EC2
// API Reference, DescribeInstanceAttribute).
var protectionAttributes = [...]types.InstanceAttributeName{
	types.InstanceAttributeNameDisableApiTermination, types.InstanceAttributeNameDisableApiStop,
	types.InstanceAttributeNameInstanceInitiatedShutdownBehavior,
}

// DescribeCalls returns the calls that Describe and Detail make, if every
// listing fits on one page.
func (d *Driver) DescribeCalls(kind string, resources int, what backup.ManifestDetails) map[string]int {
	batches := (resources + maxFilterValues - 1) / maxFilterValues
	if kind == KindVolume {
		return map[string]int{"DescribeVolumes": batches}
	}
	attributes := 0
	if what.UserData {
		attributes++
	}
	if what.Protection {
		attributes += len(protectionAttributes)
	}
	return map[string]int{
		"DescribeInstances": batches, "DescribeVolumes": batches, "DescribeInstanceAttribute": attributes * resources,
	}
}
