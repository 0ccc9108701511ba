package iamsim

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// PutRolePolicy embeds a policy in a role.
func (s *Service) PutRolePolicy(c *core.Call, in *iam.PutRolePolicyInput) (*iam.PutRolePolicyOutput, error) {
	p := inlinePolicy{name: in.PolicyName, text: in.PolicyDocument, maxSize: roleInlineSize}
	if err := p.valid(); err != nil {
		return nil, err
	}
	x, err := s.role(c, in.RoleName, nil)
	if err != nil {
		return nil, err
	}
	return &iam.PutRolePolicyOutput{}, ofRole(x, x.Name).putInline(p)
}

// GetRolePolicy returns a role's inline policy.
func (s *Service) GetRolePolicy(c *core.Call, in *iam.GetRolePolicyInput) (*iam.GetRolePolicyOutput, error) {
	if err := valid(member{"policyName", in.PolicyName, entityName, true}); err != nil {
		return nil, err
	}
	x, err := s.role(c, in.RoleName, nil)
	if err != nil {
		return nil, err
	}
	text, err := ofRole(x, x.Name).inline(in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &iam.GetRolePolicyOutput{PolicyDocument: text, PolicyName: in.PolicyName, RoleName: aws.String(x.Name)}, nil
}

// DeleteRolePolicy deletes a role's inline policy.
func (s *Service) DeleteRolePolicy(c *core.Call, in *iam.DeleteRolePolicyInput) (*iam.DeleteRolePolicyOutput, error) {
	if err := valid(member{"policyName", in.PolicyName, entityName, true}); err != nil {
		return nil, err
	}
	x, err := s.role(c, in.RoleName, nil)
	if err != nil {
		return nil, err
	}
	return &iam.DeleteRolePolicyOutput{}, ofRole(x, x.Name).deleteInline(in.PolicyName)
}

// ListRolePolicies lists the names of a role's inline policies.
func (s *Service) ListRolePolicies(c *core.Call, in *iam.ListRolePoliciesInput) (*iam.ListRolePoliciesOutput, error) {
	x, err := s.role(c, in.RoleName, nil)
	if err != nil {
		return nil, err
	}
	names, marker, err := ofRole(x, x.Name).inlineNames(page{in.MaxItems, in.Marker})
	if err != nil {
		return nil, err
	}
	return &iam.ListRolePoliciesOutput{PolicyNames: names, Marker: marker, IsTruncated: marker != nil}, nil
}

// AttachRolePolicy gives a managed policy to a role.
func (s *Service) AttachRolePolicy(c *core.Call, in *iam.AttachRolePolicyInput) (*iam.AttachRolePolicyOutput, error) {
	if err := valid(member{"policyArn", in.PolicyArn, arn, true}); err != nil {
		return nil, err
	}
	x, err := s.role(c, in.RoleName, policyARN(in.PolicyArn))
	if err != nil {
		return nil, err
	}
	return &iam.AttachRolePolicyOutput{}, s.attach(c, ofRole(x, x.Name), in.PolicyArn)
}

// DetachRolePolicy takes a managed policy from a role.
func (s *Service) DetachRolePolicy(c *core.Call, in *iam.DetachRolePolicyInput) (*iam.DetachRolePolicyOutput, error) {
	if err := valid(member{"policyArn", in.PolicyArn, arn, true}); err != nil {
		return nil, err
	}
	x, err := s.role(c, in.RoleName, policyARN(in.PolicyArn))
	if err != nil {
		return nil, err
	}
	return &iam.DetachRolePolicyOutput{}, ofRole(x, x.Name).detach(in.PolicyArn)
}

// ListAttachedRolePolicies lists the managed policies of a role.
func (s *Service) ListAttachedRolePolicies(c *core.Call, in *iam.ListAttachedRolePoliciesInput) (*iam.ListAttachedRolePoliciesOutput, error) {
	x, err := s.role(c, in.RoleName, nil)
	if err != nil {
		return nil, err
	}
	list, marker, err := ofRole(x, x.Name).attached(in.PathPrefix, page{in.MaxItems, in.Marker})
	if err != nil {
		return nil, err
	}
	return &iam.ListAttachedRolePoliciesOutput{AttachedPolicies: list, Marker: marker, IsTruncated: marker != nil}, nil
}

// PutRolePermissionsBoundary sets the boundary of a role's permissions.
func (s *Service) PutRolePermissionsBoundary(c *core.Call, in *iam.PutRolePermissionsBoundaryInput) (*iam.PutRolePermissionsBoundaryOutput, error) {
	if err := valid(member{"permissionsBoundary", in.PermissionsBoundary, arn, true}); err != nil {
		return nil, err
	}
	x, err := s.role(c, in.RoleName, core.Keys("iam:PermissionsBoundary", *in.PermissionsBoundary))
	if err != nil {
		return nil, err
	}
	return &iam.PutRolePermissionsBoundaryOutput{}, s.setBoundary(c, ofRole(x, x.Name), in.PermissionsBoundary)
}

// DeleteRolePermissionsBoundary takes the boundary away.
func (s *Service) DeleteRolePermissionsBoundary(c *core.Call, in *iam.DeleteRolePermissionsBoundaryInput) (*iam.DeleteRolePermissionsBoundaryOutput, error) {
	x, err := s.role(c, in.RoleName, nil)
	if err != nil {
		return nil, err
	}
	return &iam.DeleteRolePermissionsBoundaryOutput{}, ofRole(x, x.Name).deleteBoundary()
}

// TagRole adds tags to a role or replaces their values.
func (s *Service) TagRole(c *core.Call, in *iam.TagRoleInput) (*iam.TagRoleOutput, error) {
	tags, err := readTags(in.Tags)
	if err != nil {
		return nil, err
	}
	x, err := s.role(c, in.RoleName, requestTags(tags))
	if err != nil {
		return nil, err
	}
	if x.Tags, err = withTags(x.Tags, tags); err != nil {
		return nil, err
	}
	return &iam.TagRoleOutput{}, nil
}

// UntagRole takes tags from a role.
func (s *Service) UntagRole(c *core.Call, in *iam.UntagRoleInput) (*iam.UntagRoleOutput, error) {
	x, err := s.role(c, in.RoleName, tagKeys(in.TagKeys))
	if err != nil {
		return nil, err
	}
	x.Tags = withoutTags(x.Tags, in.TagKeys)
	return &iam.UntagRoleOutput{}, nil
}

// ListRoleTags lists a role's tags by key.
func (s *Service) ListRoleTags(c *core.Call, in *iam.ListRoleTagsInput) (*iam.ListRoleTagsOutput, error) {
	x, err := s.role(c, in.RoleName, nil)
	if err != nil {
		return nil, err
	}
	list, marker, err := tagPage(x.Tags, page{in.MaxItems, in.Marker})
	if err != nil {
		return nil, err
	}
	return &iam.ListRoleTagsOutput{Tags: list, Marker: marker, IsTruncated: marker != nil}, nil
}
