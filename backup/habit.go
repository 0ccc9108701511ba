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
	takes []float64 // seconds, sorted
	// parts are takes as parts of what Options.Estimate says for the size; bySize
	// says that they vary less than takes, so that sizes tell something.
	parts  []float64
	bySize bool
	seen   [][2]float64 // takes and parts as they came, the last memory of them
}

// with returns the habit with one more that ended. A habit is never changed.
func (h *habit) with(took, estimate time.Duration) *habit {
	next := &habit{}
	if h != nil {
		next.seen = h.seen[max(len(h.seen)-memory+1, 0):]
	}
	t := max(took.Seconds(), 1)
	next.seen = append(slices.Clone(next.seen), [2]float64{t, t / max(estimate.Seconds(), 1)})
	for _, s := range next.seen {
		next.takes, next.parts = append(next.takes, s[0]), append(next.parts, s[1])
	}
	slices.Sort(next.takes)
	slices.Sort(next.parts)
	next.bySize = spread(next.parts) < spread(next.takes)
	return next
}

// spread returns the variance of the logarithms.
func spread(list []float64) float64 {
	sum, squares, n := 0.0, 0.0, float64(len(list))
	for _, v := range list {
		l := math.Log(v)
		sum, squares = sum+l, squares+l*l
	}
	return squares/n - sum/n*sum/n
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
}

// foresee returns the foresight of what is pending for so long.
func (h *habit) foresee(age float64, estimate time.Duration) foresight {
	f := foresight{age: age, scale: 1, doubt: 1}
	if h == nil {
		return f
	}
	sample := h.takes
	if h.bySize {
		sample, f.scale = h.parts, max(estimate.Seconds(), 1)
	}
	i, _ := slices.BinarySearch(sample, age/f.scale)
	f.left = sample[i:]
	f.doubt = 2 / float64(len(sample))
	return f
}

// ended returns how likely it is that the snapshot has ended after so many
// seconds. It must be asked for moments in their order.
func (f *foresight) ended(after float64) float64 {
	from := max(f.age, doubled.Seconds())
	for f.next < len(f.left) && f.left[f.next]*f.scale <= f.age+after {
		f.next++
	}
	unseen := 0.0
	if f.age+after > from {
		unseen = 1 - from/(f.age+after)
	}
	return (float64(f.next) + f.doubt*unseen) / (float64(len(f.left)) + f.doubt)
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
// two listings: in the middle, as far as anybody knows. If nobody has looked
// for long, nothing is learned.
func (h *habits) learn(site Site, before outlook, v *view) {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := h.sites[site]
	for p := range before.all() {
		s, ok := v.byID[p.id]
		from := before.begun
		if p.since.After(from) {
			from = p.since
		}
		if !ok || s.State != SnapshotCompleted || v.begun.Sub(from) > 2*before.longest {
			continue
		}
		k := p.kind()
		known[k] = known[k].with(from.Add(v.begun.Sub(from)/2).Sub(p.since), before.takes(p))
	}
	h.sites[site] = known
}
