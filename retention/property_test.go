package retention_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/snapkeep/snapkeep/retention"
)

// P1: every point is decided on exactly once, newest first.
func TestEveryPointIsDecidedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := onRapid(t).group()
		result, err := retention.Evaluate(g.now, g.points, g.policy)
		require.NoError(t, err)
		require.Len(t, result.Decisions, len(g.points))
		seen := make([]bool, len(g.points))
		for i, d := range result.Decisions {
			require.False(t, seen[d.Index])
			seen[d.Index] = true
			if i > 0 {
				a, b := g.points[result.Decisions[i-1].Index], g.points[d.Index]
				require.True(t, a.Time.After(b.Time) || a.Time.Equal(b.Time) && a.ID < b.ID)
			}
			require.Equal(t, d.Action == retention.Prune, d.Reasons == 0)
		}
	})
}

// P2: the order of the points does not matter, and they are not changed.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := onRapid(t).group()
		before, policyBefore := deepCopy(g.points), g.policy.String()
		want := evaluate(t, g)
		require.Equal(t, before, g.points)
		require.Equal(t, policyBefore, g.policy.String())
		order := rapid.Permutation(g.points).Draw(t, "order")
		g.points = order
		require.Equal(t, want, evaluate(t, g))
	})
}

func deepCopy(points []retention.RecoveryPoint) []retention.RecoveryPoint {
	out := slices.Clone(points)
	for i := range out {
		out[i].Tags, out[i].Holds = maps.Clone(out[i].Tags), slices.Clone(out[i].Holds)
	}
	return out
}

// P3: what is left after pruning stays, for the same reasons.
func TestPruningTwicePrunesNothingMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := onRapid(t).group()
		want := evaluate(t, g)
		rest := g.without(func(id string) bool { return want[id].action == retention.Prune })
		requireSame(t, g, want, evaluate(t, rest))
	})
}

// P4: a policy that asks for more keeps what it kept.
func TestMoreNeverKeepsLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := onRapid(t)
		g := c.group()
		before := evaluate(t, g)
		text := g.policy.String()
		c.raise(&g.policy)
		for id, v := range evaluate(t, g) {
			if before[id].action != retention.Prune {
				require.NotEqual(t, retention.Prune, v.action, "%s was %v under %s, in\n%s", id, before[id], text, g)
			}
			if before[id].action == retention.Retain {
				require.Equal(t, retention.Retain, v.action, "%s was %v under %s, in\n%s", id, before[id], text, g)
			}
		}
	})
}

// raise makes one part of the policy ask for more.
func (c chooser) raise(p *retention.Policy) {
	rules := calendarRules(p)
	keep := rules[c("rule", len(rules))]
	switch c("raise", 8) {
	case 0:
		keep.Count = c.more(keep.Count)
	case 1:
		p.Last = c.more(p.Last)
	case 2:
		c.lengthen(&keep.Within)
	case 3:
		c.lengthen(&p.Within)
	case 4:
		p.MinCount += c("min-count", 5)
	case 5:
		p.MinAge += time.Duration(c("min-age", 1000)) * time.Hour
	case 6:
		p.Tags = append(p.Tags, retention.Selector{"keep": "no"})
	case 7:
		p.KeepOldest = true
	}
}

func (c chooser) more(n retention.Count) retention.Count {
	if n == retention.All || c.oneIn(4, "all") {
		return retention.All
	}
	return n + retention.Count(c("more", 5))
}

func (c chooser) lengthen(s *retention.Span) {
	parts := []*int{&s.Years, &s.Months, &s.Days, &s.Hours}
	*parts[c("part", len(parts))] += c("longer", 20)
}

