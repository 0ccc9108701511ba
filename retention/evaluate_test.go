package retention_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/retention"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// at reads a time as people write it, in UTC unless it has an offset.
func at(t require.TestingT, s string) time.Time {
	for _, layout := range []string{"2006-01-02", "2006-01-02 15:04", "2006-01-02 15:04 -07:00", time.RFC3339Nano} {
		if parsed, err := time.Parse(layout, s); err == nil {
			return parsed
		}
	}
	require.FailNow(t, "no time", "%q", s)
	return time.Time{}
}

func policy(t require.TestingT, text string) retention.Policy {
	p, err := retention.ParsePolicy(text)
	require.NoError(t, err)
	return p
}

// every returns n complete points, the newest at the given time and each
// older one a step of days and hours before.
func every(t *testing.T, newest string, n, days, hours int) []retention.RecoveryPoint {
	points := make([]retention.RecoveryPoint, n)
	for i := range points {
		points[i] = complete(fmt.Sprintf("p%02d", i), at(t, newest).AddDate(0, 0, -i*days).Add(-time.Duration(i*hours)*time.Hour))
	}
	return points
}

func complete(id string, at time.Time) retention.RecoveryPoint {
	return retention.RecoveryPoint{ID: id, Time: at}
}

// listed returns complete points with the given times, named a, b, c …
func listed(t *testing.T, times ...string) []retention.RecoveryPoint {
	points := make([]retention.RecoveryPoint, len(times))
	for i, s := range times {
		points[i] = complete(string(rune('a'+i)), at(t, s))
	}
	return points
}

// goldenCase has the points newest first, so that its files read the same way.
type goldenCase struct {
	name   string
	now    string // the newest point's time if empty
	policy string
	points []retention.RecoveryPoint
	edit   func(points []retention.RecoveryPoint)
}

func goldenCases(t *testing.T) []goldenCase {
	return slices.Concat(ruleCases(t), calendarCases(t), pointCases(t))
}

// ruleCases are about what the rules keep.
func ruleCases(t *testing.T) []goldenCase {
	return []goldenCase{
		{name: "last", policy: "last=3", points: every(t, "2026-03-17 12:00", 5, 1, 0)},
		{name: "grandfather father son", policy: "daily=3 weekly=3 monthly=2", points: every(t, "2026-03-17 12:00", 20, 3, 0)},
		{name: "newest of the day", policy: "daily=2", points: every(t, "2026-03-17 12:00", 6, 0, 5)},
		{name: "periods without points do not count", policy: "daily=3", points: every(t, "2026-03-17 12:00", 5, 8, 0)},
		{name: "daily within", policy: "daily-within=2d12h", points: every(t, "2026-03-17 12:00", 14, 0, 6)},
		{name: "count or span", policy: "daily=2 daily-within=4d", points: every(t, "2026-03-17 12:00", 7, 1, 0)},
		{name: "a young history keeps its beginning", policy: "monthly=12 yearly=all oldest", points: every(t, "2026-03-17 12:00", 5, 3, 0)},
		{name: "oldest only while the count lasts", policy: "daily=2 weekly=9 oldest", points: every(t, "2026-03-15 12:00", 5, 1, 0)},
		{name: "min count", policy: "yearly=1 min-count=3", points: every(t, "2026-03-17 12:00", 5, 1, 0)},
		{name: "min age goes by the clock", now: "2026-03-18 00:00", policy: "last=1 min-age=36h", points: every(t, "2026-03-17 12:00", 4, 0, 12)},
	}
}

