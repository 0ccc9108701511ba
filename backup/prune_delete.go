package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awserr"
	"github.com/snapkeep/snapkeep/internal/pace"
	"github.com/snapkeep/snapkeep/retention"
)

const (
	// deleteAttempts is how often a delete is sent that was throttled or whose
	// answer was lost; it may be repeated, since what is gone stays gone.
	deleteAttempts = 8
	// firstDelay and lastDelay lie between two attempts: two minutes in all.
	firstDelay = time.Second
	lastDelay  = 30 * time.Second
)

// deleteAt deletes targets of one place one after another, as the pace of the
// place allows, and then looks whether they are gone. The error is the *Error
// of a place into which there is no way.
func (pr *pruning) deleteAt(ctx context.Context, at place, list []*target) error {
	clients, errs := make([]Client, len(pr.e.drivers)), make([]error, len(pr.e.drivers))
	for _, t := range list {
		driver := pr.e.kinds[kindOf(t.Resource)]
		if clients[driver] == nil && errs[driver] == nil && ctx.Err() == nil {
			clients[driver], errs[driver] = pr.open(ctx, driver, at, list)
		}
		switch {
		case ctx.Err() != nil:
			t.Why = "cancelled"
		case errs[driver] != nil:
			t.fail(errs[driver])
			t.Err = nil // one for all of them
		default:
			pr.deletePoint(ctx, clients[driver], driver, t)
		}
	}
	pr.verify(ctx, at, list)
	if err := errors.Join(errs...); err != nil && ctx.Err() == nil {
		return &Error{at.site.Account, at.site.Region, "", "", fmt.Errorf("prune: %w", err)}
	}
	return nil
}

// open returns a client whose session can delete nothing that is younger than
// what is to go. What the time says of a copy is when it was copied.
func (pr *pruning) open(ctx context.Context, driver int, at place, list []*target) (Client, error) {
	var before time.Time
	for _, t := range list {
		for _, s := range t.point.snapshots() {
			if s.Started.After(before) {
				before = s.Started
			}
		}
	}
	// No point is judged to go with a snapshot younger than that, see holdYoung.
	oldest := pr.made
	if !at.copy {
		oldest = oldest.Add(-pr.minAge)
	}
	if before.After(oldest) {
		before = oldest
	}
	before = before.Add(time.Second) // IAM's times have no fractions, and the condition excludes its bound
	sessions := pr.e.sessions
	if n, ok := sessions.(narrower); ok {
		partition, _ := partitionOf(at.site.Region)
		policy, err := json.Marshal(iampolicy.PruneSession(partition, string(pr.e.opts.Vault), before))
		if err != nil {
			return nil, fmt.Errorf("session policy: %w", err)
		}
		if sessions, err = n.Narrow(at.site.Account, at.pruner(), string(policy)); err != nil {
			return nil, err
		}
	}
	cfg, err := sessions.Config(ctx, at.site.Account, at.pruner(), at.site.Region)
	if err != nil {
		return nil, err
	}
	return pr.e.drivers[driver].Open(cfg, at.site), nil
}

// deletePoint deletes a point's snapshots. If one cannot be deleted, it goes on
// only where that does no harm: not to the members while an extra one is left,
// and not while the point is whole.
//
// An image of the point goes first, since EC2 deletes no snapshot that one
// uses. A crash after that leaves a point that is whole, and has no image.
// A crash between two deletes leaves a point without some of its extra
// snapshots, or a Partial one. Both are points to the next plan.
func (pr *pruning) deletePoint(ctx context.Context, c Client, driver int, t *target) {
	var errs []error
	if !pr.dropImage(ctx, c, driver, t) {
		return
	}
	for n, id := range t.ids {
		err := pr.deleteOne(ctx, c, driver, t, Step{Kind: StepDelete, Snapshot: id})
		if err != nil && ctx.Err() != nil {
			t.Why = fmt.Sprintf("cancelled after %d of %d snapshots", len(t.Deleted), len(t.ids))
			return
		}
		pr.e.tell(Event{
			Step: StepDelete, Account: t.Site.Account, Region: t.Site.Region,
			Resource: t.Resource, Point: t.Point, Snapshot: id, Err: err,
		})
		if err == nil {
			t.Deleted = append(t.Deleted, id)
			continue
		}
		errs = append(errs, err)
		whole := t.point.State == retention.Complete && len(t.Deleted) <= t.extra
		if n < t.extra || whole {
			break
		}
	}
	if len(errs) > 0 {
		t.fail(errs...)
		return
	}
	t.Outcome = Pruned
}

