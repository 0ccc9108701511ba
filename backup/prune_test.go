package backup_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

// full is a cloud after some nights of account A, of which all but the last go.
func full(t *testing.T, n int) (*cloud, backup.Plan, *backup.PrunePlan) {
	t.Helper()
	c, p := story(t), ofA(1)
	nights(t, c, p, n)
	pp := planPrune(t, c, p)
	c.calls = nil
	return c, p, pp
}

func TestPruneDeletesWholePointsOldestFirst(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, pp := full(t, 4)
		gone := map[backup.Site]int{}
		for _, g := range pp.Groups {
			require.Equal(t, "PPPR", actions(g))
			for _, d := range g.Decisions[1:] {
				gone[g.Site] += len(d.Snapshots)
			}
		}
		require.Equal(t, map[backup.Site]int{siteA: 12, home: 12}, gone)
		r := prune(t, c, pp)
		require.Equal(t, "12 pruned", outcomes(r), "two resources at two sites, three nights")
		require.Equal(t, 24, r.Calls)
		require.Len(t, deletes(c), 24)
		last := map[backup.Site]time.Time{}
		for i, k := range c.calls {
			if k.op != string(backup.StepDelete) {
				continue
			}
			s := c.snaps[k.step.Snapshot]
			taken := s.Started
			if text := s.Tags["snapkeep:taken"]; text != "" {
				taken, _ = time.Parse(time.RFC3339Nano, text)
			}
			require.False(t, taken.Before(last[s.site].Truncate(24*time.Hour)), "call %d: %s goes too late", i, s.ID)
			last[s.site] = taken
			require.Equal(t, s.site == home, k.purpose == accounts.VaultPruner)
			require.Equal(t, s.site == siteA, k.purpose == accounts.Pruner)
		}
		require.Len(t, c.at(siteA), 4)
		require.Len(t, c.at(home), 4)
		require.Zero(t, planPrune(t, c, p).Prunes())
		require.Equal(t, "12 already gone", outcomes(prune(t, c, pp)), "a second time there is nothing to do")
	})
}

// Between the plan and its execution the cloud goes on.
func TestPruneDeletesOnlyWhatAFreshReadingPrunesToo(t *testing.T) {
	for name, test := range map[string]struct {
		change func(t *testing.T, c *cloud, p backup.Plan)
		want   string
		why    string // of one that is not pruned
		left   int    // copies and originals of the instance
	}{
		"nothing":              {func(*testing.T, *cloud, backup.Plan) {}, "4 pruned", "", 2},
		"a night goes by":      {func(t *testing.T, c *cloud, p backup.Plan) { run(t, c, p, time.Now()) }, "4 pruned", "", 4},
		"a legal hold":         {func(_ *testing.T, c *cloud, _ backup.Plan) { c.at(home)[0].Tags["snapkeep:legal-hold"] = "" }, "3 pruned, 1 skipped", "would be pruned but for legal-hold", 3},
		"one is gone":          {func(_ *testing.T, c *cloud, _ backup.Plan) { c.at(siteB)[1].gone = true }, "3 pruned, 1 already gone", "", 2},
		"one has other tags":   {func(_ *testing.T, c *cloud, _ backup.Plan) { c.at(siteB)[1].Tags["snapkeep:members"] = "7" }, "3 pruned, 1 skipped", "its snapshots are no recovery point any more", 3},
		"one has failed":       {func(_ *testing.T, c *cloud, _ backup.Plan) { c.at(home)[1].broken = "x" }, "4 pruned", "", 2},
		"one is doubled":       {func(_ *testing.T, c *cloud, _ backup.Plan) { double(c, c.at(home)[1]) }, "3 pruned, 1 skipped", "snap-0007 is new", 4},
		"one was replaced":     {func(_ *testing.T, c *cloud, _ backup.Plan) { double(c, c.at(siteB)[1]); c.at(siteB)[1].gone = true }, "3 pruned, 1 skipped", "snap-0007 is new", 3},
		"the newest copy goes": {func(_ *testing.T, c *cloud, _ backup.Plan) { c.at(home)[1].gone, c.at(home)[0].gone = true, true }, "2 pruned, 2 already gone", "", 2},
		"a copy is made anew":  {func(_ *testing.T, c *cloud, _ backup.Plan) { c.at(home)[0].done = time.Now().Add(time.Hour) }, "2 pruned, 2 skipped", "pending: it is still being made", 4},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p := story(t), ofB(1)
				nights(t, c, p, 3)
				pp := planPrune(t, c, p)
				require.Equal(t, 4, pp.Prunes())
				test.change(t, c, p)
				time.Sleep(c.lag)
				before := len(deletes(c))
				r := prune(t, c, pp)
				t.Logf("\n%s", r)
				require.Equal(t, test.want, outcomes(r))
				require.Len(t, append(c.at(siteB), c.at(home)...), test.left)
				require.Len(t, deletes(c)[before:], r.Count(backup.Pruned))
				if test.why != "" {
					require.True(t, slices.ContainsFunc(r.Results, func(p backup.PruneResult) bool { return strings.Contains(p.Why, test.why) }))
				}
			})
		})
	}
}

