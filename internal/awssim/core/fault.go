package core

import (
	"net/http"
	"reflect"
)

// CallInfo describes a call to whoever decides on faults.
type CallInfo struct {
	// N counts the calls that got this far, from 1. For one caller that waits
	// for each answer it is the same in every run.
	N         int
	Account   string // the caller's
	Region    string
	Service   string // "ec2"
	Operation string // "CopySnapshot"
	// Mutating says that the call may change something: it is no reading, no
	// use of a key, no call of STS and no dry run.
	Mutating bool
	// Caller is the ARN that sts:GetCallerIdentity would give.
	Caller string
	// Input is the SDK's input struct. It must not be changed.
	Input any
}

// A Way is how a call fails.
type Way int

// The ways of failing.
const (
	// None: the call does not fail.
	None Way = iota
	// Refuse answers with Fault.Error.
	Refuse
	// Reset breaks the connection.
	Reset
	// Hang gives no answer until the client gives up.
	Hang
	// Garbage answers with an HTML page and status 503, as a load balancer does.
	Garbage
	// Truncate breaks off in the middle of the answer.
	Truncate
)

// A Fault is what happens to a call. The zero value is nothing.
type Fault struct {
	Way Way
	// After says that the call takes effect first and only its answer is lost.
	// For Truncate that is always so.
	After bool
	// Error is the answer of Refuse. The zero value is the service's internal
	// error, with status 500.
	Error Error
}

// SetFault sets who decides which calls fail, in place of Options.OnCall. It
// is asked under the cloud's lock about every call that is authenticated,
// well-formed and not throttled, so it must not use the cloud. Nil means that
// none fails.
func (c *Cloud) SetFault(decide func(CallInfo) Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onCall = decide
}

// fault decides on a call and counts it.
func (c *Cloud) fault(call *Call, in any) Fault {
	c.calls++
	call.N = c.calls
	if c.onCall == nil {
		return Fault{}
	}
	f := c.onCall(CallInfo{
		N: c.calls, Account: call.Account.ID, Region: call.Region, Service: call.Service, Operation: call.Operation,
		Mutating: mutating(call, in), Caller: call.Caller.ARN, Input: in,
	})
	if f.Way == Truncate {
		f.After = true
	}
	if f.Way == Refuse && f.Error.Code == "" {
		f.Error = dialectOf(call.Service).internal
	}
	if f.Way != None {
		c.stats.Faults++
	}
	return f
}

func mutating(c *Call, in any) bool {
	if c.Service == "sts" || isRead(c.Operation) || usesKey(c) {
		return false
	}
	dry := reflect.ValueOf(in).Elem().FieldByName("DryRun")
	return !dry.IsValid() || dry.IsNil() || !dry.Elem().Bool()
}

// usesKey tells whether a call is one of KMS that encrypts or decrypts.
func usesKey(c *Call) bool {
	if c.Service != "kms" {
		return false
	}
	r := ratesOf(c, nil)[0]
	return r != nil && r.shared == "kms:cryptography"
}

// garbage is what stands before a service when it is down.
const garbage = "<html><body><h1>503 Service Unavailable</h1></body></html>"

// strike does to the client what the fault says. It does not return if there
// is no answer to give.
func (f Fault) strike(w http.ResponseWriter, r *http.Request, answer reply) {
	switch f.Way {
	case Hang:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case Garbage:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(garbage)) // the client is gone if this fails
	case Truncate:
		answer.header(w)
		_, _ = w.Write(answer.Body[:len(answer.Body)/2])
		panic(http.ErrAbortHandler)
	case Reset:
		panic(http.ErrAbortHandler)
	default:
		answer.header(w)
		_, _ = w.Write(answer.Body)
	}
}
