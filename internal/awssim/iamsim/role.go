package iamsim

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// CreateRole makes a role without policies.
func (s *Service) CreateRole(c *core.Call, in *iam.CreateRoleInput) (*iam.CreateRoleOutput, error) {
	if err := valid(member{"roleName", in.RoleName, roleName, true}, member{"path", in.Path, path, false},
		member{"assumeRolePolicyDocument", in.AssumeRolePolicyDocument, document, true},
		member{"description", in.Description, description, false}, member{"permissionsBoundary", in.PermissionsBoundary, arn, false}); err != nil {
		return nil, err
	}
	if err := validSession(in.MaxSessionDuration); err != nil {
		return nil, err
	}
	tags, err := readTags(in.Tags)
	if err != nil {
		return nil, err
	}
	extra := requestTags(tags)
	if in.PermissionsBoundary != nil {
		extra["iam:PermissionsBoundary"] = []string{*in.PermissionsBoundary}
	}
	where := pathOr(in.Path)
	x := &subject{kind: "role", name: *in.RoleName, path: where}
	if err := c.Authorize(withTagging(x.need(c, extra), "iam:TagRole", tags)...); err != nil {
		return nil, err
	}
	if c.Account.NameTaken("role", *in.RoleName) {
		return nil, conflict("EntityAlreadyExists", "Role with name "+*in.RoleName+" already exists.")
	}
	if strings.HasPrefix(where, "/aws-service-role/") {
		return nil, core.Errorf("ValidationError", "The path /aws-service-role/ is reserved for service-linked roles.")
	}
	if err := quota("RolesPerAccount", s.limits.Roles, len(c.Account.Roles())); err != nil {
		return nil, err
	}
	trust, err := s.readTrust(in.AssumeRolePolicyDocument)
	if err != nil {
		return nil, err
	}
	var boundary *core.Policy
	if in.PermissionsBoundary != nil {
		if boundary, err = s.attachable(c, in.PermissionsBoundary); err != nil {
			return nil, err
		}
	}
	r := c.Account.PutRole(core.Role{
		Name: *in.RoleName, Path: where, Description: aws.ToString(in.Description), Trust: trust,
		MaxSession: time.Duration(aws.ToInt32(in.MaxSessionDuration)) * time.Second, Tags: tags,
	})
	r.BoundaryPolicy = boundary
	r.Settle()
	return &iam.CreateRoleOutput{Role: describeRole(r)}, nil
}

// withTagging adds the permission to tag what a call makes with tags.
// Source: IAM User Guide, "Tags for IAM resources": creating with tags takes
// the permission to tag as well.
func withTagging(n core.Need, action string, tags map[string]string) []core.Need {
	needs := []core.Need{n}
	if len(tags) > 0 {
		n.Action = action
		needs = append(needs, n)
	}
	return needs
}

func pathOr(p *string) string {
	if p == nil {
		return "/"
	}
	return *p
}

// validSession checks a role's longest session.
func validSession(seconds *int32) error {
	if seconds != nil && (*seconds < 3600 || *seconds > 43200) {
		return core.Errorf("ValidationError",
			"1 validation error detected: Value '%d' at 'maxSessionDuration' failed to satisfy constraint: Member must have value between 3600 and 43200", *seconds)
	}
	return nil
}

// GetRole returns a role.
func (s *Service) GetRole(c *core.Call, in *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
	r, err := s.role(c, in.RoleName, nil)
	if err != nil {
		return nil, err
	}
	return &iam.GetRoleOutput{Role: describeRole(r)}, nil
}

// ListRoles lists roles by path and name, without what only GetRole tells:
// boundary, tags and last use.
func (s *Service) ListRoles(c *core.Call, in *iam.ListRolesInput) (*iam.ListRolesOutput, error) {
	if err := valid(member{"pathPrefix", in.PathPrefix, pathPrefix, false}); err != nil {
		return nil, err
	}
	if err := c.Authorize(listNeed(c)); err != nil {
		return nil, err
	}
	var all []types.Role
	for _, r := range c.Account.Roles() {
		if strings.HasPrefix(r.Path, aws.ToString(in.PathPrefix)) {
			d := describeRole(r)
			d.PermissionsBoundary, d.Tags, d.RoleLastUsed = nil, nil, nil
			all = append(all, *d)
		}
	}
	list, marker, err := cut(all, func(r types.Role) string { return *r.Path + *r.RoleName }, page{in.MaxItems, in.Marker})
	if err != nil {
		return nil, err
	}
	return &iam.ListRolesOutput{Roles: list, Marker: marker, IsTruncated: marker != nil}, nil
}

