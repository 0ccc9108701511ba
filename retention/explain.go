package retention

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Explain says in one sentence why the point with that index is kept, or why
// each rule lets it go. The index is that of the point in the slice given to
// Evaluate, as in Decision.Index; any other panics.
func (r Result) Explain(index int) string {
	e := r.evaluator
	pos := e.position(index)
	d, id := e.decisions[pos], e.points[index].ID
	switch {
	case d.Action == Retain:
		return fmt.Sprintf("%s is kept: %s.", id, strings.Join(e.keepers(pos), "; "))
	case d.Action == Blocked:
		return fmt.Sprintf("%s would be pruned but for %s: %s.", id, e.holds(pos), strings.Join(e.releases(pos), "; "))
	case d.Action == Prune:
		return fmt.Sprintf("%s is pruned: %s.", id, strings.Join(e.releases(pos), "; "))
	default:
		return fmt.Sprintf("%s is deferred: %s.", id, strings.Join(e.deferrals(pos), "; "))
	}
}

// position returns where the decision on a point stands.
func (e *Evaluator) position(index int) int {
	want := &e.points[index]
	pos, _ := slices.BinarySearchFunc(e.decisions, want, func(d Decision, want *RecoveryPoint) int {
		have := &e.points[d.Index]
		return cmp.Or(want.Time.Compare(have.Time), cmp.Compare(have.ID, want.ID))
	})
	return pos
}

func (e *Evaluator) at(pos int) *RecoveryPoint { return &e.points[e.decisions[pos].Index] }

// counts reports whether the point there took part in the rules.
func (e *Evaluator) counts(pos int) bool {
	return e.decisions[pos].Action != Defer && e.at(pos).State == Complete
}

// keepers returns a clause for each reason that keeps the point.
func (e *Evaluator) keepers(pos int) []string {
	var clauses []string
	reasons := e.decisions[pos].Reasons
	cal := newCalendar(e.policy.location())
	for f := range families {
		keep := e.policy.keep(f)
		if reasons&f.count() != 0 {
			clauses = append(clauses, familyNames[f]+": "+e.countKeeps(&cal, f, pos))
		}
		if reasons&f.within() != 0 {
			clause := fmt.Sprintf("%s: less than %s before %s", f.within(), keep.Within, e.at(e.anchor).ID)
			if f != last {
				clause += fmt.Sprintf(", and the newest of %s", cal.name(f, e.at(pos).Time.Unix()))
			}
			clauses = append(clauses, clause)
		}
	}
	for _, single := range []struct {
		reason Reasons
		clause func() string
	}{
		{reasonTag, func() string { return e.matching(pos) }},
		{reasonMinCount, func() string { return amongNewest(Count(e.policy.minCount())) }},
		{reasonMinAge, func() string { return "younger than " + durationText(e.policy.MinAge) }},
		{reasonHold, func() string { return e.holds(pos) }},
	} {
		if reasons&single.reason != 0 {
			clauses = append(clauses, single.reason.String()+": "+single.clause())
		}
	}
	return clauses
}

// countKeeps says why a family's count keeps the point.
func (e *Evaluator) countKeeps(cal *calendar, f family, pos int) string {
	count := e.policy.keep(f).Count
	switch {
	case f == last:
		return amongNewest(count)
	case e.decisions[pos].Reasons&f.oldest() != 0 && count == All:
		return "the oldest point"
	case e.decisions[pos].Reasons&f.oldest() != 0:
		return fmt.Sprintf("the oldest point, while there are fewer than %s", plural(count, periodNames[f]))
	default:
		return fmt.Sprintf("the newest of %s", cal.name(f, e.at(pos).Time.Unix()))
	}
}

// matching names the first selector that matches the point.
func (e *Evaluator) matching(pos int) string {
	i := slices.IndexFunc(e.policy.Tags, func(s Selector) bool { return s.matches(e.at(pos).Tags) })
	return e.policy.Tags[i].text() + " matches"
}

// holds lists what holds a point that is not deferred.
func (e *Evaluator) holds(pos int) string {
	var holds []string
	for _, h := range e.at(pos).Holds {
		if !h.activeAt(e.now) {
			continue
		}
		text := h.Kind.String()
		if h.Ref != "" {
			text += " " + h.Ref
		}
		if !h.Until.IsZero() {
			text += " until " + e.format(h.Until)
		}
		holds = append(holds, text)
	}
	return strings.Join(holds, " and ")
}

