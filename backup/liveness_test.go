package backup_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
)

// slow is a cloud whose listings take as long as lists says, and no lock is held.
type slow struct {
	*cloud
	lists func(site backup.Site) time.Duration
}

type slowClient struct {
	*fakeClient
	lists func(site backup.Site) time.Duration
}

func (s slow) Open(cfg aws.Config, site backup.Site) backup.Client {
	return slowClient{&fakeClient{s.cloud, site, accounts.Purpose(cfg.AppID)}, s.lists}
}

func (s slowClient) List(ctx context.Context, q backup.Query) iter.Seq2[backup.Snapshot, error] {
	time.Sleep(s.lists(s.site))
	return s.fakeClient.List(ctx, q)
}

func slowEngine(t *testing.T, c *cloud, lists func(site backup.Site) time.Duration, opts backup.Options) *backup.Engine {
	t.Helper()
	opts.Vault = vault
	e, err := backup.New(c, []backup.Driver{slow{c, lists}}, opts)
	require.NoError(t, err)
	return e
}

// begunBy returns when the last of the snapshots at a site was begun.
func begunBy(c *cloud, site backup.Site, start time.Time) (last time.Duration) {
	for _, s := range c.at(site) {
		last = max(last, s.Started.Sub(start))
	}
	return last
}

// takesAtHome says how long copies take at home, and all else.
func takesAtHome(there, elsewhere time.Duration) func(backup.Snapshot) time.Duration {
	return func(s backup.Snapshot) time.Duration {
		if s.KMSKey == keyAt(home) {
			return there
		}
		return elsewhere
	}
}

func twoCopies(first, then backup.Site) backup.Plan {
	p := fleetPlan()
	p.Copies = []backup.Copy{copyTo(first), copyTo(then)}
	return p
}

// A listing that takes longer than listings are kept that nobody asks for.
func TestAListingThatTakesLongIsNotForgotten(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, start := fleet(t, 1, same(10)), time.Now()
		e := slowEngine(t, c, func(site backup.Site) time.Duration {
			if site == home && time.Since(start) > 10*time.Second {
				return 11 * time.Minute
			}
			return 0
		}, backup.Options{})
		j := jobs(t, e, fleetPlan(), start)[0]
		for {
			next, out, err := e.Advance(t.Context(), j)
			require.NoError(t, err)
			if j = next; out.Done {
				return
			}
			time.Sleep(time.Until(out.NotBefore))
		}
	})
}

// The line is of a listing that was forgotten meanwhile.
func TestALineOfWhatIsForgotten(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, start, hung := fleet(t, 1, same(10)), time.Now(), false
		c.takesOf = takesAtHome(10*time.Hour, 10*time.Minute)
		_, err := slowEngine(t, c, func(site backup.Site) time.Duration {
			if site == second && time.Since(start) > 18*time.Minute && !hung {
				hung = true
				return 100 * time.Minute
			}
			return 0
		}, backup.Options{}).Run(t.Context(), twoCopies(home, second), start)
		require.NoError(t, err)
	})
}

// An original disappears while it is pending, and a destination cannot be listed.
func TestWhatIsGoneIsNotLookedForAllTheTime(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, start := fleet(t, 1, same(10)), time.Now()
		c.takes = func(int32) time.Duration { return time.Hour }
		c.before = func(k call) error {
			since := time.Since(start)
			if k.op == "list" && k.site == home && since > time.Second && since < 30*time.Minute {
				return fmt.Errorf("InternalError: %w", context.DeadlineExceeded)
			}
			if s := c.snaps["snap-0001"]; s != nil && since > 2*time.Minute {
				s.gone = true
			}
			return nil
		}
		e := engine(t, c, backup.Options{})
		j := jobs(t, e, fleetPlan(), start)[0]
		for n, last := 0, time.Now(); ; n++ {
			next, out, _ := e.Advance(t.Context(), j)
			if j = next; out.Done {
				return
			}
			if time.Now().After(last) {
				n, last = 0, time.Now()
			}
			require.Less(t, n, 20, "at one instant, %v after the start, for %s", time.Since(start), out.Waiting)
			time.Sleep(time.Until(out.NotBefore))
		}
	})
}

