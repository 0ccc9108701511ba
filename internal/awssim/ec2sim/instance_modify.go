package ec2sim

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// ModifyInstanceAttribute changes one attribute of an instance.
func (s *Service) ModifyInstanceAttribute(c *core.Call, in *ec2.ModifyInstanceAttributeInput) (*ec2.ModifyInstanceAttributeOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	if err := served(c, in, "InstanceId Attribute Value BlockDeviceMappings DisableApiStop DisableApiTermination EbsOptimized Groups"+
		" InstanceInitiatedShutdownBehavior InstanceType SourceDestCheck UserData"); err != nil {
		return nil, err
	}
	if err := byValue(in); err != nil {
		return nil, err
	}
	name, err := modified(in)
	if err != nil {
		return nil, err
	}
	inst, err := s.ownInstance(c, in.InstanceId)
	if err != nil {
		return nil, err
	}
	var groups []*securityGroup
	if len(in.Groups) > 0 {
		if groups, err = st.groupsOf(inst.subnet.vpc, in.Groups); err != nil {
			return nil, err
		}
	}
	subjects := []subject{inst.existing().with(core.Keys("ec2:Attribute", name))}
	for _, g := range groups {
		subjects = append(subjects, g.existing())
	}
	if err := allowed(c, in.DryRun, needs("ModifyInstanceAttribute", subjects...)...); err != nil {
		return nil, err
	}
	if len(groups) > 0 {
		inst.primary().groups = groups
	}
	return &ec2.ModifyInstanceAttributeOutput{}, s.modify(c, inst, in)
}

// byValue turns an attribute given by name and value into the member that is
// its own.
func byValue(in *ec2.ModifyInstanceAttributeInput) error {
	if in.Attribute == "" || in.Value == nil {
		return nil
	}
	text := &types.AttributeValue{Value: in.Value}
	b, err := strconv.ParseBool(*in.Value)
	truth := &types.AttributeBooleanValue{Value: aws.Bool(b)}
	switch in.Attribute {
	case types.InstanceAttributeNameInstanceType:
		in.InstanceType = text
		return nil
	case types.InstanceAttributeNameInstanceInitiatedShutdownBehavior:
		in.InstanceInitiatedShutdownBehavior = text
		return nil
	case types.InstanceAttributeNameUserData:
		raw, err := base64.StdEncoding.DecodeString(*in.Value)
		if err != nil {
			return core.Errorf("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.")
		}
		in.UserData = &types.SecureBlobAttributeValue{Value: raw}
		return nil
	case types.InstanceAttributeNameDisableApiTermination:
		in.DisableApiTermination = truth
	case types.InstanceAttributeNameDisableApiStop:
		in.DisableApiStop = truth
	case types.InstanceAttributeNameSourceDestCheck:
		in.SourceDestCheck = truth
	case types.InstanceAttributeNameEbsOptimized:
		in.EbsOptimized = truth
	default:
		return invalid("attribute", in.Attribute)
	}
	if err != nil {
		return core.Errorf("InvalidParameterValue", "Value (%s) for parameter value is invalid.", *in.Value)
	}
	return nil
}

// modified returns the name of the one attribute that a request changes, as
// the condition key ec2:Attribute has it.
func modified(in *ec2.ModifyInstanceAttributeInput) (string, error) {
	var names []string
	for _, a := range []struct {
		name string
		set  bool
	}{
		{"BlockDeviceMapping", len(in.BlockDeviceMappings) > 0},
		{"DisableApiStop", in.DisableApiStop != nil},
		{"DisableApiTermination", in.DisableApiTermination != nil},
		{"EbsOptimized", in.EbsOptimized != nil},
		{"GroupSet", len(in.Groups) > 0},
		{"InstanceInitiatedShutdownBehavior", in.InstanceInitiatedShutdownBehavior != nil},
		{"InstanceType", in.InstanceType != nil},
		{"SourceDestCheck", in.SourceDestCheck != nil},
		{"UserData", in.UserData != nil},
	} {
		if a.set {
			names = append(names, a.name)
		}
	}
	if len(names) != 1 {
		return "", core.Errorf("InvalidParameterCombination", "Fields for multiple attribute types specified: %s", strings.Join(names, ", "))
	}
	return names[0], nil
}

// modify makes the change.
// Source: EC2 API Reference, ModifyInstanceAttribute: type, user data and EBS
// optimization can be changed of a stopped instance only.
func (s *Service) modify(c *core.Call, inst *instance, in *ec2.ModifyInstanceAttributeInput) error {
	if (in.InstanceType != nil || in.UserData != nil || in.EbsOptimized != nil) && inst.state(c.Now) != types.InstanceStateNameStopped {
		return core.Errorf("IncorrectInstanceState", "The instance '%s' is not in the 'stopped' state.", inst.id)
	}
	o := &inst.options
	switch {
	case in.DisableApiStop != nil:
		o.keepRunning = aws.ToBool(in.DisableApiStop.Value)
	case in.DisableApiTermination != nil:
		o.keepAlive = aws.ToBool(in.DisableApiTermination.Value)
	case in.SourceDestCheck != nil:
		inst.primary().sourceDestCheck = aws.ToBool(in.SourceDestCheck.Value)
	case in.EbsOptimized != nil:
		inst.ebsOptimized = aws.ToBool(in.EbsOptimized.Value)
	case in.InstanceInitiatedShutdownBehavior != nil:
		behavior := types.ShutdownBehavior(aws.ToString(in.InstanceInitiatedShutdownBehavior.Value))
		if !slices.Contains(behavior.Values(), behavior) {
			return invalid("instanceInitiatedShutdownBehavior", behavior)
		}
		o.shutdown = behavior
	case in.UserData != nil:
		return o.setUserData(aws.String(base64.StdEncoding.EncodeToString(in.UserData.Value)))
	case in.InstanceType != nil:
		kind := types.InstanceType(aws.ToString(in.InstanceType.Value))
		if err := inst.image.canRun(kind); err != nil {
			return err
		}
		inst.kind = kind
	}
	return inst.modifyDisks(c, in.BlockDeviceMappings)
}

// modifyDisks says of volumes whether they go with the instance.
func (in *instance) modifyDisks(c *core.Call, asked []types.InstanceBlockDeviceMappingSpecification) error {
	for _, b := range asked {
		if b.NoDevice != nil || b.VirtualName != nil || b.Ebs == nil || b.Ebs.DeleteOnTermination == nil {
			return c.Unsupported("BlockDeviceMappings but for DeleteOnTermination")
		}
		i := slices.IndexFunc(in.attached(c.Now), func(v *volume) bool {
			return v.attachment.device == aws.ToString(b.DeviceName) && (b.Ebs.VolumeId == nil || *b.Ebs.VolumeId == v.id)
		})
		if i < 0 {
			return core.Errorf("InvalidInstanceAttributeValue", "No device is currently mapped at %s", aws.ToString(b.DeviceName))
		}
		in.attached(c.Now)[i].attachment.deleteOnTermination = *b.Ebs.DeleteOnTermination
	}
	return nil
}
