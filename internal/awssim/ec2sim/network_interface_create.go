package ec2sim

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// CreateNetworkInterface makes a network interface in a subnet.
func (s *Service) CreateNetworkInterface(c *core.Call, in *ec2.CreateNetworkInterfaceInput) (*ec2.CreateNetworkInterfaceOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	if err := served(c, in, "SubnetId ClientToken Description Groups PrivateIpAddress TagSpecifications"); err != nil {
		return nil, err
	}
	tags, err := createTags(in.TagSpecifications, "network-interface")
	if err != nil {
		return nil, err
	}
	sub, err := st.ownSubnet(in.SubnetId)
	if err != nil {
		return nil, err
	}
	groups, err := st.groupsOf(sub.vpc, in.Groups)
	if err != nil {
		return nil, err
	}
	subjects := []subject{planned(st.Site, "network-interface", core.Keys(), tags["network-interface"]), sub.existing()}
	for _, g := range groups {
		subjects = append(subjects, g.existing())
	}
	demanded := append(needs("CreateNetworkInterface", subjects...), tagging("CreateNetworkInterface", subjects[0], tags["network-interface"])...)
	if err := allowed(c, in.DryRun, demanded...); err != nil {
		return nil, err
	}
	earlier, err := s.repeated(c, in.ClientToken, in)
	if err != nil {
		return nil, err
	}
	var n *nic
	if earlier != nil {
		n, err = st.ownInterface(&earlier.id)
	} else {
		n, err = s.addInterface(st, nicSpec{sub, groups, in.PrivateIpAddress, aws.ToString(in.Description), tags["network-interface"]})
	}
	if err != nil {
		return nil, err
	}
	s.remember(c, in.ClientToken, in, n.id)
	api := n.api()
	return &ec2.CreateNetworkInterfaceOutput{ClientToken: in.ClientToken, NetworkInterface: &api}, nil
}

// DeleteNetworkInterface removes a network interface that is not attached.
func (s *Service) DeleteNetworkInterface(c *core.Call, in *ec2.DeleteNetworkInterfaceInput) (*ec2.DeleteNetworkInterfaceOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	st.sweep(c.Now)
	n, err := st.ownInterface(in.NetworkInterfaceId)
	if err != nil {
		return nil, err
	}
	if err := allowed(c, in.DryRun, needs("DeleteNetworkInterface", n.existing())...); err != nil {
		return nil, err
	}
	if n.plug != nil {
		return nil, core.Errorf("InvalidParameterValue", "Network interface '%s' is currently in use.", n.id)
	}
	st.removeInterface(n)
	return &ec2.DeleteNetworkInterfaceOutput{}, nil
}

// AttachNetworkInterface attaches a network interface to an instance of its
// zone.
func (s *Service) AttachNetworkInterface(c *core.Call, in *ec2.AttachNetworkInterfaceInput) (*ec2.AttachNetworkInterfaceOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	if err := served(c, in, "DeviceIndex InstanceId NetworkInterfaceId"); err != nil {
		return nil, err
	}
	n, err := st.ownInterface(in.NetworkInterfaceId)
	if err != nil {
		return nil, err
	}
	inst, err := s.ownInstance(c, in.InstanceId)
	if err != nil {
		return nil, err
	}
	if err := allowed(c, in.DryRun, needs("AttachNetworkInterface", n.existing(), inst.existing())...); err != nil {
		return nil, err
	}
	index := aws.ToInt32(in.DeviceIndex)
	state := inst.state(c.Now)
	switch {
	case n.plug != nil:
		return nil, core.Errorf("InvalidNetworkInterface.InUse", "Interface %s is in use", n.id)
	case state != types.InstanceStateNameRunning && state != types.InstanceStateNameStopped:
		return nil, core.Errorf("IncorrectState", "Instance '%s' is not 'running' or 'stopped'.", inst.id)
	case n.subnet.zone != inst.subnet.zone:
		return nil, core.Errorf("InvalidParameterCombination", "The interface '%s' is not in the availability zone of instance '%s'", n.id, inst.id)
	case slices.ContainsFunc(inst.nics, func(other *nic) bool { return other.plug.index == index }):
		return nil, core.Errorf("InvalidParameterValue", "Instance '%s' already has an interface attached at device index '%d'.", inst.id, index)
	}
	s.connect(n, inst, index, c.Now)
	return &ec2.AttachNetworkInterfaceOutput{AttachmentId: aws.String(n.plug.id), NetworkCardIndex: aws.Int32(0)}, nil
}

// DetachNetworkInterface takes a network interface from its instance; the
// first one stays.
func (s *Service) DetachNetworkInterface(c *core.Call, in *ec2.DetachNetworkInterfaceInput) (*ec2.DetachNetworkInterfaceOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	st.sweep(c.Now)
	i := slices.IndexFunc(st.interfaces.items, func(n *nic) bool { return n.plug != nil && n.plug.id == aws.ToString(in.AttachmentId) })
	if i < 0 {
		return nil, core.Errorf("InvalidAttachmentID.NotFound", "The attachment '%s' does not exist", aws.ToString(in.AttachmentId))
	}
	n := st.interfaces.items[i]
	inst := n.plug.instance
	if err := allowed(c, in.DryRun, needs("DetachNetworkInterface", n.existing(), inst.existing())...); err != nil {
		return nil, err
	}
	if n.plug.index == 0 {
		return nil, core.Errorf("OperationNotPermitted", "The network interface at device index 0 cannot be detached.")
	}
	n.plug = nil
	inst.nics = slices.DeleteFunc(slices.Clone(inst.nics), func(other *nic) bool { return other == n })
	return &ec2.DetachNetworkInterfaceOutput{}, nil
}
