package backup

import (
	"slices"
	"time"
)

// A wish is what somebody wants of a listing.
type wish struct {
	urgency urgency
	// since is when a listing of all must have been begun at the earliest. If
	// of names snapshots, it is enough if they were listed since.
	since time.Time
	of    []Trace
}

// nextLook waits for the listing after v.
func (d *decision) nextLook(id viewID, v *view, u urgency, why string, args ...any) {
	t := v.begun.Add(d.w.rules.maxAge)
	if v.due[u].After(t) {
		t = v.due[u]
	}
	if !t.After(d.w.now) {
		t = d.w.now.Add(d.w.rules.maxAge)
	}
	if u == atOnce {
		d.wait(t, why, args...)
		return
	}
	d.waitIn(lineID{view: id, urgency: u, kind: roomNone}, t, why, args...)
}

// queue waits for its turn: for as many listings as it takes to make room for
// those before, but no longer than maxTurn of them at their shortest distance,
// since nobody knows when the next are due.
func (d *decision) queue(id viewID, v *view, kind int, why string, args ...any) {
	each := max(v.due[forRoom].Sub(v.begun), d.w.rules.maxAge)
	turn := time.Duration(d.w.turn(id.site, v, kind))
	d.waitIn(lineID{view: id, urgency: forRoom, kind: kind}, v.begun.Add(min(turn*each, max(each, maxTurn*d.w.rules.maxAge))), why, args...)
}

// good says whether a listing is what is wished for.
func (w *world) good(v *view, of wish) bool {
	return v.proves(of.since, of.of) && (w.now.Sub(v.begun) < w.rules.maxAge || of.urgency != atOnce && w.now.Before(v.due[of.urgency]))
}

// look returns a listing that is recent, and proves that what it lacks was not
// there at since; or the verdict that it must be fetched; or neither, if that
// has to wait.
func (d *decision) look(id viewID, since time.Time, s scope) (*view, *verdict) {
	return d.lookFor(wish{urgency: atOnce, since: since}, id, s)
}

// lookAt is look for who watches snapshots that he knows. If the last listing
// lacked one, only a listing of all tells; and those that are completed, of
// which no listing of a part need tell any more, are not taken on trust for
// longer than anybody is content with an old listing.
func (d *decision) lookAt(u urgency, list []Trace, id viewID, s scope) (*view, *verdict) {
	of := wish{urgency: u}
	switch {
	case u == atOnce:
		of.since = d.w.now.Add(-d.w.rules.maxAge)
	case allCompleted(list):
		of.since, of.of = d.w.now.Add(-d.w.rules.maxPoll), list
	}
	return d.lookFor(of, id, s)
}

// lookFor is look for what may have no need of a recent listing.
func (d *decision) lookFor(of wish, id viewID, s scope) (*view, *verdict) {
	if v := d.w.views[id]; v != nil && d.w.good(v, of) {
		return v, nil
	}
	if d.paused(s) {
		return nil, nil
	}
	if again, hangs := d.w.hanging[id]; hangs {
		d.wait(again, "a listing of %s", id.site)
		return nil, nil
	}
	if of.since.After(d.w.now) {
		d.wait(of.since, "listings to show what an earlier call may have made")
		return nil, nil
	}
	return nil, &verdict{need: &id, wish: of, scope: s}
}

// making says what is wished for by who is to make something: there is no
// hurry, while there is no room for it; but what others may have made is looked
// for.
func (d *decision) making() wish {
	if d.fresh() {
		return wish{urgency: forRoom}
	}
	return wish{urgency: atOnce, since: d.j.Believe}
}

// urgencyOf says how urgent the next listing is for what a job waits for: what
// the last one lacked is looked for at once.
func urgencyOf(list []Trace) urgency {
	if slices.ContainsFunc(list, func(t Trace) bool { return !t.Missed.IsZero() }) {
		return atOnce
	}
	return forEnd
}
