package iamsim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// SimulatePrincipalPolicy tells what a user or role of the account may do:
// its policies and boundary and its organization's SCPs, as they are, with
// those in the request besides and without those that it excludes.
func (s *Service) SimulatePrincipalPolicy(c *core.Call, in *iam.SimulatePrincipalPolicyInput) (*iam.SimulatePrincipalPolicyOutput, error) {
	x, err := s.source(c, in.PolicySourceArn)
	if err != nil {
		return nil, err
	}
	if in.ResourcePolicy != nil && x.kind == "role" {
		return nil, core.Errorf("InvalidInput", "Simulation of resource-based policies is not supported for IAM roles.")
	}
	ask := question{
		actions: in.ActionNames, resources: in.ResourceArns, context: in.ContextEntries, caller: in.CallerArn, policies: in.PolicyInputList,
		boundary: in.PermissionsBoundaryPolicyInputList, resourcePolicy: in.ResourcePolicy, owner: in.ResourceOwner, handling: in.ResourceHandlingOption,
	}
	if ask.caller == nil {
		ask.caller = in.PolicySourceArn
	}
	sim := simulation{inOrganization: c.Account.Organization != ""}
	if !c.Account.Management { // which no SCP binds
		sim.scp = c.Account.SCP
	}
	out, err := newExclusions(in.PolicyExclusionList)
	if err != nil {
		return nil, err
	}
	sim.hold(x, out)
	if err := sim.read(c, ask); err != nil {
		return nil, err
	}
	results, marker, err := sim.results(page{in.MaxItems, in.Marker})
	if err != nil {
		return nil, err
	}
	return &iam.SimulatePrincipalPolicyOutput{EvaluationResults: results, Marker: marker, IsTruncated: marker != nil}, nil
}

// SimulateCustomPolicy tells what the policies in the request allow.
func (s *Service) SimulateCustomPolicy(c *core.Call, in *iam.SimulateCustomPolicyInput) (*iam.SimulateCustomPolicyOutput, error) {
	if err := c.Authorize(listNeed(c)); err != nil {
		return nil, err
	}
	if len(in.PolicyInputList) == 0 {
		return nil, core.Errorf("ValidationError", "1 validation error detected: Value null at 'policyInputList' failed to satisfy constraint: Member must not be null")
	}
	if in.ResourcePolicy != nil && in.CallerArn == nil {
		return nil, core.Errorf("InvalidInput", "CallerArn is required if a resource policy is included in the simulation.")
	}
	sim := simulation{inOrganization: len(in.OrderedOrganizationPolicyInputList) > 0}
	for _, level := range in.OrderedOrganizationPolicyInputList {
		var documents []*iampolicy.Document
		for _, text := range level.ServiceControlPolicyInputList {
			d, err := simulated(&text)
			if err != nil {
				return nil, err
			}
			documents = append(documents, d)
		}
		sim.scp = append(sim.scp, documents)
	}
	err := sim.read(c, question{
		actions: in.ActionNames, resources: in.ResourceArns, context: in.ContextEntries, caller: in.CallerArn, policies: in.PolicyInputList,
		boundary: in.PermissionsBoundaryPolicyInputList, resourcePolicy: in.ResourcePolicy, owner: in.ResourceOwner, handling: in.ResourceHandlingOption,
	})
	if err != nil {
		return nil, err
	}
	results, marker, err := sim.results(page{in.MaxItems, in.Marker})
	if err != nil {
		return nil, err
	}
	return &iam.SimulateCustomPolicyOutput{EvaluationResults: results, Marker: marker, IsTruncated: marker != nil}, nil
}

// A simulation is what is simulated with what.
type simulation struct {
	actions, resources []string
	principal          iampolicy.Principal
	context            map[string][]string
	identity           []policySource
	boundary           []*iampolicy.Document
	resource           *policySource // nil means none
	scp                [][]*iampolicy.Document
	inOrganization     bool
}