// deleteOne deletes one snapshot, or deregisters an image, at the pace of its site.
func (pr *pruning) deleteOne(ctx context.Context, c Client, driver int, t *target, step Step) (err error) {
	key := pace.Key{Account: string(t.Site.Account), Region: t.Site.Region, API: pr.e.drivers[driver].API(step)}
	for n := range deleteAttempts {
		if n > 0 {
			sleep(ctx, min(firstDelay<<(n-1), lastDelay))
		}
		if err := pr.e.pause(ctx, key); err != nil {
			return err
		}
		t.calls++
		_, err = c.Do(ctx, step)
		t.deleted = time.Now()
		if err == nil || errors.Is(err, ErrNotFound) {
			return nil
		}
		switch class := classOf(err); {
		case class == awserr.Throttled:
			pr.e.throttled(ctx, key)
		case class == awserr.Unknown:
		case t.Image != "" && awserr.Code(err) == inUse: // EC2 need not know yet that the image is gone
		default:
			return err
		}
	}
	return err
}

// pause waits until the pace allows a call, or ctx is done.
func (e *Engine) pause(ctx context.Context, key pace.Key) error {
	for ctx.Err() == nil {
		wait := e.take(ctx, key)
		if wait <= 0 {
			return nil
		}
		sleep(ctx, wait)
	}
	return ctx.Err()
}

// sleep waits for d, or until ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// verify looks for what was deleted in a listing begun afterwards, and once
// more after Options.Settle in case that listing lagged. What is listed still
// is Unverified; what failed and is gone was deleted by a call whose answer was
// lost.
func (pr *pruning) verify(ctx context.Context, at place, list []*target) {
	var tried []*target
	var since time.Time
	for _, t := range list {
		if t.Outcome != Pruned && t.Outcome != PruneFailed {
			continue
		}
		tried = append(tried, t)
		if t.deleted.After(since) {
			since = t.deleted
		}
	}
	for range 2 {
		if len(tried) == 0 {
			return
		}
		if wait := time.Until(since); wait > 0 {
			sleep(ctx, wait)
		}
		if err := pr.relist(ctx, at, since); err != nil {
			for _, t := range tried {
				t.unverified(ctx, err)
			}
			return
		}
		left := tried[:0]
		for _, t := range tried {
			if pr.e.stillListed(at, t.ids) != "" {
				left = append(left, t)
			} else {
				t.Outcome, t.Why, t.Err, t.Deleted = Pruned, "", nil, t.ids
			}
		}
		tried, since = left, since.Add(pr.e.opts.Settle)
	}
	for _, t := range tried {
		t.unverified(ctx, fmt.Errorf("%s is still listed", pr.e.stillListed(at, t.ids)))
	}
}

// relist lists a place anew.
func (pr *pruning) relist(ctx context.Context, at place, since time.Time) error {
	for driver := range pr.e.drivers {
		if _, err := pr.e.see(ctx, pr.e.viewOfPlace(at, driver), since); err != nil {
			return err
		}
	}
	return nil
}

// unverified notes why a deleted point was not seen to be gone.
func (t *target) unverified(ctx context.Context, err error) {
	if t.Outcome != Pruned {
		return // it failed, and says why
	}
	t.Outcome, t.Why = Unverified, err.Error()
	if ctx.Err() == nil { // to be cancelled is no failure
		t.Err = err
	}
}
