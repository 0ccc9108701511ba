package backup_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/retention"
)

// quarterly is a plan that keeps copies of two years by quarters, and archives
// those that are older than three months.
func quarterly() backup.Plan {
	p := nightly(copyTo(home))
	p.Sources = p.Sources[:1]
	p.Copies[0].Retention = retention.Policy{Daily: retention.Keep{Count: 5}, Quarterly: retention.Keep{Count: 8}}
	p.Copies[0].Archive = &backup.Archive{AfterDays: 90}
	return p
}

// quarters runs the plan once a month, for years.
func quarters(t *testing.T, c *cloud, p backup.Plan, months int) {
	t.Helper()
	for range months {
		run(t, c, p, time.Now())
		pp, err := engine(t, c, backup.Options{}).PlanPrune(t.Context(), p, time.Now())
		require.NoError(t, err)
		_, err = engine(t, c, backup.Options{}).Prune(t.Context(), pp)
		require.NoError(t, err)
		time.Sleep(31 * 24 * time.Hour)
	}
}

func planArchive(t *testing.T, c *cloud, p backup.Plan) *backup.ArchivePlan {
	t.Helper()
	time.Sleep(c.lag)
	ap, err := engine(t, c, backup.Options{}).PlanArchive(t.Context(), p, time.Now())
	require.NoError(t, err)
	return ap
}

// Old quarters go to the archive, and stay there; the newest copy never does,
// and the next run's copies are made as ever.
func TestArchiveMovesOldQuarters(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), quarterly()
		c.resources[siteA], c.resources[siteB] = c.resources[siteA][1:], nil
		quarters(t, c, p, 18)
		ap := planArchive(t, c, p)
		require.Len(t, ap.Groups, 1)
		require.Greater(t, ap.Moves(), 2)
		require.Contains(t, ap.String(), "is younger than 90 days")
		require.Contains(t, ap.String(), "is the newest")
		list := ap.Groups[0].Decisions
		require.False(t, list[len(list)-1].Move)

		text, err := json.Marshal(ap)
		require.NoError(t, err)
		var back backup.ArchivePlan
		require.NoError(t, json.Unmarshal(text, &back))
		r, err := engine(t, c, backup.Options{}).Archive(t.Context(), &back)
		require.NoError(t, err, r)
		require.Equal(t, ap.Moves(), r.Count(backup.Archived), r.String())
		require.Len(t, c.cold, r.Calls)

		again := planArchive(t, c, p)
		require.Zero(t, again.Moves(), again.String())
		require.Contains(t, again.String(), "is in the archive")
		r, err = engine(t, c, backup.Options{}).Archive(t.Context(), &back)
		require.NoError(t, err)
		require.Equal(t, ap.Moves(), r.Count(backup.ArchiveStays))
		require.Zero(t, r.Calls)
		run(t, c, p, time.Now())
	})
}

// Who archives may archive nothing that is younger than what is to be moved.
func TestArchivingIsHeldDownToOldCopies(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), quarterly()
		c.resources[siteB] = nil
		quarters(t, c, p, 18)
		ap := planArchive(t, c, p)
		n := &narrowing{cloud: c, t: t, policies: map[accounts.Purpose]string{}}
		e, err := backup.New(n, []backup.Driver{c}, backup.Options{Vault: vault})
		require.NoError(t, err)
		r, err := e.Archive(t.Context(), ap)
		require.NoError(t, err)
		require.Equal(t, ap.Moves(), r.Count(backup.Archived))
		var newest time.Time
		for id := range c.cold {
			if s := c.snaps[id]; s.Started.After(newest) {
				newest = s.Started
			}
		}
		want, err := json.Marshal(iampolicy.ArchiveSession("aws", string(vault), newest.Add(time.Second)))
		require.NoError(t, err)
		require.JSONEq(t, string(want), n.policies[accounts.VaultPruner])
	})
}

