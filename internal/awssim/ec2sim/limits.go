package ec2sim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Limits are the quotas of EC2 and EBS that bear on backups. In every field
// zero means AWS's default and a negative number means no limit.
type Limits struct {
	// PendingPerVolume is how many snapshots of one volume may be pending or
	// in the state error. Zero means 5; for st1 and sc1 it is always 1.
	// Source: Amazon EBS User Guide, "Quotas for Amazon EBS".
	PendingPerVolume int
	// Spacing is the least time between two snapshots of a volume. Zero means
	// 15 s.
	// Source: EC2 API Reference, "Error codes", SnapshotCreationPerVolumeRateExceeded.
	Spacing time.Duration
	// PendingPerSite is how many snapshots of volumes may be pending in one
	// account and Region; copies do not count. Zero means 100.
	PendingPerSite int
	// CopiesPerRegion is how many copies an account may have under way to one
	// Region. Zero means 20.
	// Source: Amazon EBS User Guide, "Copy an Amazon EBS snapshot".
	CopiesPerRegion int
	// ImageCopiesPerRegion is how many copies of images an account may have
	// under way to one Region. Zero means 300. The copies of their snapshots
	// do not count as copies of snapshots.
	// Source: EC2 User Guide, "AMI quotas in Amazon EC2".
	ImageCopiesPerRegion int
	// SnapshotsPerSite is how many snapshots an account may have in a Region.
	// Zero means 100,000.
	SnapshotsPerSite int
	// ArchivedPerVolume is how many snapshots of one volume may be in the
	// archive, on loan from it, or on their way. Zero means 25.
	// Source of this and the next two: Amazon EBS User Guide, "Archive Amazon
	// EBS snapshots", quotas.
	ArchivedPerVolume int
	// Archivals is how many snapshots may be on their way to the archive in
	// one account and Region. Zero means 25.
	Archivals int
	// Restores is how many may be on their way from the archive. Zero means 5.
	Restores int
	// FastRestores is how many snapshots an account may have enabled for fast
	// restore in a Region. Zero means 5.
	// Source: Amazon EBS User Guide, "Amazon EBS fast snapshot restore".
	FastRestores int
	// CopyRate is how many MiB/s the time-based copies of an account from one
	// Region to another may take together. Zero means 2,000.
	// Source of this and the next: Amazon EBS User Guide, "Time-based copies".
	CopyRate int
	// CopyRateEach is how many one of them may take. Zero means 500.
	CopyRateEach int
	// ScannedPerPage is how many resources a page of a Describe call looks at:
	// with a filter, a page may then be short or empty and yet not the last.
	// Zero means as many as it takes to fill the page.
	ScannedPerPage int
	// UnseenIsNotFound lets DescribeSnapshots answer the id of a snapshot that
	// the caller may not see as one that does not exist. The reference says
	// that it is not included in the results; clients should live with both.
	UnseenIsNotFound bool
}

func (l Limits) withDefaults() Limits {
	l.PendingPerVolume = orDefault(l.PendingPerVolume, 5)
	l.PendingPerSite = orDefault(l.PendingPerSite, 100)
	l.CopiesPerRegion = orDefault(l.CopiesPerRegion, 20)
	l.ImageCopiesPerRegion = orDefault(l.ImageCopiesPerRegion, 300)
	l.SnapshotsPerSite = orDefault(l.SnapshotsPerSite, 100_000)
	l.ArchivedPerVolume = orDefault(l.ArchivedPerVolume, 25)
	l.Archivals = orDefault(l.Archivals, 25)
	l.Restores = orDefault(l.Restores, 5)
	l.FastRestores = orDefault(l.FastRestores, 5)
	l.CopyRate = orDefault(l.CopyRate, 2000)
	l.CopyRateEach = orDefault(l.CopyRateEach, 500)
	if l.Spacing == 0 {
		l.Spacing = 15 * time.Second
	}
	return l
}

func orDefault(n, standard int) int {
	if n == 0 {
		return standard
	}
	return n
}

// reached tells whether n already uses up a limit.
func reached(limit, n int) bool { return limit >= 0 && n >= limit }

// pendingPerVolume is the limit for one kind of volume.
func (l Limits) pendingPerVolume(kind types.VolumeType) int {
	if l.PendingPerVolume >= 0 && (kind == types.VolumeTypeSt1 || kind == types.VolumeTypeSc1) {
		return 1
	}
	return l.PendingPerVolume
}
