package backup_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/snapkeep/snapkeep/backup"
)

// fleet is a cloud with n single-volume instances of a size in account B.
func fleet(t *testing.T, n int, giB func(i int) int32) *cloud {
	c := newCloud(t)
	for i := range n {
		c.resources[siteB] = append(c.resources[siteB], instance(siteB, fmt.Sprintf("i-%04d", i), root(fmt.Sprintf("vol-%04d", i), giB(i))))
	}
	return c
}

func fleetPlan() backup.Plan {
	p := nightly()
	p.Sources = p.Sources[1:]
	return p
}

func same(giB int32) func(int) int32 { return func(int) int32 { return giB } }

func TestSlotsAreKept(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := fleet(t, 60, same(10))
		c.after = func(k call) error {
			require.NotEqual(t, 0, c.slots)
			return nil
		}
		refused := 0
		report, err := engine(t, c, backup.Options{OnEvent: func(e backup.Event) {
			if e.Err != nil {
				refused++
			}
		}}).Run(t.Context(), fleetPlan(), time.Now())
		require.NoError(t, err)
		require.Equal(t, 60, report.Copies)
		require.Equal(t, 60, c.count(backup.StepCopy))
		require.Zero(t, refused, "the engine never asks for more than 20")
	})
}

// What listings do not show yet takes its slot, and what they never show gives
// it back.
func TestSlotsAreKeptThoughListingsLag(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := fleet(t, 40, same(100))
		c.lag = time.Minute
		_, err := engine(t, c, backup.Options{OnEvent: func(ev backup.Event) { require.NoError(t, ev.Err) }}).Run(t.Context(), fleetPlan(), time.Now())
		require.NoError(t, err)
		require.Equal(t, 40, c.count(backup.StepCopy))
	})
	inTime(t, func(t *testing.T) {
		c := fleet(t, 3, same(10))
		c.after = func(k call) error {
			if k.op == string(backup.StepCopy) && len(c.order) == 4 {
				c.mu.Lock()
				c.snaps["snap-0004"].gone = true
				c.mu.Unlock()
			}
			return nil
		}
		report, err := engine(t, c, backup.Options{Slots: 1}).Run(shortly(t, time.Hour), fleetPlan(), time.Now())
		require.ErrorContains(t, err, "snap-0004 has disappeared")
		require.Equal(t, 2, report.Copies)
	})
}

// One destination that takes long does not keep another from its next attempt.
func TestADestinationIsTriedAgainWhileAnotherCopies(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := fleet(t, 1, same(10)), fleetPlan()
		p.Copies = []backup.Copy{copyTo(home), copyTo(second)}
		c.takesOf = func(s backup.Snapshot) time.Duration {
			if s.KMSKey == keyAt(home) {
				return 10 * time.Hour
			}
			return time.Minute
		}
		at, tried := time.Now(), time.Duration(0)
		c.before = func(k call) error {
			if k.site != second || tried >= 5*time.Hour {
				return nil
			}
			if tried = time.Since(at); tried < 5*time.Hour {
				return fmt.Errorf("list: %w", context.DeadlineExceeded)
			}
			return nil
		}
		_, err := engine(t, c, backup.Options{MaxPoll: 3 * time.Hour, Patience: 1000}).Run(t.Context(), p, at)
		require.NoError(t, err)
		require.Less(t, tried, 5*time.Hour+10*time.Minute)
	})
}

// Others use the account's slots too: the engine learns that there are fewer.
func TestFewerSlotsThanThought(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := fleet(t, 40, same(10))
		c.slots = 3
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), fleetPlan(), time.Now())
		require.NoError(t, err)
		require.Equal(t, 40, report.Copies)
		require.Less(t, c.count(backup.StepCopy), 80, "refused calls are few")
		nothingShared(t, c)
	})
}

// Two processes have plans for one volume: the second sees what the first has
// just made, and waits as long as EC2 wants.
func TestSnapshotsOfAVolumeKeepTheirDistance(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, plans := fleet(t, 1, same(10)), []backup.Plan{fleetPlan(), fleetPlan()}
		plans[1].Name, c.lag = "hourly", 0
		var both errgroup.Group
		for i, p := range plans {
			both.Go(func() error {
				time.Sleep(time.Duration(i) * 4 * time.Second)
				report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
				require.Equal(t, 1, report.Calls["CreateSnapshots"], "none was refused")
				return err
			})
		}
		require.NoError(t, both.Wait())
	})
}

