package backup

import (
	"math"
	"slices"
	"sync"
	"time"
)

// memory is how many of those that ended last a habit remembers.
const memory = 64

// A habit is what snapshots of one sort were seen to take at a site. It is
// learned anew by each process; until then nothing is foreseen but that what
// has taken long will take long. A nil habit has seen nothing.
type habit struct {
	seen   []sample  // as they came, the last memory of them
	trend  trend     // of the trends that may be, the one that they vary least around
	parts  []float64 // they are of what it says, sorted
	spread float64   // the standard deviation of the parts' logarithms
}

// with returns the habit with one more that ended. A habit is never changed.
// Its trend may be that size tells nothing, or what Options.Estimate says, or
// what fits best: what even an empty one takes, and the rate.
func (h *habit) with(s sample, estimate trend) *habit {
	next := &habit{}
	if h != nil {
		next.seen = h.seen[max(len(h.seen)-memory+1, 0):]
	}
	next.seen = append(slices.Clone(next.seen), s)
	next.spread = math.Inf(1)
	for _, may := range []struct {
		trend  trend
		fitted int
	}{{trend{base: 1}, 1}, {estimate, 1}, {fit(next.seen), 2}} {
		if by := math.Sqrt(spread(next.seen, may.trend, may.fitted)); by < next.spread || next.trend == (trend{}) {
			next.trend, next.spread = may.trend, by
		}
	}
	for _, s := range next.seen {
		next.parts = append(next.parts, s.part(next.trend))
	}
	slices.Sort(next.parts)
	return next
}

// doubled is the age from which on it is as likely as not that something takes
// twice as long again, while nothing else is known: few snapshots take less.
const doubled = 15 * time.Second

// A foresight is what is known of the end of one pending snapshot.
type foresight struct {
	age   float64   // seconds
	scale float64   // what the sample is in
	left  []float64 // of those seen, the ones that took longer
	next  int       // how many of these it has outlived at the last moment asked for
	doubt float64   // how much what was not seen weighs against one that was
	unit  float64   // seconds after which what was not seen is as likely as not
}

// foresee returns the foresight of what is pending for so long.
func (h *habit) foresee(age, gib float64) foresight {
	f := foresight{age: age, scale: 1, doubt: 1, unit: max(age, doubled.Seconds())}
	if h == nil {
		return f
	}
	f.scale = h.trend.of(gib)
	i, _ := slices.BinarySearch(h.parts, age/f.scale)
	f.left = h.parts[i:]
	f.doubt = 2 / float64(len(h.parts))
	if len(f.left) == 0 { // it is late, in the measure in which they vary
		late := age - h.parts[i-1]*f.scale
		f.unit = min(max(late, h.spread*age, doubled.Seconds()), f.unit)
	}
	return f
}

// ended returns how likely it is that the snapshot has ended after so many
// seconds. It must be asked for moments in their order.
func (f *foresight) ended(after float64) float64 {
	for f.next < len(f.left) && f.left[f.next]*f.scale <= f.age+after {
		f.next++
	}
	unseen := 0.0
	if from := max(doubled.Seconds()-f.age, 0); after > from {
		unseen = 1 - f.unit/(f.unit+after-from)
	}
	return (float64(f.next) + f.doubt*unseen) / (float64(len(f.left)) + f.doubt)
}

// takes returns how many seconds the snapshot is expected to take in all, if it
// takes no longer than others have.
func (f *foresight) takes() float64 {
	if len(f.left) == 0 {
		return max(f.age, doubled.Seconds())
	}
	return f.left[len(f.left)/2] * f.scale
}

// habits are what an engine has learned, by site: of originals and of copies.
type habits struct {
	mu    sync.Mutex // guards sites
	sites map[Site][2]*habit
}

func (h *habits) of(site Site) [2]*habit {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sites[site]
}

// learn takes note of what was pending before and has ended in v, between the
// two listings: when AWS says, or else in the middle, as far as anybody knows.
// If nobody has looked for long and AWS does not say, nothing is learned.
func (h *habits) learn(site Site, before outlook, v *view) {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := h.sites[site]
	for p := range before.all() {
		s, ok := v.snapshot(p.id)
		if !ok || s.State != SnapshotCompleted {
			continue
		}
		from := before.begun
		if p.since.After(from) {
			from = p.since
		}
		end := s.Completed.Add(-v.ahead)
		switch {
		case s.Completed.IsZero() && v.begun.Sub(from) > 2*before.longest:
			continue
		case s.Completed.IsZero():
			end = from.Add(v.begun.Sub(from) / 2)
		case end.Before(from): // the listing before showed it pending
			end = from
		case end.After(v.begun):
			end = v.begun
		}
		k := p.kind()
		known[k] = known[k].with(sample{max(end.Sub(p.since).Seconds(), 1), float64(p.sizeGiB)}, before.trend(p))
	}
	h.sites[site] = known
}
