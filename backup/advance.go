package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/internal/awserr"
	"github.com/snapkeep/snapkeep/internal/pace"
)

// An Outcome says how a job goes on.
type Outcome struct {
	// Done means that the job is at its end; Advance has nothing more to do.
	Done bool
	// NotBefore is when it is worth calling Advance again; earlier calls do no
	// harm. Zero means at once.
	NotBefore time.Time
	// Waiting says what for, in words; empty if for nothing.
	Waiting string
}

// Advance takes a job one step further: it lists what it must know and is not
// known yet, decides, and makes at most one call that changes anything. It
// never sleeps: where AWS needs time, the Outcome says when to come back. The
// job returned replaces the one given, which is not changed.
//
// The error is not nil if, and only if, the job is at its end and not well
// (then Done is set, and errors.As finds an *Error), or the job is none that
// this engine takes, or ctx is done. Everything else that goes wrong is told
// as an event and tried again.
//
// A job may be advanced by any process, by one at a time. If the job that a
// call returned is lost, wait Options.Settle before you give the old one to
// another process; within one engine that is taken care of.
func (e *Engine) Advance(ctx context.Context, j Job) (Job, Outcome, error) {
	driver, err := e.driver(j.Resource.Kind)
	if err == nil {
		err = j.check(e.opts.Vault)
	}
	if err != nil {
		return j, Outcome{Done: true}, err
	}
	a := &advance{e: e, was: j, j: j.clone(), driver: driver}
	out, err := a.run(ctx)
	a.tellStage()
	return a.j, out, err
}

// An advance is one call of Advance.
type advance struct {
	e      *Engine
	was, j Job
	driver int
	w      *world
}

// run decides again after each listing that a decision asked for.
func (a *advance) run(ctx context.Context) (Outcome, error) {
	a.recall()
	now := time.Now()
	a.w = &world{now: now, rules: a.e.rules(), driver: a.driver, views: map[viewID]*view{}, slots: a.e.freeSlots, most: a.e.mostPending, turn: a.e.turn}
	for {
		if err := ctx.Err(); err != nil {
			return Outcome{}, err
		}
		v := decide(&a.j, a.w)
		switch {
		case v.need != nil:
			since := v.since
			if oldest := now.Add(1 - a.e.opts.MaxAge); since.Before(oldest) {
				since = oldest
			}
			seen, err := a.e.see(ctx, *v.need, since)
			if err != nil {
				a.blame(ctx, v, err)
				continue
			}
			a.w.views[*v.need] = seen
			a.j.trial(v.scope).looked()
		case v.step != nil:
			return a.act(ctx, v)
		case v.end:
			return Outcome{Done: true}, a.j.Err()
		default:
			return Outcome{NotBefore: v.until, Waiting: v.waiting}, nil
		}
	}
}

// recall takes over what the engine knows of answers that were lost, where the
// job given is older than that.
func (a *advance) recall() {
	a.e.mu.Lock()
	defer a.e.mu.Unlock()
	if t, ok := a.e.lost[a.j.Point]; ok {
		a.j.doubt(t.Add(a.e.opts.Settle))
	}
}

// doubt makes the job believe only listings begun at t or later, where they
// show nothing.
func (j *Job) doubt(t time.Time) {
	if t.After(j.Believe) {
		j.Believe = t
	}
}

func (e *Engine) freeSlots(site Site, v *view) int {
	return e.slots.free(site, v.pendingCopies(), e.opts.Slots, time.Now())
}

func (e *Engine) mostPending(site Site) int { return e.slots.most(site, e.opts.MaxPending, time.Now()) }

func (e *Engine) turn(site Site, v *view, kind int) int {
	width := e.opts.Slots
	if kind == roomOriginals {
		width = e.opts.MaxPending
	}
	return e.slots.turn(site, kind, width, v.begun)
}

