package ec2sim

import (
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// An address is an Elastic IP address. Nothing can be associated with it here.
type address struct {
	item
	public string
}

func (a *address) existing() subject {
	return a.subject("elastic-ip", core.Keys("ec2:AllocationId", a.id, "ec2:Domain", "vpc", "ec2:PublicIpAddress", a.public))
}

var addressFilters = attributes[*address]{
	"allocation-id":        func(a *address) []string { return one(a.id) },
	"network-border-group": func(a *address) []string { return one(a.site.Region) },
	"public-ip":            func(a *address) []string { return one(a.public) },
}

// DescribeAddresses lists the caller's Elastic IP addresses.
func (s *Service) DescribeAddresses(c *core.Call, in *ec2.DescribeAddressesInput) (*ec2.DescribeAddressesOutput, error) {
	found, _, err := describe(s, c, in, search[*address, *address]{
		shelf: func(st *site) *shelf[*address] { return &st.addresses },
		ids:   in.AllocationIds,
		exists: func(id string) error {
			if lookup(&s.siteOf(c).addresses, id) == nil {
				return core.Errorf("InvalidAllocationID.NotFound", "The allocation ID '%s' does not exist", id)
			}
			return nil
		},
		id:      (*address).ident,
		fits:    func(a *address) bool { return len(in.PublicIps) == 0 || slices.Contains(in.PublicIps, a.public) },
		view:    same[*address],
		filters: addressFilters,
		tags:    (*address).ownTags,
	})
	out := &ec2.DescribeAddressesOutput{}
	for _, a := range found {
		out.Addresses = append(out.Addresses, types.Address{
			AllocationId: aws.String(a.id), Domain: types.DomainTypeVpc, NetworkBorderGroup: aws.String(a.site.Region),
			PublicIp: aws.String(a.public), PublicIpv4Pool: aws.String("amazon"), Tags: apiTags(a.ownTags()),
		})
	}
	return out, err
}

// AllocateAddress gives the caller an Elastic IP address, from a range that is
// for documentation (RFC 5737).
func (s *Service) AllocateAddress(c *core.Call, in *ec2.AllocateAddressInput) (*ec2.AllocateAddressOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	if err := served(c, in, "Domain TagSpecifications"); err != nil {
		return nil, err
	}
	tags, err := createTags(in.TagSpecifications, "elastic-ip")
	if err != nil {
		return nil, err
	}
	made := planned(st.Site, "elastic-ip", core.Keys(), tags["elastic-ip"])
	if err := allowed(c, in.DryRun, append(needs("AllocateAddress", made), tagging("AllocateAddress", made, tags["elastic-ip"])...)...); err != nil {
		return nil, err
	}
	// Source of the number: Amazon VPC User Guide, "Amazon VPC quotas".
	if len(st.addresses.items) >= 5 {
		return nil, core.Errorf("AddressLimitExceeded", "The maximum number of addresses has been reached.")
	}
	s.addressesMade++
	a := &address{item: s.newItem(st.Site, "eipalloc", tags["elastic-ip"]), public: fmt.Sprintf("203.0.113.%d", s.addressesMade%256)}
	st.addresses.add(a)
	return &ec2.AllocateAddressOutput{
		AllocationId: aws.String(a.id), Domain: types.DomainTypeVpc, NetworkBorderGroup: aws.String(st.Region),
		PublicIp: aws.String(a.public), PublicIpv4Pool: aws.String("amazon"),
	}, nil
}

// ReleaseAddress gives an Elastic IP address back.
func (s *Service) ReleaseAddress(c *core.Call, in *ec2.ReleaseAddressInput) (*ec2.ReleaseAddressOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	if err := served(c, in, "AllocationId"); err != nil {
		return nil, err
	}
	a := lookup(&st.addresses, aws.ToString(in.AllocationId))
	if a == nil {
		return nil, core.Errorf("InvalidAllocationID.NotFound", "The allocation ID '%s' does not exist", aws.ToString(in.AllocationId))
	}
	if err := allowed(c, in.DryRun, needs("ReleaseAddress", a.existing())...); err != nil {
		return nil, err
	}
	st.addresses.remove(a)
	return &ec2.ReleaseAddressOutput{}, nil
}
