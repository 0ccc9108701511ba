package iampolicy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Coverage is what Covers found.
type Coverage struct {
	// Covered says that no request of the universe is a counterexample. False
	// in the zero Coverage.
	Covered bool
	// Counterexample is a request that the narrow document allows and the wide
	// one does not; nil if Covered.
	Counterexample *Request
	// Wide is the wide document's decision on the counterexample.
	Wide Decision
	// Asked counts the requests that both documents were asked about.
	Asked int
}

// String says in words what was found, with the counterexample.
func (c Coverage) String() string {
	if c.Covered {
		return fmt.Sprintf("covered: in %d requests no counterexample", c.Asked)
	}
	r := c.Counterexample
	if r == nil {
		return "nothing was asked"
	}
	text := fmt.Sprintf("not covered: %s by %s on %s", r.Action, r.Principal.ARN, r.Resource)
	for _, key := range slices.SortedFunc(maps.Keys(r.Context), compareFold) {
		text += fmt.Sprintf(", %s = %s", key, strings.Join(r.Context[key], " and "))
	}
	return text + ": " + c.Wide.String()
}

// Covers says whether one document allows whatever another allows, by asking
// Evaluate about a universe of requests. It compares what the documents mean:
// other wildcards, conditions or groupings do not matter. Two documents that
// cover each other mean the same, as far as the universe reaches.
//
// The universe is made of what occurs in both documents, refusals included:
//
//   - each action, with its wildcards left out, replaced by a letter or, in the
//     name of an action, by what the other document's patterns have there, and an
//     action of each service that neither names;
//   - each resource, likewise, with a Region and an account in their fields,
//     "*", and a resource of each service that neither names;
//   - each principal, for documents that have them: a session for a role, a user
//     for an account, and somebody whom neither names;
//   - for each Allow of the narrow document a context that meets it, and all that
//     differ from it in at most two condition keys. A key is absent, or has a
//     value that occurs with it in a condition (wildcards replaced as above;
//     for numbers and dates also the next on either side; for addresses also one
//     outside of the range), one that does not, or two values at once if its
//     operator is for several. Policy variables have a value each, which occurs
//     nowhere else.
//
// So a counterexample is one for Evaluate, and that there is none is strong evidence, not
// proof: what differs only where three keys change at once is not seen. Where
// that would be more than half a million requests, contexts differ in one key.
// Identity policies, boundaries, session policies and SCPs are judged as an
// identity policy of the account that owns the resource; documents with
// principals as the policy of a resource in an account of its own, whose callers
// may do anything by their own policies.
func Covers(wide, narrow *Document) Coverage {
	u := newUniverse(wide, narrow)
	forWide, forNarrow := u.set(wide), u.set(narrow)
	var c Coverage
	for depth := 2; depth > 0; depth-- {
		if u.size(depth) <= mostRequests || depth == 1 {
			c.Covered = !u.each(depth, func(r Request) bool {
				c.Asked++
				if Evaluate(r, forNarrow).Outcome != Allowed {
					return true
				}
				if d := Evaluate(r, forWide); d.Outcome != Allowed {
					c.Counterexample, c.Wide = &r, d
					return false
				}
				return true
			})
			break
		}
	}
	return c
}

// mostRequests bounds what Covers asks with contexts that differ in two keys;
// it takes about a second.
const mostRequests = 500_000