// calendarCases are about periods and spans.
func calendarCases(t *testing.T) []goldenCase {
	return []goldenCase{
		{name: "yearly across new year", policy: "yearly=3", points: every(t, "2026-01-01 12:00", 8, 120, 0)},
		{name: "quarterly", policy: "quarterly=3", points: every(t, "2026-04-01 12:00", 9, 31, 0)},
		{name: "weeks of ISO 8601", policy: "weekly=3", points: every(t, "2021-01-05 12:00", 16, 1, 0)},
		{
			name: "a month from the 31st is clamped", policy: "within=1m",
			points: listed(t, "2023-03-31 12:00", "2023-03-03 12:00", "2023-02-28 12:01", "2023-02-28 12:00", "2023-02-27 12:00"),
		},
		{
			name: "a month from the 31st in a leap year", policy: "within=1m",
			points: listed(t, "2024-03-31 12:00", "2024-02-29 12:01", "2024-02-29 12:00"),
		},
		{
			name: "hour that runs twice", policy: "hourly=4 tz=Europe/Berlin",
			points: listed(t, "2024-10-27 03:30 +01:00", "2024-10-27 02:30 +01:00", "2024-10-27 02:30 +02:00", "2024-10-27 02:10 +02:00", "2024-10-27 01:30 +02:00"),
		},
		{
			name: "hours where the clock is half an hour off", policy: "hourly=3 tz=Asia/Kolkata",
			points: listed(t, "2026-03-17 12:40 +05:30", "2026-03-17 12:10 +05:30", "2026-03-17 11:50 +05:30", "2026-03-17 11:20 +05:30", "2026-03-17 10:59 +05:30"),
		},
		{
			name: "days of the location", policy: "daily=3 tz=America/New_York",
			points: listed(t, "2026-03-18 03:00", "2026-03-17 23:00", "2026-03-17 05:00", "2026-03-17 03:30", "2026-03-16 12:00"),
		},
	}
}

// pointCases are about what points are like.
func pointCases(t *testing.T) []goldenCase {
	return []goldenCase{
		{
			name: "equal times by lower id", policy: "last=2",
			points: listed(t, "2026-03-17 12:00", "2026-03-17 12:00", "2026-03-17 12:00"),
		},
		{
			name: "tags", policy: "last=1 tag=keep:forever tag=release,team:web", points: every(t, "2026-03-17 12:00", 6, 1, 0),
			edit: func(p []retention.RecoveryPoint) {
				p[1].Tags = map[string]string{"keep": "forever"}
				p[2].Tags = map[string]string{"keep": "for now"}
				p[3].Tags = map[string]string{"release": "1.2", "team": "web"}
				p[4].Tags = map[string]string{"release": "1.1"}
			},
		},
		{
			name: "holds", policy: "daily=2", points: every(t, "2026-03-17 12:00", 7, 1, 0),
			edit: func(p []retention.RecoveryPoint) {
				p[1].Holds = []retention.Hold{{Kind: retention.Pin, Ref: "before the migration"}}
				p[2].Holds = []retention.Hold{{Kind: retention.SnapshotLock, Until: p[0].Time.AddDate(0, 0, 30)}, {Kind: retention.CopyPending, Until: p[1].Time}, {Kind: retention.InUse, Ref: "ami-1"}}
				p[3].Holds = []retention.Hold{{Kind: retention.LegalHold, Until: p[0].Time}}
				p[4].Holds = []retention.Hold{{Kind: retention.Foreign, Ref: "aws:backup"}}
				p[5].Holds = []retention.Hold{{Kind: 99}}
			},
		},
		{
			name: "states", policy: "last=2", points: every(t, "2026-03-17 12:00", 8, 1, 0),
			edit: func(p []retention.RecoveryPoint) {
				p[0].State = retention.Failed
				p[1].State = retention.Pending
				p[3].State = retention.Partial
				p[4].State = retention.Deleting
				p[6].State = retention.Failed
				p[6].Holds = []retention.Hold{{Kind: retention.Pin}}
			},
		},
		{
			name: "failures younger than min age", now: "2026-03-17 13:00", policy: "last=1 min-age=36h", points: every(t, "2026-03-17 12:00", 4, 1, 0),
			edit: func(p []retention.RecoveryPoint) { p[1].State, p[2].State = retention.Failed, retention.Partial },
		},
		{
			name: "failures alone", policy: "last=1", points: every(t, "2026-03-17 12:00", 2, 1, 0),
			edit: func(p []retention.RecoveryPoint) { p[0].State, p[1].State = retention.Failed, retention.Partial },
		},
		{
			name: "a failure within the skew", now: "2026-03-17 12:00", policy: "daily=2",
			points: listed(t, "2026-03-17 12:02", "2026-03-17 12:01", "2026-03-17 12:00"),
			edit:   func(p []retention.RecoveryPoint) { p[1].State, p[2].State = retention.Failed, retention.Failed },
		},
		{
			name: "the future", now: "2026-03-17 12:00", policy: "daily=2 within=2d",
			points: listed(t, "2036-01-01", "2026-03-17T12:05:00.000000001Z", "2026-03-17 12:05", "2026-03-16 12:00", "2026-03-15 12:00"),
		},
		{name: "nothing", now: "2026-03-17 12:00", policy: "daily=2"},
	}
}