// double makes a snapshot once more, as a lost answer does.
func double(c *cloud, s *fakeSnap) {
	again := forge(c, s, func(*backup.Snapshot) {})
	again.Started = again.Started.Add(time.Minute)
}

func TestAGroupWhoseNewestPointVanishedIsLeftAlone(t *testing.T) {
	for name, vanish := range map[string]func(s *fakeSnap){
		"gone":              func(s *fakeSnap) { s.gone = true },
		"failed":            func(s *fakeSnap) { s.broken = "x" },
		"under another key": func(s *fakeSnap) { s.KMSKey = keyAt(second) },
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p := story(t), ofB(1)
				nights(t, c, p, 3)
				pp := planPrune(t, c, p)
				vanish(c.at(home)[2])
				r, err := engine(t, c, backup.Options{}).Prune(t.Context(), pp)
				require.ErrorIs(t, err, backup.ErrNotFound)
				require.ErrorContains(t, err, "999999999999/eu-west-1: instance/i-b1: prune: sk-")
				require.ErrorContains(t, err, "the newest complete point of its group, is no longer there")
				require.Equal(t, "2 pruned, 2 refused", outcomes(r), "of the originals that have copies still")
				require.Len(t, c.at(siteB), 1)
				for _, id := range deletes(c) {
					require.Equal(t, siteB, c.snaps[id].site)
				}
			})
		})
	}
}

func TestASiteThatCannotBeReadWhenPruning(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), ofB(1)
		nights(t, c, p, 3)
		pp := planPrune(t, c, p)
		c.denied[beta] = fmt.Errorf("AccessDenied: %w", backup.ErrDenied)
		r, err := engine(t, c, backup.Options{}).Prune(t.Context(), pp)
		require.ErrorIs(t, err, backup.ErrDenied)
		require.Equal(t, "2 pruned, 2 not tried", outcomes(r))
	})
}

func TestPruneKeepsThePaceOfEachSite(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, _, pp := full(t, 4)
		start := time.Now()
		rates := map[string]backup.Rate{"DeleteSnapshot": {Burst: 2, PerSecond: 0.5}}
		_, err := engine(t, c, backup.Options{Rates: rates}).Prune(t.Context(), pp)
		require.NoError(t, err)
		took := time.Since(start)
		require.Greater(t, took, 40*time.Second, "12 deletes at each of two sites, which go one after the other")
		require.Less(t, took, 50*time.Second)
	})
}

func TestThrottledDeletesAreSentAgain(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, _, pp := full(t, 2)
		n := 0
		c.before = onDelete(func(string) error {
			if n++; n%3 != 0 {
				return fmt.Errorf("RequestLimitExceeded: %w", backup.ErrThrottled)
			}
			return nil
		})
		r := prune(t, c, pp)
		require.Equal(t, "4 pruned", outcomes(r))
		require.Equal(t, 24, r.Calls)
	})
}

// What comes to nothing for minutes is given up, and the others go on.
func TestADeleteThatKeepsFailing(t *testing.T) {
	for name, fault := range map[string]error{
		"throttled": fmt.Errorf("RequestLimitExceeded: %w", backup.ErrThrottled), "broken": lostAnswer,
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p := story(t), ofB(1)
				nights(t, c, p, 3)
				pp := planPrune(t, c, p)
				first := c.at(siteB)[0].ID
				c.before = onDelete(func(id string) error {
					if id == first {
						return fault
					}
					return nil
				})
				start := time.Now()
				r, err := engine(t, c, backup.Options{}).Prune(t.Context(), pp)
				require.ErrorIs(t, err, fault)
				require.Less(t, time.Since(start), 5*time.Minute)
				var at *backup.Error
				require.ErrorAs(t, err, &at)
				require.Equal(t, siteB, backup.Site{Account: at.Account, Region: at.Region})
				require.Equal(t, "3 pruned, 1 failed", outcomes(r))
				require.Equal(t, 8+3, r.Calls)
				require.Len(t, c.at(siteB), 2)
			})
		})
	}
}

