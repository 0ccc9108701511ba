package backup_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

// A skewed is the cloud as a machine sees it whose clock is ahead of AWS's: all
// that AWS did seems to be so much longer ago.
type skewed struct {
	*cloud
	ahead time.Duration
}

func (s skewed) Open(cfg aws.Config, site backup.Site) backup.Client {
	return skewedClient{s.cloud.Open(cfg, site), s.ahead}
}

type skewedClient struct {
	backup.Client
	ahead time.Duration
}

// shift moves all times of a snapshot, those in its tags too: they are AWS's.
func (s skewedClient) shift(snap backup.Snapshot) backup.Snapshot {
	move := func(t *time.Time) {
		if !t.IsZero() {
			*t = t.Add(-s.ahead)
		}
	}
	move(&snap.Started)
	move(&snap.Completed)
	snap.Tags = moved(snap.Tags, -s.ahead)
	return snap
}

func moved(tags map[string]string, by time.Duration) map[string]string {
	if t, err := time.Parse(time.RFC3339Nano, tags["snapkeep:taken"]); err == nil {
		tags = maps.Clone(tags)
		tags["snapkeep:taken"] = t.Add(by).Format(time.RFC3339Nano)
	}
	return tags
}

func (s skewedClient) List(ctx context.Context, q backup.Query) iter.Seq2[backup.Snapshot, error] {
	return func(yield func(backup.Snapshot, error) bool) {
		q.Started = slices.Clone(q.Started)
		for i := range q.Started {
			q.Started[i].From, q.Started[i].To = q.Started[i].From.Add(s.ahead), q.Started[i].To.Add(s.ahead)
		}
		for snap, err := range s.Client.List(ctx, q) {
			if !yield(s.shift(snap), err) {
				return
			}
		}
	}
}

func (s skewedClient) Do(ctx context.Context, step backup.Step) ([]backup.Snapshot, error) {
	step.Tags = moved(step.Tags, s.ahead)
	snaps, err := s.Client.Do(ctx, step)
	for i := range snaps {
		snaps[i] = s.shift(snaps[i])
	}
	return snaps, err
}

// Two processes work on the same run at once, against the rules, on machines
// whose clocks differ. What they double is spare: every point is whole and of
// one moment, the catalog has it once, nothing is left shared, and neither
// reports a failure.
func TestTwoProcessesOnOneRun(t *testing.T) {
	seeds := 200
	if testing.Short() {
		seeds = 40
	}
	spares := 0
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			inTime(t, func(t *testing.T) { spares += twoProcesses(t, rand.New(rand.NewPCG(uint64(seed), 7))) })
		})
	}
	require.Positive(t, spares, "nothing was doubled")
}

func twoProcesses(t *testing.T, random *rand.Rand) (spares int) {
	upTo := func(d time.Duration) time.Duration { return time.Duration(random.Int64N(int64(d) + 1)) }
	c := story(t)
	c.lag, c.latency = upTo(25*time.Second), upTo(2*time.Second)
	c.volumeRate = true
	slow := upTo(5 * time.Minute)
	c.takes = func(giB int32) time.Duration { return 5*time.Second + slow + time.Duration(giB)*time.Second }
	p := nightly(copyTo(home), copyTo(second))
	at := time.Now()
	var both errgroup.Group
	for i := range 2 {
		seen := skewed{c, upTo(10*time.Minute) - 5*time.Minute}
		e, err := backup.New(c, []backup.Driver{seen}, backup.Options{Vault: vault, Concurrency: 1 + random.IntN(4)})
		require.NoError(t, err)
		delay := time.Duration(i) * upTo(time.Duration(random.IntN(2))*10*time.Minute)
		both.Go(func() error {
			time.Sleep(delay)
			_, err := e.Run(t.Context(), p, at)
			return err
		})
	}
	require.NoError(t, both.Wait())
	return wholeThough(t, c, p, at)
}

// wholeThough checks that each resource has one point at each place, complete and of
// one moment, and returns how many snapshots there are too many.
func wholeThough(t *testing.T, c *cloud, p backup.Plan, at time.Time) (spares int) {
	t.Helper()
	nothingShared(t, c)
	list := points(t, c, p)
	require.Len(t, list, 3*(1+len(p.Copies)))
	taken := map[string]time.Time{}
	for _, pt := range list {
		if !pt.Copy {
			taken[pt.Resource] = pt.Time
		}
	}
	for _, pt := range list {
		require.Equal(t, taken[pt.Resource], pt.Time, "a copy of other originals than the first")
		require.Equal(t, retention.Complete, pt.State, "%+v", pt)
		require.Equal(t, at.UTC().Truncate(time.Second), pt.Run)
		spares += len(pt.Extra)
		for _, extra := range pt.Extra {
			if pt.Copy {
				require.Equal(t, taken[pt.Resource].Format(time.RFC3339Nano), extra.Tags["snapkeep:taken"], "what another set was copied from")
			}
		}
	}
	for _, s := range c.snaps {
		if !s.gone {
			require.Equal(t, backup.SnapshotCompleted, c.now(s).State, s.ID)
			require.Empty(t, s.Tags["snapkeep:step"], "an intermediate is left")
		}
	}
	return spares
}

// A process is killed at a random call, and another takes the run up on a
// machine whose clock differs by minutes: nothing is doubled.
func TestTakenUpOnAnotherClock(t *testing.T) {
	seeds := 200
	if testing.Short() {
		seeds = 40
	}
	p := nightly(copyTo(home), copyTo(second))
	calls := mutationsOf(t, p)
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			onAnotherClock(t, p, calls, rand.New(rand.NewPCG(uint64(seed), 8)))
		})
	}
}

func onAnotherClock(t *testing.T, p backup.Plan, calls int, random *rand.Rand) {
	clock := func() time.Duration { return time.Duration(random.IntN(599)-299) * time.Second }
	var c *cloud
	var at, died time.Time
	inTime(t, func(t *testing.T) {
		time.Sleep(time.Hour)
		c = story(t)
		c.ahead, c.lag = clock(), time.Duration(random.IntN(25))*time.Second
		at = time.Now()
		ctx, crash := withStop(t)
		last, after := 1+random.IntN(calls), random.IntN(2) == 0
		n := 0
		die := func(k call) error {
			if k.mutates() {
				if n++; n == last {
					crash()
				}
			}
			return ctx.Err()
		}
		if after {
			c.after = die
		} else {
			c.before = die
		}
		_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
		require.ErrorIs(t, err, context.Canceled)
		died = c.time()
	})
	inTime(t, func(t *testing.T) {
		ahead, pause := clock(), []time.Duration{0, time.Second, time.Minute, 20 * time.Minute}[random.IntN(4)]
		time.Sleep(time.Until(died.Add(pause - ahead)))
		c.t, c.ahead, c.before, c.after = t, ahead, nil, nil
		run(t, c, p, at)
		intact(t, c, p, at)
	})
}
