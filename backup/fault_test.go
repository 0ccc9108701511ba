package backup_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

// only returns the one error of a resource.
func only(t *testing.T, r *backup.Report) *backup.Error {
	t.Helper()
	require.Len(t, r.Errors, 1, "%v", r)
	return r.Errors[0]
}

func TestASnapshotThatFailsFailsItsResourceOnly(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly()
		c.breaks["vol-a2"] = "An internal error occurred"
		var told error
		report, err := engine(t, c, backup.Options{OnEvent: func(ev backup.Event) {
			if ev.Stage == backup.Failed && ev.Step == "" {
				told = ev.Err
			}
		}}).Run(t.Context(), p, time.Now())
		require.ErrorIs(t, err, backup.ErrSnapshot)
		failed := only(t, report)
		require.Equal(t, failed.Error(), told.Error())
		require.Equal(t, c.resources[siteA][0].ARN, failed.Resource)
		require.Equal(t, backup.Planned, failed.Stage)
		require.ErrorContains(t, failed, "of vol-a2 ended in state error: An internal error occurred")
		require.Equal(t, 2, report.Points)
		require.Equal(t, 2, report.Copies)
		for _, s := range c.at(siteA) {
			require.Equal(t, "vol-a9", s.Volume, "what is left of the failed set is deleted")
		}
		require.Len(t, c.at(home), 2)
	})
}

func TestARekeyThatFails(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly()
		c.badKeys[keyAt(siteA)] = true
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.ErrorContains(t, err, "under a key that can be shared, ended in state error: Given key ID is not accessible")
		require.Equal(t, backup.Snapshotted, only(t, report).Stage)
		nothingShared(t, c)
		for _, s := range c.at(siteA) {
			require.Empty(t, s.Tags["snapkeep:step"], "the failed intermediate is deleted")
		}
		require.Len(t, c.at(siteA), 4, "the originals are a point")
	})
}

func nothingShared(t *testing.T, c *cloud) {
	t.Helper()
	for id, s := range c.snaps {
		require.Empty(t, s.shared, id)
	}
}

func TestADestinationThatFailsDoesNotStopTheOther(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly(copyTo(home), copyTo(second))
		c.badKeys[keyAt(second)] = true
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.ErrorContains(t, err, "copy to 999999999999/eu-central-1: bad snapshot: snap-")
		require.ErrorContains(t, err, "Given key ID is not accessible")
		require.Len(t, report.Errors, 3)
		require.Equal(t, 3, report.Copies)
		require.Len(t, c.at(home), 5)
		require.Empty(t, c.at(second), "failed copies are deleted")
		nothingShared(t, c)
	})
}

func TestNoRekeyKeyIsToldBeforeAnySnapshot(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly()
		p.Sources = p.Sources[:1]
		p.Sources[0].RekeyKeys = nil
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.ErrorContains(t, err, "instance/i-a1: after planned: vol-a3 is encrypted under the AWS-managed key aws/ebs")
		require.ErrorContains(t, err, "rekeyKeys name no key for eu-west-1")
		require.Equal(t, 1, report.Points)
		for _, s := range c.at(siteA) {
			require.Equal(t, "vol-a9", s.Volume)
		}
	})
}

func TestAnAccountThatIsLost(t *testing.T) {
	gone := fmt.Errorf("AccessDenied: sts:AssumeRole: %w", backup.ErrDenied)
	for name, test := range map[string]struct {
		when  backup.StepKind // lost after the first of these
		stage backup.Stage
		at    backup.Stage
	}{
		"after the snapshot":   {backup.StepSnapshot, backup.Failed, backup.Planned},
		"after the copy began": {backup.StepCopy, backup.Unrevoked, backup.Verified},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p := story(t), nightly()
				p.Sources = p.Sources[1:]
				c.after = func(k call) error {
					if k.op == string(test.when) {
						c.mu.Lock()
						c.denied[beta] = gone
						c.mu.Unlock()
					}
					return nil
				}
				report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
				require.ErrorIs(t, err, backup.ErrDenied)
				require.Equal(t, test.stage, report.Jobs[0].Stage)
				require.Equal(t, test.at, only(t, report).Stage)
				if test.stage == backup.Unrevoked {
					require.Equal(t, 1, report.Copies)
					require.ErrorContains(t, err, "share with 999999999999: ")
					require.Equal(t, retention.Complete, pointsAt(t, c, home)[0].State)
				}
			})
		})
	}
}

