package story_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/restore"
)

// clocksApart is how far AWS's clock and an engine's may lie apart, see package backup.
const clocksApart = 5 * time.Minute

// now is the time by AWS's clock.
func (l *lab) now() time.Time { return time.Now().Add(l.ahead) }

// moveTo has the work go on on a machine that AWS's clock is so far ahead of.
// In a bubble all have one clock, so it is AWS's that is set. To AWS it never
// goes back: where it would, time passes first, in which nobody calls. Call it
// between two processes, and begin with a new one by Restart.
func (l *lab) moveTo(ahead time.Duration) {
	time.Sleep(l.ahead - ahead) // not at all, if that is negative
	l.ahead = ahead
	l.Cloud.SetClockSkew(ahead)
}

// restart begins with a new process, on a machine of its own if clocks differ.
func (w *weather) restart() {
	if w.clocks {
		w.moves++
		w.moveTo(time.Duration(w.random.IntN(599)-299) * time.Second)
	}
	require.NoError(w.t, w.Restart())
	w.born = time.Now()
}

// clocks are how far AWS's is ahead of that of the process that is killed, and
// of that of the process that goes on.
var clocks = [][2]time.Duration{
	{0, 4 * time.Minute},
	{4 * time.Minute, -4 * time.Minute},
	{0, -4 * time.Minute},
	{-4 * time.Minute, 4 * time.Minute},
}

// TestTakenUpOnAnotherClock kills the process at every call that changes
// something, before its effect or after, and takes the step up again on a
// machine whose clock differs by minutes: nothing is doubled, lost or left.
//
// With -short it takes every fifth call.
func TestTakenUpOnAnotherClock(t *testing.T) {
	for _, s := range []setting{
		{
			name:  "a day and its pruning",
			build: func(t *testing.T) *lab { return kept(t, "last=1", "last=1") },
			steps: func() []step { return []step{aDay("day 1"), aDay("day 2"), aPruning(1, 1)} },
			calls: 23 + 23 + 12,
		},
		{
			name:  "restores",
			build: func(t *testing.T) *lab { return kept(t, "last=1", "last=1") },
			steps: func() []step {
				return []step{aDay("day 1"), aRestore(1, restore.Instance), aRestore(2, restore.Volumes)}
			},
			calls: 23 + 15 + 5,
		},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			want, n := refer(t, s), 0
			for i, ref := range want {
				for _, c := range ref.calls {
					if n++; testing.Short() && n%5 != matrixSeed%5 || ref.step == "day 1" && s.name == "restores" {
						continue
					}
					both := clocks[n%len(clocks)]
					b := blow{call: c, fatal: true, fault: backuptest.Fault{Way: backuptest.Reset, After: n/len(clocks)%2 == 0}}
					name := fmt.Sprintf("%s call %d %s after=%v, clocks off by %v, then %v", ref.step, n, c, b.fault.After, both[0], both[1])
					pause := downtimes[n%len(downtimes)]
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						synctest.Test(t, func(t *testing.T) { s.takenUp(t, i, b, both, want, pause) })
					})
				}
			}
			require.Equal(t, s.calls, n)
		})
	}
}

// takenUp takes a step on one machine until it is killed, and again on another.
func (s setting) takenUp(t *testing.T, i int, b blow, clocks [2]time.Duration, want []reference, pause time.Duration) {
	l, steps := s.build(t), s.steps()
	l.moveTo(clocks[0])
	require.NoError(t, l.Restart())
	for _, st := range steps[:i] {
		l.pass(st)
	}
	steps[i].ready(l)
	ctx, die := context.WithCancel(l.ctx)
	defer die()
	calls := l.strike(&b, die)
	require.Error(t, steps[i].do(ctx, l), "a process that died reported success")
	require.Contains(t, *calls, b.call, "the call was never made")
	l.calm()
	l.moveTo(clocks[1])
	(&trial{lab: l, step: steps[i], later: steps[i+1:], want: want[i:], pause: pause}).isResumed()
}

// TestAMachineWhoseClockIsFarOff: AWS takes its calls, since the time that they
// are signed with is corrected; the engine changes nothing, by night or by day,
// until the clock is set right. A restore is not refused: it may be needed
// before anybody comes to that. (By a quarter of an hour or more its copies from
// another Region fail: the SDK signs their URLs by the machine's clock.)
func TestAMachineWhoseClockIsFarOff(t *testing.T) {
	for _, ahead := range []time.Duration{8 * time.Minute, -8 * time.Minute, 2 * time.Hour, -2 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			l := kept(t, "last=1", "last=1")
			l.pass(aDay("day 1"))
			l.pass(aDay("day 2"))
			prune, day := aPruning(1, 1), aDay("day 3")
			for _, st := range []step{prune, day} {
				st.ready(l)
				l.moveTo(ahead)
				require.NoError(t, l.Restart())
				calls := l.strike(nil, nil)
				require.ErrorIs(t, st.do(l.ctx, l), backup.ErrClock, st.name)
				for _, c := range *calls {
					require.Equal(t, "AssumeRole", c.operation)
				}
				l.moveTo(0)
				require.NoError(t, l.Restart())
				require.NoError(t, st.do(l.ctx, l), st.name)
				st.then(l)
				require.Empty(t, l.check(), st.name)
			}
			if ahead.Abs() > 15*time.Minute {
				return
			}
			time.Sleep(24 * time.Hour)
			l.moveTo(ahead)
			require.NoError(t, l.Restart())
			l.pass(aRestore(1, restore.Instance))
			l.moveTo(0)
			require.NoError(t, l.Restart())
			require.Empty(t, l.check())
		})
	}
}
