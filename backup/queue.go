package backup

import (
	"cmp"
	"container/heap"
	"context"
	"math"
	"sync"
	"time"
)

// A queue hands out jobs, by their index, to workers: of those whose time has
// come the one with the lowest rank first; but a site whose calls take long
// gets no more than its share of the workers while others have work.
type queue struct {
	mu      sync.Mutex // guards all below
	engine  *Engine
	workers int
	waiting entries // by time
	lines   map[lineID]*line
	out     map[int]outing // by job
	// still says that no job has come back since the lines were last stirred:
	// there were so many news then, and the next listing was due at due.
	still bool
	news  int64
	due   time.Time
	// tickets are the entries that count, by job: a job may wait for several
	// things, and goes on when the first of them comes.
	tickets []int
	sites   map[Site]*siteQueue
	running int
	changed chan struct{} // closed, and made anew, when a worker should look again
}

// A siteQueue is what the queue knows of one site.
type siteQueue struct {
	ready   entries // by rank
	jobs    int     // that are not dropped
	running int
}

// An entry is a job in the queue.
type entry struct {
	job  int
	site Site
	rank int64
	at   time.Time
	// In a line for slots, work is how long what the job has still to copy there
	// is expected to take, one after the other, and longest the longest copy;
	// begun says that another of its copies was begun.
	work, longest time.Duration
	begun         bool

	ticket int
	news   int // of the line, when the job joined it
}

// rank puts what can be copied first, what is expected to take longest before
// all: the longest copy is best begun first. Of what has still to be snapshotted
// before it is copied the shortest comes first, so that the copy slots are soon
// in use. Before all others comes who holds an instance at rest.
func (j Job) rank(est Estimate) int64 {
	if j.Resting() {
		return math.MinInt64
	}
	takes := int64(j.copying(est))
	if len(j.Copies) > 0 && !traced(j.Originals) && !j.Settle {
		return takes
	}
	return -takes
}

func newQueue(e *Engine) *queue {
	return &queue{
		engine: e, workers: e.opts.Concurrency,
		lines: map[lineID]*line{}, out: map[int]outing{}, sites: map[Site]*siteQueue{}, changed: make(chan struct{}),
		waiting: entries{before: func(a, b entry) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.job, b.job)) }},
	}
}

func byRank(a, b entry) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.job, b.job)) }

// add puts a job into the queue for the first time.
func (q *queue) add(e entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tickets = append(q.tickets, 0)
	heap.Push(&q.waiting, e)
	if q.sites[e.site] == nil {
		q.sites[e.site] = &siteQueue{ready: entries{before: byRank}}
	}
	q.sites[e.site].jobs++
}

// back returns a job that next handed out, as it is now and with what it waits
// for; drop takes it out for good.
func (q *queue) back(e entry, j Job, out Outcome) {
	e.rank = j.rank(q.engine.opts.Estimate)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.returned(e.job)
	e.at = out.NotBefore
	if len(out.lines) > 0 {
		e.at = out.timer
	}
	if len(out.lines) == 0 || !out.timer.IsZero() {
		heap.Push(&q.waiting, e)
	}
	for _, id := range out.lines {
		q.join(id, e, j)
	}
	q.release(e.site)
}

func (q *queue) drop(e entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.returned(e.job)
	if q.sites[e.site].jobs--; q.sites[e.site].jobs == 0 {
		defer delete(q.sites, e.site)
	}
	q.release(e.site)
}

// release wakes the workers that wait. The caller holds mu.
func (q *queue) release(site Site) {
	q.running--
	q.sites[site].running--
	close(q.changed)
	q.changed = make(chan struct{})
}

// stirred wakes the workers that wait, since there is news from outside.
func (q *queue) stirred() {
	q.mu.Lock()
	defer q.mu.Unlock()
	close(q.changed)
	q.changed = make(chan struct{})
}

// next returns a job whose time has come, and waits for one if need be. It
// returns false when no job is left, or ctx is done.
func (q *queue) next(ctx context.Context) (entry, bool) {
	for ctx.Err() == nil {
		e, wait, changed := q.take()
		switch {
		case changed == nil:
			return e, wait == 0
		case wait == 0:
			select {
			case <-changed:
			case <-ctx.Done():
			}
		default:
			t := time.NewTimer(wait)
			select {
			case <-t.C:
			case <-changed:
			case <-ctx.Done():
			}
			t.Stop()
		}
	}
	return entry{}, false
}

// take returns a job, with no channel; or the news that no job is left, with
// no channel and a wait; or the channel to wait on, and how long at most if
// the wait is not zero.
func (q *queue) take() (e entry, wait time.Duration, changed <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	until := q.wake(now)
	best := q.best()
	switch {
	case best != nil:
		q.running++
		best.running++
		return heap.Pop(&best.ready).(entry), 0, nil
	case !until.IsZero():
		return entry{}, max(until.Sub(now), 1), q.changed
	case q.running > 0:
		return entry{}, 0, q.changed
	}
	return entry{}, -1, nil
}

// wake makes those ready whose time has come, and returns when that of the
// next may come; zero if nobody waits for a moment. The caller holds mu.
func (q *queue) wake(now time.Time) (until time.Time) {
	for q.waiting.Len() > 0 {
		e := q.waiting.list[0]
		if e.ticket == q.tickets[e.job] && e.at.After(now) {
			until = e.at
			break
		}
		heap.Pop(&q.waiting)
		if e.ticket == q.tickets[e.job] {
			q.ready(e)
		}
	}
	if due := q.stirAll(now); !due.IsZero() && (until.IsZero() || due.Before(until)) {
		until = due
	}
	return until
}

// ready puts a job among those of its site that a worker may take.
func (q *queue) ready(e entry) {
	q.tickets[e.job]++
	e.ticket = q.tickets[e.job]
	heap.Push(&q.sites[e.site].ready, e)
}

// best returns the site whose turn it is, nil if none has a job that is ready:
// of those below their share of the workers the one whose first job has the
// lowest rank; else the one that has the fewest workers. The caller holds mu.
func (q *queue) best() *siteQueue {
	share := max(q.workers/max(len(q.sites), 1), 1)
	var best *siteQueue
	for _, s := range q.sites {
		if s.ready.Len() > 0 && (best == nil || s.before(best, share)) {
			best = s
		}
	}
	return best
}

func (s *siteQueue) before(t *siteQueue, share int) bool {
	over, overT := max(s.running-share+1, 0), max(t.running-share+1, 0)
	return cmp.Or(cmp.Compare(over, overT), byRank(s.ready.list[0], t.ready.list[0])) < 0
}

// entries is a heap.
type entries struct {
	list   []entry
	before func(a, b entry) int
}

func (h entries) Len() int           { return len(h.list) }
func (h entries) Less(i, j int) bool { return h.before(h.list[i], h.list[j]) < 0 }
func (h entries) Swap(i, j int)      { h.list[i], h.list[j] = h.list[j], h.list[i] }

// Push and Pop are called by container/heap.
func (h *entries) Push(e any) { h.list = append(h.list, e.(entry)) }

func (h *entries) Pop() any {
	e := h.list[len(h.list)-1]
	h.list = h.list[:len(h.list)-1]
	return e
}

// strike takes those off the top that are stale.
func (h *entries) strike(stale func(entry) bool) {
	for h.Len() > 0 && stale(h.list[0]) {
		heap.Pop(h)
	}
}
