package story_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/restore"
)

const (
	lagSeeds = 12
	// longestLag of the cloud is what an engine reckons with: Options.Settle.
	// Beyond that it may report failures that are none, and a restore may copy
	// again what it thinks has vanished.
	longestLag = 30 * time.Second
	// lagRounds is how often a step may be taken until it succeeds.
	lagRounds = 6
)

// TestLag has everything that changes be missing or stale in listings for a
// while, and come and go. What was made must not be made again, nothing good
// may be lost meanwhile, and in the end all is as in a world without lag. With
// every other seed the process dies once in each step as well, at a call that
// changes something: before its effect or after, and another goes on.
func TestLag(t *testing.T) {
	s := setting{
		build: func(t *testing.T) *lab { return kept(t, "last=1", "last=1") },
		steps: func() []step {
			return []step{aDay("day 1"), aDay("day 2"), aPruning(1, 1), aRestore(1, restore.Instance), aRestore(2, restore.Volumes)}
		},
	}
	want := refer(t, s)
	seeds := lagSeeds
	if testing.Short() {
		seeds = 4
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { lag(t, s, seed, want) })
		})
	}
}

func lag(t *testing.T, s setting, seed int, want []reference) {
	l := s.build(t)
	l.Cloud.SetLag(longestLag, uint64(seed))
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	for i, st := range s.steps() {
		st.ready(l)
		if seed%2 == 1 {
			l.dieIn(st, 1+random.IntN(len(want[i].calls)), random.IntN(2) == 0)
			time.Sleep(downtimes[random.IntN(len(downtimes))])
			require.NoError(t, l.Restart())
		}
		rounds := 0
		for err := st.do(l.ctx, l); err != nil; err = st.do(l.ctx, l) {
			t.Logf("%s, round %d: %v", st.name, rounds, err)
			rounds++
			require.Less(t, rounds, lagRounds, st.name)
			time.Sleep(time.Minute)
		}
		st.then(l)
		time.Sleep(2 * longestLag)
		require.Empty(t, l.check(), st.name)
		require.Equal(t, want[i].end, l.print(), st.name)
	}
}

// dieIn takes a step in a process that dies at its nth call that changes
// something, if it comes to that.
func (l *lab) dieIn(s step, nth int, after bool) {
	ctx, die := context.WithCancel(l.ctx)
	defer die()
	l.strike(&blow{nth: nth, fatal: true, fault: backuptest.Fault{Way: backuptest.Reset, After: after}}, die)
	err := s.do(ctx, l)
	l.t.Logf("%s, process died at call %d: %v", s.name, nth, err)
	l.calm()
}
