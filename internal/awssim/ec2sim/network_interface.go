package ec2sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A nic is a network interface with one address.
type nic struct {
	item
	subnet          *subnet
	groups          []*securityGroup
	address         netip.Addr
	description     string
	sourceDestCheck bool
	plug            *plug // nil: not attached
}

// A plug binds a network interface to an instance.
type plug struct {
	id                  string
	instance            *instance
	index               int32
	since               time.Time
	deleteOnTermination bool
}

// A nicSpec is a network interface as a request describes it.
type nicSpec struct {
	subnet      *subnet
	groups      []*securityGroup
	address     *string
	description string
	tags        map[string]string
}

// addInterface makes a network interface.
func (s *Service) addInterface(st *site, spec nicSpec) (*nic, error) {
	address, err := spec.subnet.free(spec.address)
	if err != nil {
		return nil, err
	}
	spec.subnet.taken[address] = true
	n := &nic{
		item: s.newItem(st.Site, "eni", spec.tags), subnet: spec.subnet, groups: spec.groups, address: address,
		description: spec.description, sourceDestCheck: true,
	}
	st.interfaces.add(n)
	return n, nil
}

// connect attaches a network interface to an instance.
func (s *Service) connect(n *nic, inst *instance, index int32, now time.Time) {
	n.plug = &plug{id: s.cloud.NewID("eni-attach"), instance: inst, index: index, since: stamp(now)}
	inst.nics = append(inst.nics, n)
}

// remove takes a network interface out of the world.
func (st *site) removeInterface(n *nic) {
	delete(n.subnet.taken, n.address)
	st.interfaces.remove(n)
}

// sweep frees the network interfaces of instances that are terminated.
func (st *site) sweep(now time.Time) {
	st.unplugging = slices.DeleteFunc(st.unplugging, func(n *nic) bool {
		if n.plug == nil {
			return true
		}
		if n.plug.instance.state(now) != types.InstanceStateNameTerminated {
			return false
		}
		if n.plug.deleteOnTermination {
			st.removeInterface(n)
		}
		n.plug = nil
		return true
	})
}

func (n *nic) keys() map[string][]string {
	return core.Keys("ec2:AvailabilityZone", n.subnet.zone, "ec2:NetworkInterfaceID", n.id,
		"ec2:Subnet", arn(n.site, "subnet", n.subnet.id), "ec2:Vpc", n.subnet.vpc.arn())
}

func (n *nic) existing() subject { return n.subject("network-interface", n.keys()) }

func (st *site) ownInterface(id *string) (*nic, error) {
	if n := lookup(&st.interfaces, aws.ToString(id)); n != nil {
		return n, nil
	}
	return nil, core.Errorf("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist", aws.ToString(id))
}

// interfaceFilters are those of DescribeNetworkInterfaces that speak of what
// the simulation has.
// Source: EC2 API Reference, DescribeNetworkInterfaces.
var interfaceFilters = attributes[*nic]{
	"addresses.private-ip-address":     func(n *nic) []string { return one(n.address.String()) },
	"attachment.attachment-id":         ifPlugged(func(p *plug) string { return p.id }),
	"attachment.delete-on-termination": ifPlugged(func(p *plug) string { return flag(p.deleteOnTermination) }),
	"attachment.device-index":          ifPlugged(func(p *plug) string { return strconv.Itoa(int(p.index)) }),
	"attachment.instance-id":           ifPlugged(func(p *plug) string { return p.instance.id }),
	"attachment.instance-owner-id":     ifPlugged(func(p *plug) string { return p.instance.site.Account }),
	"attachment.status":                ifPlugged(func(*plug) string { return string(types.AttachmentStatusAttached) }),
	"availability-zone":                func(n *nic) []string { return one(n.subnet.zone) },
	"description":                      func(n *nic) []string { return []string{n.description} },
	"group-id":                         func(n *nic) []string { return idsOf(n.groups) },
	"mac-address":                      func(n *nic) []string { return one(n.mac()) },
	"network-interface-id":             func(n *nic) []string { return one(n.id) },
	"owner-id":                         func(n *nic) []string { return one(n.site.Account) },
	"private-ip-address":               func(n *nic) []string { return one(n.address.String()) },
	"source-dest-check":                func(n *nic) []string { return one(flag(n.sourceDestCheck)) },
	"status":                           func(n *nic) []string { return one(string(n.status())) },
	"subnet-id":                        func(n *nic) []string { return one(n.subnet.id) },
	"vpc-id":                           func(n *nic) []string { return one(n.subnet.vpc.id) },
}

func ifPlugged(read func(*plug) string) func(*nic) []string {
	return func(n *nic) []string {
		if n.plug == nil {
			return nil
		}
		return one(read(n.plug))
	}
}

