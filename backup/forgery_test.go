package backup_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

// Whatever tags anybody puts on whatever snapshots in a protected account, be
// they parts of good ones put together anew: the points that the vault has stay
// as they are, no other runs get there, what somebody else has described is
// never deleted, shared or copied, and the other accounts do not notice.
func TestNoForgeryReachesTheVault(t *testing.T) {
	seeds := 600
	if testing.Short() {
		seeds = 60
	}
	var used forgeries
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				f := &forger{rand.New(rand.NewPCG(uint64(seed), 9)), story(t), forgeries{}}
				f.attack(t)
				used.add(f.forgeries)
			})
		})
	}
	require.Greater(t, used.foreign, seeds/2)
	require.Greater(t, used.perfect, seeds/10)
	require.Greater(t, used.touched, seeds/20, "of what was forged, described as ours, nothing was ever taken back")
}

// forgeries counts what was tried, so that the test cannot become empty.
type forgeries struct{ foreign, perfect, touched int }

func (f *forgeries) add(more forgeries) {
	f.foreign, f.perfect, f.touched = f.foreign+more.foreign, f.perfect+more.perfect, f.touched+more.touched
}

// A forger is the administrator of one protected account who knows all that
// the vault's tags say.
type forger struct {
	*rand.Rand
	cloud *cloud
	forgeries
}

func (f *forger) attack(t *testing.T) {
	c, p, at := f.cloud, nightly(), time.Now()
	c.latency, c.lag = 0, 0
	victim := []backup.Site{siteA, siteB}[f.IntN(2)]
	run(t, c, p, at)
	before := vaultOf(t, c)
	require.Len(t, before, 3)
	var parts []backup.Snapshot // what tags, volumes and times are taken from
	for _, site := range []backup.Site{siteA, siteB, home} {
		for _, s := range c.at(site) {
			parts = append(parts, s.Snapshot)
		}
	}
	next := at.Add(24 * time.Hour)
	time.Sleep(time.Until(at.Add([]time.Duration{time.Minute, 2 * time.Hour, 24 * time.Hour}[f.IntN(3)])))
	for _, when := range []time.Time{at, at.Add(time.Hour), at.Add(23 * time.Hour), next} {
		if when.After(time.Now()) {
			break
		}
		probe := newCloud(t)
		probe.resources[victim] = c.resources[victim]
		step := firstStep(t, probe, p, when)
		for _, m := range step.Resource.Members {
			parts = append(parts, backup.Snapshot{
				Owner: victim.Account, Volume: m.Volume, SizeGiB: m.SizeGiB, Started: when.Add(time.Second), Tags: step.Tags, Description: step.Description,
				Encrypted: m.Encrypted, KMSKey: m.KMSKey,
			})
		}
	}
	var forged []*fakeSnap
	for range 1 + f.IntN(8) {
		forged = append(forged, f.forge(victim, parts))
	}
	shares := map[string]map[accounts.ID]bool{}
	for _, s := range forged {
		shares[s.ID] = maps.Clone(s.shared)
	}
	calls := len(c.calls)

	_, _ = engine(t, c, backup.Options{}).Run(t.Context(), p, at) // resumed: may fail where it was forged
	time.Sleep(time.Until(next))
	report, _ := engine(t, c, backup.Options{Rest: time.Minute}).Run(t.Context(), p, next)
	f.others(t, victim, report)
	time.Sleep(time.Hour)
	pruned := planPrune(t, c, p)
	prune(t, c, pruned)
	f.unharmed(t, before, next)
	for _, k := range c.calls[calls:] {
		i := slices.IndexFunc(forged, func(s *fakeSnap) bool { return s.ID == k.step.Snapshot })
		if i < 0 {
			continue
		}
		f.touched++
		require.NotEqual(t, "precious", forged[i].Description, "%s of somebody else's %s", k.op, k.step.Snapshot)
	}
	for _, s := range forged {
		if s.Description == "precious" {
			require.False(t, s.gone)
			require.Equal(t, shares[s.ID], s.shared)
		}
	}
}

