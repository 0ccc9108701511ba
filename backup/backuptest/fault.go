package backuptest

import (
	"time"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A Call is one request to the cloud.
type Call struct {
	// N counts the calls that were let in, from 1. For one caller at a time it
	// is the same in every run that does the same.
	N         int
	Time      time.Time   // when it took effect, or would have
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
	// None: the call does not fail. With a Delay its answer is slow.
	None Way = iota
	// Refuse answers with an error: Fault.Code and Fault.Status.
	Refuse
	// Throttle refuses as the service does when there are too many requests.
	Throttle
	// Expire refuses as the service does when the session is over.
	Expire
	// Reset breaks the connection.
	Reset
	// Hang gives no answer until the client's context ends.
	Hang
	// Garbage answers with a page of HTML, as a load balancer does.
	Garbage
	// Truncate breaks off in the middle of the answer. The call has had its effect.
	Truncate
	// Cut answers with half of the XML or JSON, as if that were all. The call
	// has had its effect.
	Cut
	// Corrupt changes one bit of the bytes that GetSnapshotBlock of the EBS
	// direct APIs reads, or GetObject of S3; other answers are left alone.
	Corrupt
	// Die ends the process that calls; see Process. Without one it is a Reset.
	Die
)

// String returns the way in a word, as scripts have it: "reset".
func (w Way) String() string { return core.Way(w).String() }

// A Fault is what happens to a call. The zero value is nothing.
type Fault struct {
	Way Way // zero, None, lets the call through
	// After says that the call takes effect and only its answer is lost.
	After bool
	// Code and Status of Refuse; Status of Garbage too. An empty Code means the
	// service's internal error, with status 500; a zero Status means 400, or
	// 503 for Garbage.
	Code   string
	Status int // of HTTP, such as 503
	// Delay of the answer, or of its loss, beyond Options.Latency.
	Delay time.Duration
}

// SetFault sets who decides which calls fail: a function, or that of a Script.
// It is asked about every call that is authenticated, well-formed and not
// throttled, one at a time, and must not use the cloud. Nil means that none fails.
func (c *Cloud) SetFault(decide func(Call) Fault) {
	if decide == nil {
		c.sim.SetFault(nil)
		return
	}
	c.sim.SetFault(func(i core.CallInfo) core.Fault { return decide(callOf(i)).inside() })
}

func callOf(i core.CallInfo) Call {
	return Call{
		N: i.N, Time: i.Time, Account: accounts.ID(i.Account), Region: i.Region, Service: i.Service, Operation: i.Operation,
		Mutating: i.Mutating, Caller: i.Caller,
	}
}

func (f Fault) inside() core.Fault {
	if f.Way < None || f.Way > Die {
		panic("backuptest: an unknown way of failing")
	}
	out := core.Fault{Way: core.Way(f.Way), After: f.After, Delay: f.Delay}
	if f.Way == Garbage {
		out.Status = f.Status
		return out
	}
	if f.Way == Refuse {
		out.Error = core.Error{Code: f.Code, Message: "A fault was asked for.", Status: f.Status}
	}
	return out
}

func faultOf(f core.Fault) Fault {
	return Fault{Way: Way(f.Way), After: f.After, Code: f.Error.Code, Status: f.Error.Status + f.Status, Delay: f.Delay}
}
