package backup_test

import (
	"context"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares text with a file that a person can review.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := "testdata/" + name + ".golden"
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NotEmpty(t, want)
	require.Equal(t, string(want), got)
}

// eventful is a cloud in which every action and every kind of reason occurs.
func eventful(t *testing.T) (*cloud, backup.Plan) {
	t.Helper()
	c, p := story(t), ofA(0, copyTo(home))
	p.Retention = retention.Policy{Daily: retention.Keep{Count: 2}, MinAge: time.Hour}
	p.Copies[0].Retention = retention.Policy{Last: 1, Weekly: retention.Keep{Count: 2}}
	p.Sources[0].Select = backup.Selector{IDs: []string{"i-a1"}}
	nights(t, c, p, 6)
	copies := c.at(home) // three a night
	failing(t, c, p, home, 3)
	copies[4].gone = true                        // of the second night
	copies[6].Tags["snapkeep:legal-hold"] = ""   // of the third
	copies[9].done = time.Now().AddDate(0, 1, 0) // of the fourth
	return c, p
}

func TestThePlanAndTheReportPrintAsTables(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := eventful(t)
		pp := planPrune(t, c, p)
		locked := decision(group(t, pp, home, true), 4).Snapshots[0]
		c.before = onDelete(func(id string) error {
			if id == locked {
				return refusal("OperationNotPermitted")
			}
			return nil
		})
		r, err := engine(t, c, backup.Options{}).Prune(t.Context(), pp)
		require.ErrorIs(t, err, refusal("OperationNotPermitted"))
		golden(t, "prune", pp.String()+"\n"+r.String())
		require.Equal(t, 7, pp.Prunes())
	})
}

func TestPlanningChangesNothing(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := eventful(t)
		c.dryRun = true
		before, err := json.Marshal(p)
		require.NoError(t, err)
		pp := planPrune(t, c, p)
		pp.Plan.Sources[0].Regions[0] = "changed"
		pp.Plan.Sources[0].RekeyKeys[region] = "changed"
		after, err := json.Marshal(p)
		require.NoError(t, err)
		require.Equal(t, string(before), string(after), "nor is the plan given part of the plan returned")
	})
}

func TestThePlanSurvivesJSON(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := eventful(t)
		vienna, err := time.LoadLocation("Europe/Vienna")
		require.NoError(t, err)
		p.Retention.Location = vienna
		p.Retention.Tags = []retention.Selector{{"a b": "c,d", "e": ""}}
		time.Sleep(c.lag)
		pp, err := engine(t, c, backup.Options{}).PlanPrune(t.Context(), p, time.Now().In(vienna).Add(time.Nanosecond))
		require.NoError(t, err)
		back := reread(t, pp)
		require.Equal(t, pp.String(), back.String())
		again, err := json.Marshal(back)
		require.NoError(t, err)
		first, err := json.Marshal(pp)
		require.NoError(t, err)
		require.Equal(t, string(first), string(again))
		require.Positive(t, pp.Prunes())
		require.Equal(t, pp.Prunes(), prune(t, c, reread(t, back)).Count(backup.Pruned))
	})
}

// A plan holds what a person must see to judge it, and none of the text that
// anybody can write into tags.
func TestThePlanHoldsNoTags(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := eventful(t)
		for _, s := range c.snaps {
			s.Tags["password"] = "hunter2"
		}
		text, err := json.Marshal(planPrune(t, c, p))
		require.NoError(t, err)
		for _, word := range []string{"hunter2", "xvda", "m5.large", "snapkeep:"} {
			require.NotContains(t, string(text), word)
		}
	})
}

func TestPruneRefusesAnAlteredPlan(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := eventful(t)
		good := planPrune(t, c, p)
		c.dryRun = true
		e := engine(t, c, backup.Options{})
		for name, alter := range map[string]func(pp *backup.PrunePlan){
			"the retention":     func(pp *backup.PrunePlan) { pp.Plan.Retention.MinAge = 0 },
			"the key":           func(pp *backup.PrunePlan) { pp.Plan.Copies[0].KMSKey = keyAt(second) },
			"the moment":        func(pp *backup.PrunePlan) { pp.Made = pp.Made.Add(-time.Nanosecond) },
			"the expiry":        func(pp *backup.PrunePlan) { pp.Expires = pp.Expires.Add(time.Hour) },
			"a group less":      func(pp *backup.PrunePlan) { pp.Groups = pp.Groups[1:] },
			"a group's policy":  func(pp *backup.PrunePlan) { pp.Groups[0].Policy.Last = 9 },
			"a group's site":    func(pp *backup.PrunePlan) { pp.Groups[0].Site = home },
			"a decision less":   func(pp *backup.PrunePlan) { pp.Groups[0].Decisions = pp.Groups[0].Decisions[1:] },
			"an action":         func(pp *backup.PrunePlan) { pp.Groups[0].Decisions[0].Action = retention.Prune },
			"a snapshot":        func(pp *backup.PrunePlan) { pp.Groups[0].Decisions[0].Snapshots[0] = "snap-0001" },
			"a time":            func(pp *backup.PrunePlan) { pp.Groups[0].Decisions[0].Time = time.Now() },
			"a sentence":        func(pp *backup.PrunePlan) { pp.Groups[0].Decisions[0].Why = "because" },
			"no digest":         func(pp *backup.PrunePlan) { pp.Digest = "" },
			"another's digest":  func(pp *backup.PrunePlan) { pp.Digest = strings.Repeat("0", 64) },
			"nothing but a lie": func(pp *backup.PrunePlan) { *pp = backup.PrunePlan{Vault: vault} },
		} {
			pp := reread(t, good)
			alter(pp)
			r, err := e.Prune(t.Context(), pp)
			require.ErrorIs(t, err, backup.ErrAlteredPlan, name)
			require.Nil(t, r, name)
		}
	})
}

