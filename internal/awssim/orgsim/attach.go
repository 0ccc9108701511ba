package orgsim

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// EnablePolicyType makes policies of a type count, and puts AWS's own policy of
// the type on every node.
func (s *Service) EnablePolicyType(c *core.Call, in *organizations.EnablePolicyTypeInput) (*organizations.EnablePolicyTypeOutput, error) {
	o, err := s.enter(c, manager, onNode(in.RootId, ofType(in.PolicyType)))
	if err != nil {
		return nil, err
	}
	if err := o.rootOf(c, in.RootId, in.PolicyType); err != nil {
		return nil, err
	}
	if o.enabled[in.PolicyType] {
		return nil, core.Errorf("PolicyTypeAlreadyEnabledException", "The specified policy type is already enabled in the specified root.")
	}
	o.enabled[in.PolicyType] = true
	for _, n := range o.nodes {
		o.provide(n)
	}
	s.settle(o)
	return &organizations.EnablePolicyTypeOutput{Root: o.describeRoot()}, nil
}

// DisablePolicyType makes policies of a type count no more, and detaches all
// of them: attachments are lost.
// Source: AWS Organizations API Reference, DisablePolicyType.
func (s *Service) DisablePolicyType(c *core.Call, in *organizations.DisablePolicyTypeInput) (*organizations.DisablePolicyTypeOutput, error) {
	o, err := s.enter(c, manager, onNode(in.RootId, ofType(in.PolicyType)))
	if err != nil {
		return nil, err
	}
	if err := o.rootOf(c, in.RootId, in.PolicyType); err != nil {
		return nil, err
	}
	if !o.enabled[in.PolicyType] {
		return nil, errTypeNotEnabled
	}
	delete(o.enabled, in.PolicyType)
	for _, n := range o.nodes {
		n.attached = slices.DeleteFunc(n.attached, func(p *policy) bool { return p.kind == in.PolicyType })
	}
	s.settle(o)
	return &organizations.DisablePolicyTypeOutput{Root: o.describeRoot()}, nil
}

var errTypeNotEnabled = core.Errorf("PolicyTypeNotEnabledException", "The specified policy type isn't currently enabled in this root.")

func (o *organization) rootOf(c *core.Call, id *string, t types.PolicyType) error {
	if aws.ToString(id) != o.root.id {
		return core.Errorf("RootNotFoundException", "We can't find a root with the RootId that you specified.")
	}
	return simulated(c, t)
}

// target finds the node that a policy is attached to or taken from.
func (o *organization) target(id *string) (*node, error) {
	n := o.nodes[aws.ToString(id)]
	if n == nil {
		return nil, core.Errorf("TargetNotFoundException", "We can't find a root, OU, or account with the TargetId that you specified.")
	}
	return n, nil
}

// AttachPolicy lets a policy bind all accounts at or below a node.
func (s *Service) AttachPolicy(c *core.Call, in *organizations.AttachPolicyInput) (*organizations.AttachPolicyOutput, error) {
	o, err := s.enter(c, manager, onPolicy(in.PolicyId), onNode(in.TargetId))
	if err != nil {
		return nil, err
	}
	p, err := o.policy(in.PolicyId)
	if err != nil {
		return nil, err
	}
	n, err := o.target(in.TargetId)
	if err != nil {
		return nil, err
	}
	limit := s.limits.SCPs
	if p.kind == types.PolicyTypeResourceControlPolicy {
		limit = s.limits.RCPs
	}
	switch {
	case !o.enabled[p.kind]:
		return nil, errTypeNotEnabled
	case slices.Contains(n.attached, p):
		return nil, core.Errorf("DuplicatePolicyAttachmentException", "A policy of the same type is already attached to this target.")
	case reached(limit, n.count(p.kind)):
		return nil, violates("MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED", "You have attached the maximum number of policies to the specified target.")
	}
	n.attached = append(n.attached, p)
	s.settle(o)
	return &organizations.AttachPolicyOutput{}, nil
}

// count the policies of a type on a node.
func (n *node) count(t types.PolicyType) (count int) {
	for _, p := range n.attached {
		if p.kind == t {
			count++
		}
	}
	return count
}

// DetachPolicy takes a policy from a node. The last SCP stays, and so does
// RCPFullAWSAccess always.
// Source: AWS Organizations User Guide, "SCP evaluation" and "RCP evaluation".
func (s *Service) DetachPolicy(c *core.Call, in *organizations.DetachPolicyInput) (*organizations.DetachPolicyOutput, error) {
	o, err := s.enter(c, manager, onPolicy(in.PolicyId), onNode(in.TargetId))
	if err != nil {
		return nil, err
	}
	p, err := o.policy(in.PolicyId)
	if err != nil {
		return nil, err
	}
	n, err := o.target(in.TargetId)
	if err != nil {
		return nil, err
	}
	switch {
	case !slices.Contains(n.attached, p):
		return nil, core.Errorf("PolicyNotAttachedException", "The policy isn't attached to the specified target in the specified root.")
	case p.id == fullRCPAccess:
		return nil, invalid("NON_DETACHABLE_POLICY", "You can't detach this AWS managed policy.")
	case p.kind == types.PolicyTypeServiceControlPolicy && n.count(p.kind) == 1:
		return nil, violates("MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED", "You can't detach the last policy of this type from the target.")
	}
	n.attached = slices.DeleteFunc(n.attached, func(have *policy) bool { return have == p })
	s.settle(o)
	return &organizations.DetachPolicyOutput{}, nil
}

// ListPoliciesForTarget lists the policies of a type that are attached to a
// node itself.
func (s *Service) ListPoliciesForTarget(
	c *core.Call, in *organizations.ListPoliciesForTargetInput,
) (*organizations.ListPoliciesForTargetOutput, error) {
	o, err := s.enter(c, delegates, onNode(in.TargetId, ofType(in.Filter)))
	if err != nil {
		return nil, err
	}
	if err := simulated(c, in.Filter); err != nil {
		return nil, err
	}
	n, err := o.target(in.TargetId)
	if err != nil {
		return nil, err
	}
	var all []types.PolicySummary
	for _, p := range n.attached {
		if p.kind == in.Filter {
			all = append(all, *o.summary(p))
		}
	}
	list, next, err := cut(s, all, func(p types.PolicySummary) string { return *p.Id }, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &organizations.ListPoliciesForTargetOutput{Policies: list, NextToken: next}, nil
}

// ListTargetsForPolicy lists the nodes that a policy is attached to.
func (s *Service) ListTargetsForPolicy(
	c *core.Call, in *organizations.ListTargetsForPolicyInput,
) (*organizations.ListTargetsForPolicyOutput, error) {
	o, err := s.enter(c, delegates, onPolicy(in.PolicyId))
	if err != nil {
		return nil, err
	}
	p, err := o.policy(in.PolicyId)
	if err != nil {
		return nil, err
	}
	var all []types.PolicyTargetSummary
	for _, n := range o.targets(p) {
		all = append(all, types.PolicyTargetSummary{
			TargetId: aws.String(n.id), Arn: aws.String(o.arn(n)), Name: aws.String(n.name), Type: types.TargetType(n.kind),
		})
	}
	list, next, err := cut(s, all, func(t types.PolicyTargetSummary) string { return *t.TargetId }, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &organizations.ListTargetsForPolicyOutput{Targets: list, NextToken: next}, nil
}
