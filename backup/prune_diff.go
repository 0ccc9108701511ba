package backup

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/snapkeep/snapkeep/retention"
)

// A PruneChange is one recovery point on which two prune plans differ.
type PruneChange struct {
	Resource string    `json:"resource"`       // ARN
	Site     Site      `json:"site"`           // that owns the snapshots
	Copy     bool      `json:"copy,omitempty"` // it is one of copies, not of originals
	Point    string    `json:"point"`          // Point.ID
	Time     time.Time `json:"time"`           // the data is from
	// Was is what the earlier plan does with the point; nil means that the
	// point is new.
	Was *retention.Action `json:"was,omitempty"`
	// Is is what the later plan does with the point; nil means that it is gone.
	Is *retention.Action `json:"is,omitempty"`
	// Why is the later plan's sentence, or the earlier one's if the point is gone.
	Why string `json:"why"`
}

// A PruneDiff is how a prune plan differs from an earlier one: what a person
// who has approved the earlier one must look at again. It prints as a table.
type PruneDiff []PruneChange

// Diff returns the points on which the plan and an earlier one differ, in the
// order of the plan, those that are gone last. Plans of different names or
// vaults may be compared; most points then differ.
func (pp *PrunePlan) Diff(earlier *PrunePlan) PruneDiff {
	type pointID struct {
		group groupID
		point string
	}
	was := map[pointID]PruneDecision{}
	for _, g := range earlier.Groups {
		for _, d := range g.Decisions {
			was[pointID{g.id(), d.Point}] = d
		}
	}
	var diff PruneDiff
	for _, g := range pp.Groups {
		for _, d := range g.Decisions {
			id := pointID{g.id(), d.Point}
			old, known := was[id]
			delete(was, id)
			change := g.change(d)
			change.Is = &d.Action
			if known {
				change.Was = &old.Action
			}
			if !known || old.Action != d.Action {
				diff = append(diff, change)
			}
		}
	}
	for _, g := range earlier.Groups {
		for _, d := range g.Decisions {
			if _, gone := was[pointID{g.id(), d.Point}]; gone {
				change := g.change(d)
				change.Was = &d.Action
				diff = append(diff, change)
			}
		}
	}
	return diff
}

func (g PruneGroup) change(d PruneDecision) PruneChange {
	return PruneChange{Resource: g.Resource, Site: g.Site, Copy: g.Copy, Point: d.Point, Time: d.Time, Why: d.Why}
}

// String returns the differences as a table, a line for each recovery point,
// or a line that says there is none.
func (d PruneDiff) String() string {
	if len(d) == 0 {
		return "no difference\n"
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, c := range d {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s → %s\t%s\n", minute(c.Time), c.Point, c.Site, actionOr(c.Was, "new"), actionOr(c.Is, "gone"), c.Why)
	}
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}

func actionOr(a *retention.Action, none string) string {
	if a == nil {
		return none
	}
	return a.String()
}
