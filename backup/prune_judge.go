package backup

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/snapkeep/snapkeep/retention"
)

// A judged group is a PruneGroup with the points that it decides on, by id.
type judged struct {
	PruneGroup
	points  map[string]Point
	decided map[string]PruneDecision
}

// judgeAll applies the plan's policies to all groups. A group that cannot be
// judged is an *Error, and is left alone.
func (p Plan) judgeAll(s stock, now time.Time) ([]judged, error) {
	var groups []judged
	var errs []error
	for _, id := range s.order {
		g, err := p.judge(id, s, now)
		if err != nil {
			errs = append(errs, &Error{id.site.Account, id.site.Region, id.resource, "", err})
			continue
		}
		groups = append(groups, g)
	}
	return groups, errors.Join(errs...)
}

// policyOf returns the policy for a group: the destination's, or the plan's.
func (p Plan) policyOf(id groupID) retention.Policy {
	for _, c := range p.Copies {
		if id.copy && c.Site() == id.site && !isZero(c.Retention) {
			return c.Retention
		}
	}
	return p.Retention
}

// judge applies its policy to a group.
func (p Plan) judge(id groupID, s stock, now time.Time) (judged, error) {
	points, policy := s.groups[id], p.policyOf(id)
	g := judged{
		PruneGroup{Resource: id.resource, Site: id.site, Copy: id.copy, Policy: policy},
		map[string]Point{},
		map[string]PruneDecision{},
	}
	j := judge{now: now, in: make([]retention.RecoveryPoint, len(points)), out: make([]PruneDecision, len(points))}
	all := make([]int, len(points))
	for i, pt := range points {
		g.points[pt.ID], all[i] = pt, i
		j.in[i] = retention.RecoveryPoint{
			ID: pt.ID, Time: pt.Time, State: pt.State, Tags: tagsThatMatch(pt, policy.Tags),
		}
	}
	p.hold(id, s, j.in, now)
	rest, err := j.drop(all, p.droppers(id, s), policy)
	if err == nil {
		err = j.decide(rest, policy)
	}
	if err != nil {
		return g, err
	}
	for i, pt := range points {
		j.out[i].Snapshots, _ = pt.inDeletionOrder()
		j.out[i].Image = s.held[id.place].own[pt.ID]
		g.decided[pt.ID] = j.out[i]
	}
	g.Decisions = j.out
	slices.SortFunc(g.Decisions, func(a, b PruneDecision) int {
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.Point, b.Point))
	})
	return g, nil
}

// A judge decides on the points of one group.
type judge struct {
	now time.Time
	in  []retention.RecoveryPoint
	out []PruneDecision // by the index of in
}

// decide applies a policy to some of the points.
func (j *judge) decide(some []int, policy retention.Policy) error {
	points := make([]retention.RecoveryPoint, len(some))
	for n, i := range some {
		points[n] = j.in[i]
	}
	result, err := retention.Evaluate(j.now, points, policy)
	if err != nil {
		return err
	}
	for _, d := range result.Decisions {
		pt := points[d.Index]
		j.out[some[d.Index]] = PruneDecision{
			Point: pt.ID, Time: pt.Time, State: pt.State, Holds: pt.Holds,
			Action: d.Action, Reasons: d.Reasons, Why: result.Explain(d.Index),
		}
	}
	return nil
}

// A dropper is a destination that drops originals, and what it has of them.
type dropper struct {
	site Site
	has  map[string]bool // ids of complete copies
}

// droppers returns the destinations that drop originals of a group.
func (p Plan) droppers(id groupID, s stock) []dropper {
	var list []dropper
	for _, c := range p.Copies {
		if id.copy || !c.DropOriginal {
			continue
		}
		d := dropper{c.Site(), map[string]bool{}}
		for _, pt := range s.groups[groupID{place{c.Site(), true}, id.resource}] {
			d.has[pt.ID] = pt.State == retention.Complete
		}
		list = append(list, d)
	}
	return list
}

// drop decides on the originals that are let go because a destination has
// copies of them, and returns the others. These are judged as if the first did
// not exist, so that it makes no difference how many of those are gone already.
func (j *judge) drop(all []int, droppers []dropper, policy retention.Policy) (rest []int, err error) {
	if len(droppers) == 0 {
		return all, nil
	}
	newest := retention.Policy{Last: 1, MinCount: policy.MinCount, MinAge: policy.MinAge, MaxSkew: policy.MaxSkew}
	if err := j.decide(all, newest); err != nil {
		return nil, err
	}
	for _, i := range all {
		d := &j.out[i]
		n := slices.IndexFunc(droppers, func(to dropper) bool { return to.has[d.Point] })
		if n < 0 || d.State != retention.Complete || d.Action != retention.Prune && d.Action != retention.Blocked {
			rest = append(rest, i)
			continue
		}
		if d.Action == retention.Prune {
			d.Why = fmt.Sprintf("%s is pruned: its copy at %s is verified, and the plan drops originals then.", d.Point, droppers[n].site)
		}
	}
	return rest, nil
}

// tagsThatMatch returns the tags of the first snapshot of a point that a
// selector matches, nil if there is none: one tagged member keeps its point.
func tagsThatMatch(pt Point, selectors []retention.Selector) map[string]string {
	for _, s := range pt.snapshots() {
		for _, sel := range selectors {
			if matches(sel, s.Tags) {
				return s.Tags
			}
		}
	}
	return nil
}

func matches(sel retention.Selector, tags map[string]string) bool {
	for k, want := range sel {
		if have, ok := tags[k]; !ok || want != "" && want != have {
			return false
		}
	}
	return true
}