// A delete may be repeated, so it does not matter whether a lost answer was to
// a call that had its effect.
func TestLostAnswersOfDeletes(t *testing.T) {
	for _, when := range []string{"before", "after"} {
		for n := range 8 {
			inTime(t, func(t *testing.T) {
				c, _, pp := full(t, 2)
				i := 0
				fault := onDelete(func(string) error {
					if i++; i == n+1 {
						return lostAnswer
					}
					return nil
				})
				if when == "before" {
					c.before = fault
				} else {
					c.after = fault
				}
				r := prune(t, c, pp)
				require.Equal(t, "4 pruned", outcomes(r))
				require.Equal(t, 9, r.Calls)
				require.Len(t, c.at(siteA), 4)
			})
		}
	}
}

// If no answer comes through at all, a listing tells what is gone.
func TestADeleteWhoseAnswersAreAllLostIsSeenInTheListing(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), ofB(1)
		nights(t, c, p, 3)
		pp := planPrune(t, c, p)
		c.after = onDelete(func(string) error { return lostAnswer })
		r := prune(t, c, pp)
		require.Equal(t, "4 pruned", outcomes(r))
		for _, p := range r.Results {
			require.NotEmpty(t, p.Deleted)
			require.Empty(t, p.Why)
		}
	})
}

func TestDeletesAreVerified(t *testing.T) {
	for name, test := range map[string]struct {
		for_ time.Duration // how long what was deleted is listed still
		want string
	}{
		"listings lag": {20 * time.Second, "2 pruned"}, "it never goes": {time.Hour, "1 pruned, 1 unverified"},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p := story(t), ofB(1)
				nights(t, c, p, 2)
				pp := planPrune(t, c, p)
				first := c.at(home)[0]
				var until time.Time
				c.after = onDelete(func(id string) error {
					if id == first.ID {
						first.gone, until = false, time.Now().Add(test.for_)
					}
					return nil
				})
				c.before = func(k call) error {
					first.gone = !until.IsZero() && time.Now().After(until)
					return nil
				}
				start := time.Now()
				r, err := engine(t, c, backup.Options{}).Prune(t.Context(), pp)
				require.Equal(t, test.want, outcomes(r))
				require.Less(t, time.Since(start), time.Minute)
				if r.Count(backup.Unverified) > 0 {
					require.ErrorContains(t, err, first.ID+" is still listed")
					return
				}
				require.NoError(t, err)
			})
		})
	}
}

func TestDeletesThatCannotBeVerified(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), ofB(1)
		nights(t, c, p, 2)
		pp := planPrune(t, c, p)
		c.before = func(k call) error {
			if k.op == "list" && slices.ContainsFunc(c.calls, func(k call) bool { return k.op == string(backup.StepDelete) }) {
				return lostAnswer
			}
			return nil
		}
		r, err := engine(t, c, backup.Options{}).Prune(t.Context(), pp)
		require.ErrorIs(t, err, backup.ErrUnknownOutcome)
		require.Equal(t, "2 unverified", outcomes(r))
	})
}

// What AWS forbids stays, and says so; the point stays whole if it was.
func TestWhatAWSRefuses(t *testing.T) {
	for name, refused := range map[string]error{
		"an image is registered with it": refusal("InvalidSnapshot.InUse"),
		"a lock":                         refusal("SomeCodeThatIsNotDocumented"),
		"no permission":                  fmt.Errorf("UnauthorizedOperation: %w", backup.ErrDenied),
	} {
		for volume, gone := range map[string]int{"vol-a1": 0, "vol-a2": 2} { // the root, and another
			t.Run(name+" on "+volume, func(t *testing.T) {
				inTime(t, func(t *testing.T) {
					c, p := story(t), ofA(1)
					c.resources[siteA] = c.resources[siteA][:1]
					nights(t, c, p, 3)
					pp := planPrune(t, c, p)
					oldest := c.at(siteA)[:3]
					c.before = onDelete(func(id string) error {
						if s := c.snaps[id]; s.Volume == volume && slices.Contains(oldest, s) {
							return refused
						}
						return nil
					})
					r, err := engine(t, c, backup.Options{}).Prune(t.Context(), pp)
					require.ErrorIs(t, err, refused)
					require.ErrorContains(t, err, "prune "+decision(group(t, pp, siteA, false), 0).Point+": ")
					require.Equal(t, "3 pruned, 1 refused", outcomes(r))
					require.Equal(t, refused.Error(), r.Results[0].Why)
					require.Len(t, r.Results[0].Deleted, gone)

					pp = planPrune(t, c, p)
					want := retention.Complete
					if gone > 0 {
						want = retention.Partial
					}
					require.Equal(t, want, decision(group(t, pp, siteA, false), 0).State)
					c.before = nil
					require.Equal(t, "1 pruned", outcomes(prune(t, c, pp)), "once nothing forbids it")
					require.Len(t, c.at(siteA), 3)
				})
			})
		}
	}
}