func TestPendingOriginalsAreKept(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := fleet(t, 250, same(100))
		pending := 0
		c.before = func(k call) error {
			if k.op == string(backup.StepSnapshot) {
				n := 0
				for _, s := range c.snaps {
					if s.site == siteB && time.Now().Before(s.done) {
						n++
					}
				}
				pending = max(pending, n+1)
			}
			return nil
		}
		p := fleetPlan()
		p.Copies = nil
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.NoError(t, err)
		require.Equal(t, 250, report.Points)
		t.Logf("at most %d pending", pending)
		require.LessOrEqual(t, pending, 100)
		require.Greater(t, pending, 80)
	})
}

// EC2 refuses once its bucket is empty; the pacer knows before.
func TestThePaceIsKept(t *testing.T) {
	for name, test := range map[string]struct {
		burst, refill float64 // what EC2 grants
		most          int     // refusals
	}{
		"as published":                 {100, 5, 0},
		"far less, others are at work": {10, 1, 60},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c := fleet(t, 300, same(1))
				c.takes = func(int32) time.Duration { return time.Second }
				tokens, at, refused := test.burst, time.Now(), 0
				c.before = func(k call) error {
					if k.op != string(backup.StepSnapshot) {
						return nil
					}
					tokens = min(tokens+time.Since(at).Seconds()*test.refill, test.burst)
					at = time.Now()
					if tokens < 1 {
						refused++
						return fmt.Errorf("RequestLimitExceeded: %w", backup.ErrThrottled)
					}
					tokens--
					return nil
				}
				p := fleetPlan()
				p.Copies = nil
				start := time.Now()
				report, err := engine(t, c, backup.Options{MaxPending: 1000}).Run(t.Context(), p, start)
				require.NoError(t, err)
				require.Equal(t, 300, report.Points)
				t.Logf("%d refused, %v", refused, time.Since(start))
				require.LessOrEqual(t, refused, test.most)
			})
		})
	}
}

// Two hundred volumes into one destination: the makespan is close to what the
// slots allow, and calls are few.
func TestManyVolumes(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := fleet(t, 200, func(i int) int32 { return int32(10 + i*7919%500) })
		c.takes = func(giB int32) time.Duration { return 2*time.Minute + time.Duration(giB)*5*time.Second }
		e := engine(t, c, backup.Options{Estimate: backup.Estimate{SnapshotRate: 1024.0 / 5, CopyRate: 1024.0 / 5}})
		p, at := fleetPlan(), time.Now()
		forecast := e.Forecast(jobs(t, e, p, at))
		t.Log(forecast)
		before := len(c.calls)
		start := time.Now()
		report, err := e.Run(t.Context(), p, at)
		require.NoError(t, err)
		took := report.Ended.Sub(start)
		calls := len(c.calls) - before
		t.Logf("%v, %.1f%% above the bound; %.2f calls a volume, %d of them listings", took,
			100*(took.Seconds()/forecast.Makespan.Seconds()-1), float64(calls)/200, calls-c.mutations())
		require.Equal(t, 200, report.Copies)
		require.Equal(t, forecast.Calls, report.Calls)
		require.Less(t, took, forecast.Makespan*105/100)
		require.GreaterOrEqual(t, took, forecast.Makespan)
		require.Equal(t, 800, c.mutations())
	})
}

// EC2's limit on pending snapshots is lower than thought.
func TestFewerPendingThanThought(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := fleet(t, 60, same(100))
		refused := 0
		c.before = func(k call) error {
			if k.op != string(backup.StepSnapshot) {
				return nil
			}
			n := 0
			for _, s := range c.snaps {
				if time.Now().Before(s.done) {
					n++
				}
			}
			if n >= 12 {
				refused++
				return errors.Join(&smithy.GenericAPIError{Code: "PendingSnapshotLimitExceeded"}, backup.ErrQuota)
			}
			return nil
		}
		p := fleetPlan()
		p.Copies = nil
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.NoError(t, err)
		require.Equal(t, 60, report.Points)
		t.Logf("%d refused", refused)
		require.Less(t, refused, 150)
	})
}

func TestARunOfTheFutureWaits(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, at := story(t), time.Now().Add(time.Hour)
		run(t, c, nightly(), at)
		for _, s := range c.snaps {
			require.False(t, s.made.Before(at))
		}
		intact(t, c, nightly(), at)
	})
}
