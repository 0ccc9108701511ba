package backup

import (
	"context"
	"errors"
	"fmt"
	"time"
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

	lines []lineID  // that the job waits in; none: it waits for NotBefore alone
	timer time.Time // when to go on whatever is listed; zero: never
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
	a.w = &world{
		now: now, rules: a.e.rules(), driver: a.driver, views: map[viewID]*view{}, hanging: map[viewID]time.Time{},
		slots: a.e.freeSlots, busy: a.e.busy, room: a.e.freePending, turn: a.e.turn,
	}
	for {
		if err := ctx.Err(); err != nil {
			return Outcome{}, err
		}
		v := decide(&a.j, a.w)
		switch {
		case v.need != nil:
			seen, err := a.e.peek(ctx, *v.need, v.wish, a.w.good)
			if busy := (*busyError)(nil); errors.As(err, &busy) {
				a.w.hanging[*v.need] = busy.again // nothing else waits for it
				continue
			}
			if err == nil {
				err = seen.wrongClock()
			}
			if err != nil {
				a.blame(ctx, v, err)
				continue
			}
			a.w.views[*v.need] = seen
			a.j.trial(v.scope).looked()
		case v.keep != 0:
			return a.keep(ctx, v)
		case v.ask:
			a.ask(ctx, v)
		case v.step != nil:
			out, err := a.act(ctx, v)
			if errors.Is(err, errNoRoom) {
				continue
			}
			return out, err
		case v.end:
			return Outcome{Done: true}, a.j.Err()
		case a.overtaken(v):
		default:
			return Outcome{NotBefore: v.until, Waiting: v.waiting, lines: v.lines, timer: v.timer}, nil
		}
	}
}

// overtaken says whether there is a newer listing than one that a verdict waits
// for the next of, as others may have made while this one looked elsewhere. It
// would not be news in the line.
func (a *advance) overtaken(v *verdict) (newer bool) {
	for _, l := range v.lines {
		seen, last := a.w.views[l.view], a.e.sight(l.view).latest()
		if seen != nil && last != nil && last.begun.After(seen.begun) {
			delete(a.w.views, l.view)
			newer = true
		}
	}
	return newer
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
	return e.slots.free(site, roomCopies, v.pendingCopies(), e.opts.Slots, time.Now())
}

func (e *Engine) freePending(site Site, v *view) int {
	all, _, _ := v.pendingOriginals(nil)
	return e.slots.free(site, roomOriginals, all, e.opts.MaxPending, time.Now())
}

func (e *Engine) turn(site Site, v *view, kind int) int {
	width := e.opts.Slots
	if kind == roomOriginals {
		width = e.opts.MaxPending
	}
	return e.slots.turn(site, kind, width, v.begun)
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
	for _, err := range a.w.notes {
		a.tell(Event{Account: site.Account, Region: site.Region, Err: err})
	}
	for _, s := range a.w.reached {
		ev := Event{Stage: s, Account: site.Account, Region: site.Region}
		if s.unwell() {
			ev.Err = a.j.Err()
		}
		a.tell(ev)
	}
}
