package preflight

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// Condition keys for the vault's tag.
const (
	tagVault       = iampolicy.TagVault
	requestedVault = "aws:RequestTag/" + tagVault
	taggedVault    = "aws:ResourceTag/" + tagVault
)

// A lack is a need that a role is refused.
type lack struct {
	need
	answer
}

// permissions looks whether a role may do what its generated policy allows.
// EC2's dry runs are the last word where they can be made, in every Region; for
// the rest the simulator is asked, in the first Region for all needs and in
// every other about the organization's policies.
func (v *visit) permissions(ctx context.Context, e *entry) []Finding {
	regions := v.openRegions(e)
	if len(regions) == 0 {
		return nil
	}
	var lacks []lack
	needs := needsOf(e.role, regions[0])
	settled := make([]bool, len(needs))
	for _, region := range regions {
		client := v.clients.ec2(e.configs[region])
		for _, c := range callsOf(needsOf(e.role, region)) {
			a := ask(ctx, client, c.need, v.samples[region])
			a.region = region
			if a.verdict == no {
				if a.action == "" {
					a.action = c.need.action
				}
				lacks = append(lacks, lack{c.need, a})
			}
			for _, i := range c.covers {
				settled[i] = settled[i] || a.verdict == yes || a.verdict == no && needs[i].action == a.action
			}
		}
	}
	open, lacks := v.simulateRest(ctx, e, needs, settled, lacks)
	return e.tellPermissions(len(needs), open, lacks)
}

// A call is a dry run that answers for several needs.
type call struct {
	need   need  // with the context of all
	covers []int // indices of the needs
}

// callsOf puts together the needs that one call has: the action on all kinds
// of resources it touches, and the tagging of what it makes. A share is given
// and taken back by two calls of one action.
func callsOf(needs []need) (calls []call) {
	for i, n := range needs {
		if dryRuns[n.action] == nil {
			continue
		}
		at := slices.IndexFunc(calls, func(c call) bool {
			return c.need.action == n.action && n.action != "ec2:ModifySnapshotAttribute"
		})
		if at < 0 {
			calls = append(calls, call{need: n})
			at = len(calls) - 1
		}
		c := &calls[at]
		c.covers = append(c.covers, i)
		for key, values := range n.context {
			c.need.context = with(c.need.context, key, values[0])
		}
	}
	for at := range calls {
		for i, n := range needs {
			if made := n.context["ec2:CreateAction"]; made != nil && "ec2:"+made[0] == calls[at].need.action {
				calls[at].covers = append(calls[at].covers, i)
			}
		}
	}
	return calls
}

// simulateRest puts to the simulator what no dry run has settled.
func (v *visit) simulateRest(ctx context.Context, e *entry, needs []need, settled []bool, lacks []lack) (open []lack, _ []lack) {
	var rest []need
	for i, n := range needs {
		if !settled[i] {
			rest = append(rest, n)
		}
	}
	regions := v.openRegions(e)
	cfg, err := v.auditor(ctx, e.account(), regions[0], e.configs[regions[0]])
	if err != nil {
		for _, n := range rest {
			open = append(open, lack{n, answer{trouble: err.Error()}})
		}
		return open, lacks
	}
	sim := v.simulator(e, cfg)
	for i, a := range sim.ask(ctx, rest) {
		switch a.verdict {
		case no:
			a.region = regions[0]
			lacks = append(lacks, lack{rest[i], a})
		case untold:
			open = append(open, lack{rest[i], a})
		case yes:
		}
	}
	if len(rest) > 0 && len(open) == len(rest) {
		return open, lacks // a simulator that does not answer is not asked again
	}
	for _, region := range regions[1:] {
		all := needsOf(e.role, region)
		for i := range all {
			all[i].resource, all[i].context = "*", map[string][]string{"aws:RequestedRegion": {region}}
		}
		for i, a := range sim.ask(ctx, all) {
			if a.verdict == no && a.cause.check == Organization {
				a.region = region
				lacks = append(lacks, lack{all[i], a})
			}
		}
	}
	return open, lacks
}

// remedies for what stands in the way of a role.
var remedies = map[Probe]string{
	Permission:   "give the role its generated policy, iampolicy.Role.Policy",
	Boundary:     "let the permissions boundary of the role allow it as well",
	Organization: "exempt the role in the organization's policies",
	KeyPolicy:    "let the key's policy allow it, as the generated ones of iampolicy.Installation do",
}

// tellPermissions makes one finding of what each layer of policies refuses.
func (e *entry) tellPermissions(needs int, open, lacks []lack) (findings []Finding) {
	for _, check := range []Probe{Permission, Boundary, Organization, KeyPolicy} {
		these := slices.DeleteFunc(slices.Clone(lacks), func(l lack) bool { return l.check() != check })
		if len(these) > 0 {
			findings = append(findings, e.finding(check, Wrong, told(these), remedies[check]))
		}
	}
	switch {
	case len(open) > 0:
		var actions []string
		for _, l := range open {
			actions = appendOnce(actions, l.need.action)
		}
		slices.Sort(actions)
		findings = append(findings, e.finding(Permission, Unknown,
			fmt.Sprintf("%s: %s", strings.Join(actions, ", "), open[0].trouble), askAuditor))
	case len(lacks) == 0:
		findings = append(findings, e.finding(Permission, OK, fmt.Sprintf("all that is needed is allowed: %d requests", needs), ""))
	}
	return findings
}

// told puts refusals into words, those of one cause and source together.
func told(lacks []lack) string {
	actions, regions := map[string][]string{}, map[string][]string{}
	for _, l := range lacks {
		action := l.need.action
		if l.answer.action != "" {
			action = l.answer.action
		}
		why := fmt.Sprintf("%s, by %s", l.cause.because(), l.source)
		actions[why], regions[why] = appendOnce(actions[why], action), appendOnce(regions[why], l.region)
	}
	var all []string
	for _, why := range slices.Sorted(maps.Keys(actions)) {
		slices.Sort(actions[why])
		all = append(all, fmt.Sprintf("%s: %s in %s", strings.Join(actions[why], ", "), why, strings.Join(regions[why], ", ")))
	}
	return strings.Join(all, "; ")
}

// check that a refusal is a matter of.
func (l lack) check() Probe {
	if l.cause.check == "" {
		return Permission
	}
	return l.cause.check
}
