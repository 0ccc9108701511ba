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
	urgencies
)

// How much time may be lost between the end of something and the listing that
// shows it, as a share of how long it took; and how many ends are to be
// expected before they are worth a listing. Of a thousand copies of a quarter
// of an hour each, 20 at a time, one ends every 45 s: a slot lies idle for
// about ten seconds, and a copy costs a listing or two. If they all take
// alike, that is foreseen, and twenty cost one.
const (
	idleForRoom, endsForRoom = 0.009, 0.8
	idleForEnd, endsForEnd   = 0.03, 0.25
	// nearlyAll of what is pending is expected to have ended: waiting for the
	// rest would gain nothing.
	nearlyAll = 0.9
)

// maxForeseen is how many pending snapshots an outlook looks at; of more it
// looks at every so manieth.
const maxForeseen = 256

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
	begun             time.Time // of the last listing
	shortest, longest time.Duration
	pending           []pend // in the listing
	making            []pend // not listed yet
	estimate          Estimate
	habits            [2]*habit // of originals and of copies; nil if none has ended yet
	told              time.Time // when a feed said that something pending has ended; zero if none did
	tellsAll          bool      // a feed tells of every end
}

// due returns after how long the next listing is worth while.
func (o outlook) due(u urgency) time.Duration {
	if u == atOnce || o.longest <= o.shortest {
		return o.shortest
	}
	switch {
	case !o.told.IsZero():
		return max(o.told.Sub(o.begun)+time.Second, o.shortest)
	case o.tellsAll:
		return o.longest
	}
	idle, ends := idleForEnd, endsForEnd
	if u == forRoom {
		idle, ends = idleForRoom, endsForRoom
	}
	items, age := o.foreseen()
	all := float64(len(items))
	if all == 0 {
		return o.longest
	}
	lost, ended := 0.0, 0.0
	for after := time.Duration(0); after < o.longest; {
		step := max(time.Second, after/16)
		after += step
		lost += ended * step.Seconds() // by what has ended before
		ended = 0
		for i := range items {
			ended += items[i].ended(after.Seconds())
		}
		if ended >= nearlyAll*all || lost >= idle*(age+after.Seconds())*max(ended, ends) {
			return max(after, o.shortest)
		}
	}
	return o.longest
}

// foreseen returns what is pending, and its mean age in seconds.
func (o outlook) foreseen() (items []foresight, age float64) {
	all := len(o.pending) + len(o.making)
	stride := (all + maxForeseen - 1) / maxForeseen
	for i := 0; i < all; i += stride {
		p := o.at(i)
		a := max(o.begun.Sub(p.since).Seconds(), 0)
		age += a
		items = append(items, o.habits[p.kind()].foresee(a, o.takes(p)))
	}
	return items, age / float64(max(len(items), 1))
}

// at returns the i-th of what is pending and what is not listed yet.
func (o outlook) at(i int) pend {
	if i < len(o.pending) {
		return o.pending[i]
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

// takes returns how long something pending takes by the estimate.
func (o outlook) takes(p pend) time.Duration {
	if p.copied {
		return o.estimate.takes(p.sizeGiB, o.estimate.CopyRate)
	}
	return o.estimate.takes(p.sizeGiB, o.estimate.SnapshotRate)
}

// outlook returns when a listing of a site is worth the next.
func (e *Engine) outlook(site Site, v *view) outlook {
	o := outlook{
		begun: v.begun, shortest: e.opts.MaxAge, longest: max(e.opts.MaxPoll, e.opts.MaxAge),
		pending: v.pends, making: v.making, estimate: e.opts.Estimate, habits: e.habits.of(site),
	}
	o.told, o.tellsAll = e.ears.of(&o, site, e.opts.Settle)
	return o
}
