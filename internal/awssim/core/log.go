package core

import (
	"slices"
	"time"
)

// A Record is one call in the log: who called what on which resources, in which
// context, what was answered, and when. It holds neither the request nor the
// answer, and so no secret, no token, no user data and no policy.
type Record struct {
	// N is the number of the call; see CallInfo. It is zero for a call that got
	// not so far: one that was malformed, unknown or throttled.
	N         int
	Time      time.Time
	RequestID string
	Account   string // the caller's
	Region    string
	Service   string
	Operation string // empty if it cannot be told
	Caller    string // ARN of the session, user or root
	Principal string // ARN of the role, user or root
	// Code of the error that was answered. Empty if the call succeeded.
	Code string
	// Fault that struck, as a Script has it; empty if none did. Unless it came
	// after the effect, Code says nothing of what the call would have been answered.
	Fault string
	// Decisions on what the call needed, in order: actions, resources, condition
	// keys. A call that was refused has none after the one that refused it.
	Decisions []Authorization
}

// A callLog keeps the newest records.
type callLog struct {
	keep int // how many; negative means all
	ring []Record
	next int // where the oldest is, once there are as many as are kept
}

// on tells whether calls are kept.
func (l *callLog) on() bool { return l.keep != 0 }

// add records a call.
func (l *callLog) add(c *Call, f Fault, refusal *Error) {
	if !l.on() {
		return
	}
	r := Record{
		N: c.N, Time: c.Now, RequestID: c.RequestID, Account: c.Account.ID, Region: c.Region, Service: c.Service, Operation: c.Operation,
		Caller: c.Caller.ARN, Principal: c.Caller.Entity(), Decisions: c.decisions,
	}
	if refusal != nil {
		r.Code = refusal.Code
	}
	if f.Way != None || f.Delay > 0 {
		r.Fault = f.String()
	}
	if l.keep < 0 || len(l.ring) < l.keep {
		l.ring = append(l.ring, r)
		return
	}
	l.ring[l.next] = r
	l.next = (l.next + 1) % l.keep
}

// Log returns the calls of identified callers that are remembered, oldest
// first. It is empty unless Options.LogCalls is set.
func (c *Cloud) Log() []Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Concat(c.log.ring[c.log.next:], c.log.ring[:c.log.next])
}