func TestGolden(t *testing.T) {
	for _, c := range goldenCases(t) {
		t.Run(c.name, func(t *testing.T) {
			if c.edit != nil {
				c.edit(c.points)
			}
			now := at(t, "2026-03-17 12:00")
			if c.now != "" {
				now = at(t, c.now)
			} else if len(c.points) > 0 {
				now = c.points[0].Time
			}
			p := policy(t, c.policy)
			result, err := retention.Evaluate(now, c.points, p)
			require.NoError(t, err)
			requireGolden(t, c.name, render(now, c.points, p, result))
		})
	}
}

// render writes the decisions, and below each the sentence that explains it.
func render(now time.Time, points []retention.RecoveryPoint, p retention.Policy, result retention.Result) string {
	loc := time.UTC
	if p.Location != nil {
		loc = p.Location
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s at %s\n\n", p, now.In(loc).Format(time.RFC3339))
	for _, d := range result.Decisions {
		point := points[d.Index]
		line := fmt.Sprintf("%-7s  %s  %-3s  %s", d.Action, point.Time.In(loc).Format("Mon 2006-01-02 15:04 -07:00"), point.ID, d.Reasons)
		fmt.Fprintf(&b, "%s\n         %s\n", strings.TrimSpace(line), result.Explain(d.Index))
	}
	return b.String()
}

func requireGolden(t *testing.T, name, got string) {
	file := filepath.Join("testdata", strings.ReplaceAll(name, " ", "_")+".txt")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestEveryGoldenFileHasACase(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.Len(t, files, len(goldenCases(t)))
}

func TestEvaluateRefuses(t *testing.T) {
	now := at(t, "2026-03-17 12:00")
	good := retention.Policy{Last: 1}
	twice := complete("a", now)
	for _, c := range []struct {
		name   string
		policy retention.Policy
		points []retention.RecoveryPoint
		want   string
	}{
		{"empty policy", retention.Policy{}, every(t, "2026-03-17", 2, 1, 0), retention.ErrEmptyPolicy.Error()},
		{"policy without a rule", retention.Policy{MinCount: 3, MinAge: time.Hour, KeepOldest: true}, nil, retention.ErrEmptyPolicy.Error()},
		{"invalid policy", retention.Policy{Last: -2}, nil, "retention policy: Last: -2 is neither a count nor All (-1)"},
		{"empty selector", retention.Policy{Last: 1, Tags: []retention.Selector{{"a": ""}, {}}}, nil, "retention policy: Tags[1]: an empty selector would match every point"},
		{"no time", good, []retention.RecoveryPoint{complete("a", now), {ID: "b"}}, `recovery point 1 ("b"): has no time`},
		{"one id twice at one time", good, []retention.RecoveryPoint{twice, complete("b", now), complete("c", now.Add(time.Hour)), twice}, `recovery point 3 ("a"): is point 0 once more`},
		{"one id twice, deferred", good, []retention.RecoveryPoint{{ID: "a", Time: now, State: retention.Deleting}, twice}, `recovery point 1 ("a"): is point 0 once more`},
		{"unknown state", good, []retention.RecoveryPoint{{ID: "a", Time: now, State: 5}}, `recovery point 0 ("a"): unknown state 5`},
		{"negative state", good, []retention.RecoveryPoint{{ID: "a", Time: now, State: -1}}, `recovery point 0 ("a"): unknown state -1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			result, err := retention.Evaluate(now, c.points, c.policy)
			require.EqualError(t, err, c.want)
			require.Nil(t, result.Decisions)
		})
	}
}

func TestEvaluateErrorsAreTyped(t *testing.T) {
	_, err := retention.Evaluate(time.Now(), []retention.RecoveryPoint{{ID: "a"}}, retention.Policy{Last: 1})
	var point *retention.PointError
	require.ErrorAs(t, err, &point)
	require.Equal(t, retention.PointError{Index: 0, ID: "a", Reason: "has no time"}, *point)

	_, err = retention.Evaluate(time.Now(), nil, retention.Policy{Daily: retention.Keep{Count: -3}})
	var field *retention.PolicyError
	require.ErrorAs(t, err, &field)
	require.Equal(t, "Daily.Count", field.Field)
}

// Times that do not fit the nanoseconds of an int64, or lie in one second.
func TestTimesOfAnySize(t *testing.T) {
	now := at(t, "2026-03-17 12:00")
	ages := []time.Time{
		now, now.Add(-1), now.Add(-2), now.Add(-999_999_999),
		time.Date(1700, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC), time.Date(-4000, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	for _, n := range []int{len(ages), 2000} {
		points := make([]retention.RecoveryPoint, n)
		for i := range points {
			points[i] = complete(fmt.Sprintf("%04d", i), ages[len(ages)-1].AddDate(-i, 0, 0))
			if i < len(ages) {
				points[i].Time = ages[i]
			}
		}
		shuffle(points, 3)
		result, err := retention.Evaluate(now, points, policy(t, "yearly=all within=9999y"))
		require.NoError(t, err)
		for i, d := range result.Decisions {
			require.Equal(t, fmt.Sprintf("%04d", i), points[d.Index].ID)
		}
	}
}

// One second may hold any number of points; what a radix sort leaves in one
// place is ordered all the same.
func TestManyPointsInOneSecond(t *testing.T) {
	second := at(t, "2026-03-17 12:00")
	points := make([]retention.RecoveryPoint, 5000)
	for i := range points {
		points[i] = complete(fmt.Sprintf("%04d", i), second.Add(-time.Duration(i/3)*time.Microsecond))
	}
	shuffle(points, 4)
	result, err := retention.Evaluate(second, points, policy(t, "last=10"))
	require.NoError(t, err)
	for i, d := range result.Decisions {
		require.Equal(t, fmt.Sprintf("%04d", i), points[d.Index].ID)
		require.Equal(t, i < 10, d.Action == retention.Retain)
	}
}

func TestReusedEvaluatorAllocatesNothing(t *testing.T) {
	points := hourlyPoints(3000, 5)
	shuffle(points, 5)
	for i := range points {
		switch i % 4 {
		case 0:
			points[i].Tags = map[string]string{"keep": "yes"}
		case 1:
			points[i].Holds = []retention.Hold{{Kind: retention.Pin}}
		case 2:
			points[i].State = retention.State(i / 4 % 5)
		}
	}
	p := policy(t, "last=3 hourly=24 daily=7 weekly=5 monthly=12 quarterly=all within=14d daily-within=2m tag=keep:yes min-count=2 min-age=24h oldest tz=Europe/Berlin")
	var evaluator retention.Evaluator
	_, err := evaluator.Evaluate(benchNow, points, p)
	require.NoError(t, err)
	for _, n := range []int{3000, 100, 1, 0} {
		require.Zero(t, testing.AllocsPerRun(20, func() {
			if _, err := evaluator.Evaluate(benchNow, points[:n], p); err != nil {
				panic(err)
			}
		}), "%d points", n)
	}
}

func TestMemoryForAPoint(t *testing.T) {
	const n = 20_000
	points := hourlyPoints(n, 7)
	shuffle(points, 7)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := retention.Evaluate(benchNow, points, benchPolicy)
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.LessOrEqual(t, float64(after.TotalAlloc-before.TotalAlloc)/n, 64.0)
}
