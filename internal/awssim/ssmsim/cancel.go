package ssmsim

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// CancelCommand stops a command on all its instances or on some. What has not
// reached its instance is cancelled at once; what runs, when its agent has
// stopped it.
// Source: AWS Systems Manager API Reference, CancelCommand: "There is no
// guarantee that the command will be terminated".
func (s *Service) CancelCommand(c *core.Call, in *ssm.CancelCommandInput) (*ssm.CancelCommandOutput, error) {
	if err := c.Authorize(anything(c)); err != nil {
		return nil, err
	}
	if len(in.InstanceIds) > maxInstances {
		return nil, core.Errorf("ValidationException", "at most %d instances can be named", maxInstances)
	}
	cmd, err := s.find(c, in.CommandId)
	if err != nil {
		return nil, err
	}
	for i, id := range in.InstanceIds {
		if slices.Contains(in.InstanceIds[:i], id) {
			return nil, core.Errorf("DuplicateInstanceId", "%s is named twice", id)
		}
		if !slices.ContainsFunc(cmd.invocations, func(v *invocation) bool { return v.instance.ID == id }) {
			return nil, core.Errorf("InvalidInstanceId", "the command was not sent to %s", id)
		}
	}
	cmd.cancelled = true
	for _, v := range cmd.invocations {
		switch {
		case len(in.InstanceIds) > 0 && !slices.Contains(in.InstanceIds, v.instance.ID), v.over():
		case v.delivered.IsZero():
			if v.begins.IsZero() {
				v.begins = c.Now
			}
			v.end(c.Now, "Cancelled")
		case v.cancelled.IsZero():
			v.cancelled, v.stops = c.Now, s.draw(s.delays.Cancel)
		}
	}
	return &ssm.CancelCommandOutput{}, nil
}
