package backup_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/snapkeep/snapkeep/backup"
)

// Two engines at once: the runs of two plans on one instance take turns.
func TestTwoEnginesTakeTurnsAtRest(t *testing.T) {
	for _, same := range []bool{false, true} {
		t.Run(map[bool]string{false: "two plans", true: "one run"}[same], func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, plans := story(t), []backup.Plan{calm(true), calm(true)}
				if !same {
					plans[1].Name = "hourly"
				}
				c.agent.lag = time.Second
				at := time.Now()
				var g errgroup.Group
				for i, p := range plans {
					g.Go(func() error {
						time.Sleep(time.Duration(i) * 1500 * time.Millisecond)
						_, err := engine(t, c, backup.Options{}).Run(t.Context(), p, at)
						return err
					})
				}
				require.NoError(t, g.Wait())
				for _, p := range plans {
					sound(t, c, p, same)
				}
			})
		})
	}
}

// While one run has the instance at rest, or on its way there, another waits;
// and no longer than that.
func TestARestIsNotBegunWithinAnother(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, plans := story(t), []backup.Plan{calm(false), calm(false)}
		plans[1].Name = "hourly"
		c.agent.run = func(backup.StepKind, int) (time.Duration, backup.CommandState) {
			return 40 * time.Second, backup.CommandSucceeded
		}
		var g errgroup.Group
		for i, p := range plans {
			g.Go(func() error {
				time.Sleep(time.Duration(i) * 10 * time.Second)
				_, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
				return err
			})
		}
		require.NoError(t, g.Wait())
		require.Equal(t, []backup.StepKind{backup.StepQuiesce, backup.StepResume, backup.StepQuiesce, backup.StepResume}, c.sent(db))
		require.Less(t, c.agent.scripts[2].sent.Sub(c.agent.scripts[1].ends), 20*time.Second)
		for _, p := range plans {
			sound(t, c, p)
		}
	})
}

// A process dies while the script runs that brings the instance to rest: who
// takes the run up follows it to its end, and ends the rest after that.
func TestAScriptThatOutlivesItsProcess(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), calm(true), time.Now()
		c.agent.run = func(kind backup.StepKind, _ int) (time.Duration, backup.CommandState) {
			return map[backup.StepKind]time.Duration{backup.StepQuiesce: 40 * time.Second, backup.StepResume: time.Second}[kind], backup.CommandSucceeded
		}
		ctx, crash := withStop(t)
		c.after = func(k call) error {
			if k.op == "quiesce" {
				crash()
			}
			return ctx.Err()
		}
		_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
		require.ErrorIs(t, err, context.Canceled)
		c.after = nil
		run(t, c, p, at)
		sound(t, c, p)
	})
}

// An instance that a process has left at rest is woken at once, and brought to
// rest anew once it is known that no snapshots were made.
func TestAnInstanceLeftAtRestIsWokenAtOnce(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), calm(false), time.Now()
		ctx, crash := withStop(t)
		c.after = func(k call) error {
			if k.op == "quiesce" {
				crash()
			}
			return ctx.Err()
		}
		c.before = func(call) error { return ctx.Err() } // it cannot even end the rest
		_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
		require.ErrorIs(t, err, context.Canceled)
		c.before, c.after = nil, nil
		time.Sleep(10 * time.Second)
		taken := time.Now()
		run(t, c, p, at)
		require.Equal(t, []backup.StepKind{backup.StepQuiesce, backup.StepResume, backup.StepQuiesce, backup.StepResume}, c.sent(db))
		require.Less(t, c.agent.scripts[1].sent.Sub(taken), 5*time.Second)
		require.Equal(t, []backup.Consistency{backup.ApplicationConsistent, backup.ApplicationConsistent}, consistencies(t, c, p))
		sound(t, c, p)
	})
}

// A script that ends the rest counts if it was sent once the one before was over,
// also where AWS does not tell when that was.
func TestScriptsWhoseEndIsNotTold(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), calm(false)
		c.agent.untold = true
		run(t, c, p, time.Now())
		require.Equal(t, []backup.StepKind{backup.StepQuiesce, backup.StepResume}, c.sent(db))
		sound(t, c, p)
	})
}

// Where neither script was delivered, the instance never rested: that is no
// reason to go on trying, nor to say that it may still be at rest.
func TestAnAgentThatIsGone(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), calm(true)
		c.agent.gone = true
		c.agent.run = func(backup.StepKind, int) (time.Duration, backup.CommandState) {
			return time.Second, backup.CommandFailed
		}
		report := run(t, c, p, time.Now())
		require.Equal(t, backup.Done, report.Jobs[0].Stage)
		require.Equal(t, []backup.StepKind{backup.StepQuiesce, backup.StepResume}, c.sent(db))
		require.Equal(t, []backup.Consistency{backup.FellBack, backup.FellBack}, consistencies(t, c, p))
	})
}