// An intermediate belongs to its point only as long as a member is there that
// says so: while it cannot be deleted, the members stay.
func TestMembersStayWhileAnExtraSnapshotDoes(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), ofA(1)
		c.resources[siteA] = c.resources[siteA][:1]
		left := leftOver(t, c, p)
		c.at(siteA)[0].gone = true
		c.before = onDelete(func(id string) error {
			if id == left.ID {
				return refusal("InvalidSnapshot.InUse")
			}
			return nil
		})
		pp := planPrune(t, c, p)
		oldest := decision(group(t, pp, siteA, false), 0)
		require.Equal(t, retention.Partial, oldest.State)
		require.Len(t, oldest.Snapshots, 3)
		r, err := engine(t, c, backup.Options{}).Prune(t.Context(), pp)
		require.ErrorContains(t, err, "InvalidSnapshot.InUse")
		require.Equal(t, 1, r.Count(backup.Refused))
		for _, id := range oldest.Snapshots {
			require.False(t, c.snaps[id].gone)
		}
		c.before = nil
		prune(t, c, planPrune(t, c, p))
		for _, id := range oldest.Snapshots {
			require.True(t, c.snaps[id].gone)
		}
	})
}

func TestCancelledPrunesSayWhatWasNotTried(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, pp := full(t, 4)
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		c.after = onDelete(func(string) error {
			if n++; n == 6 {
				cancel()
			}
			return nil
		})
		start := time.Now()
		var told []error
		e := engine(t, c, backup.Options{OnEvent: func(ev backup.Event) { told = append(told, ev.Err) }})
		r, err := e.Prune(ctx, pp)
		require.EqualError(t, err, context.Canceled.Error(), "and nothing else")
		require.Less(t, time.Since(start), 10*time.Second)
		require.Len(t, r.Results, 12)
		require.Equal(t, 6, r.Calls)
		require.Equal(t, 12, r.Count(backup.NotTried)+r.Count(backup.Unverified), "%s", r)
		for _, err := range told {
			require.NoError(t, err)
		}
		c.after = nil
		pruned := prune(t, c, planPrune(t, c, p)).Count(backup.Pruned)
		require.Equal(t, 12-r.Count(backup.Unverified), pruned)
		require.Len(t, c.at(siteA), 4)

		cancelled, stop := context.WithCancel(t.Context())
		stop()
		r, err = e.Prune(cancelled, pp)
		require.ErrorIs(t, err, context.Canceled)
		require.Nil(t, r)
	})
}

// What another plan made of the same resource is that plan's.
func TestPlansPruneTheirOwn(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), ofB(2)
		weekly := p
		weekly.Name = "weekly"
		nights(t, c, p, 2)
		nights(t, c, weekly, 2)
		require.Zero(t, planPrune(t, c, p).Prunes())
		weekly.Retention.Last = 1
		require.Equal(t, "2 pruned", outcomes(prune(t, c, planPrune(t, c, weekly))))
		require.Zero(t, planPrune(t, c, p).Prunes())
		require.Len(t, c.at(home), 3)
	})
}

// Every n, and originals that are dropped: copies go on being made.
func TestPruningDoesNotKeepCopiesFromBecomingDue(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), ofB(2)
		p.Retention = retention.Policy{Daily: retention.Keep{Count: 2}}
		p.Copies[0].Every, p.Copies[0].DropOriginal = 3, true
		p.Copies[0].Retention = retention.Policy{Last: 9}
		for range 10 {
			nights(t, c, p, 1)
			prune(t, c, planPrune(t, c, p))
		}
		require.Len(t, c.at(home), 4, "nights 1, 4, 7 and 10")
		require.Len(t, c.at(siteB), 2, "that of the last copy, and one of the two before that were never copied")
	})
}

// Events tell each delete.
func TestPruneTellsItsDeletes(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, _, pp := full(t, 2)
		var told []backup.Event
		e := engine(t, c, backup.Options{OnEvent: func(ev backup.Event) { told = append(told, ev) }})
		_, err := e.Prune(t.Context(), pp)
		require.NoError(t, err)
		var ids []string
		for _, ev := range told {
			require.Equal(t, backup.StepDelete, ev.Step)
			require.NotEmpty(t, ev.Point)
			require.NotEmpty(t, ev.Resource)
			ids = append(ids, ev.Snapshot)
		}
		require.ElementsMatch(t, deletes(c), ids)
	})
}
