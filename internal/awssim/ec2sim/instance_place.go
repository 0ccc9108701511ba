package ec2sim

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A launchNIC is one network interface of each instance: one to be made, or
// for a single instance one that is there.
type launchNIC struct {
	nicSpec
	there               *nic // or nil
	index               int32
	deleteOnTermination bool
}

func (n launchNIC) subject(at Site, tags map[string]string) subject {
	if n.there != nil {
		return n.there.existing()
	}
	return planned(at, "network-interface", core.Keys("ec2:AvailabilityZone", n.subnet.zone,
		"ec2:Subnet", arn(at, "subnet", n.subnet.id), "ec2:Vpc", n.subnet.vpc.arn()), tags)
}

// place works out the network of a launch. Without network interfaces in the
// request there is one, in the subnet that it names, or in that of the zone
// it names, or in the first of the default network.
func (st *site) place(l *launch, in *ec2.RunInstancesInput) error {
	asked := ""
	if in.Placement != nil {
		asked = aws.ToString(in.Placement.AvailabilityZone)
	}
	if len(in.NetworkInterfaces) > 0 {
		if in.SubnetId != nil || len(in.SecurityGroupIds)+len(in.SecurityGroups) > 0 || in.PrivateIpAddress != nil {
			return core.Errorf("InvalidParameterCombination",
				"Network interfaces and an instance-level subnet ID, security groups or address may not be specified on the same request")
		}
		for _, spec := range in.NetworkInterfaces {
			if err := st.placeInterface(l, spec, asked, *in.MaxCount); err != nil {
				return err
			}
		}
		return l.checkInterfaces(asked)
	}
	sub, err := st.subnetFor(in.SubnetId, asked)
	if err != nil {
		return err
	}
	groups, err := st.groupsOf(sub.vpc, in.SecurityGroupIds)
	if err != nil {
		return err
	}
	if len(in.SecurityGroups) > 0 {
		groups = nil
		for _, name := range in.SecurityGroups {
			g, err := st.groupIn(st.defaultVPC(), name)
			if err != nil {
				return err
			}
			groups = append(groups, g)
		}
	}
	l.nics = []launchNIC{{
		nicSpec:             nicSpec{subnet: sub, groups: groups, address: in.PrivateIpAddress, tags: l.tags["network-interface"]},
		deleteOnTermination: true,
	}}
	return l.checkInterfaces(asked)
}

// subnetFor returns the subnet of an id, or the default one of a zone.
func (st *site) subnetFor(id *string, zoned string) (*subnet, error) {
	if id != nil {
		return st.ownSubnet(id)
	}
	if zoned != "" {
		if _, err := zone(st.Region, &zoned, nil); err != nil {
			return nil, err
		}
	}
	for _, sub := range st.subnets.items {
		if sub.vpc.standard && (zoned == "" || sub.zone == zoned) {
			return sub, nil
		}
	}
	return nil, core.Errorf("MissingInput", "No subnets found for the default VPC. Please specify a subnet.")
}

// placeInterface adds one network interface that the request describes.
func (st *site) placeInterface(l *launch, spec types.InstanceNetworkInterfaceSpecification, zoned string, count int32) error {
	n := launchNIC{
		nicSpec: nicSpec{address: spec.PrivateIpAddress, description: aws.ToString(spec.Description), tags: l.tags["network-interface"]},
		index:   aws.ToInt32(spec.DeviceIndex), deleteOnTermination: spec.DeleteOnTermination == nil || *spec.DeleteOnTermination,
	}
	if spec.NetworkInterfaceId != nil {
		there, err := st.ownInterface(spec.NetworkInterfaceId)
		switch {
		case err != nil:
			return err
		case there.plug != nil:
			return core.Errorf("InvalidNetworkInterface.InUse", "Interface %s is in use", there.id)
		case count > 1:
			return core.Errorf("InvalidParameterCombination", "A network interface cannot be attached to more than one instance")
		}
		n.there, n.subnet, n.groups = there, there.subnet, there.groups
		n.deleteOnTermination = aws.ToBool(spec.DeleteOnTermination)
		l.nics = append(l.nics, n)
		return nil
	}
	var err error
	if n.subnet, err = st.subnetFor(spec.SubnetId, zoned); err != nil {
		return err
	}
	n.groups, err = st.groupsOf(n.subnet.vpc, spec.Groups)
	l.nics = append(l.nics, n)
	return err
}

// checkInterfaces orders the network interfaces and checks that they are of one zone.
func (l *launch) checkInterfaces(zoned string) error {
	slices.SortStableFunc(l.nics, func(a, b launchNIC) int { return int(a.index - b.index) })
	first := l.nics[0]
	if first.index != 0 {
		return core.Errorf("InvalidParameterCombination", "There is no network interface with device index 0")
	}
	l.instance.subnet = first.subnet
	for i, n := range l.nics {
		if i > 0 && n.index == l.nics[i-1].index {
			return core.Errorf("InvalidParameterValue", "Two network interfaces have the device index %d", n.index)
		}
		if n.subnet.zone != first.subnet.zone || zoned != "" && zoned != n.subnet.zone {
			return core.Errorf("InvalidParameterValue", "The subnet '%s' is not in the availability zone '%s'", n.subnet.id, zoned)
		}
	}
	return nil
}

// room checks that there are addresses for so many instances.
func (l *launch) room(count int) error {
	for _, n := range l.nics {
		if n.there != nil {
			continue
		}
		if _, err := n.subnet.free(n.address); err != nil {
			return err
		}
		if n.address != nil && count > 1 {
			return core.Errorf("InvalidParameterCombination", "More than one instance cannot have the address %s", *n.address)
		}
		if n.subnet.available() < count*len(l.nics) {
			return core.Errorf("InsufficientFreeAddressesInSubnet", "The subnet %s has too few free addresses", n.subnet.id)
		}
	}
	return nil
}

// connectAll makes and attaches the network interfaces of a new instance.
func (s *Service) connectAll(c *core.Call, st *site, l *launch, inst *instance) error {
	for _, spec := range l.nics {
		n := spec.there
		if n == nil {
			var err error
			if n, err = s.addInterface(st, spec.nicSpec); err != nil {
				return err
			}
		}
		s.connect(n, inst, spec.index, c.Now)
		n.plug.deleteOnTermination = spec.deleteOnTermination
	}
	return nil
}