// releases returns a clause for each rule, saying why it lets the point go.
func (e *Evaluator) releases(pos int) []string {
	if state := e.at(pos).State; state != Complete {
		return []string{fmt.Sprintf("it is %s, and %s is newer and complete", state, e.at(e.anchor).ID)}
	}
	var clauses []string
	cal := newCalendar(e.policy.location())
	for f := range families {
		keep := e.policy.keep(f)
		if keep.Count != 0 {
			clauses = append(clauses, familyNames[f]+": "+e.countReleases(&cal, f, pos))
		}
		if keep.Within != (Span{}) {
			clauses = append(clauses, f.within().String()+": "+e.spanReleases(&cal, f, pos))
		}
	}
	if len(e.policy.Tags) > 0 {
		clauses = append(clauses, "tag: no selector matches")
	}
	if e.policy.MinCount > 0 {
		clauses = append(clauses, "min-count: not "+amongNewest(Count(e.policy.MinCount)))
	}
	if e.policy.MinAge > 0 {
		clauses = append(clauses, "min-age: not younger than "+durationText(e.policy.MinAge))
	}
	return clauses
}

// countReleases says why a family's count lets the point go: its period is
// too old, or a newer point represents it.
func (e *Evaluator) countReleases(cal *calendar, f family, pos int) string {
	count := e.policy.keep(f).Count
	if f == last {
		return "not " + amongNewest(count)
	}
	sec := e.at(pos).Time.Unix()
	if spent := e.spent[f]; spent >= 0 {
		cal.at(sec)
		period := cal.key[f]
		oldest := e.at(spent).Time.Unix()
		if cal.at(oldest); period < cal.key[f] {
			return fmt.Sprintf("%s is older than the %s kept, back to %s",
				cal.name(f, sec), plural(count, periodNames[f]), cal.name(f, oldest))
		}
	}
	return e.represented(cal, f, pos)
}

// spanReleases says why a family's span lets the point go.
func (e *Evaluator) spanReleases(cal *calendar, f family, pos int) string {
	point := e.at(pos)
	if !instantOf(point.Time).after(e.edge[f]) {
		return fmt.Sprintf("%s or more before %s, not after %s",
			e.policy.keep(f).Within, e.at(e.anchor).ID, e.format(e.edge[f].time()))
	}
	return e.represented(cal, f, pos)
}

// represented names the point that stands for the period of the one at pos.
func (e *Evaluator) represented(cal *calendar, f family, pos int) string {
	sec := e.at(pos).Time.Unix()
	cal.at(sec)
	period := cal.key[f]
	// Periods never go back, so that those later than this one come first.
	newest, _ := slices.BinarySearchFunc(e.decisions[:pos], period, func(d Decision, period int64) int {
		cal.at(e.points[d.Index].Time.Unix())
		if cal.key[f] > period {
			return -1
		}
		return 1
	})
	for !e.counts(newest) {
		newest++
	}
	return fmt.Sprintf("newer point %s represents %s", e.at(newest).ID, cal.name(f, sec))
}

// deferrals returns a clause for each reason that defers the point.
func (e *Evaluator) deferrals(pos int) []string {
	var clauses []string
	point := e.at(pos)
	for reason := range e.decisions[pos].Reasons.All() {
		switch reason {
		case "future":
			clauses = append(clauses, fmt.Sprintf("future: its time %s is more than %s ahead",
				e.format(point.Time), durationText(e.policy.skew())))
		case "foreign":
			clauses = append(clauses, "foreign: it is not ours to prune")
		case "pending":
			clauses = append(clauses, "pending: it is still being made")
		case "deleting":
			clauses = append(clauses, "deleting: it is being deleted already")
		case "incomplete":
			clauses = append(clauses, e.incomplete(pos))
		}
	}
	return clauses
}

// incomplete says why a failed or partial point may not go yet.
func (e *Evaluator) incomplete(pos int) string {
	point := e.at(pos)
	why := "younger than " + durationText(e.policy.MinAge)
	switch {
	case e.anchor < 0 || !e.at(e.anchor).Time.After(point.Time):
		why = "no newer point is complete"
	case e.policy.MinAge == 0:
		why = "its time is yet to come" // by less than MaxSkew
	}
	return fmt.Sprintf("incomplete: it is %s, and %s", point.State, why)
}

// format writes a time where periods are cut.
func (e *Evaluator) format(t time.Time) string {
	return t.In(e.policy.location()).Format(time.RFC3339)
}

// amongNewest returns "one of the 3 newest complete points".
func amongNewest(n Count) string {
	switch n {
	case All:
		return "one of all complete points"
	case 1:
		return "the newest complete point"
	default:
		return fmt.Sprintf("one of the %d newest complete points", n)
	}
}

// plural returns "1 week" or "2 weeks".
func plural(n Count, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
