package ssmsim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// What is returned of outputs, in characters.
// Sources: AWS Systems Manager API Reference, GetCommandInvocation and
// CommandPlugin.
const (
	maxStdout = 24000
	maxStderr = 8000
	maxOutput = 2500
)

// told is a command as the API tells it.
func (s *Service) told(cmd *command, now time.Time) *types.Command {
	out := cmd.api(now)
	return &out
}

// find returns a command of the caller.
func (s *Service) find(c *core.Call, id *string) (*command, error) {
	s.advanceSite(site(c), c.Now)
	for _, cmd := range s.commands[site(c)] {
		if cmd.id == aws.ToString(id) {
			return cmd, nil
		}
	}
	return nil, core.Errorf("InvalidCommandId", "The specified command ID isn't valid.")
}

// GetCommandInvocation tells how a command does on one instance. Right after
// SendCommand it may not know of it yet.
func (s *Service) GetCommandInvocation(c *core.Call, in *ssm.GetCommandInvocationInput) (*ssm.GetCommandInvocationOutput, error) {
	if err := c.Authorize(anything(c)); err != nil {
		return nil, err
	}
	// A command that is not known is told like an invocation that is not there
	// (aws/aws-sdk issue 190; kubernetes-sigs/image-builder and others).
	cmd, err := s.find(c, in.CommandId)
	missing := core.Errorf("InvocationDoesNotExist", "")
	if err != nil || c.Now.Before(cmd.visible) {
		return nil, missing
	}
	i := slices.IndexFunc(cmd.invocations, func(v *invocation) bool { return v.instance.ID == aws.ToString(in.InstanceId) })
	if i < 0 {
		return nil, missing
	}
	if in.PluginName != nil && *in.PluginName != cmd.document.plugin {
		return nil, core.Errorf("InvalidPluginName", "The plugin name isn't valid.")
	}
	v := cmd.invocations[i]
	status, details := s.status(v)
	out := &ssm.GetCommandInvocationOutput{
		CloudWatchOutputConfig: &types.CloudWatchOutputConfig{CloudWatchLogGroupName: aws.String("")},
		CommandId:              aws.String(cmd.id), Comment: aws.String(cmd.comment), DocumentName: aws.String(cmd.document.name),
		DocumentVersion: aws.String("$DEFAULT"), InstanceId: in.InstanceId, PluginName: aws.String(cmd.document.plugin),
		Status: status, StatusDetails: aws.String(details), ResponseCode: v.code(),
		ExecutionStartDateTime: aws.String(instant(v.delivered)), ExecutionEndDateTime: aws.String(""), ExecutionElapsedTime: aws.String(""),
		StandardOutputContent: aws.String(""), StandardErrorContent: aws.String(""),
		StandardOutputUrl: aws.String(""), StandardErrorUrl: aws.String(""),
	}
	if v.over() && !v.delivered.IsZero() {
		out.ExecutionEndDateTime = aws.String(instant(v.ended))
		out.ExecutionElapsedTime = aws.String(fmt.Sprintf("PT%.3fS", v.ended.Sub(v.delivered).Seconds()))
	}
	// "… if ExecutionStatus is neither Succeeded nor Failed, then this string is empty."
	if v.over() && (details == "Success" || details == "Failed") {
		out.StandardOutputContent = aws.String(first(v.outcome.Stdout, maxStdout))
		out.StandardErrorContent = aws.String(first(v.outcome.Stderr, maxStderr))
	}
	return out, nil
}

// instant is a time as text; empty for none.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// first returns at most n characters of a text.
func first(text string, n int) string {
	for i := range text {
		if n--; n < 0 {
			return text[:i]
		}
	}
	return text
}