// vaultOf returns the vault's points as text, by their run.
func vaultOf(t *testing.T, c *cloud) map[string]string {
	t.Helper()
	list := map[string]string{}
	for _, pt := range pointsAt(t, c, home) {
		text, err := json.Marshal(pt)
		require.NoError(t, err)
		list[pt.Run.Format(time.RFC3339)+" "+pt.Resource] = string(text)
	}
	return list
}

// unharmed checks the vault: its points are as they were, those of the next run
// are whole or not there, and there are no others.
func (f *forger) unharmed(t *testing.T, before map[string]string, next time.Time) {
	t.Helper()
	after := vaultOf(t, f.cloud)
	for name, text := range before {
		require.JSONEq(t, text, after[name])
	}
	for _, pt := range pointsAt(t, f.cloud, home) {
		if _, old := before[pt.Run.Format(time.RFC3339)+" "+pt.Resource]; old {
			continue
		}
		require.True(t, pt.Run.Equal(next), "a point of %v", pt.Run)
		require.Equal(t, retention.Complete, pt.State)
		var volumes, want []string
		for _, m := range pt.Members {
			volumes = append(volumes, m.Volume)
		}
		for _, r := range slices.Concat(f.cloud.resources[siteA], f.cloud.resources[siteB]) {
			for _, m := range r.Members {
				if r.ARN == pt.Resource {
					want = append(want, m.Volume)
				}
			}
		}
		require.ElementsMatch(t, want, volumes)
	}
}

// others checks that the other account's resources were protected as ever.
func (f *forger) others(t *testing.T, victim backup.Site, report *backup.Report) {
	t.Helper()
	n := 0
	for _, j := range report.Jobs {
		if j.Resource.Site != victim {
			require.Equal(t, backup.Done, j.Stage, "%v", j.Err())
			n++
		}
	}
	require.Equal(t, len(f.cloud.resources[siteA])+len(f.cloud.resources[siteB])-len(f.cloud.resources[victim]), n)
}

// forge puts a snapshot together from parts of others.
func (f *forger) forge(site backup.Site, parts []backup.Snapshot) *fakeSnap {
	any := func() backup.Snapshot { return parts[f.IntN(len(parts))] }
	s := any()
	s.Tags, s.Completed = maps.Clone(s.Tags), time.Time{}
	for range []int{0, 0, 1, 2, 4}[f.IntN(5)] {
		switch f.IntN(9) {
		case 0:
			s.Volume = any().Volume
		case 1:
			s.SizeGiB = any().SizeGiB
		case 2:
			far := []time.Duration{0, time.Hour, -time.Hour, 1000 * time.Hour, -1000 * time.Hour, -100 * 365 * 24 * time.Hour}
			s.Started = any().Started.Add(far[f.IntN(len(far))])
		case 3:
			s.Encrypted, s.KMSKey = f.IntN(2) == 0, any().KMSKey
		case 4:
			s.Description = any().Description
		default:
			f.tag(s.Tags, any().Tags)
		}
	}
	whole := s.Description != ""
	if f.IntN(2) == 0 {
		s.Description = "precious"
		f.foreign++
	} else if whole {
		f.perfect++
	}
	started := s.Started
	made := f.cloud.put(site, s, s.Tags)
	made.Started = started
	made.done = time.Now().Add([]time.Duration{0, 0, time.Hour, 1000 * time.Hour}[f.IntN(4)])
	if f.IntN(6) == 0 {
		made.broken = "forged"
	}
	made.managed = made.Encrypted && f.IntN(3) == 0
	for _, with := range []accounts.ID{vault, "666666666666"} {
		if f.IntN(3) == 0 {
			made.shared[with] = true
		}
	}
	return made
}

// tag changes one tag: to what another snapshot has, to nonsense, or to nothing.
func (f *forger) tag(tags, others map[string]string) {
	names := slices.Sorted(maps.Keys(others))
	name := append(names, "snapkeep:source", "snapkeep:taken", "snapkeep:step", "snapkeep:volume", "snapkeep:volumes-2")[f.IntN(len(names)+5)]
	junk := []string{"", "0", "-1", "999999999999", "rekey", "\x00", "999999999999/eu-west-1", "2000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"}
	switch value, has := others[name]; {
	case f.IntN(4) == 0:
		delete(tags, name)
	case has && f.IntN(3) > 0:
		tags[name] = value
	default:
		tags[name] = junk[f.IntN(len(junk))]
	}
}
