package orgsim

import (
	"slices"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/grammar"
)

// grammars of the types of policies that are simulated.
var grammars = map[types.PolicyType]grammar.Kind{
	types.PolicyTypeServiceControlPolicy:  grammar.SCP,
	types.PolicyTypeResourceControlPolicy: grammar.RCP,
}

// simulated checks a type of policies.
func simulated(c *core.Call, t types.PolicyType) error {
	if _, ok := grammars[t]; ok {
		return nil
	}
	if slices.Contains(t.Values(), t) {
		return c.Unsupported("the policy type " + string(t))
	}
	return invalid("INVALID_ENUM_POLICY_TYPE", "You specified an invalid policy type string: %s", t)
}

// content reads the document of a policy.
func (s *Service) content(t types.PolicyType, text string) (*iampolicy.Document, error) {
	size := rcpSize
	if t == types.PolicyTypeServiceControlPolicy {
		size = s.limits.SCPSize
	}
	if n := utf8.RuneCountInString(text); size >= 0 && n > size {
		return nil, violates("POLICY_CONTENT_LIMIT_EXCEEDED", "You have exceeded the maximum policy size.")
	}
	d, err := grammar.Parse(text, grammars[t])
	if err != nil {
		return nil, core.Errorf("MalformedPolicyDocumentException", "The provided policy document does not meet the requirements of the specified policy type: %v", err)
	}
	return d, nil
}

// nameTaken refuses a name that another policy of the type has.
func (o *organization) nameTaken(t types.PolicyType, name string) error {
	for _, p := range o.policies {
		if p.kind == t && p.name == name {
			return core.Errorf("DuplicatePolicyException", "A policy with the same name already exists.")
		}
	}
	return nil
}

// CreatePolicy makes a policy, which binds nobody before it is attached.
func (s *Service) CreatePolicy(c *core.Call, in *organizations.CreatePolicyInput) (*organizations.CreatePolicyOutput, error) {
	tags, err := readTags(in.Tags)
	if err != nil {
		return nil, err
	}
	o, err := s.enter(c, manager, onAll(ofType(in.Type), requestTags(tags)))
	if err != nil {
		return nil, err
	}
	if err := simulated(c, in.Type); err != nil {
		return nil, err
	}
	name := aws.ToString(in.Name)
	if n := utf8.RuneCountInString(name); n < 1 || n > 128 || in.Description == nil || utf8.RuneCountInString(*in.Description) > 512 {
		return nil, invalid("MAX_LENGTH_EXCEEDED", "You specified a name or description that is missing or too long.")
	}
	if err := o.nameTaken(in.Type, name); err != nil {
		return nil, err
	}
	d, err := s.content(in.Type, aws.ToString(in.Content))
	if err != nil {
		return nil, err
	}
	p := &policy{
		id: "p-" + s.name(8), name: name, description: *in.Description, kind: in.Type, content: *in.Content, document: d, tags: tags,
	}
	o.policies[p.id] = p
	return &organizations.CreatePolicyOutput{Policy: o.describePolicy(p)}, nil
}

func (o *organization) describePolicy(p *policy) *types.Policy {
	return &types.Policy{Content: aws.String(p.content), PolicySummary: o.summary(p)}
}

func (o *organization) summary(p *policy) *types.PolicySummary {
	return &types.PolicySummary{
		Id: aws.String(p.id), Arn: aws.String(o.policyARN(p)), Name: aws.String(p.name), Description: aws.String(p.description),
		Type: p.kind, AwsManaged: p.managed,
	}
}

// policy finds a policy of a type that is enabled. RCPFullAWSAccess is there
// only once its type is.
func (o *organization) policy(id *string) (*policy, error) {
	p := o.policies[aws.ToString(id)]
	if p == nil || p.managed && !o.enabled[p.kind] {
		return nil, core.Errorf("PolicyNotFoundException", "We can't find a policy with the PolicyId that you specified.")
	}
	return p, nil
}

// ownPolicy is policy for calls that change it.
func (o *organization) ownPolicy(id *string) (*policy, error) {
	p, err := o.policy(id)
	if err == nil && p.managed {
		return nil, invalid("IMMUTABLE_POLICY", "You specified a policy that is managed by AWS and can't be modified.")
	}
	return p, err
}

// DescribePolicy tells one policy with its document.
func (s *Service) DescribePolicy(c *core.Call, in *organizations.DescribePolicyInput) (*organizations.DescribePolicyOutput, error) {
	o, err := s.enter(c, delegates, onPolicy(in.PolicyId))
	if err != nil {
		return nil, err
	}
	p, err := o.policy(in.PolicyId)
	if err != nil {
		return nil, err
	}
	return &organizations.DescribePolicyOutput{Policy: o.describePolicy(p)}, nil
}

// UpdatePolicy changes a policy. What it says counts at once wherever it is attached.
func (s *Service) UpdatePolicy(c *core.Call, in *organizations.UpdatePolicyInput) (*organizations.UpdatePolicyOutput, error) {
	o, err := s.enter(c, manager, onPolicy(in.PolicyId))
	if err != nil {
		return nil, err
	}
	p, err := o.ownPolicy(in.PolicyId)
	if err != nil {
		return nil, err
	}
	next := *p
	if in.Name != nil && *in.Name != p.name {
		if err := o.nameTaken(p.kind, *in.Name); err != nil {
			return nil, err
		}
		next.name = *in.Name
	}
	if in.Description != nil {
		next.description = *in.Description
	}
	if in.Content != nil {
		if next.document, err = s.content(p.kind, *in.Content); err != nil {
			return nil, err
		}
		next.content = *in.Content
	}
	*p = next
	s.settle(o)
	return &organizations.UpdatePolicyOutput{Policy: o.describePolicy(p)}, nil
}

// DeletePolicy deletes a policy that is attached to nothing.
func (s *Service) DeletePolicy(c *core.Call, in *organizations.DeletePolicyInput) (*organizations.DeletePolicyOutput, error) {
	o, err := s.enter(c, manager, onPolicy(in.PolicyId))
	if err != nil {
		return nil, err
	}
	p, err := o.ownPolicy(in.PolicyId)
	if err != nil {
		return nil, err
	}
	if len(o.targets(p)) > 0 {
		return nil, core.Errorf("PolicyInUseException", "The policy is attached to one or more entities. You must detach it from all roots, OUs, and accounts before performing this operation.")
	}
	delete(o.policies, p.id)
	return &organizations.DeletePolicyOutput{}, nil
}

// targets are the nodes that a policy is attached to.
func (o *organization) targets(p *policy) (all []*node) {
	for _, n := range o.nodes {
		if slices.Contains(n.attached, p) {
			all = append(all, n)
		}
	}
	return all
}

// ListPolicies lists the policies of a type.
func (s *Service) ListPolicies(c *core.Call, in *organizations.ListPoliciesInput) (*organizations.ListPoliciesOutput, error) {
	o, err := s.enter(c, delegates, onAll(ofType(in.Filter)))
	if err != nil {
		return nil, err
	}
	if err := simulated(c, in.Filter); err != nil {
		return nil, err
	}
	var all []types.PolicySummary
	for _, p := range o.policies {
		if p.kind == in.Filter && (!p.managed || o.enabled[p.kind]) {
			all = append(all, *o.summary(p))
		}
	}
	list, next, err := cut(s, all, func(p types.PolicySummary) string { return *p.Id }, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &organizations.ListPoliciesOutput{Policies: list, NextToken: next}, nil
}
