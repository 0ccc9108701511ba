package backuptest

import (
	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A Call is one request to the cloud.
type Call struct {
	// N counts the calls that were let in, from 1. For one caller at a time it
	// is the same in every run that does the same.
	N         int
	Account   accounts.ID // the caller's
	Region    string      // that was called, as in the signature
	Service   string      // "ec2", "kms", "sts"
	Operation string      // "CopySnapshot"
	// Mutating says that the call may change something: it is no reading, no
	// use of a key, no call of STS and no dry run.
	Mutating bool
	// Caller is the ARN that sts:GetCallerIdentity would give.
	Caller string
}

// A Way is how a call fails.
type Way int

// The ways of failing.
const (
	// None: the call does not fail.
	None Way = iota
	// Refuse answers with an error: Fault.Code and Fault.Status.
	Refuse
	// Reset breaks the connection.
	Reset
	// Hang gives no answer until the client's context ends.
	Hang
	// Garbage answers with status 503 and a page of HTML, as a load balancer does.
	Garbage
	// Truncate breaks off in the middle of the answer. The call has had its effect.
	Truncate
)

// A Fault is what happens to a call. The zero value is nothing.
type Fault struct {
	Way Way // zero, None, lets the call through
	// After says that the call takes effect and only its answer is lost.
	After bool
	// Code and Status of Refuse. An empty Code means the service's internal
	// error, with status 500; a zero Status means 400.
	Code   string
	Status int // of HTTP, such as 503
}

// SetFault sets who decides which calls fail. It is asked about every call
// that is authenticated, well-formed and not throttled, one at a time, and must
// not use the cloud. Nil means that none fails.
func (c *Cloud) SetFault(decide func(Call) Fault) {
	if decide == nil {
		c.sim.SetFault(nil)
		return
	}
	c.sim.SetFault(func(i core.CallInfo) core.Fault {
		f := decide(Call{
			N: i.N, Account: accounts.ID(i.Account), Region: i.Region, Service: i.Service, Operation: i.Operation,
			Mutating: i.Mutating, Caller: i.Caller,
		})
		return core.Fault{Way: f.Way.inside(), After: f.After, Error: core.Error{Code: f.Code, Message: "A fault was asked for.", Status: f.Status}}
	})
}

func (w Way) inside() core.Way {
	switch w {
	case Refuse:
		return core.Refuse
	case Reset:
		return core.Reset
	case Hang:
		return core.Hang
	case Garbage:
		return core.Garbage
	case Truncate:
		return core.Truncate
	case None:
		return core.None
	}
	panic("backuptest: an unknown way of failing")
}
