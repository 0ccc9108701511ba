package backuptest

import (
	"time"

	"github.com/snapkeep/snapkeep/accounts"
)

// A Record is one call in the log: who called what on which resources, in which
// context, and what was answered. It holds neither the request nor the answer,
// and so no secret, no token, no user data and no policy.
type Record struct {
	// N is the number of the call; see Call.N. It is zero for a call that was
	// malformed, unknown or throttled.
	N         int
	Time      time.Time   // of its arrival, on the cloud's clock
	RequestID string      // as the client's error has it
	Account   accounts.ID // the caller's
	Region    string      // that was called
	Service   string      // "ec2"
	Operation string      // "CopySnapshot"; empty if it cannot be told
	// Caller is the ARN of the session, user or root, Principal that of the
	// role, user or root.
	Caller, Principal string
	// Code of the error that was answered. Empty if the call succeeded.
	Code string
	// Fault that struck, in the words of a Script; empty if none did.
	Fault string
	// Decisions on what the call needed, in order. A call that was refused has
	// none after the one that refused it.
	Decisions []Authorization
}

// Log returns the calls that are remembered, oldest first: the newest
// Options.LogCalls ones. It is empty unless that is set.
func (c *Cloud) Log() []Record {
	var all []Record
	for _, r := range c.sim.Log() {
		out := Record{
			N: r.N, Time: r.Time, RequestID: r.RequestID, Account: accounts.ID(r.Account), Region: r.Region,
			Service: r.Service, Operation: r.Operation, Caller: r.Caller, Principal: r.Principal, Code: r.Code, Fault: r.Fault,
		}
		for _, d := range r.Decisions {
			out.Decisions = append(out.Decisions, Authorization(d))
		}
		all = append(all, out)
	}
	return all
}
