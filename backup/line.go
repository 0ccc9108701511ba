package backup

import (
	"maps"
	"slices"
	"time"
)

// A lineID names those who wait for the same: the next listing, or room that
// the listing shows.
type lineID struct {
	view    viewID
	urgency urgency
	kind    int // of room
}

// A line is the jobs of a run that wait in one line. Where they wait for room,
// as many as there is room for go on, the accounts in turn; else all go on when
// there is another listing. When one is due, one of them goes to look.
type line struct {
	id      lineID
	sight   *sight
	waiting *crowd
	listing int // the one they have seen
	looking int // job that went to look; noJob if none
	trying  int // how many went on because there was room, and are not back
	// still says that nobody has joined it or come back to it since it was last
	// stirred: the listing had that version then, and the next was due at due.
	still   bool
	version int64
	due     time.Time
}

const noJob = -1

// An outing says why a job left a line and is not back.
type outing struct {
	line   *line
	trying bool
}

// state returns how many listings there were, how many news of any sort, when
// the next listing is due, and how many more there is room for.
func (l *line) state(e *Engine) (count [2]int, due time.Time, room int) {
	l.sight.mu.Lock()
	v, count := l.sight.current(), l.sight.count
	l.sight.mu.Unlock()
	if v == nil { // the engine has forgotten it: somebody is to look
		return count, time.Time{}, 0
	}
	switch l.id.kind {
	case roomCopies:
		room = e.freeSlots(l.id.view.site, v)
	case roomOriginals:
		room = e.freePending(l.id.view.site, v)
	}
	return count, v.due[l.id.urgency], room
}

// join puts a job into a line. The caller holds mu.
func (q *queue) join(id lineID, e entry, j Job) {
	l := q.lines[id]
	if l == nil {
		l = &line{id: id, looking: noJob, waiting: newCrowd(0)}
		if id.kind == roomCopies {
			l.waiting = newCrowd(q.engine.opts.Slots)
		}
		q.lines[id] = l
	}
	if id.kind == roomCopies {
		e.work, e.longest, e.begun = j.missing(id.view.site, q.engine.opts.Estimate)
	}
	l.sight, l.still = q.engine.sight(id.view), false // the engine may have dropped the one before
	count, _, _ := l.state(q.engine)
	e.news = count[1]
	if q.first(l) == nil {
		l.listing = count[0]
	}
	l.waiting.add(e)
}

// busy says whether what waits in lines for slots of a site keeps all of them in
// use until well after the next listing of any site.
func (e *Engine) busy(at viewID) bool {
	e.mu.Lock()
	queues := slices.Collect(maps.Keys(e.queues))
	e.mu.Unlock()
	var work time.Duration
	for _, q := range queues {
		work += q.work(at)
	}
	return work/time.Duration(e.opts.Slots) > 3*max(e.opts.MaxPoll, e.opts.MaxAge)
}

// work returns how long what waits for slots is expected to take, one after the
// other.
func (q *queue) work(at viewID) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l := q.lines[lineID{view: at, urgency: forRoom, kind: roomCopies}]; l != nil {
		return l.waiting.work
	}
	return 0
}

// stirAll stirs the lines, if that can have an effect, and returns when the
// first of them is due. The caller holds mu.
func (q *queue) stirAll(now time.Time) time.Time {
	news := q.engine.news.Load()
	if q.still && news == q.news && (q.due.IsZero() || q.due.After(now)) {
		return q.due
	}
	q.still, q.news, q.due = true, news, time.Time{}
	for _, l := range q.lines {
		if due := q.stirOne(l, now); !due.IsZero() && (q.due.IsZero() || due.Before(q.due)) {
			q.due = due
		}
	}
	return q.due
}

// stirOne stirs a line, if that can have an effect: there may be a thousand.
// What there is room for, any job that is back can have changed.
func (q *queue) stirOne(l *line, now time.Time) time.Time {
	version := l.sight.version.Load()
	if l.id.kind == roomNone && l.still && l.version == version && (l.due.IsZero() || l.due.After(now)) {
		return l.due
	}
	l.still, l.version = true, version
	l.due = q.stir(l, now)
	return l.due
}

// stir lets those go on for whom there is something new, and returns when the
// next listing is due; zero if nobody waits for it. The caller holds mu.
func (q *queue) stir(l *line, now time.Time) time.Time {
	if q.first(l) == nil {
		return time.Time{}
	}
	count, due, room := l.state(q.engine)
	if l.id.kind == roomNone && count[0] != l.listing {
		for q.first(l) != nil {
			q.leave(l)
		}
		return time.Time{}
	}
	l.listing = count[0]
	for e := q.first(l); e != nil && e.news != count[1] && l.trying < room; e = q.first(l) {
		q.out[q.leave(l).job] = outing{l, true}
		l.trying++
	}
	switch {
	case q.first(l) == nil || l.looking != noJob:
		return time.Time{}
	case due.After(now):
		return due
	}
	l.looking = q.leave(l).job
	q.out[l.looking] = outing{l, false}
	return time.Time{}
}

// first returns the first of a line, nil if nobody waits there: who has gone
// on otherwise is struck off.
func (q *queue) first(l *line) *entry {
	return l.waiting.first(func(e entry) bool { return e.ticket != q.tickets[e.job] })
}

// leave makes the first of a line ready.
func (q *queue) leave(l *line) entry {
	e := *q.first(l)
	q.ready(e)
	l.waiting.went(e)
	return e
}

// returned notes that a job is back that had left a line.
func (q *queue) returned(job int) {
	q.still = false // what it had taken room for may be made, or not
	o, ok := q.out[job]
	if !ok {
		return
	}
	delete(q.out, job)
	o.line.still = false
	if o.trying {
		o.line.trying--
	} else {
		o.line.looking = noJob
	}
}