// What is stored whole must cost less than the blocks that are its own: points
// that lie close together stay.
func TestArchiveOnlyWhereItSaves(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), quarterly()
		c.resources[siteA], c.resources[siteB] = c.resources[siteA][1:], nil
		p.Copies[0].Retention = retention.Policy{Monthly: retention.Keep{Count: 24}}
		quarters(t, c, p, 10)
		p.Copies[0].Archive.DailyChange = 0.005
		ap := planArchive(t, c, p)
		require.Contains(t, ap.String(), "saves nothing: about 14 %")
		require.Zero(t, ap.Moves())
		p.Copies[0].Archive.DailyChange = 0 // 2 % a day
		require.Equal(t, 8, planArchive(t, c, p).Moves(), "what is archived shares nothing with the next any more")
		// Nor what goes before the ninety days are over.
		p.Copies[0].Archive.DailyChange = 1
		p.Copies[0].Retention = retention.Policy{Last: 9}
		ap = planArchive(t, c, p)
		require.Contains(t, ap.String(), "is let go within 90 days")
	})
}

// Points that images use, that are not whole, and places of which the holds are
// not known are left alone.
func TestArchiveLeavesAlone(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), quarterly()
		c.resources[siteA], c.resources[siteB] = c.resources[siteA][1:], nil
		quarters(t, c, p, 18)
		ap := planArchive(t, c, p)
		first := ap.Groups[0].Decisions[slices.IndexFunc(ap.Groups[0].Decisions, func(d backup.ArchiveDecision) bool { return d.Move })]
		c.images["ami-1"] = first.Snapshots
		now := planArchive(t, c, p)
		require.Contains(t, now.String(), "is used by ami-1")
		r, err := engine(t, c, backup.Options{}).Archive(t.Context(), ap)
		require.NoError(t, err)
		require.Equal(t, 1, r.Count(backup.ArchiveStays))
		require.Equal(t, ap.Moves()-1, r.Count(backup.Archived))
		require.Contains(t, r.String(), "is used by ami-1")

		c.before = func(k call) error {
			if k.op == "images" {
				return backup.ErrDenied
			}
			return nil
		}
		now = planArchive(t, c, p)
		require.Zero(t, now.Moves())
		require.Contains(t, now.String(), "in-use is not known here")
	})
}

// Answers that are lost are looked for; what waits for AWS's quota is no
// error, and the next call goes on with it.
func TestArchiveInTrouble(t *testing.T) {
	for name, test := range map[string]struct {
		before, after error
		archived      int // of 4
		failed        bool
	}{
		"lost after":  {nil, lostAnswer, 4, false},
		"lost before": {lostAnswer, nil, 3, true},
		"throttled":   {backup.ErrThrottled, nil, 4, false},
		"full":        {backup.ErrQuota, nil, 1, false},
		"denied":      {backup.ErrDenied, nil, 3, true},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p, n := story(t), quarterly(), 0
				c.resources[siteA], c.resources[siteB] = c.resources[siteA][1:], nil
				quarters(t, c, p, 18)
				ap := planArchive(t, c, p)
				require.Equal(t, 4, ap.Moves(), ap.String())
				fault := func(err error) func(call) error {
					return func(k call) error {
						if k.op != "archive" {
							return nil
						}
						if n++; n == 2 {
							return err
						}
						return nil
					}
				}
				if test.before != nil {
					c.before = fault(test.before)
				} else {
					c.after = fault(test.after)
				}
				r, err := engine(t, c, backup.Options{}).Archive(t.Context(), ap)
				require.Equal(t, test.archived, r.Count(backup.Archived), r.String())
				require.Equal(t, test.failed, err != nil)
				c.before, c.after = nil, nil
				next := planArchive(t, c, p)
				require.Equal(t, 4-len(c.cold), next.Moves())
				r, err = engine(t, c, backup.Options{}).Archive(t.Context(), next)
				require.NoError(t, err)
				require.Equal(t, next.Moves(), r.Count(backup.Archived))
				require.Len(t, c.cold, 4)
			})
		})
	}
}

