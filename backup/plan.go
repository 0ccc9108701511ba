package backup

import (
	"time"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/retention"
)

// A Plan says what to protect, where the copies go and how long each is kept.
// It is plain data: it survives JSON, and the engine never changes it.
type Plan struct {
	// Name of the plan, in tags on every snapshot: 1 to 64 of [A-Za-z0-9._-].
	// A renamed plan is another plan; it no longer prunes what the old one made.
	Name string `json:"name"`
	// Sources to protect, at least one.
	Sources []Source `json:"sources"`
	// Retention of the originals in the protected accounts, and of copies that name none.
	Retention retention.Policy `json:"retention"`
	// Deadline is how long after its moment a run is to have every copy of a
	// resource; in JSON nanoseconds. What will miss it is in the Forecast, and
	// told by Run as soon as it can be foreseen (ErrDeadline); nothing is given
	// up for it. Zero means that there is none.
	Deadline time.Duration `json:"deadline,omitempty"`
	// Lock on every original, in the protected account, once it is completed.
	// Nil means none. Retention and Copy.DropOriginal wait for its end.
	Lock *Lock `json:"lock,omitempty"`
	// Copies of every recovery point. None leaves the originals where they
	// are, at the mercy of their own account.
	Copies []Copy `json:"copies,omitempty"`
}

// A Source is an account and its Regions, and what is protected in them.
type Source struct {
	Account accounts.ID `json:"account"` // 12 digits: the account that is protected
	Regions []string    `json:"regions"` // at least one, each once
	Select  Selector    `json:"select"`  // in each of Regions
	// RekeyKeys maps a Region to the ARN of a key of the protected account
	// under which snapshots encrypted by the AWS-managed key `aws/ebs` are
	// copied first, since those cannot be shared with another account
	// (EBS User Guide, "Share an Amazon EBS snapshot"). A resource that needs
	// a key and has none fails with an error that says so.
	RekeyKeys map[string]string `json:"rekeyKeys,omitempty"`
	// Volumes says which volumes of instances are left out.
	Volumes Volumes `json:"volumes,omitzero"`
	// Quiesce brings instances to rest while they are snapshotted. Nil makes
	// crash-consistent points.
	Quiesce *Quiesce `json:"quiesce,omitempty"`
}

// A Copy is a place for copies of every recovery point.
type Copy struct {
	// Account that owns the copies: the vault account, as a rule.
	Account accounts.ID `json:"account"`
	Region  string      `json:"region"` // of Account, such as "eu-west-1"
	// KMSKey is the ARN of the customer key of Account in Region under which
	// the copies are written. It is required: a copy under `aws/ebs` could
	// never be shared again, so never restored elsewhere.
	KMSKey string `json:"kmsKey"`
	// Every n copies a recovery point when n-1 points follow the last one
	// copied here. Zero means 1: every point is copied. Counted are the points
	// whose originals are still there: whoever deletes originals puts the next
	// copy off, so where that is to be feared, copy every point.
	Every int `json:"every,omitempty"`
	// CompletionMinutes asks for time-based copies: EC2 completes each within so
	// many minutes, at a price for each GiB. 15 to 2,880 in steps of 15 (EBS User
	// Guide, "Time-based copies"). A copy of more than 500 MiB for each second of
	// that time takes longer, and so do copies that together exceed
	// Options.CopyThroughput. Zero means copies as fast as EC2 makes them.
	CompletionMinutes int `json:"completionMinutes,omitempty"`
	// Retention of the copies. The zero policy inherits the plan's.
	Retention retention.Policy `json:"retention,omitzero"`
	// Lock on every copy, once it is verified. Nil means none: the plan's Lock is
	// for originals alone.
	Lock *Lock `json:"lock,omitempty"`
	// Archive moves old copies to the archive tier when Engine.Archive is
	// called. Nil moves none.
	Archive *Archive `json:"archive,omitempty"`
	// DropOriginal prunes the originals once they are copied here and
	// verified, but for the newest, so that the next snapshot and the next
	// copy stay incremental.
	DropOriginal bool `json:"dropOriginal,omitempty"`
	// Image registers an image (AMI) of the copies of each instance, once they
	// are verified, so that what is billed apart (Windows, Red Hat, SUSE, the
	// Marketplace) can be started again. An image that AWS does not bill as the
	// instance is deregistered, and told. It needs the root volume among the
	// members; volumes that are resources of their own get none. The vault's
	// roles need the rights of iampolicy's Installation.Images.
	Image bool `json:"image,omitempty"`
}
