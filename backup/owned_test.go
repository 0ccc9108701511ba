package backup_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// What an engine began itself it also finishes in its next run, at once, whatever
// other plans it ran since, and though nothing in the vault proves it: nobody else can have made it up.
func TestAnEngineFinishesItsOwnRun(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(), time.Now()
		e := engine(t, c, backup.Options{})
		ctx, stop := withStop(t)
		c.before = func(k call) error {
			if k.step.Kind == backup.StepShare {
				stop()
			}
			return ctx.Err()
		}
		_, err := e.Run(ctx, p, at)
		require.Error(t, err)
		c.before = nil
		require.Empty(t, c.at(home))
		time.Sleep(5 * time.Minute)
		hourly := fleetPlan()
		hourly.Name, hourly.Copies = "hourly", nil
		_, err = e.Run(t.Context(), hourly, time.Now())
		require.NoError(t, err)
		time.Sleep(5 * time.Minute)
		_, err = e.Run(t.Context(), p, time.Now())
		require.NoError(t, err)
		require.Len(t, pointsAt(t, c, home), 6)
		nothingShared(t, c)
	})
}

// A run that somebody made up does not become the engine's own by the calls
// that took back what it shares.
func TestWhatAnEngineSettlesIsNotItsOwn(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(), time.Now()
		p.Sources = p.Sources[1:]
		run(t, c, p, at)
		madeUp := at.Add(time.Hour)
		time.Sleep(2 * time.Hour)
		probe := newCloud(t)
		probe.resources[siteB] = c.resources[siteB]
		step := firstStep(t, probe, p, madeUp)
		forged := c.put(siteB, backup.Snapshot{Volume: "vol-b1", SizeGiB: 30, Started: madeUp.Add(time.Second), Description: step.Description}, step.Tags)
		forged.done, forged.shared[vault] = madeUp, true
		time.Sleep(2 * time.Hour)
		e := engine(t, c, backup.Options{})
		c.before = func(k call) error {
			if k.step.Kind == backup.StepSnapshot {
				return backup.ErrDenied
			}
			return nil
		}
		_, err := e.Run(t.Context(), p, time.Now())
		require.ErrorIs(t, err, backup.ErrDenied)
		require.Empty(t, forged.shared, "it was taken back")
		c.before = nil
		time.Sleep(time.Hour)
		_, err = e.Run(t.Context(), p, time.Now())
		require.NoError(t, err)
		require.Len(t, pointsAt(t, c, home), 2, "the real runs")
	})
}
