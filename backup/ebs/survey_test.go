package ebs_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/retention"
)

// TestASurveyIsAsManyDiscoveries: what a survey says of a selector is what
// Discover yields for it, and it names everything there is.
func TestASurveyIsAsManyDiscoveries(t *testing.T) {
	client, _ := open(t, office)
	drawn := rapid.Custom(func(rt *rapid.T) backup.Selector {
		return aSelector(rt, []string{"i-web", "i-db", "vol-web-b", "vol-loose", "vol-stray"}, []string{"vpc-a", "vpc-b"})
	})
	selectors := []backup.Selector{{All: true}, {Tags: map[string]string{"backup": "daily"}}, {}}
	for seed := range 60 {
		selectors = append(selectors, drawn.Example(seed))
	}
	var ids []string
	chosen := make([]map[string][]string, len(selectors))
	for r, err := range client.(backup.Surveyor).Survey(t.Context(), selectors) {
		require.NoError(t, err)
		ids = append(ids, r.Resource.ID())
		require.Empty(t, r.Resource.Excluded)
		for n, volumes := range r.Chosen {
			if chosen[n] == nil {
				chosen[n] = map[string][]string{}
			}
			if volumes != nil {
				chosen[n][r.Resource.ID()] = volumes
			}
		}
	}
	require.Equal(t, []string{"i-bare", "i-db", "i-web", "vol-loose", "vol-other"}, ids)
	for n, sel := range selectors {
		want := map[string][]string{}
		for r, err := range client.Discover(t.Context(), sel) {
			require.NoError(t, err)
			for _, m := range r.Members {
				want[r.ID()] = append(want[r.ID()], m.Volume)
			}
		}
		require.Equal(t, want, chosen[n], "%+v", sel)
	}
}

func TestAFailedSurveyEnds(t *testing.T) {
	client, _ := open(t, func(r request) answer { return refused(403, "UnauthorizedOperation", "no") })
	n := 0
	for _, err := range client.(backup.Surveyor).Survey(t.Context(), nil) {
		require.ErrorIs(t, err, backup.ErrDenied)
		n++
	}
	require.Equal(t, 1, n)
}

// TestACoverageCostsTwoListingsASite: however many plans there are, instances,
// volumes and snapshots of a site are listed once.
func TestACoverageCostsTwoListingsASite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, false)
		sessions, err := accounts.New(s.cloud.Config(s.cloud.Root(string(site.Account)), site.Region), []accounts.Account{{ID: site.Account}}, accounts.Options{})
		require.NoError(t, err)
		engine, err := backup.New(sessions, []backup.Driver{ebs.New(ebs.Options{})}, backup.Options{Vault: site.Account})
		require.NoError(t, err)
		plan := func(name string, sel backup.Selector) backup.Plan {
			return backup.Plan{
				Name: name, Retention: retention.Policy{Last: 1},
				Sources: []backup.Source{{Account: site.Account, Regions: []string{site.Region}, Select: sel}},
			}
		}
		plans := []backup.Plan{
			plan("volumes", backup.Selector{Any: []backup.Match{{VolumeTypes: []string{"io2"}}}}),
			plan("daily", backup.Selector{Tags: map[string]string{"backup": "daily"}, Except: []backup.Match{{Names: []string{"web"}}}}),
			plan("db", backup.Selector{Any: []backup.Match{{Names: []string{"d?"}}}}),
		}
		for _, p := range plans {
			_, err := engine.Run(t.Context(), p, time.Now())
			require.NoError(t, err)
			time.Sleep(time.Minute)
		}
		before := s.cloud.Stats().Calls
		got, err := engine.Coverage(t.Context(), plans, time.Now(), backup.CoverageOptions{RPO: time.Hour})
		require.NoError(t, err)
		for op, n := range s.cloud.Stats().Calls {
			before[op] = n - before[op]
			if before[op] == 0 {
				delete(before, op)
			}
		}
		require.Equal(t, map[string]int{"ec2:DescribeInstances": 1, "ec2:DescribeVolumes": 1, "ec2:DescribeSnapshots": 1}, before)
		plansOf, gaps := map[string][]string{}, map[string][]backup.Gap{}
		for _, r := range got.Resources {
			for name, id := range s.ids {
				if id == (backup.Resource{ARN: r.Resource}).ID() {
					plansOf[name], gaps[name] = r.Plans, r.Gaps
				}
			}
		}
		require.Equal(t, map[string][]string{"web": {"volumes"}, "db": {"db"}, "loose": {"daily"}, "other": nil}, plansOf)
		require.Equal(t, map[string][]backup.Gap{"web": {backup.GapPartly}, "db": nil, "loose": nil, "other": {backup.GapUnprotected}}, gaps)
	})
}
