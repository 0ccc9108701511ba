package retention_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/snapkeep/snapkeep/retention"
)

// nightly returns one complete point a night, newest first.
func nightly(newest time.Time, n int) []retention.RecoveryPoint {
	points := make([]retention.RecoveryPoint, n)
	for i := range points {
		at := newest.AddDate(0, 0, -i)
		points[i] = retention.RecoveryPoint{ID: at.Format("snap-0102"), Time: at}
	}
	return points
}

func ExampleEvaluate() {
	now := time.Date(2026, time.March, 17, 12, 0, 0, 0, time.UTC)
	points := nightly(now.Add(-10*time.Hour), 9)
	points[5].Holds = []retention.Hold{{Kind: retention.LegalHold, Ref: "case 42"}}

	result, err := retention.Evaluate(now, points, retention.Policy{
		Last:   2,
		Weekly: retention.Keep{Count: 2},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range result.Decisions {
		fmt.Printf("%s %-7s [%s]\n", points[d.Index].Time.Format("Mon 02 Jan"), d.Action, d.Reasons)
	}
	// Output:
	// Tue 17 Mar retain  [last, weekly, min-count]
	// Mon 16 Mar retain  [last]
	// Sun 15 Mar retain  [weekly]
	// Sat 14 Mar prune   []
	// Fri 13 Mar prune   []
	// Thu 12 Mar blocked [hold]
	// Wed 11 Mar prune   []
	// Tue 10 Mar prune   []
	// Mon 09 Mar prune   []
}

func ExampleEvaluator() {
	now := time.Date(2026, time.March, 17, 12, 0, 0, 0, time.UTC)
	policy := retention.Policy{Daily: retention.Keep{Count: 7}}
	var evaluator retention.Evaluator
	for _, nights := range []int{3, 30, 300} {
		result, err := evaluator.Evaluate(now, nightly(now, nights), policy)
		if err != nil {
			fmt.Println(err)
			return
		}
		prune := 0
		for _, d := range result.Decisions {
			if d.Action == retention.Prune {
				prune++
			}
		}
		fmt.Printf("%d points: prune %d\n", nights, prune)
	}
	// Output:
	// 3 points: prune 0
	// 30 points: prune 23
	// 300 points: prune 293
}

func ExampleResult_Explain() {
	now := time.Date(2026, time.March, 17, 12, 0, 0, 0, time.UTC)
	points := nightly(now, 3)
	result, err := retention.Evaluate(now, points, retention.Policy{
		Within: retention.Span{Hours: 12},
		Daily:  retention.Keep{Count: 2},
		Weekly: retention.Keep{Count: 2},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range points {
		fmt.Println(result.Explain(i))
	}
	// Output:
	// snap-0317 is kept: within: less than 12h before snap-0317; daily: the newest of 2026-03-17; weekly: the newest of 2026-W12; min-count: the newest complete point.
	// snap-0316 is kept: daily: the newest of 2026-03-16.
	// snap-0315 is kept: weekly: the newest of 2026-W11.
}

func ExampleParsePolicy() {
	policy, err := retention.ParsePolicy("daily=7 weekly=5 yearly-within=7y min-age=24h tz=Europe/Berlin")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(policy.Daily.Count, policy.Yearly.Within, policy.MinAge, policy.Location)
	fmt.Println(policy)

	_, err = retention.ParsePolicy("daily=7 weekly=-5")
	fmt.Println(err)
	// Output:
	// 7 7y 24h0m0s Europe/Berlin
	// daily=7 weekly=5 yearly-within=7y min-age=24h tz=Europe/Berlin
	// retention policy: weekly: "-5" is neither a count nor all
}

func ExamplePolicy_MarshalText() {
	text, err := json.Marshal(struct {
		Name   string
		Policy retention.Policy
	}{"nightly", retention.Policy{Last: 3, Monthly: retention.Keep{Count: retention.All}}})
	fmt.Println(string(text), err)
	// Output:
	// {"Name":"nightly","Policy":"last=3 monthly=all"} <nil>
}

func ExamplePolicy_Reach() {
	for _, text := range []string{"yearly=3", "yearly-within=3y", "within=3y"} {
		policy, err := retention.ParsePolicy(text)
		if err != nil {
			fmt.Println(err)
			return
		}
		guaranteed, usual := policy.Reach()
		fmt.Printf("%s: %.0f days guaranteed, usually %.0f\n", text, guaranteed.Hours()/24, usual.Hours()/24)
	}
	// Output:
	// yearly=3: 365 days guaranteed, usually 548
	// yearly-within=3y: 729 days guaranteed, usually 913
	// within=3y: 1095 days guaranteed, usually 1096
}

func ExamplePolicy_Validate() {
	fmt.Println(retention.Policy{MinCount: 3}.Validate())
	fmt.Println(retention.Policy{Last: 3, Daily: retention.Keep{Count: -7}}.Validate())
	// Output:
	// retention policy: empty: no rule keeps anything
	// retention policy: Daily.Count: -7 is neither a count nor All (-1)
}
