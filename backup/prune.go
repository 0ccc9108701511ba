package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/snapkeep/snapkeep/retention"
)

// Why Prune refuses a whole plan.
var (
	// ErrStalePlan means that the plan has expired, or was made for a moment
	// that is yet to come.
	ErrStalePlan = errors.New("the prune plan is not of this time")
	// ErrAlteredPlan means that the plan is not as PlanPrune made it.
	ErrAlteredPlan = errors.New("the prune plan was altered")
)

// Prune deletes what the plan would delete, if a fresh reading of the cloud
// agrees: a point goes only if the same policy, at the same moment, prunes it
// among the points that are there now, and if it has no snapshot that the plan
// does not name. A group whose newest complete point is no longer there is left
// alone altogether. Originals go before copies, and at each site the oldest
// point goes first.
//
// A point goes with all its snapshots. While a point is whole, a snapshot that
// cannot be deleted stops the others from being deleted; what is no longer
// whole is deleted as far as possible, and the next plan goes on with it.
//
// Every site's session is held down, for this call, to snapshots of this vault
// that are not younger than the newest one to be deleted, so that not even a
// mistake here could touch a younger one. Deleting what is gone is a success.
// What was deleted is looked for in a listing begun afterwards, and, as far as a
// driver's Recycler can tell, in the Recycle Bin.
//
// An error without a report means that nothing was deleted: the plan is of
// another vault, ErrStalePlan, ErrAlteredPlan, ErrOverCap or ErrClock, or ctx was done. The report is
// not nil once deleting may have begun, also if ctx is cancelled: what was not
// reached is NotTried. The error joins the *Error of each site that could not be
// read, of each group whose newest point is gone and of each point that could
// not be deleted, and ctx's error. Prune may be called again, and by several at
// once: what is gone stays gone, and nothing is made.
func (e *Engine) Prune(ctx context.Context, pp *PrunePlan) (*PruneReport, error) {
	if err := e.accept(pp, time.Now()); err != nil {
		return nil, err
	}
	s, unread := e.takeStock(ctx, pp.Plan)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := e.rightClock(pp.Plan, unread); err != nil {
		return nil, err
	}
	groups, unjudged := pp.Plan.judgeAll(s, pp.Made)
	fresh := map[groupID]judged{}
	for _, g := range groups {
		fresh[g.id()] = g
	}
	pr := &pruning{e: e, made: pp.Made, minAge: pp.Plan.Retention.MinAge}
	for _, g := range pp.Groups {
		pr.compare(g, fresh[g.id()], s.unread[place{g.Site, g.Copy}] != nil)
	}
	slices.SortStableFunc(pr.targets, func(a, b *target) int { return a.Time.Compare(b.Time) })
	// A copy may be what lets its original go, see Copy.DropOriginal: if this
	// call ends between the two, the original must not outlive the reason.
	for _, copies := range []bool{false, true} {
		pr.deleteAll(ctx, copies)
	}
	r := &PruneReport{Plan: pp.Plan.Name, Notes: append(s.notes(), pr.notes...)}
	for _, t := range pr.targets {
		r.Results = append(r.Results, t.PruneResult)
		r.Calls += t.calls
	}
	errs := slices.Concat([]error{unread, unjudged}, pr.errs, r.errors())
	return r, errors.Join(append(errs, ctx.Err())...)
}

// accept refuses a plan that is not to be applied by this engine now.
func (e *Engine) accept(pp *PrunePlan, now time.Time) error {
	if pp == nil {
		return errors.New("backup: no prune plan")
	}
	if pp.Vault != e.opts.Vault {
		return fmt.Errorf("backup: prune plan of vault %q, this engine's is %q", pp.Vault, e.opts.Vault)
	}
	switch want, err := pp.digest(); {
	case err != nil:
		return err
	case pp.Digest != want:
		return fmt.Errorf("backup: digest %q, want %q: %w", pp.Digest, want, ErrAlteredPlan)
	case now.After(pp.Expires), pp.Made.After(now.Add(maxSkew)):
		return fmt.Errorf("backup: made for %s, expires %s: %w", pp.Made.Format(time.RFC3339), pp.Expires.Format(time.RFC3339), ErrStalePlan)
	}
	if err := e.opts.capped(pp); err != nil {
		return err
	}
	return pp.Plan.Validate()
}

// A pruning is one call of Prune.
type pruning struct {
	e       *Engine
	made    time.Time
	minAge  time.Duration // of originals
	targets []*target     // one for each point that the plan prunes
	errs    []error       // *Error, of groups and sites
	notes   []PruneNote   // on what was deleted
}

