package ebs_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
)

// A bench is what a driver is tested on: a protected site with at least one
// resource of each of the driver's kinds, and a vault site. Nothing here knows
// which driver it is.
type bench struct {
	driver                backup.Driver
	source, vault         backup.Client
	sourceSite, vaultSite backup.Site
	// everything chooses all resources; none is shareable only after a rekey.
	everything backup.Selector
	// key is a customer key of the vault site.
	key string
}

// unknown is a snapshot that no site has.
const unknown = "snap-0fedcba9876543210"

// inBench runs a test on a fresh bench in virtual time.
func inBench(t *testing.T, name string, test func(*testing.T, bench)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, newBench(t)) })
	})
}

// settle lets everything that is under way come to its end.
func settle() { time.Sleep(24 * time.Hour) }

func discover(t *testing.T, c backup.Client, sel backup.Selector) []backup.Resource {
	t.Helper()
	var all []backup.Resource
	for r, err := range c.Discover(t.Context(), sel) {
		require.NoError(t, err)
		all = append(all, r)
	}
	return all
}

func TestConformance(t *testing.T) {
	inBench(t, "discovery is sorted, complete and stable", testDiscovery)
	inBench(t, "a snapshot is one set with the tags of its call", testSnapshot)
	inBench(t, "a share shows, and comes and goes without complaint", testShare)
	inBench(t, "a copy is the vault's, under the key of its step", testCopy)
	inBench(t, "what is deleted is gone, and may be deleted again", testDelete)
	inBench(t, "what is not there is told as such", testUnknown)
	inBench(t, "steps that no driver knows are refused", testOddSteps)
}

func testDiscovery(t *testing.T, b bench) {
	all := discover(t, b.source, b.everything)
	require.True(t, slices.IsSortedFunc(all, func(x, y backup.Resource) int { return strings.Compare(x.ARN, y.ARN) }))
	kinds := map[string]bool{}
	for _, r := range all {
		kinds[r.Kind] = true
		require.Equal(t, b.sourceSite, r.Site)
		require.NotEmpty(t, r.Members, r.ARN)
		for _, m := range r.Members {
			require.Positive(t, m.SizeGiB, r.ARN)
		}
	}
	require.Len(t, kinds, len(b.driver.Kinds()))
	for _, k := range b.driver.Kinds() {
		require.True(t, kinds[k], k)
	}
	require.Equal(t, all, discover(t, b.source, b.everything))
	require.Empty(t, discover(t, b.source, backup.Selector{}))
	for _, r := range all {
		sel := b.everything
		sel.ExcludeIDs = []string{r.ID()}
		require.Len(t, discover(t, b.source, sel), len(all)-1)
		require.Equal(t, []backup.Resource{r}, discover(t, b.source, backup.Selector{IDs: []string{r.ID()}}))
	}
}

// snapshotAll snapshots every resource, tagged by its id, and lets it complete.
func (b bench) snapshotAll(t *testing.T) map[string][]backup.Snapshot {
	t.Helper()
	made := map[string][]backup.Snapshot{}
	for _, r := range discover(t, b.source, b.everything) {
		step := backup.Step{Kind: backup.StepSnapshot, Resource: r, Tags: map[string]string{"of": r.ID(), "conformance": "yes"}}
		require.NotEmpty(t, b.driver.API(step))
		got, err := b.source.Do(t.Context(), step)
		require.NoError(t, err)
		require.Len(t, got, len(r.Members))
		made[r.ID()] = got
	}
	settle()
	return made
}

func testSnapshot(t *testing.T, b bench) {
	made := b.snapshotAll(t)
	total := 0
	for _, r := range discover(t, b.source, b.everything) {
		listed := list(t, b.source, backup.Query{Tags: map[string]string{"of": r.ID()}})
		require.Len(t, listed, len(r.Members))
		total += len(listed)
		for _, s := range listed {
			require.Equal(t, backup.SnapshotCompleted, s.State)
			require.Equal(t, b.sourceSite.Account, s.Owner)
			require.Equal(t, map[string]string{"of": r.ID(), "conformance": "yes"}, s.Tags)
			m := slices.IndexFunc(r.Members, func(m backup.Member) bool { return m.Volume == s.Volume })
			require.GreaterOrEqual(t, m, 0, "%s is of no member", s.ID)
			require.Equal(t, r.Members[m].SizeGiB, s.SizeGiB)
			require.Equal(t, r.Members[m].Encrypted, s.Encrypted)
			answered := slices.IndexFunc(made[r.ID()], func(a backup.Snapshot) bool { return a.ID == s.ID })
			require.GreaterOrEqual(t, answered, 0, "%s was not in the answer", s.ID)
			require.Equal(t, s.Volume, made[r.ID()][answered].Volume)
			require.WithinDuration(t, listed[0].Started, s.Started, 0, "the members are of different moments")
		}
	}
	require.Len(t, list(t, b.source, backup.Query{Tags: map[string]string{"of": "", "conformance": "yes"}}), total)
	for _, s := range list(t, b.source, backup.Query{}) {
		then := backup.Query{Started: []backup.Span{{From: s.Started.Add(-time.Hour), To: s.Started.Add(-time.Hour + time.Second)}, {From: s.Started, To: s.Started.Add(1)}}}
		require.Contains(t, list(t, b.source, then), s, "it was started in a span")
	}
	require.Empty(t, list(t, b.source, backup.Query{Tags: map[string]string{"of": "nobody"}}))
	require.Empty(t, list(t, b.source, backup.Query{Tags: map[string]string{"of": "", "nothing": ""}}))
	require.Empty(t, list(t, b.vault, backup.Query{}))
}