// act makes the call of a verdict, if the pace allows, and folds the answer
// into the job.
func (a *advance) act(ctx context.Context, v *verdict) (Outcome, error) {
	api := a.e.drivers[a.driver].API(*v.step)
	now := time.Now()
	if wait := a.e.pacer.Take(now, a.paceKeys(v, api)...); wait > 0 {
		return Outcome{NotBefore: now.Add(wait), Waiting: "the request rate of " + api}, nil
	}
	if v.step.Kind == StepCopy {
		view := a.e.sight(a.viewOf(v)).latest()
		if !a.e.slots.reserve(v.at.site, view.pendingCopies(), a.e.opts.Slots, now) {
			return Outcome{NotBefore: view.begun.Add(a.e.opts.MaxAge), Waiting: "a slot for a copy into " + v.at.site.String()}, nil
		}
		defer a.e.slots.release(v.at.site)
	}
	c, err := a.e.client(ctx, a.driver, v.at, a.j.Run())
	var snaps []Snapshot
	if err == nil {
		if a.j.Calls == nil {
			a.j.Calls = map[string]int{}
		}
		a.j.Calls[api]++
		a.e.begin(a.j.Run())
		snaps, err = c.Do(ctx, *v.step)
	}
	if err == nil {
		err = a.fold(v, snaps)
	}
	if v.step.Kind == StepDelete && errors.Is(err, ErrNotFound) {
		err = a.fold(v, nil)
	}
	if err != nil {
		a.blame(ctx, v, err)
		if ctx.Err() != nil {
			return Outcome{}, ctx.Err()
		}
		return Outcome{NotBefore: a.j.trial(v.scope).NotBefore, Waiting: "another attempt"}, nil
	}
	a.j.trial(v.scope).forgive()
	return Outcome{}, nil
}

// viewOf returns the listing that shows what a step makes.
func (a *advance) viewOf(v *verdict) viewID {
	return viewID{site: v.at.site, purpose: v.at.purpose, driver: a.driver}
}

func (a *advance) paceKeys(v *verdict, api string) []pace.Key {
	account, region := string(v.at.site.Account), v.at.site.Region
	keys := []pace.Key{{Account: account, Region: region, API: api}}
	if v.step.Kind == StepSnapshot {
		for _, m := range a.j.Resource.Members {
			keys = append(keys, pace.Key{Account: account, Region: region, API: volumeAPI + m.Volume})
		}
	}
	return keys
}

// volumeAPI begins the keys under which snapshots of one volume are paced.
const volumeAPI = "volume "

func isVolumeAPI(api string) bool { return strings.HasPrefix(api, volumeAPI) }

// fold notes in the job what a call has done. An answer that does not tell
// what was made is an answer lost.
func (a *advance) fold(v *verdict, snaps []Snapshot) error {
	now := time.Now()
	told := ""
	switch v.step.Kind {
	case StepSnapshot:
		return a.foldOriginals(v, snaps, now)
	case StepCopy:
		if len(snaps) == 0 || snaps[0].ID == "" {
			return fmt.Errorf("copy %s: the answer names no snapshot: %w", v.step.Snapshot, ErrUnknownOutcome)
		}
		made := Snapshot{
			ID: snaps[0].ID, Owner: v.at.site.Account, SizeGiB: a.j.Resource.Members[v.fold.member].SizeGiB,
			State: SnapshotPending, Tags: v.step.Tags,
		}
		a.e.sight(a.viewOf(v)).add([]Snapshot{made}, now)
		t := &a.j.Rekeyed[v.fold.member]
		if v.fold.copy >= 0 {
			t = &a.j.Copies[v.fold.copy].Snapshots[v.fold.member]
		}
		*t = Trace{Snapshot: made.ID, Seen: now}
		told = made.ID
	case StepShare:
		share := a.j.share(v.step.With)
		share.Shared = append(share.Shared, v.step.Snapshot)
		share.Revoked = slices.DeleteFunc(share.Revoked, func(id string) bool { return id == v.step.Snapshot })
	case StepRevoke:
		share := &a.j.Shares[v.scope.i]
		share.Revoked = append(share.Revoked, v.step.Snapshot)
	case StepDelete:
		a.j.deleted(v.step.Snapshot)
	}
	if told == "" {
		told = v.step.Snapshot
	}
	a.tell(Event{Step: v.step.Kind, Account: v.at.site.Account, Region: v.at.site.Region, Snapshot: told})
	return nil
}

// foldOriginals notes what CreateSnapshots has made. If the answer lacks a
// volume, it was detached in the meantime; then the others are no good, since
// a point has all its members.
func (a *advance) foldOriginals(v *verdict, snaps []Snapshot, now time.Time) error {
	if len(snaps) == 0 {
		return fmt.Errorf("snapshot %s: the answer names no snapshot: %w", a.j.Resource.ID(), ErrUnknownOutcome)
	}
	for i := range snaps {
		snaps[i].Owner, snaps[i].State, snaps[i].Tags = v.at.site.Account, SnapshotPending, v.step.Tags
	}
	a.e.sight(a.viewOf(v)).add(snaps, now)
	lacking := ""
	for i := range a.j.Resource.Members {
		m := &a.j.Resource.Members[i]
		k := slices.IndexFunc(snaps, func(s Snapshot) bool { return s.Volume == m.Volume && s.ID != "" })
		if k < 0 {
			lacking = m.Volume
			continue
		}
		a.j.Originals[i] = Trace{Snapshot: snaps[k].ID, Seen: now, Started: snaps[k].Started}
		if snaps[k].SizeGiB > 0 {
			m.SizeGiB = snaps[k].SizeGiB // the volume may have grown since it was discovered
		}
		a.tell(Event{Step: StepSnapshot, Account: v.at.site.Account, Region: v.at.site.Region, Snapshot: snaps[k].ID})
	}
	if lacking == "" {
		return nil
	}
	for i := range a.j.Originals {
		a.j.Originals[i].Failed = a.j.Originals[i].Snapshot != ""
	}
	a.j.Source.Fault = newFault(bad("no snapshot was made of %s", lacking))
	return nil
}

