package backup_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// A dubious driver discovers what a test tells it to.
type dubious struct {
	*cloud
	found []backup.Resource
	errs  []error // beside each
}

func (d dubious) Open(cfg aws.Config, site backup.Site) backup.Client {
	return dubiousClient{d.cloud.Open(cfg, site), d}
}

type dubiousClient struct {
	backup.Client
	d dubious
}

func (c dubiousClient) Discover(context.Context, backup.Selector) iter.Seq2[backup.Resource, error] {
	return func(yield func(backup.Resource, error) bool) {
		for i, r := range c.d.found {
			if !yield(r, c.d.errs[i]) {
				return
			}
		}
	}
}

func TestJobsLeaveOutWhatCannotBeRead(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := newCloud(t)
		good := instance(siteB, "i-b1", root("vol-b1", 8))
		nowhere := good
		nowhere.ARN = "i-b1"
		elsewhere := instance(siteA, "i-a1", root("vol-a1", 8))
		empty := instance(siteB, "i-b2")
		huge := instance(siteB, "i-b3")
		for i := range 129 {
			huge.Members = append(huge.Members, plain(fmt.Sprintf("vol-%d", i), 1))
		}
		keyless := instance(siteB, "i-b4", root("vol-b4", 8))
		d := dubious{
			c,
			[]backup.Resource{nowhere, elsewhere, empty, huge, keyless, good, {}},
			[]error{nil, nil, nil, nil, errors.New("its key cannot be read"), nil, errors.New("page 2 was lost")},
		}
		told := 0
		e, err := backup.New(c, []backup.Driver{d}, backup.Options{Vault: vault, OnEvent: func(ev backup.Event) {
			require.Error(t, ev.Err)
			told++
		}})
		require.NoError(t, err)
		var found []string
		var errs []string
		for j, err := range e.Jobs(t.Context(), fleetPlan(), time.Now()) {
			if err != nil {
				var failed *backup.Error
				require.ErrorAs(t, err, &failed)
				require.Equal(t, siteB, backup.Site{Account: failed.Account, Region: failed.Region})
				errs = append(errs, err.Error())
				continue
			}
			found = append(found, j.Resource.ID())
		}
		require.Equal(t, []string{"i-b1"}, found)
		require.Equal(t, told, len(errs))
		text := strings.Join(errs, "\n")
		for _, want := range []string{
			`"i-b1" is not an ARN`, "is in 111111111111/eu-west-1", "i-b2: has no volumes", "has 129 volumes; one call snapshots at most 128",
			"i-b4: its key cannot be read", "discover: page 2 was lost",
		} {
			require.Contains(t, text, want)
		}
	})
}

// What is selected by its id and cannot be read is told once: it is not missing.
func TestWhatCannotBeReadIsNotMissing(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := newCloud(t), fleetPlan()
		d := dubious{c, []backup.Resource{instance(siteB, "i-b4", root("vol-b4", 8))}, []error{errors.New("its key cannot be read")}}
		p.Sources[0].Select = backup.Selector{IDs: []string{"i-b4"}}
		e, err := backup.New(c, []backup.Driver{d}, backup.Options{Vault: vault})
		require.NoError(t, err)
		told := 0
		for _, err := range e.Jobs(t.Context(), p, time.Now()) {
			require.ErrorContains(t, err, "i-b4: its key cannot be read")
			told++
		}
		require.Equal(t, 1, told)
	})
}

// A site whose snapshots may not be listed is told once; one where it only
// failed just now is left to the jobs, which try again.
func TestJobsOfASiteWhoseSnapshotsCannotBeListed(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		jobs int
	}{
		"denied":    {fmt.Errorf("UnauthorizedOperation: %w", backup.ErrDenied), 1},
		"throttled": {fmt.Errorf("RequestLimitExceeded: %w", backup.ErrThrottled), 3},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c := story(t)
				c.before = func(k call) error {
					if k.op == "list" && k.site == siteA {
						return test.err
					}
					return nil
				}
				found, failed := 0, 0
				for _, err := range engine(t, c, backup.Options{}).Jobs(t.Context(), nightly(), time.Now()) {
					if err != nil {
						failed++
						continue
					}
					found++
				}
				require.Equal(t, test.jobs, found)
				require.Equal(t, 3-test.jobs == 2, failed == 1)
			})
		})
	}
}

