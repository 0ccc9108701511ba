package backup

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/snapkeep/snapkeep/internal/awserr"
)

// A PruneOutcome is what became of one recovery point that a plan prunes.
type PruneOutcome string

// The outcomes. Everything but Pruned and AlreadyGone leaves a point, or a
// part of it, where it was; the next plan takes it up again.
const (
	Pruned      PruneOutcome = "pruned"       // all its snapshots are deleted, and listed no more
	AlreadyGone PruneOutcome = "already gone" // before this call
	Skipped     PruneOutcome = "skipped"      // a fresh reading does not prune it, or not as it was planned
	Refused     PruneOutcome = "refused"      // AWS forbids it, or the group is not what was planned for
	PruneFailed PruneOutcome = "failed"       // a delete came to nothing, and may succeed another time
	NotTried    PruneOutcome = "not tried"    // cancelled before its end, or its site cannot be read
	Unverified  PruneOutcome = "unverified"   // deleted, and no listing could show that it is gone
)

// A PruneResult is what became of one recovery point.
type PruneResult struct {
	Point    string    `json:"point"`          // Point.ID
	Resource string    `json:"resource"`       // ARN
	Site     Site      `json:"site"`           // that owned the snapshots
	Copy     bool      `json:"copy,omitempty"` // it was one of copies, not of originals
	Time     time.Time `json:"time"`           // the data is from
	// Deleted snapshots, in order; of a point that is not Pruned some may be.
	Deleted []string `json:"deleted,omitempty"`
	// Image of the point that was deregistered; empty if none was.
	Image   string       `json:"image,omitempty"`
	Outcome PruneOutcome `json:"outcome"` // Pruned or AlreadyGone if all went well
	// Recoverable is until when all its snapshots can be had back from the
	// Recycle Bin; zero if one cannot, or if it could not be found out.
	Recoverable time.Time `json:"recoverable,omitzero"`
	// Why, in words; empty for what was pruned or gone.
	Why string `json:"why,omitempty"`
	// Err of a point that could not be deleted, or not be seen to be gone.
	Err error `json:"-"`
}

// fail notes errors that kept the point from being deleted.
func (p *PruneResult) fail(errs ...error) {
	p.Err = errors.Join(errs...)
	p.Outcome, p.Why = Refused, strings.ReplaceAll(p.Err.Error(), "\n", "; ")
	for _, err := range errs {
		if !refuses(err) {
			p.Outcome = PruneFailed
		}
	}
}

// refuses says whether an error means that AWS will not do it: a permission, a
// registered image that uses the snapshot (InvalidSnapshot.InUse: EC2 API
// Reference, error codes), a lock. The code of that last one is not
// documented; so any refusal that is none of those which pass counts.
func refuses(err error) bool {
	switch classOf(err) {
	case awserr.Denied, awserr.Unsupported:
		return true
	case awserr.Other:
		return awserr.Code(err) != ""
	default:
		return false
	}
}

// A PruneReport says what Prune did: one result for each point of the plan
// that was to go, oldest first.
type PruneReport struct {
	Plan    string        `json:"plan"`    // Plan.Name
	Results []PruneResult `json:"results"` // the points whose Action was Prune
	// Notes on what could not be found out when the cloud was read again.
	Notes []PruneNote `json:"notes,omitempty"`
	// Calls is how many deletes were sent, deregistrations included.
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

// errors returns an *Error for each point that could not be deleted.
func (r *PruneReport) errors() []error {
	var errs []error
	for _, p := range r.Results {
		if p.Err != nil {
			errs = append(errs, &Error{
				p.Site.Account, p.Site.Region, p.Resource, "", fmt.Errorf("prune %s: %w", p.Point, p.Err),
			})
		}
	}
	return errs
}

// String returns the report as a table, under a line that counts the outcomes.
func (r *PruneReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "prune %s: %d deletes", r.Plan, r.Calls)
	for _, o := range []PruneOutcome{Pruned, AlreadyGone, Skipped, Refused, PruneFailed, NotTried, Unverified} {
		if n := r.Count(o); n > 0 {
			fmt.Fprintf(&b, ", %d %s", n, o)
		}
	}
	b.WriteByte('\n')
	for _, n := range r.Notes {
		fmt.Fprintln(&b, n)
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, p := range r.Results {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s", minute(p.Time), p.Point, p.Site, p.Outcome)
		switch {
		case p.Why != "":
			fmt.Fprintf(w, "\t%s", p.Why)
		case !p.Recoverable.IsZero():
			fmt.Fprintf(w, "\tkept in the Recycle Bin until %s", minute(p.Recoverable))
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}
