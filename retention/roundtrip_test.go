package retention_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/snapkeep/snapkeep/retention"
)

// P18: policies, points and decisions read back as they were written.
func TestRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := onRapid(t).group()
		parsed, err := retention.ParsePolicy(g.policy.String())
		require.NoError(t, err)
		require.Equal(t, g.policy.String(), parsed.String())
		requireSamePolicy(t, g.policy, parsed)
		requireSamePolicy(t, g.policy, throughJSON(t, g.policy))
		require.Equal(t, utc(g.points), utc(throughJSON(t, g.points)))
		result, err := retention.Evaluate(g.now, g.points, g.policy)
		require.NoError(t, err)
		require.Equal(t, result.Decisions, throughJSON(t, result.Decisions))
	})
}

// requireSamePolicy compares Locations by what they say.
func requireSamePolicy(t require.TestingT, want, got retention.Policy) {
	at := time.Date(2024, time.July, 1, 0, 0, 0, 0, time.UTC)
	if want.Location != nil && got.Location != nil {
		require.Equal(t, at.In(want.Location).Format(time.RFC3339), at.In(got.Location).Format(time.RFC3339))
		want.Location, got.Location = nil, nil
	}
	require.Equal(t, want, got)
}

func throughJSON[T any](t require.TestingT, v T) T {
	text, err := json.Marshal(v)
	require.NoError(t, err)
	var back T
	require.NoError(t, json.Unmarshal(text, &back), "%s", text)
	return back
}

// utc returns the points with comparable times.
func utc(points []retention.RecoveryPoint) []retention.RecoveryPoint {
	out := deepCopy(points)
	for i := range out {
		out[i].Time = out[i].Time.UTC()
		for j := range out[i].Holds {
			out[i].Holds[j].Until = out[i].Holds[j].Until.UTC()
		}
	}
	return out
}
