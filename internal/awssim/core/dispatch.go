package core

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

// maxBody of a request. The largest of the simulated services is far below.
const maxBody = 1 << 20

var _ http.Handler = (*Cloud)(nil)

// A reply is an answer on its way back.
type reply struct {
	wire.Answer
	requestID string
}

func (a reply) header(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.Header)
	w.Header().Set("Content-Type", a.ContentType)
	w.Header().Set("X-Amzn-Requestid", a.requestID)
	w.WriteHeader(a.Status)
}

// ServeHTTP answers one request of any service, told apart by the credential
// scope of the signature. The client's going away before the effect prevents
// it; afterwards it only loses the answer.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusRequestEntityTooLarge)
		return
	}
	if !pause(r.Context(), c.opts.Latency/2) {
		panic(http.ErrAbortHandler)
	}
	answer, fault := c.answer(r, body)
	if !pause(r.Context(), c.opts.Latency-c.opts.Latency/2) {
		panic(http.ErrAbortHandler)
	}
	fault.strike(w, r, answer)
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
func (c *Cloud) answer(r *http.Request, body []byte) (reply, Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := c.NewUUID()
	call, service, refusal := c.identify(r, body)
	if refusal != nil {
		c.stats.Rejected++
		return failure(service, id, refusal), Fault{}
	}
	call.RequestID = id
	out, fault, err := c.perform(call, service, r, body)
	switch {
	case fault.Way == Refuse:
		return failure(service, id, &fault.Error), fault
	case err != nil:
		c.stats.Errors++
		return failure(service, id, c.visible(call, err)), fault
	case out == nil: // a fault before the effect
		return reply{}, fault
	}
	return reply{service.Protocol.Result(call.Operation, id, out), id}, fault
}

// perform reads the request, runs it and returns its output.
func (c *Cloud) perform(call *Call, s *Service, r *http.Request, body []byte) (any, Fault, error) {
	message, err := s.Protocol.Open(r, body)
	if err != nil {
		return nil, Fault{}, openError(s.Name, err)
	}
	call.Operation = message.Operation
	c.stats.Total++
	c.stats.Calls[s.Name+":"+call.Operation]++
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
	if refusal := c.limiter.admit(call, in); refusal != nil {
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
	unknown, err := m.Decode(in)
	if len(unknown) > 0 {
		list := strings.Join(unknown, ", ")
		c.NoteMisuse("%s %s has no member %s", call.Service, call.Operation, list)
		return dialectOf(call.Service).unknownMember.with(list)
	}
	if err != nil {
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

func failure(s *Service, id string, e *Error) reply {
	status := e.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	return reply{s.Protocol.Failure(id, wire.Error{Status: status, Code: e.Code, Message: e.Message, Members: e.Members}), id}
}
