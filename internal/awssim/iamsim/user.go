package iamsim

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// CreateUser makes a user without keys and policies.
func (s *Service) CreateUser(c *core.Call, in *iam.CreateUserInput) (*iam.CreateUserOutput, error) {
	if err := valid(member{"userName", in.UserName, newUserName, true}, member{"path", in.Path, path, false},
		member{"permissionsBoundary", in.PermissionsBoundary, arn, false}); err != nil {
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
	x := &subject{kind: "user", name: *in.UserName, path: pathOr(in.Path)}
	if err := c.Authorize(withTagging(x.need(c, extra), "iam:TagUser", tags)...); err != nil {
		return nil, err
	}
	if c.Account.NameTaken("user", *in.UserName) {
		return nil, conflict("EntityAlreadyExists", "User with name "+*in.UserName+" already exists.")
	}
	if err := quota("UsersPerAccount", s.limits.Users, len(c.Account.Users())); err != nil {
		return nil, err
	}
	var boundary *core.Policy
	if in.PermissionsBoundary != nil {
		if boundary, err = s.attachable(c, in.PermissionsBoundary); err != nil {
			return nil, err
		}
	}
	u := c.Account.AddUser(core.User{Name: *in.UserName, Path: x.path, Tags: tags})
	u.BoundaryPolicy = boundary
	u.Settle()
	return &iam.CreateUserOutput{User: describeUser(u)}, nil
}

// GetUser returns a user: the caller, if none is named.
func (s *Service) GetUser(c *core.Call, in *iam.GetUserInput) (*iam.GetUserOutput, error) {
	if in.UserName == nil && c.Caller.User == nil && c.Caller.Session == nil {
		return s.getRoot(c)
	}
	name, err := nameOrCaller(c, in.UserName)
	if err != nil {
		return nil, err
	}
	u, err := s.user(c, name, nil)
	if err != nil {
		return nil, err
	}
	return &iam.GetUserOutput{User: describeUser(u)}, nil
}

// getRoot answers the root user who asks for itself. What AWS keeps of it,
// such as when the account was made, the simulation does not know.
func (s *Service) getRoot(c *core.Call) (*iam.GetUserOutput, error) {
	root := c.Account.GlobalARN("iam", "root")
	if err := c.Authorize(core.Need{Action: "iam:GetUser", Resource: root}); err != nil {
		return nil, err
	}
	return &iam.GetUserOutput{User: &types.User{Arn: aws.String(root), UserId: aws.String(c.Account.ID)}}, nil
}

// nameOrCaller is the user whom a call names, or else the one who calls.
func nameOrCaller(c *core.Call, name *string) (*string, error) {
	switch {
	case name != nil:
		return name, nil
	case c.Caller.User != nil:
		return aws.String(c.Caller.User.Name), nil
	}
	return nil, core.Errorf("ValidationError", "Must specify userName when calling with non-User credentials")
}

// ListUsers lists users by path and name, without boundary and tags.
func (s *Service) ListUsers(c *core.Call, in *iam.ListUsersInput) (*iam.ListUsersOutput, error) {
	if err := valid(member{"pathPrefix", in.PathPrefix, pathPrefix, false}); err != nil {
		return nil, err
	}
	if err := c.Authorize(listNeed(c)); err != nil {
		return nil, err
	}
	var all []types.User
	for _, u := range c.Account.Users() {
		if strings.HasPrefix(u.Path, aws.ToString(in.PathPrefix)) {
			d := describeUser(u)
			d.PermissionsBoundary, d.Tags = nil, nil
			all = append(all, *d)
		}
	}
	list, marker, err := cut(all, func(u types.User) string { return *u.Path + *u.UserName }, page{in.MaxItems, in.Marker})
	if err != nil {
		return nil, err
	}
	return &iam.ListUsersOutput{Users: list, Marker: marker, IsTruncated: marker != nil}, nil
}

// DeleteUser deletes a user that holds nothing and has no keys.
func (s *Service) DeleteUser(c *core.Call, in *iam.DeleteUserInput) (*iam.DeleteUserOutput, error) {
	u, err := s.user(c, in.UserName, nil)
	if err != nil {
		return nil, err
	}
	switch {
	case len(u.Keys) > 0:
		return nil, conflict("DeleteConflict", "Cannot delete entity, must delete access keys first.")
	case len(u.Attached) > 0:
		return nil, conflict("DeleteConflict", "Cannot delete entity, must detach all policies first.")
	case len(u.Inline) > 0:
		return nil, conflict("DeleteConflict", "Cannot delete entity, must delete policies first.")
	}
	c.Account.DeleteUser(u.Name)
	return &iam.DeleteUserOutput{}, nil
}

func describeUser(u *core.User) *types.User {
	return &types.User{
		Arn: aws.String(u.ARN), CreateDate: aws.Time(u.Created), Path: aws.String(u.Path), UserId: aws.String(u.UniqueID), UserName: aws.String(u.Name),
		PermissionsBoundary: boundaryOf(&u.Holder), Tags: tagList(u.Tags),
	}
}
