package backup_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

// A machine whose clock is far off changes nothing, and says why; what there is
// can be read all the same.
func TestAClockThatIsFarOffChangesNothing(t *testing.T) {
	for _, ahead := range []time.Duration{6 * time.Minute, -6 * time.Minute, 30 * 24 * time.Hour} {
		inTime(t, func(t *testing.T) {
			c, p := story(t), nightly(copyTo(home))
			p.Retention, p.Copies[0].Retention = retention.Policy{Last: 1}, retention.Policy{Last: 1}
			for range 2 {
				run(t, c, p, time.Now())
				time.Sleep(24 * time.Hour)
			}
			e := engine(t, c, backup.Options{})
			pp, err := e.PlanPrune(t.Context(), p, time.Now())
			require.NoError(t, err)
			require.Positive(t, pp.Prunes())

			c.ahead, c.dryRun = ahead, true
			e = engine(t, c, backup.Options{})
			report, err := e.Run(t.Context(), p, time.Now())
			require.ErrorIs(t, err, backup.ErrClock)
			require.Len(t, report.Errors, 1, "it is one clock")
			require.Contains(t, err.Error(), map[bool]string{true: " behind AWS's", false: " ahead of AWS's"}[ahead > 0])
			require.Empty(t, report.Jobs)
			pruned, err := e.Prune(t.Context(), pp)
			require.ErrorIs(t, err, backup.ErrClock)
			require.Nil(t, pruned)
			list := points(t, c, p)
			require.NotEmpty(t, list)
			for _, pt := range list {
				require.Equal(t, retention.Complete, pt.State)
			}

			c.ahead, c.dryRun = 0, false
			pruned, err = e.Prune(t.Context(), pp)
			require.NoError(t, err, "it was set right")
			require.Equal(t, pp.Prunes(), pruned.Count(backup.Pruned))
		})
	}
}

// A clock that goes wrong during a run holds it up until it is set right, and
// no longer than anything else that fails.
func TestAJobWaitsForTheClock(t *testing.T) {
	p := nightly(copyTo(home))
	for wrong := range mutationsOf(t, p) {
		inTime(t, func(t *testing.T) {
			c, at, n := story(t), time.Now(), 0
			var since time.Time
			c.before = func(k call) error {
				if k.mutates() {
					n++
					require.False(t, c.ahead != 0 && slices.Contains([]string{string(backup.StepSnapshot), string(backup.StepCopy)}, k.op), "%s is made by a wrong clock", k.op)
				}
				switch {
				case k.op == "list" && n == wrong && since.IsZero():
					since, c.ahead = time.Now(), 10*time.Minute
				case k.op == "list" && c.ahead != 0 && time.Since(since) > 5*time.Minute:
					c.ahead = 0
				}
				return nil
			}
			told := 0
			_, err := engine(t, c, backup.Options{Concurrency: 1, OnEvent: func(e backup.Event) {
				if errors.Is(e.Err, backup.ErrClock) {
					told++
				}
			}}).Run(t.Context(), p, at)
			if wrong == 0 {
				require.ErrorIs(t, err, backup.ErrClock, "the run was not begun")
				return
			}
			require.NoError(t, err)
			require.Equal(t, since.IsZero(), told == 0)
			intact(t, c, p, at)
		})
	}
	inTime(t, func(t *testing.T) {
		c, at := story(t), time.Now()
		e := engine(t, c, backup.Options{})
		list := jobs(t, e, p, at)
		c.ahead = -time.Hour
		time.Sleep(time.Minute) // what was listed before is old now
		j, out := list[0], backup.Outcome{}
		var err error
		for !out.Done {
			time.Sleep(time.Until(out.NotBefore))
			j, out, err = e.Advance(t.Context(), j)
		}
		require.ErrorIs(t, err, backup.ErrClock)
		require.Less(t, time.Since(at), time.Hour)
		require.ErrorIs(t, stored(t, j).Err(), backup.ErrClock, "a store keeps why")
		require.Zero(t, c.mutations())
	})
}
