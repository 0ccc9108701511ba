package retention

import (
	"fmt"
	"iter"
	"math/bits"
	"slices"
	"strings"
)

// An Action is what becomes of a recovery point. The zero Action is Retain.
type Action uint8

const (
	// Retain keeps the point, for the reasons given.
	Retain Action = iota
	// Prune lets the point go: nothing keeps it.
	Prune
	// Blocked points would be pruned, but a hold forbids it.
	Blocked
	// Defer leaves the point alone for now: it is foreign, already being
	// deleted, not yet complete, dated in the future, or what is left of a
	// failure while nothing newer is complete.
	Defer
)

var actionNames = []string{"retain", "prune", "blocked", "defer"}

// String returns the action in lower case: "retain".
func (a Action) String() string { return nameOf(actionNames, int(a), 0, "Action") }

// MarshalText returns what String does; an action that is none is an error.
func (a Action) MarshalText() ([]byte, error) {
	return marshalName(actionNames, int(a), 0, "action")
}

// UnmarshalText accepts what MarshalText returns.
func (a *Action) UnmarshalText(text []byte) error {
	return unmarshalName(a, actionNames, text, 0, "action")
}

// A Decision is what a policy says of one recovery point.
type Decision struct {
	Index   int     `json:"index"`   // of the point, in the slice given to Evaluate
	Action  Action  `json:"action"`  // what becomes of it
	Reasons Reasons `json:"reasons"` // everything that keeps it; none if it is pruned
}

// Reasons is the set of what keeps a recovery point, of which any one would
// do. Its values are an implementation detail; its texts are not.
type Reasons uint32

// The bits stand in the order of the texts. A family has two, for its count
// and its span, and every family but last one more further up that says that
// its count keeps the point for being the oldest.
const (
	reasonTag Reasons = 1 << (iota + 2*families)
	reasonMinCount
	reasonMinAge
	reasonHold
	reasonFuture
	reasonForeign
	reasonPending
	reasonDeleting
	reasonIncomplete
	firstOldest
)

// plainReasons is how many bits have a text of their own.
var plainReasons = bits.Len32(uint32(firstOldest)) - 1

func (f family) count() Reasons  { return 1 << (2 * f) }
func (f family) within() Reasons { return 1 << (2*f + 1) }
func (f family) oldest() Reasons { return firstOldest << (f - hourly) }

// singleReasons are the texts that follow those of the families.
var singleReasons = []string{"tag", "min-count", "min-age", "hold", "future", "foreign", "pending", "deleting", "incomplete"}

// text returns the text of the reason with the given bit, as it is in r.
func (r Reasons) text(bit int) string {
	if bit >= 2*int(families) {
		return singleReasons[bit-2*int(families)]
	}
	f := family(bit / 2)
	switch {
	case f == last && bit == 1:
		return "within"
	case bit%2 == 1:
		return familyNames[f] + "-within"
	case f != last && r&f.oldest() != 0:
		return familyNames[f] + " oldest"
	default:
		return familyNames[f]
	}
}

// All returns the reasons in a fixed order: "last", "within", "hourly",
// "hourly-within", … "yearly-within", "tag", "min-count", "min-age", "hold",
// "future", "foreign", "pending", "deleting", "incomplete". A calendar rule
// that keeps a point only because it is the oldest reads "monthly oldest".
func (r Reasons) All() iter.Seq[string] {
	return func(yield func(string) bool) {
		for bit := range plainReasons {
			if r&(1<<bit) != 0 && !yield(r.text(bit)) {
				return
			}
		}
	}
}

// String returns the reasons joined by ", ", and nothing for none.
func (r Reasons) String() string { return strings.Join(slices.Collect(r.All()), ", ") }

// MarshalText returns what String does.
func (r Reasons) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText accepts what MarshalText returns.
func (r *Reasons) UnmarshalText(text []byte) error {
	var set Reasons
	if len(text) > 0 {
		for name := range strings.SplitSeq(string(text), ", ") {
			one := reasonNamed(name)
			if one == 0 {
				return fmt.Errorf("retention: unknown reason %q", name)
			}
			set |= one
		}
	}
	*r = set
	return nil
}

// reasonNamed returns the reason with that text, or none.
func reasonNamed(name string) Reasons {
	var r Reasons
	rule, oldest := strings.CutSuffix(name, " oldest")
	if oldest {
		if f := slices.Index(familyNames[:], rule); f > int(last) {
			r = family(f).count() | family(f).oldest()
		}
		return r
	}
	for bit := range plainReasons {
		if r.text(bit) == name {
			return 1 << bit
		}
	}
	return r
}

// A Result holds a Decision for each recovery point. It refers to the points
// it was made from, which Explain reads; they must not be changed before it.
type Result struct {
	// Decisions are sorted newest first, and by lower ID where times are
	// equal. They must not be reordered before Explain is called.
	Decisions []Decision

	evaluator *Evaluator
}