// P5: the rules are independent: what two policies keep together is what each
// of them keeps, for the reasons it has on its own.
func TestRulesAreIndependent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := onRapid(t)
		g := c.group()
		left, right := g, g
		left.policy, right.policy = c.split(g.policy)
		if left.policy.Validate() != nil || right.policy.Validate() != nil {
			return // one of the two has no rule
		}
		both, err := retention.Evaluate(g.now, g.points, g.policy)
		require.NoError(t, err)
		one, err := retention.Evaluate(g.now, g.points, left.policy)
		require.NoError(t, err)
		other, err := retention.Evaluate(g.now, g.points, right.policy)
		require.NoError(t, err)
		for i, d := range both.Decisions {
			a, b := one.Decisions[i], other.Decisions[i]
			require.Equal(t, a.Reasons|b.Reasons, d.Reasons, "%s\n%s\n%s", left.policy, right.policy, g)
			kept := a.Action == retention.Retain || b.Action == retention.Retain
			require.Equal(t, kept, d.Action == retention.Retain, "%s", g)
		}
	})
}

// split deals the rules of a policy to two.
func (c chooser) split(p retention.Policy) (a, b retention.Policy) {
	a, b = p, p
	drop := func() *retention.Policy {
		if c.oneIn(2, "side") {
			return &a
		}
		return &b
	}
	for i := range calendarRules(&p) {
		calendarRules(drop())[i].Count = 0
		calendarRules(drop())[i].Within = retention.Span{}
	}
	drop().Last = 0
	drop().Within = retention.Span{}
	drop().Tags = nil
	return a, b
}

// elapsed makes spans of the policy such that they take off the same time from
// every moment: hours, and days in UTC. A month taken off the 30th and the 31st
// of March reaches the same day, so that with civil spans the edge steps back
// by hours at the end of a month.
func elapsed(p retention.Policy) retention.Policy {
	p.Location = nil
	p.Within.Years, p.Within.Months = 0, 0
	for _, keep := range calendarRules(&p) {
		keep.Within.Years, keep.Within.Months = 0, 0
	}
	if p.Validate() != nil {
		p.Last = 3
	}
	return p
}

// later returns points newer than all of the group's, and a now to suit.
func (c chooser) later(g group) (time.Time, []retention.RecoveryPoint) {
	points := make([]retention.RecoveryPoint, c("later", 8))
	at := g.now
	for i := range points {
		at = at.Add(time.Hour + time.Duration(c("gap", 60))*7*time.Hour)
		points[i] = c.point(fmt.Sprintf("later%d", i), at)
	}
	return at.Add(time.Minute), points
}

// P6: pruning, then taking newer points, then pruning leaves what taking them
// all and pruning once leaves.
func TestPruningInBetweenChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := onRapid(t)
		g := c.group()
		g.policy = elapsed(g.policy)
		now, newer := c.later(g)
		first := evaluate(t, g)
		rest := g.without(func(id string) bool { return first[id].action == retention.Prune }).with(newer...)
		rest.now = now
		all := g.with(newer...)
		all.now = now
		require.Equal(t, notPruned(evaluate(t, all)), notPruned(evaluate(t, rest)), "%s", all)
	})
}

func notPruned(verdicts map[string]verdict) map[string]verdict {
	maps.DeleteFunc(verdicts, func(_ string, v verdict) bool { return v.action == retention.Prune })
	return verdicts
}

// P7: a run of deletions that stops anywhere leaves every other decision as it was.
func TestPartialPruningChangesNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := onRapid(t)
		g := c.group()
		want := evaluate(t, g)
		rest := g.without(func(id string) bool { return want[id].action == retention.Prune && c.oneIn(2, "deleted") })
		requireSame(t, g, want, evaluate(t, rest))
	})
}

// P8: what is to be pruned, and was not, is still to be pruned after newer points.
func TestPrunedStaysPruned(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := onRapid(t)
		g := c.group()
		g.policy = elapsed(g.policy)
		before := evaluate(t, g)
		now, newer := c.later(g)
		all := g.with(newer...)
		all.now = now
		after := evaluate(t, all)
		for id, v := range before {
			if v.action == retention.Prune {
				require.Equal(t, retention.Prune, after[id].action, "%s in\n%s", id, all)
			}
		}
	})
}

