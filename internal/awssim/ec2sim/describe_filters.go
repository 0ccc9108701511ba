package ec2sim

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// Source of the numbers: EC2 User Guide, "Filtering using the CLI and API":
// up to 50 filters with up to 200 values each in one request.
const (
	maxFilters      = 50
	maxFilterValues = 200
)

// Attributes say how to read what the filters of one kind of resource are
// compared with. Several values match if one does.
type attributes[T any] map[string]func(T) []string

// lacking adds documented names of what no resource here has: nothing matches
// such a filter, and asking is no error.
func (a attributes[T]) lacking(names ...string) attributes[T] {
	for _, name := range names {
		a[name] = func(T) []string { return nil }
	}
	return a
}

// A clause is one filter: any of the patterns must match.
type clause[T any] struct {
	read     func(T) []string
	patterns []pattern
}

// A matcher is all filters of a request: every clause must match. Those of tags
// are the last, since they take longest.
type matcher[T any] []clause[T]

// newMatcher checks the filters of a request. tags reads a resource's tags
// as the caller sees them, for tag:… and tag-key.
func newMatcher[T any](filters []types.Filter, known attributes[T], tags func(T) map[string]string) (matcher[T], error) {
	if len(filters) > maxFilters {
		return nil, core.Errorf("FilterLimitExceeded", "The maximum number of filters is %d", maxFilters)
	}
	var own, ofTags matcher[T]
	for _, f := range filters {
		name := aws.ToString(f.Name)
		if len(f.Values) > maxFilterValues {
			return nil, core.Errorf("FilterLimitExceeded", "The maximum number of filter values specified on a single call is %d", maxFilterValues)
		}
		if len(f.Values) == 0 {
			return nil, core.Errorf("InvalidParameterValue", "The filter '%s' has no values", name)
		}
		read := reader(name, known, tags)
		if read == nil {
			return nil, core.Errorf("InvalidParameterValue", "The filter '%s' is invalid", name)
		}
		into := &own
		if strings.HasPrefix(name, "tag") {
			into = &ofTags
		}
		*into = append(*into, clause[T]{read: read, patterns: patternsOf(f.Values)})
	}
	return append(own, ofTags...), nil
}

func reader[T any](name string, known attributes[T], tags func(T) map[string]string) func(T) []string {
	if key, ok := strings.CutPrefix(name, "tag:"); ok && tags != nil {
		return func(x T) []string {
			if v, has := tags(x)[key]; has {
				return []string{v}
			}
			return nil
		}
	}
	if name == "tag-key" && tags != nil {
		return func(x T) []string {
			var names []string
			for k := range tags(x) {
				names = append(names, k)
			}
			return names
		}
	}
	return known[name]
}

func (m matcher[T]) match(x T) bool {
	for _, c := range m {
		if !c.match(x) {
			return false
		}
	}
	return true
}

func (c clause[T]) match(x T) bool {
	for _, v := range c.read(x) {
		for _, p := range c.patterns {
			if p.match(v) {
				return true
			}
		}
	}
	return false
}

// A pattern is a value of a filter, in which * stands for any characters, also
// none, and ? for exactly one, and a backslash takes the meaning from what
// follows. Case matters.
// Source: EC2 User Guide, "Filtering using the CLI and API".
type pattern struct {
	head string // what text has to begin with
	rest []rune // and to go on with
}

func patternsOf(values []string) []pattern {
	all := make([]pattern, 0, len(values))
	for _, v := range values {
		n := strings.IndexAny(v, `*?\`)
		if n < 0 {
			n = len(v)
		}
		all = append(all, pattern{v[:n], []rune(v[n:])})
	}
	return all
}

func (p pattern) match(text string) bool {
	rest, ok := strings.CutPrefix(text, p.head)
	switch {
	case !ok:
		return false
	case len(p.rest) == 0:
		return rest == ""
	case len(p.rest) == 1 && p.rest[0] == '*':
		return true
	}
	return wildcard(p.rest, []rune(rest))
}

// wildcard matches text with a pattern.
func wildcard(p, t []rune) bool {
	var pi, ti int
	star, mark := -1, 0 // the last * and where its match began
	for ti < len(t) {
		switch n, ok := step(p[pi:], t[ti]); {
		case pi < len(p) && p[pi] == '*':
			star, mark = pi, ti
			pi++
		case ok:
			pi += n
			ti++
		case star >= 0:
			mark++
			pi, ti = star+1, mark
		default:
			return false
		}
	}
	for pi < len(p) && p[pi] == '*' {
		pi++
	}
	return pi == len(p)
}

// step matches one character with the head of a pattern, and returns how long
// that head is.
func step(p []rune, r rune) (int, bool) {
	switch {
	case len(p) == 0:
		return 0, false
	case p[0] == '\\' && len(p) > 1:
		return 2, p[1] == r
	case p[0] == '?':
		return 1, true
	}
	return 1, p[0] == r
}

// flag is a truth value as filters and condition keys write it.
func flag(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// one makes the value of an attribute that a resource may lack.
func one(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}