// ListCommandInvocations tells how commands do on their instances, newest
// commands first.
func (s *Service) ListCommandInvocations(c *core.Call, in *ssm.ListCommandInvocationsInput) (*ssm.ListCommandInvocationsOutput, error) {
	if err := c.Authorize(anything(c)); err != nil {
		return nil, err
	}
	commands, err := s.chosen(c, in.CommandId, in.Filters)
	if err != nil {
		return nil, err
	}
	var all []types.CommandInvocation
	for _, cmd := range commands {
		for _, v := range cmd.invocations {
			status, details := s.status(v)
			if c.Now.Before(cmd.visible) || in.InstanceId != nil && *in.InstanceId != v.instance.ID || !hasStatus(in.Filters, string(status), details) {
				continue
			}
			all = append(all, s.invoked(v, in.Details))
		}
	}
	page, next, err := cut(all, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &ssm.ListCommandInvocationsOutput{CommandInvocations: page, NextToken: next}, nil
}

func (s *Service) invoked(v *invocation, plugins bool) types.CommandInvocation {
	cmd := v.command
	status, details := s.status(v)
	inst, _ := s.ec2.InstanceNow(v.instance)
	out := types.CommandInvocation{
		CloudWatchOutputConfig: &types.CloudWatchOutputConfig{CloudWatchLogGroupName: aws.String("")},
		CommandId:              aws.String(cmd.id), Comment: aws.String(cmd.comment), DocumentName: aws.String(cmd.document.name),
		DocumentVersion: aws.String("$DEFAULT"), InstanceId: aws.String(v.instance.ID), InstanceName: aws.String(inst.Tags["Name"]),
		RequestedDateTime: aws.Time(cmd.sent), ServiceRole: aws.String(""), Status: status, StatusDetails: aws.String(details),
		StandardErrorUrl: aws.String(""), StandardOutputUrl: aws.String(""), TraceOutput: aws.String(""), CommandPlugins: []types.CommandPlugin{},
	}
	if !plugins || v.delivered.IsZero() {
		return out
	}
	p := types.CommandPlugin{
		Name: aws.String(cmd.document.plugin), Status: types.CommandPluginStatus(status), StatusDetails: aws.String(details),
		ResponseCode: v.code(), ResponseStartDateTime: aws.Time(v.delivered), Output: aws.String(""),
		OutputS3BucketName: aws.String(""), OutputS3KeyPrefix: aws.String(""), StandardErrorUrl: aws.String(""), StandardOutputUrl: aws.String(""),
	}
	if v.over() {
		p.ResponseFinishDateTime = aws.Time(v.ended)
		text := v.outcome.Stdout
		if v.outcome.Stderr != "" {
			text += "\n----------ERROR-------\n" + v.outcome.Stderr // as the agent joins them
		}
		p.Output = aws.String(first(text, maxOutput))
	}
	out.CommandPlugins = []types.CommandPlugin{p}
	return out
}

// ListCommands lists commands, the newest first.
func (s *Service) ListCommands(c *core.Call, in *ssm.ListCommandsInput) (*ssm.ListCommandsOutput, error) {
	if err := c.Authorize(anything(c)); err != nil {
		return nil, err
	}
	commands, err := s.chosen(c, in.CommandId, in.Filters)
	if err != nil {
		return nil, err
	}
	var all []types.Command
	for _, cmd := range commands {
		status, details := cmd.status(c.Now)
		if in.InstanceId != nil && !slices.ContainsFunc(cmd.invocations, func(v *invocation) bool { return v.instance.ID == *in.InstanceId }) ||
			!hasStatus(in.Filters, string(status), details) {
			continue
		}
		all = append(all, cmd.api(c.Now))
	}
	page, next, err := cut(all, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &ssm.ListCommandsOutput{Commands: page, NextToken: next}, nil
}

// chosen returns the caller's commands that an id and filters let through, but
// for the filter by status.
func (s *Service) chosen(c *core.Call, id *string, filters []types.CommandFilter) ([]*command, error) {
	s.advanceSite(site(c), c.Now)
	out := slices.Clone(s.commands[site(c)])
	slices.Reverse(out)
	if id != nil {
		out = slices.DeleteFunc(out, func(cmd *command) bool { return cmd.id != *id })
	}
	for _, f := range filters {
		value := aws.ToString(f.Value)
		switch f.Key {
		case types.CommandFilterKeyStatus:
		case types.CommandFilterKeyDocumentName:
			out = slices.DeleteFunc(out, func(cmd *command) bool { return cmd.document.name != value })
		case types.CommandFilterKeyInvokedAfter, types.CommandFilterKeyInvokedBefore:
			t, err := time.Parse(time.RFC3339, value)
			if err != nil {
				return nil, core.Errorf("ValidationException", "%s is not a time", value)
			}
			after := f.Key == types.CommandFilterKeyInvokedAfter
			out = slices.DeleteFunc(out, func(cmd *command) bool { return cmd.sent.After(t) != after })
		case types.CommandFilterKeyExecutionStage:
			return nil, c.Unsupported("the filter ExecutionStage")
		default:
			return nil, core.Errorf("InvalidFilterKey", "%s is not a filter of commands", f.Key)
		}
	}
	return out, nil
}

// hasStatus applies the filter by status, which takes details as well.
func hasStatus(filters []types.CommandFilter, status, details string) bool {
	for _, f := range filters {
		if f.Key == types.CommandFilterKeyStatus && !strings.EqualFold(*f.Value, status) && !strings.EqualFold(*f.Value, details) {
			return false
		}
	}
	return true
}