func pointsAt(t *testing.T, c *cloud, sites ...backup.Site) (list []backup.Point) {
	t.Helper()
	time.Sleep(c.lag)
	for pt, err := range engine(t, c, backup.Options{}).Points(t.Context(), backup.PointFilter{Sites: sites}) {
		require.NoError(t, err)
		list = append(list, pt)
	}
	return list
}

func TestASiteThatCannotBeListed(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly()
		c.denied[alpha] = fmt.Errorf("UnauthorizedOperation: %w", backup.ErrDenied)
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.ErrorIs(t, err, backup.ErrDenied)
		failed := only(t, report)
		require.Equal(t, alpha, failed.Account)
		require.Empty(t, failed.Resource)
		require.Equal(t, 1, report.Points)
		require.Equal(t, 1, report.Copies)
	})
}

func TestAnIDThatDoesNotExist(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly()
		p.Sources = p.Sources[:1]
		p.Sources[0].Select = backup.Selector{IDs: []string{"vol-a9", "i-nowhere", "i-left"}, ExcludeIDs: []string{"i-left"}}
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.ErrorIs(t, err, backup.ErrNotFound)
		require.Equal(t, "i-nowhere", only(t, report).Resource)
		require.Equal(t, 1, report.Points)
	})
}

func TestWhatKeepsFailingIsGivenUp(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, start := story(t), nightly(copyTo(home), copyTo(second)), time.Now()
		c.before = func(k call) error {
			if k.site == second {
				return fmt.Errorf("list: %w", context.DeadlineExceeded)
			}
			return nil
		}
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.ErrorContains(t, err, "copy to 999999999999/eu-central-1: list")
		require.Len(t, report.Errors, 3)
		require.Equal(t, 3, report.Copies, "the other destination has all")
		require.Less(t, time.Since(start), time.Hour)
		nothingShared(t, c)
	})
}

// A destination whose calls fail now and then is tried again later and later;
// the others do not wait for that.
func TestADestinationThatFailsHoldsUpNoOther(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, start := story(t), nightly(copyTo(second), copyTo(home)), time.Now()
		c.before = func(k call) error {
			if k.op == string(backup.StepCopy) && k.site == second && time.Since(start) < 20*time.Minute {
				return fmt.Errorf("InternalError: %w", context.DeadlineExceeded)
			}
			return nil
		}
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, start)
		require.NoError(t, err)
		require.Equal(t, 6, report.Copies)
		for _, s := range c.at(home) {
			t.Log(s.Started.Sub(start))
			require.Less(t, s.Started.Sub(start), 10*time.Minute)
		}
	})
}

func TestTheWindowPasses(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly()
		c.before = func(k call) error {
			if k.op == string(backup.StepSnapshot) && k.site == siteB {
				return fmt.Errorf("RequestLimitExceeded: %w", backup.ErrThrottled)
			}
			return nil
		}
		report, err := engine(t, c, backup.Options{Window: time.Hour}).Run(t.Context(), p, time.Now())
		require.ErrorIs(t, err, backup.ErrWindow)
		require.Equal(t, siteB.Account, only(t, report).Account)

		_, err = engine(t, c, backup.Options{Window: time.Hour}).Run(t.Context(), nightly(), time.Now().Add(-2*time.Hour))
		require.ErrorIs(t, err, backup.ErrWindow)
	})
}

func TestCancelledRunsReturnPromptly(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		start := time.Now()
		var told []error
		report, err := engine(t, c, backup.Options{OnEvent: func(e backup.Event) { told = append(told, e.Err) }}).Run(ctx, p, start)
		require.Equal(t, 2*time.Minute, time.Since(start))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Empty(t, report.Errors, "to be cancelled is no failure")
		require.Len(t, report.Jobs, 3)
		require.Equal(t, 2, report.Points, "all but i-a1 had the time they need")
		for _, err := range told {
			require.NoError(t, err)
		}
	})
}

