package ebs

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/internal/awscall"
)

// The kinds of resources that the driver knows.
const (
	KindInstance = "instance" // an EC2 instance with its EBS volumes
	KindVolume   = "volume"   // an EBS volume that is attached to no instance
)

// Options pass settings to the SDK's clients. The zero Options work.
type Options struct {
	// EC2 is applied to every EC2 client, after the driver's own settings; a
	// Retryer set here serves reads and repeatable calls, never creates, which
	// are always sent once. Empty means none.
	EC2 []func(*ec2.Options)
	// KMS is applied to every KMS client. Empty means none.
	KMS []func(*kms.Options)
	// Scripts opens what runs scripts on instances, for plans that bring them to
	// rest: runcommand.New does. Nil means that the instances of such plans fail,
	// or fall back. It is a package of its own, since the SDK's client for
	// Systems Manager takes an eighth of the time to compile that EC2's takes,
	// and most programs need none.
	Scripts func(cfg aws.Config, site backup.Site) Scripts
}

// Scripts runs scripts in one site. It is safe for concurrent use.
type Scripts interface {
	backup.Commander
	// Run sends the command of a StepQuiesce, StepResume or StepVSS, once. An
	// answer that was lost is an error that wraps backup.ErrUnknownOutcome. What
	// a script is given is in no error.
	Run(ctx context.Context, s backup.Step) error
}

// A Driver discovers, lists and snapshots EC2 instances and EBS volumes.
// It is safe for concurrent use.
type Driver struct {
	ec2     []func(*ec2.Options)
	kms     []func(*kms.Options)
	scripts func(aws.Config, backup.Site) Scripts
}

var _ backup.Driver = (*Driver)(nil)

// New returns a driver. It does no I/O.
func New(opts Options) *Driver {
	return &Driver{ec2: slices.Clone(opts.EC2), kms: slices.Clone(opts.KMS), scripts: opts.Scripts}
}

// Kinds returns KindInstance and KindVolume.
func (d *Driver) Kinds() []string { return []string{KindInstance, KindVolume} }

// Open returns a client for a site. It does no I/O. The client remembers
// which KMS keys are AWS's own and what instance stores types of instances
// have, which never changes, and for ten minutes what else KMS said of keys;
// nothing else.
func (d *Driver) Open(cfg aws.Config, site backup.Site) backup.Client {
	cfg = cfg.Copy()
	cfg.Region = site.Region
	c := &client{
		site: site,
		ec2: ec2.NewFromConfig(cfg, append([]func(*ec2.Options){func(o *ec2.Options) {
			o.Retryer, o.RetryMaxAttempts = awscall.Repeat(), 0
			o.APIOptions = append(o.APIOptions, awscall.BoundAttempts)
		}}, d.ec2...)...),
		kms: kms.NewFromConfig(cfg, append([]func(*kms.Options){func(o *kms.Options) {
			o.Retryer, o.RetryMaxAttempts = awscall.Repeat(), 0
			o.APIOptions = append(o.APIOptions, awscall.BoundAttempts)
		}}, d.kms...)...),
		keys: map[string]keyAnswer{}, stores: map[string]string{},
	}
	if d.scripts != nil {
		c.scripts = sync.OnceValue(func() Scripts { return d.scripts(cfg, site) })
	}
	return c
}

// API names the call that a step becomes. A step that the driver does not
// know has none.
func (d *Driver) API(s backup.Step) string {
	switch s.Kind {
	case backup.StepSnapshot:
		if s.Resource.Kind == KindVolume {
			return "CreateSnapshot"
		}
		return "CreateSnapshots"
	case backup.StepCopy:
		return "CopySnapshot"
	case backup.StepShare, backup.StepRevoke:
		return "ModifySnapshotAttribute"
	case backup.StepDelete:
		return "DeleteSnapshot"
	case backup.StepQuiesce, backup.StepResume, backup.StepVSS:
		return "SendCommand"
	case backup.StepLock:
		return "LockSnapshot"
	case backup.StepArchive:
		return "ModifySnapshotTier"
	case backup.StepThaw:
		return "RestoreSnapshotTier"
	case backup.StepRegister:
		return "RegisterImage"
	case backup.StepDeregister:
		return "DeregisterImage"
	}
	return ""
}

// A client works in one site.
type client struct {
	site backup.Site
	ec2  *ec2.Client
	kms  *kms.Client
	// scripts opens what runs scripts, when it is first needed; nil if nothing does.
	scripts func() Scripts
	// ahead is how far AWS's clock was ahead when it last answered a listing; nil
	// if it has not been told.
	ahead atomic.Pointer[time.Duration]

	// mu guards keys and stores. It is never held across a call.
	mu sync.Mutex
	// keys holds what KMS said of the keys that were asked about.
	keys map[string]keyAnswer
	// stores names the instance stores of types of instances; "" where there are none.
	stores map[string]string
}
