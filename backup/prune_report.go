package backup

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// A PruneOutcome is what became of one recovery point that a plan prunes.
type PruneOutcome string

// The outcomes. Everything but Pruned and AlreadyGone leaves a point, or a
// part of it, where it was; the next plan takes it up again.
const (
	Pruned      PruneOutcome = "pruned"
	AlreadyGone PruneOutcome = "already gone"
	Skipped     PruneOutcome = "skipped"    // a fresh reading does not prune it any more
	Refused     PruneOutcome = "refused"    // AWS forbids it, or the group is not what was planned for
	Undeleted   PruneOutcome = "failed"     // the call failed
	NotTried    PruneOutcome = "not tried"  // cancelled before its turn
	Unverified  PruneOutcome = "unverified" // deleted, and still listed
)

// A PruneResult is what became of one recovery point.
type PruneResult struct {
	Point   Point        `json:"point"`
	Outcome PruneOutcome `json:"outcome"`
	// Why, in words; empty for what was pruned.
	Why string `json:"why,omitempty"`
	// Err of a point that could not be deleted.
	Err error `json:"-"`

	deleted time.Time
}

func (p *PruneResult) fail(err error) {
	p.Outcome, p.Err, p.Why = Undeleted, err, err.Error()
	if errors.Is(err, ErrDenied) || errors.Is(err, ErrUnsupported) {
		p.Outcome = Refused
	}
}

// A PruneReport says what Prune did: one result for each point of the plan
// that was to go, oldest first.
type PruneReport struct {
	Plan    string        `json:"plan"`
	Results []PruneResult `json:"results"`
	// Calls is how many deletes were sent.
	Calls int `json:"calls"`
}

// Count returns how many points had the outcome.
func (r *PruneReport) Count(o PruneOutcome) int {
	n := 0
	for _, p := range r.Results {
		if p.Outcome == o {
			n++
		}
	}
	return n
}

// errors joins an *Error for each point that could not be deleted.
func (r *PruneReport) errors() error {
	var errs []error
	for _, p := range r.Results {
		if p.Err != nil {
			errs = append(errs, &Error{
				p.Point.Site.Account, p.Point.Site.Region, p.Point.Resource, "",
				fmt.Errorf("prune %s: %w", p.Point.ID, p.Err),
			})
		}
	}
	return errors.Join(errs...)
}

// String returns the report as a table.
func (r *PruneReport) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, p := range r.Results {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", p.Point.Time.UTC().Format("2006-01-02 15:04"), p.Point.ID, p.Point.Site, p.Outcome, p.Why)
	}
	w.Flush() // a strings.Builder takes everything
	return b.String()
}