func idsOf(groups []*securityGroup) []string {
	var out []string
	for _, g := range groups {
		out = append(out, g.id)
	}
	return out
}

func namesOf(groups []*securityGroup) []string {
	var out []string
	for _, g := range groups {
		out = append(out, g.name)
	}
	return out
}

func (n *nic) status() types.NetworkInterfaceStatus {
	if n.plug != nil {
		return types.NetworkInterfaceStatusInUse
	}
	return types.NetworkInterfaceStatusAvailable
}

// mac is an address of hardware that follows from the id.
func (n *nic) mac() string {
	digits := strings.TrimPrefix(n.id, "eni-")
	return fmt.Sprintf("02:%s:%s:%s:%s:%s", digits[1:3], digits[3:5], digits[5:7], digits[7:9], digits[9:11])
}

// DescribeNetworkInterfaces lists the caller's network interfaces.
func (s *Service) DescribeNetworkInterfaces(c *core.Call, in *ec2.DescribeNetworkInterfacesInput) (*ec2.DescribeNetworkInterfacesOutput, error) {
	s.siteOf(c).sweep(c.Now)
	found, next, err := describe(s, c, in, search[*nic, *nic]{
		shelf:   func(st *site) *shelf[*nic] { return &st.interfaces },
		ids:     in.NetworkInterfaceIds,
		exists:  func(id string) error { return failure(s.siteOf(c).ownInterface(&id)) },
		id:      (*nic).ident,
		view:    same[*nic],
		filters: interfaceFilters,
		tags:    (*nic).ownTags,
	})
	out := &ec2.DescribeNetworkInterfacesOutput{NextToken: next}
	for _, n := range found {
		out.NetworkInterfaces = append(out.NetworkInterfaces, n.api())
	}
	return out, err
}

func (n *nic) api() types.NetworkInterface {
	out := types.NetworkInterface{
		AvailabilityZone: aws.String(n.subnet.zone), AvailabilityZoneId: aws.String(zoneID(n.subnet.zone)), Description: aws.String(n.description),
		Groups: apiGroups(n.groups), InterfaceType: types.NetworkInterfaceTypeInterface, MacAddress: aws.String(n.mac()),
		NetworkInterfaceId: aws.String(n.id), OwnerId: aws.String(n.site.Account), PrivateIpAddress: aws.String(n.address.String()),
		PrivateIpAddresses: []types.NetworkInterfacePrivateIpAddress{{Primary: aws.Bool(true), PrivateIpAddress: aws.String(n.address.String())}},
		RequesterManaged:   aws.Bool(false), SourceDestCheck: aws.Bool(n.sourceDestCheck), Status: n.status(),
		SubnetId: aws.String(n.subnet.id), TagSet: apiTags(n.ownTags()), VpcId: aws.String(n.subnet.vpc.id),
	}
	if p := n.plug; p != nil {
		out.Attachment = &types.NetworkInterfaceAttachment{
			AttachTime: aws.Time(p.since), AttachmentId: aws.String(p.id), DeleteOnTermination: aws.Bool(p.deleteOnTermination),
			DeviceIndex: aws.Int32(p.index), InstanceId: aws.String(p.instance.id), InstanceOwnerId: aws.String(p.instance.site.Account),
			NetworkCardIndex: aws.Int32(0), Status: types.AttachmentStatusAttached,
		}
	}
	return out
}

// apiOfInstance is how DescribeInstances has a network interface.
func (n *nic) apiOfInstance() types.InstanceNetworkInterface {
	p := n.plug
	return types.InstanceNetworkInterface{
		Attachment: &types.InstanceNetworkInterfaceAttachment{
			AttachTime: aws.Time(p.since), AttachmentId: aws.String(p.id), DeleteOnTermination: aws.Bool(p.deleteOnTermination),
			DeviceIndex: aws.Int32(p.index), NetworkCardIndex: aws.Int32(0), Status: types.AttachmentStatusAttached,
		},
		Description: aws.String(n.description), Groups: apiGroups(n.groups), InterfaceType: aws.String("interface"),
		MacAddress: aws.String(n.mac()), NetworkInterfaceId: aws.String(n.id), OwnerId: aws.String(n.site.Account),
		PrivateIpAddress:   aws.String(n.address.String()),
		PrivateIpAddresses: []types.InstancePrivateIpAddress{{Primary: aws.Bool(true), PrivateIpAddress: aws.String(n.address.String())}},
		SourceDestCheck:    aws.Bool(n.sourceDestCheck), Status: n.status(), SubnetId: aws.String(n.subnet.id), VpcId: aws.String(n.subnet.vpc.id),
	}
}
