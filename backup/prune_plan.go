package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/retention"
)

// prunePlanLife is how long a prune plan may be applied after it was made:
// long enough to be reviewed by a person, short enough that the cloud is
// still the one that was looked at.
const prunePlanLife = 24 * time.Hour

// A PrunePlan says which recovery points would be deleted and which are kept,
// and why. It is data: it prints itself, survives JSON, and is the dry run.
type PrunePlan struct {
	// Vault of the engine that made the plan. No other takes it.
	Vault accounts.ID `json:"vault"`
	Plan  Plan        `json:"plan"` // whose policies were applied
	// Made is the moment the policies were applied at, Expires when Prune
	// begins to refuse the plan: 24 h later.
	Made    time.Time `json:"made"`
	Expires time.Time `json:"expires"` // Made and 24 h
	// Groups by resource, originals first, then by site.
	Groups []PruneGroup `json:"groups"`
	// Notes on holds that could not be read. What they hold may be planned to
	// go, and is then Refused.
	Notes []PruneNote `json:"notes,omitempty"`
	// Digest of all of the above, so that Prune does what was planned and
	// reviewed. It shows a change, it is no signature: who can write a plan
	// can write its digest.
	Digest string `json:"digest"`
}

// A PruneGroup holds the recovery points of one resource at one site. A
// policy is applied to each group by itself: a copy never keeps an original,
// nor an original a copy.
type PruneGroup struct {
	Resource string           `json:"resource"`       // ARN
	Site     Site             `json:"site"`           // that owns the snapshots
	Copy     bool             `json:"copy,omitempty"` // they are copies, not originals
	Policy   retention.Policy `json:"policy"`         // the destination's own, or else the plan's
	// Decisions, one for each point, newest first.
	Decisions []PruneDecision `json:"decisions"`
}

// A PruneDecision is what becomes of one recovery point.
type PruneDecision struct {
	Point string    `json:"point"` // Point.ID
	Time  time.Time `json:"time"`  // the data is from
	// State of the point when the plan was made.
	State retention.State `json:"state"`
	// Snapshots of the point, extra ones included, in the order in which they
	// are deleted.
	Snapshots []string `json:"snapshots"`
	// Image of the point, which is deregistered before; empty if it has none.
	// Other images that use its snapshots are holds.
	Image   string            `json:"image,omitempty"`
	Holds   []retention.Hold  `json:"holds,omitempty"` // found when the plan was made; those whose Until has come bind no more
	Action  retention.Action  `json:"action"`          // only Prune deletes
	Reasons retention.Reasons `json:"reasons"`         // what keeps it; none if it is pruned
	// Why is one sentence: what keeps the point, or why each rule let it go.
	Why string `json:"why"`
}

// PlanPrune applies the plan's policies to what is in the cloud and returns
// what Prune would delete. It changes nothing. The policies are applied at the
// moment now; a plan made for the future shows what will go then, and cannot
// be applied before.
//
// A point that its policy lets go may still be held (Blocked):
//   - originals of which a destination has no verified copy and that are newer
//     than its newest one: they are still to be copied, or counted by
//     Copy.Every until the next is due;
//   - originals of which a copy is under way, and all of them while a
//     destination cannot be read;
//   - the copy that was made last at each destination: without it the next
//     one would be a full copy;
//   - whatever has the tag snapkeep:legal-hold on one of its snapshots;
//   - what AWS refuses to delete, as a driver's Holder tells: snapshots that are
//     locked, or that a registered image uses, but for the point's own (see
//     Copy.Image), which goes with it; and what is in the archive for
//     less than the time that is charged in any case.
//
// What AWS Backup manages is deferred, and counts for nothing. Of holds that a
// role may not read the plan has a note.
//
// Where a destination drops originals, those copied there are let go whatever
// the plan's Retention says, but for its MinAge and its MinCount of the newest;
// they then count for none of its rules.
//
// Decisions on copies depend on nothing that is in a protected account. Of
// originals, whoever can make snapshots and tags in their account can make
// some that pass for ours and so let others grow old sooner.
//
// A site that cannot be read is an *Error beside a plan for the others. The
// plan is nil if p is invalid, or if ctx is done.
func (e *Engine) PlanPrune(ctx context.Context, p Plan, now time.Time) (*PrunePlan, error) {
	if year := now.UTC().Year(); now.IsZero() || year < 1 || year > 9998 {
		return nil, errors.New("backup: pruning needs a moment between the years 1 and 9998")
	}
	p, err := p.detached()
	if err != nil {
		return nil, err
	}
	made := now.UTC().Round(0) // as it comes back from JSON
	pp := &PrunePlan{Vault: e.opts.Vault, Plan: p, Made: made, Expires: made.Add(prunePlanLife)}
	s, err := e.takeStock(ctx, p)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	groups, failed := p.judgeAll(s, made)
	for _, g := range groups {
		pp.Groups = append(pp.Groups, g.PruneGroup)
	}
	pp.Notes = s.notes()
	var undigested error
	if pp.Digest, undigested = pp.digest(); undigested != nil {
		return nil, undigested
	}
	return pp, errors.Join(err, failed)
}

// detached returns a valid plan as it comes back from JSON, so that it shares
// nothing with the caller's and means the same wherever it is read again.
func (p Plan) detached() (Plan, error) {
	if err := p.Validate(); err != nil {
		return Plan{}, err
	}
	text, err := json.Marshal(p)
	if err != nil {
		return Plan{}, fmt.Errorf("plan: %w", err)
	}
	return ParsePlan(text)
}

// digest returns the digest that the plan should have.
func (pp *PrunePlan) digest() (string, error) {
	bare := *pp
	bare.Digest = ""
	text, err := json.Marshal(bare)
	if err != nil {
		return "", fmt.Errorf("prune plan: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
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
// becomes of it, what keeps it or why it goes.
func (pp *PrunePlan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "prune %s as of %s: %d of %d recovery points\n", pp.Plan.Name, minute(pp.Made), pp.Prunes(), pp.points())
	for _, n := range pp.Notes {
		fmt.Fprintln(&b, n)
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, g := range pp.Groups {
		fmt.Fprintf(w, "%s, %s at %s (%s)\n", g.Resource[strings.LastIndex(g.Resource, ":")+1:], kindOfPlace(g.Copy), g.Site, g.Policy)
		for _, d := range g.Decisions {
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", minute(d.Time), d.Point, d.Action, d.brief())
		}
	}
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}

// brief returns the reasons of what is retained, for anything else the
// sentence without what the table says beside it.
func (d PruneDecision) brief() string {
	if d.Action == retention.Retain {
		return d.Reasons.String()
	}
	text := strings.TrimPrefix(d.Why, d.Point+" ")
	for _, lead := range []string{"is pruned: ", "is deferred: "} {
		text = strings.TrimPrefix(text, lead)
	}
	text = strings.TrimSuffix(text, ".")
	if d.Image != "" && d.Action == retention.Prune {
		text += "; " + d.Image + " goes with it"
	}
	return text
}

// minute writes a time for a table.
func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }
