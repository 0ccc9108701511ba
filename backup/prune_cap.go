package backup

import (
	"errors"
	"fmt"
)

// ErrOverCap means that a prune plan would delete more than Options.MaxPrunes
// or Options.MaxShare allow at once.
var ErrOverCap = errors.New("the prune plan deletes more than is allowed at once")

// capped returns an error if the plan goes over a cap. A mistyped policy, a
// plan for the wrong account or a clock that is years ahead all show first as
// a plan that deletes far more than the last one did.
func (o Options) capped(pp *PrunePlan) error {
	all, prunes := pp.points(), pp.Prunes()
	if o.MaxPrunes > 0 && prunes > o.MaxPrunes {
		return fmt.Errorf("backup: %d recovery points, Options.MaxPrunes is %d: %w", prunes, o.MaxPrunes, ErrOverCap)
	}
	if share := float64(prunes) / float64(max(all, 1)); o.MaxShare > 0 && share > o.MaxShare {
		return fmt.Errorf("backup: %d of %d recovery points, Options.MaxShare is %v: %w", prunes, all, o.MaxShare, ErrOverCap)
	}
	return nil
}

// points returns how many recovery points the plan decides on.
func (pp *PrunePlan) points() int {
	n := 0
	for _, g := range pp.Groups {
		n += len(g.Decisions)
	}
	return n
}
