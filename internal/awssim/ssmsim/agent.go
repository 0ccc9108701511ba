package ssmsim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// An Agent is what runs on a managed instance.
type Agent struct {
	// Platform of the instance. Empty means Linux.
	Platform types.PlatformType
	// PlatformName and PlatformVersion. Empty means Amazon Linux 2023, or
	// Windows Server 2022.
	PlatformName, PlatformVersion string
	// Version of the agent. Empty means 3.3.0.0.
	Version string
	// Offline says that the agent does not connect: commands wait for it until
	// their time is up.
	Offline bool
	// Undeliverable says that commands cannot be delivered at all.
	Undeliverable bool
	// Run does what a script on the instance would. It runs under the cloud's
	// lock and must not call the cloud. Nil means success after a second,
	// without output.
	Run func(Script) Outcome
}

// A Script is what an agent is to run.
type Script struct {
	Instance ec2sim.Ref
	// Document is the name of the document: AWS-RunShellScript.
	Document   string
	Parameters map[string][]string
	// At is when it starts.
	At time.Time
}

// An Outcome is how a script ends.
type Outcome struct {
	Stdout, Stderr string
	ExitCode       int32 // zero is success
	Duration       time.Duration
}

// An agent is an Agent in the world.
type agent struct {
	Agent
	since      time.Time // of the present setting
	registered time.Time
}

// SetAgent makes an instance a managed one, or changes its agent. What the
// agent already runs goes on.
func (s *Service) SetAgent(instance ec2sim.Ref, a Agent) error {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	if _, ok := s.ec2.InstanceNow(instance); !ok {
		return ec2sim.ErrNotFound
	}
	now := s.cloud.Now()
	s.advanceSite(instance.Site, now)
	registered := now
	if old := s.agents[instance]; old != nil {
		registered = old.registered
	}
	s.agents[instance] = &agent{Agent: a.withDefaults(), since: now, registered: registered}
	return nil
}

// ManageAll makes every instance a managed one, in all accounts and Regions,
// unless it has an agent of its own: what Default Host Management
// Configuration does on AWS. Nil takes it back for instances that nobody has
// looked at.
func (s *Service) ManageAll(a *Agent) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	s.everywhere = nil
	if a != nil {
		full := a.withDefaults()
		s.everywhere = &full
	}
}

// RemoveAgent makes an instance an unmanaged one.
func (s *Service) RemoveAgent(instance ec2sim.Ref) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	s.advanceSite(instance.Site, s.cloud.Now())
	delete(s.agents, instance)
}

func (a Agent) withDefaults() Agent {
	if a.Platform == "" {
		a.Platform = types.PlatformTypeLinux
	}
	name, version := "Amazon Linux", "2023"
	if a.Platform == types.PlatformTypeWindows {
		name, version = "Microsoft Windows Server 2022 Datacenter", "10.0.20348"
	}
	if a.PlatformName == "" {
		a.PlatformName = name
	}
	if a.PlatformVersion == "" {
		a.PlatformVersion = version
	}
	if a.Version == "" {
		a.Version = "3.3.0.0"
	}
	if a.Run == nil {
		a.Run = func(Script) Outcome { return Outcome{Duration: time.Second} }
	}
	return a
}

// managed returns the agent and the instance of a ref, if Systems Manager
// manages it. Instances that are shutting down or terminated are not.
// Source: AWS Systems Manager API Reference, SendCommand, InvalidInstanceId:
// "Valid states are: Running, Pending, Stopped, and Stopping."
func (s *Service) managed(ref ec2sim.Ref) (*agent, ec2sim.Instance, bool) {
	a := s.agents[ref]
	inst, ok := s.ec2.InstanceNow(ref)
	if a == nil && ok && s.everywhere != nil {
		a = &agent{Agent: *s.everywhere, since: inst.Since, registered: inst.Since}
		s.agents[ref] = a
	}
	return a, inst, a != nil && ok && !inst.Ending
}
