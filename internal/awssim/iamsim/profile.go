package iamsim

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// CreateInstanceProfile makes an instance profile without a role.
func (s *Service) CreateInstanceProfile(c *core.Call, in *iam.CreateInstanceProfileInput) (*iam.CreateInstanceProfileOutput, error) {
	if err := valid(member{"instanceProfileName", in.InstanceProfileName, entityName, true}, member{"path", in.Path, path, false}); err != nil {
		return nil, err
	}
	tags, err := readTags(in.Tags)
	if err != nil {
		return nil, err
	}
	where := pathOr(in.Path)
	n := core.Need{
		Action:   "iam:CreateInstanceProfile",
		Resource: c.Account.GlobalARN("iam", "instance-profile"+where+*in.InstanceProfileName), Keys: requestTags(tags),
	}
	if err := c.Authorize(withTagging(n, "iam:TagInstanceProfile", tags)...); err != nil {
		return nil, err
	}
	if c.Account.NameTaken("instance-profile", *in.InstanceProfileName) {
		return nil, conflict("EntityAlreadyExists", "Instance Profile "+*in.InstanceProfileName+" already exists.")
	}
	if err := quota("InstanceProfilesPerAccount", s.limits.InstanceProfiles, len(c.Account.InstanceProfiles())); err != nil {
		return nil, err
	}
	p := c.Account.AddInstanceProfile(core.InstanceProfile{Name: *in.InstanceProfileName, Path: where, Tags: tags})
	return &iam.CreateInstanceProfileOutput{InstanceProfile: describeProfile(p)}, nil
}

// profile finds the instance profile that a call names.
func (s *Service) profile(c *core.Call, name *string, more ...core.Need) (*core.InstanceProfile, error) {
	if err := valid(member{"instanceProfileName", name, entityName, true}); err != nil {
		return nil, err
	}
	p := c.Account.InstanceProfile(*name)
	n := core.Need{Action: "iam:" + c.Operation, Resource: c.Account.GlobalARN("iam", "instance-profile/"+*name)}
	if p != nil {
		n.Resource, n.Keys = p.ARN, core.WithResourceTags(map[string][]string{}, "", p.Tags)
	}
	if err := c.Authorize(append([]core.Need{n}, more...)...); err != nil {
		return nil, err
	}
	if p == nil {
		return nil, noSuchEntity("Instance Profile " + *name + " cannot be found.")
	}
	return p, nil
}