// deleted notes that a snapshot is gone by our own hand.
func (j *Job) deleted(id string) {
	mark := func(list []Trace) {
		for i := range list {
			if list[i].Snapshot == id {
				list[i].Deleted = true
			}
		}
	}
	mark(j.Originals)
	mark(j.Rekeyed)
	for _, c := range j.Copies {
		mark(c.Snapshots)
	}
}

// blame notes a listing or a call that failed, and tells.
func (a *advance) blame(ctx context.Context, v *verdict, err error) {
	now := time.Now()
	makes := v.step != nil && (v.step.Kind == StepSnapshot || v.step.Kind == StepCopy)
	class := classOf(err)
	if makes && class == awserr.Unknown {
		a.e.loseAnswer(a.j.Point, now)
		a.j.doubt(now.Add(a.e.opts.Settle))
	}
	if ctx.Err() != nil {
		return // cancelled, not failed
	}
	site := a.j.Resource.Site
	if v.step != nil {
		site = v.at.site
		a.learn(v, class, err, now)
	} else if v.need != nil {
		site = v.need.site
	}
	t := a.j.trial(v.scope)
	if over := t.failed(class, v.step, a.e.opts, now); over && t.Fault != nil && v.scope.kind == scopeCopy {
		a.j.Copies[v.scope.i].Abandoned = true
	} else if over {
		t.Fault = newFault(err)
	}
	ev := Event{Account: site.Account, Region: site.Region, Err: err}
	if v.step != nil {
		ev.Step, ev.Snapshot = v.step.Kind, v.step.Snapshot
	}
	a.tell(ev)
}

// learn lowers what the engine thinks AWS will take.
func (a *advance) learn(v *verdict, class awserr.Class, err error, now time.Time) {
	switch {
	case class == awserr.Throttled:
		a.e.pacer.Throttled(now, a.paceKeys(v, a.e.drivers[a.driver].API(*v.step))[0])
	case class == awserr.Quota && v.step.Kind == StepCopy:
		a.e.slots.refused(v.at.site, roomCopies, a.e.sight(a.viewOf(v)).latest().pendingCopies(), now)
	case class == awserr.Quota && awserr.Code(err) == "PendingSnapshotLimitExceeded": // of the account, not of a volume
		all, _, _ := a.e.sight(a.viewOf(v)).latest().pendingOriginals(nil)
		a.e.slots.refused(v.at.site, roomOriginals, all, now)
	}
}

// loseAnswer remembers that a call for a point may have had an effect that
// nobody has seen.
func (e *Engine) loseAnswer(point string, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lost[point] = now
}

// begin remembers that this engine has made calls for a run.
func (e *Engine) begin(run string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.begun[run] = true
}

// believe returns the moment from which listings prove that something was not
// made for a run; zero if nothing can have been. What this engine made it
// remembers; what another process made may not be listed yet.
func (e *Engine) believe(run string, at, now time.Time) time.Time {
	if at.Before(e.born) {
		return now.Add(e.opts.Settle)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.begun[run] {
		return now
	}
	return time.Time{}
}

// tell completes an event of this job.
func (a *advance) tell(ev Event) {
	ev.Resource, ev.Point = a.j.Resource.ARN, a.j.Point
	if ev.Stage == "" {
		ev.Stage = a.j.Stage
	}
	a.e.tell(ev)
}

// tellStage tells the stages that were reached, and what was ignored on the way.
func (a *advance) tellStage() {
	site := a.j.Resource.Site
	if n := a.j.Ignored - a.was.Ignored; n > 0 {
		a.tell(Event{Account: site.Account, Region: site.Region, Err: fmt.Errorf(
			"ignored %d snapshots that carry the tags of this recovery point and cannot be its", n)})
	}
	for _, s := range a.w.reached {
		ev := Event{Stage: s, Account: site.Account, Region: site.Region}
		if s == Failed || s == Unrevoked {
			ev.Err = a.j.Err()
		}
		a.tell(ev)
	}
}
