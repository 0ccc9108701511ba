package core

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"
)

// CallInfo describes a call to whoever decides on faults.
type CallInfo struct {
	// N counts the calls that got this far, from 1. For one caller that waits
	// for each answer it is the same in every run.
	N         int
	Time      time.Time
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
	// None: the call does not fail. With a Delay its answer is slow.
	None Way = iota
	// Refuse answers with Fault.Error.
	Refuse
	// Throttle refuses as the service does when there are too many requests.
	Throttle
	// Expire refuses as the service does when the session is over.
	Expire
	// Reset breaks the connection.
	Reset
	// Hang gives no answer until the client gives up.
	Hang
	// Garbage answers with an HTML page, as a load balancer does.
	Garbage
	// Truncate breaks the connection in the middle of the answer.
	Truncate
	// Cut answers with half of the XML or JSON, as if that were all.
	Cut
	// Corrupt changes one bit of the answer, if it consists of bytes and not of
	// XML or JSON: what GetSnapshotBlock of the EBS direct APIs reads does not fit
	// its checksum then. Other answers are left as they are.
	Corrupt
	// Die ends the process that calls: see Client.Kill. To a client that came
	// over a socket it is a Reset.
	Die
)

// ways in words, as a Script has them.
var ways = []string{"none", "refuse", "throttle", "expire", "reset", "hang", "garbage", "truncate", "cut", "corrupt", "die"}

// String returns the way as a Script has it: "reset".
func (w Way) String() string {
	if w < 0 || int(w) >= len(ways) {
		return fmt.Sprintf("way(%d)", int(w))
	}
	return ways[w]
}

// afterOnly says that the way needs an answer to spoil.
func (w Way) afterOnly() bool { return w == Truncate || w == Cut || w == Corrupt }

// refuses says that the call is answered with an error.
func (w Way) refuses() bool { return w == Refuse || w == Throttle || w == Expire }

// A Fault is what happens to a call. The zero value is nothing.
type Fault struct {
	Way Way
	// After says that the call takes effect first and only its answer is lost.
	// For Truncate, Cut and Corrupt that is always so.
	After bool
	// Error is the answer of Refuse. The zero value is the service's internal
	// error, with status 500.
	Error Error
	// Status of Garbage. Zero means 503.
	Status int
	// Delay of the answer, or of its loss, beyond the latency.
	Delay time.Duration
}

// String returns the fault as a Script has it: "garbage 500 after delay 3s".
func (f Fault) String() string {
	words := []string{f.Way.String()}
	if f.Way == None && f.Delay > 0 {
		return "slow " + f.Delay.String()
	}
	if status := f.Status + f.Error.Status; status != 0 {
		words = append(words, fmt.Sprint(status))
	}
	if f.Error.Code != "" {
		words = append(words, f.Error.Code)
	}
	if f.After && !f.Way.afterOnly() {
		words = append(words, "after")
	}
	if f.Delay > 0 {
		words = append(words, "delay", f.Delay.String())
	}
	return strings.Join(words, " ")
}

// SetFault sets who decides which calls fail, in place of Options.OnCall: a
// function of the test's, or that of a Script. It is asked under the cloud's
// lock about every call that is authenticated, well-formed and not throttled,
// so it must not use the cloud. Nil means that none fails.
func (c *Cloud) SetFault(decide func(CallInfo) Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onCall = decide
}

// fault decides on a call and counts it.
func (c *Cloud) fault(call *Call, in any) Fault {
	c.calls++
	call.N = c.calls
	if c.onCall == nil || call.builds {
		return Fault{}
	}
	f := c.onCall(CallInfo{
		N: c.calls, Time: call.Now, Account: call.Account.ID, Region: call.Region, Service: call.Service, Operation: call.Operation,
		Mutating: mutating(call, in), Caller: call.Caller.ARN, Input: in,
	})
	f.After = f.After || f.Way.afterOnly()
	switch d := dialectOf(call.Service); {
	case f.Way == Refuse && f.Error.Code == "":
		status := f.Error.Status
		f.Error = d.internal
		if status != 0 {
			f.Error.Status = status
		}
	case f.Way == Throttle:
		f.Error = *throttled(call, in)
	case f.Way == Expire:
		f.Error = d.expiredToken
	}
	if f.Way != None || f.Delay > 0 {
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

// strike does to the client what the fault says. It does not return if there
// is no answer to give.
func (f Fault) strike(w http.ResponseWriter, r *http.Request, answer reply) {
	switch f.Way {
	case Hang:
		select {
		case <-r.Context().Done():
		case <-sender(r).Dead():
		}
		panic(http.ErrAbortHandler)
	case Reset, Die:
		panic(http.ErrAbortHandler)
	case Garbage:
		f.garbage(w, answer)
		return
	case Truncate:
		answer.header(w)
		_, _ = w.Write(answer.Body[:len(answer.Body)/2])
		panic(http.ErrAbortHandler)
	case Cut:
		answer.Body = answer.Body[:len(answer.Body)/2]
	case Corrupt:
		answer.corrupt()
	}
	answer.header(w)
	_, _ = w.Write(answer.Body) // the client is gone if this fails
}

// garbage answers as what stands before a service does when that is down.
func (f Fault) garbage(w http.ResponseWriter, answer reply) {
	status := f.Status
	if status == 0 {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "text/html")
	w.Header().Set("Date", answer.date)
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<html><body><h1>%d %s</h1></body></html>", status, http.StatusText(status))
}

// corrupt changes one bit in the middle of an answer of bytes.
func (a *reply) corrupt() {
	if len(a.Body) == 0 || strings.Contains(a.ContentType, "xml") || strings.Contains(a.ContentType, "json") {
		return
	}
	changed := append([]byte(nil), a.Body...) // the service may hold the bytes
	changed[len(changed)/2] ^= 1
	a.Body = changed
}
