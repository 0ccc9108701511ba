package backup

import (
	"iter"
	"time"
)

// An urgency is what somebody waits for who looks at a listing.
type urgency int

const (
	// atOnce is for who is about to make something: the listing is MaxAge old at
	// most.
	atOnce urgency = iota
	// forRoom is for who cannot go on until something else has ended: the
	// room it takes lies idle until the next listing shows that.
	forRoom
	// forEnd is for who waits for the end of what he has made himself.
	forEnd
	// atLeisure is for who would have to wait once more if what he waits for
	// had ended.
	atLeisure
	urgencies
)

// What a listing is worth, as a share of how long what is pending takes: so
// much time of one slot, or of one who waits, may be lost to save it. The more
// is pending, the more costs a listing, and the less matters one end.
//
// Of a thousand copies of a quarter of an hour each, 20 at a time, one ends
// every 45 s. If nobody can tell when, a slot lies idle for about ten seconds,
// and a copy costs two listings; if that is foreseen, both are less.
const (
	worthForRoom, worthEachForRoom = 0.0072, 0.00016
	worthForEnd, worthEachForEnd   = 0.0075, 0.0018
)

// maxForeseen is how many pending snapshots an outlook looks at; of more it
// looks at every so manieth.
const maxForeseen = 128

// A pend is a snapshot that is pending, as far as that matters for when to
// look again.
type pend struct {
	id      string
	since   time.Time // when it was made
	sizeGiB int32
	copied  bool // by CopySnapshot
}

// kind returns the index of its habit.
func (p pend) kind() int {
	if p.copied {
		return 1
	}
	return 0
}

// An outlook says when a site is worth another listing.
type outlook struct {
	begun             time.Time     // of the last listing
	ahead             time.Duration // of our clock was AWS's, which says when what is listed began
	shortest, longest time.Duration
	pending           []pend // in the listing
	making            []pend // not listed yet
	estimate          Estimate
	habits            [2]*habit // of originals and of copies; nil if none has ended yet
	told              time.Time // when a feed said that something pending has ended; zero if none did
	tellsAll          bool      // a feed tells of every end
}

// due returns when the next listing is worth while, by what somebody waits for.
func (o outlook) due() (due [urgencies]time.Time) {
	after := [urgencies]time.Duration{o.shortest, o.longest, o.longest, o.longest}
	switch {
	case o.longest <= o.shortest:
	case !o.told.IsZero():
		soon := max(o.told.Sub(o.begun)+time.Second, o.shortest)
		after[forRoom], after[forEnd] = soon, soon
	case o.tellsAll:
	case len(o.pending)+len(o.making) > 0:
		c := o.foresee()
		after[forRoom] = c.next(o, max(worthForRoom, worthEachForRoom*c.all))
		after[forEnd] = c.next(o, max(worthForEnd, worthEachForEnd*c.all))
	}
	for u := range urgencies {
		due[u] = o.begun.Add(after[u])
	}
	return due
}

// at returns the i-th of what is pending and what is not listed yet, by our clock.
func (o outlook) at(i int) pend {
	if i < len(o.pending) {
		p := o.pending[i]
		p.since = p.since.Add(-o.ahead)
		return p
	}
	return o.making[i-len(o.pending)]
}

// all yields what at returns.
func (o outlook) all() iter.Seq[pend] {
	return func(yield func(pend) bool) {
		for i := range len(o.pending) + len(o.making) {
			if !yield(o.at(i)) {
				return
			}
		}
	}
}

// trend returns what the estimate says of snapshots like one that is pending.
func (o outlook) trend(p pend) trend {
	rate := o.estimate.SnapshotRate
	if p.copied {
		rate = o.estimate.CopyRate
	}
	return trend{o.estimate.Overhead.Seconds(), 1024 / rate}
}

// outlook returns when a listing of a site is worth the next.
func (e *Engine) outlook(site Site, v *view) outlook {
	o := outlook{
		begun: v.begun, ahead: v.ahead, shortest: e.opts.MaxAge, longest: max(e.opts.MaxPoll, e.opts.MaxAge),
		pending: v.pends, making: v.making, estimate: e.opts.Estimate, habits: e.habits.of(site),
	}
	o.told, o.tellsAll = e.ears.of(&o, site, e.opts.Settle)
	return o
}
