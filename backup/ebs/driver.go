package ebs

import (
	"slices"
	"sync"

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
}

// A Driver discovers, lists and snapshots EC2 instances and EBS volumes.
// It is safe for concurrent use.
type Driver struct {
	ec2 []func(*ec2.Options)
	kms []func(*kms.Options)
}

var _ backup.Driver = (*Driver)(nil)

// New returns a driver. It does no I/O.
func New(opts Options) *Driver {
	return &Driver{ec2: slices.Clone(opts.EC2), kms: slices.Clone(opts.KMS)}
}

// Kinds returns KindInstance and KindVolume.
func (d *Driver) Kinds() []string { return []string{KindInstance, KindVolume} }

// Open returns a client for a site. It does no I/O. The client remembers
// which KMS keys are AWS's own, which never changes, and for ten minutes which
// it may not describe; nothing else.
func (d *Driver) Open(cfg aws.Config, site backup.Site) backup.Client {
	cfg = cfg.Copy()
	cfg.Region = site.Region
	return &client{
		site: site,
		ec2: ec2.NewFromConfig(cfg, append([]func(*ec2.Options){func(o *ec2.Options) {
			o.Retryer, o.RetryMaxAttempts = awscall.Repeat(), 0
			o.APIOptions = append(o.APIOptions, awscall.BoundAttempts)
		}}, d.ec2...)...),
		kms: kms.NewFromConfig(cfg, append([]func(*kms.Options){func(o *kms.Options) {
			o.Retryer, o.RetryMaxAttempts = awscall.Repeat(), 0
			o.APIOptions = append(o.APIOptions, awscall.BoundAttempts)
		}}, d.kms...)...),
		managed: map[string]keyAnswer{},
	}
}

// API names the EC2 call that a step becomes. A step that the driver does not
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
	}
	return ""
}

// A client works in one site.
type client struct {
	site backup.Site
	ec2  *ec2.Client
	kms  *kms.Client

	// mu guards managed. It is never held across a call.
	mu sync.Mutex
	// managed holds what KMS said of the keys that were asked about.
	managed map[string]keyAnswer
}
