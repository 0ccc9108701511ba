package backup_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

// A run is cut anywhere and never taken up again: the next night's run
// finishes what it left, if any of its copies is in the vault to prove it; else
// it takes back what is shared and removes what was made on the way.
func TestTheNextRunSettlesTheLast(t *testing.T) {
	p := nightly(copyTo(home), copyTo(second))
	for cut := range mutationsOf(t, p) {
		t.Run(fmt.Sprintf("call %d", cut+1), func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, at := story(t), time.Now()
				ctx, crash := context.WithCancel(t.Context())
				defer crash()
				n := 0
				c.after = func(k call) error {
					if k.mutates() {
						if n++; n == cut+1 {
							crash()
						}
						return ctx.Err()
					}
					return nil
				}
				_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
				require.Error(t, err)
				c.after = nil
				proven := len(c.at(home))+len(c.at(second)) > 0

				time.Sleep(24 * time.Hour)
				report := run(t, c, p, at.Add(24*time.Hour))
				require.Equal(t, 3, report.Points)
				nothingShared(t, c)
				list := points(t, c, p)
				begun := 0
				for _, pt := range list {
					require.Equal(t, retention.Complete, pt.State, "%+v", pt)
					require.Empty(t, pt.Extra)
					if pt.Run.Equal(at) && !pt.Copy {
						begun++
					}
				}
				places := 1
				if proven {
					places = 3
				}
				require.True(t, len(list) == 3*3+begun*places, "what has originals has copies, if the run is proven: %d", len(list))
				require.NotZero(t, begun)
				for _, s := range c.at(siteA) {
					require.Empty(t, s.Tags["snapkeep:step"], "%s is an intermediate", s.ID)
				}

				quiet := c.mutations()
				for range jobs(t, engine(t, c, backup.Options{}), p, at.Add(48*time.Hour)) {
				}
				require.Equal(t, quiet, c.mutations())
			})
		})
	}
}

// A resource that is gone when its run is taken up again, or a later one,
// still gets the copies that the vault has begun; no others are begun.
func TestAResourceThatIsGoneIsFinished(t *testing.T) {
	for _, later := range []time.Duration{0, 24 * time.Hour} {
		for _, begun := range []int{0, 1, 2} {
			t.Run(fmt.Sprintf("%d begun, %v later", begun, later), func(t *testing.T) {
				inTime(t, func(t *testing.T) {
					c, p, at := story(t), nightly(), time.Now()
					p.Sources = p.Sources[1:]
					c.resources[siteB] = []backup.Resource{
						instance(siteB, "i-b0", root("vol-b0", 10)),
						instance(siteB, "i-b1", root("vol-b1", 30), plain("vol-b2", 30)),
					}
					ctx, crash := withStop(t)
					copies := 0
					c.after = func(k call) error {
						if k.op == string(backup.StepCopy) {
							if copies++; copies == begun+1 {
								crash()
							}
						}
						return ctx.Err()
					}
					_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
					require.Error(t, err)
					c.after = nil
					c.resources[siteB] = c.resources[siteB][:1]
					time.Sleep(time.Hour + later)
					var left []error
					_, err = engine(t, c, backup.Options{OnEvent: func(e backup.Event) {
						if errors.Is(e.Err, backup.ErrUnproven) {
							left = append(left, e.Err)
						}
					}}).Run(t.Context(), p, at.Add(later))
					require.NoError(t, err)
					nothingShared(t, c)
					gone := 0
					for _, pt := range pointsAt(t, c, home) {
						if pt.Resource == instance(siteB, "i-b1").ARN {
							gone++
							require.Equal(t, retention.Complete, pt.State)
							require.Equal(t, "m5.large", pt.Machine.InstanceType)
						}
					}
					want, told := 1, 0
					if begun == 0 {
						want, told = 0, 1
					}
					require.Equal(t, want, gone)
					require.Len(t, left, told)
				})
			})
		}
	}
}

// What an older run left is settled also if a listing fails for a moment.
func TestAListingThatFailsForAMomentLeavesNothingUndone(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(), time.Now()
		p.Sources = p.Sources[:1]
		ctx, crash := withStop(t)
		c.after = func(k call) error {
			if k.op == string(backup.StepCopy) && k.site == home {
				crash()
			}
			return ctx.Err()
		}
		_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
		require.Error(t, err)
		c.after = nil
		time.Sleep(24 * time.Hour)
		failed := false
		c.before = func(k call) error {
			if k.op == "list" && k.site == home && !failed {
				failed = true
				return fmt.Errorf("list: %w", context.DeadlineExceeded)
			}
			return nil
		}
		report := run(t, c, p, time.Now())
		require.Len(t, report.Jobs, 4, "two of the last run, two of this one")
		require.Len(t, pointsAt(t, c, home), 4)
	})
}

