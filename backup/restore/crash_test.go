package restore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup/restore"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A blow is what happens to one mutating call of a run.
type blow struct {
	name  string
	fault core.Fault
	// fatal says that the process dies with the call: nothing it sends
	// afterwards arrives, and its context ends.
	fatal bool
}

var blows = []blow{
	{"refused", core.Fault{Way: core.Refuse, Error: core.Error{Code: "OperationNotPermitted", Message: "not now", Status: 400}}, false},
	{"500 before", core.Fault{Way: core.Refuse}, false},
	{"reset after", core.Fault{Way: core.Reset, After: true}, false},
	{"crash before", core.Fault{Way: core.Reset}, true},
	{"crash after", core.Fault{Way: core.Reset, After: true}, true},
}

// strike lets a blow fall on the n-th mutating call of the restore's roles,
// and returns how many there were. No n is 0.
func (w *world) strike(n int, b blow, die func()) *int {
	count, dead := new(int), false
	w.cloud.SetFault(func(c core.CallInfo) core.Fault {
		if !strings.Contains(c.Caller, ":assumed-role/snapkeep-") {
			return core.Fault{}
		}
		if dead {
			return core.Fault{Way: core.Reset}
		}
		if !c.Mutating {
			return core.Fault{}
		}
		if *count++; *count != n {
			return core.Fault{}
		}
		if b.fatal {
			dead = true
			die()
		}
		return b.fault
	})
	return count
}

// TestCrashMatrix lets every blow fall on every mutating call of a restore,
// then runs the plan again with a new Restorer: the end is the same, nothing
// is doubled, shared or left. A run that is told of a failure has itself taken
// every share back, unless it died.
func TestCrashMatrix(t *testing.T) {
	for _, as := range []restore.Kind{restore.Volumes, restore.Instance} {
		for name, test := range map[string]struct {
			opts  func() restore.Options
			blows []blow
		}{
			"prompt": {func() restore.Options { return restore.Options{} }, blows},
			"slow":   {func() restore.Options { return slowToShow(40 * time.Second) }, blows[2:]}, // from reset after
		} {
			opts := test.opts
			t.Run(fmt.Sprintf("%s %s", as, name), func(t *testing.T) {
				t.Parallel()
				calls := 0
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					count := w.strike(0, blow{}, nil)
					w.runAgain(w.request(as, away), opts())
					calls = *count
				})
				require.GreaterOrEqual(t, calls, 15)
				if testing.Short() {
					test.blows = test.blows[len(test.blows)-1:] // death after the effect is the worst
				}
				for _, b := range test.blows {
					for n := 1; n <= calls; n++ {
						synctest.Test(t, func(t *testing.T) { crash(t, as, n, b, opts) })
						if t.Failed() {
							t.Fatalf("call %d, %s", n, b.name)
						}
					}
				}
			})
		}
	}
}

// crash runs a restore into a blow and then again.
func crash(t *testing.T, as restore.Kind, n int, b blow, opts func() restore.Options) {
	w := newWorld(t)
	q := w.request(as, away)
	r := w.restorer(opts())
	plan, err := r.Plan(t.Context(), q)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w.strike(n, b, cancel)
	report, err := r.Run(ctx, plan)
	require.NotNil(t, report)
	w.cloud.SetFault(nil)
	switch {
	case b.fatal:
		require.Error(t, err)
	case err == nil:
		w.verify(q, report)
	default:
		shared := false
		for _, l := range report.Left {
			shared = shared || l.Kind == "share"
		}
		if !shared {
			w.nothingShared()
		}
	}
	w.runAgain(q, opts())
}

// runAgain runs a request with a new Restorer and checks the end state.
func (w *world) runAgain(q restore.Request, opts restore.Options) {
	w.t.Helper()
	r := w.restorer(opts)
	plan, err := r.Plan(w.t.Context(), q)
	require.NoError(w.t, err)
	report, err := r.Run(w.t.Context(), plan)
	require.NoError(w.t, err)
	w.verify(q, report)
	if q.As == restore.Instance {
		out, err := w.admin(string(q.Account), q.Region).DescribeInstances(w.t.Context(), &ec2.DescribeInstancesInput{})
		require.NoError(w.t, err)
		require.Len(w.t, out.Reservations, 1, "instances are doubled")
		require.Equal(w.t, report.Instance, aws.ToString(out.Reservations[0].Instances[0].InstanceId))
	}
}

// slowToShow makes listings lag: what is younger does not show yet, and what
// was deleted shows for as long.
func slowToShow(lag time.Duration) restore.Options {
	images, snapshots := map[string]ghost[types.Image]{}, map[string]ghost[types.Snapshot]{}
	return restore.Options{EC2: []func(*ec2.Options){func(o *ec2.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("slowToShow", func(
				ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
			) (middleware.InitializeOutput, middleware.Metadata, error) {
				out, meta, err := next.HandleInitialize(ctx, in)
				switch r := out.Result.(type) {
				case *ec2.DescribeSnapshotsOutput:
					r.Snapshots = late(r.Snapshots, lag, snapshots, func(s types.Snapshot) (string, time.Time) {
						return aws.ToString(s.SnapshotId), aws.ToTime(s.StartTime)
					})
				case *ec2.DescribeVolumesOutput:
					r.Volumes = late(r.Volumes, lag, map[string]ghost[types.Volume]{}, func(v types.Volume) (string, time.Time) {
						return aws.ToString(v.VolumeId), aws.ToTime(v.CreateTime)
					})
				case *ec2.DescribeImagesOutput:
					r.Images = late(r.Images, lag, images, func(i types.Image) (string, time.Time) {
						created, _ := time.Parse("2006-01-02T15:04:05.000Z", aws.ToString(i.CreationDate))
						return aws.ToString(i.ImageId), created
					})
				case *ec2.DescribeInstancesOutput:
					for n := range r.Reservations {
						r.Reservations[n].Instances = late(r.Reservations[n].Instances, lag, map[string]ghost[types.Instance]{},
							func(i types.Instance) (string, time.Time) {
								return aws.ToString(i.InstanceId), aws.ToTime(i.LaunchTime)
							})
					}
				}
				return out, meta, err
			}), middleware.Before)
		})
	}}}
}

// A ghost is something that was listed, and when for the last time.
type ghost[T any] struct {
	thing T
	seen  time.Time
}

func late[T any](found []T, lag time.Duration, ghosts map[string]ghost[T], of func(T) (string, time.Time)) []T {
	var shown []T
	there := map[string]bool{}
	for _, x := range found {
		id, born := of(x)
		there[id] = true
		if time.Since(born) >= lag {
			shown = append(shown, x)
			ghosts[id] = ghost[T]{x, time.Now()}
		}
	}
	for id, g := range ghosts {
		if !there[id] && time.Since(g.seen) < lag {
			shown = append(shown, g.thing)
		}
	}
	return shown
}
