package story_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/restore"
	"github.com/snapkeep/snapkeep/retention"
)

// matrixSeed is that of every world of the matrix. Equal seeds make equal calls.
const matrixSeed = 1

// A call names one that changes something: the nth of its kind there.
type call struct {
	account   accounts.ID
	region    string
	operation string
	nth       int
}

func (c call) String() string {
	return fmt.Sprintf("%s-%d-%s-%s", c.operation, c.nth, c.account, c.region)
}

// A blow is what happens to one call.
type blow struct {
	// call that is struck; where several workers make calls in an order that
	// nobody knows, the nth one.
	call call
	nth  int
	// fault of the call, and its name.
	fault backuptest.Fault
	name  string
	// fatal says that the process dies at that moment: its context ends, and
	// nothing it sends afterwards arrives.
	fatal bool
}

// strike lets a blow fall, if it is not nil. It returns the calls that change
// something, in order; they are complete when the step has returned.
func (l *lab) strike(b *blow, die func()) *[]call {
	calls, count, dead := new([]call), map[call]int{}, false
	l.Cloud.SetFault(l.watch(func(c backuptest.Call) backuptest.Fault {
		if dead {
			return backuptest.Fault{Way: backuptest.Reset}
		}
		if !c.Mutating {
			return backuptest.Fault{}
		}
		this := call{account: c.Account, region: c.Region, operation: c.Operation}
		count[this]++
		this.nth = count[this]
		*calls = append(*calls, this)
		if b == nil || this != b.call && len(*calls) != b.nth {
			return backuptest.Fault{}
		}
		if b.fatal {
			dead = true
			die()
		}
		return b.fault
	}))
	return calls
}

// A step is something that a host program does, and does again if it was cut.
type step struct {
	name string
	// ready is what happens once before.
	ready func(*lab)
	do    func(context.Context, *lab) error
	// then notes what should be there now.
	then func(*lab)
	// tells says that a failed call may end it in an error.
	tells bool
}

// pass takes a step with nothing in the way, and returns the calls that
// changed something.
func (l *lab) pass(s step) []call {
	s.ready(l)
	calls := l.strike(nil, nil)
	require.NoError(l.t, s.do(l.ctx, l), s.name)
	s.then(l)
	return *calls
}

// aDay is a day's work and its backup.
func aDay(name string) step {
	var at time.Time
	return step{
		name: name,
		ready: func(l *lab) {
			time.Sleep(time.Until(time.Now().Truncate(24 * time.Hour).Add(26 * time.Hour)))
			l.write()
			at = time.Now().Truncate(time.Second)
		},
		do: func(ctx context.Context, l *lab) error {
			_, err := l.Engine.Run(ctx, l.Plan, at)
			return err
		},
		then: func(l *lab) {
			l.want.originals, l.want.copies = append(l.want.originals, at), append(l.want.copies, at)
		},
	}
}

// aPruning keeps of the originals the last few, and as many copies.
func aPruning(originals, copies int) step {
	last := func(of []time.Time, n int) []time.Time { return of[max(len(of)-n, 0):] }
	return step{
		name:  "prune",
		ready: func(*lab) { time.Sleep(time.Hour) },
		do: func(ctx context.Context, l *lab) error {
			plan, err := l.Engine.PlanPrune(ctx, l.Plan, time.Now())
			if err != nil {
				return err
			}
			if len(plan.Notes) > 0 {
				return errors.New(plan.String())
			}
			report, err := l.Engine.Prune(ctx, plan)
			if err == nil && report.Count(backup.Pruned)+report.Count(backup.AlreadyGone) < plan.Prunes() {
				err = errors.New(report.String())
			}
			return err
		},
		then: func(l *lab) {
			l.want.originals, l.want.copies = last(l.want.originals, originals), last(l.want.copies, copies)
		},
	}
}

// aRestore brings the newest copy of a resource into the clean account.
func aRestore(of int, as restore.Kind) step {
	var request restore.Request
	var report *restore.Report
	return step{
		name: "restore " + string(as),
		ready: func(l *lab) {
			site, key := l.clean()
			request = restore.Request{
				ID: "drill-" + string(as), Account: site.Account, Region: site.Region, Zone: site.Region + "a", KMSKey: key, As: as,
			}
			filter := backup.PointFilter{Sites: l.Plan.CopySites(), Resource: l.resources[of].arn}
			for p, err := range l.Engine.Points(l.ctx, filter) {
				require.NoError(l.t, err)
				if p.State == retention.Complete && p.Time.After(request.Point.Time) {
					request.Point = p
				}
			}
		},
		do: func(ctx context.Context, l *lab) error {
			plan, err := l.Restorer.Plan(ctx, request)
			if err != nil {
				return err
			}
			report, err = l.Restorer.Run(ctx, plan)
			return err
		},
		then: func(l *lab) {
			l.want.restored = append(l.want.restored, restored{l.resources[of], request.Point.Time, report})
		},
	}
}

