package retention_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/snapkeep/snapkeep/retention"
)

// A chooser makes the choices of a generator: a number from 0 to n-1. The same
// generators run on rapid, which shrinks what fails, and on a plain source of
// random numbers, which is a hundred times as fast.
type chooser func(label string, n int) int

func onRapid(t *rapid.T) chooser {
	return func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(t, label) }
}

func onSeed(seed uint64) chooser {
	rnd := rand.New(rand.NewPCG(seed, 6))
	return func(_ string, n int) int { return rnd.IntN(n) }
}

// oneIn is true once in n times; rapid shrinks it to false.
func (c chooser) oneIn(n int, label string) bool { return c(label, n) == n-1 }

// zones have half-hour offsets, a half-hour summer time, one that begins at
// midnight, a day that never was, and either hemisphere.
var zones = []string{
	"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata",
	"America/Havana", "Pacific/Apia", "America/St_Johns", "Asia/Kathmandu", "America/Sao_Paulo",
}

// eras are moments around which calendars do odd things.
var eras = []time.Time{
	time.Date(2026, time.March, 17, 12, 0, 0, 0, time.UTC),
	time.Date(2021, time.January, 3, 1, 0, 0, 0, time.UTC),    // ISO week 53
	time.Date(2024, time.March, 31, 12, 0, 0, 0, time.UTC),    // summer time in Europe, last of the month
	time.Date(2024, time.October, 27, 1, 30, 0, 0, time.UTC),  // and its end
	time.Date(2024, time.November, 3, 6, 30, 0, 0, time.UTC),  // its end in America, at midnight in Havana
	time.Date(2024, time.April, 6, 15, 10, 0, 0, time.UTC),    // on Lord Howe Island
	time.Date(2024, time.October, 5, 15, 40, 0, 0, time.UTC),  // and its beginning
	time.Date(2012, time.January, 1, 0, 0, 0, 0, time.UTC),    // after Samoa left out a day
	time.Date(2024, time.February, 29, 23, 0, 0, 0, time.UTC), // leap day
	time.Date(2018, time.February, 18, 2, 40, 0, 0, time.UTC), // when Brazil put midnight off for an hour
	time.Date(1969, time.December, 31, 23, 30, 0, 0, time.UTC),
}

var grains = []time.Duration{
	time.Nanosecond, time.Second, 10 * time.Minute, time.Hour, 7 * time.Hour,
	24 * time.Hour, 9 * 24 * time.Hour, 40 * 24 * time.Hour, 200 * 24 * time.Hour,
}

// A group is what one evaluation is given.
type group struct {
	now    time.Time
	points []retention.RecoveryPoint
	policy retention.Policy
}

func (g group) String() string {
	text := fmt.Sprintf("now %s\npolicy %s\n", g.now.Format(time.RFC3339Nano), g.policy)
	for i, p := range g.points {
		text += fmt.Sprintf("%d %s %s %s %v %v\n", i, p.ID, p.Time.Format(time.RFC3339Nano), p.State, p.Tags, p.Holds)
	}
	return text
}

func (c chooser) group() group {
	now := eras[c("era", len(eras))]
	return group{now, c.points(now, c("points", 25)), c.policy()}
}

// points returns n points of any kind up to now and a little beyond, in any
// order, with IDs that tell nothing of their times.
func (c chooser) points(now time.Time, n int) []retention.RecoveryPoint {
	grain := grains[c("grain", len(grains))]
	points := make([]retention.RecoveryPoint, n)
	for i := range points {
		points[i] = c.point(fmt.Sprintf("p%02d", i*11%29), now.Add(-time.Duration(c("age", 40)-1)*grain))
	}
	return points
}

func (c chooser) point(id string, at time.Time) retention.RecoveryPoint {
	p := retention.RecoveryPoint{ID: id, Time: at}
	if c.oneIn(6, "state?") {
		p.State = retention.State(c("state", 5))
	}
	if c.oneIn(8, "hold?") {
		p.Holds = append(p.Holds, c.hold(at))
	}
	if c.oneIn(6, "tags?") {
		p.Tags = map[string]string{"keep": []string{"", "yes", "no"}[c("tag", 3)]}
	}
	return p
}

