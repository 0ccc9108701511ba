package enginebench_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The benchmarks' harness works: in a tiny world everything is protected, and
// what is reported of it can be.
func TestOursInATinyWorld(t *testing.T) {
	for name, s := range map[string]scale{
		"limited":   {volumes: 10, accounts: 2, slots: 2},
		"unlimited": {volumes: 10, accounts: 2},
		"fixed":     {volumes: 10, accounts: 2, slots: 2, fixed: true, poll: 30 * time.Second},
		"crowded":   {volumes: 10, accounts: 2, slots: 2, crowded: true},
		"blind":     {volumes: 10, accounts: 2, slots: 2, blind: true},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := measure(s, 1, ours)
			require.NoError(t, err)
			require.Equal(t, 10, o.Protected)
			require.Zero(t, o.Failed+o.Twice+o.Shared+o.Throttled)
			require.GreaterOrEqual(t, o.Makespan, o.Floor)
			require.Greater(t, o.Floor, 10*time.Minute)
			require.Greater(t, o.Calls, 10*3+4)
			require.Greater(t, o.Whole, 0.2)
			require.LessOrEqual(t, o.Whole, 1.0)
			if s.fixed {
				require.Equal(t, (10+5*15)*time.Minute, o.Floor)
			}
		})
	}
}

// Every algorithm works where nothing is scarce: that some fail where it is,
// the benchmark shows, is not for want of a harness.
func TestAllAlgorithmsInATinyWorld(t *testing.T) {
	for _, a := range algorithms {
		t.Run(a.name, func(t *testing.T) {
			o, err := measure(scale{volumes: 20, accounts: 2, slots: 20, fixed: true}, 1, a.run)
			require.NoError(t, err)
			require.Equal(t, 20, o.Protected)
			require.Zero(t, o.Failed+o.Twice+o.Throttled+o.Refused)
			require.Equal(t, strings.HasPrefix(a.name, "c7n"), o.Shared > 0, "all but c7n revoke")
			require.GreaterOrEqual(t, o.Makespan, o.Floor)
			require.Less(t, o.Makespan, 70*time.Minute)
		})
	}
}

// Where copies take longer than c7n waits, it gives up; where slots are scarce,
// so does who does not count them.
func TestWhatMakesPeersFail(t *testing.T) {
	scarce := scale{volumes: 20, accounts: 2, slots: 2, fixed: true}
	for _, a := range algorithms {
		o, err := measure(scarce, 1, a.run)
		require.NoError(t, err)
		require.Equal(t, a.name != "tidb" && a.name != "snapkeep", o.Failed > 0, "%s: %d failed", a.name, o.Failed)
		require.Equal(t, a.name != "snapkeep", o.Refused > 0, "%s: %d refused", a.name, o.Refused)
	}
}

func TestMemoryInATinyWorld(t *testing.T) {
	perJob, err := memory(scale{volumes: 40, accounts: 2, slots: 20}, 1)
	require.NoError(t, err)
	require.Greater(t, perJob, 0.0)
}

// Who works in the world of a seed finds what the others find.
func TestWorldsOfOneSeedAreEqual(t *testing.T) {
	worlds := map[uint64]map[string]lasting{}
	for _, seed := range []uint64{1, 1, 2} {
		var w *world
		o, err := measure(scale{volumes: 10, accounts: 3, slots: 20}, seed, remember(&w))
		require.NoError(t, err)
		require.Equal(t, 10, o.Failed, "nobody did anything")
		require.Len(t, w.takes, 10)
		if worlds[seed] != nil {
			require.Equal(t, worlds[seed], w.takes)
		}
		worlds[seed] = w.takes
	}
	require.NotEqual(t, worlds[1], worlds[2])
}