// A setting is a way in which things go if nothing goes wrong.
type setting struct {
	name  string
	build func(*testing.T) *lab
	steps func() []step
	// struck are the steps that blows fall on, only the operations; nil means all.
	struck []int
	only   []string
	calls  int // that change something, in the struck steps
}

func settings() []setting {
	return []setting{
		{
			name:  "two days",
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
			struck: []int{1, 2},
			calls:  15 + 5,
		},
		{
			name: "two destinations",
			build: func(t *testing.T) *lab {
				l := kept(t, "last=1", "last=1")
				l.addDestination("us-east-1")
				return l
			},
			steps: func() []step { return []step{aDay("day 1")} },
			calls: 29,
		},
		{
			name:  "locked",
			build: lockedLab,
			steps: func() []step { return []step{aDay("day 1"), aDay("day 2")} },
			only:  []string{"LockSnapshot"},
			calls: 23 + 23 + 2*2*6,
		},
		allAtOnce(),
		{
			name: "originals dropped",
			build: func(t *testing.T) *lab {
				l := kept(t, "last=7", "last=7")
				l.Plan.Copies[0].DropOriginal = true
				return l
			},
			steps:  func() []step { return []step{aDay("day 1"), aDay("day 2"), aPruning(1, 7)} },
			struck: []int{2},
			calls:  6,
		},
	}
}

// kept is a lab whose plan keeps so much. Its engine has one worker, so that
// each way to the same call is the same.
func kept(t *testing.T, originals, copies string) *lab {
	l := newLab(t, matrixSeed, 1)
	var err error
	l.Plan.Retention, err = retention.ParsePolicy(originals)
	require.NoError(t, err)
	l.Plan.Copies[0].Retention, err = retention.ParsePolicy(copies)
	require.NoError(t, err)
	return l
}

// A reference is what a step does and leaves if nothing goes wrong.
type reference struct {
	step  string
	calls []call
	end   []string
}

// refer takes all steps of a setting.
func refer(t *testing.T, s setting) (all []reference) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := s.build(t)
		for _, st := range s.steps() {
			calls := l.pass(st)
			require.Empty(t, l.check(), st.name)
			all = append(all, reference{st.name, calls, l.print()})
		}
	})
	return all
}

// Ways in which a call fails, before its effect and after.
var (
	waysBefore = []blow{
		{name: "reset before", fault: backuptest.Fault{Way: backuptest.Reset}},
		{name: "500 before", fault: backuptest.Fault{Way: backuptest.Refuse}},
		{name: "garbage before", fault: backuptest.Fault{Way: backuptest.Garbage}},
	}
	waysAfter = []blow{
		{name: "reset after", fault: backuptest.Fault{Way: backuptest.Reset, After: true}},
		{name: "500 after", fault: backuptest.Fault{Way: backuptest.Refuse, After: true}},
		{name: "garbage after", fault: backuptest.Fault{Way: backuptest.Garbage, After: true}},
		{name: "truncated", fault: backuptest.Fault{Way: backuptest.Truncate}},
	}
)

// A trial is a step of a setting that was taken into a blow, and what should
// have become of it.
type trial struct {
	*lab
	step  step   // the one that was struck
	later []step // the steps after it
	want  []reference
	err   error         // what the step returned
	pause time.Duration // until somebody comes back to it
}

// An ending is what follows a blow.
type ending struct {
	name string
	// fatal blows, or others.
	fatal bool
	// workers of the engine; zero for the default.
	workers int
	// after says for which steps, by what follows them, the ending is one.
	after func(s step, later []step) bool
	run   func(*trial)
}

var endings = []ending{
	{"goes on", false, 1, otherwise, (*trial).goesOn},
	{"dies", true, 1, otherwise, (*trial).isResumed},
	{"dies busy", true, 0, firstDay, (*trial).isResumed},
	{"dies for good", true, 1, firstDay, (*trial).isForgotten},
	{"dies and prunes", true, 1, beforePruning, (*trial).isPruned},
}

// firstDay is followed by a second one. What happens to that, and to the only
// day of two destinations, need not happen to it too.
func firstDay(s step, later []step) bool {
	return s.name == "day 1" && len(later) > 0 && later[0].name == "day 2"
}

func otherwise(s step, later []step) bool { return !firstDay(s, later) }

func beforePruning(_ step, later []step) bool { return len(later) > 0 && later[0].name == "prune" }

