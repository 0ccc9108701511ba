package iamsim

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// PutUserPolicy embeds a policy in a user.
func (s *Service) PutUserPolicy(c *core.Call, in *iam.PutUserPolicyInput) (*iam.PutUserPolicyOutput, error) {
	p := inlinePolicy{name: in.PolicyName, text: in.PolicyDocument, maxSize: userInlineSize}
	if err := p.valid(); err != nil {
		return nil, err
	}
	x, err := s.user(c, in.UserName, nil)
	if err != nil {
		return nil, err
	}
	return &iam.PutUserPolicyOutput{}, ofUser(x, x.Name).putInline(p)
}

// GetUserPolicy returns a user's inline policy.
func (s *Service) GetUserPolicy(c *core.Call, in *iam.GetUserPolicyInput) (*iam.GetUserPolicyOutput, error) {
	if err := valid(member{"policyName", in.PolicyName, entityName, true}); err != nil {
		return nil, err
	}
	x, err := s.user(c, in.UserName, nil)
	if err != nil {
		return nil, err
	}
	text, err := ofUser(x, x.Name).inline(in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &iam.GetUserPolicyOutput{PolicyDocument: text, PolicyName: in.PolicyName, UserName: aws.String(x.Name)}, nil
}

// DeleteUserPolicy deletes a user's inline policy.
func (s *Service) DeleteUserPolicy(c *core.Call, in *iam.DeleteUserPolicyInput) (*iam.DeleteUserPolicyOutput, error) {
	if err := valid(member{"policyName", in.PolicyName, entityName, true}); err != nil {
		return nil, err
	}
	x, err := s.user(c, in.UserName, nil)
	if err != nil {
		return nil, err
	}
	return &iam.DeleteUserPolicyOutput{}, ofUser(x, x.Name).deleteInline(in.PolicyName)
}

// ListUserPolicies lists the names of a user's inline policies.
func (s *Service) ListUserPolicies(c *core.Call, in *iam.ListUserPoliciesInput) (*iam.ListUserPoliciesOutput, error) {
	x, err := s.user(c, in.UserName, nil)
	if err != nil {
		return nil, err
	}
	names, marker, err := ofUser(x, x.Name).inlineNames(page{in.MaxItems, in.Marker})
	if err != nil {
		return nil, err
	}
	return &iam.ListUserPoliciesOutput{PolicyNames: names, Marker: marker, IsTruncated: marker != nil}, nil
}

// AttachUserPolicy gives a managed policy to a user.
func (s *Service) AttachUserPolicy(c *core.Call, in *iam.AttachUserPolicyInput) (*iam.AttachUserPolicyOutput, error) {
	if err := valid(member{"policyArn", in.PolicyArn, arn, true}); err != nil {
		return nil, err
	}
	x, err := s.user(c, in.UserName, policyARN(in.PolicyArn))
	if err != nil {
		return nil, err
	}
	return &iam.AttachUserPolicyOutput{}, s.attach(c, ofUser(x, x.Name), in.PolicyArn)
}

// DetachUserPolicy takes a managed policy from a user.
func (s *Service) DetachUserPolicy(c *core.Call, in *iam.DetachUserPolicyInput) (*iam.DetachUserPolicyOutput, error) {
	if err := valid(member{"policyArn", in.PolicyArn, arn, true}); err != nil {
		return nil, err
	}
	x, err := s.user(c, in.UserName, policyARN(in.PolicyArn))
	if err != nil {
		return nil, err
	}
	return &iam.DetachUserPolicyOutput{}, ofUser(x, x.Name).detach(in.PolicyArn)
}

// ListAttachedUserPolicies lists the managed policies of a user.
func (s *Service) ListAttachedUserPolicies(c *core.Call, in *iam.ListAttachedUserPoliciesInput) (*iam.ListAttachedUserPoliciesOutput, error) {
	x, err := s.user(c, in.UserName, nil)
	if err != nil {
		return nil, err
	}
	list, marker, err := ofUser(x, x.Name).attached(in.PathPrefix, page{in.MaxItems, in.Marker})
	if err != nil {
		return nil, err
	}
	return &iam.ListAttachedUserPoliciesOutput{AttachedPolicies: list, Marker: marker, IsTruncated: marker != nil}, nil
}

// PutUserPermissionsBoundary sets the boundary of a user's permissions.
func (s *Service) PutUserPermissionsBoundary(c *core.Call, in *iam.PutUserPermissionsBoundaryInput) (*iam.PutUserPermissionsBoundaryOutput, error) {
	if err := valid(member{"permissionsBoundary", in.PermissionsBoundary, arn, true}); err != nil {
		return nil, err
	}
	x, err := s.user(c, in.UserName, core.Keys("iam:PermissionsBoundary", *in.PermissionsBoundary))
	if err != nil {
		return nil, err
	}
	return &iam.PutUserPermissionsBoundaryOutput{}, s.setBoundary(c, ofUser(x, x.Name), in.PermissionsBoundary)
}

// DeleteUserPermissionsBoundary takes the boundary away.
func (s *Service) DeleteUserPermissionsBoundary(c *core.Call, in *iam.DeleteUserPermissionsBoundaryInput) (*iam.DeleteUserPermissionsBoundaryOutput, error) {
	x, err := s.user(c, in.UserName, nil)
	if err != nil {
		return nil, err
	}
	return &iam.DeleteUserPermissionsBoundaryOutput{}, ofUser(x, x.Name).deleteBoundary()
}

// TagUser adds tags to a user or replaces their values.
func (s *Service) TagUser(c *core.Call, in *iam.TagUserInput) (*iam.TagUserOutput, error) {
	tags, err := readTags(in.Tags)
	if err != nil {
		return nil, err
	}
	x, err := s.user(c, in.UserName, requestTags(tags))
	if err != nil {
		return nil, err
	}
	if x.Tags, err = withTags(x.Tags, tags); err != nil {
		return nil, err
	}
	return &iam.TagUserOutput{}, nil
}

// UntagUser takes tags from a user.
func (s *Service) UntagUser(c *core.Call, in *iam.UntagUserInput) (*iam.UntagUserOutput, error) {
	x, err := s.user(c, in.UserName, tagKeys(in.TagKeys))
	if err != nil {
		return nil, err
	}
	x.Tags = withoutTags(x.Tags, in.TagKeys)
	return &iam.UntagUserOutput{}, nil
}

// ListUserTags lists a user's tags by key.
func (s *Service) ListUserTags(c *core.Call, in *iam.ListUserTagsInput) (*iam.ListUserTagsOutput, error) {
	x, err := s.user(c, in.UserName, nil)
	if err != nil {
		return nil, err
	}
	list, marker, err := tagPage(x.Tags, page{in.MaxItems, in.Marker})
	if err != nil {
		return nil, err
	}
	return &iam.ListUserTagsOutput{Tags: list, Marker: marker, IsTruncated: marker != nil}, nil
}
