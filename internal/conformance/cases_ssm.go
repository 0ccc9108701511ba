package conformance

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// send has an instance run a script, once its agent has come up.
func (s *scene) send(instance string) (*ssm.SendCommandOutput, error) {
	return s.owner().ssm().SendCommand(s.ctx, &ssm.SendCommandInput{
		DocumentName: aws.String("AWS-RunShellScript"), InstanceIds: []string{instance}, Parameters: map[string][]string{"commands": {"true"}},
	})
}

// managed runs an instance and waits until Systems Manager can reach it.
func (s *scene) managed() (instance, command string) {
	in := s.instance(s.owner(), 0)
	s.until("an instance that takes commands", func() bool {
		out, err := s.send(in.id)
		var unmanaged *types.InvalidInstanceId
		if errors.As(err, &unmanaged) {
			return false
		}
		s.works(err)
		command = *out.Command.CommandId
		return true
	})
	return in.id, command
}

var ssmCases = []Case{
	{"ssm", "send a command", "it is Success in the end", "Systems Manager API Reference, SendCommand", func(s *scene) {
		instance, command := s.managed()
		s.until("a command that has ended", func() bool {
			out, err := s.owner().ssm().GetCommandInvocation(s.ctx, &ssm.GetCommandInvocationInput{CommandId: &command, InstanceId: &instance})
			var early *types.InvocationDoesNotExist
			if errors.As(err, &early) {
				return false
			}
			s.works(err)
			return out.Status == types.CommandInvocationStatusSuccess
		})
	}},
	{"ssm", "a command that was not sent", "InvocationDoesNotExist, or InvalidCommandId", "Systems Manager API Reference, GetCommandInvocation", func(s *scene) {
		instance, _ := s.managed()
		_, err := s.owner().ssm().GetCommandInvocation(s.ctx, &ssm.GetCommandInvocationInput{
			CommandId: aws.String("00000000-0000-4000-8000-000000000000"), InstanceId: &instance,
		})
		s.refused(err, "InvocationDoesNotExist", "InvalidCommandId")
	}},
	{"ssm", "send a command to an instance that is not managed", "InvalidInstanceId", "Systems Manager API Reference, SendCommand", func(s *scene) {
		_, err := s.send(noInstance)
		s.refused(err, "InvalidInstanceId")
	}},
	{"ssm", "which instances are managed", "those whose agent is online", "Systems Manager API Reference, DescribeInstanceInformation", func(s *scene) {
		instance, _ := s.managed()
		out := must(s.owner().ssm().DescribeInstanceInformation(s.ctx, nil))(s)
		s.check(len(out.InstanceInformationList) == 1 && *out.InstanceInformationList[0].InstanceId == instance, "%d instances", len(out.InstanceInformationList))
		s.check(out.InstanceInformationList[0].PingStatus == types.PingStatusOnline, "it is %s", out.InstanceInformationList[0].PingStatus)
	}},
}