// A run that is taken up again makes no intermediates while it cannot see
// whether the copies that they were for are there.
func TestNoIntermediatesWhileCopiesCannotBeSeen(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(), time.Now()
		p.Sources = p.Sources[:1]
		run(t, c, p, at)
		copies := c.count(backup.StepCopy)
		time.Sleep(time.Hour)
		start := time.Now()
		c.before = func(k call) error {
			if k.op == "list" && k.site == home && time.Since(start) < 5*time.Minute {
				return fmt.Errorf("RequestLimitExceeded: %w", backup.ErrThrottled)
			}
			return nil
		}
		run(t, c, p, at)
		require.Equal(t, copies, c.count(backup.StepCopy))
	})
}

// Copies that were pruned, and runs that were not to be copied, are not made
// up for.
func TestWhatIsDoneIsLeftAlone(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(), time.Now()
		for range 3 {
			run(t, c, p, at)
			at = at.Add(24 * time.Hour)
			time.Sleep(time.Until(at))
		}
		for i, s := range c.at(home) {
			if i < 8 {
				s.gone = true // the first point is pruned, the second half pruned
			}
		}
		for _, j := range jobs(t, engine(t, c, backup.Options{}), p, at) {
			require.False(t, j.Settle)
		}
	})
}

func TestEveryCopiesOneInSoMany(t *testing.T) {
	inTime(t, func(t *testing.T) {
		far := copyTo(second)
		far.Every = 3
		c, p, at := story(t), nightly(copyTo(home), far), time.Now()
		p.Sources = p.Sources[1:]
		var copied []int
		for day := range 10 {
			report := run(t, c, p, at)
			if len(report.Jobs[0].Copies) == 2 {
				copied = append(copied, day)
			}
			require.Len(t, report.Jobs, 1, "a run that was not due is finished")
			again := run(t, c, p, at)
			require.Len(t, again.Jobs[0].Copies, len(report.Jobs[0].Copies), "the same run decides the same")
			at = at.Add(24 * time.Hour)
			time.Sleep(time.Until(at))
		}
		require.Equal(t, []int{0, 3, 6, 9}, copied)
		require.Len(t, c.at(home), 10)
		require.Len(t, c.at(second), 4)
	})
}

// Originals were doubled, and one copy of the spare ones came first: what counts
// is the set that is whole, and nothing is left to do.
func TestASpareCopyIsNothingLeft(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), fleetPlan(), time.Now()
		c.resources[siteB] = []backup.Resource{instance(siteB, "i-b1", root("vol-b1", 30), plain("vol-b2", 30))}
		run(t, c, p, at)
		forge(c, c.at(home)[0], func(s *backup.Snapshot) {
			s.Started = s.Started.Add(-time.Second)
			s.Tags["snapkeep:taken"] = at.UTC().Format(time.RFC3339Nano)
		})
		time.Sleep(24 * time.Hour)
		for _, j := range jobs(t, engine(t, c, backup.Options{}), p, time.Now()) {
			require.False(t, j.Settle)
		}
	})
}

// A point that was copied counts as copied though its originals were pruned.
func TestEveryCountsFromACopyWithoutOriginals(t *testing.T) {
	inTime(t, func(t *testing.T) {
		far := copyTo(home)
		far.Every = 3
		c, p, at := story(t), nightly(far), time.Now()
		c.resources[siteB] = []backup.Resource{instance(siteB, "i-b1", root("vol-b1", 30), plain("vol-b2", 30))}
		p.Sources = p.Sources[1:]
		run(t, c, p, at)
		require.Len(t, c.at(home), 2)
		for _, s := range c.at(siteB) {
			s.gone = true
		}
		time.Sleep(24 * time.Hour)
		run(t, c, p, at.Add(24*time.Hour))
		require.Len(t, c.at(home), 2)
	})
}

// Of resources that are gone no more than a few are settled for what the
// protected account says of them; for what the vault knows, all are.
func TestAllThatTheVaultKnowsOfIsSettled(t *testing.T) {
	inTime(t, func(t *testing.T) {
		const n = 20
		c, p, at := newCloud(t), fleetPlan(), time.Now()
		for i := range n {
			c.resources[siteB] = append(c.resources[siteB], instance(siteB, fmt.Sprintf("i-%d", i), root(fmt.Sprintf("vol-%d", i), 20), plain(fmt.Sprintf("vol-x%d", i), 10)))
		}
		ctx, crash := withStop(t)
		copied := 0
		c.before = func(k call) error {
			if k.op != string(backup.StepCopy) {
				return ctx.Err()
			}
			if c.snaps[k.step.Snapshot].SizeGiB == 10 {
				return fmt.Errorf("RequestLimitExceeded: %w", backup.ErrThrottled)
			}
			if copied++; copied == n {
				crash() // the first copy of the last is begun
			}
			return nil
		}
		_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
		require.Error(t, err)
		c.before = nil
		require.Len(t, c.at(home), n)
		c.resources[siteB] = nil
		time.Sleep(24 * time.Hour)
		report := run(t, c, p, time.Now())
		require.Len(t, report.Jobs, n)
		require.Len(t, c.at(home), 2*n)
		nothingShared(t, c)
	})
}

