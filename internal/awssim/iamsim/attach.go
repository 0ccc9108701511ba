package iamsim

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// policyFor finds the managed policy that a call names, of the caller's
// account or of AWS; nil if there is none that may be used here.
func (s *Service) policyFor(c *core.Call, arn *string) *core.Policy {
	p := s.cloud.ManagedPolicy(aws.ToString(arn))
	if p == nil || p.Account != nil && p.Account != c.Account {
		return nil
	}
	if p.Account == nil && strings.Split(p.ARN, ":")[1] != c.Account.Partition {
		return nil
	}
	return p
}

// attachable is policyFor with the answer for what cannot be attached.
func (s *Service) attachable(c *core.Call, arn *string) (*core.Policy, error) {
	p := s.policyFor(c, arn)
	if p == nil {
		return nil, noSuchEntity("Policy " + aws.ToString(arn) + " does not exist or is not attachable.")
	}
	return p, nil
}

// attach gives a managed policy to a role or user. Doing it twice is no error.
func (s *Service) attach(c *core.Call, x *subject, arn *string) error {
	p, err := s.attachable(c, arn)
	if err != nil {
		return err
	}
	if slices.Contains(x.holder.Attached, p) {
		return nil
	}
	limit, what := s.limits.PoliciesPerRole, "PoliciesPerRole"
	if x.kind == "user" {
		limit, what = s.limits.PoliciesPerUser, "PoliciesPerUser"
	}
	if err := quota(what, limit, len(x.holder.Attached)); err != nil {
		return err
	}
	x.holder.Attached = append(x.holder.Attached, p)
	x.settle()
	return nil
}

func (x *subject) detach(arn *string) error {
	i := slices.IndexFunc(x.holder.Attached, func(p *core.Policy) bool { return p.ARN == aws.ToString(arn) })
	if i < 0 {
		return noSuchEntity("Policy " + aws.ToString(arn) + " was not found.")
	}
	x.holder.Attached = slices.Delete(x.holder.Attached, i, i+1)
	x.settle()
	return nil
}

// attached returns a page of the managed policies, by ARN.
func (x *subject) attached(prefix *string, p page) (list []types.AttachedPolicy, marker *string, err error) {
	if err := valid(member{"pathPrefix", prefix, pathPrefix, false}); err != nil {
		return nil, nil, err
	}
	for _, a := range x.holder.Attached {
		if strings.HasPrefix(a.Path, aws.ToString(prefix)) {
			list = append(list, types.AttachedPolicy{PolicyArn: aws.String(a.ARN), PolicyName: aws.String(a.Name)})
		}
	}
	return cut(list, func(a types.AttachedPolicy) string { return *a.PolicyArn }, p)
}

// setBoundary sets the boundary of permissions.
func (s *Service) setBoundary(c *core.Call, x *subject, arn *string) error {
	p, err := s.attachable(c, arn)
	if err != nil {
		return err
	}
	x.holder.BoundaryPolicy = p
	x.settle()
	return nil
}

func (x *subject) deleteBoundary() error {
	if x.holder.BoundaryPolicy == nil {
		return noSuchEntity(strings.ToUpper(x.kind[:1]) + x.kind[1:] + " " + x.name + " does not have a permissions boundary.")
	}
	x.holder.BoundaryPolicy = nil
	x.settle()
	return nil
}

func boundaryOf(h *core.Holder) *types.AttachedPermissionsBoundary {
	if h.BoundaryPolicy == nil {
		return nil
	}
	return &types.AttachedPermissionsBoundary{
		PermissionsBoundaryArn:  aws.String(h.BoundaryPolicy.ARN),
		PermissionsBoundaryType: types.PermissionsBoundaryAttachmentTypePolicy,
	}
}
