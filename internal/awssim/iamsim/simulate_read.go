package iamsim

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/grammar"
)

// A question is what both simulating calls ask.
type question struct {
	actions, resources []string
	context            []types.ContextEntry
	caller             *string
	policies, boundary []string
	resourcePolicy     *string
	owner, handling    *string
}

// source finds the user or role whose policies are simulated.
func (s *Service) source(c *core.Call, source *string) (*subject, error) {
	if err := valid(member{"policySourceArn", source, arn, true}); err != nil {
		return nil, err
	}
	x := s.subjectOf(c, *source)
	n := core.Need{Action: "iam:" + c.Operation, Resource: *source}
	if x != nil {
		n.Keys = core.WithResourceTags(map[string][]string{}, "iam", x.tags)
	}
	if part := strings.SplitN(*source, ":", 6); len(part) == 6 && part[4] != c.Account.ID {
		return nil, c.Denied(n)
	}
	if err := c.Authorize(n); err != nil {
		return nil, err
	}
	if x == nil {
		return nil, noSuchEntity("No such entity: " + *source)
	}
	return x, nil
}

// hold takes what a user or role has into the simulation.
func (sim *simulation) hold(x *subject, out exclusions) {
	kind := types.PolicySourceType(x.kind)
	for _, p := range x.holder.Inline {
		if !out.inline(x, p.Name) {
			sim.identity = append(sim.identity, policySource{x.kind + "_" + x.name + "_" + p.Name, kind, textOf(p.Document, p.Text), p.Document})
		}
	}
	for _, p := range x.holder.Attached {
		kind := types.PolicySourceTypeUserManaged
		if p.Account == nil {
			kind = types.PolicySourceTypeAwsManaged
		}
		if !out.managed(kind, p.ARN) {
			sim.identity = append(sim.identity, policySource{p.Name, kind, textOf(p.Default.Document, p.Default.Text), p.Default.Document})
		}
	}
	if b := x.holder.BoundaryPolicy; b != nil && !out.boundary {
		sim.boundary = []*iampolicy.Document{b.Default.Document}
	}
	if out.scp {
		sim.scp = nil
	}
}

var (
	actionName   = regexp.MustCompile(`^[A-Za-z0-9-]+:[A-Za-z0-9*?]+$`)
	resourceName = regexp.MustCompile(`^arn:[^:]+:[^:]+:[^:]*:[^:]*:.+$`)
	callerName   = regexp.MustCompile(`^arn:[a-z-]+:iam::(\d{12}):(?:user|role|group)/\S+$`)
)

// read takes a question into the simulation.
func (sim *simulation) read(c *core.Call, q question) error {
	sim.actions, sim.resources = q.actions, q.resources
	if len(sim.resources) == 0 {
		sim.resources = []string{"*"}
	}
	if len(sim.actions) == 0 {
		return core.Errorf("ValidationError", "1 validation error detected: Value null at 'actionNames' failed to satisfy constraint: Member must not be null")
	}
	for _, a := range sim.actions {
		if !actionName.MatchString(a) {
			return core.Errorf("InvalidInput", "Invalid action name: %s", a)
		}
	}
	for _, r := range sim.resources {
		if r != "*" && !resourceName.MatchString(r) {
			return core.Errorf("InvalidInput", "Invalid resource ARN: %s", r)
		}
	}
	if q.handling != nil {
		return c.Unsupported("ResourceHandlingOption")
	}
	if err := sim.readCaller(c, q); err != nil {
		return err
	}
	if err := sim.readPolicies(q); err != nil {
		return err
	}
	return sim.readContext(q.context)
}

// readCaller reads who asks. A resource of another account than the caller's
// takes both accounts' policies, of which the simulation has but one.
func (sim *simulation) readCaller(c *core.Call, q question) error {
	account := c.Account.ID
	if q.caller != nil {
		m := callerName.FindStringSubmatch(*q.caller)
		if m == nil {
			return core.Errorf("InvalidInput", "Invalid caller ARN: %s", *q.caller)
		}
		account = m[1]
		sim.principal = iampolicy.Principal{ARN: *q.caller, Account: account}
	} else {
		sim.principal = iampolicy.Principal{ARN: c.Account.GlobalARN("iam", "user/simulated"), Account: account}
	}
	if q.owner != nil && *q.owner != account {
		return c.Unsupported("ResourceOwner other than the caller's account")
	}
	return nil
}

func (sim *simulation) readPolicies(q question) error {
	for i, text := range q.policies {
		d, err := simulated(&text)
		if err != nil {
			return err
		}
		sim.identity = append(sim.identity, policySource{"PolicyInputList." + itoa(i+1), types.PolicySourceTypeNone, text, d})
	}
	if len(q.boundary) > 1 {
		return core.Errorf("InvalidInput", "Only one permissions boundary can be simulated.")
	}
	for _, text := range q.boundary {
		d, err := simulated(&text)
		if err != nil {
			return err
		}
		sim.boundary = []*iampolicy.Document{d}
	}
	if q.resourcePolicy != nil {
		d, err := grammar.Parse(*q.resourcePolicy, grammar.Resource)
		if err != nil {
			return core.Errorf("InvalidInput", "Invalid resource policy: %v", err)
		}
		sim.resource = &policySource{"ResourcePolicy", types.PolicySourceTypeResource, *q.resourcePolicy, d}
	}
	return nil
}

// simulated reads a policy of the request.
func simulated(text *string) (*iampolicy.Document, error) {
	if err := valid(member{"policyInputList.member", text, document, true}); err != nil {
		return nil, err
	}
	d, err := grammar.Parse(*text, grammar.Identity)
	if err != nil {
		return nil, core.Errorf("InvalidInput", "Invalid policy: %v", err)
	}
	return d, nil
}

// readContext reads condition keys. Their types only say how AWS reads the
// values; the operators of the policies do that here.
func (sim *simulation) readContext(entries []types.ContextEntry) error {
	sim.context = map[string][]string{}
	for _, e := range entries {
		name := aws.ToString(e.ContextKeyName)
		switch {
		case !strings.Contains(name, ":") || !slices.Contains(e.ContextKeyType.Values(), e.ContextKeyType):
			return core.Errorf("InvalidInput", "Invalid context entry: %s", name)
		case len(e.ContextKeyValues) != 1 && !strings.HasSuffix(string(e.ContextKeyType), "List"):
			return core.Errorf("InvalidInput", "The context key %s of the type %s takes one value.", name, e.ContextKeyType)
		case slices.ContainsFunc(slices.Collect(maps.Keys(sim.context)), func(k string) bool { return strings.EqualFold(k, name) }):
			return core.Errorf("InvalidInput", "Duplicate context key: %s", name)
		}
		sim.context[name] = e.ContextKeyValues
	}
	return nil
}
