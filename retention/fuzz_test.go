package retention_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/retention"
)

// FuzzParsePolicy: any text is refused or reads back as itself.
func FuzzParsePolicy(f *testing.F) {
	for _, seed := range []string{
		"", wholePolicy, "last=all", "last=0", "daily=7 daily-within=2m", "tag=a%3Ab:c%20d,e", "tag=%FF:%00", "tz=+02:00", "tz=UTC",
		"within=1y2m3d4h", "min-age=1ns", "max-skew=2562047h47m16.854775807s", "last=9223372036854775807", "oldest", "=", "tag=a:b:c",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := retention.ParsePolicy(text)
		if err != nil {
			require.Zero(t, p)
			return
		}
		again, err := retention.ParsePolicy(p.String())
		require.NoError(t, err, "%q became %q", text, p.String())
		require.Equal(t, p.String(), again.String())
		requireSamePolicy(t, p, again)
		requireSamePolicy(t, p, throughJSON(t, p))
		if err := p.Validate(); err != nil {
			require.ErrorIs(t, err, retention.ErrEmptyPolicy, "%q", text)
		}
		guaranteed, usual := p.Reach()
		require.LessOrEqual(t, guaranteed, usual, "%q", text)
		requireDecides(t, p, nil)
	})
}

// FuzzRecoveryPointJSON: what can be read can be written and read again, and
// be evaluated and explained.
func FuzzRecoveryPointJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `{"id":"snap-1","time":"2026-03-01T00:00:00Z"}`,
		`{"id":"a","time":"2024-10-27T02:30:00+01:00","state":"failed","tags":{"keep":""},"holds":[{"kind":"pin"}]}`,
		`{"time":"0001-01-01T00:00:00Z"}`, `{"time":"9999-12-31T23:59:59.999999999Z","holds":[{"kind":"foreign","until":"2027-01-01T00:00:00Z"}]}`,
		`{"time":"0000-01-01T00:00:00Z","state":"deleting","holds":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var p retention.RecoveryPoint
		if json.Unmarshal(text, &p) != nil {
			return
		}
		written, err := json.Marshal(p)
		if err != nil {
			return // a null hold has no kind, and an offset may push a year past 9999
		}
		var again retention.RecoveryPoint
		require.NoError(t, json.Unmarshal(written, &again))
		rewritten, err := json.Marshal(again)
		require.NoError(t, err)
		require.JSONEq(t, string(written), string(rewritten))
		requireDecides(t, policy(t, wholePolicy), &p)
	})
}

// requireDecides evaluates the point together with two others.
func requireDecides(t *testing.T, p retention.Policy, point *retention.RecoveryPoint) {
	now := time.Date(2026, time.March, 17, 12, 0, 0, 0, time.UTC)
	points := []retention.RecoveryPoint{complete("fuzz-old", now.AddDate(-1, 0, 0)), complete("fuzz-new", now)}
	if point != nil {
		points = append(points, *point)
	}
	result, err := retention.Evaluate(now, points, p)
	if err != nil {
		require.Nil(t, result.Decisions)
		return
	}
	require.Len(t, result.Decisions, len(points))
	for i := range points {
		require.NotEmpty(t, result.Explain(i))
	}
}
