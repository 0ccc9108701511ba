package ec2sim_test

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// keyPair imports a key pair.
func (w *world) keyPair(at ec2sim.Site, name string) {
	w.t.Helper()
	public := "ssh-ed25519 " + base64.StdEncoding.EncodeToString([]byte("the public half of "+name)) + " " + name
	_, err := w.admin(at).ImportKeyPair(w.t.Context(), &ec2.ImportKeyPairInput{KeyName: &name, PublicKeyMaterial: []byte(public)})
	require.NoError(w.t, err)
}

// Every account is born with a network of one subnet for each zone.
func TestDefaultNetwork(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		vpcs, err := w.admin(at).DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{Filters: []types.Filter{filter("is-default", "true")}})
		require.NoError(t, err)
		require.Len(t, vpcs.Vpcs, 1)
		require.Equal(t, "172.31.0.0/16", *vpcs.Vpcs[0].CidrBlock)
		subnets, err := w.admin(at).DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{Filters: []types.Filter{filter("vpc-id", *vpcs.Vpcs[0].VpcId)}})
		require.NoError(t, err)
		require.Len(t, subnets.Subnets, 3)
		require.Equal(t, "172.31.16.0/20", *subnets.Subnets[1].CidrBlock)
		require.Equal(t, int32(4091), *subnets.Subnets[1].AvailableIpAddressCount)
		groups, err := w.admin(at).DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupNames: []string{"default"}})
		require.NoError(t, err)
		require.Len(t, groups.SecurityGroups, 1)
		_, err = w.admin(site(second, ireland)).DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{SubnetIds: []string{*subnets.Subnets[0].SubnetId}})
		require.Equal(t, "InvalidSubnetID.NotFound", code(t, err), "another account's")
	})
}

// A network is a network made for a test.
type network struct{ vpc, subnet, group string }

func (w *world) network(at ec2sim.Site) network {
	w.t.Helper()
	c := w.admin(at)
	v, err := c.CreateVpc(w.t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16"), TagSpecifications: tagged("vpc", "Name", "app")})
	require.NoError(w.t, err)
	sub, err := c.CreateSubnet(w.t.Context(), &ec2.CreateSubnetInput{
		VpcId: v.Vpc.VpcId, CidrBlock: aws.String("10.0.1.0/24"), AvailabilityZone: aws.String(at.Region + "b"), TagSpecifications: tagged("subnet", "Name", "app"),
	})
	require.NoError(w.t, err)
	g, err := c.CreateSecurityGroup(w.t.Context(), &ec2.CreateSecurityGroupInput{GroupName: aws.String("web"), Description: aws.String("web"), VpcId: v.Vpc.VpcId})
	require.NoError(w.t, err)
	return network{*v.Vpc.VpcId, *sub.Subnet.SubnetId, *g.GroupId}
}

func TestInstanceInItsNetwork(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		n := w.network(at)
		c := w.admin(at)
		run := func(in ec2.RunInstancesInput) (types.Instance, error) {
			in.ImageId, in.InstanceType = aws.String(ec2sim.BaseImage(ireland, types.ArchitectureValuesX8664)), "t3.micro"
			in.MinCount, in.MaxCount = aws.Int32(1), aws.Int32(1)
			out, err := c.RunInstances(t.Context(), &in)
			if err != nil {
				return types.Instance{}, err
			}
			return out.Instances[0], nil
		}
		inst, err := run(ec2.RunInstancesInput{SubnetId: &n.subnet, SecurityGroupIds: []string{n.group}, PrivateIpAddress: aws.String("10.0.1.50")})
		require.NoError(t, err)
		require.Equal(t, n.vpc, *inst.VpcId)
		require.Equal(t, "10.0.1.50", *inst.PrivateIpAddress)
		require.Equal(t, "ip-10-0-1-50.eu-west-1.compute.internal", *inst.PrivateDnsName)
		require.Equal(t, "web", *inst.SecurityGroups[0].GroupName)
		require.Equal(t, "eu-west-1b", *inst.Placement.AvailabilityZone)
		_, err = run(ec2.RunInstancesInput{SubnetId: &n.subnet, PrivateIpAddress: aws.String("10.0.1.50")})
		require.Equal(t, "InvalidIPAddress.InUse", code(t, err))
		_, err = run(ec2.RunInstancesInput{SubnetId: &n.subnet, PrivateIpAddress: aws.String("10.0.2.50")})
		require.Equal(t, "InvalidParameterValue", code(t, err))
		_, err = run(ec2.RunInstancesInput{SecurityGroupIds: []string{n.group}})
		require.Equal(t, "InvalidParameter", code(t, err), "a group of another network")

		nic, err := c.CreateNetworkInterface(t.Context(), &ec2.CreateNetworkInterfaceInput{SubnetId: &n.subnet, Groups: []string{n.group}})
		require.NoError(t, err)
		id := nic.NetworkInterface.NetworkInterfaceId
		kept, err := run(ec2.RunInstancesInput{NetworkInterfaces: []types.InstanceNetworkInterfaceSpecification{{DeviceIndex: aws.Int32(0), NetworkInterfaceId: id}}})
		require.NoError(t, err)
		require.Equal(t, *nic.NetworkInterface.PrivateIpAddress, *kept.PrivateIpAddress)
		_, err = run(ec2.RunInstancesInput{NetworkInterfaces: []types.InstanceNetworkInterfaceSpecification{{DeviceIndex: aws.Int32(0), NetworkInterfaceId: id}}})
		require.Equal(t, "InvalidNetworkInterface.InUse", code(t, err))
		_, err = c.DeleteNetworkInterface(t.Context(), &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: id})
		require.Equal(t, "InvalidParameterValue", code(t, err), "in use")

		_, err = c.DeleteSecurityGroup(t.Context(), &ec2.DeleteSecurityGroupInput{GroupId: &n.group})
		require.Equal(t, "DependencyViolation", code(t, err))
		_, err = c.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{*inst.InstanceId, *kept.InstanceId}})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		left, err := c.DescribeNetworkInterfaces(t.Context(), nil)
		require.NoError(t, err)
		require.Len(t, left.NetworkInterfaces, 1, "the one that was there before the instance stays")
		require.Equal(t, types.NetworkInterfaceStatusAvailable, left.NetworkInterfaces[0].Status)
		_, err = c.DeleteNetworkInterface(t.Context(), &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: id})
		require.NoError(t, err)
		_, err = c.DeleteSecurityGroup(t.Context(), &ec2.DeleteSecurityGroupInput{GroupId: &n.group})
		require.NoError(t, err)
		_, err = c.DeleteVpc(t.Context(), &ec2.DeleteVpcInput{VpcId: &n.vpc})
		require.Equal(t, "DependencyViolation", code(t, err))
		_, err = c.DeleteSubnet(t.Context(), &ec2.DeleteSubnetInput{SubnetId: &n.subnet})
		require.NoError(t, err)
		_, err = c.DeleteVpc(t.Context(), &ec2.DeleteVpcInput{VpcId: &n.vpc})
		require.NoError(t, err)
	})
}

