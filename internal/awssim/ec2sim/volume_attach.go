package ec2sim

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// AttachVolume attaches a volume to an instance of the same zone.
func (s *Service) AttachVolume(c *core.Call, in *ec2.AttachVolumeInput) (*ec2.AttachVolumeOutput, error) {
	if _, err := s.here(c); err != nil {
		return nil, err
	}
	if in.EbsCardIndex != nil {
		return nil, c.Unsupported("EbsCardIndex")
	}
	v, err := s.ownVolume(c, in.VolumeId)
	if err != nil {
		return nil, err
	}
	inst, err := s.ownInstance(c, in.InstanceId)
	if err != nil {
		return nil, err
	}
	if err := c.Authorize(needs("AttachVolume", v.existing(), inst.existing())...); err != nil {
		return nil, err
	}
	if err := c.DryRun(in.DryRun); err != nil {
		return nil, err
	}
	device := aws.ToString(in.Device)
	if err := s.canAttach(c, v, inst, device); err != nil {
		return nil, err
	}
	s.attach(c, v, inst, device)
	a := v.apiAttachment(c.Now)
	return &ec2.AttachVolumeOutput{
		AttachTime: a.AttachTime, DeleteOnTermination: a.DeleteOnTermination, Device: a.Device,
		InstanceId: a.InstanceId, State: a.State, VolumeId: a.VolumeId,
	}, nil
}

// canAttach checks states, zone and device.
// Source of the codes: EC2 API Reference, "Error codes".
func (s *Service) canAttach(c *core.Call, v *volume, inst *instance, device string) error {
	switch state := inst.state(c.Now); {
	case device == "":
		return core.Errorf("MissingParameter", "The request must contain the parameter device")
	case v.attachment.active(c.Now):
		return core.Errorf("VolumeInUse", "%s is already attached to an instance", v.id)
	case v.state(c.Now) != types.VolumeStateAvailable:
		return core.Errorf("IncorrectState", "%s is not 'available'.", v.id)
	case state != types.InstanceStateNameRunning && state != types.InstanceStateNameStopped:
		return core.Errorf("IncorrectState", "Instance '%s' is not 'running'.", inst.id)
	case v.zone != inst.subnet.zone:
		return core.Errorf("InvalidVolume.ZoneMismatch", "The volume '%s' is not in the same availability zone as instance '%s'", v.id, inst.id)
	}
	for _, other := range inst.attached(c.Now) {
		if other.attachment.device == device {
			return core.Errorf("InvalidParameterValue",
				"Invalid value '%s' for unixDevice. Attachment point %s is already in use", device, device)
		}
	}
	if v.encrypted() && s.tryKey(c, attachUses, keyed{key: v.key, id: v.id}) != keyWorks {
		// Source: kubernetes/kubernetes#62171.
		return core.Errorf("CustomerKeyHasBeenRevoked",
			"Volume %s cannot be attached. The encrypted volume was unable to access the KMS key.", v.id)
	}
	return nil
}

// attach binds a volume to an instance.
func (s *Service) attach(c *core.Call, v *volume, inst *instance, device string) {
	since := stamp(c.Now)
	v.attachment = &attachment{instance: inst, device: device, since: since, attached: since.Add(s.pace.Attachment)}
	inst.volumes = append(inst.volumes, v)
	s.grantAttachment(c, v)
}

// DetachVolume takes a volume from its instance. The root volume only leaves
// an instance that is stopped.
func (s *Service) DetachVolume(c *core.Call, in *ec2.DetachVolumeInput) (*ec2.DetachVolumeOutput, error) {
	if _, err := s.here(c); err != nil {
		return nil, err
	}
	v, err := s.ownVolume(c, in.VolumeId)
	if err != nil {
		return nil, err
	}
	subjects := []subject{v.existing()}
	if v.attachment.active(c.Now) {
		subjects = append(subjects, v.attachment.instance.existing())
	}
	if err := c.Authorize(needs("DetachVolume", subjects...)...); err != nil {
		return nil, err
	}
	if err := c.DryRun(in.DryRun); err != nil {
		return nil, err
	}
	if err := canDetach(c, v, in); err != nil {
		return nil, err
	}
	a := v.attachment
	a.detaching = stamp(c.Now)
	a.ends = a.detaching.Add(s.pace.Attachment)
	return &ec2.DetachVolumeOutput{
		AttachTime: aws.Time(a.since), DeleteOnTermination: aws.Bool(a.deleteOnTermination), Device: aws.String(a.device),
		InstanceId: aws.String(a.instance.id), State: a.state(c.Now), VolumeId: aws.String(v.id),
	}, nil
}

func canDetach(c *core.Call, v *volume, in *ec2.DetachVolumeInput) error {
	a := v.attachment
	switch {
	case !a.active(c.Now) || !a.detaching.IsZero():
		return core.Errorf("IncorrectState", "Volume '%s' is in the '%s' state.", v.id, v.state(c.Now))
	case in.InstanceId != nil && *in.InstanceId != a.instance.id:
		return core.Errorf("InvalidAttachment.NotFound", "The volume '%s' is not attached to the instance '%s'.", v.id, *in.InstanceId)
	case in.Device != nil && *in.Device != a.device:
		return core.Errorf("InvalidAttachment.NotFound", "The volume '%s' is not attached to instance '%s' as device '%s'.", v.id, a.instance.id, *in.Device)
	case a.device == a.instance.rootDevice && a.instance.state(c.Now) != types.InstanceStateNameStopped:
		return core.Errorf("OperationNotPermitted", "Unable to detach root volume '%s' from instance '%s'", v.id, a.instance.id)
	}
	return nil
}

// DeleteVolume removes a volume that is not attached.
func (s *Service) DeleteVolume(c *core.Call, in *ec2.DeleteVolumeInput) (*ec2.DeleteVolumeOutput, error) {
	if _, err := s.here(c); err != nil {
		return nil, err
	}
	v, err := s.ownVolume(c, in.VolumeId)
	if err != nil {
		return nil, err
	}
	if err := c.Authorize(needs("DeleteVolume", v.existing())...); err != nil {
		return nil, err
	}
	if err := c.DryRun(in.DryRun); err != nil {
		return nil, err
	}
	switch {
	case v.attachment.active(c.Now):
		return nil, core.Errorf("VolumeInUse", "Volume %s is currently attached to %s", v.id, v.attachment.instance.id)
	case v.state(c.Now) == types.VolumeStateCreating:
		return nil, core.Errorf("IncorrectState", "The volume '%s' is '%s'", v.id, types.VolumeStateCreating)
	}
	v.deleted = c.Now
	s.volumeByID(c.Now, v.id)
	return &ec2.DeleteVolumeOutput{}, nil
}
