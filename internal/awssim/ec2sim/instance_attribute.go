package ec2sim

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// instanceFor returns the caller's instance once the call is allowed on it.
// keys are those of this request, beside the instance's own.
func (s *Service) instanceFor(c *core.Call, id *string, dryRun *bool, keys map[string][]string) (*instance, error) {
	if _, err := s.here(c); err != nil {
		return nil, err
	}
	inst, err := s.ownInstance(c, id)
	if err != nil {
		return nil, err
	}
	return inst, allowed(c, dryRun, needs(c.Operation, inst.existing().with(keys))...)
}

// DescribeInstanceAttribute tells one attribute of an instance.
func (s *Service) DescribeInstanceAttribute(c *core.Call, in *ec2.DescribeInstanceAttributeInput) (*ec2.DescribeInstanceAttributeOutput, error) {
	inst, err := s.instanceFor(c, in.InstanceId, in.DryRun, nil)
	if err != nil {
		return nil, err
	}
	out := &ec2.DescribeInstanceAttributeOutput{InstanceId: aws.String(inst.id)}
	text := func(v string) *types.AttributeValue {
		if v == "" {
			return &types.AttributeValue{}
		}
		return &types.AttributeValue{Value: aws.String(v)}
	}
	truth := func(b bool) *types.AttributeBooleanValue { return &types.AttributeBooleanValue{Value: aws.Bool(b)} }
	switch in.Attribute {
	case types.InstanceAttributeNameInstanceType:
		out.InstanceType = text(string(inst.kind))
	case types.InstanceAttributeNameUserData:
		out.UserData = text(inst.options.userData)
	case types.InstanceAttributeNameDisableApiTermination:
		out.DisableApiTermination = truth(inst.options.keepAlive)
	case types.InstanceAttributeNameDisableApiStop:
		out.DisableApiStop = truth(inst.options.keepRunning)
	case types.InstanceAttributeNameInstanceInitiatedShutdownBehavior:
		out.InstanceInitiatedShutdownBehavior = text(string(inst.options.shutdown))
	case types.InstanceAttributeNameRootDeviceName:
		out.RootDeviceName = text(inst.rootDevice)
	case types.InstanceAttributeNameBlockDeviceMapping:
		out.BlockDeviceMappings = inst.apiDevices(c.Now)
	case types.InstanceAttributeNameProductCodes:
		out.ProductCodes = apiProducts(inst.products)
	case types.InstanceAttributeNameSourceDestCheck:
		out.SourceDestCheck = truth(inst.primary().sourceDestCheck)
	case types.InstanceAttributeNameGroupSet:
		out.Groups = apiGroups(inst.groups())
	case types.InstanceAttributeNameEbsOptimized:
		out.EbsOptimized = truth(inst.ebsOptimized)
	case types.InstanceAttributeNameSriovNetSupport:
		out.SriovNetSupport = text(inst.image.sriov)
	case types.InstanceAttributeNameEnaSupport:
		out.EnaSupport = truth(inst.image.ena)
	case types.InstanceAttributeNameEnclaveOptions:
		out.EnclaveOptions = &types.EnclaveOptions{Enabled: aws.Bool(false)}
	case types.InstanceAttributeNameKernel, types.InstanceAttributeNameRamdisk:
		return nil, c.Unsupported(string(in.Attribute))
	default:
		return nil, invalid("attribute", in.Attribute)
	}
	return out, nil
}