func TestArchiveRefusesPlans(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), quarterly()
		c.resources[siteB] = nil
		quarters(t, c, p, 9)
		e := engine(t, c, backup.Options{})
		ap := planArchive(t, c, p)
		require.NotZero(t, ap.Moves())
		for want, change := range map[string]func(*backup.ArchivePlan) *backup.ArchivePlan{
			"no archive plan":     func(*backup.ArchivePlan) *backup.ArchivePlan { return nil },
			"altered":             func(ap *backup.ArchivePlan) *backup.ArchivePlan { ap.Plan.Copies[0].Archive.AfterDays = 1; return ap },
			`of vault "11111111`:  func(ap *backup.ArchivePlan) *backup.ArchivePlan { ap.Vault = alpha; return ap },
			"Options.MaxArchives": func(ap *backup.ArchivePlan) *backup.ArchivePlan { return ap },
		} {
			text, err := json.Marshal(ap)
			require.NoError(t, err)
			var mine backup.ArchivePlan
			require.NoError(t, json.Unmarshal(text, &mine))
			r, err := engine(t, c, backup.Options{MaxArchives: 1}).Archive(t.Context(), change(&mine))
			require.Nil(t, r)
			require.ErrorContains(t, err, want)
		}
		time.Sleep(25 * time.Hour)
		_, err := e.Archive(t.Context(), ap)
		require.ErrorIs(t, err, backup.ErrStalePlan)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = e.PlanArchive(ctx, p, time.Now())
		require.ErrorIs(t, err, context.Canceled)
		_, err = e.PlanArchive(t.Context(), p, time.Time{})
		require.Error(t, err)
		require.Empty(t, c.cold)
	})
}

func TestArchiveValidate(t *testing.T) {
	for want, a := range map[string]backup.Archive{
		"copies[0].archive.afterDays":   {},
		"0: want 1 to 36500":            {DailyChange: 0.5},
		"copies[0].archive.dailyChange": {AfterDays: 1, DailyChange: 1.1},
		"-1: want 0 to 1":               {AfterDays: 1, DailyChange: -1},
		"NaN":                           {AfterDays: 1, DailyChange: math.NaN()},
	} {
		p := quarterly()
		p.Copies[0].Archive = &a
		require.ErrorContains(t, p.Validate(), want)
	}
	require.NoError(t, quarterly().Validate())
}

