package iamsim

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/grammar"
)

// CreatePolicy makes a managed policy of the account.
func (s *Service) CreatePolicy(c *core.Call, in *iam.CreatePolicyInput) (*iam.CreatePolicyOutput, error) {
	if err := valid(member{"policyName", in.PolicyName, entityName, true}, member{"path", in.Path, policyPath, false},
		member{"policyDocument", in.PolicyDocument, document, true}, member{"description", in.Description, description, false}); err != nil {
		return nil, err
	}
	tags, err := readTags(in.Tags)
	if err != nil {
		return nil, err
	}
	where := pathOr(in.Path)
	n := core.Need{
		Action: "iam:CreatePolicy", Resource: c.Account.GlobalARN("iam", "policy"+where+*in.PolicyName), Keys: requestTags(tags),
	}
	if err := c.Authorize(withTagging(n, "iam:TagPolicy", tags)...); err != nil {
		return nil, err
	}
	if c.Account.NameTaken("policy", *in.PolicyName) {
		return nil, conflict("EntityAlreadyExists", "A policy called "+*in.PolicyName+" already exists. Duplicate names are not allowed.")
	}
	if err := quota("PoliciesPerAccount", s.limits.Policies, len(c.Account.Policies())); err != nil {
		return nil, err
	}
	d, err := readManaged(in.PolicyDocument)
	if err != nil {
		return nil, err
	}
	p := c.Account.AddPolicy(core.Policy{Name: *in.PolicyName, Path: where, Description: aws.ToString(in.Description), Tags: tags}, d)
	p.Default.Text = *in.PolicyDocument
	made := describePolicy(c.Account, p)
	made.Description = nil // CreatePolicy does not return it (IAM API Reference, Policy)
	return &iam.CreatePolicyOutput{Policy: made}, nil
}

// readManaged reads a document for a managed policy.
func readManaged(text *string) (*iampolicy.Document, error) {
	d, err := readDocument(text, grammar.Identity)
	if err != nil {
		return nil, err
	}
	if d.Size() > managedSize {
		return nil, conflict("LimitExceeded", "Cannot exceed quota for PolicySize: "+itoa(managedSize))
	}
	return d, nil
}

// policy finds the managed policy that a call names, of the account or of
// AWS, and holds the caller's permission for the call against it.
func (s *Service) policy(c *core.Call, arnOf *string, extra map[string][]string) (*core.Policy, error) {
	if err := valid(member{"policyArn", arnOf, arn, true}); err != nil {
		return nil, err
	}
	p := s.policyFor(c, arnOf)
	keys := map[string][]string{}
	if p != nil {
		core.WithResourceTags(keys, "", p.Tags)
	}
	for k, v := range extra {
		keys[k] = v
	}
	n := core.Need{Action: "iam:" + c.Operation, Resource: *arnOf, Keys: keys}
	if part := strings.SplitN(*arnOf, ":", 6); len(part) == 6 && len(part[4]) == 12 && part[4] != c.Account.ID {
		return nil, c.Denied(n) // policies do not cross accounts
	}
	if err := c.Authorize(n); err != nil {
		return nil, err
	}
	if p == nil {
		return nil, noSuchEntity("Policy " + *arnOf + " was not found.")
	}
	return p, nil
}

// ownPolicy is policy for calls that change it, which nobody may whose policy
// it is not.
func (s *Service) ownPolicy(c *core.Call, arnOf *string, extra map[string][]string) (*core.Policy, error) {
	p, err := s.policy(c, arnOf, extra)
	if err == nil && p.Account == nil {
		return nil, c.Denied(core.Need{Action: "iam:" + c.Operation, Resource: *arnOf})
	}
	return p, err
}

// GetPolicy returns a managed policy without its document.
func (s *Service) GetPolicy(c *core.Call, in *iam.GetPolicyInput) (*iam.GetPolicyOutput, error) {
	p, err := s.policy(c, in.PolicyArn, nil)
	if err != nil {
		return nil, err
	}
	return &iam.GetPolicyOutput{Policy: describePolicy(c.Account, p)}, nil
}

// DeletePolicy deletes a policy that nobody holds and that has one version.
func (s *Service) DeletePolicy(c *core.Call, in *iam.DeletePolicyInput) (*iam.DeletePolicyOutput, error) {
	p, err := s.ownPolicy(c, in.PolicyArn, nil)
	if err != nil {
		return nil, err
	}
	if u := usesOf(c.Account, p); len(u.attached)+len(u.bounded) > 0 {
		return nil, conflict("DeleteConflict", "Cannot delete a policy attached to entities.")
	}
	if len(p.Versions) > 1 {
		return nil, conflict("DeleteConflict", "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "+
			"The default version is deleted with the policy.")
	}
	c.Account.DeletePolicy(p)
	return &iam.DeletePolicyOutput{}, nil
}

