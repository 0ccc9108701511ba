package retention_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sort"
	"testing"
	"time"

	"github.com/snapkeep/snapkeep/retention"
)

// benchNow is when benchmarks evaluate.
var benchNow = time.Date(2026, time.March, 17, 12, 0, 0, 0, time.UTC)

var benchPolicy = retention.Policy{
	Last:    10,
	Hourly:  retention.Keep{Count: 24},
	Daily:   retention.Keep{Count: 7},
	Weekly:  retention.Keep{Count: 5},
	Monthly: retention.Keep{Count: 12},
	Yearly:  retention.Keep{Count: 7},
}

// hourlyPoints returns n points an hour apart with jitter, oldest first.
func hourlyPoints(n int, seed uint64) []retention.RecoveryPoint {
	rnd := rand.New(rand.NewPCG(seed, 1))
	points := make([]retention.RecoveryPoint, n)
	for i := range points {
		at := benchNow.Add(-time.Duration(n-i) * time.Hour).Add(time.Duration(rnd.IntN(3000)) * time.Second)
		points[i] = retention.RecoveryPoint{ID: fmt.Sprintf("snap-%017x", i), Time: at}
	}
	return points
}

func shuffle(points []retention.RecoveryPoint, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 2))
	rnd.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
}

// perPoint runs f and reports its time and memory for each of n points.
func perPoint(b *testing.B, n int, f func()) {
	b.ReportAllocs()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		f()
	}
	b.StopTimer()
	runtime.ReadMemStats(&after)
	total := float64(b.N) * float64(n)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/total, "ns/point")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/total, "B/point")
}

func BenchmarkEvaluate(b *testing.B) {
	for _, bench := range []struct {
		name string
		n    int
		sort bool
	}{
		{"shuffled/10k", 10_000, false},
		{"shuffled/100k", 100_000, false},
		{"shuffled/1M", 1_000_000, false},
		{"sorted/1M", 1_000_000, true},
	} {
		b.Run(bench.name, func(b *testing.B) {
			points := hourlyPoints(bench.n, 1)
			if !bench.sort {
				shuffle(points, 1)
			}
			perPoint(b, bench.n, func() {
				if _, err := retention.Evaluate(benchNow, points, benchPolicy); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

// manyGroups returns 10,000 groups of 100 shuffled points.
func manyGroups() [][]retention.RecoveryPoint {
	groups := make([][]retention.RecoveryPoint, 10_000)
	for i := range groups {
		groups[i] = hourlyPoints(100, uint64(i))
		shuffle(groups[i], uint64(i))
	}
	return groups
}

func BenchmarkEvaluatorGroups(b *testing.B) {
	groups := manyGroups()
	var evaluator retention.Evaluator
	perPoint(b, 1_000_000, func() {
		for _, points := range groups {
			if _, err := evaluator.Evaluate(benchNow, points, benchPolicy); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkReference is restic's algorithm on the same input.
func BenchmarkReference(b *testing.B) {
	b.Run("shuffled/1M", func(b *testing.B) {
		points := hourlyPoints(1_000_000, 1)
		shuffle(points, 1)
		perPoint(b, len(points), func() { referenceApply(points, benchPolicy) })
	})
	b.Run("sorted/1M", func(b *testing.B) {
		points := hourlyPoints(1_000_000, 1)
		perPoint(b, len(points), func() { referenceApply(points, benchPolicy) })
	})
	b.Run("groups", func(b *testing.B) {
		groups := manyGroups()
		perPoint(b, 1_000_000, func() {
			for _, points := range groups {
				referenceApply(points, benchPolicy)
			}
		})
	})
}

// referenceApply is the counting of restic's ApplyPolicy, written plainly:
// pointers to the points, a stable sort of them, and for each point every
// rule's bucket and the reasons as strings. It returns the reasons of what is
// kept, by ID.
func referenceApply(points []retention.RecoveryPoint, p retention.Policy) map[string][]string {
	sorted := make([]*retention.RecoveryPoint, len(points))
	for i := range points {
		sorted[i] = &points[i]
	}
	sort.Stable(newestFirst(sorted))
	buckets := []struct {
		count  retention.Count
		key    func(t time.Time, nr int) int
		last   int
		reason string
	}{
		{p.Last, func(_ time.Time, nr int) int { return nr }, -1, "last"},
		{p.Hourly.Count, func(t time.Time, _ int) int { return t.Year()*1000000 + int(t.Month())*10000 + t.Day()*100 + t.Hour() }, -1, "hourly"},
		{p.Daily.Count, func(t time.Time, _ int) int { return t.Year()*10000 + int(t.Month())*100 + t.Day() }, -1, "daily"},
		{p.Weekly.Count, func(t time.Time, _ int) int { year, week := t.ISOWeek(); return year*100 + week }, -1, "weekly"},
		{p.Monthly.Count, func(t time.Time, _ int) int { return t.Year()*100 + int(t.Month()) }, -1, "monthly"},
		{p.Yearly.Count, func(t time.Time, _ int) int { return t.Year() }, -1, "yearly"},
	}
	keep := make(map[string][]string)
	for nr, point := range sorted {
		for i := range buckets {
			b := &buckets[i]
			if b.count == 0 {
				continue
			}
			if key := b.key(point.Time, nr); key != b.last {
				b.last = key
				if b.count > 0 {
					b.count--
				}
				keep[point.ID] = append(keep[point.ID], b.reason)
			}
		}
	}
	return keep
}

type newestFirst []*retention.RecoveryPoint

func (s newestFirst) Len() int           { return len(s) }
func (s newestFirst) Less(i, j int) bool { return s[i].Time.After(s[j].Time) }
func (s newestFirst) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