func TestADestinationThatMayNotBeListedIsToldOnceMore(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := story(t)
		c.before = func(k call) error {
			if k.op == "list" && k.site == second {
				return fmt.Errorf("UnauthorizedOperation: %w", backup.ErrDenied)
			}
			return nil
		}
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), nightly(copyTo(home), copyTo(second)), time.Now())
		require.ErrorIs(t, err, backup.ErrDenied)
		require.Len(t, report.Errors, 4, "the site, and each resource that was to be copied there")
		require.Equal(t, 3, report.Copies)
		nothingShared(t, c)
	})
}

// A listing may show a part of a set first.
func TestASetThatIsListedBitByBit(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(), time.Now()
		p.Sources = p.Sources[:1]
		c.resources[siteB] = nil
		ctx, crash := withStop(t)
		c.after = func(k call) error {
			if k.mutates() {
				c.mu.Lock()
				c.snaps["snap-0002"].made = time.Now().Add(90 * time.Second) // listed later than the others
				c.mu.Unlock()
				crash()
			}
			return ctx.Err()
		}
		c.resources[siteA] = c.resources[siteA][:1]
		_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
		require.Error(t, err)
		c.after = nil
		run(t, c, p, at)
		require.Equal(t, 1, c.count(backup.StepSnapshot))
		intact(t, c, p, at)
	})
}

// Cold volumes take one snapshot at a time, others five (EBS quotas); whoever
// has begun them.
func TestPendingSnapshotsOfAVolume(t *testing.T) {
	for kind, limit := range map[string]int{"gp3": 5, "sc1": 1} {
		inTime(t, func(t *testing.T) {
			c := newCloud(t)
			m := plain("vol-b1", 500)
			m.Type = kind
			c.resources[siteB] = []backup.Resource{volume(siteB, m)}
			most, pending := 0, 0
			c.before = func(k call) error {
				if k.op == string(backup.StepSnapshot) {
					pending = 1
					for _, s := range c.snaps {
						if time.Now().Before(s.done) {
							pending++
						}
					}
					most = max(most, pending)
				}
				return nil
			}
			p := fleetPlan()
			p.Copies = nil
			e := engine(t, c, backup.Options{})
			for range 7 {
				_, err := e.Run(shortly(t, 20*time.Second), p, time.Now())
				require.ErrorIs(t, err, context.DeadlineExceeded)
			}
			require.Equal(t, limit, most, kind)
		})
	}
}

func shortly(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestRatesReplaceThePublished(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := fleet(t, 20, same(1)), fleetPlan()
		p.Copies = nil
		c.takes = func(int32) time.Duration { return 0 }
		start := time.Now()
		_, err := engine(t, c, backup.Options{Rates: map[string]backup.Rate{"CreateSnapshots": {Burst: 1, PerSecond: 0.1}}}).Run(t.Context(), p, start)
		require.NoError(t, err)
		require.Greater(t, time.Since(start), 190*time.Second)

		c, start = fleet(t, 400, same(1)), time.Now()
		c.takes = func(int32) time.Duration { return 0 }
		_, err = engine(t, c, backup.Options{MaxPending: 1000, Rates: map[string]backup.Rate{"CreateSnapshots": {}}}).Run(t.Context(), p, start)
		require.NoError(t, err)
		require.Less(t, time.Since(start), 45*time.Second, "as published it takes a minute")
	})
}