// ListPolicies lists the managed policies of the account and of AWS, by ARN.
func (s *Service) ListPolicies(c *core.Call, in *iam.ListPoliciesInput) (*iam.ListPoliciesOutput, error) {
	if err := valid(member{"pathPrefix", in.PathPrefix, pathPrefix, false}); err != nil {
		return nil, err
	}
	if err := c.Authorize(listNeed(c)); err != nil {
		return nil, err
	}
	var from []*core.Policy
	switch in.Scope {
	case types.PolicyScopeTypeAll, "":
		from = append(c.Account.Policies(), s.cloud.AWSPolicies(c.Account.Partition)...)
	case types.PolicyScopeTypeLocal:
		from = c.Account.Policies()
	case types.PolicyScopeTypeAws:
		from = s.cloud.AWSPolicies(c.Account.Partition)
	default:
		return nil, core.Errorf("ValidationError", "Value '%s' at 'scope' failed to satisfy constraint: Member must satisfy enum value set: [AWS, Local, All]", in.Scope)
	}
	var all []types.Policy
	for _, p := range from {
		if !strings.HasPrefix(p.Path, aws.ToString(in.PathPrefix)) || !used(usesOf(c.Account, p), in) {
			continue
		}
		d := describePolicy(c.Account, p)
		d.Description, d.Tags = nil, nil // ListPolicies does not return them
		all = append(all, *d)
	}
	list, marker, err := cut(all, func(p types.Policy) string { return *p.Arn }, page{in.MaxItems, in.Marker})
	if err != nil {
		return nil, err
	}
	return &iam.ListPoliciesOutput{Policies: list, Marker: marker, IsTruncated: marker != nil}, nil
}

// used says whether a policy is used as ListPolicies asks.
func used(u uses, in *iam.ListPoliciesInput) bool {
	switch in.PolicyUsageFilter {
	case types.PolicyUsageTypePermissionsPolicy:
		return len(u.attached) > 0
	case types.PolicyUsageTypePermissionsBoundary:
		return len(u.bounded) > 0
	}
	return !in.OnlyAttached || len(u.attached) > 0
}

// Uses are the users and roles of an account that have a policy.
type uses struct{ attached, bounded []*subject }

func usesOf(a *core.Account, p *core.Policy) (u uses) {
	for _, x := range subjects(a) {
		if slices.Contains(x.holder.Attached, p) {
			u.attached = append(u.attached, x)
		}
		if x.holder.BoundaryPolicy == p {
			u.bounded = append(u.bounded, x)
		}
	}
	return u
}

// subjects returns all users and roles of an account.
func subjects(a *core.Account) (all []*subject) {
	for _, u := range a.Users() {
		all = append(all, ofUser(u, u.Name))
	}
	for _, r := range a.Roles() {
		all = append(all, ofRole(r, r.Name))
	}
	return all
}

func describePolicy(a *core.Account, p *core.Policy) *types.Policy {
	u := usesOf(a, p)
	d := &types.Policy{
		Arn: aws.String(p.ARN), PolicyId: aws.String(p.UniqueID), PolicyName: aws.String(p.Name), Path: aws.String(p.Path),
		CreateDate: aws.Time(p.Created), UpdateDate: aws.Time(p.Updated), DefaultVersionId: aws.String(p.Default.ID),
		IsAttachable:    true,
		AttachmentCount: aws.Int32(int32(len(u.attached))), PermissionsBoundaryUsageCount: aws.Int32(int32(len(u.bounded))),
		Tags: tagList(p.Tags),
	}
	if p.Description != "" {
		d.Description = aws.String(p.Description)
	}
	return d
}

// TagPolicy adds tags to a policy or replaces their values.
func (s *Service) TagPolicy(c *core.Call, in *iam.TagPolicyInput) (*iam.TagPolicyOutput, error) {
	tags, err := readTags(in.Tags)
	if err != nil {
		return nil, err
	}
	p, err := s.ownPolicy(c, in.PolicyArn, requestTags(tags))
	if err != nil {
		return nil, err
	}
	if p.Tags, err = withTags(p.Tags, tags); err != nil {
		return nil, err
	}
	return &iam.TagPolicyOutput{}, nil
}

// UntagPolicy takes tags from a policy.
func (s *Service) UntagPolicy(c *core.Call, in *iam.UntagPolicyInput) (*iam.UntagPolicyOutput, error) {
	p, err := s.ownPolicy(c, in.PolicyArn, tagKeys(in.TagKeys))
	if err != nil {
		return nil, err
	}
	p.Tags = withoutTags(p.Tags, in.TagKeys)
	return &iam.UntagPolicyOutput{}, nil
}

// ListPolicyTags lists a policy's tags by key.
func (s *Service) ListPolicyTags(c *core.Call, in *iam.ListPolicyTagsInput) (*iam.ListPolicyTagsOutput, error) {
	p, err := s.policy(c, in.PolicyArn, nil)
	if err != nil {
		return nil, err
	}
	list, marker, err := tagPage(p.Tags, page{in.MaxItems, in.Marker})
	if err != nil {
		return nil, err
	}
	return &iam.ListPolicyTagsOutput{Tags: list, Marker: marker, IsTruncated: marker != nil}, nil
}
