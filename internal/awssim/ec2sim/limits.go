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

// Durations say how long things take. Zero means the default, a negative
// duration means no time at all.
type Durations struct {
	// Snapshot is what every snapshot takes. Zero means 90 s.
	Snapshot time.Duration
	// SnapshotBlock is added for each block changed since the volume's last
	// snapshot. Zero means 5 ms, that is 100 MiB/s.
	SnapshotBlock time.Duration
	// Copy is what every copy takes. Zero means 4 min.
	Copy time.Duration
	// CopyBlock is added for each block that a copy transfers: all of them,
	// or for an incremental copy those that changed. Zero means 10 ms.
	CopyBlock time.Duration
	// Jitter is the part of a snapshot's or copy's time by which it may be
	// longer or shorter, drawn from the cloud's chance. Zero means 0.25.
	Jitter float64
	// KeyCheck is when a copy under a key that its caller may not use turns
	// to error. Zero means 160 s.
	KeyCheck time.Duration
	// Volume is from creating to available. Zero means 3 s.
	Volume time.Duration
	// Attachment is from attaching to attached and from detaching to
	// detached. Zero means 4 s.
	Attachment time.Duration
	// Instance is from pending to running, from stopping to stopped and from
	// shutting-down to terminated. Zero means 25 s.
	Instance time.Duration
	// Image is from pending to available. Zero means 5 s.
	Image time.Duration
}

func (d Durations) withDefaults() Durations {
	for _, f := range []struct {
		field    *time.Duration
		standard time.Duration
	}{
		{&d.Snapshot, 90 * time.Second},
		{&d.SnapshotBlock, 5 * time.Millisecond},
		{&d.Copy, 4 * time.Minute},
		{&d.CopyBlock, 10 * time.Millisecond},
		{&d.KeyCheck, 160 * time.Second},
		{&d.Volume, 3 * time.Second},
		{&d.Attachment, 4 * time.Second},
		{&d.Instance, 25 * time.Second},
		{&d.Image, 5 * time.Second},
	} {
		switch {
		case *f.field == 0:
			*f.field = f.standard
		case *f.field < 0:
			*f.field = 0
		}
	}
	switch {
	case d.Jitter == 0:
		d.Jitter = 0.25
	case d.Jitter < 0:
		d.Jitter = 0
	}
	return d
}

// Faster returns durations of which those of snapshots and of their copies
// are so many times shorter.
func (d Durations) Faster(times float64) Durations {
	standard := d.withDefaults()
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&d.Snapshot, standard.Snapshot},
		{&d.SnapshotBlock, standard.SnapshotBlock},
		{&d.Copy, standard.Copy},
		{&d.CopyBlock, standard.CopyBlock},
		{&d.KeyCheck, standard.KeyCheck},
	} {
		// One nanosecond rather than zero, which would mean the default.
		*f.field = max(time.Duration(float64(f.value)/times), 1)
	}
	return d
}

// work is how long it takes to move blocks, with chance.
func (s *Service) work(base, each time.Duration, blocks int64) time.Duration {
	d := base + time.Duration(blocks)*each
	swing := (s.cloud.Rand().Float64()*2 - 1) * s.pace.Jitter
	return (d + time.Duration(float64(d)*swing)).Truncate(time.Millisecond)
}