// What is forecast is what is done, for every kind of job.
func TestForecastCountsExactly(t *testing.T) {
	for name, p := range map[string]backup.Plan{
		"home":               nightly(),
		"nowhere":            nightly([]backup.Copy{}...),
		"two destinations":   nightly(copyTo(home), copyTo(second)),
		"an account's other": nightly(copyTo(backup.Site{Account: alpha, Region: other})),
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, at := story(t), time.Now()
				e := engine(t, c, backup.Options{})
				f := e.Forecast(jobs(t, e, p, at))
				require.Equal(t, 3, f.Resources)
				require.Equal(t, 5, f.Volumes)
				require.EqualValues(t, 208, f.GiB)
				require.Equal(t, f.Bounds[0].Time, f.Makespan)
				require.Contains(t, f.Bounds[0].What, "the longest job, i-a1 of 111111111111/eu-west-1")
				require.Contains(t, f.String(), "208 GiB")
				report, err := e.Run(t.Context(), p, at)
				require.NoError(t, err)
				require.Equal(t, f.Calls, report.Calls)
				require.Zero(t, e.Forecast(report.Jobs).Resources, "nothing is left to do")
			})
		})
	}
}

func TestForecastOfNothing(t *testing.T) {
	f := engine(t, newCloud(t), backup.Options{}).Forecast(nil)
	require.Zero(t, f.Makespan)
	require.Equal(t, "0 resources, 0 volumes, 0 GiB\nat least 0s\n", f.String())
}

func TestReportsAsText(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly()
		c.breaks["vol-b1"] = "An internal error occurred"
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.Error(t, err)
		text := report.String()
		for _, want := range []string{
			"run nightly@2000-01-01T00:00:00Z: 2 points, 2 copies verified, 1 errors",
			"111111111111/eu-west-1  i-a1    158 GiB  done    1 of 1 copies",
			"222222222222/eu-west-1  i-b1    30 GiB   failed  0 of 1 copies",
			"error: 222222222222/eu-west-1: instance/i-b1: after planned: bad snapshot: snap-",
		} {
			require.Contains(t, text, want)
		}
		inJSON, err := json.Marshal(report)
		require.NoError(t, err)
		require.Contains(t, string(inJSON), `"errors":[{"account":"222222222222","region":"eu-west-1","resource":"arn:aws:ec2:eu-west-1:222222222222:instance/i-b1","stage":"planned","cause":{"kind":"bad snapshot"`)
	})
}

func TestLogTo(t *testing.T) {
	var out bytes.Buffer
	log := backup.LogTo(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})))
	log(backup.Event{Stage: backup.Copied, Account: alpha, Region: region, Resource: "arn", Point: "sk-1"})
	log(backup.Event{Stage: backup.Shared, Account: vault, Region: other, Step: backup.StepCopy, Snapshot: "snap-1", Err: errors.New("x")})
	require.Equal(t, "level=INFO msg=snapkeep event.stage=copied event.account=111111111111 event.region=eu-west-1 event.resource=arn event.point=sk-1\n"+
		"level=ERROR msg=snapkeep event.stage=shared event.account=999999999999 event.region=eu-central-1 event.step=copy event.snapshot=snap-1 event.error=x\n", out.String())
}

// A job keeps what its failure was, if not AWS's own error, through a store.
func TestAFaultSurvivesAStore(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), fleetPlan()
		c.before = func(k call) error {
			if k.op == string(backup.StepSnapshot) {
				return fmt.Errorf("create: %w", &smithy.GenericAPIError{Code: "UnauthorizedOperation", Message: "no"})
			}
			return nil
		}
		e := engine(t, c, backup.Options{})
		j := forward(t, c, jobs(t, e, p, time.Now())[0], 1)
		j, out, err := e.Advance(t.Context(), stored(t, j))
		require.True(t, out.Done)
		require.ErrorIs(t, err, backup.ErrDenied)
		require.NotErrorIs(t, err, backup.ErrQuota)
		require.ErrorContains(t, err, "UnauthorizedOperation: no")
		require.Equal(t, err, j.Err())
	})
}
