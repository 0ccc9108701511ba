package retention

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParsePolicy reads a policy from text: terms separated by white space, in
// any order, each at most once, but for tag.
//
//	last=3 hourly=24 daily=7 weekly=5 monthly=12 quarterly=4 yearly=3
//	within=14d hourly-within=2d … yearly-within=7y
//	tag=k:v min-count=2 min-age=24h oldest tz=Europe/Berlin max-skew=5m
//
// A count is a number, "all" or -1. A span has years, months, days and hours:
// 1y2m3d4h. min-age and max-skew are read by time.ParseDuration, so that an m
// is a minute there. tag names one selector: pairs of a key and a value,
// separated by commas, or a key alone for any value. A colon, comma, percent
// sign or white space inside a key or value is written as in a URL: %3A, %2C,
// %25, %20. tz is a name from the time zone database or an offset such as
// +02:00; on a machine that lacks the database, import time/tzdata.
//
// Text that sets nothing is ErrEmptyPolicy, be it blank or "daily=0". Whether
// what it sets has a rule is for Policy.Validate to say, and for Evaluate.
func ParsePolicy(s string) (Policy, error) {
	var p Policy
	terms := strings.Fields(s)
	seen := make(map[string]bool, len(terms))
	for _, term := range terms {
		key, value, assigned := strings.Cut(term, "=")
		if seen[key] && key != "tag" {
			return Policy{}, &PolicyError{key, "is there twice"}
		}
		seen[key] = true
		if err := p.setTerm(key, value, assigned); err != nil {
			return Policy{}, &PolicyError{key, err.Error()}
		}
	}
	if p.String() == "" {
		return Policy{}, ErrEmptyPolicy
	}
	return p, nil
}

// UnmarshalText is ParsePolicy, but what sets nothing is the zero Policy.
func (p *Policy) UnmarshalText(text []byte) error {
	parsed, err := ParsePolicy(string(text))
	if err != nil && !errors.Is(err, ErrEmptyPolicy) {
		return err
	}
	*p = parsed
	return nil
}

// setTerm sets the field that a term is about.
func (p *Policy) setTerm(key, value string, assigned bool) (err error) {
	if key == "oldest" {
		if assigned {
			return errors.New("takes no value")
		}
		p.KeepOldest = true
		return nil
	}
	switch key {
	case "last":
		p.Last, err = parseCount(value)
	case "within":
		p.Within, err = parseSpan(value)
	case "tag":
		var selector Selector
		selector, err = parseSelector(value)
		p.Tags = append(p.Tags, selector)
	case "min-count":
		p.MinCount, err = parseNumber(value)
	case "min-age":
		p.MinAge, err = parseDuration(value)
	case "max-skew":
		p.MaxSkew, err = parseDuration(value)
	case "tz":
		p.Location, err = parseLocation(value)
	default:
		err = p.setCalendarTerm(key, value)
	}
	return err
}

// setCalendarTerm sets one half of a calendar rule.
func (p *Policy) setCalendarTerm(key, value string) (err error) {
	name, within := strings.CutSuffix(key, "-within")
	f := slices.Index(familyNames[:], name)
	if f <= int(last) {
		return errors.New("is no term of a policy")
	}
	keep := p.calendarRule(family(f))
	if within {
		keep.Within, err = parseSpan(value)
	} else {
		keep.Count, err = parseCount(value)
	}
	return err
}

func parseCount(s string) (Count, error) {
	if s == "all" || s == "-1" {
		return All, nil
	}
	n, err := parseNumber(s)
	if err != nil {
		return 0, fmt.Errorf("%q is neither a count nor all", s)
	}
	return Count(n), nil
}

// parseNumber reads digits alone.
func parseNumber(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || strings.TrimLeft(s, "0123456789") != "" {
		return 0, fmt.Errorf("%q is not a number", s)
	}
	return n, nil
}

func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration such as 36h or 90m", s)
	}
	return d, nil
}

// parseSelector reads "key:value,key". A bare colon in a value is refused: a
// key such as aws:cloudformation:stack-name would be taken for the key aws,
// match nothing, and let go what it should keep.
func parseSelector(s string) (Selector, error) {
	selector := make(Selector)
	for pair := range strings.SplitSeq(s, ",") {
		parts := strings.Split(pair, ":")
		if len(parts) > 2 {
			return nil, fmt.Errorf("%q has more than one colon; one inside a key or value is written %%3A", pair)
		}
		key, err := url.PathUnescape(parts[0])
		if err != nil {
			return nil, err
		}
		value := ""
		if len(parts) == 2 {
			if value, err = url.PathUnescape(parts[1]); err != nil {
				return nil, err
			}
		}
		if key == "" {
			return nil, fmt.Errorf("%q has no key", pair)
		}
		if _, ok := selector[key]; ok {
			return nil, fmt.Errorf("%q has the key %q twice", s, key)
		}
		selector[key] = value
	}
	return selector, nil
}

// parseLocation reads a name or an offset. Local is refused, for it is
// another zone on each machine.
func parseLocation(s string) (*time.Location, error) {
	switch {
	case s == "":
		return nil, errors.New("has no name")
	case s == time.Local.String():
		return nil, errLocal
	case s[0] == '+' || s[0] == '-':
		return parseOffset(s)
	}
	return time.LoadLocation(s)
}

var errLocal = errors.New("the zone Local is another on each machine; name one")

// parseOffset reads "+02:00" or, for the offsets of old, "+00:53:28".
func parseOffset(s string) (*time.Location, error) {
	for _, layout := range []string{"-07:00", "-07:00:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			_, offset := t.Zone()
			return time.FixedZone(s, offset), nil
		}
	}
	return nil, fmt.Errorf("%q is not an offset such as +02:00", s)
}
