package backup

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/retention"
)

// An ArchivePlan says which copies would be moved to the archive tier, which
// not, and why. It is data: it prints itself, survives JSON, and is the dry run.
type ArchivePlan struct {
	// Vault of the engine that made the plan. No other takes it.
	Vault accounts.ID `json:"vault"`
	Plan  Plan        `json:"plan"` // whose Archive and Retention were applied
	// Made is the moment that was decided for, Expires when Archive begins to
	// refuse the plan: 24 h later.
	Made    time.Time `json:"made"`
	Expires time.Time `json:"expires"` // Made and 24 h
	// Groups of the destinations that archive, by resource, then by site.
	Groups []ArchiveGroup `json:"groups"`
	// Notes on holds that could not be read. Where it is not known which images
	// use snapshots, or what is in the archive, nothing is moved.
	Notes []PruneNote `json:"notes,omitempty"`
	// Digest of all of the above. It shows a change, it is no signature.
	Digest string `json:"digest"`
}

// An ArchiveGroup holds the copies of one resource at one destination.
type ArchiveGroup struct {
	Resource  string            `json:"resource"`  // ARN
	Site      Site              `json:"site"`      // that owns the copies
	Decisions []ArchiveDecision `json:"decisions"` // one for each point, oldest first
}

// An ArchiveDecision is what becomes of one recovery point.
type ArchiveDecision struct {
	Point string    `json:"point"` // Point.ID
	Time  time.Time `json:"time"`  // the data is from
	Move  bool      `json:"move"`  // only Archive moves
	// Snapshots that are to be moved: those of the point that are not in the
	// archive. Empty if it is not moved.
	Snapshots []string `json:"snapshots,omitempty"`
	Why       string   `json:"why"` // in words, with the point as the subject
}

// PlanArchive says which copies it saves money to move to the archive tier, as
// far as the plan's destinations have an Archive. It changes nothing. Moved is
// a point that is whole and older than AfterDays, that its policy retains on
// each of the next 90 days, which are charged for in any case, and that shares
// so little with the points beside it that the whole of it costs less there
// than its own blocks do now. Both are reckoned, not measured: from how often
// points have come lately, and from Archive.DailyChange.
//
// Never moved are the newest point of a resource, the copy of a volume that
// was made last, since without it in the standard tier the next would be a full
// copy (EBS User Guide, "Copy an Amazon EBS snapshot"), and what an image uses.
// Locked copies may be moved, and stay locked. AWS archives at most 25
// snapshots of a volume.
//
// A site that cannot be read is an *Error beside a plan for the others. The
// plan is nil if p is invalid, or if ctx is done.
func (e *Engine) PlanArchive(ctx context.Context, p Plan, now time.Time) (*ArchivePlan, error) {
	if year := now.UTC().Year(); now.IsZero() || year < 1 || year > 9998 {
		return nil, errors.New("backup: archiving needs a moment between the years 1 and 9998")
	}
	p, err := p.detached()
	if err != nil {
		return nil, err
	}
	made := now.UTC().Round(0) // as it comes back from JSON
	ap := &ArchivePlan{Vault: e.opts.Vault, Plan: p, Made: made, Expires: made.Add(prunePlanLife)}
	s, unread := e.takeStock(ctx, p)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	groups, failed := p.archiveAll(s, made)
	ap.Groups, ap.Notes = groups, s.notes()
	if ap.Digest, err = ap.digest(); err != nil {
		return nil, err
	}
	return ap, errors.Join(unread, failed)
}

// archiveAll decides on all groups of copies whose destination archives.
func (p Plan) archiveAll(s stock, now time.Time) (groups []ArchiveGroup, err error) {
	var errs []error
	newest, archived := p.census(s)
	for _, id := range s.order {
		a := p.archiveOf(id)
		if a == nil {
			continue
		}
		points := slices.Clone(s.groups[id])
		slices.SortStableFunc(points, func(a, b Point) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID)) })
		policy := p.policyOf(id)
		kept, err := keptFor(points, policy, now)
		if err != nil {
			errs = append(errs, &Error{id.site.Account, id.site.Region, id.resource, "", err})
			continue
		}
		g := ArchiveGroup{Resource: id.resource, Site: id.site}
		g.Decisions = (&archiver{
			Archive: a, now: now, policy: policy, points: points, holds: s.held[id.place].by,
			newest: newest[id.place], archived: archived[id.place], kept: kept,
		}).decide()
		if what := s.held[id.place].unknown(); what != "" {
			for i := range g.Decisions {
				g.Decisions[i] = ArchiveDecision{Point: g.Decisions[i].Point, Time: g.Decisions[i].Time, Why: what}
			}
		}
		groups = append(groups, g)
	}
	return groups, errors.Join(errs...)
}

