package retention

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"time"
)

// An instant is a moment to the nanosecond, without time.Time's location and
// without the bounds of UnixNano, which ends in 2262.
type instant struct {
	sec  int64
	nsec uint32
}

func instantOf(t time.Time) instant { return instant{t.Unix(), uint32(t.Nanosecond())} }

// time returns the instant as a time in UTC.
func (i instant) time() time.Time { return time.Unix(i.sec, int64(i.nsec)).UTC() }

// after reports whether i is later than j.
func (i instant) after(j instant) bool {
	return i.sec > j.sec || i.sec == j.sec && i.nsec > j.nsec
}

// A kind is what the scan must know of a point before anything else.
type kind uint32

const (
	plain      kind = iota // complete, and nothing special
	held                   // complete, with a hold
	incomplete             // failed or partial
	deferred               // foreign, deleting, pending or in the future
)

// An entry stands for a point while points are sorted and scanned. It carries
// all that the scan asks of nearly every point, for looking at the points
// themselves in sorted order means a cache miss each. It has no padding:
// 16 bytes, of which a million fit a cache better than points do.
type entry struct {
	sec  int64
	nsec uint32 // nanoseconds<<2 | kind
	ref  uint32 // index<<1 | 1 if a selector matches; a slice of 2³¹ points would fill 170 GB
}

func (e entry) instant() instant { return instant{e.sec, e.nsec >> 2} }
func (e entry) kind() kind       { return kind(e.nsec & 3) }
func (e entry) index() int       { return int(e.ref >> 1) }
func (e entry) tagged() bool     { return e.ref&1 != 0 }

// load makes the entries of the points, in the order of the points, and
// reports whether that is newest or oldest first, to the second.
func (e *Evaluator) load() (descending, ascending bool, err error) {
	points, policy := e.points, &e.policy
	e.entries = resize(e.entries, len(points))
	descending, ascending = true, true
	var previous int64
	for i := range points {
		p := &points[i]
		if p.Time.IsZero() {
			return false, false, &PointError{i, p.ID, "has no time"}
		}
		if p.State < Complete || p.State > Deleting {
			return false, false, &PointError{i, p.ID, fmt.Sprintf("unknown state %d", int(p.State))}
		}
		at := instantOf(p.Time)
		ref := uint32(i) << 1
		if len(policy.Tags) > 0 && slices.ContainsFunc(policy.Tags, func(s Selector) bool { return s.matches(p.Tags) }) {
			ref |= 1
		}
		e.entries[i] = entry{at.sec, at.nsec<<2 | uint32(e.kindOf(p, at)), ref}
		if i > 0 {
			descending = descending && at.sec <= previous
			ascending = ascending && at.sec >= previous
		}
		previous = at.sec
	}
	return descending, ascending, nil
}

// kindOf classes a point.
func (e *Evaluator) kindOf(p *RecoveryPoint, at instant) kind {
	if p.State == Complete && len(p.Holds) == 0 && !at.after(e.skewed) {
		return plain
	}
	switch {
	case e.deferral(p) != 0:
		return deferred
	case p.State != Complete:
		return incomplete
	case e.held(p):
		return held
	default:
		return plain
	}
}

// deferral returns the reasons why the point takes no part in the rules.
func (e *Evaluator) deferral(p *RecoveryPoint) Reasons {
	var r Reasons
	if instantOf(p.Time).after(e.skewed) {
		r |= reasonFuture
	}
	for i := range p.Holds {
		if p.Holds[i].Kind == Foreign && p.Holds[i].activeAt(e.now) {
			r |= reasonForeign
		}
	}
	switch p.State {
	case Pending:
		r |= reasonPending
	case Deleting:
		r |= reasonDeleting
	}
	return r
}

// held reports whether a hold binds a point that is not deferred, and so has
// no Foreign one that does.
func (e *Evaluator) held(p *RecoveryPoint) bool {
	for i := range p.Holds {
		if p.Holds[i].activeAt(e.now) {
			return true
		}
	}
	return false
}

// radixFrom is how many points make a radix sort faster than comparing.
const radixFrom = 512

// order sorts the entries newest first, equal times by lower ID. A point that
// is there twice is an error.
func (e *Evaluator) order(descending, ascending bool) error {
	switch {
	case descending:
	case ascending:
		slices.Reverse(e.entries)
	case len(e.entries) < radixFrom:
		slices.SortFunc(e.entries, func(a, b entry) int { return cmp.Compare(b.sec, a.sec) })
	default:
		e.radix()
	}
	return e.orderWithinSeconds()
}

// radix sorts the entries by their seconds, newest first, 11 bits at a time
// from the lowest. Counts of 2,048 digits fit the first-level cache.
func (e *Evaluator) radix() {
	const digit, mask = 11, 1<<11 - 1
	e.spare = resize(e.spare, len(e.entries))
	from, to := e.entries, e.spare
	newest, oldest := from[0].sec, from[0].sec
	for i := range from {
		newest, oldest = max(newest, from[i].sec), min(oldest, from[i].sec)
	}
	// As unsigned, the age is right even if the difference overflows.
	width := bits.Len64(uint64(newest) - uint64(oldest))
	for shift := 0; shift < width; shift += digit {
		var next [mask + 1]uint32
		for i := range from {
			next[(uint64(newest)-uint64(from[i].sec))>>shift&mask]++
		}
		sum := uint32(0)
		for i, n := range next {
			next[i] = sum
			sum += n
		}
		for i := range from {
			d := (uint64(newest) - uint64(from[i].sec)) >> shift & mask
			to[next[d]] = from[i]
			next[d]++
		}
		from, to = to, from
	}
	e.entries, e.spare = from, to
}

// orderWithinSeconds finishes what sorting by seconds began.
func (e *Evaluator) orderWithinSeconds() error {
	for from := 0; from < len(e.entries); {
		to := from + 1
		for to < len(e.entries) && e.entries[to].sec == e.entries[from].sec {
			to++
		}
		if to-from > 1 {
			if err := e.orderRun(e.entries[from:to]); err != nil {
				return err
			}
		}
		from = to
	}
	return nil
}

// orderRun orders the entries of one second.
func (e *Evaluator) orderRun(run []entry) error {
	slices.SortFunc(run, func(a, b entry) int {
		if c := cmp.Compare(b.nsec>>2, a.nsec>>2); c != 0 {
			return c
		}
		return cmp.Compare(e.points[a.index()].ID, e.points[b.index()].ID)
	})
	for i := 1; i < len(run); i++ {
		a, b := run[i-1], run[i]
		if a.nsec>>2 != b.nsec>>2 || e.points[a.index()].ID != e.points[b.index()].ID {
			continue
		}
		first, second := min(a.index(), b.index()), max(a.index(), b.index())
		return &PointError{second, e.points[second].ID, fmt.Sprintf("is point %d once more", first)}
	}
	return nil
}

// resize returns a slice of n elements of any content, s itself if it can.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
