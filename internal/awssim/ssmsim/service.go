package ssmsim

import (
	"time"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// A Service holds the agents and commands of all accounts.
type Service struct {
	cloud  *core.Cloud
	ec2    *ec2sim.Service
	delays Delays
	agents map[ec2sim.Ref]*agent
	// everywhere is the agent of instances that have none of their own; nil
	// means that they are not managed.
	everywhere *Agent
	commands   map[ec2sim.Site][]*command // oldest first
	// own are documents by account and name.
	own map[string]map[string]*document
}

// New returns a Systems Manager that manages nothing.
func New(cloud *core.Cloud, instances *ec2sim.Service) *Service {
	return &Service{
		cloud: cloud, ec2: instances, delays: Delays{}.withDefaults(),
		agents: map[ec2sim.Ref]*agent{}, commands: map[ec2sim.Site][]*command{}, own: map[string]map[string]*document{},
	}
}

// Delays are how long things take at most; each takes a time of its own. Zero
// means the default, negative means none. AWS publishes none of them.
type Delays struct {
	// Visible is when a command's invocations can be found. Before that
	// GetCommandInvocation answers InvocationDoesNotExist. Zero means 2 s.
	Visible time.Duration
	// Delivery is when a command reaches an agent that is online. Zero means 3 s.
	Delivery time.Duration
	// Cancel is when an agent stops a running command. Zero means 5 s.
	Cancel time.Duration
}

func (d Delays) withDefaults() Delays {
	for _, f := range []struct {
		value *time.Duration
		usual time.Duration
	}{{&d.Visible, 2 * time.Second}, {&d.Delivery, 3 * time.Second}, {&d.Cancel, 5 * time.Second}} {
		switch {
		case *f.value == 0:
			*f.value = f.usual
		case *f.value < 0:
			*f.value = 0
		}
	}
	return d
}

// SetDelays replaces the delays. Commands already sent keep theirs.
func (s *Service) SetDelays(d Delays) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	s.delays = d.withDefaults()
}

// draw returns a time up to a delay.
func (s *Service) draw(upTo time.Duration) time.Duration {
	if upTo <= 0 {
		return 0
	}
	return time.Duration(s.cloud.Rand().Int64N(int64(upTo) + 1))
}

// site of a call.
func site(c *core.Call) ec2sim.Site { return ec2sim.Site{Account: c.Account.ID, Region: c.Region} }
