package backup_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// brief renders resources as "i-a1 [plans] gaps".
func brief(list []backup.Covered) (lines []string) {
	for _, c := range list {
		line := backup.Resource{ARN: c.Resource}.ID() + " [" + strings.Join(c.Plans, " ") + "]"
		for _, g := range c.Gaps {
			line += " " + string(g)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestCoverageTellsWhatIsNotProtected(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := story(t)
		p := nightly()
		p.Sources[0].Select = backup.Selector{IDs: []string{"i-a1"}}
		began := time.Now()
		run(t, c, p, began)
		time.Sleep(26 * time.Hour)
		fresh := instance(siteA, "i-new", root("vol-new", 8))
		fresh.Unprotected = []string{"2 instance-store volumes of 300 GB"}
		c.resources[siteA] = append(c.resources[siteA], fresh)
		c.resources[siteB] = nil // terminated
		again := p
		again.Name, again.Sources = "weekly", p.Sources[:1]
		again.Sources[0].Select.IDs = append(again.Sources[0].Select.IDs, "i-new")

		e := engine(t, c, backup.Options{})
		c.dryRun = true
		before := len(c.calls)
		got, err := e.Coverage(t.Context(), []backup.Plan{p, again}, time.Now(), backup.CoverageOptions{RPO: 25 * time.Hour, CopyRPO: 30 * time.Hour})
		require.NoError(t, err)
		require.Equal(t, []string{"i-a1 [nightly weekly] late", "i-new [nightly weekly] no point copy late", "vol-a9 [] unprotected"}, brief(got.Resources))
		require.Equal(t, []string{"i-b1 []"}, brief(got.Gone))
		require.Empty(t, got.Unseen)
		require.Len(t, got.With(backup.GapLate), 1)
		require.Equal(t, fresh.Unprotected, got.Resources[1].Unprotected)
		require.Contains(t, got.String(), "no point, copy late; never: 2 instance-store volumes of 300 GB\n")

		a1 := got.Resources[0]
		require.Equal(t, []backup.Held{
			{Site: siteA, Points: 1, Time: a1.Held[0].Time}, {Site: home, Copy: true, Points: 1, Time: a1.Held[0].Time},
		}, a1.Held)
		require.WithinDuration(t, began, a1.Held[0].Time, time.Hour)
		anywhere, elsewhere := a1.Newest()
		require.Equal(t, anywhere, elsewhere)

		lists := 0
		for _, made := range c.calls[before:] {
			if made.op == "list" {
				lists++
			}
		}
		require.Equal(t, 3, lists, "one for each site: two sources and a vault")

		text, err := json.Marshal(got)
		require.NoError(t, err)
		var back backup.Coverage
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, *got, back)
		require.Contains(t, got.String(), "sites 2, resources 3, unprotected 1, no point 1, late 1, copy late 1")
		require.Contains(t, got.String(), "gone: "+got.Gone[0].Resource+": points and copies 2, newest 26h")
		require.Contains(t, got.String(), "no plan names were not looked at")
	})
}

// TestCoverageGoesByTheOldestVolume: a volume that was attached since the last
// point can be restored from none.
func TestCoverageGoesByTheOldestVolume(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly()
		run(t, c, p, time.Now())
		first := c.resources[siteA][0]
		time.Sleep(24 * time.Hour)
		c.resources[siteA][0] = instance(siteA, "i-a1", root("vol-a1", 8)) // its data is detached for a night
		run(t, c, p, time.Now())
		time.Sleep(time.Hour)
		c.resources[siteA][0] = first
		held := func() backup.Covered {
			got, err := engine(t, c, backup.Options{}).Coverage(t.Context(), []backup.Plan{p}, time.Now(), backup.CoverageOptions{RPO: 4 * time.Hour})
			require.NoError(t, err)
			return got.Resources[0]
		}
		require.Greater(t, time.Since(held().Held[0].Time), 24*time.Hour)
		require.Equal(t, 2, held().Held[1].Points)
		require.Equal(t, []backup.Gap{backup.GapLate}, held().Gaps)
		c.resources[siteA][0] = instance(siteA, "i-a1", root("vol-a1", 8))
		require.Empty(t, held().Gaps)
		c.resources[siteA][0] = instance(siteA, "i-a1", root("vol-a1", 8), plain("vol-fresh", 1))
		require.Equal(t, []backup.Gap{backup.GapNoPoint}, held().Gaps)
		require.Equal(t, []string{"vol-fresh"}, held().Held[0].Lacks)
		require.Zero(t, held().Held[0].Time)
	})
}

func TestCoverageTellsWhatItCannotSee(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly()
		run(t, c, p, time.Now())
		c.denied[beta] = backup.ErrDenied
		got, err := engine(t, c, backup.Options{}).Coverage(t.Context(), []backup.Plan{p}, time.Now(), backup.CoverageOptions{})
		require.ErrorIs(t, err, backup.ErrDenied)
		require.Equal(t, []string{"i-a1 [nightly]", "vol-a9 [nightly]"}, brief(got.Resources))
		require.Empty(t, got.Gone, "nobody knows")
		require.Equal(t, []string{"i-b1 []"}, brief(got.Unseen))
		require.NotEmpty(t, got.Sites[1].Lost)
		require.Contains(t, got.String(), "not looked at: "+got.Unseen[0].Resource)
		require.Contains(t, got.String(), "error: ")

		p.Sources = p.Sources[:1]
		got, err = engine(t, c, backup.Options{}).Coverage(t.Context(), []backup.Plan{p}, time.Now(), backup.CoverageOptions{Sites: []backup.Site{{Account: alpha, Region: other}}})
		require.NoError(t, err)
		require.Equal(t, []string{"i-b1 []"}, brief(got.Unseen), "its copy is in the vault")
		require.Len(t, got.Sites, 2)
		require.Empty(t, got.Sites[1].Plans)
	})
}

func TestCoverageRefuses(t *testing.T) {
	c := story(t)
	e := engine(t, c, backup.Options{})
	for name, test := range map[string]struct {
		plans []backup.Plan
		opts  backup.CoverageOptions
		want  string
	}{
		"nothing":        {nil, backup.CoverageOptions{}, "no plans and no sites"},
		"a bad plan":     {[]backup.Plan{nightly(), {}}, backup.CoverageOptions{}, "plans[1]: plan: name"},
		"two of a name":  {[]backup.Plan{nightly(), nightly()}, backup.CoverageOptions{}, "plans[1]: another plan"},
		"a bad site":     {nil, backup.CoverageOptions{Sites: []backup.Site{siteA, {Account: "1", Region: region}}}, "sites[1]"},
		"a negative age": {[]backup.Plan{nightly()}, backup.CoverageOptions{CopyRPO: -1}, "negative"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := e.Coverage(t.Context(), test.plans, time.Now(), test.opts)
			require.Nil(t, got)
			require.ErrorContains(t, err, test.want)
			require.Empty(t, c.calls)
		})
	}
}
