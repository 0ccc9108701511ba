package backup

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/internal/awserr"
)

// ofOriginals is the index of a scopeLock that is about originals.
const ofOriginals = -1

// lockTries is how many attempts to lock may be refused, or their answers lost,
// before the refusal is believed. Between two of them lies Options.Settle.
const lockTries = 4

// locking returns the trial of what a scopeLock is about.
func (j *Job) locking(i int) *Trial {
	if i == ofOriginals {
		return &j.Locking
	}
	return &j.Copies[i].Locking
}

// lockOriginals locks the originals as soon as all of them are completed, and
// before they are shared. Before that a lock would be of no use: AWS cancels it
// if the snapshot fails (EBS User Guide, "Considerations for Amazon EBS
// snapshot lock"). Intermediates are never locked, since they are deleted.
func (d *decision) lockOriginals() *verdict {
	j, s := d.j, scope{scopeLock, ofOriginals}
	if j.Lock == nil || j.Locking.Fault != nil {
		return nil
	}
	if !traced(j.Originals) {
		if d.wanted() {
			return nil // originals waits
		}
		if v := d.findOriginals(s); v != nil {
			return v
		}
	}
	spent := func(t Trace) bool { return t.Failed || t.Deleted }
	if !allCompleted(j.Originals) || slices.ContainsFunc(j.Originals, spent) {
		return nil
	}
	return d.lockAll(s, j.Lock, actor{site: j.Resource.Site, purpose: accounts.Backup}, j.Originals)
}

// unlocked says whether originals are still to be locked: until they are, or
// that was given up, nothing is shared.
func (d *decision) unlocked() bool {
	j := d.j
	return j.Lock != nil && j.Locking.Fault == nil &&
		slices.ContainsFunc(j.Originals, func(t Trace) bool { return t.Locked.IsZero() })
}

// findOriginals looks originals up that nothing else needs any more: those
// that the copies say they come from. They may have been pruned; then nothing
// is to be locked.
func (d *decision) findOriginals(s scope) *verdict {
	j := d.j
	taken := make([]time.Time, len(j.Originals))
	for i, c := range j.Copies {
		v := d.w.views[d.copyView(i)]
		for m, t := range c.Snapshots {
			if v == nil || t.Snapshot == "" {
				continue
			}
			snap, _ := v.snapshot(t.Snapshot)
			if l, err := readLabel(snap.Tags, j.Vault); err == nil && l.kind == duplicate {
				taken[m] = l.taken
			}
		}
	}
	if slices.ContainsFunc(taken, time.Time.IsZero) {
		return nil
	}
	v, need := d.look(d.sourceView(), j.Believe, s)
	if v == nil {
		return need
	}
	found, _ := j.sets(v.of(j.Point), windowOf(j.At, d.w.rules.window), d.w.now)
	for _, set := range found {
		fits := set.complete()
		for m := range taken {
			fits = fits && set.snaps[m].Started.Equal(taken[m]) && set.snaps[m].State == SnapshotCompleted
		}
		if !fits {
			continue
		}
		for m, snap := range set.snaps {
			j.Originals[m] = Trace{Snapshot: snap.ID, Seen: v.seen(snap.Started), Started: snap.Started, Completed: true}
		}
		break
	}
	return nil
}

// lockCopies locks the copies of each destination once they are verified: what
// is locked cannot be removed any more if it is no good. It comes before the
// share is taken back, so that nothing in the protected account can keep a
// good copy unlocked; and a lock that fails does not keep the share.
func (d *decision) lockCopies() *verdict {
	for i := range d.j.Copies {
		c := &d.j.Copies[i]
		if c.Lock == nil || c.Locking.Fault != nil || !d.verified[i] {
			continue
		}
		at := actor{site: c.Site, purpose: accounts.VaultWriter}
		if v := d.lockAll(scope{scopeLock, i}, c.Lock, at, c.Snapshots); v != nil {
			return v
		}
	}
	return nil
}

// lockAll locks snapshots that are not locked as the plan wants, one a call.
func (d *decision) lockAll(s scope, l *Lock, at actor, traces []Trace) *verdict {
	if !slices.ContainsFunc(traces, func(t Trace) bool { return t.Locked.IsZero() }) {
		return nil
	}
	id := viewID{site: at.site, purpose: at.purpose, driver: d.w.driver, locks: true}
	v, need := d.look(id, d.j.Believe, s)
	if v == nil {
		return need
	}
	for m := range traces {
		t := &traces[m]
		if !t.Locked.IsZero() {
			continue
		}
		have := v.locks[t.Snapshot]
		if l.covered(have, t.Started) {
			t.Locked = have.Until
			continue
		}
		want, err := l.ask(have, t.Started, d.w.now)
		if err != nil {
			d.fail(s, fmt.Errorf("%s: %w", t.Snapshot, err))
			return nil
		}
		if d.paused(s) {
			return nil
		}
		return &verdict{step: &Step{Kind: StepLock, Snapshot: t.Snapshot, Lock: &want}, at: at, scope: s, fold: fold{member: m, copy: s.i}}
	}
	return nil
}