func TestNetworkInterfacesComeAndGo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		c := w.admin(at)
		inst, _ := w.instance(at, 0)
		sub := w.describe(at, inst).SubnetId
		nic, err := c.CreateNetworkInterface(t.Context(), &ec2.CreateNetworkInterfaceInput{SubnetId: sub, Description: aws.String("second")})
		require.NoError(t, err)
		plug := &ec2.AttachNetworkInterfaceInput{InstanceId: &inst, NetworkInterfaceId: nic.NetworkInterface.NetworkInterfaceId, DeviceIndex: aws.Int32(0)}
		_, err = c.AttachNetworkInterface(t.Context(), plug)
		require.Equal(t, "InvalidParameterValue", code(t, err), "the index is taken")
		plug.DeviceIndex = aws.Int32(1)
		attached, err := c.AttachNetworkInterface(t.Context(), plug)
		require.NoError(t, err)
		got := w.describe(at, inst).NetworkInterfaces
		require.Len(t, got, 2)
		require.Equal(t, "second", *got[1].Description)
		_, err = c.DetachNetworkInterface(t.Context(), &ec2.DetachNetworkInterfaceInput{AttachmentId: got[0].Attachment.AttachmentId})
		require.Equal(t, "OperationNotPermitted", code(t, err))
		_, err = c.DetachNetworkInterface(t.Context(), &ec2.DetachNetworkInterfaceInput{AttachmentId: attached.AttachmentId})
		require.NoError(t, err)
		require.Len(t, w.describe(at, inst).NetworkInterfaces, 1)
	})
}

func TestNetworkRefuses(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		c := w.admin(at)
		n := w.network(at)
		sub := func(cidr string) string {
			_, err := c.CreateSubnet(t.Context(), &ec2.CreateSubnetInput{VpcId: &n.vpc, CidrBlock: &cidr})
			return code(t, err)
		}
		require.Equal(t, "InvalidSubnet.Conflict", sub("10.0.1.128/25"))
		require.Equal(t, "InvalidSubnet.Range", sub("10.1.0.0/24"))
		require.Equal(t, "InvalidParameterValue", sub("10.0.2.1/24"))
		require.Equal(t, "InvalidVpc.Range", sub("10.0.2.0/29"))
		_, err := c.CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{GroupName: aws.String("web"), Description: aws.String("again"), VpcId: &n.vpc})
		require.Equal(t, "InvalidGroup.Duplicate", code(t, err))
		_, err = c.AuthorizeSecurityGroupIngress(t.Context(), &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &n.group, IpPermissions: []types.IpPermission{{
			IpProtocol: aws.String("tcp"), FromPort: aws.Int32(443), ToPort: aws.Int32(443), IpRanges: []types.IpRange{{CidrIp: aws.String("10.0.0.0/8")}},
		}}})
		require.NoError(t, err)
		groups, err := c.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{n.group}})
		require.NoError(t, err)
		require.Equal(t, int32(443), *groups.SecurityGroups[0].IpPermissions[0].FromPort)
	})
}

