package ec2sim

import (
	"net/netip"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A vpc is a network of one site.
type vpc struct {
	item
	cidr     netip.Prefix
	standard bool // the default one
}

// A subnet is a part of a network in one zone.
type subnet struct {
	item
	vpc   *vpc
	zone  string
	cidr  netip.Prefix
	taken map[netip.Addr]bool
}

// reservedAddresses are the first of each subnet, with the network's own; the
// last is not given out either.
// Source: Amazon VPC User Guide, "Subnet CIDR blocks".
const reservedAddresses = 4

// addDefaultNetwork makes what every account is born with in a Region.
// Source: Amazon VPC User Guide, "Default VPC components".
func (s *Service) addDefaultNetwork(st *site) {
	v := &vpc{
		item:     item{id: derivedID("vpc", st.Account, st.Region), seq: s.next(), site: st.Site, tags: tagSets{}},
		standard: true, cidr: netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 31}), 16),
	}
	st.vpcs.add(v)
	for i, zone := range zones(st.Region) {
		st.subnets.add(&subnet{
			item: item{id: derivedID("subnet", st.Account, zone), seq: s.next(), site: st.Site, tags: tagSets{}},
			vpc:  v, zone: zone, cidr: netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 31, byte(16 * i)}), 20), taken: map[netip.Addr]bool{},
		})
	}
	s.addDefaultGroup(st, v, derivedID("sg", st.Account, st.Region))
}

// defaultVPC of a site, or nil if it was deleted.
func (st *site) defaultVPC() *vpc {
	for _, v := range st.vpcs.items {
		if v.standard {
			return v
		}
	}
	return nil
}

func (v *vpc) existing() subject {
	return v.subject("vpc", core.Keys("ec2:VpcID", v.id, "ec2:Tenancy", string(types.TenancyDefault)))
}

func (v *vpc) arn() string { return arn(v.site, "vpc", v.id) }

func (st *site) ownVPC(id *string) (*vpc, error) {
	if v := lookup(&st.vpcs, aws.ToString(id)); v != nil {
		return v, nil
	}
	return nil, core.Errorf("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", aws.ToString(id))
}

func (st *site) ownSubnet(id *string) (*subnet, error) {
	if sub := lookup(&st.subnets, aws.ToString(id)); sub != nil {
		return sub, nil
	}
	return nil, core.Errorf("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", aws.ToString(id))
}

func (sub *subnet) existing() subject {
	return sub.subject("subnet", core.Keys("ec2:AvailabilityZone", sub.zone, "ec2:AvailabilityZoneId", zoneID(sub.zone),
		"ec2:SubnetID", sub.id, "ec2:Vpc", sub.vpc.arn()))
}

// free returns an address of the subnet that nobody has, or the one asked for.
func (sub *subnet) free(asked *string) (netip.Addr, error) {
	first := sub.cidr.Addr()
	for range reservedAddresses {
		first = first.Next()
	}
	if asked != nil {
		a, err := netip.ParseAddr(*asked)
		switch {
		case err != nil || !sub.cidr.Contains(a) || a.Less(first):
			return a, core.Errorf("InvalidParameterValue", "Address %s does not fall within the subnet's address range", *asked)
		case sub.taken[a]:
			return a, core.Errorf("InvalidIPAddress.InUse", "Address %s is in use.", *asked)
		}
		return a, nil
	}
	for a := first; sub.cidr.Contains(a.Next()); a = a.Next() {
		if !sub.taken[a] {
			return a, nil
		}
	}
	return netip.Addr{}, core.Errorf("InsufficientFreeAddressesInSubnet", "The subnet %s has no free addresses", sub.id)
}

// available counts the addresses that are free.
func (sub *subnet) available() int {
	return 1<<(32-sub.cidr.Bits()) - reservedAddresses - 1 - len(sub.taken)
}

// vpcFilters are those of DescribeVpcs that speak of what the simulation has.
// Source: EC2 API Reference, DescribeVpcs.
var vpcFilters = attributes[*vpc]{
	"cidr":       func(v *vpc) []string { return one(v.cidr.String()) },
	"cidr-block": func(v *vpc) []string { return one(v.cidr.String()) },
	"is-default": func(v *vpc) []string { return one(flag(v.standard)) },
	"owner-id":   func(v *vpc) []string { return one(v.site.Account) },
	"state":      func(*vpc) []string { return one(string(types.VpcStateAvailable)) },
	"vpc-id":     func(v *vpc) []string { return one(v.id) },
}