// A policySource is a policy of the simulation and where it comes from.
type policySource struct {
	id       string
	kind     types.PolicySourceType
	text     string
	document *iampolicy.Document
}

// results evaluates each action on each resource: one result an action, and
// below it one for each resource unless that is "*".
func (sim *simulation) results(p page) ([]types.EvaluationResult, *string, error) {
	type numbered struct {
		key, action string
	}
	var all []numbered
	for i, a := range sim.actions {
		all = append(all, numbered{fmt.Sprintf("%06d", i), a})
	}
	list, marker, err := cut(all, func(n numbered) string { return n.key }, p)
	if err != nil {
		return nil, nil, err
	}
	var results []types.EvaluationResult
	for _, n := range list {
		results = append(results, sim.result(n.action))
	}
	return results, marker, nil
}

// severity orders decisions by how restrictive they are.
var severity = map[types.PolicyEvaluationDecisionType]int{
	types.PolicyEvaluationDecisionTypeAllowed: 0, types.PolicyEvaluationDecisionTypeImplicitDeny: 1, types.PolicyEvaluationDecisionTypeExplicitDeny: 2,
}

// result puts the decisions on all resources together: the most restrictive
// one counts, and the statements are those of all resources.
//
// EvalResourceName is the form of the ARNs that the action takes, "*" if it
// is not defined; the simulation does not know these forms.
// Source: IAM API Reference, EvaluationResult.
func (sim *simulation) result(action string) types.EvaluationResult {
	r := types.EvaluationResult{
		EvalActionName: aws.String(action), EvalResourceName: aws.String("*"), EvalDecision: types.PolicyEvaluationDecisionTypeAllowed,
		MatchedStatements: []types.Statement{}, MissingContextValues: []string{},
	}
	for _, resource := range sim.resources {
		one := sim.decide(action, resource)
		if severity[one.EvalResourceDecision] > severity[r.EvalDecision] {
			r.EvalDecision = one.EvalResourceDecision
		}
		for _, st := range one.MatchedStatements {
			if !slices.ContainsFunc(r.MatchedStatements, func(have types.Statement) bool {
				return *have.SourcePolicyId == *st.SourcePolicyId && *have.StartPosition == *st.StartPosition
			}) {
				r.MatchedStatements = append(r.MatchedStatements, st)
			}
		}
		r.MissingContextValues = append(r.MissingContextValues, one.MissingContextValues...)
		if b := one.PermissionsBoundaryDecisionDetail; b != nil && (r.PermissionsBoundaryDecisionDetail == nil || !b.AllowedByPermissionsBoundary) {
			r.PermissionsBoundaryDecisionDetail = b
		}
		if sim.inOrganization {
			allowed := sim.allowedByOrganization(action, resource)
			if r.OrganizationsDecisionDetail == nil || !allowed {
				r.OrganizationsDecisionDetail = &types.OrganizationsDecisionDetail{AllowedByOrganizations: allowed}
			}
		}
		if resource != "*" {
			r.ResourceSpecificResults = append(r.ResourceSpecificResults, one)
		}
	}
	slices.Sort(r.MissingContextValues)
	r.MissingContextValues = slices.Compact(r.MissingContextValues)
	return r
}

// decide evaluates one action on one resource.
func (sim *simulation) decide(action, resource string) types.ResourceSpecificResult {
	req := iampolicy.Request{Principal: sim.principal, Action: action, Resource: resource, Context: sim.context}
	d := iampolicy.Evaluate(req, sim.set())
	one := types.ResourceSpecificResult{
		EvalResourceName: aws.String(resource), EvalResourceDecision: decision(d.Outcome),
		MatchedStatements: []types.Statement{}, MissingContextValues: []string{},
	}
	for _, by := range d.By {
		if src := sim.sourceOf(by); src != nil {
			one.MatchedStatements = append(one.MatchedStatements, src.statement(by.Statement))
		}
	}
	if len(sim.boundary) > 0 {
		inside := iampolicy.Evaluate(req, iampolicy.PolicySet{Identity: sim.boundary, Resource: sim.delegating()})
		one.PermissionsBoundaryDecisionDetail = &types.PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: inside.Outcome == iampolicy.Allowed}
	}
	one.MissingContextValues = sim.missing(req)
	return one
}

