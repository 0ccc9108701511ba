package ec2sim

import "time"

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
	// Each says how long a snapshot or a copy takes, in place of the five fields
	// above. It runs under the cloud's lock. Nil means that they say it.
	Each func(Work) time.Duration
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
	// Archive is what archiving every snapshot takes. Zero means 1 h. How long
	// archiving and restoring take is not published, but for the bound on
	// restores: "up to 72 hours … depending on the size of the snapshot"
	// (Amazon EBS User Guide, "Considerations and limitations for archiving
	// Amazon EBS snapshots").
	Archive time.Duration
	// ArchiveBlock is added for each block of the snapshot: archived snapshots
	// are full. Zero means 10 ms.
	ArchiveBlock time.Duration
	// Restore is what restoring every snapshot from the archive takes. Zero
	// means 6 h.
	Restore time.Duration
	// RestoreBlock is added for each block of it. Zero means 10 ms.
	RestoreBlock time.Duration
	// Recovery is from leaving the Recycle Bin to completed. Zero means 10 s.
	Recovery time.Duration
	// FastRestore is how long it takes to optimize a TiB for fast snapshot
	// restore. Zero means 60 min.
	// Source: Amazon EBS User Guide, "Amazon EBS fast snapshot restore".
	FastRestore time.Duration
	// FastRestoreSwitch is from enabling to optimizing and from disabling to
	// disabled. Zero means 15 s.
	FastRestoreSwitch time.Duration
}

// A Work is a snapshot or a copy of one that is about to begin.
type Work struct {
	Copy bool
	// Origin is the volume at the root: for a copy, that of the first snapshot.
	Origin string
	Blocks int // that it moves
}

// Faster returns durations of which those of snapshots, of their copies and of
// their ways to and from the archive are so many times shorter: for a
// simulation on a real clock, in which nobody wants to wait.
func (d Durations) Faster(times float64) Durations {
	standard := d.withDefaults()
	values := standard.fields()
	for i, f := range d.fields() {
		if f.ofSnapshots {
			// One nanosecond rather than zero, which would mean the default.
			*f.field = max(time.Duration(float64(*values[i].field)/times), 1)
		}
	}
	return d
}

type durationField struct {
	field       *time.Duration
	standard    time.Duration
	ofSnapshots bool
}

func (d *Durations) fields() []durationField {
	return []durationField{
		{&d.Snapshot, 90 * time.Second, true},
		{&d.SnapshotBlock, 5 * time.Millisecond, true},
		{&d.Copy, 4 * time.Minute, true},
		{&d.CopyBlock, 10 * time.Millisecond, true},
		{&d.KeyCheck, 160 * time.Second, true},
		{&d.Volume, 3 * time.Second, false},
		{&d.Attachment, 4 * time.Second, false},
		{&d.Instance, 25 * time.Second, false},
		{&d.Image, 5 * time.Second, false},
		{&d.Archive, time.Hour, true},
		{&d.ArchiveBlock, 10 * time.Millisecond, true},
		{&d.Restore, 6 * time.Hour, true},
		{&d.RestoreBlock, 10 * time.Millisecond, true},
		{&d.Recovery, 10 * time.Second, true},
		{&d.FastRestore, time.Hour, true},
		{&d.FastRestoreSwitch, 15 * time.Second, true},
	}
}

func (d Durations) withDefaults() Durations {
	for _, f := range d.fields() {
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

// moving is how long a snapshot or a copy takes.
func (s *Service) moving(w Work) time.Duration {
	switch {
	case s.pace.Each != nil:
		return s.pace.Each(w)
	case w.Copy:
		return s.work(s.pace.Copy, s.pace.CopyBlock, int64(w.Blocks))
	}
	return s.work(s.pace.Snapshot, s.pace.SnapshotBlock, int64(w.Blocks))
}

// work is how long it takes to move blocks, with chance.
func (s *Service) work(base, each time.Duration, blocks int64) time.Duration {
	d := base + time.Duration(blocks)*each
	swing := (s.cloud.Rand().Float64()*2 - 1) * s.pace.Jitter
	return (d + time.Duration(float64(d)*swing)).Truncate(time.Millisecond)
}