func TestAnInvalidPlanMakesNoReport(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := story(t)
		c.dryRun = true
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), backup.Plan{}, time.Now())
		var wrong *backup.PlanError
		require.ErrorAs(t, err, &wrong)
		require.Nil(t, report)
		report, err = engine(t, c, backup.Options{}).Run(t.Context(), nightly(), time.Time{})
		require.Error(t, err)
		require.Nil(t, report)
		require.Empty(t, c.calls)
	})
}

// A volume that is detached between discovery and snapshot leaves a set that
// is no point.
func TestAVolumeThatIsDetachedMeanwhile(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly()
		p.Sources = p.Sources[:1]
		c.before = func(k call) error {
			if k.op == string(backup.StepSnapshot) && k.step.Resource.Kind == "instance" {
				c.breaks["vol-a3"] = "detached"
			}
			return nil
		}
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.ErrorIs(t, err, backup.ErrSnapshot)
		require.ErrorContains(t, err, "no snapshot was made of vol-a3")
		require.Equal(t, 1, report.Points)
		for _, s := range c.at(siteA) {
			require.Equal(t, "vol-a9", s.Volume)
		}
	})
}

// Copies disappear from the vault under the engine's eyes.
func TestACopyThatDisappears(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly()
		p.Sources = p.Sources[1:]
		c.takes = func(int32) time.Duration { return 20 * time.Minute }
		c.after = func(k call) error {
			if k.op == string(backup.StepCopy) {
				c.mu.Lock()
				c.snaps[c.order[len(c.order)-1]].gone = true
				c.mu.Unlock()
			}
			return nil
		}
		start := time.Now()
		_, err := engine(t, c, backup.Options{}).Run(t.Context(), p, start)
		require.ErrorIs(t, err, backup.ErrSnapshot)
		require.ErrorContains(t, err, "has disappeared")
		require.Greater(t, time.Since(start), 25*time.Minute, "missing within the grace is pending")
		require.Equal(t, 1, c.count(backup.StepCopy), "and it is not made again")
		nothingShared(t, c)
	})
}

func TestACopyThatIsNotWhatWasAskedFor(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(*fakeSnap)
		want  string
	}{
		"another key":     {func(s *fakeSnap) { s.KMSKey = keyAt(second) }, "is encrypted under"},
		"not encrypted":   {func(s *fakeSnap) { s.Encrypted, s.KMSKey = false, "" }, "is encrypted under"},
		"another size":    {func(s *fakeSnap) { s.SizeGiB = 31 }, "has 31 GiB, want 30"},
		"another owner":   {func(s *fakeSnap) { s.Owner = alpha }, "belongs to 111111111111"},
		"another volume":  {func(s *fakeSnap) { s.Tags["snapkeep:volume"] = "vol-x:::gp3:30" }, "its tags speak of vol-x"},
		"another time":    {func(s *fakeSnap) { s.Tags["snapkeep:taken"] = "2020-01-01T00:00:00Z" }, "was taken at 2020"},
		"broken tags":     {func(s *fakeSnap) { delete(s.Tags, "snapkeep:point") }, "snapkeep:point"},
		"another members": {func(s *fakeSnap) { s.Tags["snapkeep:members"] = "2" }, "one of 2"},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p := story(t), nightly()
				p.Sources = p.Sources[1:]
				c.after = func(k call) error {
					if k.op == string(backup.StepCopy) {
						c.mu.Lock()
						test.spoil(c.snaps[c.order[len(c.order)-1]])
						c.mu.Unlock()
					}
					return nil
				}
				_, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
				require.ErrorIs(t, err, backup.ErrSnapshot)
				require.ErrorContains(t, err, test.want)
				nothingShared(t, c)
			})
		})
	}
}

