package backup_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

// A host stores jobs now and then and crashes in between: an older form of a
// job comes to the same end, wherever the lost one had come to.
func TestAnOlderFormOfAJob(t *testing.T) {
	p := nightly(copyTo(home), copyTo(second))
	p.Sources = p.Sources[:1]
	for kept := range 24 {
		for _, lost := range []int{1, 3, 9, 100} {
			inTime(t, func(t *testing.T) {
				c, at := story(t), time.Now()
				c.resources[siteB] = nil
				for _, j := range jobs(t, engine(t, c, backup.Options{}), p, at) {
					older := forward(t, c, j, kept)
					forward(t, c, older, lost)
					time.Sleep(30 * time.Second)
					require.Equal(t, backup.Done, forward(t, c, older, 1000).Stage)
				}
				intact(t, c, p, at)
			})
		}
	}
}

// forward advances a job until it has made n calls that change something, or
// is done.
func forward(t *testing.T, c *cloud, j backup.Job, n int) backup.Job {
	t.Helper()
	e := engine(t, c, backup.Options{})
	for until := c.mutations() + n; c.mutations() < until; {
		next, out, err := e.Advance(t.Context(), j)
		require.NoError(t, err)
		j = stored(t, next)
		if out.Done {
			break
		}
		time.Sleep(time.Until(out.NotBefore))
	}
	return j
}

// Two runs of one engine overlap: the second also finishes what the first has
// not finished yet, and neither makes what the other makes.
func TestRunsOfOneEngineMayOverlap(t *testing.T) {
	for _, apart := range []time.Duration{time.Second, time.Minute, 3 * time.Minute, 5 * time.Minute, 11 * time.Minute} {
		inTime(t, func(t *testing.T) {
			c, p, at := story(t), nightly(copyTo(home), copyTo(second)), time.Now()
			c.slots = 2
			e := engine(t, c, backup.Options{Slots: 2})
			var both errgroup.Group
			both.Go(func() error {
				_, err := e.Run(t.Context(), p, at)
				return err
			})
			both.Go(func() error {
				time.Sleep(apart)
				_, err := e.Run(t.Context(), p, at.Add(apart))
				return err
			})
			require.NoError(t, both.Wait())
			nothingShared(t, c)
			list := points(t, c, p)
			require.Len(t, list, 18)
			for _, pt := range list {
				require.Equal(t, retention.Complete, pt.State)
				require.Empty(t, pt.Extra, "something is doubled")
			}
			require.Equal(t, 20, c.count(backup.StepCopy)-2, "five volumes to two places twice, and one rekeyed twice")
		})
	}
}

// Two runs of the very same moment, in one engine, at once.
func TestTheSameRunTwiceAtOnce(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(copyTo(home)), time.Now()
		e := engine(t, c, backup.Options{})
		var both errgroup.Group
		for range 2 {
			both.Go(func() error {
				_, err := e.Run(t.Context(), p, at)
				return err
			})
		}
		require.NoError(t, both.Wait())
		intact(t, c, p, at)
	})
}

// A process that stood by takes over at once, though it is older than the run.
func TestAStandbyTakesOver(t *testing.T) {
	p := nightly(copyTo(home))
	for cut := range mutationsOf(t, p) {
		inTime(t, func(t *testing.T) {
			c := story(t)
			active, standby := engine(t, c, backup.Options{}), engine(t, c, backup.Options{})
			time.Sleep(time.Hour)
			at, n := time.Now(), 0
			ctx, crash := withStop(t)
			c.after = func(k call) error {
				if k.mutates() {
					if n++; n == cut+1 {
						crash()
					}
				}
				return ctx.Err()
			}
			_, err := active.Run(ctx, p, at)
			require.Error(t, err)
			c.after = nil
			time.Sleep(10 * time.Second)
			_, err = standby.Run(t.Context(), p, at)
			require.NoError(t, err)
			intact(t, c, p, at)
		})
	}
}

// What was just shared is not found by the other account for a while.
func TestASharedSnapshotIsFoundLater(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(), time.Now()
		c.shareLag = time.Minute
		run(t, c, p, at)
		intact(t, c, p, at)
	})
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(), time.Now()
		c.shareLag = 100 * time.Hour // never
		_, err := engine(t, c, backup.Options{}).Run(t.Context(), p, at)
		require.ErrorIs(t, err, backup.ErrNotFound)
		require.Less(t, time.Since(at), 20*time.Minute)
		nothingShared(t, c)
	})
}

// One job in two hands of one engine makes nothing twice.
func TestOneJobAdvancedTwiceAtOnce(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(copyTo(home)), time.Now()
		e := engine(t, c, backup.Options{})
		var all errgroup.Group
		for _, j := range jobs(t, e, p, at) {
			for range 2 {
				all.Go(func() error {
					for mine := j; ; {
						next, out, err := e.Advance(t.Context(), mine)
						if out.Done || err != nil {
							return err
						}
						mine = next
						time.Sleep(time.Until(out.NotBefore))
					}
				})
			}
		}
		require.NoError(t, all.Wait())
		intact(t, c, p, at)
	})
}

// Two processes' runs overlap against the rules, as when copies take longer
// than the time between runs: the second leaves the first alone, and nothing
// is made twice.
func TestRunsOfTwoProcessesThatOverlap(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := fleet(t, 15, func(i int) int32 { return int32(10 + i) })
		c.takes = func(giB int32) time.Duration { return 11*time.Hour + time.Duration(giB)*time.Minute }
		p, at := fleetPlan(), time.Now()
		var both errgroup.Group
		both.Go(func() error {
			_, err := engine(t, c, backup.Options{Slots: 5}).Run(t.Context(), p, at)
			return err
		})
		time.Sleep(24*time.Hour + 7*time.Second)
		both.Go(func() error {
			report, err := engine(t, c, backup.Options{Slots: 5}).Run(t.Context(), p, at.Add(24*time.Hour))
			for _, j := range report.Jobs {
				require.False(t, j.Settle)
			}
			return err
		})
		require.NoError(t, both.Wait())
		keys := map[string]bool{}
		for _, s := range c.at(home) {
			require.False(t, keys[s.Tags["snapkeep:key"]], "%s is doubled", s.ID)
			keys[s.Tags["snapkeep:key"]] = true
		}
		require.Len(t, keys, 30)
		nothingShared(t, c)
	})
}

// What a process left is settled once nothing was made for its run for a while.
func TestARunIsLeftAloneForAWhile(t *testing.T) {
	for _, test := range []struct {
		last    backup.StepKind
		after   time.Duration
		settled bool
	}{
		{backup.StepCopy, 30 * time.Minute, false},
		{backup.StepCopy, 90 * time.Minute, true},
		{backup.StepShare, 30 * time.Minute, false},
		{backup.StepShare, 90 * time.Minute, true},
	} {
		inTime(t, func(t *testing.T) {
			c, p, at := fleet(t, 3, same(10)), fleetPlan(), time.Now()
			ctx, crash := withStop(t)
			c.after = func(k call) error {
				if k.op == string(test.last) {
					crash()
				}
				return ctx.Err()
			}
			_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
			require.Error(t, err)
			c.after = nil
			time.Sleep(test.after)
			list := jobs(t, engine(t, c, backup.Options{}), p, time.Now())
			require.Equal(t, test.settled, list[0].Settle, "%+v", test)
			list = jobs(t, engine(t, c, backup.Options{Rest: time.Minute}), p, time.Now())
			require.True(t, list[0].Settle)
		})
	}
}
