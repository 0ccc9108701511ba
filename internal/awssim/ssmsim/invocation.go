package ssmsim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// An invocation is a command on one instance. Times are zero until they have
// come, and only ever set to what lies in the past.
type invocation struct {
	command   *command
	instance  ec2sim.Ref
	delay     time.Duration // of its delivery
	begins    time.Time     // its turn among those of the command
	delivered time.Time
	outcome   Outcome
	cancelled time.Time // asked for while it ran
	stops     time.Duration
	ended     time.Time
	details   string // how it ended
	wrongOS   bool
}

func (v *invocation) over() bool { return !v.ended.IsZero() }

func (v *invocation) end(at time.Time, details string) { v.ended, v.details = at, details }

// advanceSite brings all commands of a site up to date.
func (s *Service) advanceSite(at ec2sim.Site, now time.Time) {
	for _, cmd := range s.commands[at] {
		for again := true; again; {
			for _, v := range cmd.invocations {
				if !v.begins.IsZero() {
					s.advance(v, now)
				}
			}
			again = cmd.schedule(now) != nil
		}
	}
}

// advance does what has happened to an invocation until now.
func (s *Service) advance(v *invocation, now time.Time) {
	if !v.over() && v.delivered.IsZero() {
		s.deliver(v, now)
	}
	if !v.over() && !v.delivered.IsZero() {
		s.finish(v, now)
	}
}

// deliver brings the command to the instance, unless it never gets there.
func (s *Service) deliver(v *invocation, now time.Time) {
	a, inst, ok := s.managed(v.instance)
	at, expires := v.begins.Add(v.delay), v.begins.Add(v.command.delivery)
	switch {
	case !ok, a.Undeliverable:
		if ok || !inst.Since.After(at) {
			at = latest(at, inst.Since)
		}
		if !at.After(now) {
			v.end(at, "Undeliverable")
		}
		return
	case v.wrongOS:
		if !at.After(now) {
			v.end(at, "InvalidPlatform")
		}
		return
	}
	if at = latest(at, a.since, inst.Since); !a.Offline && inst.Running && at.Before(expires) {
		if !at.After(now) {
			v.delivered = at
			v.outcome = a.Run(Script{Instance: v.instance, Document: v.command.document.name, Parameters: v.command.parameters, At: at})
		}
		return
	}
	if !expires.After(now) {
		v.end(expires, "DeliveryTimedOut")
	}
}

// finish ends what runs on the instance. If the instance or its agent goes
// away meanwhile, nobody reports the end, and the command is given up when it
// expires.
// Source: AWS Systems Manager API Reference, Command, ExpiresAfter: "If a
// command expires, it changes status to DeliveryTimedOut for all invocations
// that have the status InProgress, Pending, or Delayed."
func (s *Service) finish(v *invocation, now time.Time) {
	end, details := v.delivered.Add(v.outcome.Duration), "Success"
	if v.outcome.ExitCode != 0 {
		details = "Failed"
	}
	if v.outcome.Duration > v.command.execution {
		end, details = v.delivered.Add(v.command.execution), "ExecutionTimedOut"
	}
	if stop := v.cancelled.Add(v.stops); !v.cancelled.IsZero() && stop.Before(end) {
		end, details = stop, "Cancelled"
	}
	a, inst, ok := s.managed(v.instance)
	silent := !ok && inst.Since.Before(end) || ok && (!inst.Running && inst.Since.Before(end) || a.Offline && a.since.Before(end))
	switch {
	case !silent && !end.After(now):
		v.end(end, details)
	case silent && !v.command.expires().After(now):
		v.end(v.command.expires(), "DeliveryTimedOut")
	}
}

func latest(times ...time.Time) time.Time {
	var t time.Time
	for _, u := range times {
		if u.After(t) {
			t = u
		}
	}
	return t
}

// status of the invocation, and its details.
// Source: AWS Systems Manager API Reference, CommandInvocation. How the
// details Undeliverable, Terminated and InvalidPlatform show as a status is
// not documented in one place; a command that was not run is not a success.
func (s *Service) status(v *invocation) (types.CommandInvocationStatus, string) {
	if !v.over() {
		return s.running(v)
	}
	switch v.details {
	case "DeliveryTimedOut", "ExecutionTimedOut":
		return types.CommandInvocationStatusTimedOut, v.details
	case "Undeliverable", "InvalidPlatform":
		return types.CommandInvocationStatusFailed, v.details
	case "Terminated":
		return types.CommandInvocationStatusCancelled, v.details
	}
	return types.CommandInvocationStatus(v.details), v.details
}

func (s *Service) running(v *invocation) (types.CommandInvocationStatus, string) {
	status := types.CommandInvocationStatusPending
	switch a, inst, ok := s.managed(v.instance); {
	case !v.cancelled.IsZero():
		status = types.CommandInvocationStatusCancelling
	case !v.delivered.IsZero():
		status = types.CommandInvocationStatusInProgress
	case !v.begins.IsZero() && ok && (a.Offline || !inst.Running):
		status = types.CommandInvocationStatusDelayed
	}
	return status, string(status)
}

// code is what GetCommandInvocation gives as the response code: -1 as long as
// there is none, and for what was stopped from outside.
func (v *invocation) code() int32 {
	if v.over() && (v.details == "Success" || v.details == "Failed") {
		return v.outcome.ExitCode
	}
	return -1
}
