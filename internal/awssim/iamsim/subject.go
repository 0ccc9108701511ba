package iamsim

import (
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A subject is the user or role that a call is about. What both can do, such
// as holding policies, is written for it once.
type subject struct {
	kind   string // as in ARNs: "role"
	name   string
	path   string
	holder *core.Holder // nil if there is none of that name
	tags   map[string]string
	settle func()
}

// role finds the role that a call names, holds the caller's permission for
// the call against it, and answers as AWS does if there is none. Extra
// condition keys are those of the request; nil means none.
func (s *Service) role(c *core.Call, name *string, extra map[string][]string) (*core.Role, error) {
	if err := valid(member{"roleName", name, roleName, true}); err != nil {
		return nil, err
	}
	r := c.Account.Role(*name)
	if err := c.Authorize(ofRole(r, *name).need(c, extra)); err != nil {
		return nil, err
	}
	if r == nil {
		return nil, noSuchEntity("The role with name " + *name + " cannot be found.")
	}
	return r, protected(c, r)
}

// protected keeps what belongs to a service: only that service may change a
// service-linked role, its description and tags excepted.
// Source: IAM User Guide, "Create a service-linked role"; IAM API Reference,
// UnmodifiableEntityException.
func protected(c *core.Call, r *core.Role) error {
	if !strings.HasPrefix(r.Path, "/aws-service-role/") {
		return nil
	}
	switch c.Operation {
	case "UpdateAssumeRolePolicy", "PutRolePolicy", "DeleteRolePolicy", "AttachRolePolicy", "DetachRolePolicy", "DeleteRole",
		"PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary", "AddRoleToInstanceProfile":
		return core.Errorf("UnmodifiableEntity",
			"Cannot perform the operation on the protected role '%s' - this role is only modifiable by AWS", r.Name)
	}
	return nil
}

// user is role for users.
func (s *Service) user(c *core.Call, name *string, extra map[string][]string) (*core.User, error) {
	if err := valid(member{"userName", name, userName, true}); err != nil {
		return nil, err
	}
	u := c.Account.User(*name)
	if err := c.Authorize(ofUser(u, *name).need(c, extra)); err != nil {
		return nil, err
	}
	if u == nil {
		return nil, noSuchEntity("The user with name " + *name + " cannot be found.")
	}
	return u, nil
}

func ofRole(r *core.Role, name string) *subject {
	if r == nil {
		return &subject{kind: "role", name: name, path: "/"}
	}
	return &subject{kind: "role", name: r.Name, path: r.Path, holder: &r.Holder, tags: r.Tags, settle: r.Settle}
}

func ofUser(u *core.User, name string) *subject {
	if u == nil {
		return &subject{kind: "user", name: name, path: "/"}
	}
	return &subject{kind: "user", name: u.Name, path: u.Path, holder: &u.Holder, tags: u.Tags, settle: u.Settle}
}

// bounded are the calls with the condition key iam:PermissionsBoundary.
// Source: Service Authorization Reference, "Actions, resources, and condition
// keys for AWS Identity and Access Management".
var bounded = map[string]bool{
	"CreateRole": true, "GetRole": true, "DeleteRole": true, "UpdateRole": true, "UpdateRoleDescription": true, "UpdateAssumeRolePolicy": true,
	"PutRolePolicy": true, "DeleteRolePolicy": true, "AttachRolePolicy": true, "DetachRolePolicy": true,
	"PutRolePermissionsBoundary": true, "DeleteRolePermissionsBoundary": true,
	"CreateUser": true, "PutUserPolicy": true, "DeleteUserPolicy": true, "AttachUserPolicy": true, "DetachUserPolicy": true,
	"PutUserPermissionsBoundary": true, "DeleteUserPermissionsBoundary": true,
}

// need is the permission for the call on the subject. The boundary that
// counts is the one in the request, or else the one that is set.
func (x *subject) need(c *core.Call, extra map[string][]string) core.Need {
	keys := core.WithResourceTags(map[string][]string{}, "iam", x.tags)
	if x.holder != nil && x.holder.BoundaryPolicy != nil && bounded[c.Operation] {
		keys["iam:PermissionsBoundary"] = []string{x.holder.BoundaryPolicy.ARN}
	}
	maps.Copy(keys, extra)
	return core.Need{Action: "iam:" + c.Operation, Resource: c.Account.GlobalARN("iam", x.kind+x.path+x.name), Keys: keys}
}

// listNeed is the permission for calls that are about no resource.
func listNeed(c *core.Call) core.Need {
	return core.Need{Action: "iam:" + c.Operation, Resource: "*"}
}

// policyARN makes the condition key of calls that name a managed policy.
func policyARN(arn *string) map[string][]string { return core.Keys("iam:PolicyARN", aws.ToString(arn)) }
