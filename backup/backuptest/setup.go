package backuptest

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
	"github.com/snapkeep/snapkeep/internal/awssim/orgsim"
	"github.com/snapkeep/snapkeep/internal/awssim/ssmsim"
)

// SetAccessKey replaces the access key of a user that User made: for programs
// that are configured with a key of their own choice.
func (c *Cloud) SetAccessKey(account accounts.ID, user, id, secret string) (aws.CredentialsProvider, error) {
	if id == "" || secret == "" {
		return nil, fmt.Errorf("backuptest: user %s of %s: an access key needs an id and a secret", user, account)
	}
	if !c.sim.SetUserKey(account.String(), user, core.Key{ID: id, Secret: secret}) {
		return nil, fmt.Errorf("backuptest: user %s of %s: there is no such user, or %s is another's key", user, account, id)
	}
	return credentials.NewStaticCredentialsProvider(id, secret, ""), nil
}

// SetPartition puts an account into a partition other than "aws", such as
// "aws-cn". It is for accounts into which nothing was put yet.
func (c *Cloud) SetPartition(account accounts.ID, partition string) error {
	return c.sim.SetPartition(account.String(), partition)
}

// Durations say how long things take. In every field zero means the default,
// and a negative duration no time at all.
type Durations struct {
	// Snapshot and Copy are what every snapshot and every copy of one takes,
	// give or take a quarter. Zero means 90 s and 4 min.
	Snapshot, Copy time.Duration
	// SnapshotBlock and CopyBlock are added for each block that changed since
	// the snapshot or copy before. Zero means 5 ms and 10 ms.
	SnapshotBlock, CopyBlock time.Duration
	// Volume is from creating to available. Zero means 3 s.
	Volume time.Duration
	// Attachment is from attaching to attached, and back. Zero means 4 s.
	Attachment time.Duration
	// Instance is from pending to running, to stopped and to terminated. Zero
	// means 25 s.
	Instance time.Duration
	// Image is from pending to available. Zero means 5 s.
	Image time.Duration
	// Archive and Restore are what every snapshot's way into the archive and
	// back takes. Zero means 1 h and 6 h.
	Archive, Restore time.Duration
	// Command is the most that it takes until a command of Systems Manager can
	// be found, and until it is delivered. Zero means 2 s and 3 s.
	Command time.Duration
	// Account is what it takes to create or close an account of an
	// organization. Zero means 1 min.
	Account time.Duration
	// Speed makes snapshots, copies and archives so many times faster than the
	// fields above say. Zero means 1.
	Speed float64
}

// SetDurations replaces how long things take. What is under way keeps the time
// it was given.
func (c *Cloud) SetDurations(d Durations) {
	inside := ec2sim.Durations{
		Snapshot: d.Snapshot, SnapshotBlock: d.SnapshotBlock, Copy: d.Copy, CopyBlock: d.CopyBlock,
		Volume: d.Volume, Attachment: d.Attachment, Instance: d.Instance, Image: d.Image,
		Archive: d.Archive, Restore: d.Restore,
	}
	if d.Speed > 0 {
		inside = inside.Faster(d.Speed)
	}
	c.sim.EC2().SetDurations(inside)
	c.sim.Organizations().SetLimits(orgsim.Limits{Creation: d.Account, Closure: d.Account})
	c.sim.SSM().SetDelays(ssmsim.Delays{Visible: d.Command, Delivery: d.Command})
}

// Quotas are the limits of EC2 on what exists at a time. In every field zero
// means what AWS gives a new account, and a negative number means no limit.
type Quotas struct {
	// PendingPerVolume is how many snapshots of one volume may be pending. Zero means 5.
	PendingPerVolume int
	// Spacing is the least time between snapshots of one volume. Zero means 15 s.
	Spacing time.Duration
	// PendingPerSite is how many snapshots of volumes may be pending in an
	// account and Region. Zero means 100.
	PendingPerSite int
	// CopiesPerRegion is how many copies an account may have under way to a
	// Region. Zero means 20.
	CopiesPerRegion int
	// SnapshotsPerSite is how many snapshots an account may have in a Region.
	// Zero means 100,000.
	SnapshotsPerSite int
	// UnseenIsNotFound lets DescribeSnapshots answer the id of a snapshot that
	// the caller may not see with InvalidSnapshot.NotFound. False means that it
	// is not in the answer, as the reference says.
	UnseenIsNotFound bool
}

// SetQuotas replaces the limits on what exists at a time. Rates of requests
// are a matter of Options.Unlimited.
func (c *Cloud) SetQuotas(q Quotas) {
	c.sim.EC2().SetLimits(ec2sim.Limits{
		PendingPerVolume: q.PendingPerVolume, Spacing: q.Spacing, PendingPerSite: q.PendingPerSite,
		CopiesPerRegion: q.CopiesPerRegion, SnapshotsPerSite: q.SnapshotsPerSite,
		UnseenIsNotFound: q.UnseenIsNotFound,
	})
}

// ManageInstances lets Systems Manager reach every instance, as Default Host
// Management Configuration does on AWS: commands run there for a second,
// succeed and say nothing.
func (c *Cloud) ManageInstances() { c.sim.SSM().ManageAll(&ssmsim.Agent{}) }
