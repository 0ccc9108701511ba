package ec2sim

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// needs names everything that RunInstances touches.
func (l *launch) needs(c *core.Call) []core.Need {
	at := l.instance.site
	all := needs("RunInstances", l.image.existing(c.Account.ID), l.instance.planned(l.tags["instance"]))
	var groups []*securityGroup
	for _, n := range l.nics {
		all = append(all, needs("RunInstances", n.subject(at, l.tags["network-interface"]))...)
		all = append(all, needs("RunInstances", n.subnet.existing())...)
		groups = append(groups, n.groups...)
	}
	for _, g := range groups {
		all = append(all, needs("RunInstances", g.existing())...)
	}
	if l.key != nil {
		all = append(all, needs("RunInstances", l.key.existing())...)
	}
	for i := range l.disks {
		d := &l.disks[i]
		all = append(all, needs("RunInstances", d.volume.planned(l.tags["volume"]))...)
		// A snapshot that the request adds to those of the image.
		if d.source != nil && d.source.id != d.mapping.snapshot {
			all = append(all, needs("RunInstances", d.source.existing("snapshot", c.Account.ID))...)
		}
	}
	all = append(all, tagging("RunInstances", l.instance.planned(nil), l.tags["instance"])...)
	if len(l.disks) > 0 {
		all = append(all, tagging("RunInstances", l.disks[0].volume.planned(nil), l.tags["volume"])...)
	}
	all = append(all, tagging("RunInstances", l.nics[0].subject(at, nil), l.tags["network-interface"])...)
	if l.profile != "" {
		all = append(all, passRole(c, l.profile))
	}
	return all
}

// start makes one instance, its network interfaces and its volumes. If the
// caller may not use the key of one, the instance never runs.
// Source of the reasons: EC2 User Guide, "Instance terminates immediately".
func (s *Service) start(c *core.Call, st *site, l *launch, reservation string, index int32) error {
	inst := l.instance
	inst.id, inst.seq, inst.reservation, inst.index = s.cloud.NewID("i"), s.next(), reservation, index
	inst.made, inst.launched = c.Now, stamp(c.Now)
	inst.tags = ownTags(c.Account.ID, l.tags["instance"])
	l.image.launched = inst.launched
	inst.boot(c.Now)
	inst.move(c.Now, types.InstanceStateNamePending, types.InstanceStateNameRunning, s.pace.Instance)
	made := &inst
	if err := s.connectAll(c, st, l, made); err != nil {
		return err
	}
	if inst.profile = nil; l.profile != "" {
		s.associate(c, st, made, l.profile)
	}
	s.instances[made.id] = made
	st.instances.add(made)
	fault := keyWorks
	for _, d := range l.disks {
		v := d.volume
		v.tags = ownTags(c.Account.ID, l.tags["volume"])
		if f := s.make(c, st, &v, d.source); f != keyWorks {
			fault = f
		}
		s.attach(c, &v, made, d.mapping.device)
		v.attachment.deleteOnTermination = d.mapping.deleteOnTermination
		if d.mapping.device == made.rootDevice {
			v.platform, v.products, made.roots = made.platform, made.products, append(made.roots, v.id)
		}
	}
	if fault == keyWorks {
		return nil
	}
	made.move(c.Now, types.InstanceStateNamePending, types.InstanceStateNameTerminated, s.pace.Volume)
	made.reason = launchFailure(fault)
	st.unplugging = append(st.unplugging, made.nics...)
	for _, v := range made.volumes {
		v.vanishes = made.at
	}
	return nil
}

func launchFailure(fault keyFault) *types.StateReason {
	if fault == keyState {
		return &types.StateReason{
			Code:    aws.String("Client.InvalidKMSKey.InvalidState"),
			Message: aws.String("Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state"),
		}
	}
	return &types.StateReason{
		Code: aws.String("Client.InternalError"), Message: aws.String("Client.InternalError: Client error on launch"),
	}
}
