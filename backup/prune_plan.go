package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/snapkeep/snapkeep/retention"
)

// prunePlanLife is how long a prune plan may be applied after it was made:
// long enough to be reviewed by a person, short enough that the cloud is
// still the one that was looked at.
const prunePlanLife = 24 * time.Hour

// A PrunePlan says which recovery points would be deleted and which are kept,
// and why. It is data: it prints itself, survives JSON, and is the dry run.
type PrunePlan struct {
	Plan Plan `json:"plan"`
	// Made is the moment the policies were applied at, Expires when Prune
	// begins to refuse the plan.
	Made    time.Time    `json:"made"`
	Expires time.Time    `json:"expires"`
	Groups  []PruneGroup `json:"groups"`
}

// A PruneGroup holds the recovery points of one resource at one site. A
// policy is applied to each group by itself: a copy never keeps an original,
// nor an original a copy.
type PruneGroup struct {
	Resource string           `json:"resource"` // ARN
	Site     Site             `json:"site"`
	Copy     bool             `json:"copy,omitempty"`
	Policy   retention.Policy `json:"policy"`
	// Decisions, one for each point, newest first.
	Decisions []PruneDecision `json:"decisions"`
}

// A PruneDecision is what the policy says of one recovery point.
type PruneDecision struct {
	Point   Point             `json:"point"`
	Action  retention.Action  `json:"action"`
	Reasons retention.Reasons `json:"reasons"`
	// Why is one sentence: what keeps the point, or why each rule let it go.
	Why string `json:"why"`
}

// PlanPrune applies the plan's policies to what is in the cloud at the moment
// now and returns what Prune would delete. It changes nothing.
//
// Two kinds of points are held beside what the policy keeps: an original whose
// copies are not verified yet, and the newest copy at each destination, since
// without it the next copy would be a full one (EBS User Guide, "Copy an
// Amazon EBS snapshot").
//
// A site that cannot be read is an error beside a plan for the others. The
// originals of a plan are left alone while one of their destinations cannot
// be read.
func (e *Engine) PlanPrune(ctx context.Context, p Plan, now time.Time) (*PrunePlan, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	points, unread, err := e.readPoints(ctx, p)
	if points == nil && err != nil {
		return nil, err
	}
	pp := &PrunePlan{Plan: p, Made: now, Expires: now.Add(prunePlanLife)}
	for _, g := range groupPoints(points) {
		group, failed := p.judge(g, points, unread, now)
		if failed != nil {
			err = errors.Join(err, &Error{g.site.Account, g.site.Region, g.resource, "", failed})
			continue
		}
		pp.Groups = append(pp.Groups, group)
	}
	return pp, err
}

// readPoints reads the plan's part of the catalog. The points are nil only if
// nothing could be read for a reason that is not one site's.
func (e *Engine) readPoints(ctx context.Context, p Plan) (points []Point, unread map[Site]bool, err error) {
	points, unread = []Point{}, map[Site]bool{}
	for pt, failed := range e.Points(ctx, PointFilter{Sites: p.SourceSites(), CopySites: p.CopySites(), Plan: p.Name}) {
		var at *Error
		switch {
		case failed == nil:
			points = append(points, pt)
		case errors.As(failed, &at):
			unread[Site{at.Account, at.Region}] = true
			err = errors.Join(err, failed)
		default:
			return nil, nil, failed
		}
	}
	return points, unread, err
}

// A pointGroup is what a policy is applied to.
type pointGroup struct {
	resource string
	site     Site
	copy     bool
	points   []Point
}

// groupPoints sorts points into groups, by resource, originals first, then by site.
func groupPoints(points []Point) []pointGroup {
	var groups []pointGroup
	for _, pt := range points {
		i := slices.IndexFunc(groups, func(g pointGroup) bool {
			return g.resource == pt.Resource && g.site == pt.Site && g.copy == pt.Copy
		})
		if i < 0 {
			i = len(groups)
			groups = append(groups, pointGroup{resource: pt.Resource, site: pt.Site, copy: pt.Copy})
		}
		groups[i].points = append(groups[i].points, pt)
	}
	slices.SortFunc(groups, func(a, b pointGroup) int {
		return cmp.Or(cmp.Compare(a.resource, b.resource), boolCompare(a.copy, b.copy), cmp.Compare(a.site.String(), b.site.String()))
	})
	return groups
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// judge applies the group's policy.
func (p Plan) judge(g pointGroup, all []Point, unread map[Site]bool, now time.Time) (PruneGroup, error) {
	out := PruneGroup{Resource: g.resource, Site: g.site, Copy: g.copy, Policy: p.policyOf(g)}
	points := make([]retention.RecoveryPoint, len(g.points))
	for i, pt := range g.points {
		points[i] = retention.RecoveryPoint{
			ID: pt.ID, Time: pt.Time, State: pt.State, Holds: slices.Clone(pt.Holds),
		}
	}
	p.hold(g, points, all, unread)
	result, err := retention.Evaluate(now, points, out.Policy)
	if err != nil {
		return out, err
	}
	for _, d := range result.Decisions {
		pt := g.points[d.Index]
		pt.Holds = points[d.Index].Holds
		out.Decisions = append(out.Decisions, PruneDecision{Point: pt, Action: d.Action, Reasons: d.Reasons, Why: result.Explain(d.Index)})
	}
	return out, nil
}

// policyOf returns the policy for a group: the destination's, or the plan's.
// Originals that a destination drops are kept but for the newest only as long
// as a hold keeps them.
func (p Plan) policyOf(g pointGroup) retention.Policy {
	for _, c := range p.Copies {
		switch {
		case g.copy && c.Site() == g.site && !isZero(c.Retention):
			return c.Retention
		case !g.copy && c.DropOriginal:
			return retention.Policy{Last: 1}
		}
	}
	return p.Retention
}

// Prunes returns how many recovery points the plan would delete.
func (pp *PrunePlan) Prunes() int {
	n := 0
	for _, g := range pp.Groups {
		for _, d := range g.Decisions {
			if d.Action == retention.Prune {
				n++
			}
		}
	}
	return n
}

// String returns the plan as a table, a line for each recovery point: what
// becomes of it, and what keeps it.
func (pp *PrunePlan) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, g := range pp.Groups {
		kind := "originals"
		if g.Copy {
			kind = "copies"
		}
		fmt.Fprintf(w, "%s, %s at %s (%s)\n", g.Resource[strings.LastIndex(g.Resource, ":")+1:], kind, g.Site, g.Policy)
		for _, d := range g.Decisions {
			kept := d.Reasons.String()
			if d.Action == retention.Blocked {
				kept = "hold"
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", d.Point.Time.UTC().Format("2006-01-02 15:04"), d.Point.ID, d.Action, kept)
		}
	}
	w.Flush() // a strings.Builder takes everything
	return b.String()
}
