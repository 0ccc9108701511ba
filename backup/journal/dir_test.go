package journal_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/snapkeep/snapkeep/backup/journal"
)

var night = time.Date(2026, 5, 1, 2, 0, 0, 0, time.UTC)

func open(t testing.TB, dir string) *journal.Dir {
	t.Helper()
	d, err := journal.OpenDir(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

func TestRunsAreRemembered(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	d := open(t, dir)
	for range 2 { // again changes nothing
		for day := range 3 {
			at := night.AddDate(0, 0, day).Add(time.Millisecond).In(time.FixedZone("", 3600))
			require.NoError(t, d.Begin(ctx, "nightly", at))
		}
		require.NoError(t, d.Begin(ctx, "nightly-eu", night.AddDate(0, 0, 9)))
		require.NoError(t, d.Begin(ctx, ".hidden", night))
	}
	d = open(t, dir) // another process
	runs, err := d.Begun(ctx, "nightly", night.AddDate(0, 0, 1))
	require.NoError(t, err)
	require.ElementsMatch(t, []time.Time{night.AddDate(0, 0, 1), night.AddDate(0, 0, 2)}, runs)
	runs, err = d.Begun(ctx, ".hidden", time.Time{})
	require.NoError(t, err)
	require.Equal(t, []time.Time{night}, runs)
}

func TestWhatIsNoRunIsPassedOver(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"README", "nightly@", "nightly@20260501T020000", "nightly@20260501T020000Z.bak", "nightly@20269901T020000Z", "nightly@ü"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "nightly@20260501T020000Z"), 0o700))
	runs, err := open(t, dir).Begun(context.Background(), "nightly", time.Time{})
	require.NoError(t, err)
	require.Empty(t, runs)
}

func TestWhatIsRefused(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	d := open(t, dir)
	for _, plan := range []string{"", "../x", "a/b", `a\b`, "nightly@20260501T020000Z", "c:x"} {
		require.ErrorContains(t, d.Begin(ctx, plan, night), "is not the name of a plan", plan)
		_, err := d.Begun(ctx, plan, night)
		require.ErrorContains(t, err, "is not the name of a plan", plan)
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)

	gone, cancel := context.WithCancel(ctx)
	cancel()
	require.ErrorIs(t, d.Begin(gone, "nightly", night), context.Canceled)
	require.NoError(t, d.Begin(ctx, "nightly", night))
	_, err = d.Begun(gone, "nightly", night)
	require.ErrorIs(t, err, context.Canceled)

	_, err = journal.OpenDir(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.RemoveAll(dir))
	require.Error(t, d.Begin(ctx, "nightly", night))
}

// Whatever plans and moments there are, each plan gets its own back.
func TestPlansAreToldApart(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ctx, d := context.Background(), open(t, t.TempDir())
		want := map[string]map[int64]bool{}
		for range rapid.IntRange(1, 8).Draw(rt, "runs") {
			plan := rapid.StringMatching(`[a-z0-9._-]{1,3}`).Draw(rt, "plan")
			at := rapid.Int64Range(0, 250_000_000_000).Draw(rt, "at")
			require.NoError(rt, d.Begin(ctx, plan, time.Unix(at, 0)))
			if want[plan] == nil {
				want[plan] = map[int64]bool{}
			}
			want[plan][at] = true
		}
		for plan, runs := range want {
			got, err := d.Begun(ctx, plan, time.Time{})
			require.NoError(rt, err)
			require.Len(rt, got, len(runs))
			for _, at := range got {
				require.True(rt, runs[at.Unix()])
			}
		}
	})
}
