package retention_test

import (
	"flag"
	"fmt"
	"runtime"
	"sort"
	"testing"
	"time"

	"github.com/snapkeep/snapkeep/retention"
)

var oracleCases = flag.Int("oracle.cases", 40_000, "random cases to compare with the slow oracle")

// TestAgreesWithOracle compares every decision and reason with those of a
// second implementation, which keeps maps of buckets by their names.
func TestAgreesWithOracle(t *testing.T) {
	cases := *oracleCases
	if testing.Short() {
		cases = min(cases, 5_000)
	}
	shards := min(uint64(runtime.GOMAXPROCS(0)), 16)
	for shard := range shards {
		t.Run(fmt.Sprintf("shard %d of %d", shard+1, shards), func(t *testing.T) {
			t.Parallel()
			for seed := shard; seed < uint64(cases); seed += shards {
				agrees(t, seed)
			}
		})
	}
}

func agrees(t *testing.T, seed uint64) {
	t.Helper()
	g := onSeed(seed).group()
	result, err := retention.Evaluate(g.now, g.points, g.policy)
	if err != nil {
		t.Fatalf("seed %d: %v\n%s", seed, err, g)
	}
	want := oracle(g)
	for _, d := range result.Decisions {
		if got := (verdict{d.Action, d.Reasons.String()}); got != want[d.Index] {
			t.Fatalf("seed %d: point %d: got %v, the oracle says %v\n%s", seed, d.Index, got, want[d.Index], g)
		}
	}
}

// oracle decides as slowly and as plainly as it can.
func oracle(g group) []verdict {
	o := oracleRun{group: g, reasons: make([]map[string]bool, len(g.points))}
	var counted []int
	for i, p := range g.points {
		o.reasons[i] = o.deferral(p)
		if len(o.reasons[i]) == 0 && p.State == retention.Complete {
			counted = append(counted, i)
		}
	}
	sort.Slice(counted, func(a, b int) bool {
		p, q := g.points[counted[a]], g.points[counted[b]]
		return p.Time.After(q.Time) || p.Time.Equal(q.Time) && p.ID < q.ID
	})
	o.applyRules(counted)
	out := make([]verdict, len(g.points))
	for i := range out {
		out[i] = o.verdict(i, counted)
	}
	return out
}

type oracleRun struct {
	group
	reasons []map[string]bool
}

func (o *oracleRun) deferral(p retention.RecoveryPoint) map[string]bool {
	skew := o.policy.MaxSkew
	if skew == 0 {
		skew = 5 * time.Minute
	}
	reasons := map[string]bool{}
	if p.Time.Sub(o.now) > skew {
		reasons["future"] = true
	}
	for _, h := range p.Holds {
		if h.Kind == retention.Foreign && (h.Until.IsZero() || h.Until.Sub(o.now) > 0) {
			reasons["foreign"] = true
		}
	}
	if p.State == retention.Pending || p.State == retention.Deleting {
		reasons[p.State.String()] = true
	}
	return reasons
}

func (o *oracleRun) location() *time.Location {
	if o.policy.Location == nil {
		return time.UTC
	}
	return o.policy.Location
}

// bucketNames name the bucket of a local time for each family.
var bucketNames = []struct {
	family string
	name   func(t time.Time) string
}{
	{"last", func(t time.Time) string { return "" }}, // replaced by the point's index
	{"hourly", func(t time.Time) string { return t.Format("2006-01-02 15 -07:00:00") }},
	{"daily", func(t time.Time) string { return t.Format("2006-01-02") }},
	{"weekly", func(t time.Time) string { y, w := t.ISOWeek(); return fmt.Sprint(y, w) }},
	{"monthly", func(t time.Time) string { return t.Format("2006-01") }},
	{"quarterly", func(t time.Time) string { return fmt.Sprint(t.Year(), (t.Month()-1)/3) }},
	{"yearly", func(t time.Time) string { return t.Format("2006") }},
}

func (o *oracleRun) applyRules(counted []int) {
	p := o.policy
	rules := []retention.Keep{{Count: p.Last, Within: p.Within}, p.Hourly, p.Daily, p.Weekly, p.Monthly, p.Quarterly, p.Yearly}
	for f, keep := range rules {
		family := bucketNames[f].family
		o.applyCount(f, family, keep.Count, counted)
		if keep.Within != (retention.Span{}) && len(counted) > 0 {
			edge := o.edge(keep.Within, o.points[counted[0]].Time)
			var inside []int
			for _, i := range counted {
				if o.points[i].Time.After(edge) {
					inside = append(inside, i)
				}
			}
			text := family + "-within"
			if f == 0 {
				text = "within"
			}
			for _, i := range o.representatives(f, inside) {
				o.reasons[i][text] = true
			}
		}
	}
	for n, i := range counted {
		o.applySingles(n, i)
	}
}

