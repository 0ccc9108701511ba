package retention_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/retention"
)

func TestRecoveryPointJSON(t *testing.T) {
	until := time.Date(2026, time.April, 1, 0, 0, 0, 0, time.UTC)
	point := retention.RecoveryPoint{
		ID: "snap-1", Time: until.AddDate(0, -1, 0), State: retention.Partial,
		Tags:  map[string]string{"app": "web"},
		Holds: []retention.Hold{{Kind: retention.SnapshotLock, Until: until, Ref: "lock"}, {Kind: retention.Pin}},
	}
	text, err := json.Marshal(point)
	require.NoError(t, err)
	require.JSONEq(t, `{"id":"snap-1","time":"2026-03-01T00:00:00Z","state":"partial","tags":{"app":"web"},
		"holds":[{"kind":"snapshot-lock","until":"2026-04-01T00:00:00Z","ref":"lock"},{"kind":"pin"}]}`, string(text))
	require.Equal(t, point, throughJSON(t, point))

	var bare retention.RecoveryPoint
	require.NoError(t, json.Unmarshal([]byte(`{"id":"snap-1","time":"2026-03-01T00:00:00Z"}`), &bare))
	require.Equal(t, retention.Complete, bare.State)
	require.EqualError(t, json.Unmarshal([]byte(`{"state":"done"}`), &bare), `retention: unknown state "done"`)
	require.EqualError(t, json.Unmarshal([]byte(`{"holds":[{"kind":"whim"}]}`), &bare), `retention: unknown hold kind "whim"`)
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		values []fmt.Stringer
		want   string
	}{
		{[]fmt.Stringer{retention.Complete, retention.Partial, retention.Pending, retention.Failed, retention.Deleting}, "complete partial pending failed deleting"},
		{[]fmt.Stringer{
			retention.Pin, retention.LegalHold, retention.SnapshotLock, retention.InUse,
			retention.CopyPending, retention.LatestCopy, retention.ColdMinimum, retention.Foreign,
		}, "pin legal-hold snapshot-lock in-use copy-pending latest-copy cold-minimum foreign"},
		{[]fmt.Stringer{retention.Retain, retention.Prune, retention.Blocked, retention.Defer}, "retain prune blocked defer"},
		{[]fmt.Stringer{retention.State(5), retention.State(-1), retention.HoldKind(0), retention.Action(4)}, "State(5) State(-1) HoldKind(0) Action(4)"},
		{[]fmt.Stringer{retention.All, retention.Count(3), retention.Span{}, retention.Span{Years: 1, Hours: 2}}, "all 3 0h 1y2h"},
	} {
		var names []string
		for _, v := range c.values {
			names = append(names, v.String())
		}
		require.Equal(t, c.want, strings.Join(names, " "))
	}
	require.Equal(t, 0, int(retention.Complete))
	require.Equal(t, 1, int(retention.Pin))
}

func TestUnknownValuesHaveNoText(t *testing.T) {
	for _, v := range []any{retention.State(5), retention.State(-1), retention.HoldKind(0), retention.HoldKind(9), retention.Action(4)} {
		_, err := json.Marshal(v)
		require.ErrorContains(t, err, "retention: unknown ")
	}
}

func TestReasonTexts(t *testing.T) {
	const every = "last, within, hourly oldest, hourly-within, daily, daily-within, weekly, weekly-within, " +
		"monthly oldest, monthly-within, quarterly, quarterly-within, yearly oldest, yearly-within, " +
		"tag, min-count, min-age, hold, future, foreign, pending, deleting, incomplete"
	var all retention.Reasons
	require.NoError(t, all.UnmarshalText([]byte(every)))
	require.Equal(t, every, all.String())
	require.Equal(t, strings.Split(every, ", "), slices.Collect(all.All()))
	require.Equal(t, all, throughJSON(t, all))

	for name := range all.All() {
		var one retention.Reasons
		require.NoError(t, one.UnmarshalText([]byte(name)))
		require.Equal(t, []string{name}, slices.Collect(one.All()))
	}
	for range all.All() {
		break // leaving early is fine
	}
	require.Empty(t, retention.Reasons(0).String())
	require.Zero(t, throughJSON(t, retention.Reasons(0)))
	require.Empty(t, retention.Reasons(1<<31).String())
	for _, text := range []string{"ours", "last oldest", "daily,weekly", "within oldest", "tag oldest", ", "} {
		require.Error(t, all.UnmarshalText([]byte(text)), text)
	}
	require.Equal(t, every, all.String(), "an error must leave the set alone")
}

// A million decisions are 16 MB.
func TestDecisionIs16Bytes(t *testing.T) {
	require.EqualValues(t, 16, reflect.TypeFor[retention.Decision]().Size())
}

func TestExplainPanicsForNoPoint(t *testing.T) {
	result, err := retention.Evaluate(time.Now(), []retention.RecoveryPoint{complete("a", time.Now())}, retention.Policy{Last: 1})
	require.NoError(t, err)
	require.Panics(t, func() { _ = result.Explain(1) })
	require.Panics(t, func() { _ = result.Explain(-1) })
}
