package story_test

import (
	"context"
	"errors"
	"flag"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/restore"
)

// soakSeeds is small, so that the tests stay quick; the gate takes 200.
var soakSeeds = flag.Int("soak.seeds", 20, "random runs of TestSoak")

// soakRounds is how often a step is taken at most until it is quiet.
const soakRounds = 25

// TestSoak has one call in twenty fail, whatever it does and in whatever way,
// while another tool uses up the request rates and the process dies now and
// then. Each step is taken again until it reports success; then the invariants
// hold, and the end is that of a world in which nothing fails.
//
// Every other seed has an engine with many workers; what these do at one
// moment is not a function of the seed. Every third has everything be missing
// or stale in listings for a while, every fourth lets credentials expire after
// a quarter of an hour, and every fifth has AWS's answers hang as often as all
// other ways of failing come together. Every third, others than those of the
// listings, goes on at each restart, and in each step, on a machine whose clock is
// another. Every fourth has a plan that asks for all there is at once.
func TestSoak(t *testing.T) {
	plain := setting{
		build: func(t *testing.T) *lab { return kept(t, "last=1", "last=1") },
		steps: func() []step {
			return []step{aDay("day 1"), aDay("day 2"), aPruning(1, 1), aRestore(1, restore.Instance), aRestore(2, restore.Volumes)}
		},
	}
	settings, wants := []setting{plain, allAtOnce()}, [][]reference{refer(t, plain), refer(t, allAtOnce())}
	seeds := *soakSeeds
	if testing.Short() {
		seeds = min(seeds, 4)
	}
	var throttled, moves, hung, renewed atomic.Int64
	t.Run("seeds", func(t *testing.T) {
		for seed := range seeds {
			which := 0
			if seed%4 == 1 {
				which = 1
			}
			t.Run(strconv.Itoa(seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := soak(t, settings[which], uint64(seed), wants[which])
					throttled.Add(w.throttled)
					moves.Add(w.moves)
					hung.Add(w.hung)
					renewed.Add(w.renewed)
				})
			})
		}
	})
	require.Positive(t, throttled.Load(), "nothing was throttled")
	require.Positive(t, moves.Load(), "no clock was another's")
	require.Positive(t, hung.Load(), "nothing hung")
	require.Positive(t, renewed.Load(), "no credentials expired")
}

// soak endures all steps of a setting, and returns what it stood.
func soak(t *testing.T, s setting, seed uint64, want []reference) *weather {
	l := s.build(t)
	w := &weather{lab: l, random: rand.New(rand.NewPCG(seed, 0)), hangs: seed%5 == 4, clocks: seed%3 == 1}
	l.Options = backup.Options{Concurrency: int(seed % 2), OnEvent: func(e backup.Event) {
		if errors.Is(e.Err, backup.ErrThrottled) {
			w.throttled++
		}
	}}
	lag := time.Duration(0)
	if seed%3 == 2 {
		lag = longestLag
		l.Cloud.SetLag(lag, seed)
	}
	if seed%4 == 3 {
		l.Session = 15 * time.Minute
	}
	for i, st := range s.steps() {
		if i == 0 || w.clocks {
			w.restart()
		}
		st.ready(l)
		w.endure(st)
		st.then(l)
		time.Sleep(2 * lag)
		require.Empty(t, l.check(), st.name)
		require.Equal(t, want[i].end, l.print(), st.name)
	}
	stats := l.Cloud.Stats()
	require.Positive(t, stats.Faults)
	t.Logf("%d calls, %d failed, %d hung, %d throttled, %d rounds, %d deaths, %d moves, %d renewed",
		w.calls, stats.Faults, w.hung, w.throttled, w.rounds, w.deaths, w.moves, w.renewed)
	return w
}

// A weather is what a soak has its lab stand.
type weather struct {
	*lab
	random *rand.Rand
	hangs  bool // most of what fails hangs
	clocks bool // each process runs by a clock of its own

	calls, deaths, rounds int
	throttled, moves      int64 // calls that were throttled for longer than the SDK puts up with; moves to another clock
	// hung are calls that hung, renewed are those that were made when all
	// credentials had expired that the process began with.
	hung, renewed int64
	born          time.Time // the process
}

// endure takes a step again and again until it reports success.
func (w *weather) endure(s step) {
	var said []error
	for range soakRounds {
		w.rounds++
		err := w.once(s)
		if err == nil {
			return
		}
		said = append(said, err)
		if w.random.IntN(2) == 0 {
			w.restart()
		}
		time.Sleep(time.Duration(w.random.IntN(600)) * time.Second)
	}
	w.t.Fatalf("%s did not come to an end: %v", s.name, said)
}

