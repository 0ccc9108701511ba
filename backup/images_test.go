package backup_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

// licensed is the story's instance in B's account as one of Windows, alone, and
// a plan that wants images of it at two destinations.
func licensed(t *testing.T) (*cloud, backup.Plan) {
	t.Helper()
	c := story(t)
	c.resources[siteA] = nil
	r := instance(siteB, "i-win", root("vol-w1", 8), plain("vol-w2", 4))
	r.Machine.PlatformDetails, r.Machine.UsageOperation = "Windows", "RunInstances:0002"
	c.resources[siteB] = []backup.Resource{r}
	p := nightly(copyTo(home), copyTo(second))
	p.Sources = p.Sources[1:]
	p.Copies[0].Image, p.Copies[1].Image = true, true
	return c, p
}

// imaged checks that there is one image of the point at each destination, and
// that the catalog finds it.
func imaged(t *testing.T, c *cloud, p backup.Plan, each int) {
	t.Helper()
	require.Len(t, c.left(), 2*each)
	time.Sleep(c.lag)
	f := p.Filter(vault)
	f.Images = true
	for pt, err := range engine(t, c, backup.Options{}).Points(t.Context(), f) {
		require.NoError(t, err)
		require.Equal(t, pt.Copy, pt.Image != nil)
	}
}

// A run with images is cut at every call that changes something, and taken up
// by another engine; or it goes on, and one answer is lost.
func TestImagesSurviveAnything(t *testing.T) {
	calls := 0
	inTime(t, func(t *testing.T) {
		c, p := licensed(t)
		e := engine(t, c, backup.Options{})
		var jobs []backup.Job
		for j, err := range e.Jobs(t.Context(), p, time.Now()) {
			require.NoError(t, err)
			jobs = append(jobs, j)
		}
		require.Equal(t, 2, e.Forecast(jobs).Calls["RegisterImage"])
		r := run(t, c, p, time.Now())
		require.Equal(t, 2, r.Calls["RegisterImage"])
		require.Len(t, r.Jobs, 1)
		imaged(t, c, p, 1)
		calls = c.mutations()
	})
	for cut := range calls {
		for _, when := range []string{"before", "after", "lost before", "lost after"} {
			t.Run(fmt.Sprintf("call %d %s", cut+1, when), func(t *testing.T) {
				inTime(t, func(t *testing.T) {
					c, p := licensed(t)
					ctx, crash := context.WithCancel(t.Context())
					defer crash()
					at, n := time.Now(), 0
					fault := func(k call) error {
						if !k.mutates() {
							return nil
						}
						if n++; n != cut+1 {
							return ctx.Err()
						}
						if when == "lost before" || when == "lost after" {
							return lostAnswer
						}
						crash()
						return ctx.Err()
					}
					if when == "before" || when == "lost before" {
						c.before = fault
					} else {
						c.after = fault
					}
					if _, err := engine(t, c, backup.Options{}).Run(ctx, p, at); ctx.Err() != nil {
						require.ErrorIs(t, err, context.Canceled)
						c.before, c.after = nil, nil
						time.Sleep(time.Second)
						run(t, c, p, at)
					} else {
						require.NoError(t, err)
					}
					intact(t, c, p, at)
					imaged(t, c, p, 1)
				})
			})
		}
	}
}