func decision(o iampolicy.Outcome) types.PolicyEvaluationDecisionType {
	switch o {
	case iampolicy.Allowed:
		return types.PolicyEvaluationDecisionTypeAllowed
	case iampolicy.ExplicitDeny:
		return types.PolicyEvaluationDecisionTypeExplicitDeny
	}
	return types.PolicyEvaluationDecisionTypeImplicitDeny
}

// set holds all policies of the simulation. The simulator does not look up the
// policies of resources: without one in the request, those are taken to leave
// it to the caller's own, keys and roles included.
func (sim *simulation) set() iampolicy.PolicySet {
	set := iampolicy.PolicySet{Boundary: sim.boundary, SCP: sim.scp, Resource: sim.delegating()}
	for _, src := range sim.identity {
		set.Identity = append(set.Identity, src.document)
	}
	if sim.resource != nil {
		set.Resource = sim.resource.document
	}
	return set
}

// delegating returns a resource policy that leaves everything to the identity
// policies of the caller's account: it names the account, and no identity.
func (sim *simulation) delegating() *iampolicy.Document {
	return &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{{
		Effect: iampolicy.Allow, Actions: iampolicy.Of("*"), Resources: iampolicy.Of("*"),
		Principal: &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of(sim.principal.Account)}},
	}}}
}

// allowAll is the policy that allows everything.
var allowAll = &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{{
	Effect: iampolicy.Allow, Actions: iampolicy.Of("*"), Resources: iampolicy.Of("*"),
}}}

func (sim *simulation) allowedByOrganization(action, resource string) bool {
	d := iampolicy.Evaluate(
		iampolicy.Request{Principal: sim.principal, Action: action, Resource: resource, Context: sim.context},
		iampolicy.PolicySet{Identity: []*iampolicy.Document{allowAll}, Resource: sim.delegating(), SCP: sim.scp},
	)
	return d.Outcome == iampolicy.Allowed
}

// sourceOf returns the policy that a reason names, if it is one that results tell.
func (sim *simulation) sourceOf(by iampolicy.Reason) *policySource {
	switch by.Layer {
	case "identity":
		return &sim.identity[by.Policy]
	case "resource":
		return sim.resource
	}
	return nil
}

// missing lists the condition keys that a statement which may speak of the
// request turns on, and that the request does not give.
func (sim *simulation) missing(req iampolicy.Request) []string {
	req.Partial = true
	keys := []string{}
	look := func(d *iampolicy.Document) {
		for i := range d.Statements {
			one := &iampolicy.Document{Version: d.Version, Statements: d.Statements[i : i+1]}
			identity := []*iampolicy.Document{one}
			if one.Statements[0].Effect != iampolicy.Allow {
				identity = append(identity, allowAll)
			}
			keys = append(keys, iampolicy.Evaluate(req, iampolicy.PolicySet{Identity: identity, Resource: sim.delegating()}).Missing...)
		}
	}
	for _, src := range sim.identity {
		look(src.document)
	}
	slices.SortFunc(keys, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return slices.CompactFunc(keys, strings.EqualFold)
}

// statement tells where a statement stands in the policy's text.
func (src *policySource) statement(name string) types.Statement {
	index := slices.IndexFunc(src.document.Statements, func(st iampolicy.Statement) bool { return st.Sid == name })
	if index < 0 {
		index, _ = strconv.Atoi(name) // the name of a statement without a Sid
	}
	start, end := statementPlace(src.text, index)
	return types.Statement{SourcePolicyId: aws.String(src.id), SourcePolicyType: src.kind, StartPosition: &start, EndPosition: &end}
}
