package core

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

// maxBody of a request. The largest is a part of an object of S3, 5 MiB or
// more.
const maxBody = 16 << 20

var _ http.Handler = (*Cloud)(nil)

// A reply is an answer on its way back.
type reply struct {
	wire.Answer
	requestID string
	date      string // of the cloud's clock, as HTTP has it
}

func (a reply) header(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.Header)
	w.Header().Set("Content-Type", a.ContentType)
	w.Header().Set("X-Amzn-Requestid", a.requestID)
	w.Header().Set("Date", a.date)
	w.WriteHeader(a.Status)
}

// ServeHTTP answers one request of any service, told apart by the credential
// scope of the signature. The client's going away before the effect prevents
// it; afterwards it only loses the answer.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(w, r)
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusRequestEntityTooLarge)
		return
	}
	if !pause(r.Context(), c.opts.Latency/2) {
		panic(http.ErrAbortHandler)
	}
	answer, fault := c.answer(r, body)
	if !pause(r.Context(), c.opts.Latency-c.opts.Latency/2+fault.Delay) {
		panic(http.ErrAbortHandler)
	}
	fault.strike(w, r, answer)
}

// readBody reads the body of a request into as much room as it says to need.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	var b bytes.Buffer
	if 0 <= r.ContentLength && r.ContentLength <= maxBody {
		b.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	return b.Bytes(), err
}

// pause waits, and reports whether the client is still there.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// answer does all that needs the lock.
func (c *Cloud) answer(r *http.Request, body []byte) (answer reply, fault Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if sender(r).isDead() {
		return reply{}, Fault{Way: Die}
	}
	id := c.NewUUID()
	call, service, refusal := c.identify(r, body)
	if refusal == nil {
		call.RequestID = id
		answer.Answer, fault, refusal = c.respond(call, service, r, body)
	} else {
		c.stats.Rejected++
	}
	if refusal != nil {
		answer.Answer = failure(service, id, refusal)
	}
	if call != nil {
		c.log.add(call, fault, refusal)
	}
	if fault.Way == Die {
		sender(r).Kill()
	}
	answer.requestID, answer.date = id, c.Now().UTC().Format(http.TimeFormat)
	return answer, fault
}

// respond runs a call and words its output, or says what it is refused with.
func (c *Cloud) respond(call *Call, s *Service, r *http.Request, body []byte) (wire.Answer, Fault, *Error) {
	out, fault, err := c.perform(call, s, r, body)
	switch {
	case fault.Way.refuses():
		return wire.Answer{}, fault, &fault.Error
	case err != nil:
		c.stats.Errors++
		return wire.Answer{}, fault, c.visible(call, err)
	case out == nil: // a fault before the effect
		return wire.Answer{}, fault, nil
	}
	return s.Protocol.Result(call.Operation, call.RequestID, out), fault, nil
}

// perform reads the request, runs it and returns its output.
func (c *Cloud) perform(call *Call, s *Service, r *http.Request, body []byte) (any, Fault, error) {
	r, body, refusal := unchunk(r, body)
	if refusal != nil {
		return nil, Fault{}, refusal
	}
	message, err := s.Protocol.Open(r, body)
	if err != nil {
		return nil, Fault{}, openError(s.Name, err)
	}
	call.Operation = message.Operation
	c.stats.Total++
	c.called[api{s.Name, call.Operation}]++
	operation, ok := s.Operations[call.Operation]
	if !ok {
		c.NoteMisuse("%s has no operation %s", s.Name, call.Operation)
		return nil, Fault{}, dialectOf(s.Name).unknownAction.with(call.Operation)
	}
	call.noteUse()
	in := operation.newInput()
	if err := c.read(call, message, in); err != nil {
		return nil, Fault{}, err
	}
	if refusal = c.limiter.admit(call, in); refusal != nil {
		c.stats.Throttled++
		return nil, Fault{}, refusal
	}
	fault := c.fault(call, in)
	if fault.Way != None && !fault.After {
		return nil, fault, nil
	}
	out, err := operation.run(call, in)
	if err == nil {
		c.observed(call, in)
	}
	return out, fault, err
}

func (c *Cloud) read(call *Call, m *wire.Message, in any) error {
	if call.Service == "ec2" && call.Operation == "CopySnapshot" {
		// The Go SDK sends it in the presigned URL alone, botocore beside it, too.
		// Source: EC2 API Reference, CopySnapshot: "The snapshot copy is sent to
		// the regional endpoint that you sent the HTTP request to".
		if region, ok := m.Take("DestinationRegion"); ok && region != call.Region {
			return Errorf("InvalidParameterValue", "The destination Region '%s' is not where the request was sent.", region)
		}
	}
	unknown, err := m.Decode(in)
	if len(unknown) > 0 {
		list := strings.Join(unknown, ", ")
		c.NoteMisuse("%s %s has no member %s", call.Service, call.Operation, list)
		return dialectOf(call.Service).unknownMember.with(list)
	}
	switch {
	case errors.Is(err, wire.ErrDigest):
		// Source: Amazon S3 API Reference, "Error responses".
		return Errorf("BadDigest", "%v", err)
	case errors.Is(err, wire.ErrMalformed):
		return dialectOf(call.Service).malformed.with(err.Error())
	case err != nil:
		return dialectOf(call.Service).badValue.with(err.Error())
	}
	return nil
}

func openError(service string, err error) error {
	d := dialectOf(service)
	switch {
	case errors.Is(err, wire.ErrNoAction):
		return &d.noAction
	case errors.Is(err, wire.ErrVersion):
		return d.unknownAction.with(err.Error())
	}
	return d.malformed.with(err.Error())
}

// visible is the error that a client sees. Operations return *Error; anything
// else is a bug of the simulation.
func (c *Cloud) visible(call *Call, err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	c.NoteMisuse("bug in the simulated %s %s: %v", call.Service, call.Operation, err)
	return &dialectOf(call.Service).internal
}

func failure(s *Service, id string, e *Error) wire.Answer {
	status := e.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	return s.Protocol.Failure(id, wire.Error{Status: status, Code: e.Code, Message: e.Message, Members: e.Members})
}