// GetInstanceProfile returns an instance profile and its role.
func (s *Service) GetInstanceProfile(c *core.Call, in *iam.GetInstanceProfileInput) (*iam.GetInstanceProfileOutput, error) {
	p, err := s.profile(c, in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	return &iam.GetInstanceProfileOutput{InstanceProfile: describeProfile(p)}, nil
}

// DeleteInstanceProfile deletes an instance profile that holds no role.
func (s *Service) DeleteInstanceProfile(c *core.Call, in *iam.DeleteInstanceProfileInput) (*iam.DeleteInstanceProfileOutput, error) {
	p, err := s.profile(c, in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	if p.Role != nil {
		return nil, conflict("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.")
	}
	c.Account.DeleteInstanceProfile(p)
	return &iam.DeleteInstanceProfileOutput{}, nil
}

// AddRoleToInstanceProfile puts a role into a profile, which holds one at
// most. The caller passes the role to EC2.
func (s *Service) AddRoleToInstanceProfile(c *core.Call, in *iam.AddRoleToInstanceProfileInput) (*iam.AddRoleToInstanceProfileOutput, error) {
	if err := valid(member{"roleName", in.RoleName, roleName, true}); err != nil {
		return nil, err
	}
	r := c.Account.Role(*in.RoleName)
	pass := ofRole(r, *in.RoleName).need(c, core.Keys("iam:PassedToService", "ec2.amazonaws.com"))
	pass.Action = "iam:PassRole"
	p, err := s.profile(c, in.InstanceProfileName, pass)
	switch {
	case err != nil:
		return nil, err
	case r == nil:
		return nil, noSuchEntity("The role with name " + *in.RoleName + " cannot be found.")
	case p.Role != nil:
		// "An instance profile can contain only one role, and this quota cannot be
		// increased." (IAM API Reference, AddRoleToInstanceProfile)
		return nil, conflict("LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
	}
	if err := protected(c, r); err != nil {
		return nil, err
	}
	p.Role = r
	return &iam.AddRoleToInstanceProfileOutput{}, nil
}

// RemoveRoleFromInstanceProfile takes the role out of a profile.
func (s *Service) RemoveRoleFromInstanceProfile(c *core.Call, in *iam.RemoveRoleFromInstanceProfileInput) (*iam.RemoveRoleFromInstanceProfileOutput, error) {
	if err := valid(member{"roleName", in.RoleName, roleName, true}); err != nil {
		return nil, err
	}
	p, err := s.profile(c, in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	if p.Role == nil || p.Role.Name != *in.RoleName {
		return nil, noSuchEntity("The role with name " + *in.RoleName + " cannot be found.")
	}
	p.Role = nil
	return &iam.RemoveRoleFromInstanceProfileOutput{}, nil
}

// ListInstanceProfiles lists the account's instance profiles by path and name.
func (s *Service) ListInstanceProfiles(c *core.Call, in *iam.ListInstanceProfilesInput) (*iam.ListInstanceProfilesOutput, error) {
	if err := valid(member{"pathPrefix", in.PathPrefix, pathPrefix, false}); err != nil {
		return nil, err
	}
	if err := c.Authorize(listNeed(c)); err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(c.Account.InstanceProfiles(), func(p *core.InstanceProfile) bool {
		return !strings.HasPrefix(p.Path, aws.ToString(in.PathPrefix))
	})
	list, marker, err := profilePage(all, page{in.MaxItems, in.Marker})
	if err != nil {
		return nil, err
	}
	return &iam.ListInstanceProfilesOutput{InstanceProfiles: list, Marker: marker, IsTruncated: marker != nil}, nil
}

// ListInstanceProfilesForRole lists the profiles that hold a role.
func (s *Service) ListInstanceProfilesForRole(c *core.Call, in *iam.ListInstanceProfilesForRoleInput) (*iam.ListInstanceProfilesForRoleOutput, error) {
	r, err := s.role(c, in.RoleName, nil)
	if err != nil {
		return nil, err
	}
	list, marker, err := profilePage(profilesOf(c.Account, r), page{in.MaxItems, in.Marker})
	if err != nil {
		return nil, err
	}
	return &iam.ListInstanceProfilesForRoleOutput{InstanceProfiles: list, Marker: marker, IsTruncated: marker != nil}, nil
}

func profilePage(all []*core.InstanceProfile, p page) ([]types.InstanceProfile, *string, error) {
	cutOff, marker, err := cut(all, func(p *core.InstanceProfile) string { return p.Path + p.Name }, p)
	list := []types.InstanceProfile{}
	for _, p := range cutOff {
		list = append(list, *describeProfile(p))
	}
	return list, marker, err
}

// profilesOf returns the profiles that hold a role.
func profilesOf(a *core.Account, r *core.Role) []*core.InstanceProfile {
	return slices.DeleteFunc(a.InstanceProfiles(), func(p *core.InstanceProfile) bool { return p.Role != r })
}

func describeProfile(p *core.InstanceProfile) *types.InstanceProfile {
	d := &types.InstanceProfile{
		Arn: aws.String(p.ARN), CreateDate: aws.Time(p.Created), InstanceProfileId: aws.String(p.UniqueID),
		InstanceProfileName: aws.String(p.Name), Path: aws.String(p.Path), Roles: []types.Role{}, Tags: tagList(p.Tags),
	}
	if p.Role != nil {
		r := describeRole(p.Role)
		r.PermissionsBoundary, r.Tags, r.RoleLastUsed, r.MaxSessionDuration, r.Description = nil, nil, nil, nil, nil
		d.Roles = append(d.Roles, *r)
	}
	return d
}