// An image that a crash kept from being made is made by the next run, and one
// that is wrong and was not discarded is discarded. Nothing of the kind is tried
// for ever.
func TestTheNextRunMakesUpForImages(t *testing.T) {
	for name, tt := range map[string]struct {
		op    backup.StepKind // at which the process dies
		spoil func(i *fakeImage)
		left  int // images of the three runs
		fails bool
	}{
		"none was made":     {backup.StepRegister, func(*fakeImage) {}, 6, false},
		"one is wrong":      {backup.StepDeregister, func(i *fakeImage) { i.PlatformDetails = "BeOS" }, 5, true},
		"it was taken away": {"", func(i *fakeImage) { i.gone = true }, 6, false},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p := licensed(t)
				start := time.Now()
				run(t, c, p, start)
				time.Sleep(24 * time.Hour)
				ctx, crash := withStop(t)
				spoilt := false
				c.before = func(k call) error {
					if tt.op == backup.StepKind(k.op) {
						crash()
					}
					return ctx.Err()
				}
				c.after = func(k call) error {
					if k.op == string(backup.StepRegister) && !spoilt {
						spoilt = true
						c.mu.Lock()
						defer c.mu.Unlock()
						tt.spoil(c.imaged[len(c.imaged)-1])
					}
					return ctx.Err()
				}
				_, err := engine(t, c, backup.Options{}).Run(ctx, p, time.Now())
				require.Error(t, err)
				c.before, c.after = nil, nil
				lost := c.left()[0]
				c.mu.Lock()
				lost.gone = true // somebody has let go of the first run's: that is not made again
				c.mu.Unlock()
				time.Sleep(24 * time.Hour)
				report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
				require.Equal(t, tt.fails, err != nil, "%v", err)
				require.Len(t, report.Jobs, 2)
				require.Len(t, c.left(), tt.left-1)
				if tt.fails {
					require.ErrorIs(t, err, backup.ErrImage)
					require.Equal(t, backup.Unimaged, report.Jobs[0].Stage)
				}
				time.Sleep(24 * time.Hour)
				report, err = engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
				require.NoError(t, err)
				require.Equal(t, tt.fails, len(report.Jobs) == 2, "what was discarded is made once more")
				time.Sleep(24 * time.Hour)
				report, err = engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
				require.NoError(t, err)
				require.Len(t, report.Jobs, 1)
			})
		})
	}
}

// What is wrong with an image ends the job Unimaged, and says what; the point is
// good, and the other destination has its image.
func TestWhatCanBeWrongWithAnImage(t *testing.T) {
	first := func(f func(c *cloud, i *fakeImage)) func(*cloud) {
		return func(c *cloud) {
			c.after = func(k call) error {
				if k.op == string(backup.StepRegister) && k.site == home {
					c.mu.Lock()
					defer c.mu.Unlock()
					f(c, c.imaged[len(c.imaged)-1])
				}
				return nil
			}
		}
	}
	refused := func(op backup.StepKind) func(k call) error {
		return func(k call) error {
			if k.op == string(op) && k.site == home {
				return fmt.Errorf("UnauthorizedOperation: %w", backup.ErrDenied)
			}
			return nil
		}
	}
	for name, tt := range map[string]struct {
		spoil func(*cloud)
		want  string
		left  int
	}{
		"another platform": {first(func(_ *cloud, i *fakeImage) { i.PlatformDetails = "Linux/UNIX" }), `its platform is "Linux/UNIX", want "Windows"; it was deregistered`, 1},
		"another code":     {first(func(_ *cloud, i *fakeImage) { i.UsageOperation = "RunInstances" }), `its usage operation is "RunInstances", want "RunInstances:0002"`, 1},
		"a product":        {first(func(_ *cloud, i *fakeImage) { i.ProductCodes = "abc" }), `its product codes is "abc", want ""`, 1},
		"other snapshots":  {first(func(_ *cloud, i *fakeImage) { i.Snapshots = i.Snapshots[1:] }), "is registered with other snapshots than the point's", 1},
		"it fails": {first(func(_ *cloud, i *fakeImage) {
			i.State, i.Message = "failed", "Client.InternalError"
		}), " is failed: Client.InternalError", 1},
		"it disappears": {first(func(_ *cloud, i *fakeImage) { i.gone = true }), " has disappeared", 1},
		"no right":      {func(c *cloud) { c.before = refused(backup.StepRegister) }, "UnauthorizedOperation", 1},
		"it cannot be discarded": {func(c *cloud) {
			first(func(_ *cloud, i *fakeImage) { i.PlatformDetails = "BeOS" })(c)
			c.before = refused(backup.StepDeregister)
		}, `its platform is "BeOS", want "Windows": UnauthorizedOperation`, 2},
		"no root":                 {func(c *cloud) { c.resources[siteB][0].Members[0].Root = false }, "has no root volume", 0},
		"images cannot be listed": {func(c *cloud) { c.before = refused("own images") }, "UnauthorizedOperation", 1},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p := licensed(t)
				tt.spoil(c)
				at := time.Now()
				r, err := engine(t, c, backup.Options{}).Run(t.Context(), p, at)
				require.ErrorContains(t, err, "image at "+home.String()+": ")
				require.ErrorContains(t, err, tt.want)
				require.Equal(t, backup.Unimaged, r.Jobs[0].Stage)
				require.Equal(t, backup.Revoked, r.Errors[0].Stage)
				require.Equal(t, 2, r.Copies)
				require.Len(t, c.left(), tt.left)
				intact(t, c, p, at)
				_, out, err := engine(t, c, backup.Options{}).Advance(t.Context(), r.Jobs[0])
				require.True(t, out.Done)
				require.ErrorContains(t, err, tt.want)
			})
		})
	}
}