// P9: a hold on one point changes no other decision, and of that point's only
// whether it may be pruned.
func TestHoldsAreNeutral(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := onRapid(t)
		g := c.group()
		if len(g.points) == 0 {
			return
		}
		i := c("held", len(g.points))
		g.points[i].Holds = nil
		want := evaluate(t, g)
		id := g.points[i].ID
		g.points[i].Holds = []retention.Hold{{Kind: retention.HoldKind(1 + c("kind", 7))}}
		got := evaluate(t, g)
		switch was := want[id]; was.action {
		case retention.Prune:
			require.Equal(t, verdict{retention.Blocked, "hold"}, got[id])
		default:
			require.Equal(t, was.action, got[id].action)
		}
		delete(want, id)
		requireSame(t, g, want, got)
	})
}

// A foreign point is as good as absent.
func TestForeignPointsTakeNoPart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := onRapid(t)
		g := c.group()
		want := evaluate(t, g)
		foreign := c.point("foreign", g.now.Add(-time.Duration(c("age", 40))*time.Hour))
		foreign.Holds = append(foreign.Holds, retention.Hold{Kind: retention.Foreign})
		requireSame(t, g, want, evaluate(t, g.with(foreign)))
	})
}

// P10: points that are not complete change no complete point's decision.
func TestIncompletePointsAreNeutral(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := onRapid(t)
		g := c.group()
		want := evaluate(t, g)
		more := c.points(g.now, 5)
		for i := range more {
			more[i].ID = "more" + more[i].ID
			more[i].State = retention.State(1 + c("state", 4))
		}
		requireSame(t, g, want, evaluate(t, g.with(more...)))
	})
}

// P11: points from the future change no other decision.
func TestFuturePointsAreNeutral(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := onRapid(t)
		g := c.group()
		want := evaluate(t, g)
		skew := max(g.policy.MaxSkew, 5*time.Minute)
		future := c.point("future", g.now.Add(skew+1+time.Duration(c("ahead", 1000))*time.Hour))
		got := evaluate(t, g.with(future))
		require.Equal(t, retention.Defer, got["future"].action)
		require.Contains(t, got["future"].reasons, "future")
		requireSame(t, g, want, got)
	})
}

// P12: an Evaluator brings nothing over from one group to the next.
func TestGroupsAreIndependent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := onRapid(t)
		var evaluator retention.Evaluator
		for range 3 {
			g := c.group()
			result, err := evaluator.Evaluate(g.now, g.points, g.policy)
			require.NoError(t, err)
			require.Equal(t, evaluate(t, g), verdicts(g, result))
			fresh, err := retention.Evaluate(g.now, g.points, g.policy)
			require.NoError(t, err)
			for i := range g.points {
				require.Equal(t, fresh.Explain(i), result.Explain(i))
			}
		}
	})
}

// P13: the newest complete point stays, and MinCount of them.
func TestNewestCompletePointsStay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := onRapid(t).group()
		result, err := retention.Evaluate(g.now, g.points, g.policy)
		require.NoError(t, err)
		left := max(1, g.policy.MinCount)
		for _, d := range result.Decisions {
			if g.points[d.Index].State != retention.Complete || d.Action == retention.Defer || left == 0 {
				continue
			}
			left--
			require.Equal(t, retention.Retain, d.Action)
			require.Contains(t, d.Reasons.String(), "min-count")
		}
	})
}

// P14: counts keep at most as many points as they say.
func TestCountsBoundWhatTheyKeep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := onRapid(t).group()
		kept := map[string]int{}
		for _, v := range evaluate(t, g) {
			for reason := range strings.SplitSeq(v.reasons, ", ") {
				kept[strings.TrimSuffix(reason, " oldest")]++
			}
		}
		p := g.policy
		for reason, count := range map[string]retention.Count{
			"last": p.Last, "hourly": p.Hourly.Count, "daily": p.Daily.Count, "weekly": p.Weekly.Count,
			"monthly": p.Monthly.Count, "quarterly": p.Quarterly.Count, "yearly": p.Yearly.Count,
		} {
			if count != retention.All {
				require.LessOrEqual(t, kept[reason], int(count), "%s in\n%s", reason, g)
			}
		}
	})
}