// DeleteRole deletes a role that holds nothing and is in no instance profile.
func (s *Service) DeleteRole(c *core.Call, in *iam.DeleteRoleInput) (*iam.DeleteRoleOutput, error) {
	r, err := s.role(c, in.RoleName, nil)
	if err != nil {
		return nil, err
	}
	switch {
	case len(profilesOf(c.Account, r)) > 0:
		return nil, conflict("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.")
	case len(r.Attached) > 0:
		return nil, conflict("DeleteConflict", "Cannot delete entity, must detach all policies first.")
	case len(r.Inline) > 0:
		return nil, conflict("DeleteConflict", "Cannot delete entity, must delete policies first.")
	}
	c.Account.DeleteRole(r.Name)
	return &iam.DeleteRoleOutput{}, nil
}

// UpdateRole changes a role's description and longest session.
func (s *Service) UpdateRole(c *core.Call, in *iam.UpdateRoleInput) (*iam.UpdateRoleOutput, error) {
	if err := valid(member{"description", in.Description, description, false}); err != nil {
		return nil, err
	}
	if err := validSession(in.MaxSessionDuration); err != nil {
		return nil, err
	}
	r, err := s.role(c, in.RoleName, nil)
	if err != nil {
		return nil, err
	}
	if in.Description != nil {
		r.Description = *in.Description
	}
	if in.MaxSessionDuration != nil {
		r.MaxSession = time.Duration(*in.MaxSessionDuration) * time.Second
	}
	return &iam.UpdateRoleOutput{}, nil
}

// UpdateRoleDescription changes a role's description.
func (s *Service) UpdateRoleDescription(c *core.Call, in *iam.UpdateRoleDescriptionInput) (*iam.UpdateRoleDescriptionOutput, error) {
	if err := valid(member{"description", in.Description, description, true}); err != nil {
		return nil, err
	}
	r, err := s.role(c, in.RoleName, nil)
	if err != nil {
		return nil, err
	}
	r.Description = *in.Description
	return &iam.UpdateRoleDescriptionOutput{Role: describeRole(r)}, nil
}

// UpdateAssumeRolePolicy replaces a role's trust policy.
func (s *Service) UpdateAssumeRolePolicy(c *core.Call, in *iam.UpdateAssumeRolePolicyInput) (*iam.UpdateAssumeRolePolicyOutput, error) {
	if err := valid(member{"policyDocument", in.PolicyDocument, document, true}); err != nil {
		return nil, err
	}
	r, err := s.role(c, in.RoleName, nil)
	if err != nil {
		return nil, err
	}
	trust, err := s.readTrust(in.PolicyDocument)
	if err != nil {
		return nil, err
	}
	r.SetTrust(trust)
	return &iam.UpdateAssumeRolePolicyOutput{}, nil
}

// describeRole tells all of a role. Its trust policy is told as it is
// understood now: with the unique id of whom it named and who is gone. That
// it comes without white space, unlike other policies, is what AWS was seen
// to do; it is not documented.
func describeRole(r *core.Role) *types.Role {
	d := &types.Role{
		Arn: aws.String(r.ARN), CreateDate: aws.Time(r.Created), Path: aws.String(r.Path), RoleId: aws.String(r.UniqueID), RoleName: aws.String(r.Name),
		AssumeRolePolicyDocument: encoded(textOf(r.BoundTrust(), "")),
		MaxSessionDuration:       aws.Int32(int32(r.MaxSession / time.Second)),
		PermissionsBoundary:      boundaryOf(&r.Holder),
		Tags:                     tagList(r.Tags),
		RoleLastUsed:             &types.RoleLastUsed{},
	}
	if r.Description != "" {
		d.Description = aws.String(r.Description)
	}
	if !r.Used.At.IsZero() {
		d.RoleLastUsed = &types.RoleLastUsed{LastUsedDate: aws.Time(r.Used.At), Region: aws.String(r.Used.Region)}
	}
	return d
}
