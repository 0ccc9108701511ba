package ec2sim

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A turn is a change of state asked of several instances: all may make it or
// none does.
type turn struct {
	ids    []string
	dryRun *bool
	// may says whether an instance in this state can make the turn.
	may func(types.InstanceStateName) bool
	// refuses returns why an instance must not make it, whatever its state; nil: nothing does.
	refuses func(*instance) error
	// make makes it and needs not look at the state any more.
	make func(*instance)
}

func (s *Service) turn(c *core.Call, t turn) ([]types.InstanceStateChange, error) {
	if _, err := s.here(c); err != nil {
		return nil, err
	}
	if len(t.ids) == 0 {
		return nil, core.Errorf("MissingParameter", "The request must contain the parameter InstanceIds")
	}
	var all []*instance
	var subjects []subject
	for _, id := range t.ids {
		in, err := s.ownInstance(c, &id)
		if err != nil {
			return nil, err
		}
		all = append(all, in)
		subjects = append(subjects, in.existing())
	}
	if err := c.Authorize(needs(c.Operation, subjects...)...); err != nil {
		return nil, err
	}
	if err := c.DryRun(t.dryRun); err != nil {
		return nil, err
	}
	for _, in := range all {
		if t.refuses != nil {
			if err := t.refuses(in); err != nil {
				return nil, err
			}
		}
		if state := in.state(c.Now); !t.may(state) {
			// Source: EC2 API Reference, "Error codes".
			return nil, core.Errorf("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be %s: %s", in.id, c.Operation, state)
		}
	}
	var changes []types.InstanceStateChange
	for _, in := range all {
		before := in.state(c.Now)
		t.make(in)
		changes = append(changes, types.InstanceStateChange{
			CurrentState: apiState(in.state(c.Now)), InstanceId: aws.String(in.id), PreviousState: apiState(before),
		})
	}
	return changes, nil
}

// StopInstances stops instances that run; those that are stopped stay so.
func (s *Service) StopInstances(c *core.Call, in *ec2.StopInstancesInput) (*ec2.StopInstancesOutput, error) {
	hibernate := aws.ToBool(in.Hibernate)
	changes, err := s.turn(c, turn{
		ids: in.InstanceIds, dryRun: in.DryRun,
		may: func(st types.InstanceStateName) bool {
			return st == types.InstanceStateNameRunning || st == types.InstanceStateNameStopping || st == types.InstanceStateNameStopped
		},
		refuses: func(i *instance) error {
			switch {
			case i.options.keepRunning:
				return core.Errorf("OperationNotPermitted",
					"The instance '%s' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.", i.id)
			case hibernate && !i.options.hibernation:
				return core.Errorf("UnsupportedHibernationConfiguration", "The instance '%s' is not configured for hibernation", i.id)
			}
			return nil
		},
		make: func(i *instance) {
			if i.state(c.Now) == types.InstanceStateNameRunning {
				i.move(c.Now, types.InstanceStateNameStopping, types.InstanceStateNameStopped, s.pace.Instance)
				i.byUser(c, hibernate)
			}
		},
	})
	return &ec2.StopInstancesOutput{StoppingInstances: changes}, err
}

// StartInstances starts instances that are stopped. An instance with a volume
// whose key cannot be used falls back to stopped.
func (s *Service) StartInstances(c *core.Call, in *ec2.StartInstancesInput) (*ec2.StartInstancesOutput, error) {
	if err := served(c, in, "InstanceIds"); err != nil {
		return nil, err
	}
	changes, err := s.turn(c, turn{
		ids: in.InstanceIds, dryRun: in.DryRun,
		may: func(st types.InstanceStateName) bool {
			return st == types.InstanceStateNameStopped || st == types.InstanceStateNamePending || st == types.InstanceStateNameRunning
		},
		make: func(i *instance) {
			if i.state(c.Now) != types.InstanceStateNameStopped {
				return
			}
			to := types.InstanceStateNameRunning
			fault := s.bootFault(c, i)
			if fault != keyWorks {
				to = types.InstanceStateNameStopped
			}
			i.move(c.Now, types.InstanceStateNamePending, to, s.pace.Instance)
			i.launched = stamp(c.Now) // Source: EC2 API Reference, Instance, LaunchTime: of the last launch
			i.boot(c.Now)
			if fault != keyWorks {
				i.reason = launchFailure(fault)
			}
		},
	})
	return &ec2.StartInstancesOutput{StartingInstances: changes}, err
}

// byUser notes that somebody asked for a change of state.
// Source: EC2 API Reference, StateReason, and its texts in the EC2 User Guide,
// "Troubleshoot".
func (in *instance) byUser(c *core.Call, hibernate bool) {
	code := "Client.UserInitiatedShutdown"
	if hibernate {
		code = "Client.UserInitiatedHibernate"
	}
	in.reason = &types.StateReason{Code: aws.String(code), Message: aws.String(code + ": User initiated shutdown")}
	in.by = "User initiated (" + c.Now.UTC().Format("2006-01-02 15:04:05") + " GMT)"
}

// RebootInstances reboots instances that run. Their state stays running.
func (s *Service) RebootInstances(c *core.Call, in *ec2.RebootInstancesInput) (*ec2.RebootInstancesOutput, error) {
	_, err := s.turn(c, turn{
		ids: in.InstanceIds, dryRun: in.DryRun,
		may:  func(st types.InstanceStateName) bool { return st == types.InstanceStateNameRunning },
		make: func(i *instance) { i.boot(c.Now) },
	})
	return &ec2.RebootInstancesOutput{}, err
}

// bootFault tells why an instance cannot start for want of a key.
func (s *Service) bootFault(c *core.Call, i *instance) keyFault {
	for _, v := range i.attached(c.Now) {
		if f := s.tryKeys(c, attachUses, keyed{key: v.key, id: v.id}); f != keyWorks {
			return f
		}
	}
	return keyWorks
}

// TerminateInstances ends instances for good. Their volumes go with them or
// stay behind, as each attachment says.
func (s *Service) TerminateInstances(c *core.Call, in *ec2.TerminateInstancesInput) (*ec2.TerminateInstancesOutput, error) {
	changes, err := s.turn(c, turn{
		ids: in.InstanceIds, dryRun: in.DryRun,
		may: func(types.InstanceStateName) bool { return true },
		refuses: func(i *instance) error {
			if i.options.keepAlive {
				return core.Errorf("OperationNotPermitted",
					"The instance '%s' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.", i.id)
			}
			return nil
		},
		make: func(i *instance) {
			if i.to == types.InstanceStateNameTerminated {
				return
			}
			i.move(c.Now, types.InstanceStateNameShuttingDown, types.InstanceStateNameTerminated, s.pace.Instance)
			i.byUser(c, false)
			st := s.site(i.site)
			st.unplugging = append(st.unplugging, i.nics...)
			st.dissociate(i)
			for _, v := range i.attached(c.Now) {
				v.attachment.ends = i.at
				if v.attachment.deleteOnTermination {
					v.deleted = i.at
				}
			}
		},
	})
	return &ec2.TerminateInstancesOutput{TerminatingInstances: changes}, err
}
