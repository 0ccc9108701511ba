package ec2sim

import (
	"net/netip"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// cidrBlock reads a range of addresses of a network or subnet.
// Source: Amazon VPC User Guide, "VPC CIDR blocks": from /16 to /28.
func cidrBlock(text *string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(aws.ToString(text))
	if err != nil || !p.Addr().Is4() || p.Masked() != p {
		return p, core.Errorf("InvalidParameterValue", "Value (%s) for parameter cidrBlock is invalid. This is not a valid CIDR block.", aws.ToString(text))
	}
	if p.Bits() < 16 || p.Bits() > 28 {
		return p, core.Errorf("InvalidVpc.Range", "The CIDR '%s' is invalid.", p)
	}
	return p, nil
}

// CreateVpc makes a network with its default security group.
func (s *Service) CreateVpc(c *core.Call, in *ec2.CreateVpcInput) (*ec2.CreateVpcOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	if err := served(c, in, "CidrBlock TagSpecifications"); err != nil {
		return nil, err
	}
	tags, err := createTags(in.TagSpecifications, "vpc")
	if err != nil {
		return nil, err
	}
	cidr, err := cidrBlock(in.CidrBlock)
	if err != nil {
		return nil, err
	}
	made := planned(st.Site, "vpc", core.Keys(), tags["vpc"])
	if err := allowed(c, in.DryRun, append(needs("CreateVpc", made), tagging("CreateVpc", made, tags["vpc"])...)...); err != nil {
		return nil, err
	}
	v := &vpc{item: s.newItem(st.Site, "vpc", tags["vpc"]), cidr: cidr}
	st.vpcs.add(v)
	s.addDefaultGroup(st, v, s.cloud.NewID("sg"))
	api := v.api()
	return &ec2.CreateVpcOutput{Vpc: &api}, nil
}

// DeleteVpc removes a network that holds nothing but its default group.
func (s *Service) DeleteVpc(c *core.Call, in *ec2.DeleteVpcInput) (*ec2.DeleteVpcOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	v, err := st.ownVPC(in.VpcId)
	if err != nil {
		return nil, err
	}
	if err := allowed(c, in.DryRun, needs("DeleteVpc", v.existing())...); err != nil {
		return nil, err
	}
	groups := 0
	for _, g := range st.groups.items {
		if g.vpc == v {
			groups++
		}
	}
	if groups > 1 || slices.ContainsFunc(st.subnets.items, func(sub *subnet) bool { return sub.vpc == v }) {
		return nil, core.Errorf("DependencyViolation", "The vpc '%s' has dependencies and cannot be deleted.", v.id)
	}
	st.vpcs.remove(v)
	st.groups.items = slices.DeleteFunc(st.groups.items, func(g *securityGroup) bool { return g.vpc == v })
	return &ec2.DeleteVpcOutput{}, nil
}

// CreateSubnet makes a subnet in a zone: the one named, or the first.
func (s *Service) CreateSubnet(c *core.Call, in *ec2.CreateSubnetInput) (*ec2.CreateSubnetOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	if err := served(c, in, "VpcId AvailabilityZone AvailabilityZoneId CidrBlock TagSpecifications"); err != nil {
		return nil, err
	}
	tags, err := createTags(in.TagSpecifications, "subnet")
	if err != nil {
		return nil, err
	}
	v, err := st.ownVPC(in.VpcId)
	if err != nil {
		return nil, err
	}
	where := zones(st.Region)[0]
	if in.AvailabilityZone != nil || in.AvailabilityZoneId != nil {
		if where, err = zone(st.Region, in.AvailabilityZone, in.AvailabilityZoneId); err != nil {
			return nil, err
		}
	}
	cidr, err := cidrBlock(in.CidrBlock)
	if err != nil {
		return nil, err
	}
	made := planned(st.Site, "subnet", core.Keys(), tags["subnet"])
	demanded := append(needs("CreateSubnet", made, v.existing()), tagging("CreateSubnet", made, tags["subnet"])...)
	if err := allowed(c, in.DryRun, demanded...); err != nil {
		return nil, err
	}
	if err := st.fits(v, cidr); err != nil {
		return nil, err
	}
	sub := &subnet{item: s.newItem(st.Site, "subnet", tags["subnet"]), vpc: v, zone: where, cidr: cidr, taken: map[netip.Addr]bool{}}
	st.subnets.add(sub)
	api := sub.api()
	return &ec2.CreateSubnetOutput{Subnet: &api}, nil
}

// fits checks that a range is inside a network and free there.
func (st *site) fits(v *vpc, cidr netip.Prefix) error {
	if cidr.Bits() < v.cidr.Bits() || !v.cidr.Contains(cidr.Addr()) {
		return core.Errorf("InvalidSubnet.Range", "The CIDR '%s' is invalid.", cidr)
	}
	for _, sub := range st.subnets.items {
		if sub.vpc == v && sub.cidr.Overlaps(cidr) {
			return core.Errorf("InvalidSubnet.Conflict", "The CIDR '%s' conflicts with another subnet", cidr)
		}
	}
	return nil
}

// DeleteSubnet removes a subnet in which there are no network interfaces.
func (s *Service) DeleteSubnet(c *core.Call, in *ec2.DeleteSubnetInput) (*ec2.DeleteSubnetOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	sub, err := st.ownSubnet(in.SubnetId)
	if err != nil {
		return nil, err
	}
	if err := allowed(c, in.DryRun, needs("DeleteSubnet", sub.existing())...); err != nil {
		return nil, err
	}
	st.sweep(c.Now)
	if len(sub.taken) > 0 {
		return nil, core.Errorf("DependencyViolation", "The subnet '%s' has dependencies and cannot be deleted.", sub.id)
	}
	st.subnets.remove(sub)
	return &ec2.DeleteSubnetOutput{}, nil
}
