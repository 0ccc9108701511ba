package runcommand

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/snapkeep/snapkeep/backup"
)

func invokedAfter(t time.Time) []types.CommandFilter {
	return []types.CommandFilter{{Key: types.CommandFilterKeyInvokedAfter, Value: aws.String(moment(t))}}
}

// command says how a command does on its instance. What it wrote is dropped.
func command(i types.CommandInvocation) backup.Command {
	c := backup.Command{
		ID: aws.ToString(i.CommandId), Comment: aws.ToString(i.Comment), Sent: aws.ToTime(i.RequestedDateTime), State: state(i.Status),
	}
	if c.State == backup.CommandPending {
		return c
	}
	code, began := int32(0), false
	for _, p := range i.CommandPlugins {
		began = began || p.ResponseStartDateTime != nil
		if t := aws.ToTime(p.ResponseFinishDateTime); t.After(c.Ended) {
			c.Ended = t
		}
		if p.ResponseCode > 0 {
			code = p.ResponseCode
		}
	}
	if c.State == backup.CommandFailed {
		c.Detail = detail(aws.ToString(i.StatusDetails), code)
		if i.Status != types.CommandInvocationStatusFailed {
			// Systems Manager gave it up: nobody says that the script is over.
			c.Ended = time.Time{}
		}
		c.Undelivered = !began && c.Detail != "Failed"
	}
	return c
}

// state of a command by its status (Systems Manager User Guide, "Understanding
// command statuses"). What AWS may add is taken for one that is not over.
func state(s types.CommandInvocationStatus) backup.CommandState {
	switch s {
	case types.CommandInvocationStatusSuccess:
		return backup.CommandSucceeded
	case types.CommandInvocationStatusFailed, types.CommandInvocationStatusTimedOut, types.CommandInvocationStatusCancelled:
		return backup.CommandFailed
	default:
		return backup.CommandPending
	}
}

// detail is AWS's StatusDetails, one word like "ExecutionTimedOut", with the
// exit code if there is one.
func detail(status string, code int32) string {
	if status == "" {
		status = "Failed"
	}
	if code > 0 {
		return fmt.Sprintf("%s, exit code %d", status, code)
	}
	return status
}