// An image goes with its point, and holds nothing else; where it cannot be
// deregistered, or was registered since the plan was made, the point stays.
func TestPrunesDeregisterFirst(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(*testing.T, *cloud, *backup.PrunePlan)
		want  string
		left  int // images
	}{
		"all is well": {func(*testing.T, *cloud, *backup.PrunePlan) {}, "6 pruned", 2},
		"no right": {func(_ *testing.T, c *cloud, _ *backup.PrunePlan) {
			c.before = func(k call) error {
				if k.op == string(backup.StepDeregister) && k.site == home {
					return fmt.Errorf("UnauthorizedOperation: %w", backup.ErrDenied)
				}
				return nil
			}
		}, "4 pruned, 2 refused", 4},
		"answers are lost": {func(_ *testing.T, c *cloud, _ *backup.PrunePlan) {
			n := 0
			c.after = func(k call) error {
				if n++; k.op == string(backup.StepDeregister) && n%2 == 0 {
					return lostAnswer
				}
				return nil
			}
		}, "6 pruned", 2},
		"still in use for a moment": {func(_ *testing.T, c *cloud, _ *backup.PrunePlan) {
			n := 0
			c.before = func(k call) error {
				if n++; k.op == string(backup.StepDelete) && k.site == home && n%2 == 0 {
					return refusal("InvalidSnapshot.InUse")
				}
				return nil
			}
		}, "6 pruned", 2},
		"a part of the point is gone": {func(_ *testing.T, c *cloud, _ *backup.PrunePlan) {
			c.snaps[c.imaged[0].Snapshots[1]].gone = true
		}, "6 pruned", 2},
		"somebody's image": {func(_ *testing.T, c *cloud, _ *backup.PrunePlan) {
			c.images["ami-foreign"] = c.imaged[0].Snapshots[:1]
		}, "5 pruned, 1 skipped", 3},
		"registered since": {func(_ *testing.T, c *cloud, _ *backup.PrunePlan) {
			old := c.imaged[0]
			again := *old
			again.ID, again.made = "ami-again", time.Time{}
			old.gone = true
			delete(c.images, old.ID)
			c.imaged, c.images[again.ID] = append(c.imaged, &again), again.Snapshots
		}, "5 pruned, 1 skipped", 3},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p := licensed(t)
				p.Retention = retention.Policy{Last: 2}
				nights(t, c, p, 3)
				p.Copies[0].Image, p.Copies[1].Image = false, false
				nights(t, c, p, 1)
				require.Len(t, c.left(), 6)
				pp := planPrune(t, c, p)
				require.Equal(t, 6, pp.Prunes())
				reread(t, pp)
				tt.spoil(t, c, pp)
				time.Sleep(time.Minute)
				r, _ := engine(t, c, backup.Options{}).Prune(t.Context(), pp)
				require.Equal(t, tt.want, outcomes(r), "%s", r)
				require.Len(t, c.left(), tt.left)
			})
		})
	}
}
