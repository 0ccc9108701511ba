package story_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/retention"
)

const rivalSeeds = 30

// A clocked is the driver as a machine has it whose clock is ahead of AWS's:
// what AWS did seems to be so much longer ago. All in a bubble have one clock;
// but the engine reads AWS's times from its driver alone, so to the engine it
// is the same whose clock is moved. What the clock means to signatures and
// sessions, TestTakenUpOnAnotherClock shows.
type clocked struct {
	backup.Driver
	ahead time.Duration
}

func (d clocked) Open(cfg aws.Config, site backup.Site) backup.Client {
	return clockedClient{d.Driver.Open(cfg, site), d.ahead}
}

type clockedClient struct {
	backup.Client
	ahead time.Duration
}

func (c clockedClient) Ahead() (time.Duration, bool) {
	ahead, known := c.Client.(backup.Timekeeper).Ahead()
	return ahead - c.ahead, known
}

// shift moves all times of a snapshot, also the one in its tags, which is AWS's.
func (c clockedClient) shift(s backup.Snapshot) backup.Snapshot {
	for _, t := range []*time.Time{&s.Started, &s.Completed} {
		if !t.IsZero() {
			*t = t.Add(-c.ahead)
		}
	}
	s.Tags = retaken(s.Tags, -c.ahead)
	return s
}

func retaken(tags map[string]string, by time.Duration) map[string]string {
	if t, err := time.Parse(time.RFC3339Nano, tags["snapkeep:taken"]); err == nil {
		tags = maps.Clone(tags)
		tags["snapkeep:taken"] = t.Add(by).Format(time.RFC3339Nano)
	}
	return tags
}

func (c clockedClient) List(ctx context.Context, q backup.Query) iter.Seq2[backup.Snapshot, error] {
	return func(yield func(backup.Snapshot, error) bool) {
		for s, err := range c.Client.List(ctx, q) {
			if !yield(c.shift(s), err) {
				return
			}
		}
	}
}

func (c clockedClient) Do(ctx context.Context, step backup.Step) ([]backup.Snapshot, error) {
	step.Tags = retaken(step.Tags, c.ahead)
	made, err := c.Client.Do(ctx, step)
	for i := range made {
		made[i] = c.shift(made[i])
	}
	return made, err
}

// TestTwoEnginesOnOnePlan has two processes work on one plan at once, against
// the rules, on machines whose clocks differ: on the run of one moment, or each
// on one of its own; and of every third pair one is killed at some call. What
// they double is spare: every point is whole and of one moment, and nothing is
// left shared but by who was killed. The next run takes that back and removes
// spare intermediates, and a prune removes all the rest.
func TestTwoEnginesOnOnePlan(t *testing.T) {
	seeds := rivalSeeds
	if testing.Short() {
		seeds = 6
	}
	doubled := make([]map[string]int, seeds)
	t.Run("seeds", func(t *testing.T) {
		for seed := range seeds {
			t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { doubled[seed] = twoEngines(t, uint64(seed)) })
			})
		}
	})
	sum := map[string]int{}
	for _, d := range doubled {
		for kind, n := range d {
			sum[kind] += n
		}
	}
	t.Log(sum)
	for _, kind := range []string{"original", "intermediate", "copy"} {
		require.Positive(t, sum[kind], "no %s was doubled", kind)
	}
}

// twoEngines returns how many snapshots were doubled, by what they are.
func twoEngines(t *testing.T, seed uint64) map[string]int {
	random := rand.New(rand.NewPCG(seed, 9))
	l := kept(t, "last=1", "last=1")
	l.Cloud.SetLag(time.Duration(random.IntN(25))*time.Second, seed)
	killed := 0
	time.Sleep(time.Hour)
	l.write()
	first := time.Now().Truncate(time.Second)
	second := first
	if seed%3 == 1 {
		second = first.Add(time.Duration(1+random.IntN(1200)) * time.Second)
	}
	if seed%3 == 2 {
		killed = 1 + random.IntN(40)
	}
	rekeyed := l.killAt(killed)
	runs := []time.Time{first, second}
	var both errgroup.Group
	died := 0
	for i, at := range runs {
		process := l.Cloud.Process()
		ahead := time.Duration(random.IntN(599)-299) * time.Second
		delay := time.Until(at) + time.Duration(i*random.IntN(2)*random.IntN(600))*time.Second
		engine := l.rival(process, ahead, 1+random.IntN(4))
		both.Go(func() error {
			time.Sleep(delay)
			ctx, stop := process.Context(context.Background())
			defer stop()
			_, err := engine.Run(ctx, l.Plan, at)
			if ctx.Err() != nil {
				died++
				return nil
			}
			return err
		})
	}
	require.NoError(t, both.Wait())
	require.LessOrEqual(t, died, 1)
	l.calm()
	time.Sleep(time.Minute)
	runs = slices.Compact(runs)
	doubled := l.whole(runs, died > 0)
	doubled["intermediate"] = *rekeyed - len(runs) // of the one volume under aws/ebs
	l.forgiven(seed, runs)
	return doubled
}