// Sixteen workers decide at once that there is a slot at home: those who come
// too late go on with their other destination.
func TestWhoComesTooLateForASlotGoesOnElsewhere(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, start := fleet(t, 16, same(10)), time.Now()
		c.takesOf = takesAtHome(time.Hour, time.Minute)
		_, err := engine(t, c, backup.Options{Slots: 1}).Run(t.Context(), twoCopies(home, second), start)
		require.NoError(t, err)
		require.Less(t, begunBy(c, second, start), 20*time.Minute)
	})
}

// refusing is a Limiter by which other engines have all slots of some sites.
type refusing struct {
	backup.Limiter
	refuses func(site backup.Site) bool
}

func (r refusing) Reserve(ctx context.Context, site backup.Site, key string, room int, hold time.Duration) (bool, error) {
	if r.refuses(site) {
		return false, nil
	}
	return r.Limiter.Reserve(ctx, site, key, room, hold)
}

// The same where other engines have reserved the slots.
func TestWhatOthersReservedHoldsUpNoOtherDestination(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, start := fleet(t, 4, same(10)), time.Now()
		_, err := engine(t, c, backup.Options{Limiter: refusing{backup.NewLimiter(), func(site backup.Site) bool {
			return site == home && time.Since(start) < time.Hour
		}}}).Run(t.Context(), twoCopies(home, second), start)
		require.NoError(t, err)
		require.Less(t, begunBy(c, second, start), 5*time.Minute)
	})
}

// A listing that hangs is waited for by who needs it, and by nobody else.
func TestAListingThatHangsHoldsUpNoOtherDestination(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, start, hung := fleet(t, 12, same(10)), time.Now(), false
		c.takesOf = takesAtHome(10*time.Minute, time.Minute)
		_, err := slowEngine(t, c, func(site backup.Site) time.Duration {
			if site == second && time.Since(start) > 4*time.Minute && !hung {
				hung = true
				return 2 * time.Hour
			}
			return 0
		}, backup.Options{Slots: 2}).Run(t.Context(), twoCopies(second, home), start)
		require.NoError(t, err)
		n := 0
		for _, s := range c.at(home) {
			if s.Started.Sub(start) < time.Hour {
				n++
			}
		}
		require.GreaterOrEqual(t, n, 11, "all but that of who lists; two were begun, and nothing for two hours")
	})
}

// While a job lists one destination, another job lists the other, and is done:
// the first does not wait for the listing after.
func TestNewsOfMeanwhileAreNotLost(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, start := fleet(t, 2, func(i int) int32 { return int32(10 + i) }), time.Now()
		c.takesOf = func(s backup.Snapshot) time.Duration {
			switch {
			case s.KMSKey == keyAt(home):
				return 30 * time.Minute
			case s.KMSKey == keyAt(second) && s.SizeGiB == 10:
				return 20 * time.Minute
			}
			return time.Minute
		}
		_, err := slowEngine(t, c, func(site backup.Site) time.Duration {
			if at := time.Since(start); site == second && at > 15*time.Minute && at < 30*time.Minute {
				return 40*time.Minute - at
			}
			return 0
		}, backup.Options{MaxPoll: 3 * time.Hour}).Run(t.Context(), twoCopies(home, second), start)
		require.NoError(t, err)
		require.Less(t, time.Since(start), 50*time.Minute)
	})
}

// A copy that is refused gives its slot back, and who waits for it is told.
func TestASlotThatIsGivenBackIsTaken(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, start, n := fleet(t, 3, func(i int) int32 { return int32(100 - i) }), time.Now(), 0
		c.before = func(k call) error {
			if k.op == string(backup.StepCopy) {
				if n++; n == 1 {
					return fmt.Errorf("copy: %w", backup.ErrDenied)
				}
			}
			return nil
		}
		_, err := engine(t, c, backup.Options{Slots: 1, MaxPoll: 3 * time.Hour}).Run(t.Context(), fleetPlan(), start)
		require.ErrorIs(t, err, backup.ErrDenied)
		require.Less(t, begunBy(c, home, start), 10*time.Minute)
	})
}