func TestPruneRefusesAStalePlan(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := eventful(t)
		e := engine(t, c, backup.Options{})
		at := func(now time.Time) *backup.PrunePlan {
			pp, err := e.PlanPrune(t.Context(), p, now)
			require.NoError(t, err)
			return pp
		}
		c.dryRun = true
		stale, ahead := at(time.Now()), at(time.Now().Add(25*time.Hour))
		time.Sleep(24*time.Hour + 1)
		for _, pp := range []*backup.PrunePlan{stale, ahead} {
			r, err := e.Prune(t.Context(), pp)
			require.ErrorIs(t, err, backup.ErrStalePlan)
			require.Nil(t, r)
		}
		c.dryRun = false
		time.Sleep(time.Hour)
		require.Positive(t, prune(t, c, ahead).Count(backup.Pruned), "its time has come")
	})
}

func TestPruneRefusesWhatIsNotItsOwn(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := eventful(t)
		pp := planPrune(t, c, p)
		c.dryRun = true
		other, err := backup.New(c, []backup.Driver{c}, backup.Options{Vault: alpha})
		require.NoError(t, err)
		_, err = other.Prune(t.Context(), pp)
		require.ErrorContains(t, err, `prune plan of vault "999999999999", this engine's is "111111111111"`)
		_, err = other.Prune(t.Context(), nil)
		require.ErrorContains(t, err, "no prune plan")
	})
}

func TestPlanPruneRefuses(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := eventful(t)
		e := engine(t, c, backup.Options{})
		var wrong *backup.PlanError
		pp, err := e.PlanPrune(t.Context(), backup.Plan{}, time.Now())
		require.ErrorAs(t, err, &wrong)
		require.Nil(t, pp)
		for _, now := range []time.Time{{}, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)} {
			_, err = e.PlanPrune(t.Context(), p, now)
			require.ErrorContains(t, err, "a moment")
		}
		p.Retention = retention.Policy{}
		_, err = e.PlanPrune(t.Context(), p, time.Now())
		require.ErrorContains(t, err, "retention: ")

		_, p = eventful(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		pp, err = e.PlanPrune(ctx, p, time.Now())
		require.ErrorIs(t, err, context.Canceled)
		require.Nil(t, pp)
	})
}

// A site may hold originals of its own and copies of others, and be read as
// both. No point is judged twice, and none by the other's policy.
func TestASiteThatIsSourceAndDestination(t *testing.T) {
	for name, away := range map[string]backup.Site{
		"the vault":           home,
		"a protected account": {Account: alpha, Region: other},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p := story(t), ofA(2, copyTo(away))
				p.Sources = append(p.Sources[:1:1], backup.Source{
					Account: away.Account, Regions: []string{away.Region}, Select: backup.Selector{All: true},
				})
				if away.Account == alpha {
					p.Sources = p.Sources[:1]
					p.Sources[0].Regions = []string{region, other}
					p.Sources[0].RekeyKeys = maps.Clone(p.Sources[0].RekeyKeys)
				}
				p.Copies[0].Retention = retention.Policy{Last: 1}
				c.resources[away] = []backup.Resource{instance(away, "i-own", root("vol-own", 8))}
				nights(t, c, p, 3)
				pp := planPrune(t, c, p)
				t.Logf("\n%s", pp)
				require.Len(t, pp.Groups, 6)
				for _, g := range pp.Groups {
					if g.Copy {
						require.Equal(t, "PPR", actions(g))
					} else {
						require.Equal(t, "PRR", actions(g))
					}
				}
				require.Equal(t, "9 pruned", outcomes(prune(t, c, pp)))
			})
		})
	}
}