func TestKeyPairs(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		at := site(target, ireland)
		c := w.admin(at)
		w.keyPair(at, "ops")
		_, err := c.ImportKeyPair(t.Context(), &ec2.ImportKeyPairInput{KeyName: aws.String("ops"), PublicKeyMaterial: []byte("ssh-ed25519 AAAA")})
		require.Equal(t, "InvalidKeyPair.Duplicate", code(t, err))
		_, err = c.ImportKeyPair(t.Context(), &ec2.ImportKeyPairInput{KeyName: aws.String("bad"), PublicKeyMaterial: []byte("-----BEGIN")})
		require.Equal(t, "InvalidKey.Format", code(t, err))
		out, err := c.DescribeKeyPairs(t.Context(), &ec2.DescribeKeyPairsInput{KeyNames: []string{"ops"}})
		require.NoError(t, err)
		require.Equal(t, types.KeyTypeEd25519, out.KeyPairs[0].KeyType)
		require.Nil(t, out.KeyPairs[0].PublicKey)
		_, err = c.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{*out.KeyPairs[0].KeyPairId}, Tags: tags("team", "ops")})
		require.NoError(t, err)
		listed, err := c.DescribeTags(t.Context(), &ec2.DescribeTagsInput{Filters: []types.Filter{filter("resource-type", "key-pair")}})
		require.NoError(t, err)
		require.Len(t, listed.Tags, 1)
		_, err = c.DeleteKeyPair(t.Context(), &ec2.DeleteKeyPairInput{KeyName: aws.String("ops")})
		require.NoError(t, err)
		_, err = c.DescribeKeyPairs(t.Context(), &ec2.DescribeKeyPairsInput{KeyNames: []string{"ops"}})
		require.Equal(t, "InvalidKeyPair.NotFound", code(t, err))
	})
}

func TestAddressesTemplatesAndAttributes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c := w.admin(site(target, ireland))
		made, err := c.AllocateAddress(t.Context(), &ec2.AllocateAddressInput{Domain: "vpc", TagSpecifications: tagged("elastic-ip", "a", "b")})
		require.NoError(t, err)
		list, err := c.DescribeAddresses(t.Context(), &ec2.DescribeAddressesInput{AllocationIds: []string{*made.AllocationId}})
		require.NoError(t, err)
		require.Equal(t, *made.PublicIp, *list.Addresses[0].PublicIp)
		_, err = c.ReleaseAddress(t.Context(), &ec2.ReleaseAddressInput{AllocationId: made.AllocationId})
		require.NoError(t, err)

		lt := &ec2.CreateLaunchTemplateInput{LaunchTemplateName: aws.String("web"), LaunchTemplateData: &types.RequestLaunchTemplateData{InstanceType: "t3.micro"}}
		_, err = c.CreateLaunchTemplate(t.Context(), lt)
		require.NoError(t, err)
		lt.ClientToken = nil
		_, err = c.CreateLaunchTemplate(t.Context(), lt)
		require.Equal(t, "InvalidLaunchTemplateName.AlreadyExistsException", code(t, err))
		templates, err := c.DescribeLaunchTemplates(t.Context(), &ec2.DescribeLaunchTemplatesInput{LaunchTemplateNames: []string{"web"}})
		require.NoError(t, err)
		require.Equal(t, int64(1), *templates.LaunchTemplates[0].DefaultVersionNumber)
		_, err = c.DeleteLaunchTemplate(t.Context(), &ec2.DeleteLaunchTemplateInput{LaunchTemplateName: aws.String("web")})
		require.NoError(t, err)

		vpcs, err := c.DescribeVpcs(t.Context(), nil)
		require.NoError(t, err)
		attributes, err := c.DescribeAccountAttributes(t.Context(), &ec2.DescribeAccountAttributesInput{AttributeNames: []types.AccountAttributeName{"default-vpc"}})
		require.NoError(t, err)
		require.Equal(t, *vpcs.Vpcs[0].VpcId, *attributes.AccountAttributes[0].AttributeValues[0].AttributeValue)
	})
}