// TestCrashAnywhere lets every call that changes something fail, once before
// its effect and once after, and each time sees to each ending. Whatever was
// struck, the same invariants hold then, and the end is that of the reference.
//
// With -short it takes every fifth case.
func TestCrashAnywhere(t *testing.T) {
	if testing.Short() {
		t.Logf("-short: every fifth case only, as seed %d draws them", matrixSeed)
	}
	for _, s := range settings() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			want := refer(t, s)
			total := 0
			for i, ref := range want {
				if s.struck == nil || slices.Contains(s.struck, i) {
					total += len(ref.calls)
					strikeAll(t, s, i, want)
				}
			}
			require.Equal(t, s.calls, total)
		})
	}
}

// strikeAll lets every blow fall on every call of a step.
func strikeAll(t *testing.T, s setting, i int, want []reference) {
	cases := 0
	steps := s.steps()
	for n, c := range want[i].calls {
		if s.only != nil && !slices.Contains(s.only, c.operation) {
			continue
		}
		for _, ways := range [][]blow{waysBefore, waysAfter} {
			for _, e := range endings {
				if !e.after(steps[i], steps[i+1:]) {
					continue
				}
				if cases++; testing.Short() && cases%5 != matrixSeed%5 {
					continue
				}
				b := ways[0] // to a dead process all failures are the same
				if !e.fatal {
					b = ways[n%len(ways)]
				}
				b.call, b.fatal = c, e.fatal
				if e.workers != 1 {
					b.call, b.nth = call{}, n+1
				}
				name := fmt.Sprintf("%s call %d %s %s %s seed %d", want[i].step, n+1, c, b.name, e.name, matrixSeed)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						e.run(s.try(t, i, b, e.workers, want, downtimes[n%len(downtimes)]))
					})
				})
			}
		}
	}
}

// downtimes are how long it may take until a process that died is followed by
// another: no time, longer than listings may lag, longer than a copy takes.
var downtimes = []time.Duration{0, time.Minute, 20 * time.Minute}

// try takes the steps up to one, and that one into a blow.
func (s setting) try(t *testing.T, i int, b blow, workers int, want []reference, pause time.Duration) *trial {
	l, steps := s.build(t), s.steps()
	for _, st := range steps[:i] {
		l.pass(st)
	}
	if workers != 1 {
		l.Options.Concurrency = workers
		require.NoError(t, l.Restart())
	}
	steps[i].ready(l)
	ctx, die := context.WithCancel(l.ctx)
	defer die()
	calls := l.strike(&b, die)
	err := steps[i].do(ctx, l)
	if b.nth > 0 {
		require.GreaterOrEqual(t, len(*calls), b.nth, "the call was never made")
	} else {
		require.Contains(t, *calls, b.call, "the call was never made")
	}
	l.calm()
	if b.fatal {
		require.Error(t, err, "a process that died reported success")
	}
	return &trial{l, steps[i], steps[i+1:], want[i:], err, pause}
}

// end checks the invariants, and that the end is that of the reference.
func (r *trial) end(want reference) {
	require.Empty(r.t, r.check(), want.step)
	require.Equal(r.t, want.end, r.print(), want.step)
}

// goesOn is the ending in which the engine lives: one failed call is not worth
// a word, or is told, and then the step is taken again.
func (r *trial) goesOn() {
	if r.err != nil && r.step.tells {
		r.err = r.step.do(r.ctx, r.lab)
	}
	require.NoError(r.t, r.err)
	r.step.then(r.lab)
	r.end(r.want[0])
}

// isResumed is the ending in which another engine takes the step again. The
// step after that goes as if nothing had happened.
func (r *trial) isResumed() {
	r.restart()
	require.NoError(r.t, r.step.do(r.ctx, r.lab), "taken again")
	r.step.then(r.lab)
	r.end(r.want[0])
	if len(r.later) > 0 {
		r.pass(r.later[0])
		r.end(r.want[1])
	}
}

// isForgotten is the ending in which nobody resumes the run. The next day's
// takes back what was shared and, if the vault proves the run, makes its copies:
// of each resource there is all, or nothing.
func (r *trial) isForgotten() {
	r.restart()
	r.step.then(r.lab)
	r.lab.want = wanted{perhaps: r.lab.want.originals}
	if !r.proven(r.lab.want.perhaps[0]) {
		r.lab.want.unproven = r.lab.want.perhaps
	}
	r.pass(r.later[0])
	require.Empty(r.t, r.check())
}

// isPruned is the ending in which the plan is pruned before the run is resumed.
func (r *trial) isPruned() {
	r.restart()
	require.NoError(r.t, r.later[0].do(r.ctx, r.lab), "pruned")
	r.restart()
	require.NoError(r.t, r.step.do(r.ctx, r.lab), "taken again")
	r.step.then(r.lab)
	r.pass(r.later[0])
	r.end(r.want[1])
}

// restart begins with a new engine after the pause, in which work went on.
func (r *trial) restart() {
	time.Sleep(r.pause)
	r.write()
	require.NoError(r.t, r.Restart())
}
