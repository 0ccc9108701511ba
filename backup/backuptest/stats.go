package backuptest

import (
	"github.com/snapkeep/snapkeep/iampolicy"
)

// Stats count what happened so far.
type Stats struct {
	// Calls that were authenticated, by "ec2:CopySnapshot". Throttled ones and
	// those that failed are among them. Total is their sum.
	Calls map[string]int
	Total int // sum of Calls
	// Rejected calls had no, a wrong or an expired signature. They are not in Calls.
	Rejected int
	// Throttled calls went beyond a limit; Denied ones were not allowed by a policy.
	Throttled int
	Denied    int // also among Calls and Errors
	// Errors answered, throttled and denied calls included, faults not.
	Errors int
	// Faults that SetFault asked for.
	Faults int
}

// Stats returns the counts so far.
func (c *Cloud) Stats() Stats { return Stats(c.sim.Stats()) }

// Misuse lists what no correct client does: members that the operation does
// not have, and what is not simulated. A test that finds anything here has
// found a bug, or left what can be simulated.
func (c *Cloud) Misuse() []string { return c.sim.Misuse() }

// An Authorization is one decision on one action that a call needed.
type Authorization struct {
	// Call is the number of the call; see Call.N.
	Call      int
	Operation string // "ec2:CopySnapshot"
	// Caller is the ARN of the session, user or root, Principal that of the
	// role, user or root.
	Caller, Principal string
	// Action that was needed, "kms:CreateGrant", and on which resource.
	Action, Resource string
	// Keys are the condition keys of the request.
	Keys map[string][]string
	// Decision of the policies.
	Decision iampolicy.Decision
}

// Authorizations returns all decisions so far, in order. It is empty unless
// Options.RecordAuthorizations is set.
func (c *Cloud) Authorizations() []Authorization {
	var all []Authorization
	for _, a := range c.sim.Authorizations() {
		all = append(all, Authorization(a))
	}
	return all
}
