package retention

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// A Policy says which recovery points to keep. Its rules work independently
// of one another, and a point that any of them selects is kept.
//
// A Policy without Last, Within, a calendar rule or Tags is empty, and an
// error wherever it would be applied.
//
// As text, and in JSON, a Policy is the string that ParsePolicy reads.
type Policy struct {
	// Last keeps the newest points, whatever their distance.
	Last Count
	// Within keeps every point that is less than this older than the newest
	// complete one.
	Within Span

	// Each calendar rule keeps the newest point of an hour, a day, an ISO
	// week, a month, a quarter, a year. Periods without a point do not count.
	Hourly, Daily, Weekly, Monthly, Quarterly, Yearly Keep

	// Tags keeps every complete point that one of the selectors matches.
	Tags []Selector
	// MinCount is how many of the newest complete points are never pruned.
	// Zero means 1.
	MinCount int
	// MinAge keeps what is younger, by the clock and not by the newest point.
	// Zero means none.
	MinAge time.Duration
	// KeepOldest makes each rule with a count keep the oldest point as well,
	// while that count is not used up: a young history keeps its beginning.
	// It has no effect on spans.
	KeepOldest bool
	// Location is where calendar periods and spans are cut. Nil means UTC.
	Location *time.Location
	// MaxSkew is how far in the future a point's time may lie before the
	// point is deferred. Zero means 5 minutes.
	MaxSkew time.Duration
}

// defaultSkew is more than two clocks kept by NTP ever differ, and less than
// any schedule's interval.
const defaultSkew = 5 * time.Minute

// A Count is how many points, or periods, a rule keeps. Zero means none.
type Count int

// All is the Count without limit.
const All Count = -1

// String returns the number, or "all".
func (c Count) String() string {
	if c == All {
		return "all"
	}
	return strconv.Itoa(int(c))
}

// A Keep is one calendar rule: the newest point of each of the Count newest
// periods that have one, and of every period of which a point lies Within the
// span before the newest complete point. Either keeps. The zero Keep is no
// rule.
type Keep struct {
	Count  Count // of periods that have a point; All for every one, zero for no rule
	Within Span  // back from the newest complete point; zero for no rule
}

// A Selector matches a point that has all of its tags. An empty value matches
// any value of that tag. An empty Selector is an error, for it would match
// every point.
type Selector map[string]string

// matches reports whether every pair of the selector is among the tags.
func (s Selector) matches(tags map[string]string) bool {
	for key, want := range s {
		if have, ok := tags[key]; !ok || want != "" && want != have {
			return false
		}
	}
	return true
}

// Validate returns nil for a policy that can be applied. The error joins a
// *PolicyError for each field that is wrong; for a policy without any rule it
// is ErrEmptyPolicy.
func (p Policy) Validate() error {
	if err := p.check(); err != nil {
		return err
	}
	if p.empty() {
		return ErrEmptyPolicy
	}
	return nil
}

// empty reports whether no rule would keep anything.
func (p *Policy) empty() bool {
	for f := last; f < families; f++ {
		if p.keep(f) != (Keep{}) {
			return false
		}
	}
	return len(p.Tags) == 0
}

// keep returns the rule of a family; that of last is made of two fields.
func (p *Policy) keep(f family) Keep {
	if f == last {
		return Keep{Count: p.Last, Within: p.Within}
	}
	return *p.calendarRule(f)
}

// calendarRule returns the rule of any family but last.
func (p *Policy) calendarRule(f family) *Keep {
	switch f {
	case hourly:
		return &p.Hourly
	case daily:
		return &p.Daily
	case weekly:
		return &p.Weekly
	case monthly:
		return &p.Monthly
	case quarterly:
		return &p.Quarterly
	default:
		return &p.Yearly
	}
}

// check finds what is wrong with each field alone.
func (p *Policy) check() error {
	var errs []error
	for f := last; f < families; f++ {
		keep := p.keep(f)
		if keep.Count < All {
			errs = append(errs, &PolicyError{fieldName(f, "Count"), fmt.Sprintf("%d is neither a count nor All (-1)", int(keep.Count))})
		}
		if reason := keep.Within.check(); reason != "" {
			errs = append(errs, &PolicyError{fieldName(f, "Within"), reason})
		}
	}
	for i, s := range p.Tags {
		if reason := s.check(); reason != "" {
			errs = append(errs, &PolicyError{fmt.Sprintf("Tags[%d]", i), reason})
		}
	}
	if p.MinCount < 0 {
		errs = append(errs, &PolicyError{"MinCount", fmt.Sprintf("%d is negative", p.MinCount)})
	}
	if p.MinAge < 0 {
		errs = append(errs, &PolicyError{"MinAge", fmt.Sprintf("%s is negative", p.MinAge)})
	}
	if p.MaxSkew < 0 {
		errs = append(errs, &PolicyError{"MaxSkew", fmt.Sprintf("%s is negative", p.MaxSkew)})
	}
	return errors.Join(errs...)
}

// fieldName returns the Go name of a rule's part: "Within", "Daily.Count".
func fieldName(f family, part string) string {
	switch {
	case f != last:
		return familyFields[f] + "." + part
	case part == "Count":
		return "Last"
	default:
		return part
	}
}

// check returns what is wrong with the selector, or "".
func (s Selector) check() string {
	if len(s) == 0 {
		return "an empty selector would match every point"
	}
	if _, ok := s[""]; ok {
		return "a tag has no empty key"
	}
	return ""
}

// location returns where calendar periods are cut.
func (p *Policy) location() *time.Location {
	if p.Location == nil {
		return time.UTC
	}
	return p.Location
}

// skew returns how far ahead of the clock a point may be.
func (p *Policy) skew() time.Duration {
	if p.MaxSkew == 0 {
		return defaultSkew
	}
	return p.MaxSkew
}

// minCount returns how many of the newest complete points always stay.
func (p *Policy) minCount() int { return max(p.MinCount, 1) }