func (o *oracleRun) applyCount(f int, family string, count retention.Count, counted []int) {
	if count == 0 || len(counted) == 0 {
		return
	}
	reps := o.representatives(f, counted)
	if count != retention.All && len(reps) > int(count) {
		reps = reps[:count]
	}
	for _, i := range reps {
		o.reasons[i][family] = true
	}
	oldest := counted[len(counted)-1]
	if o.policy.KeepOldest && (count == retention.All || len(reps) < int(count)) && !o.reasons[oldest][family] {
		o.reasons[oldest][family+" oldest"] = true
	}
}

// representatives returns the newest point of each bucket, newest first.
func (o *oracleRun) representatives(f int, counted []int) []int {
	newest := map[string]int{}
	position := map[int]int{}
	for n, i := range counted {
		position[i] = n
		bucket := bucketNames[f].name(o.points[i].Time.In(o.location()))
		if f == 0 {
			bucket = fmt.Sprint(i)
		}
		if j, ok := newest[bucket]; !ok || position[j] > n {
			newest[bucket] = i
		}
	}
	var reps []int
	for _, i := range newest {
		reps = append(reps, i)
	}
	sort.Slice(reps, func(a, b int) bool { return position[reps[a]] < position[reps[b]] })
	return reps
}

// edge goes back month by month and then day by day.
func (o *oracleRun) edge(s retention.Span, anchor time.Time) time.Time {
	t := anchor.In(o.location())
	if s.Years+s.Months+s.Days > 0 {
		year, month, day := t.Year(), t.Month(), t.Day()
		for range 12*s.Years + s.Months {
			if month--; month == 0 {
				year, month = year-1, time.December
			}
		}
		for time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Month() != month {
			day--
		}
		t = time.Date(year, month, day-s.Days, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	}
	return t.Add(-time.Duration(s.Hours) * time.Hour)
}

func (o *oracleRun) applySingles(n, i int) {
	for _, selector := range o.policy.Tags {
		matches := true
		for key, want := range selector {
			have, ok := o.points[i].Tags[key]
			matches = matches && ok && (want == "" || want == have)
		}
		if matches {
			o.reasons[i]["tag"] = true
		}
	}
	if n < max(1, o.policy.MinCount) {
		o.reasons[i]["min-count"] = true
	}
	if o.policy.MinAge > 0 && o.now.Sub(o.points[i].Time) < o.policy.MinAge {
		o.reasons[i]["min-age"] = true
	}
}

func (o *oracleRun) verdict(i int, counted []int) verdict {
	p := o.points[i]
	if p.State == retention.Pending || p.State == retention.Deleting || o.reasons[i]["future"] || o.reasons[i]["foreign"] {
		return verdict{retention.Defer, o.text(i)}
	}
	held := false
	for _, h := range p.Holds {
		held = held || h.Kind != retention.Foreign && (h.Until.IsZero() || h.Until.After(o.now))
	}
	if p.State != retention.Complete {
		newer := len(counted) > 0 && o.points[counted[0]].Time.After(p.Time)
		if !newer || o.now.Sub(p.Time) < o.policy.MinAge {
			return verdict{retention.Defer, "incomplete"}
		}
	}
	retained := len(o.reasons[i]) > 0
	if held {
		o.reasons[i]["hold"] = true
	}
	switch {
	case retained:
		return verdict{retention.Retain, o.text(i)}
	case held:
		return verdict{retention.Blocked, o.text(i)}
	default:
		return verdict{retention.Prune, ""}
	}
}

// text joins the reasons in their documented order.
func (o *oracleRun) text(i int) string {
	var order []string
	for f, b := range bucketNames {
		if order = append(order, b.family); f == 0 {
			order = append(order, "within")
			continue
		}
		order = append(order, b.family+" oldest", b.family+"-within")
	}
	order = append(order, "tag", "min-count", "min-age", "hold", "future", "foreign", "pending", "deleting")
	text := ""
	for _, reason := range order {
		if o.reasons[i][reason] {
			text += ", " + reason
		}
	}
	return text[min(2, len(text)):]
}