// once takes a step while everything fails now and then.
func (w *weather) once(s step) error {
	ctx, die := context.WithCancel(w.ctx)
	defer die()
	calls, dead := 0, false
	deadline := 20 + w.random.IntN(200) // the call with which the process dies
	rival := w.rival(ctx)
	w.Cloud.SetFault(w.watch(func(c backuptest.Call) backuptest.Fault {
		w.calls++
		if w.Session > 0 && c.Service == "ec2" && time.Since(w.born) > w.Session {
			w.renewed++
		}
		if calls++; calls == deadline {
			dead = true
			w.deaths++
			die()
		}
		if dead {
			return backuptest.Fault{Way: backuptest.Reset}
		}
		if c.Mutating && w.random.IntN(5) == 0 || w.random.IntN(60) == 0 {
			rival.wake(c)
		}
		if w.random.IntN(20) > 0 {
			return backuptest.Fault{}
		}
		return w.fault()
	}))
	err := s.do(ctx, w.lab)
	die()
	rival.Wait()
	w.calm()
	if dead {
		require.Error(w.t, err, "a process that died reported success")
		w.restart()
	}
	return err
}

// fault draws a way in which a call fails.
func (w *weather) fault() backuptest.Fault {
	f := backuptest.Fault{After: w.random.IntN(2) == 0}
	way := w.random.IntN(7)
	if w.hangs && w.random.IntN(2) == 0 {
		way = 4
	}
	switch way {
	case 0, 1:
		f.Way = backuptest.Reset
	case 2:
		f.Way = backuptest.Garbage
	case 3:
		f.Way = backuptest.Truncate
	case 4:
		f.Way = backuptest.Hang
		w.hung++
	case 5:
		f.Way = backuptest.Refuse
	default:
		f.Way, f.Code, f.Status = backuptest.Refuse, "Unavailable", 503
	}
	return f
}

// A rival is another tool in the same accounts. It changes nothing, but uses
// up the request rates that snapkeep needs.
type rival struct {
	sync.WaitGroup
	prey chan backuptest.Call
}

// rival waits for something to spoil until ctx is done.
func (w *weather) rival(ctx context.Context) *rival {
	r := &rival{prey: make(chan backuptest.Call, 1)}
	r.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case c := <-r.prey:
				r.spoil(ctx, w.ec2(c.Account, c.Region), c.Operation)
			}
		}
	})
	return r
}

// wake points the rival at the rate of a call, if it has nothing else to do.
func (r *rival) wake(c backuptest.Call) {
	select {
	case r.prey <- c:
	default:
	}
}

// spoil makes calls of an operation, first more at once than any rate lets in,
// then a few more for a while.
func (r *rival) spoil(ctx context.Context, client *ec2.Client, operation string) {
	var group sync.WaitGroup
	for _, n := range []int{110, 20, 20, 20} {
		for range n {
			group.Go(func() { burn(ctx, client, operation) })
		}
		time.Sleep(time.Second)
	}
	group.Wait()
}

// burn makes a call that is refused, but for what it costs.
func burn(ctx context.Context, client *ec2.Client, operation string) {
	none := aws.String("snap-00000000000000000")
	once := func(o *ec2.Options) { o.Retryer = aws.NopRetryer{} }
	switch operation {
	case "DescribeSnapshots":
		_, _ = client.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: []string{*none}, MaxResults: aws.Int32(5)}, once)
	case "CreateSnapshots":
		_, _ = client.CreateSnapshots(ctx, &ec2.CreateSnapshotsInput{
			InstanceSpecification: &types.InstanceSpecification{InstanceId: aws.String("i-00000000000000000")},
		}, once)
	case "CopySnapshot":
		_, _ = client.CopySnapshot(ctx, &ec2.CopySnapshotInput{SourceRegion: aws.String("eu-west-1"), SourceSnapshotId: none}, once)
	case "ModifySnapshotAttribute":
		_, _ = client.ModifySnapshotAttribute(ctx, &ec2.ModifySnapshotAttributeInput{
			SnapshotId: none, Attribute: types.SnapshotAttributeNameCreateVolumePermission,
			OperationType: types.OperationTypeRemove, UserIds: []string{"999999999999"},
		}, once)
	case "DeleteSnapshot":
		_, _ = client.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: none}, once)
	}
}