// P15: everything less than Within older than the newest complete point stays;
// a calendar rule's span keeps exactly one point of each period in it.
func TestSpansKeepWhatTheySay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := onRapid(t)
		g := c.group()
		hours := 1 + c("hours", 2000)
		g.policy = retention.Policy{Within: retention.Span{Hours: hours}, Daily: retention.Keep{Within: retention.Span{Hours: hours}}}
		result, err := retention.Evaluate(g.now, g.points, g.policy)
		require.NoError(t, err)
		var newest time.Time
		inside, kept := map[string]bool{}, map[string]int{}
		for _, d := range result.Decisions {
			p := g.points[d.Index]
			if p.State != retention.Complete || d.Action == retention.Defer {
				continue
			}
			if newest.IsZero() {
				newest = p.Time
			}
			within := p.Time.After(newest.Add(-time.Duration(hours) * time.Hour))
			require.Equal(t, within, slices.Contains(slices.Collect(d.Reasons.All()), "within"))
			if within {
				inside[p.Time.UTC().Format(time.DateOnly)] = true
			}
			if slices.Contains(slices.Collect(d.Reasons.All()), "daily-within") {
				kept[p.Time.UTC().Format(time.DateOnly)]++
			}
		}
		require.Len(t, kept, len(inside))
		for day, n := range kept {
			require.Equal(t, 1, n, day)
		}
	})
}

// P16: whole weeks do not matter to weeks, days and hours.
func TestShiftByWeeks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := onRapid(t)
		g := c.group()
		g.policy = elapsed(g.policy)
		g.policy.Monthly, g.policy.Quarterly, g.policy.Yearly = retention.Keep{}, retention.Keep{}, retention.Keep{}
		if g.policy.Validate() != nil {
			g.policy.Weekly.Count = 2
		}
		want := evaluate(t, g)
		weeks := time.Duration(c("weeks", 3000)-1500) * 7 * 24 * time.Hour
		g.points = deepCopy(g.points)
		for i := range g.points {
			p := &g.points[i]
			p.Time = p.Time.Add(weeks)
			for j := range p.Holds {
				if !p.Holds[j].Until.IsZero() {
					p.Holds[j].Until = p.Holds[j].Until.Add(weeks)
				}
			}
		}
		g.now = g.now.Add(weeks)
		require.Equal(t, want, evaluate(t, g))
	})
}

// P16 and P17: in any Location, a count keeps one point of each of the newest
// periods that have one, as many as there are up to the count, each the newest
// of its period.
func TestCountKeepsTheNewestOfEachPeriod(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := onRapid(t)
		g := c.group()
		f := 1 + c("family", len(bucketNames)-1)
		count := 1 + c("count", 10)
		loc, err := time.LoadLocation(zones[c("zone", len(zones))])
		require.NoError(t, err)
		g.policy = retention.Policy{Location: loc}
		calendarRules(&g.policy)[f-1].Count = retention.Count(count)
		result, err := retention.Evaluate(g.now, g.points, g.policy)
		require.NoError(t, err)
		seen := map[string]bool{}
		for _, d := range result.Decisions {
			p := g.points[d.Index]
			if p.State != retention.Complete || d.Action == retention.Defer {
				continue
			}
			bucket := bucketNames[f].name(p.Time.In(loc))
			want := !seen[bucket] && len(seen) < count
			seen[bucket] = true
			got := slices.Contains(slices.Collect(d.Reasons.All()), bucketNames[f].family)
			require.Equal(t, want, got, "%s %s in\n%s", p.ID, bucket, g)
		}
	})
}
