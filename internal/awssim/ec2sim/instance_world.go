package ec2sim

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// An Instance is what other services see of an instance.
type Instance struct {
	Ref
	Running bool
	// Ending says that it is being terminated, or has been.
	Ending bool
	// Since is when it began to run, or ceased to.
	Since   time.Time
	Address string // private
	Tags    map[string]string
}

// InstanceNow returns an instance as it is now, unless nobody can find it any
// more. The caller holds the cloud's lock.
func (s *Service) InstanceNow(ref Ref) (Instance, bool) {
	now := s.cloud.Now()
	in := s.instances[ref.ID]
	if in == nil || in.site != ref.Site || in.gone(now) {
		return Instance{Ref: ref}, false
	}
	return in.plain(now), true
}

// InstancesNow returns the instances of a site as they are now, in the order
// of their making. The caller holds the cloud's lock.
func (s *Service) InstancesNow(at Site) []Instance {
	now := s.cloud.Now()
	var all []*instance
	for _, in := range s.instances {
		if in.site == at && !in.gone(now) {
			all = append(all, in)
		}
	}
	slices.SortFunc(all, func(a, b *instance) int { return cmp.Compare(a.seq, b.seq) })
	out := make([]Instance, len(all))
	for i, in := range all {
		out[i] = in.plain(now)
	}
	return out
}

func (in *instance) plain(now time.Time) Instance {
	out := Instance{
		Ref: Ref{Site: in.site, ID: in.id}, Since: in.moved, Address: in.address(), Tags: maps.Clone(in.tags[in.site.Account]),
	}
	switch in.state(now) {
	case types.InstanceStateNameRunning:
		out.Running, out.Since = true, in.at
	case types.InstanceStateNameShuttingDown, types.InstanceStateNameTerminated:
		out.Ending = true
	}
	return out
}
