package core

import (
	"slices"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// Stats count what happened so far.
type Stats struct {
	// Calls that were authenticated, by "ec2:CopySnapshot". Throttled ones and
	// those that failed are among them.
	Calls map[string]int
	// Total of Calls.
	Total int
	// Rejected before it was known who calls: no, wrong or expired signature.
	Rejected int
	// Throttled by a request bucket.
	Throttled int
	// Denied by policies.
	Denied int
	// Errors answered, throttled and denied ones included, faults not.
	Errors int
	// Faults that struck.
	Faults int
}

// An Authorization is one decision on one need of one call.
type Authorization struct {
	// Call is the number of the call; see CallInfo.
	Call      int
	Operation string // "ec2:CopySnapshot"
	Caller    string // ARN of the session, user or root
	Principal string // ARN of the role, user or root
	Action    string // "kms:CreateGrant"
	Resource  string
	Keys      map[string][]string
	Decision  iampolicy.Decision
}

// Stats returns the counts so far.
func (c *Cloud) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Calls = make(map[string]int, len(c.called))
	for of, n := range c.called {
		s.Calls[of.service+":"+of.operation] = n
	}
	return s
}

// Authorizations returns all decisions so far, in order. It is empty unless
// Options.RecordAuthorizations is set.
func (c *Cloud) Authorizations() []Authorization {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.authorizations)
}

func (c *Cloud) record(call *Call, req iampolicy.Request, d iampolicy.Decision) {
	if !c.opts.RecordAuthorizations && !c.log.on() {
		return
	}
	a := Authorization{
		Call: call.N, Operation: call.Service + ":" + call.Operation,
		Caller: call.Caller.ARN, Principal: call.Caller.Entity(),
		Action: req.Action, Resource: req.Resource, Keys: req.Context, Decision: d,
	}
	call.decisions = append(call.decisions, a)
	if c.opts.RecordAuthorizations {
		c.authorizations = append(c.authorizations, a)
	}
}