func testShare(t *testing.T, b bench) {
	shared := backup.Query{SharedWith: b.vaultSite.Account}
	for _, set := range b.snapshotAll(t) {
		for _, s := range set {
			step := backup.Step{Kind: backup.StepShare, Snapshot: s.ID, With: b.vaultSite.Account}
			for range 2 {
				_, err := b.source.Do(t.Context(), step)
				require.NoError(t, err)
				require.Len(t, list(t, b.source, shared), 1)
			}
			require.Empty(t, list(t, b.vault, shared), "what is shared is not the vault's own")
			step.Kind = backup.StepRevoke
			for range 2 {
				_, err := b.source.Do(t.Context(), step)
				require.NoError(t, err)
				require.Empty(t, list(t, b.source, shared))
			}
		}
	}
}

func testCopy(t *testing.T, b bench) {
	tags := map[string]string{"copy": "yes"}
	want := map[string]int32{}
	for _, set := range b.snapshotAll(t) {
		for _, s := range set {
			_, err := b.source.Do(t.Context(), backup.Step{Kind: backup.StepShare, Snapshot: s.ID, With: b.vaultSite.Account})
			require.NoError(t, err)
			made, err := b.vault.Do(t.Context(), backup.Step{
				Kind: backup.StepCopy, Snapshot: s.ID, SourceRegion: b.sourceSite.Region, KMSKey: b.key, Tags: tags,
			})
			require.NoError(t, err)
			require.Len(t, made, 1)
			want[made[0].ID] = s.SizeGiB
		}
	}
	settle()
	copies := list(t, b.vault, backup.Query{Tags: tags})
	require.Len(t, copies, len(want))
	for _, c := range copies {
		require.Equal(t, backup.SnapshotCompleted, c.State, c.StateMessage)
		require.Equal(t, want[c.ID], c.SizeGiB)
		require.Equal(t, b.vaultSite.Account, c.Owner)
		require.True(t, c.Encrypted)
		require.Equal(t, b.key, c.KMSKey)
		require.Equal(t, tags, c.Tags)
	}
	require.Empty(t, list(t, b.source, backup.Query{Tags: tags}))
}

func testDelete(t *testing.T, b bench) {
	made := b.snapshotAll(t)
	left := len(list(t, b.source, backup.Query{}))
	for _, set := range made {
		for _, s := range set {
			for range 2 {
				_, err := b.source.Do(t.Context(), backup.Step{Kind: backup.StepDelete, Snapshot: s.ID})
				require.NoError(t, err)
			}
			left--
			require.Len(t, list(t, b.source, backup.Query{}), left)
		}
	}
	require.Zero(t, left)
}

func testUnknown(t *testing.T, b bench) {
	stranger := accounts.ID("888888888888")
	for _, step := range []backup.Step{
		{Kind: backup.StepDelete, Snapshot: unknown},
		{Kind: backup.StepRevoke, Snapshot: unknown, With: stranger},
	} {
		_, err := b.source.Do(t.Context(), step)
		require.NoError(t, err, step.Kind)
	}
	for _, step := range []backup.Step{
		{Kind: backup.StepShare, Snapshot: unknown, With: stranger},
		{Kind: backup.StepCopy, Snapshot: unknown, SourceRegion: b.sourceSite.Region, KMSKey: b.key},
	} {
		_, err := b.source.Do(t.Context(), step)
		require.ErrorIs(t, err, backup.ErrNotFound, step.Kind)
	}
	// What is not shared with the vault is not there for it.
	for _, set := range b.snapshotAll(t) {
		_, err := b.vault.Do(t.Context(), backup.Step{
			Kind: backup.StepCopy, Snapshot: set[0].ID, SourceRegion: b.sourceSite.Region, KMSKey: b.key,
		})
		require.ErrorIs(t, err, backup.ErrNotFound)
	}
}

func testOddSteps(t *testing.T, b bench) {
	_, err := b.source.Do(t.Context(), backup.Step{Kind: "explode"})
	require.ErrorIs(t, err, backup.ErrUnsupported)
	require.Empty(t, b.driver.API(backup.Step{Kind: "explode"}))
}
