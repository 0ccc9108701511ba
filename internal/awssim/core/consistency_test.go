package core_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// read is a call of that number at this moment.
func (w *world) read(n int) *core.Call { return &core.Call{Cloud: w.Cloud, N: n, Now: time.Now()} }

// sights tells which of 60 reads, one a second, see a change of a resource.
func sights(w *world, id string, changed time.Time) (seen []bool) {
	for n := range 60 {
		seen = append(seen, w.read(n).Sees(core.Creation, id, changed))
		time.Sleep(time.Second)
	}
	return seen
}

func TestAChangeIsSeenByAllOnceTheDelayIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		missed, flipped := 0, 0
		for i := range 20 {
			w := newWorld(t, core.Options{Seed: 3, Consistency: core.Consistency{Max: 30 * time.Second}})
			seen := sights(w, fmt.Sprint("snap-", i), time.Now())
			for n, ok := range seen {
				require.True(t, ok || n < 30, "resource %d, second %d", i, n)
				if !ok {
					missed++
				}
				if n > 0 && seen[n-1] && !ok {
					flipped++
				}
			}
		}
		require.Greater(t, missed, 60, "of 600 reads within the delay")
		require.Greater(t, flipped, 20, "a later read may be staler than an earlier one")
	})
}

// The same seed, resource, change and read give the same answer; each matters.
func TestWhatIsSeenIsAFunctionOfTheSeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		look := func(seed uint64, id string) string {
			w := newWorld(t, core.Options{Seed: seed, Consistency: core.Consistency{Max: 30 * time.Second}})
			start := time.Now()
			out := ""
			for n := range 200 {
				out += fmt.Sprint(w.read(n).Sees(core.Tagging, id, start.Add(-time.Duration(n)*100*time.Millisecond)))
			}
			return out
		}
		require.Equal(t, look(1, "a"), look(1, "a"))
		require.NotEqual(t, look(1, "a"), look(2, "a"))
		require.NotEqual(t, look(1, "a"), look(1, "b"))
	})
}

// One replica never forgets a change that it has had.
func TestAReplicaNeverGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, core.Options{Consistency: core.Consistency{Max: 30 * time.Second}})
		lag := core.NewLag[int](core.Tagging)
		values := [40]int{}
		for now := range 40 {
			for read := range values {
				got := lag.Sees(w.read(read), "x", now)
				require.GreaterOrEqual(t, got, values[read])
				require.LessOrEqual(t, got, now)
				values[read] = got
			}
			w.Lock()
			lag.Was(w.Cloud, "x", now)
			w.Unlock()
			time.Sleep(700 * time.Millisecond)
		}
		time.Sleep(30 * time.Second)
		for read := range values {
			require.Equal(t, 40, lag.Sees(w.read(read), "x", 40))
		}
	})
}

func TestKindsOfChangeLagAsTheyAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, core.Options{Consistency: core.Consistency{By: map[core.Change]time.Duration{core.Sharing: time.Hour}}})
		missed := func(kind core.Change) (n int) {
			for read := range 200 {
				if !w.read(read).Sees(kind, "snap-1", time.Now()) {
					n++
				}
			}
			return n
		}
		require.Zero(t, missed(core.Creation))
		require.Greater(t, missed(core.Sharing), 100)
		w.SetConsistency(core.Consistency{Max: time.Hour, By: map[core.Change]time.Duration{core.Sharing: -1}})
		require.Zero(t, missed(core.Creation), "what was there before is seen")
		time.Sleep(time.Second)
		require.Zero(t, missed(core.Sharing))
		require.Greater(t, missed(core.Creation), 100)
		w.SetConsistency(core.Consistency{})
		time.Sleep(time.Second)
		require.Zero(t, missed(core.Creation))
	})
}

func TestProgressLags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, core.Options{Consistency: core.Consistency{Max: time.Minute}})
		done := time.Now().Add(10 * time.Second)
		require.Equal(t, time.Now(), w.read(1).AsOf("snap-1", done), "what is yet to come is no matter")
		time.Sleep(11 * time.Second)
		early := 0
		for read := range 100 {
			if at := w.read(read).AsOf("snap-1", time.Time{}, done); at.Before(done) {
				require.Equal(t, done.Add(-1), at)
				early++
			} else {
				require.Equal(t, time.Now(), at)
			}
		}
		require.Greater(t, early, 30)
		time.Sleep(time.Minute)
		for read := range 100 {
			require.Equal(t, time.Now(), w.read(read).AsOf("snap-1", done))
		}
	})
}

// What a Lag keeps is bounded by what changed lately.
func TestALagForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, core.Options{Consistency: core.Consistency{Max: time.Second}})
		lag := core.NewLag[int](core.Tagging)
		for i := range 10_000 {
			lag.Was(w.Cloud, fmt.Sprint(i), i)
			time.Sleep(100 * time.Millisecond)
		}
		require.Less(t, core.Remembered(lag), 50)
		w.SetConsistency(core.Consistency{})
		off := core.NewLag[int](core.Tagging)
		off.Was(w.Cloud, "x", 1)
		require.Zero(t, core.Remembered(off))
		require.Equal(t, 2, off.Sees(w.read(1), "x", 2))
	})
}