// A target is a point that the plan prunes.
type target struct {
	PruneResult
	point Point    // as read afresh; zero unless it is to be deleted
	ids   []string // of the snapshots to be deleted, in that order
	extra int      // how many of these are no members
	image string   // that is deregistered before

	calls   int
	deleted time.Time // when the last call ended
}

func (t *target) place() place { return place{t.Site, t.Copy} }

// compare makes targets of what a group of the plan prunes. Those that the
// fresh reading prunes too are NotTried; the others have their final outcome.
func (pr *pruning) compare(g PruneGroup, now judged, unread bool) {
	lost, targets := g.lost(now), len(pr.targets)
	for _, d := range g.Decisions {
		if d.Action != retention.Prune {
			continue
		}
		t := &target{PruneResult: PruneResult{
			Point: d.Point, Resource: g.Resource, Site: g.Site, Copy: g.Copy, Time: d.Time, Outcome: NotTried,
		}}
		pr.targets = append(pr.targets, t)
		switch {
		case unread:
			t.Why = "its site cannot be read"
		case lost != nil:
			t.Outcome, t.Why = Refused, lost.Error()
		default:
			pr.aim(t, d, now)
		}
	}
	if !unread && lost != nil && len(pr.targets) > targets {
		pr.errs = append(pr.errs, &Error{g.Site.Account, g.Site.Region, g.Resource, "", fmt.Errorf("prune: %w", lost)})
	}
}

// lost returns an error if the newest point that was complete is so no more.
// Whatever took it may be about to take more, or to be made undone.
func (g PruneGroup) lost(now judged) error {
	for _, d := range g.Decisions { // newest first
		if d.State != retention.Complete {
			continue
		}
		if pt, ok := now.points[d.Point]; !ok || pt.State != retention.Complete {
			return fmt.Errorf("%s, the newest complete point of its group, is no longer there: %w", d.Point, ErrNotFound)
		}
		return nil
	}
	return nil
}

// aim readies a target for deletion, or says why it is left alone.
func (pr *pruning) aim(t *target, planned PruneDecision, now judged) {
	d, there := now.decided[t.Point]
	switch {
	case !there && pr.e.stillListed(t.place(), planned.Snapshots) != "":
		t.Outcome, t.Why = Skipped, "its snapshots are no recovery point any more"
		return
	case !there:
		t.Outcome = AlreadyGone
		return
	case d.Action != retention.Prune:
		t.Outcome, t.Why = Skipped, d.Why
		return
	}
	if d.Image != "" && d.Image != planned.Image {
		t.Outcome, t.Why = Skipped, d.Image+" is new"
		return
	}
	t.point, t.image = now.points[t.Point], d.Image
	t.ids, t.extra = t.point.inDeletionOrder()
	for _, id := range t.ids {
		if !slices.Contains(planned.Snapshots, id) {
			t.Outcome, t.Why, t.ids = Skipped, id+" is new", nil
			return
		}
	}
}

// stillListed returns the first of some snapshots that the latest listings of a
// place show, "" if they show none.
func (e *Engine) stillListed(at place, ids []string) string {
	for driver := range e.drivers {
		v := e.sight(e.viewOfPlace(at, driver)).latest()
		for _, id := range ids {
			if v == nil {
				break
			}
			if _, listed := v.snapshot(id); listed {
				return id
			}
		}
	}
	return ""
}

// deleteAll deletes what is to be tried, of originals or of copies, at several
// places at a time.
func (pr *pruning) deleteAll(ctx context.Context, copies bool) {
	lists := map[place][]*target{}
	var places []place
	for _, t := range pr.targets {
		at := t.place()
		if at.copy != copies || t.Outcome != NotTried || len(t.ids) == 0 {
			continue
		}
		if lists[at] == nil {
			places = append(places, at)
		}
		lists[at] = append(lists[at], t)
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.site.String(), b.site.String()) })
	errs, notes := make([]error, len(places)), make([][]PruneNote, len(places))
	var group errgroup.Group
	group.SetLimit(pr.e.opts.Concurrency)
	for i, at := range places {
		group.Go(func() error {
			errs[i] = pr.deleteAt(ctx, at, lists[at])
			notes[i] = pr.recycled(ctx, at, lists[at])
			return nil
		})
	}
	_ = group.Wait() // each place keeps its own error
	pr.errs = append(pr.errs, errs...)
	pr.notes = append(pr.notes, slices.Concat(notes...)...)
}
