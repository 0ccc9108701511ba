package enginebench_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A work is what a run did, as far as it bears on how long that must take.
type work struct {
	chains   []chain // one for each volume
	accounts map[string]*tally
}

// A chain is what one volume went through: its snapshot and the copy of that.
// Zero means that there was none.
type chain struct{ snapshot, copying time.Duration }

// A tally counts what was made from the volumes of one protected account.
type tally struct{ originals, copies int }

// Ceilings are the limits that nobody gets past.
type ceilings struct {
	slots       int     // copies under way at a time; zero means any number
	perInstance int     // originals that one call can make
	share       float64 // of every request bucket that is there for the run
}

func (w *world) ceilings() ceilings {
	c := ceilings{slots: w.slots, perInstance: perInstance, share: 1}
	if w.crowded {
		c.share = 0.5
	}
	return c
}

// floor returns a time in which no engine can do the work: the longest of what
// each limit by itself demands.
//   - The slots of the destination: until the first snapshot is there no copy
//     can begin, and from then on at best all slots are in use all the time.
//   - One volume: its snapshot, then its copy.
//   - The request buckets of each protected account: a CreateSnapshots call for
//     each instance (100 at once, then 5 a second), a ModifySnapshotAttribute
//     call to share and one to revoke for each copy (100, 5).
//   - The request bucket of the vault: a CopySnapshot call for each copy (50, 5).
//
// Source of the buckets: EC2 Developer Guide, "Request token bucket sizes and
// refill rates".
func (k work) floor(c ceilings) time.Duration {
	var longest, first, copying time.Duration
	for _, v := range k.chains {
		longest = max(longest, v.snapshot+v.copying)
		copying += v.copying
		if v.copying > 0 && (first == 0 || v.snapshot < first) {
			first = v.snapshot
		}
	}
	least, copies := longest, 0
	if c.slots > 0 {
		least = max(least, first+copying/time.Duration(c.slots))
	}
	for _, t := range k.accounts {
		sets := (t.originals + c.perInstance - 1) / c.perInstance
		least = max(least, c.drain(sets, 100, 5), c.drain(2*t.copies, 100, 5))
		copies += t.copies
	}
	return max(least, c.drain(copies, 50, 5))
}

// drain returns how long a bucket takes to give out so many tokens.
func (c ceilings) drain(tokens int, burst, perSecond float64) time.Duration {
	beyond := max(float64(tokens)-burst*c.share, 0)
	return time.Duration(beyond / (perSecond * c.share) * float64(time.Second))
}

func TestFloor(t *testing.T) {
	const min = time.Minute
	of := func(originals, copies int) map[string]*tally {
		return map[string]*tally{"a": {originals, copies}, "b": {1, 1}}
	}
	chains := func(n int, c chain) []chain {
		var all []chain
		for range n {
			all = append(all, c)
		}
		return all
	}
	all := ceilings{perInstance: 4, share: 1}
	two := ceilings{slots: 2, perInstance: 4, share: 1}
	for name, test := range map[string]struct {
		work work
		with ceilings
		want time.Duration
	}{
		"nothing":                       {work{}, two, 0},
		"one volume":                    {work{chains: []chain{{5 * min, 10 * min}}}, two, 15 * min},
		"a snapshot without a copy":     {work{chains: []chain{{5 * min, 0}, {2 * min, 1 * min}}}, two, 5 * min},
		"the longest of three at once":  {work{chains: []chain{{5 * min, 10 * min}, {1 * min, 9 * min}, {3 * min, 13 * min}}}, all, 16 * min},
		"two slots, from the first on":  {work{chains: []chain{{5 * min, 10 * min}, {1 * min, 9 * min}, {3 * min, 13 * min}}}, two, 17 * min},
		"two slots do not help one":     {work{chains: []chain{{5 * min, 30 * min}, {1 * min, 9 * min}}}, two, 35 * min},
		"only what is copied waits":     {work{chains: []chain{{1 * min, 0}, {4 * min, 30 * min}, {4 * min, 30 * min}, {4 * min, 30 * min}}}, two, 49 * min},
		"sharing and revoking":          {work{chains: chains(1, chain{1, 1}), accounts: of(200, 200)}, all, 60 * time.Second},
		"creating, four a call":         {work{chains: chains(1, chain{1, 1}), accounts: of(1001, 0)}, all, 30200 * time.Millisecond},
		"copying, of all accounts":      {work{chains: chains(1, chain{1, 1}), accounts: map[string]*tally{"a": {0, 60}, "b": {0, 50}}}, all, 12 * time.Second},
		"with half of the buckets gone": {work{chains: chains(1, chain{1, 1}), accounts: of(200, 200)}, ceilings{perInstance: 4, share: 0.5}, 140 * time.Second},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, test.work.floor(test.with)) })
	}
}