// archiveOf returns what a destination archives, nil for originals.
func (p Plan) archiveOf(id groupID) *Archive {
	for _, c := range p.Copies {
		if id.copy && c.Site() == id.site {
			return c.Archive
		}
	}
	return nil
}

// census tells of each place of copies which was made last of each volume, and
// how many of each are in the archive. A volume may have been a part of
// several resources in turn; its copies are incremental to each other all the same.
func (p Plan) census(s stock) (newest map[place]map[string]string, archived map[place]map[string]int) {
	newest, archived = map[place]map[string]string{}, map[place]map[string]int{}
	for _, id := range s.order {
		if newest[id.place] == nil {
			newest[id.place], archived[id.place] = map[string]string{}, map[string]int{}
		}
		a := archiver{holds: s.held[id.place].by}
		for _, pt := range s.groups[id] {
			for _, m := range pt.Members {
				if a.inArchive(m.Snapshot) {
					archived[id.place][m.Volume]++
				}
			}
		}
	}
	made := map[place]map[string]time.Time{}
	for _, id := range s.order {
		if made[id.place] == nil {
			made[id.place] = map[string]time.Time{}
		}
		for _, pt := range s.groups[id] {
			for _, m := range pt.Members {
				if m.Snapshot.State == SnapshotCompleted && m.Snapshot.Started.After(made[id.place][m.Volume]) {
					made[id.place][m.Volume], newest[id.place][m.Volume] = m.Snapshot.Started, m.Snapshot.ID
				}
			}
		}
	}
	return newest, archived
}

// unknown says of which holds it is not known whether there are any, where
// nothing may be archived without.
func (h holdings) unknown() string {
	for _, n := range h.notes {
		if n.Hold == retention.InUse || n.Hold == retention.ColdMinimum {
			return fmt.Sprintf("stays: %s is not known here: %v", n.Hold, n.Fault)
		}
	}
	return ""
}

// digest returns the digest that the plan should have.
func (ap *ArchivePlan) digest() (string, error) {
	bare := *ap
	bare.Digest = ""
	text, err := json.Marshal(bare)
	if err != nil {
		return "", fmt.Errorf("archive plan: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// Moves returns how many recovery points the plan would move.
func (ap *ArchivePlan) Moves() int {
	n := 0
	for _, d := range decisionsOf(ap.Groups) {
		if d.Move {
			n++
		}
	}
	return n
}

// decisionsOf returns what is decided on each point.
func decisionsOf(groups []ArchiveGroup) map[archiveID]ArchiveDecision {
	all := map[archiveID]ArchiveDecision{}
	for _, g := range groups {
		for _, d := range g.Decisions {
			all[archiveID{g.Site, g.Resource, d.Point}] = d
		}
	}
	return all
}

// An archiveID names a point of copies.
type archiveID struct {
	site            Site
	resource, point string
}

// inOrder returns what is decided on, in an order that never changes.
func inOrder(decided map[archiveID]ArchiveDecision) []archiveID {
	return slices.SortedFunc(maps.Keys(decided), func(a, b archiveID) int {
		return cmp.Or(cmp.Compare(a.site.String(), b.site.String()), decided[a].Time.Compare(decided[b].Time),
			cmp.Compare(a.resource, b.resource), cmp.Compare(a.point, b.point))
	})
}

// String returns the plan as a table, a line for each recovery point.
func (ap *ArchivePlan) String() string {
	points := 0
	for _, g := range ap.Groups {
		points += len(g.Decisions)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "archive %s as of %s: %d of %d recovery points\n", ap.Plan.Name, minute(ap.Made), ap.Moves(), points)
	for _, n := range ap.Notes {
		fmt.Fprintln(&b, n)
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, g := range ap.Groups {
		fmt.Fprintf(w, "%s, copies at %s\n", g.Resource[strings.LastIndex(g.Resource, ":")+1:], g.Site)
		for _, d := range g.Decisions {
			what := "stays"
			if d.Move {
				what = "moves"
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", minute(d.Time), d.Point, what, d.Why)
		}
	}
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}
