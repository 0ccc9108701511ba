package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/pace"
	"github.com/snapkeep/snapkeep/retention"
)

// ErrStalePlan is returned for a prune plan that has expired.
var ErrStalePlan = errors.New("the prune plan has expired")

// deleteAttempts is how often a throttled delete is sent.
const deleteAttempts = 10

// Prune deletes what the plan would delete, if a fresh reading of the cloud
// agrees: a point goes only if the same policy, at the same moment, prunes it
// among the points that are there now. A group whose newest complete point is
// no longer there is left alone altogether. The oldest points go first.
//
// Every site's session is held down, for this call, to snapshots of this vault
// that are older than the newest one to be deleted, so that not even a mistake
// here could touch a younger one. Deleting what is gone is a success.
//
// The report is never nil once deleting began, also if ctx is cancelled: what
// was not reached is NotTried. The error joins the *Error of each site that
// could not be read and each point that could not be deleted.
func (e *Engine) Prune(ctx context.Context, pp *PrunePlan) (*PruneReport, error) {
	now := time.Now()
	if now.After(pp.Expires) {
		return nil, fmt.Errorf("backup: made %s, expired %s: %w", pp.Made.Format(time.RFC3339), pp.Expires.Format(time.RFC3339), ErrStalePlan)
	}
	fresh, err := e.PlanPrune(ctx, pp.Plan, pp.Made)
	if fresh == nil {
		return nil, err
	}
	r := &PruneReport{Plan: pp.Plan.Name}
	for _, g := range pp.Groups {
		r.Results = append(r.Results, g.agree(fresh.group(g))...)
	}
	// Within a site in order of age, since the quota is the site's.
	slices.SortStableFunc(r.Results, func(a, b PruneResult) int { return a.Point.Time.Compare(b.Point.Time) })
	e.deleteAll(ctx, r, pp.Made)
	return r, errors.Join(err, r.errors())
}

// group returns the group of the same resource and site, empty if there is none.
func (pp *PrunePlan) group(like PruneGroup) PruneGroup {
	for _, g := range pp.Groups {
		if g.Resource == like.Resource && g.Site == like.Site && g.Copy == like.Copy {
			return g
		}
	}
	return PruneGroup{}
}

// agree returns a result for each point that the group prunes: NotTried if the
// fresh group prunes it too, else why it is left alone.
func (g PruneGroup) agree(fresh PruneGroup) []PruneResult {
	newest, have := g.newestComplete(), map[string]PruneDecision{}
	for _, d := range fresh.Decisions {
		have[d.Point.ID] = d
	}
	anchor, there := have[newest]
	lost := newest != "" && (!there || anchor.Point.State != retention.Complete)
	var results []PruneResult
	for _, d := range g.Decisions {
		if d.Action != retention.Prune {
			continue
		}
		r := PruneResult{Point: d.Point, Outcome: NotTried}
		now, there := have[d.Point.ID]
		switch {
		case lost:
			r.Outcome, r.Why = Refused, "the newest complete point of the group is no longer there"
		case !there:
			r.Outcome = AlreadyGone
		case now.Action != retention.Prune:
			r.Outcome, r.Why = Skipped, now.Why
		default:
			r.Point = now.Point // its members as they are now
		}
		results = append(results, r)
	}
	return results
}

// newestComplete returns the id of the newest complete point.
func (g PruneGroup) newestComplete() string {
	for _, d := range g.Decisions {
		if d.Point.State == retention.Complete {
			return d.Point.ID
		}
	}
	return ""
}

// deleteAll deletes what is left to be tried, one site after the other's
// pace, several sites at a time; then it looks whether it is gone.
func (e *Engine) deleteAll(ctx context.Context, r *PruneReport, made time.Time) {
	sites := map[actor][]*PruneResult{}
	for i := range r.Results {
		if p := &r.Results[i]; p.Outcome == NotTried {
			at := actor{site: p.Point.Site, purpose: accounts.Pruner}
			if p.Point.Copy {
				at.purpose = accounts.VaultPruner
			}
			sites[at] = append(sites[at], p)
		}
	}
	var group errgroup.Group
	group.SetLimit(e.opts.Concurrency)
	var mu sync.Mutex // guards r.Calls
	for at, list := range sites {
		group.Go(func() error {
			calls := e.deleteAt(ctx, at, list, made)
			mu.Lock()
			defer mu.Unlock()
			r.Calls += calls
			return nil
		})
	}
	_ = group.Wait() // no job returns an error: each result holds its own
}

