package ec2sim

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// terminatedFor is how long a terminated instance is still listed.
// Source: EC2 User Guide, "Terminate Amazon EC2 instances": it remains visible
// for a short while, usually less than an hour.
const terminatedFor = time.Hour

// An instance is on its way from one state to another, or has arrived there.
type instance struct {
	id           string
	seq          uint64
	site         Site
	reservation  string
	image        *image
	kind         types.InstanceType
	subnet       *subnet
	nics         []*nic // attached; the first is that of launch
	keyName      string
	profile      *profileUse // nil: none
	token        string
	index        int32
	made         time.Time
	launched     time.Time
	ebsOptimized bool
	rootDevice   string
	volumes      []*volume // ever attached, in order; some may have left
	roots        []string  // ids of the volumes that were ever at the root device
	platform     platform
	products     []string    // codes of the AWS Marketplace
	stores       []mapping   // volumes of the computer it runs on
	boots        []time.Time // when it was started or rebooted, oldest first
	options      instanceOptions
	tags         tagSets

	from, to types.InstanceStateName
	moved    time.Time // when it left the state before
	at       time.Time // when to is reached
	reason   *types.StateReason
	by       string // what StateTransitionReason says
}

// InstanceOptions are what a launch says of an instance beside its disks and
// its network, and what can be said of it later.
type instanceOptions struct {
	userData    string // in base64
	keepRunning bool   // disableApiStop
	keepAlive   bool   // disableApiTermination
	shutdown    types.ShutdownBehavior
	hibernation bool
	monitoring  bool
	metadata    types.InstanceMetadataOptionsResponse
}

func (in *instance) order() uint64 { return in.seq }

func (in *instance) state(now time.Time) types.InstanceStateName {
	if now.Before(in.at) {
		return in.from
	}
	return in.to
}

// move sends the instance from one state to another.
func (in *instance) move(now time.Time, from, to types.InstanceStateName, takes time.Duration) {
	in.from, in.to, in.moved, in.at, in.reason, in.by = from, to, stamp(now), stamp(now).Add(takes), nil, ""
}

// boot notes that the instance starts anew at some time.
func (in *instance) boot(at time.Time) { in.boots = append(in.boots, stamp(at)) }

// bootMode is what the instance was booted with.
// Source: EC2 User Guide, "Instance launch behavior with Amazon EC2 boot
// modes": uefi-preferred is UEFI where the type can; an image that says
// nothing boots arm64 with UEFI and others with BIOS.
func (in *instance) bootMode() types.InstanceBootModeValues {
	switch im := in.image; {
	case im.arch == types.ArchitectureValuesArm64, im.boot == types.BootModeValuesUefi,
		im.boot == types.BootModeValuesUefiPreferred && onNitro(in.kind):
		return types.InstanceBootModeValuesUefi
	}
	return types.InstanceBootModeValuesLegacyBios
}

func (in *instance) gone(now time.Time) bool {
	return in.to == types.InstanceStateNameTerminated && !now.Before(in.at.Add(terminatedFor))
}

// attached returns the volumes that are attached, the root volume first.
func (in *instance) attached(now time.Time) []*volume {
	var out []*volume
	for _, v := range in.volumes {
		if v.attachment.active(now) && v.attachment.instance.id == in.id && !v.gone(now) && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	slices.SortStableFunc(out, func(a, b *volume) int { return in.rank(a) - in.rank(b) })
	return out
}

func (in *instance) rank(v *volume) int {
	if v.attachment.device == in.rootDevice {
		return 0
	}
	return 1
}

// ownInstance returns the instance that a caller means by an id.
func (s *Service) ownInstance(c *core.Call, id *string) (*instance, error) {
	if err := checkID(aws.ToString(id), instanceID); err != nil {
		return nil, err
	}
	in := s.instances[*id]
	if in != nil && in.gone(c.Now) {
		delete(s.instances, in.id)
		s.site(in.site).instances.remove(in)
		in = nil
	}
	if s.toldInstance(c, in) == nil || in.site != (Site{Account: c.Account.ID, Region: c.Region}) {
		return nil, core.Errorf("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", *id)
	}
	return in, nil
}

// stateCodes of instance states.
// Source: EC2 API Reference, InstanceState.
var stateCodes = map[types.InstanceStateName]int32{
	types.InstanceStateNamePending:      0,
	types.InstanceStateNameRunning:      16,
	types.InstanceStateNameShuttingDown: 32,
	types.InstanceStateNameTerminated:   48,
	types.InstanceStateNameStopping:     64,
	types.InstanceStateNameStopped:      80,
}

func apiState(name types.InstanceStateName) *types.InstanceState {
	return &types.InstanceState{Code: aws.Int32(stateCodes[name]), Name: name}
}
