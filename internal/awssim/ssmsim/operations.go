package ssmsim

import (
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

// Registration returns what the dispatcher needs to know of Systems Manager.
func (s *Service) Registration() *core.Service {
	return &core.Service{Name: "ssm", Protocol: wire.SSM(), Operations: map[string]core.Operation{
		"CancelCommand":               core.Op(s.CancelCommand),
		"DescribeDocument":            core.Op(s.DescribeDocument),
		"DescribeInstanceInformation": core.Op(s.DescribeInstanceInformation),
		"GetCommandInvocation":        core.Op(s.GetCommandInvocation),
		"GetDocument":                 core.Op(s.GetDocument),
		"GetParameter":                core.Op(s.GetParameter),
		"GetParameters":               core.Op(s.GetParameters),
		"GetParametersByPath":         core.Op(s.GetParametersByPath),
		"ListCommandInvocations":      core.Op(s.ListCommandInvocations),
		"ListCommands":                core.Op(s.ListCommands),
		"SendCommand":                 core.Op(s.SendCommand),
	}}
}