// Whatever goes wrong now and then, a run that is taken up often enough ends
// as if nothing had.
func TestAnyFaultsAndCrashes(t *testing.T) {
	for seed := range uint64(100) {
		inTime(t, func(t *testing.T) {
			c, p, at := story(t), nightly(copyTo(home), copyTo(second)), time.Now()
			rng := rand.New(rand.NewPCG(seed, 1))
			trouble := []error{
				lostAnswer, fmt.Errorf("list: %w", context.DeadlineExceeded),
				fmt.Errorf("RequestLimitExceeded: %w", backup.ErrThrottled), fmt.Errorf("ResourceLimitExceeded: %w", backup.ErrQuota),
			}
			ctx, crash := context.WithCancel(t.Context())
			roll := func(list []error) error {
				c.mu.Lock()
				defer c.mu.Unlock()
				switch n := rng.IntN(100); {
				case n < 10:
					return list[rng.IntN(len(list))]
				case n < 12:
					crash()
					return ctx.Err()
				}
				return ctx.Err()
			}
			c.before = func(call) error { c.mu.Unlock(); defer c.mu.Lock(); return roll(trouble) }
			c.after = func(call) error { return roll(trouble[:2]) }
			for tries := 0; ; tries++ {
				report, err := engine(t, c, backup.Options{Patience: 30}).Run(ctx, p, at)
				if err == nil {
					require.Equal(t, 3, report.Points, "seed %d", seed)
					break
				}
				require.Less(t, tries, 100, "seed %d: %v", seed, err)
				if ctx.Err() != nil {
					ctx, crash = context.WithCancel(t.Context())
				}
				time.Sleep(time.Duration(rng.IntN(120)) * time.Second)
			}
			crash()
			c.before, c.after = nil, nil
			t.Logf("seed %d: %d calls", seed, len(c.calls))
			intact(t, c, p, at)
		})
	}
}

func TestEventsComeOneAtATimeAndInOrder(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly()
		var events []backup.Event
		inside := false
		e := engine(t, c, backup.Options{OnEvent: func(ev backup.Event) {
			require.False(t, inside)
			inside = true
			events = append(events, ev)
			inside = false
		}})
		_, err := e.Run(t.Context(), p, time.Now())
		require.NoError(t, err)
		var told strings.Builder
		last := time.Time{}
		for _, ev := range events {
			require.False(t, ev.Time.Before(last))
			last = ev.Time
			if strings.HasSuffix(ev.Resource, "i-a1") && ev.Step == "" {
				told.WriteString(string(ev.Stage) + " ")
			}
		}
		require.Equal(t, "snapshotted rekeyed shared copied verified revoked done ", told.String())
	})
}

func TestNewRefuses(t *testing.T) {
	c := newCloud(t)
	for name, test := range map[string]struct {
		s       backup.Sessions
		drivers []backup.Driver
		opts    backup.Options
		want    string
	}{
		"no sessions":       {nil, []backup.Driver{c}, backup.Options{Vault: vault}, "no Sessions"},
		"no drivers":        {c, nil, backup.Options{Vault: vault}, "no drivers"},
		"two of a kind":     {c, []backup.Driver{c, c}, backup.Options{Vault: vault}, `two drivers for resources of kind "instance"`},
		"no vault":          {c, []backup.Driver{c}, backup.Options{}, "Options.Vault"},
		"a negative number": {c, []backup.Driver{c}, backup.Options{Vault: vault, Slots: -1}, "Options.Slots is negative"},
		"a negative time":   {c, []backup.Driver{c}, backup.Options{Vault: vault, Grace: -1}, "Options.Grace is negative"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := backup.New(test.s, test.drivers, test.opts)
			require.ErrorContains(t, err, test.want)
		})
	}
}

// Somebody in the protected account deletes what was just made.
func TestAnOriginalThatDisappears(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), fleetPlan()
		c.takes = func(int32) time.Duration { return time.Hour }
		c.after = func(k call) error {
			if k.op == string(backup.StepSnapshot) {
				c.mu.Lock()
				c.snaps["snap-0001"].gone = true
				c.mu.Unlock()
			}
			return nil
		}
		_, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.ErrorIs(t, err, backup.ErrSnapshot)
		require.ErrorContains(t, err, "snap-0001 of vol-b1 has disappeared")
		require.Equal(t, 1, c.count(backup.StepSnapshot), "it is not made again behind anybody's back")
		require.Empty(t, c.at(home))
	})
}

// The originals are deleted while they are copied: what is in the vault stays.
func TestOriginalsDeletedDuringTheCopy(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly()
		c.after = func(k call) error {
			if k.op == string(backup.StepCopy) && k.site == home {
				c.mu.Lock()
				c.snaps[k.step.Snapshot].gone = true
				c.mu.Unlock()
			}
			return nil
		}
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.NoError(t, err)
		require.Equal(t, 3, report.Copies)
		for _, pt := range pointsAt(t, c, home) {
			require.Equal(t, retention.Complete, pt.State)
		}
	})
}
