package ssmsim

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// A command is a document sent to instances.
type command struct {
	id          string
	document    *document
	parameters  map[string][]string
	comment     string
	ids         []string // as sent
	targets     []types.Target
	concurrency velocity
	errors      velocity
	sent        time.Time
	visible     time.Time     // its invocations are, from then on
	delivery    time.Duration // how long it may take to start
	execution   time.Duration // how long it may run
	cancelled   bool
	invocations []*invocation
}

// expires is when whatever has not ended is given up.
// Source: AWS Systems Manager API Reference, Command, ExpiresAfter: the total
// timeout, that of delivery and that of execution together.
func (cmd *command) expires() time.Time { return cmd.sent.Add(cmd.delivery + cmd.execution) }

// schedule starts the invocations whose turn it is: no more at a time than
// MaxConcurrency, and none after more errors than MaxErrors.
// Source: AWS Systems Manager User Guide, "Run commands at scale".
func (cmd *command) schedule(now time.Time) (started *invocation) {
	limit := max(1, cmd.concurrency.of(len(cmd.invocations)))
	placed := 0
	var ends []time.Time
	for _, v := range cmd.invocations {
		if v.begins.IsZero() {
			break
		}
		placed++
		if v.over() {
			ends = append(ends, v.ended)
		}
	}
	if placed == len(cmd.invocations) {
		return nil
	}
	at := cmd.sent
	if placed >= limit {
		slices.SortFunc(ends, time.Time.Compare)
		if len(ends) <= placed-limit {
			return nil
		}
		at = ends[placed-limit]
	}
	if at.After(now) {
		return nil
	}
	v := cmd.invocations[placed]
	v.begins = at
	if cmd.failuresBy(at) > cmd.errors.of(len(cmd.invocations)) {
		v.end(at, "Terminated")
	}
	return v
}

// failuresBy counts the invocations that count against MaxErrors.
func (cmd *command) failuresBy(at time.Time) int {
	n := 0
	for _, v := range cmd.invocations {
		if v.over() && !v.ended.After(at) && (v.details == "Failed" || v.details == "ExecutionTimedOut" || v.details == "InvalidPlatform") {
			n++
		}
	}
	return n
}

// status of the command as a whole.
// Source: AWS Systems Manager User Guide, "Understanding command statuses".
// How Incomplete shows as a Status is not documented; that a command without
// instances is a success was seen (github.com/cloudreach/aws-ssm-invoke and others).
func (cmd *command) status(now time.Time) (types.CommandStatus, string) {
	if len(cmd.invocations) == 0 {
		if now.Before(cmd.visible) {
			return types.CommandStatusPending, "Pending"
		}
		return types.CommandStatusSuccess, "NoInstancesInTag"
	}
	ended := map[string]int{}
	over, started := 0, false
	for _, v := range cmd.invocations {
		if v.over() {
			over++
			ended[v.details]++
		}
		started = started || !v.delivered.IsZero()
	}
	switch {
	case over < len(cmd.invocations) && cmd.cancelled:
		return types.CommandStatusCancelling, "Cancelling"
	case over < len(cmd.invocations) && (started || over > 0):
		return types.CommandStatusInProgress, "InProgress"
	case over < len(cmd.invocations):
		return types.CommandStatusPending, "Pending"
	}
	return cmd.result(ended)
}

// result is the status of a command all of whose invocations are over.
// Undeliverable ones only count where there are no others.
func (cmd *command) result(ended map[string]int) (types.CommandStatus, string) {
	all := len(cmd.invocations)
	counted := all - ended["Undeliverable"]
	switch {
	case counted == 0:
		return types.CommandStatusFailed, "Failed"
	case ended["Success"] == counted:
		return types.CommandStatusSuccess, "Success"
	case cmd.cancelled && ended["Cancelled"] > 0:
		return types.CommandStatusCancelled, "Cancelled"
	case ended["DeliveryTimedOut"] == counted:
		return types.CommandStatusTimedOut, "DeliveryTimedOut"
	case ended["ExecutionTimedOut"] == counted:
		return types.CommandStatusTimedOut, "ExecutionTimedOut"
	case cmd.failuresBy(cmd.expires()) > cmd.errors.of(all):
		return types.CommandStatusFailed, "Failed"
	}
	return types.CommandStatusFailed, "Incomplete"
}

func (cmd *command) api(now time.Time) types.Command {
	status, details := cmd.status(now)
	out := types.Command{
		CommandId: aws.String(cmd.id), Comment: aws.String(cmd.comment), DocumentName: aws.String(cmd.document.name),
		DocumentVersion: aws.String("$DEFAULT"), ExpiresAfter: aws.Time(cmd.expires()), InstanceIds: slices.Clone(cmd.ids),
		MaxConcurrency: aws.String(cmd.concurrency.text), MaxErrors: aws.String(cmd.errors.text),
		OutputS3BucketName: aws.String(""), OutputS3KeyPrefix: aws.String(""), Parameters: cmd.parameters,
		RequestedDateTime: aws.Time(cmd.sent), ServiceRole: aws.String(""), Status: status, StatusDetails: aws.String(details),
		TargetCount: int32(len(cmd.invocations)), Targets: slices.Clone(cmd.targets),
		TimeoutSeconds: aws.Int32(int32(cmd.delivery / time.Second)),
	}
	for _, v := range cmd.invocations {
		if !v.over() {
			continue
		}
		out.CompletedCount++
		switch v.details {
		case "Failed", "ExecutionTimedOut", "Undeliverable", "InvalidPlatform":
			out.ErrorCount++
		case "DeliveryTimedOut":
			out.DeliveryTimedOutCount++
		}
	}
	return out
}