// Whatever the history and the policy: no plan moves the newest point, the copy
// of a volume that was made last, what an image uses, what is not whole, or
// more than 25 of a volume.
func TestArchiveNeverMovesTheNewest(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		gaps := rapid.SliceOfN(rapid.IntRange(1, 120), 1, 40).Draw(rt, "gaps in days")
		detached := rapid.IntRange(0, len(gaps)).Draw(rt, "detached at")
		image := rapid.IntRange(0, len(gaps)-1).Draw(rt, "image of")
		broken := rapid.IntRange(-1, len(gaps)-1).Draw(rt, "broken")
		change := rapid.Float64Range(0, 1).Draw(rt, "change")
		after := rapid.IntRange(1, 400).Draw(rt, "after")
		count := rapid.IntRange(1, 50).Draw(rt, "kept")
		inTime(t, func(t *testing.T) {
			c, p := story(t), quarterly()
			c.lag, c.takes = 0, func(int32) time.Duration { return time.Second }
			c.resources[siteB] = nil
			c.resources[siteA] = []backup.Resource{instance(siteA, "i-a1", root("vol-a1", 8), plain("vol-a2", 9))}
			p.Retention, p.Copies[0].Retention = retention.Policy{Last: retention.All}, retention.Policy{Last: retention.Count(count)}
			p.Copies[0].Archive = &backup.Archive{AfterDays: after, DailyChange: change}
			e := engine(t, c, backup.Options{})
			for n, gap := range gaps {
				if n == detached {
					c.resources[siteA] = []backup.Resource{instance(siteA, "i-a1", root("vol-a1", 8))}
				}
				_, err := e.Run(t.Context(), p, time.Now())
				require.NoError(t, err)
				made := c.at(home)
				last := made[len(made)-1]
				if n == image {
					c.images["ami-1"] = []string{last.ID}
				}
				if n == broken && n != image {
					last.broken = "it broke"
				}
				time.Sleep(time.Duration(gap) * 24 * time.Hour)
			}
			ap, err := e.PlanArchive(t.Context(), p, time.Now())
			require.NoError(t, err)
			moved := map[string]bool{}
			for _, g := range ap.Groups {
				require.False(t, g.Decisions[len(g.Decisions)-1].Move, ap.String())
				for _, d := range g.Decisions {
					require.NotEmpty(t, d.Why)
					for _, id := range d.Snapshots {
						moved[id] = true
					}
				}
			}
			newest, each := map[string]string{}, map[string]int{}
			for _, s := range c.at(home) {
				volume, _, _ := strings.Cut(strings.TrimPrefix(s.Tags["snapkeep:volume"], "v="), ",")
				if c.now(s).State == backup.SnapshotCompleted {
					newest[volume] = s.ID
				}
				if moved[s.ID] {
					each[volume]++
				}
			}
			for _, id := range newest {
				require.False(t, moved[id], "%s\n%s", id, ap)
			}
			for volume, n := range each {
				require.LessOrEqual(t, n, 25, volume)
			}
			for _, id := range c.images["ami-1"] {
				require.False(t, moved[id], ap.String())
			}
			r, err := e.Archive(t.Context(), ap)
			require.NoError(t, err)
			require.Equal(t, len(moved), len(c.cold), r.String())
		})
	})
}

func ExampleArchiveReport() {
	r := &backup.ArchiveReport{Plan: "nightly", Calls: 1, Results: []backup.ArchiveResult{
		{Point: "sk-1", Site: home, Time: time.Date(2026, 1, 1, 2, 0, 0, 0, time.UTC), Moved: []string{"snap-1"}, Outcome: backup.Archived},
		{Point: "sk-2", Site: home, Time: time.Date(2026, 4, 1, 2, 0, 0, 0, time.UTC), Outcome: backup.ArchiveStays, Why: "is used by ami-1"},
	}}
	fmt.Print(r)
	// Output:
	// archive nightly: 1 calls, 1 archived, 1 stays
	// 2026-01-01 02:00  sk-1  999999999999/eu-west-1  archived
	// 2026-04-01 02:00  sk-2  999999999999/eu-west-1  stays  is used by ami-1
}

// bare is the cloud as a driver whose clients can do no more than they must.
type bare struct{ *cloud }

func (b bare) Open(cfg aws.Config, site backup.Site) backup.Client {
	return struct{ backup.Client }{b.cloud.Open(cfg, site)}
}

// What is asked of Thaw is checked before any call.
func TestThawRefuses(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly()
		run(t, c, p, time.Now())
		e, err := backup.New(c, []backup.Driver{bare{c}}, backup.Options{Vault: vault})
		require.NoError(t, err)
		for _, pt := range points(t, c, p) {
			before := len(c.calls)
			if !pt.Copy {
				_, err := e.Thaw(t.Context(), pt, 3)
				require.ErrorContains(t, err, "is no point of copies")
				continue
			}
			for _, days := range []int{-1, 0, 181} {
				_, err := e.Thaw(t.Context(), pt, days)
				require.ErrorContains(t, err, "want 1 to 180")
			}
			require.Len(t, c.calls, before)
			_, err := e.Thaw(t.Context(), pt, 3)
			require.ErrorIs(t, err, backup.ErrUnsupported)
		}
		_, err = e.Thaw(t.Context(), backup.Point{}, 3)
		require.Error(t, err)
	})
}
