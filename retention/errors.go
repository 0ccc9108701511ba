package retention

import (
	"errors"
	"fmt"
)

// ErrEmptyPolicy is returned for a policy that has no rule: no Last, Within,
// calendar rule or Tags. It would prune nearly everything, and is more likely
// a setting that got lost than a wish.
var ErrEmptyPolicy = errors.New("retention policy: empty: no rule keeps anything")

// A PolicyError says which field of a Policy, or which term of its text, is
// wrong, and why.
type PolicyError struct {
	Field  string // as in Go, "Daily.Count"; for text the term's key, "daily"
	Reason string // in words: "-1 is negative"
}

// Error names the field.
func (e *PolicyError) Error() string {
	return fmt.Sprintf("retention policy: %s: %s", e.Field, e.Reason)
}

// A PointError says which recovery point cannot be evaluated, and why.
type PointError struct {
	Index  int    // into the points given to Evaluate
	ID     string // RecoveryPoint.ID, which may be empty
	Reason string // in words
}

// Error names the point.
func (e *PointError) Error() string {
	return fmt.Sprintf("recovery point %d (%q): %s", e.Index, e.ID, e.Reason)
}