// foldLock notes that a snapshot is locked, if AWS took the call, for at least
// as long as the plan wants.
func (a *advance) foldLock(v *verdict) {
	l, traces := a.j.Lock, a.j.Originals
	if v.scope.i != ofOriginals {
		l, traces = a.j.Copies[v.scope.i].Lock, a.j.Copies[v.scope.i].Snapshots
	}
	t := &traces[v.fold.member]
	if t.Locked = l.end(t.Started); !t.Locked.After(t.Started) {
		t.Locked = time.Now()
	}
}

// lockClass says what a failed call is. A lock in compliance mode that is there
// already can be asked for again only if it gets longer (EC2 API Reference,
// LockSnapshot), so a refusal may mean that a call was heard of which nobody
// knows. The listing tells, sooner or later. AWS documents no code for that;
// what policies refuse has one of its own.
func (j *Job) lockClass(v *verdict, err error) awserr.Class {
	c := classOf(err)
	refused := c == awserr.Other || c == awserr.Denied
	code := awserr.Code(err)
	if v.step == nil || v.step.Kind != StepLock || !refused || code == "" || code == "UnauthorizedOperation" {
		return c
	}
	if j.trial(v.scope).Tries < lockTries {
		return awserr.Unknown
	}
	return c
}

// Unlocked returns the ids of the job's snapshots that the plan wants locked
// and that are not known to be: originals first, then those of verified
// copies. While a job goes on it holds what is still to be locked.
func (j Job) Unlocked() []string {
	ids := unlocked(j.Lock, j.Originals)
	for _, c := range j.Copies {
		if c.Trial.Fault == nil {
			ids = append(ids, unlocked(c.Lock, c.Snapshots)...)
		}
	}
	return ids
}

func unlocked(l *Lock, traces []Trace) (ids []string) {
	for _, t := range traces {
		if l != nil && t.Snapshot != "" && t.Locked.IsZero() && !t.Failed && !t.Deleted {
			ids = append(ids, t.Snapshot)
		}
	}
	return ids
}

// unlockedFor says for a fault which snapshots it leaves unlocked.
func unlockedFor(at Site, l *Lock, traces []Trace) string {
	ids := unlocked(l, traces)
	return fmt.Sprintf("lock at %s (%d of %d unlocked: %s): ", at, len(ids), len(traces), strings.Join(ids, ", "))
}

// locks reckons the calls that lock what is not yet locked.
func (f *forecaster) locks(j Job, d Driver) {
	count := func(at Site, l *Lock, traces []Trace, made bool) {
		for _, t := range traces {
			if l != nil && t.Locked.IsZero() && (made || t.Snapshot != "") {
				f.call(at, d.API(Step{Kind: StepLock}))
			}
		}
	}
	count(j.Resource.Site, j.Lock, j.Originals, !j.Settle)
	for _, c := range j.Copies {
		count(c.Site, c.Lock, c.Snapshots, true)
	}
}

// listLocks returns a view that has the locks on a site's snapshots.
func (e *Engine) listLocks(ctx context.Context, id viewID, begun time.Time) (*view, error) {
	c, err := e.client(ctx, id.driver, actor{site: id.site, purpose: id.purpose}, errand{})
	if err != nil {
		return nil, err
	}
	locker, ok := c.(Locker)
	if !ok {
		return nil, fmt.Errorf("list locks of %s: the driver has no locks: %w", id.site, ErrUnsupported)
	}
	v := newView(begun, nil, nil)
	v.locks = map[string]SnapshotLock{}
	for l, err := range locker.Locks(ctx) {
		if err != nil {
			return nil, fmt.Errorf("list locks of %s: %w", id.site, err)
		}
		v.locks[l.Snapshot] = l
	}
	return v, nil
}

// unlockedAt says whether a run's copies at a destination are completed and
// one of them is not locked, though the plan wants it and could still have it.
// Only of the last runs with copies there it is asked, see lately.
func (c *census) unlockedAt(r *pastRun, runs []*pastRun, d Copy) bool {
	v := c.views[c.lockView(d, r.job.Resource.Kind)]
	if d.Lock == nil || v == nil || !c.lately(r, runs, d) {
		return false
	}
	return slices.ContainsFunc(r.copies[d.Site()], func(k claim) bool {
		return k.State == SnapshotCompleted && d.Lock.end(k.Started).After(c.now) && !d.Lock.covered(v.locks[k.ID], k.Started)
	})
}

// lockView names the listing of the locks at a destination.
func (c *census) lockView(d Copy, kind string) viewID {
	return viewID{site: d.Site(), purpose: accounts.VaultWriter, driver: c.e.kinds[kind], locks: true}
}
