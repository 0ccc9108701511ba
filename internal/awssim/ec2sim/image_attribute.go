package ec2sim

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// An imageEdit is what ModifyImageAttribute changes: one of its members is set.
type imageEdit struct {
	description *string
	imds        *string
	permissions *permissionChange
}

// ModifyImageAttribute changes one attribute of an image: its launch
// permissions, its description or its demand on instance metadata.
func (s *Service) ModifyImageAttribute(c *core.Call, in *ec2.ModifyImageAttributeInput) (*ec2.ModifyImageAttributeOutput, error) {
	if len(in.ProductCodes) > 0 {
		return nil, c.Unsupported("ProductCodes") // for sellers of the AWS Marketplace
	}
	edit, err := readImageEdit(in)
	if err != nil {
		return nil, err
	}
	im, err := s.imageFor(c, in.ImageId, in.DryRun, core.Keys("ec2:Attribute", edit.name()))
	if err != nil {
		return nil, err
	}
	switch {
	case edit.description != nil:
		im.description = *edit.description
	case edit.imds != nil:
		im.imds = types.ImdsSupportValues(*edit.imds)
	default:
		if err := s.canPermit(c, im, *edit.permissions); err != nil {
			return nil, err
		}
		s.was.access.Was(s.cloud, im.id, im.access)
		im.access.permit(*edit.permissions)
	}
	return &ec2.ModifyImageAttributeOutput{}, nil
}

// readImageEdit reads the ways to write a change: by a member of its own, or
// by the name of the attribute and a value.
func readImageEdit(in *ec2.ModifyImageAttributeInput) (imageEdit, error) {
	var edit imageEdit
	if in.Description != nil {
		edit.description = in.Description.Value
	}
	if in.ImdsSupport != nil {
		edit.imds = in.ImdsSupport.Value
	}
	attribute := types.ImageAttributeName(aws.ToString(in.Attribute))
	switch {
	case attribute == types.ImageAttributeNameDescription && in.Value != nil:
		edit.description = in.Value
	case attribute == types.ImageAttributeNameImdsSupport && in.Value != nil:
		edit.imds = in.Value
	case attribute != "" && attribute != types.ImageAttributeNameLaunchPermission:
		return edit, invalid("attribute", attribute)
	case attribute != "" || in.LaunchPermission != nil || len(in.UserIds)+len(in.UserGroups)+len(in.OrganizationArns)+len(in.OrganizationalUnitArns) > 0:
		change, err := readPermissions(in)
		if err != nil {
			return edit, err
		}
		edit.permissions = &change
	}
	n := 0
	for _, set := range []bool{edit.description != nil, edit.imds != nil, edit.permissions != nil} {
		if set {
			n++
		}
	}
	switch {
	case n != 1:
		// Source: EC2 API Reference, ModifyImageAttribute: "You can specify only
		// one attribute at a time."
		return edit, core.Errorf("InvalidParameterCombination", "The request must contain exactly one attribute, not %d", n)
	case edit.imds != nil && *edit.imds != string(types.ImdsSupportValuesV20):
		return edit, invalid("imdsSupport", *edit.imds)
	}
	return edit, nil
}

// name of the attribute as the condition key ec2:Attribute has it: the name of
// the request member, as it is for snapshots.
func (e imageEdit) name() string {
	switch {
	case e.description != nil:
		return "Description"
	case e.imds != nil:
		return "ImdsSupport"
	}
	return "LaunchPermission"
}

// ResetImageAttribute takes all launch permissions back but the owner's.
func (s *Service) ResetImageAttribute(c *core.Call, in *ec2.ResetImageAttributeInput) (*ec2.ResetImageAttributeOutput, error) {
	if in.Attribute != types.ResetImageAttributeNameLaunchPermission {
		return nil, invalid("attribute", in.Attribute)
	}
	im, err := s.imageFor(c, in.ImageId, in.DryRun, core.Keys("ec2:Attribute", "LaunchPermission"))
	if err != nil {
		return nil, err
	}
	s.was.access.Was(s.cloud, im.id, im.access)
	im.access = imageAccess{}
	return &ec2.ResetImageAttributeOutput{}, nil
}

// DescribeImageAttribute tells the owner one attribute of an image.
func (s *Service) DescribeImageAttribute(c *core.Call, in *ec2.DescribeImageAttributeInput) (*ec2.DescribeImageAttributeOutput, error) {
	im, err := s.imageFor(c, in.ImageId, in.DryRun, nil)
	if err != nil {
		return nil, err
	}
	out := &ec2.DescribeImageAttributeOutput{ImageId: aws.String(im.id)}
	value := func(v string) *types.AttributeValue {
		if v == "" {
			return &types.AttributeValue{}
		}
		return &types.AttributeValue{Value: aws.String(v)}
	}
	switch in.Attribute {
	case types.ImageAttributeNameLaunchPermission:
		out.LaunchPermissions = im.access.list()
	case types.ImageAttributeNameDescription:
		out.Description = value(im.description)
	case types.ImageAttributeNameProductCodes:
		out.ProductCodes = apiProducts(im.products)
	case types.ImageAttributeNameBlockDeviceMapping:
		for _, m := range im.mappings {
			out.BlockDeviceMappings = append(out.BlockDeviceMappings, m.api())
		}
	case types.ImageAttributeNameSriovNetSupport:
		out.SriovNetSupport = value(im.sriov)
	case types.ImageAttributeNameBootMode:
		out.BootMode = value(string(im.boot))
	case types.ImageAttributeNameTpmSupport:
		out.TpmSupport = value(string(im.tpm))
	case types.ImageAttributeNameUefiData:
		out.UefiData = value(im.uefiData)
	case types.ImageAttributeNameLastLaunchedTime:
		out.LastLaunchedTime = value(im.lastLaunched(c.Now))
	case types.ImageAttributeNameImdsSupport:
		out.ImdsSupport = value(string(im.imds))
	case types.ImageAttributeNameDeregistrationProtection:
		out.DeregistrationProtection = value(im.protection.name(c.Now))
	case types.ImageAttributeNameKernel, types.ImageAttributeNameRamdisk:
		return nil, c.Unsupported(strings.ToLower(string(in.Attribute)))
	default:
		return nil, invalid("attribute", in.Attribute)
	}
	return out, nil
}
