package backup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/internal/awserr"
	"github.com/snapkeep/snapkeep/internal/pace"
)

// act makes the call of a verdict, if the pace allows, and folds the answer
// into the job.
func (a *advance) act(ctx context.Context, v *verdict) (Outcome, error) {
	api := a.e.drivers[a.driver].API(*v.step)
	now := time.Now()
	var snaps []Snapshot
	var err error
	if v.step.makes() {
		key := v.step.key()
		if !a.e.startMaking(key, a.viewOf(v)) {
			return Outcome{NotBefore: now.Add(time.Second), Waiting: "another job that makes the same"}, nil
		}
		defer a.e.endMaking(key)
	}
	if wait := a.e.take(ctx, a.paceKeys(v, api)...); wait > 0 {
		return Outcome{NotBefore: now.Add(wait), Waiting: "the request rate of " + api}, nil
	}
	if v.step.Kind == StepSnapshot || v.step.Kind == StepCopy {
		giveBack, ok := a.takeRoom(ctx, v)
		if !ok {
			return a.noRoom(v, now)
		}
		defer func() { a.leaveRoom(v, giveBack, err) }()
	}
	var c Client
	if c, err = a.e.client(ctx, a.driver, v.at, a.errand(v)); err == nil {
		if a.j.Calls == nil {
			a.j.Calls = map[string]int{}
		}
		a.j.Calls[api]++
		a.e.begin(&a.j)
		a.note(ctx)
		doing, done := a.e.observer.during(ctx, string(v.step.Kind), v.at.site)
		snaps, err = c.Do(doing, *v.step)
		done(err)
	}
	if err == nil {
		err = a.fold(v, snaps)
	}
	if (v.step.Kind == StepDelete || v.step.Kind == StepRevoke) && errors.Is(err, ErrNotFound) {
		err = a.fold(v, nil) // what is not there is deleted, and not shared
	}
	if err != nil {
		a.blame(ctx, v, err)
		return Outcome{}, ctx.Err() // at once: there may be other destinations to see to before the next attempt
	}
	a.j.trial(v.scope).forgive()
	return Outcome{}, nil
}

// leaveRoom gives room back at the end of a call. If the job has given up, who
// waits for room is told of it: no listing would show that there is some.
func (a *advance) leaveRoom(v *verdict, giveBack func(made bool), err error) {
	giveBack(err == nil || classOf(err) == awserr.Unknown)
	if a.j.trial(v.scope).Fault != nil {
		a.e.sight(a.viewOf(v)).freed()
	}
}

// errNoRoom says that others took the slots in the meantime: what else there is
// to do is decided anew.
var errNoRoom = errors.New("no slot for a copy")

// noRoom is what becomes of a step for which there is no room after all.
func (a *advance) noRoom(v *verdict, now time.Time) (Outcome, error) {
	if v.step.Kind == StepCopy {
		a.w.fill(v.at.site)
		return Outcome{}, errNoRoom
	}
	l := lineID{view: a.viewOf(v), urgency: forRoom, kind: roomOriginals}
	return Outcome{NotBefore: now.Add(a.e.opts.MaxAge), Waiting: "room for more at " + v.at.site.String(), lines: []lineID{l}}, nil
}

// fill notes that a site has no slots, whatever its listing says.
func (w *world) fill(full Site) {
	slots := w.slots
	w.slots = func(at Site, v *view) int {
		if at == full {
			return 0
		}
		return slots(at, v)
	}
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
			State: SnapshotPending, Tags: v.step.Tags, CompletionMinutes: v.step.CompletionMinutes,
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
		a.e.forget(v.at.site, v.step.Snapshot)
	case StepQuiesce, StepResume, StepVSS:
		a.j.Quiesce.send(v.step.Kind, now, time.Time{})
	case StepLock:
		a.foldLock(v)
	case StepRegister, StepDeregister:
		var err error
		if told, err = a.foldImage(v, snaps, now); err != nil {
			return err
		}
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
	if err := a.j.mark(snaps); err != nil {
		a.j.Source.Fault = newFault(err)
	}
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
		mark(c.Spoiled)
	}
}

// blame notes a listing or a call that failed, and tells.
func (a *advance) blame(ctx context.Context, v *verdict, err error) {
	now := time.Now()
	class := a.j.lockClass(v, err)
	switch {
	case v.step == nil || class != awserr.Unknown || !v.step.makes() && v.step.Kind != StepLock:
	case v.step.Kind.runsScript():
		a.j.Quiesce.send(v.step.Kind, now, now.Add(a.e.opts.Settle))
	default:
		a.j.rested()
		a.e.loseAnswer(a.j.Point, now)
		a.j.doubt(now.Add(a.e.opts.Settle))
	}
	if ctx.Err() != nil {
		return // cancelled, not failed
	}
	site := a.j.Resource.Site
	if v.step != nil {
		site = v.at.site
		a.learn(ctx, v, class, err, now)
	} else if v.need != nil {
		site = v.need.site
	}
	t := a.j.trial(v.scope)
	over := t.failed(class, v.step, a.e.opts, now)
	if shared := (*listError)(nil); errors.As(err, &shared) && shared.again.After(t.NotBefore) {
		t.NotBefore = shared.again // or this job would count the same failure twice
	}
	if over && t.Fault != nil && v.scope.kind == scopeCopy {
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
func (a *advance) learn(ctx context.Context, v *verdict, class awserr.Class, err error, now time.Time) {
	if class == awserr.Throttled {
		a.e.throttled(ctx, a.paceKeys(v, a.e.drivers[a.driver].API(*v.step))[0])
	}
	if class != awserr.Quota || v.step.CompletionMinutes > 0 {
		return // of time-based copies it is the throughput, as a rule, that AWS has no more of; slots are free
	}
	listed := a.e.sight(a.viewOf(v)).latest()
	switch {
	case listed == nil: // the call took so long that it was forgotten
	case v.step.Kind == StepCopy:
		a.e.slots.refused(v.at.site, roomCopies, listed.pendingCopies(), now)
	case awserr.Code(err) == "PendingSnapshotLimitExceeded": // of the account, not of a volume
		all, _, _ := listed.pendingOriginals(nil)
		a.e.slots.refused(v.at.site, roomOriginals, all, now)
	}
}

// loseAnswer remembers that a call for a point may have had an effect that
// nobody has seen.
func (e *Engine) loseAnswer(point string, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	// Nothing is made for a run after its window but copies, which are looked up
	// before they are made; an older form of a job would not be given so late.
	maps.DeleteFunc(e.lost, func(_ string, t time.Time) bool { return now.Sub(t) > e.opts.Window+e.opts.Settle })
	e.lost[point] = now
}