func (c chooser) hold(at time.Time) retention.Hold {
	h := retention.Hold{Kind: retention.HoldKind(1 + c("kind", 8))}
	if c.oneIn(2, "until?") {
		h.Until = at.Add(time.Duration(c("until", 100)) * 24 * time.Hour)
	}
	return h
}

// policy returns a valid policy.
func (c chooser) policy() retention.Policy {
	var p retention.Policy
	for _, keep := range calendarRules(&p) {
		if c.oneIn(3, "rule?") {
			keep.Count, keep.Within = c.count(), c.span()
		}
	}
	if c.oneIn(3, "last?") {
		p.Last = c.count()
	}
	if c.oneIn(4, "within?") {
		p.Within = c.span()
	}
	if c.oneIn(5, "selector?") {
		p.Tags = append(p.Tags, retention.Selector{"keep": []string{"", "yes"}[c("selector", 2)]})
	}
	if c.oneIn(4, "min-count?") {
		p.MinCount = c("min-count", 4)
	}
	if c.oneIn(4, "min-age?") {
		p.MinAge = time.Duration(c("min-age", 100)) * time.Hour
	}
	if c.oneIn(4, "max-skew?") {
		p.MaxSkew = time.Duration(c("max-skew", 100)) * time.Minute
	}
	p.KeepOldest = c.oneIn(2, "oldest")
	if c.oneIn(2, "zone?") {
		p.Location, _ = time.LoadLocation(zones[c("zone", len(zones))])
	}
	if p.Validate() != nil {
		p.Daily.Count = retention.Count(1 + c("daily", 9))
	}
	return p
}

func (c chooser) count() retention.Count {
	if c.oneIn(10, "all") {
		return retention.All
	}
	return retention.Count(c("count", 8))
}

func (c chooser) span() retention.Span {
	var s retention.Span
	for _, part := range []struct {
		to   *int
		most int
	}{{&s.Years, 3}, {&s.Months, 14}, {&s.Days, 40}, {&s.Hours, 30}} {
		if c.oneIn(3, "part?") {
			*part.to = c("part", part.most)
		}
	}
	return s
}

// calendarRules returns the calendar rules, shortest period first.
func calendarRules(p *retention.Policy) []*retention.Keep {
	return []*retention.Keep{&p.Hourly, &p.Daily, &p.Weekly, &p.Monthly, &p.Quarterly, &p.Yearly}
}

// evaluate returns the decisions by the points' IDs.
func evaluate(t require.TestingT, g group) map[string]verdict {
	result, err := retention.Evaluate(g.now, g.points, g.policy)
	require.NoError(t, err, "%s", g)
	return verdicts(g, result)
}

// A verdict is a decision that does not depend on where the point stands.
type verdict struct {
	action  retention.Action
	reasons string
}

func verdicts(g group, result retention.Result) map[string]verdict {
	byID := make(map[string]verdict, len(result.Decisions))
	for _, d := range result.Decisions {
		byID[g.points[d.Index].ID] = verdict{d.Action, d.Reasons.String()}
	}
	return byID
}

// without returns the group less the points with the given IDs.
func (g group) without(drop func(id string) bool) group {
	g.points = slices.DeleteFunc(slices.Clone(g.points), func(p retention.RecoveryPoint) bool { return drop(p.ID) })
	return g
}

// with returns the group with more points at its end.
func (g group) with(more ...retention.RecoveryPoint) group {
	g.points = append(slices.Clone(g.points), more...)
	return g
}

// requireSame fails unless every point of got has the verdict it has in want.
func requireSame(t require.TestingT, g group, want, got map[string]verdict) {
	for _, id := range slices.Sorted(maps.Keys(got)) {
		if w, ok := want[id]; ok {
			require.Equal(t, w, got[id], "%s in\n%s", id, g)
		}
	}
}

func TestGeneratorsReachEverything(t *testing.T) {
	reasons, actions := map[string]bool{}, map[retention.Action]bool{}
	for seed := range uint64(3000) {
		g := onSeed(seed).group()
		result, err := retention.Evaluate(g.now, g.points, g.policy)
		require.NoError(t, err)
		for _, d := range result.Decisions {
			actions[d.Action] = true
			for reason := range d.Reasons.All() {
				reasons[reason] = true
			}
		}
	}
	require.Len(t, actions, 4)
	require.Len(t, reasons, 2*7+6+9, "%v", slices.Sorted(maps.Keys(reasons)))
}