// deleteAt deletes the points of one site and returns how many calls it made.
func (e *Engine) deleteAt(ctx context.Context, at actor, list []*PruneResult, made time.Time) (calls int) {
	clients := map[int]Client{}
	for _, p := range list {
		if ctx.Err() != nil {
			return calls
		}
		driver, err := e.driver(p.Point.Kind)
		if err == nil && clients[driver] == nil {
			clients[driver], err = e.pruner(ctx, driver, at, list, made)
		}
		if err != nil {
			p.fail(err)
			continue
		}
		calls += e.deletePoint(ctx, clients[driver], driver, at, p)
	}
	e.verifyGone(ctx, at, list)
	return calls
}

// deletePoint deletes all members of a point. It goes on after a member that
// could not be deleted: a point that has lost one is of no use.
func (e *Engine) deletePoint(ctx context.Context, c Client, driver int, at actor, p *PruneResult) (calls int) {
	var errs []error
	for _, m := range p.Point.Members {
		step := Step{Kind: StepDelete, Snapshot: m.Snapshot.ID}
		n, err := e.deleteOne(ctx, c, driver, at, step)
		calls += n
		if err != nil {
			errs = append(errs, err)
		}
		e.tell(Event{
			Step: StepDelete, Account: at.site.Account, Region: at.site.Region,
			Resource: p.Point.Resource, Point: p.Point.ID, Snapshot: m.Snapshot.ID, Err: err,
		})
	}
	switch err := errors.Join(errs...); {
	case err == nil:
		p.Outcome, p.deleted = Pruned, time.Now()
	case ctx.Err() != nil:
		p.Why = "cancelled" // what is left of it is Partial, and goes the next time
	default:
		p.fail(err)
	}
	return calls
}

// deleteOne sends one delete at the site's pace; a throttled one again.
func (e *Engine) deleteOne(ctx context.Context, c Client, driver int, at actor, step Step) (calls int, err error) {
	a := &advance{e: e, driver: driver}
	v := &verdict{step: &step, at: at}
	keys := a.paceKeys(v, e.drivers[driver].API(step))
	for range deleteAttempts {
		if err := e.pause(ctx, keys); err != nil {
			return calls, err
		}
		calls++
		_, err = c.Do(ctx, step)
		if err == nil || errors.Is(err, ErrNotFound) {
			return calls, nil
		}
		if !errors.Is(err, ErrThrottled) {
			return calls, err
		}
		e.pacer.Throttled(time.Now(), keys[0])
	}
	return calls, err
}

// pruner opens a client whose session can delete nothing that is younger than
// what is to go.
func (e *Engine) pruner(ctx context.Context, driver int, at actor, list []*PruneResult, made time.Time) (Client, error) {
	var before time.Time
	for _, p := range list {
		for _, m := range p.Point.Members {
			if t := m.Snapshot.Started.Add(time.Second); t.After(before) {
				before = t
			}
		}
	}
	if before.After(made) {
		before = made
	}
	sessions := e.sessions
	if n, ok := e.sessions.(narrower); ok {
		partition, _ := partitionOf(at.site.Region)
		policy, err := json.Marshal(iampolicy.PruneSession(partition, string(e.opts.Vault), before))
		if err != nil {
			return nil, fmt.Errorf("session policy: %w", err)
		}
		if sessions, err = n.Narrow(at.site.Account, at.purpose, string(policy)); err != nil {
			return nil, err
		}
	}
	cfg, err := sessions.Config(ctx, at.site.Account, at.purpose, at.site.Region)
	if err != nil {
		return nil, err
	}
	return e.drivers[driver].Open(cfg, at.site), nil
}

// pause waits until the pace allows a call.
func (e *Engine) pause(ctx context.Context, keys []pace.Key) error {
	for {
		wait := e.pacer.Take(time.Now(), keys...)
		if wait <= 0 {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// verifyGone marks what is still listed after it was deleted.
func (e *Engine) verifyGone(ctx context.Context, at actor, list []*PruneResult) {
	lister := accounts.Backup
	if at.purpose == accounts.VaultPruner {
		lister = accounts.VaultWriter
	}
	for _, p := range list {
		driver, err := e.driver(p.Point.Kind)
		if err != nil || p.Outcome != Pruned {
			continue
		}
		id := viewID{site: at.site, purpose: lister, driver: driver}
		v := e.sight(id).latest()
		if v == nil || v.begun.Before(p.deleted) {
			v, err = e.see(ctx, id, time.Now())
		}
		switch {
		case err != nil:
			p.Outcome, p.Why = Unverified, err.Error()
		case slices.ContainsFunc(p.Point.Members, func(m PointMember) bool { return v.byID[m.Snapshot.ID].ID != "" }):
			p.Outcome, p.Why = Unverified, "still listed"
		}
	}
}