// killAt has the process die that makes the nth call that changes something,
// and counts the intermediates that are asked for.
func (l *lab) killAt(nth int) (rekeyed *int) {
	n := 0
	rekeyed = new(int)
	l.Cloud.SetFault(l.watch(func(c backuptest.Call) backuptest.Fault {
		if c.Mutating {
			n++
		}
		if c.Operation == "CopySnapshot" && c.Account != l.vault() {
			*rekeyed++
		}
		if c.Mutating && n == nth {
			return backuptest.Fault{Way: backuptest.Die, After: nth%2 == 0}
		}
		return backuptest.Fault{}
	}))
	return rekeyed
}

// rival is an engine of a process of its own, with a clock of its own.
func (l *lab) rival(p *backuptest.Process, ahead time.Duration, workers int) *backup.Engine {
	base := l.Base()
	sessions, err := accounts.New(p.Config(base.Credentials, base.Region), (&stage{World: l.World}).accounts(), accounts.Options{})
	require.NoError(l.t, err)
	e, err := backup.New(sessions, []backup.Driver{clocked{ebs.New(ebs.Options{}), ahead}}, backup.Options{
		Vault: l.vault(), Concurrency: workers, MaxAge: 30 * time.Second,
	})
	require.NoError(l.t, err)
	return e
}

// whole checks that each resource has one point of each run at each place, of
// one moment and with the data of that moment; and that nothing is shared, but
// by who was killed.
func (l *lab) whole(runs []time.Time, killed bool) (doubled map[string]int) {
	require.NoError(l.t, l.Restart())
	doubled = map[string]int{}
	keys := map[string]bool{}
	for _, s := range l.Cloud.Snapshots() {
		require.True(l.t, killed || len(s.Shares) == 0, "%s is left shared with %v", s.ID, s.Shares)
		if s.Tags["snapkeep:vault"] != string(l.vault()) || s.Tags["snapkeep:step"] != "" {
			continue
		}
		require.Equal(l.t, types.SnapshotStateCompleted, s.State, s.StateMessage)
		key := s.Account.String() + s.Origin + s.Tags["snapkeep:key"]
		switch {
		case keys[key] && s.Tags["snapkeep:source"] != "":
			doubled["copy"]++
		case keys[key]:
			doubled["original"]++
		}
		keys[key] = true
	}
	l.wholePoints(runs)
	return doubled
}

// wholePoints asks the engine for its recovery points.
func (l *lab) wholePoints(runs []time.Time) {
	taken := map[string]time.Time{}
	var copies []backup.Point
	n := 0
	for p, err := range l.Engine.Points(l.ctx, backup.PointFilter{Sites: l.Plan.Sites()}) {
		require.NoError(l.t, err)
		require.Equal(l.t, retention.Complete, p.State, "%+v", p)
		n++
		if p.Copy {
			copies = append(copies, p)
			continue
		}
		taken[p.ID] = p.Time
	}
	require.Equal(l.t, len(runs)*len(l.resources)*(1+len(l.Plan.Copies)), n)
	for _, p := range copies {
		require.Equal(l.t, taken[p.ID], p.Time, "a copy of other originals than the first")
		for _, m := range p.Members {
			got, err := l.Cloud.ReadSnapshot(backuptest.Ref{Account: p.Site.Account, Region: p.Site.Region, ID: m.Snapshot.ID})
			require.NoError(l.t, err)
			require.True(l.t, got.Equal(l.held(m.Volume, p.Time)), "%s is not what %s held at %v", m.Snapshot.ID, m.Volume, p.Time)
		}
	}
}

// forgiven takes the next day's run and a prune. Then nothing tells any more
// that there were two.
func (l *lab) forgiven(seed uint64, runs []time.Time) {
	l.Cloud.SetLag(0, seed)
	l.want.originals, l.want.copies = slices.Clone(runs), slices.Clone(runs)
	l.pass(aDay("day 2"))
	for _, s := range l.Cloud.Snapshots() {
		require.Empty(l.t, s.Tags["snapkeep:step"], "the next run left the intermediate %s", s.ID)
	}
	l.pass(aPruning(1, 1))
	l.watching.Wait()
	l.mu.Lock()
	l.seen = slices.DeleteFunc(l.seen, func(s string) bool { return strings.Contains(s, " are both of ") })
	l.mu.Unlock()
	require.Empty(l.t, l.check())
}