// DescribeVpcs lists the caller's networks.
func (s *Service) DescribeVpcs(c *core.Call, in *ec2.DescribeVpcsInput) (*ec2.DescribeVpcsOutput, error) {
	found, next, err := describe(s, c, in, search[*vpc, *vpc]{
		shelf:   func(st *site) *shelf[*vpc] { return &st.vpcs },
		ids:     in.VpcIds,
		exists:  func(id string) error { return failure(s.siteOf(c).ownVPC(&id)) },
		id:      (*vpc).ident,
		view:    same[*vpc],
		filters: vpcFilters,
		tags:    (*vpc).ownTags,
	})
	out := &ec2.DescribeVpcsOutput{NextToken: next}
	for _, v := range found {
		out.Vpcs = append(out.Vpcs, v.api())
	}
	return out, err
}

func (v *vpc) api() types.Vpc {
	return types.Vpc{
		CidrBlock: aws.String(v.cidr.String()), InstanceTenancy: types.TenancyDefault, IsDefault: aws.Bool(v.standard),
		OwnerId: aws.String(v.site.Account), State: types.VpcStateAvailable, Tags: apiTags(v.ownTags()), VpcId: aws.String(v.id),
	}
}

// subnetFilters are those of DescribeSubnets that speak of what the
// simulation has.
// Source: EC2 API Reference, DescribeSubnets.
var subnetFilters = attributes[*subnet]{
	"availability-zone":          func(sub *subnet) []string { return one(sub.zone) },
	"availability-zone-id":       func(sub *subnet) []string { return one(zoneID(sub.zone)) },
	"available-ip-address-count": func(sub *subnet) []string { return one(strconv.Itoa(sub.available())) },
	"cidr":                       func(sub *subnet) []string { return one(sub.cidr.String()) },
	"cidr-block":                 func(sub *subnet) []string { return one(sub.cidr.String()) },
	"default-for-az":             func(sub *subnet) []string { return one(flag(sub.vpc.standard)) },
	"owner-id":                   func(sub *subnet) []string { return one(sub.site.Account) },
	"state":                      func(*subnet) []string { return one(string(types.SubnetStateAvailable)) },
	"subnet-arn":                 func(sub *subnet) []string { return one(arn(sub.site, "subnet", sub.id)) },
	"subnet-id":                  func(sub *subnet) []string { return one(sub.id) },
	"vpc-id":                     func(sub *subnet) []string { return one(sub.vpc.id) },
}

// DescribeSubnets lists the caller's subnets.
func (s *Service) DescribeSubnets(c *core.Call, in *ec2.DescribeSubnetsInput) (*ec2.DescribeSubnetsOutput, error) {
	found, next, err := describe(s, c, in, search[*subnet, *subnet]{
		shelf:   func(st *site) *shelf[*subnet] { return &st.subnets },
		ids:     in.SubnetIds,
		exists:  func(id string) error { return failure(s.siteOf(c).ownSubnet(&id)) },
		id:      (*subnet).ident,
		view:    same[*subnet],
		filters: subnetFilters,
		tags:    (*subnet).ownTags,
	})
	out := &ec2.DescribeSubnetsOutput{NextToken: next}
	for _, sub := range found {
		out.Subnets = append(out.Subnets, sub.api())
	}
	return out, err
}

func (sub *subnet) api() types.Subnet {
	return types.Subnet{
		AvailabilityZone: aws.String(sub.zone), AvailabilityZoneId: aws.String(zoneID(sub.zone)),
		AvailableIpAddressCount: aws.Int32(int32(sub.available())), CidrBlock: aws.String(sub.cidr.String()),
		DefaultForAz: aws.Bool(sub.vpc.standard), MapPublicIpOnLaunch: aws.Bool(false), OwnerId: aws.String(sub.site.Account),
		State: types.SubnetStateAvailable, SubnetArn: aws.String(arn(sub.site, "subnet", sub.id)), SubnetId: aws.String(sub.id),
		Tags: apiTags(sub.ownTags()), VpcId: aws.String(sub.vpc.id),
	}
}
