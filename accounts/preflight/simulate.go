package preflight

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// A verdict is whether something is allowed, as far as one source tells.
type verdict uint8

const (
	untold verdict = iota
	yes
	no
)

// An answer is what one source says of one need.
type answer struct {
	verdict verdict
	cause   cause  // of a no
	source  string // "simulation", "dry run"
	region  string // that was asked about
	action  string // that was refused, where a call takes several
	trouble string // why it is untold
	// conditional says that it is untold since it turns on a condition.
	conditional bool
}

// A simulator is IAM's, which knows the policies, the boundary and the service
// control policies of a role or user, but neither resource policies nor
// resource control policies. Source: IAM API Reference,
// SimulatePrincipalPolicy; IAM User Guide, "How the IAM policy simulator works".
type simulator struct {
	client    *iam.Client
	principal string // ARN of the role or user
	// tested are the condition keys of its generated policy, which each need
	// has or lacks on purpose. A no that turns on any other key is none.
	tested []string
}

// keysOf returns the condition keys that a policy tests.
func keysOf(d *iampolicy.Document) (keys []string) {
	for _, s := range d.Statements {
		for _, c := range s.Conditions {
			keys = appendOnce(keys, strings.ToLower(c.Key))
		}
	}
	return keys
}

// simulator of a role, asked by a config.
func (v *visit) simulator(e *entry, cfg aws.Config) simulator {
	return simulator{client: v.clients.iam(cfg), principal: e.arn, tested: keysOf(e.role.Policy)}
}

// ask puts needs to the simulator.
func (s simulator) ask(ctx context.Context, needs []need) []answer {
	answers := make([]answer, len(needs))
	done := make([]bool, len(needs))
	for i := range needs {
		if done[i] {
			continue
		}
		// Those of one context go together, every action on every resource.
		in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: aws.String(s.principal), ContextEntries: entries(needs[i].context)}
		var group []int
		for j := i; j < len(needs); j++ {
			if done[j] || !reflect.DeepEqual(needs[j].context, needs[i].context) {
				continue
			}
			done[j] = true
			group = append(group, j)
			in.ActionNames = appendOnce(in.ActionNames, needs[j].action)
			in.ResourceArns = appendOnce(in.ResourceArns, needs[j].resource)
		}
		results, err := s.send(ctx, in)
		for _, j := range group {
			answers[j] = s.result(results, needs[j])
			if err != nil {
				answers[j] = answer{trouble: "iam:SimulatePrincipalPolicy: " + brief(err)}
			}
		}
	}
	return answers
}

// send collects all pages.
func (s simulator) send(ctx context.Context, in *iam.SimulatePrincipalPolicyInput) (all []types.EvaluationResult, err error) {
	pages := iam.NewSimulatePrincipalPolicyPaginator(s.client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, page.EvaluationResults...)
	}
	return all, nil
}

// result finds a need among the simulator's answers.
func (s simulator) result(results []types.EvaluationResult, n need) answer {
	for _, r := range results {
		if aws.ToString(r.EvalActionName) != n.action {
			continue
		}
		decision, boundary, missing := r.EvalDecision, r.PermissionsBoundaryDecisionDetail, r.MissingContextValues
		for _, one := range r.ResourceSpecificResults {
			if aws.ToString(one.EvalResourceName) == n.resource {
				decision, boundary, missing = one.EvalResourceDecision, one.PermissionsBoundaryDecisionDetail, one.MissingContextValues
			}
		}
		switch {
		case decision == types.PolicyEvaluationDecisionTypeAllowed:
			return answer{verdict: yes, source: "simulation"}
		case r.OrganizationsDecisionDetail != nil && !r.OrganizationsDecisionDetail.AllowedByOrganizations:
			return answer{verdict: no, source: "simulation", cause: cause{Organization, "service control policy"}}
		case len(s.unknown(missing)) > 0:
			return answer{trouble: "it turns on " + strings.Join(s.unknown(missing), ", ") + ", which only a real call has", conditional: true}
		case boundary != nil && !boundary.AllowedByPermissionsBoundary:
			return answer{verdict: no, source: "simulation", cause: cause{Boundary, "permissions boundary"}}
		}
		return answer{verdict: no, source: "simulation", cause: cause{Permission, "identity-based policy"}}
	}
	return answer{trouble: "the simulation has no result for it"}
}

// unknown returns the keys that were missing and not on purpose.
func (s simulator) unknown(missing []string) []string {
	return slices.DeleteFunc(slices.Clone(missing), func(key string) bool { return slices.Contains(s.tested, strings.ToLower(key)) })
}

// entries are condition keys as the simulator takes them.
func entries(context map[string][]string) (all []types.ContextEntry) {
	for _, key := range slices.Sorted(maps.Keys(context)) {
		values := context[key]
		kind := types.ContextKeyTypeEnumString
		switch {
		case len(values) > 1:
			kind = types.ContextKeyTypeEnumStringList
		case values[0] == "true" || values[0] == "false":
			kind = types.ContextKeyTypeEnumBoolean
		}
		all = append(all, types.ContextEntry{ContextKeyName: aws.String(key), ContextKeyType: kind, ContextKeyValues: values})
	}
	return all
}

func appendOnce(list []string, value string) []string {
	if slices.Contains(list, value) {
		return list
	}
	return append(list, value)
}
