package backup

import (
	"math"
	"time"
)

// A curve is what is expected of what is pending at a site, at moments after
// the last listing.
type curve struct {
	at    []float64 // seconds after the listing; the first is zero
	ended []float64 // how many are expected to have ended by then
	lost  []float64 // for how many seconds these will have waited by then, in sum
	all   float64   // how many are pending
	// takes is how many seconds one takes, in the harmonic mean: of what is
	// pending at a moment, more is of the longer ones than is begun.
	takes float64
}

// fine is how many times longer the whole is than the steps of a curve; those
// of the first moments are a second each.
const fine = 32

// foresee returns the curve of what is pending, twice as far as the next
// listing can be away: it may be timed so that the one after comes in time.
func (o outlook) foresee() curve {
	all := len(o.pending) + len(o.making)
	stride := (all + maxForeseen - 1) / maxForeseen
	c := curve{at: []float64{0}, ended: []float64{0}, lost: []float64{0}, all: float64(all)}
	var items []foresight
	for i := 0; i < all; i += stride {
		p := o.at(i)
		f := o.habits[p.kind()].foresee(max(o.begun.Sub(p.since).Seconds(), 0), float64(p.sizeGiB))
		c.takes += 1 / f.takes()
		items = append(items, f)
	}
	c.takes = float64(len(items)) / c.takes
	each, longest := c.all/float64(len(items)), o.longest.Seconds()
	for last, at := 0, 0.0; at < 2*longest; last++ {
		step := max(1, at/fine)
		for _, stop := range [...]float64{longest, 2 * longest} {
			if at < stop && at+step > stop {
				step = stop - at
			}
		}
		at += step
		ended := 0.0
		for i := range items {
			ended += items[i].ended(at)
		}
		c.at = append(c.at, at)
		c.lost = append(c.lost, c.lost[last]+c.ended[last]*step) // by what had ended before
		c.ended = append(c.ended, ended*each)
	}
	return c
}

// next returns after how long to look next, at best: of all the ways to go on
// looking, the first look of the one that loses least, if each look is as bad
// as losing its worth, in units of what one takes. Nobody has to wait longer for
// a look than the longest time, nor looks again within the shortest.
func (c curve) next(o outlook, worth float64) time.Duration {
	shortest, longest, end := o.shortest.Seconds(), o.longest.Seconds(), len(c.at)-1
	worth *= c.takes
	costs, first := make([]float64, len(c.at)), 0.0 // costs from each look on
	for i := end - 1; i >= 0; i-- {
		costs[i] = math.Inf(1)
		for j := i + 1; j <= end; j++ {
			gap := c.at[j] - c.at[i]
			if j < end && gap < shortest {
				continue
			}
			if gap > longest && !math.IsInf(costs[i], 1) {
				break
			}
			if cost := worth + c.lost[j] - c.lost[i] - c.ended[i]*gap + costs[j]; cost <= costs[i] {
				costs[i], first = cost, c.at[j]
			}
		}
	}
	return min(max(time.Duration(first*float64(time.Second)), o.shortest), o.longest)
}
