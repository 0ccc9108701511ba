package backup_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/snapkeep/snapkeep/backup"
)

func jobs(t *testing.T, e *backup.Engine, p backup.Plan, at time.Time) (list []backup.Job) {
	t.Helper()
	for j, err := range e.Jobs(t.Context(), p, at) {
		require.NoError(t, err)
		list = append(list, j)
	}
	return list
}

// A host may keep jobs in a store and advance each step in another process.
func TestAdvanceInAProcessForEachStep(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(copyTo(home), copyTo(second)), time.Now()
		for _, j := range jobs(t, engine(t, c, backup.Options{}), p, at) {
			for done := false; !done; {
				before := c.mutations()
				was := stored(t, j)
				next, out, err := engine(t, c, backup.Options{}).Advance(t.Context(), j)
				require.NoError(t, err)
				require.Equal(t, was, stored(t, j), "the job given was changed")
				require.LessOrEqual(t, c.mutations()-before, 1, "one call at most")
				j, done = stored(t, next), out.Done
				require.Equal(t, done, j.Done())
				time.Sleep(time.Until(out.NotBefore))
			}
			require.Equal(t, backup.Done, j.Stage)
		}
		intact(t, c, p, at)
	})
}

func TestAdvanceNeverSleeps(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(), time.Now()
		c.latency = 0
		e := engine(t, c, backup.Options{})
		start := time.Now()
		for _, j := range jobs(t, e, p, at) {
			for range 50 {
				var err error
				j, _, err = e.Advance(t.Context(), j)
				require.NoError(t, err)
			}
			require.Equal(t, backup.Planned, j.Stage)
		}
		require.Equal(t, start, time.Now())
	})
}

func TestAdvanceTellsWhatItWaitsFor(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(), time.Now()
		p.Sources = p.Sources[1:]
		e := engine(t, c, backup.Options{})
		j := jobs(t, e, p, at)[0]
		seen := map[string]bool{}
		for done := false; !done; {
			var out backup.Outcome
			var err error
			j, out, err = e.Advance(t.Context(), j)
			require.NoError(t, err)
			if out.Waiting != "" {
				require.True(t, out.NotBefore.After(time.Now()), "%+v", out)
			}
			seen[out.Waiting] = true
			done = out.Done
			time.Sleep(time.Until(out.NotBefore))
		}
		require.Contains(t, seen, "0 of 1 snapshots completed")
		require.Contains(t, seen, "0 of 1 copies completed at 999999999999/eu-west-1")

		again, out, err := e.Advance(t.Context(), j)
		require.NoError(t, err)
		require.True(t, out.Done)
		require.Equal(t, stored(t, j), stored(t, again))
	})
}

// A call that its caller gave up is no failure, and its job is not at its end.
func TestAdvanceSaysThatItWasGivenUp(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := story(t)
		e := engine(t, c, backup.Options{})
		j := jobs(t, e, fleetPlan(), time.Now())[0]
		ctx, stop := withStop(t)
		c.before = func(k call) error {
			if k.mutates() {
				stop()
			}
			return ctx.Err()
		}
		j, out, err := e.Advance(ctx, j)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, backup.Outcome{}, out)
		require.NoError(t, j.Err())
	})
}

// A host that comes back when an Outcome says so need not come often while
// something takes long, and does not miss its end by much.
func TestAdvanceIsNotWantedOften(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), fleetPlan()
		c.takes = func(int32) time.Duration { return 10 * time.Hour }
		e := engine(t, c, backup.Options{})
		j := jobs(t, e, p, time.Now())[0]
		advanced := 0
		for done := false; !done; advanced++ {
			next, out, err := e.Advance(t.Context(), j)
			require.NoError(t, err)
			j, done = next, out.Done
			time.Sleep(time.Until(out.NotBefore))
		}
		require.Less(t, advanced, 300, "twenty hours, with a listing each 5 minutes")
		require.Less(t, time.Since(j.At), 20*time.Hour+15*time.Minute)
	})
}

// Where many wait for few slots, no more come back for the next listing than it
// may show room for; the others come later, in turn.
func TestAdvanceGivesTurns(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, at := fleet(t, 12, same(10)), time.Now()
		c.latency = 0
		e := engine(t, c, backup.Options{Slots: 2})
		list, outs := jobs(t, e, fleetPlan(), at), map[string]backup.Outcome{}
		for time.Since(at) < 3*time.Minute {
			for i, j := range list {
				next, out, err := e.Advance(t.Context(), j)
				require.NoError(t, err)
				list[i], outs[j.Point] = next, out
			}
			time.Sleep(5 * time.Second)
		}
		turns := map[time.Time]int{}
		for _, out := range outs {
			if strings.HasPrefix(out.Waiting, "a slot") {
				turns[out.NotBefore]++
			}
		}
		require.Greater(t, len(turns), 3)
		for when, n := range turns {
			require.LessOrEqual(t, n, 2, when)
		}
	})
}

