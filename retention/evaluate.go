package retention

import (
	"math"
	"slices"
	"time"
)

// Evaluate decides on every recovery point of one group: on the points of one
// resource in one place, made by one plan. Groups of different resources are
// evaluated one by one.
//
// It is a function of its arguments alone, reads no clock and changes
// nothing. It fails for an invalid or empty policy (see Policy.Validate), and
// with a *PointError for a point without a Time or with an unknown State, and
// for an ID that occurs twice at one Time; nothing is decided then.
func Evaluate(now time.Time, points []RecoveryPoint, p Policy) (Result, error) {
	return new(Evaluator).Evaluate(now, points, p)
}

// An Evaluator evaluates one group after another in memory that it keeps:
// once it has seen its largest group it allocates nothing. The zero Evaluator
// is ready for use. It is not for several goroutines at once.
type Evaluator struct {
	entries, spare []entry
	decisions      []Decision

	// What the evaluation is of, kept for Explain.
	now    time.Time
	points []RecoveryPoint
	policy Policy

	skewed instant // what is later lies in the future
	young  instant // what is later is younger than MinAge
	// anchor and oldest are the positions of the newest and the oldest point
	// that counts, -1 if there is none.
	anchor, oldest int
	edge           [families]instant // what is later is within the family's span
	spent          [families]int     // where the calendar rule's count ran out, -1 if it did not
}

// never is the edge of no span: nothing is later.
var never = instant{sec: math.MaxInt64, nsec: math.MaxUint32}

// Evaluate does what the function of this name does. The Result is valid
// until the next call.
func (e *Evaluator) Evaluate(now time.Time, points []RecoveryPoint, p Policy) (Result, error) {
	if err := p.Validate(); err != nil {
		return Result{}, err
	}
	e.now, e.points, e.policy = now, points, p
	e.skewed = instantOf(now.Add(p.skew()))
	e.young = instantOf(now.Add(-p.MinAge))
	descending, ascending, err := e.load()
	if err != nil {
		return Result{}, err
	}
	if err := e.order(descending, ascending); err != nil {
		return Result{}, err
	}
	e.bound()
	e.decisions = resize(e.decisions, len(points))
	e.scan()
	return Result{Decisions: e.decisions, evaluator: e}, nil
}

// bound finds the newest and the oldest point that count, and from the newest
// how far each span reaches.
func (e *Evaluator) bound() {
	e.anchor, e.oldest = -1, -1
	for f := range families {
		e.edge[f], e.spent[f] = never, -1
	}
	for i := 0; i < len(e.entries) && e.anchor < 0; i++ {
		if e.entries[i].kind() <= held {
			e.anchor = i
		}
	}
	if e.anchor < 0 {
		return
	}
	for i := len(e.entries) - 1; e.oldest < 0; i-- {
		if e.entries[i].kind() <= held {
			e.oldest = i
		}
	}
	anchor := e.entries[e.anchor].instant().time().In(e.policy.location())
	for f := range families {
		if span := e.policy.keep(f).Within; span != (Span{}) {
			e.edge[f] = instantOf(span.before(anchor))
		}
	}
}

// A rule is a calendar rule at work.
type rule struct {
	family
	left    Count   // periods that the count may still keep
	edge    instant // what is later is within the span
	counted int64   // the period of which the count kept a point last
	spanned int64   // the period of which the span kept a point last
}

// noPeriod lies before every period that a calendar knows.
const noPeriod = math.MinInt64

// done reports whether the rule can keep nothing that is as old as at, or older.
func (r *rule) done(at instant) bool { return r.left == 0 && !at.after(r.edge) }

// scan walks over the entries, newest first, and decides.
func (e *Evaluator) scan() {
	var (
		ofRules [families]rule
		rules   = e.rules(ofRules[:0])
		cal     = newCalendar(e.policy.location())
		left    = e.policy.Last
		within  = e.edge[last]
		least   = e.policy.minCount()
		minAge  = e.policy.MinAge > 0
	)
	for pos, entry := range e.entries {
		at, what := entry.instant(), entry.kind()
		if what > held {
			e.decisions[pos] = e.decideUncounted(entry, at, what)
			continue
		}
		var r Reasons
		if left != 0 {
			r |= last.count()
			if left > 0 {
				left--
			}
		}
		if at.after(within) {
			r |= last.within()
		}
		if len(rules) > 0 {
			cal.at(at.sec)
			var kept Reasons
			kept, rules = e.applyRules(rules, &cal, at, pos)
			r |= kept
		}
		if entry.tagged() {
			r |= reasonTag
		}
		if least > 0 {
			least--
			r |= reasonMinCount
		}
		if minAge && at.after(e.young) {
			r |= reasonMinAge
		}
		e.decisions[pos] = decide(entry.index(), r, what == held)
	}
}

// rules appends the calendar rules that the policy has.
func (e *Evaluator) rules(to []rule) []rule {
	for f := hourly; f < families; f++ {
		if keep := e.policy.keep(f); keep != (Keep{}) {
			to = append(to, rule{f, keep.Count, e.edge[f], noPeriod, noPeriod})
		}
	}
	return to
}

// applyRules returns the calendar rules that keep the point at pos, whose
// periods cal holds, and the rules that may keep another.
func (e *Evaluator) applyRules(rules []rule, cal *calendar, at instant, pos int) (Reasons, []rule) {
	var kept Reasons
	ended := false
	for i := range rules {
		r := &rules[i]
		period := cal.key[r.family]
		if r.left != 0 {
			first := period != r.counted
			oldest := !first && pos == e.oldest && e.policy.KeepOldest
			if oldest {
				kept |= r.family.oldest()
			}
			if first || oldest {
				kept |= r.family.count()
				r.counted = period
				if r.left > 0 {
					if r.left--; r.left == 0 {
						e.spent[r.family] = pos
					}
				}
			}
		}
		if at.after(r.edge) && period != r.spanned {
			kept |= r.family.within()
			r.spanned = period
		}
		ended = ended || r.done(at)
	}
	if ended {
		rules = slices.DeleteFunc(rules, func(r rule) bool { return r.done(at) })
	}
	return kept, rules
}

// decide turns what keeps a complete point into a decision.
func decide(index int, r Reasons, held bool) Decision {
	switch {
	case held && r == 0:
		return Decision{index, Blocked, reasonHold}
	case held:
		return Decision{index, Retain, r | reasonHold}
	case r != 0:
		return Decision{index, Retain, r}
	default:
		return Decision{index, Prune, 0}
	}
}

// decideUncounted decides on a point that is not complete, or takes no part.
func (e *Evaluator) decideUncounted(entry entry, at instant, what kind) Decision {
	index := entry.index()
	point := &e.points[index]
	if what == deferred {
		return Decision{index, Defer, e.deferral(point)}
	}
	superseded := e.anchor >= 0 && e.entries[e.anchor].instant().after(at)
	switch {
	case !superseded || at.after(e.young):
		return Decision{index, Defer, reasonIncomplete}
	case e.held(point):
		return Decision{index, Blocked, reasonHold}
	default:
		return Decision{index, Prune, 0}
	}
}