// A run whose last copy was begun a short while ago may be somebody's at work,
// though its originals are older, and none of its copies is under way.
func TestTheLastCopyOfARunCounts(t *testing.T) {
	third := backup.Site{Account: "333333333333", Region: region}
	itself := backup.Source{Account: vault, Regions: []string{region}, Select: backup.Selector{All: true}}
	for name, test := range map[string]struct {
		to   backup.Site
		more []backup.Source
	}{
		"in the vault":                         {home, nil},
		"in the vault, which is protected too": {home, []backup.Source{itself}},
		"in a third account":                   {third, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := fleetPlan()
			p.Copies, p.Sources = []backup.Copy{copyTo(test.to)}, append(p.Sources, test.more...)
			inTime(t, func(t *testing.T) { lastCopyCounts(t, p) })
		})
	}
}

func lastCopyCounts(t *testing.T, p backup.Plan) {
	c, at, to := fleet(t, 3, same(10)), time.Now(), p.Copies[0].Site()
	c.takesOf = func(s backup.Snapshot) time.Duration {
		if s.KMSKey == "" {
			return time.Minute
		}
		return 50 * time.Minute
	}
	ctx, crash := withStop(t)
	copied := 0
	c.before = func(k call) error {
		if k.op == string(backup.StepCopy) {
			if copied++; copied == 3 {
				crash()
			}
		}
		return ctx.Err()
	}
	_, err := engine(t, c, backup.Options{Slots: 1}).Run(ctx, p, at)
	require.Error(t, err)
	c.before = nil
	require.Len(t, c.at(to), 2)
	settled := func(after time.Duration) bool {
		time.Sleep(time.Until(at.Add(after)))
		return jobs(t, engine(t, c, backup.Options{}), p, time.Now())[0].Settle
	}
	require.False(t, settled(110*time.Minute))
	require.True(t, settled(3*time.Hour))
}

// What a protected account shows of the runs of another does not hold these up,
// and what copies in the resource's own account say is no proof for the vault.
func TestWhatProtectedAccountsSayOfRuns(t *testing.T) {
	elsewhere, own := backup.Site{Account: alpha, Region: other}, backup.Site{Account: beta, Region: other}
	two := []backup.Resource{instance(siteB, "i-b1", root("vol-b1", 30), plain("vol-b2", 10))}
	cut := func(t *testing.T, p backup.Plan, at time.Time) *cloud {
		c := newCloud(t)
		c.resources[siteB] = two
		ctx, crash := withStop(t)
		c.after = func(k call) error {
			if k.op == string(backup.StepCopy) {
				crash()
			}
			return ctx.Err()
		}
		_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
		require.ErrorIs(t, err, context.Canceled)
		c.after = nil
		return c
	}
	inTime(t, func(t *testing.T) {
		p, at := nightly(copyTo(home), copyTo(elsewhere)), time.Now()
		probe := newCloud(t)
		probe.resources[siteB] = two
		run(t, probe, p, at)
		c := cut(t, p, at)
		require.Len(t, c.at(home), 1)
		time.Sleep(24 * time.Hour)
		forge(c, probe.at(elsewhere)[0], func(s *backup.Snapshot) { s.Started = time.Now() })
		time.Sleep(time.Minute)
		require.True(t, jobs(t, engine(t, c, backup.Options{}), p, time.Now())[0].Settle)
	})
	inTime(t, func(t *testing.T) {
		p, at := nightly(copyTo(own), copyTo(home)), time.Now()
		c := cut(t, p, at)
		require.Len(t, c.at(own), 1)
		time.Sleep(24 * time.Hour)
		run(t, c, p, time.Now())
		require.Len(t, c.at(own), 4, "both runs are whole there")
		require.Len(t, c.at(home), 2, "the vault has the new one alone")
	})
}

// What bears an intermediate's tags and cannot be one is nothing that a run left.
func TestAForgedIntermediateIsNothingLeft(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(), time.Now()
		run(t, c, p, at)
		for _, s := range c.snaps {
			if s.Tags["snapkeep:step"] != "" {
				forge(c, s, func(s *backup.Snapshot) { s.Description = "before the migration" })
				break
			}
		}
		time.Sleep(24 * time.Hour)
		for _, j := range jobs(t, engine(t, c, backup.Options{}), p, time.Now()) {
			require.False(t, j.Settle)
		}
	})
}
