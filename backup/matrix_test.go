package backup_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A blow is what happens to one call of those that change something.
type blow struct {
	nth   int  // the first is 1
	after bool // it has had its effect
	// fatal says that the process dies at that moment, and nothing it sends
	// afterwards arrives; else the answer alone is lost.
	fatal bool
}

// strike lets a blow fall, if it is not nil. It returns the calls that change
// something, in order; they are complete when the deed is done.
func (l *lab) strike(b *blow, die func()) *[]call {
	calls, dead := new([]call), false
	fall := func(k call, after bool) error {
		switch {
		case dead:
			return context.Canceled
		case b == nil || !k.mutates() || len(*calls) != b.nth || after != b.after:
			return nil
		case !b.fatal:
			return lostAnswer
		}
		dead = true
		die()
		return context.Canceled
	}
	l.before = func(k call) error {
		if k.mutates() && !dead {
			*calls = append(*calls, k)
			l.disturbs(k)
		}
		return fall(k, false)
	}
	l.after = func(k call) error {
		if k.mutates() {
			l.look(k)
		}
		return fall(k, true)
	}
	return calls
}

// pass does something with nothing in the way.
func (l *lab) pass(d deed) []call {
	l.t.Helper()
	d.ready(l)
	calls := l.strike(nil, nil)
	require.NoError(l.t, d.do(l.t.Context(), l), d.name)
	d.then(l)
	return *calls
}

// A reference is what a deed does and leaves if nothing goes wrong.
type reference struct {
	calls []call
	end   []string
}

// refer does all that is done on a path.
func refer(t *testing.T, p path) (all []reference) {
	t.Helper()
	inTime(t, func(t *testing.T) {
		l := p.build(t)
		for _, d := range p.deeds() {
			calls := l.pass(d)
			require.Empty(t, l.check(), d.name)
			all = append(all, reference{calls, l.print()})
		}
	})
	return all
}

// A trial is a deed that was done into a blow.
type trial struct {
	*lab
	deed  deed
	later []deed
	want  []reference // of the deed, and of what comes later
	err   error
	pause time.Duration // until somebody comes back to it
}

// endings are what follows a blow.
var endings = []struct {
	name  string
	fatal bool
	run   func(*trial)
}{
	{"goes on", false, (*trial).goesOn},
	{"is resumed", true, (*trial).isResumed},
	{"is forgotten", true, (*trial).isForgotten},
}

// downtimes are how long it may take until a process that died is followed by
// another: no time, longer than listings lag, longer than a copy takes.
var downtimes = []time.Duration{time.Second, time.Minute, 20 * time.Minute}

// TestCrashMatrix lets every call that changes something on every path fail,
// once before its effect and once after. Then the engine goes on; or its process
// dies, and another one with the same moment goes on, or one with a later.
// Whatever was struck, the same invariants hold then; and unless the run was
// forgotten, the end is that of the reference.
//
// With -short it takes every ninth case.
func TestCrashMatrix(t *testing.T) {
	cases, struck, taken := 0, 0, map[string]int{}
	for _, p := range paths() {
		want := refer(t, p)
		for i := range want {
			for _, k := range want[i].calls {
				taken[k.op]++
			}
			for n := range want[i].calls {
				for _, after := range []bool{false, true} {
					for _, e := range endings {
						if cases++; testing.Short() && cases%9 != 0 {
							continue
						}
						struck++
						k, b := want[i].calls[n], blow{n + 1, after, e.fatal}
						name := fmt.Sprintf("%s/%s, call %d (%s at %s), after %v, %s", p.name, p.deeds()[i].name, n+1, k.op, k.site, after, e.name)
						t.Run(name, func(t *testing.T) {
							t.Parallel()
							inTime(t, func(t *testing.T) { e.run(p.try(t, i, b, want)) })
						})
					}
				}
			}
		}
	}
	t.Logf("%d of %d cases, calls: %v", struck, cases, taken)
	for _, op := range []string{
		"snapshot", "copy", "share", "revoke", "delete", "lock", "register", "deregister", "quiesce", "resume", "vss", "archive", "thaw",
	} {
		require.NotZero(t, taken[op], "no path makes the call %s", op)
	}
}

// try does what comes first, and then one deed into a blow.
func (p path) try(t *testing.T, i int, b blow, want []reference) *trial {
	l, deeds := p.build(t), p.deeds()
	for _, d := range deeds[:i] {
		l.pass(d)
	}
	deeds[i].ready(l)
	ctx, die := context.WithCancel(t.Context())
	defer die()
	calls := l.strike(&b, die)
	err := deeds[i].do(ctx, l)
	require.GreaterOrEqual(t, len(*calls), b.nth, "the call was never made")
	if b.fatal {
		require.Error(t, err, "a process that died reported success")
	}
	l.strike(nil, nil)
	return &trial{l, deeds[i], deeds[i+1:], want[i:], err, downtimes[b.nth%len(downtimes)]}
}

func (r *trial) end(want reference) {
	r.t.Helper()
	require.Empty(r.t, r.check())
	require.Equal(r.t, want.end, r.print())
}

// goesOn is the ending in which the engine lives: one answer that was lost is
// not worth a word, or is told, and then the deed is done again.
func (r *trial) goesOn() {
	if r.err != nil && r.deed.tells {
		r.err = r.deed.do(r.t.Context(), r.lab)
	}
	require.NoError(r.t, r.err)
	r.deed.then(r.lab)
	require.Empty(r.t, r.fellBack())
	r.end(r.want[0])
}

// isResumed is the ending in which another engine does the same again.
func (r *trial) isResumed() {
	r.restart()
	r.resting = r.leftResting(db)
	require.NoError(r.t, r.deed.do(r.t.Context(), r.lab), "done again")
	r.deed.then(r.lab)
	r.end(r.want[0])
}

// isForgotten is the ending in which nobody takes the run up, but another comes
// the day after. Of each resource there is all of the run, or nothing, or its
// originals if nothing in the vault proves it. Other deeds know no moment: then
// the same is done a day later.
func (r *trial) isForgotten() {
	r.restart()
	if r.deed.at == nil {
		time.Sleep(24 * time.Hour)
		require.NoError(r.t, r.deed.do(r.t.Context(), r.lab), "done a day later")
		r.deed.then(r.lab)
		r.end(r.want[0])
		return
	}
	at := r.deed.at()
	r.lab.want.perhaps, r.lab.want.proven = at, r.proves(at)
	r.pass(aNight("the day after"))
	require.Empty(r.t, r.check())
}

// restart begins with a new engine after the pause.
func (r *trial) restart() {
	time.Sleep(r.pause)
	r.begin()
}