// Who needs a listing that another has begun, and that takes long, comes back
// the later the longer it takes; and who waits for one that fails counts each
// failure once.
func TestAdvanceLeavesAListingToOthers(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := fleet(t, 2, same(10))
		c.latency = 0
		e := engine(t, c, backup.Options{})
		list := jobs(t, e, fleetPlan(), time.Now())
		time.Sleep(time.Minute)
		c.latency = 20 * time.Second
		var g errgroup.Group
		g.Go(func() error {
			_, _, err := e.Advance(t.Context(), list[0])
			return err
		})
		time.Sleep(10 * time.Second)
		_, out, err := e.Advance(t.Context(), list[1])
		require.NoError(t, err)
		require.Equal(t, "a listing of "+siteB.String(), out.Waiting)
		require.Equal(t, 10*time.Second, time.Until(out.NotBefore))
		require.NoError(t, g.Wait())
	})
	inTime(t, func(t *testing.T) {
		c := fleet(t, 2, same(10))
		e := engine(t, c, backup.Options{})
		list := jobs(t, e, fleetPlan(), time.Now())
		time.Sleep(time.Minute)
		listed := 0
		c.before = func(k call) error {
			listed++
			return fmt.Errorf("list: %w", context.DeadlineExceeded)
		}
		for i, until := range []int{5, 1000} {
			for j := list[i]; listed < until; {
				next, out, err := e.Advance(t.Context(), j)
				if out.Done {
					require.ErrorContains(t, err, "deadline exceeded")
					break
				}
				j = next
				time.Sleep(time.Until(out.NotBefore))
			}
		}
		require.Equal(t, 5+11, listed, "one more than Options.Patience, though five had failed before")
	})
}

// A job says when each snapshot was first seen at its end.
func TestAJobSaysWhenSnapshotsEnded(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := story(t)
		report := run(t, c, nightly(), time.Now())
		n := 0
		for _, j := range report.Jobs {
			for _, trace := range slices.Concat(j.Originals, j.Rekeyed, j.Copies[0].Snapshots) {
				if trace.Snapshot == "" {
					continue
				}
				n++
				late := trace.Ended.Sub(c.snaps[trace.Snapshot].done)
				require.True(t, 0 <= late && late < 30*time.Second, "%s: %v", trace.Snapshot, late)
			}
		}
		require.Equal(t, 11, n)
	})
}

func TestAdvanceRefusesJobsOfOthers(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := story(t)
		e := engine(t, c, backup.Options{})
		good := jobs(t, e, nightly(), time.Now())[0]
		for name, spoil := range map[string]func(*backup.Job){
			"of another version":     func(j *backup.Job) { j.Version = 2 },
			"of another vault":       func(j *backup.Job) { j.Vault = alpha },
			"of another run":         func(j *backup.Job) { j.At = j.At.Add(time.Hour) },
			"of a kind unknown":      func(j *backup.Job) { j.Resource.Kind = "database" },
			"without its members":    func(j *backup.Job) { j.Resource.Members = nil },
			"with a trace too few":   func(j *backup.Job) { j.Originals = j.Originals[1:] },
			"with a copy too narrow": func(j *backup.Job) { j.Copies[0].Snapshots = nil },
			"without its share":      func(j *backup.Job) { j.Shares = nil },
			"at no known stage":      func(j *backup.Job) { j.Stage = "elsewhere" },
			"nothing at all":         func(j *backup.Job) { *j = backup.Job{} },
		} {
			j := stored(t, good)
			spoil(&j)
			c.dryRun = true
			_, out, err := e.Advance(t.Context(), j)
			require.Error(t, err, name)
			require.True(t, out.Done, name)
		}
	})
}

// What one process of a run has left in flight, another engine does not
// double, even where listings lag as long as Options.Settle allows.
func TestTwoRunsOfOneMomentMakeOnePoint(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(), time.Now()
		c.lag = 29 * time.Second
		run(t, c, p, at)
		made := c.mutations()
		report := run(t, c, p, at)
		require.Equal(t, 3, report.Points)
		require.Equal(t, 3, report.Copies)
		require.Equal(t, made, c.mutations(), "the second run changes nothing")
		intact(t, c, p, at)
	})
}

// One engine may be asked for the same run again and again.
func TestOneEngineTakesItsOwnRunUpAgain(t *testing.T) {
	p := nightly()
	for n := range mutationsOf(t, p) {
		inTime(t, func(t *testing.T) {
			c, at := story(t), time.Now()
			e := engine(t, c, backup.Options{})
			ctx, stop := withStop(t)
			k := 0
			c.after = func(call call) error {
				if call.mutates() {
					if k++; k == n+1 {
						stop()
					}
				}
				return nil // the answer arrives, and the run is cancelled
			}
			_, err := e.Run(ctx, p, at)
			require.Error(t, err)
			c.after = nil
			_, err = e.Run(t.Context(), p, at)
			require.NoError(t, err)
			intact(t, c, p, at)
		})
	}
}
