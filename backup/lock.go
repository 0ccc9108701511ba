package backup

import (
	"context"
	"fmt"
	"iter"
	"math"
	"time"
)

// A LockMode says who can take a lock off.
type LockMode string

// The modes (EBS User Guide, "Amazon EBS snapshot lock concepts").
const (
	// Governance locks can be taken off and shortened by whoever has the
	// permission ec2:UnlockSnapshot. None of the generated roles has it.
	Governance LockMode = "governance"
	// Compliance locks can only be made longer once they have cooled off: not
	// the account's owner and not AWS can take them off.
	Compliance LockMode = "compliance"
)

const (
	// maxLockDays and maxCoolOff: EC2 API Reference, LockSnapshot.
	maxLockDays = 36_500
	maxCoolOff  = 72
	lockDay     = 24 * time.Hour
)

// A Lock keeps snapshots from being deleted until it ends, by whomever: the
// engine's own pruners too. A snapshot is locked in the account that owns it.
// A lock does not guard the key: whoever deletes the KMS key of a locked
// snapshot destroys what is in it (EBS User Guide, "Considerations for Amazon
// EBS snapshot lock").
type Lock struct {
	Mode LockMode `json:"mode"` // governance or compliance
	// Days that each snapshot is locked for, 1 to 36,500, from when it is
	// completed and, if it is a copy, verified. Zero means that Until says.
	Days int `json:"days,omitempty"`
	// Until is when the locks end, the same moment for all, instead of Days.
	// Snapshots are locked for whole days all the same, rounded up: policies can
	// bound a number of days and not a date. Zero means that Days says.
	Until time.Time `json:"until,omitzero"`
	// CoolOffHours, 1 to 72, are how long a lock in compliance mode can still be
	// taken off. Zero means that it cannot from the first moment on. Locks in
	// governance mode have none.
	CoolOffHours int `json:"coolOffHours,omitempty"`
}

// A SnapshotLock is a lock that a snapshot has, or had until it expired.
type SnapshotLock struct {
	Snapshot string    // "snap-…"
	Mode     LockMode  // what an expired one had been is not told: Compliance then
	Final    bool      // in compliance mode, and cooled off: it can only be made longer
	Since    time.Time // when its duration began; the lock may have been made longer since
	Until    time.Time // when it ends, as far as AWS tells: no earlier
	Expired  bool      // it has ended
}

// A Locker is a Client that takes StepLock. The engine asks it before it locks
// anything, so that no lock is made shorter and none is made twice.
type Locker interface {
	// Locks lists the locks of the site's own snapshots, whosever they are, in
	// as few calls as there are pages. An error ends it. It is listed as
	// whoever lists the snapshots.
	Locks(ctx context.Context) iter.Seq2[SnapshotLock, error]
}

// lock checks what a plan says of locks.
func (c *planCheck) lock(field string, l *Lock) {
	if l == nil {
		return
	}
	if l.Mode != Governance && l.Mode != Compliance {
		c.wrong(field+".mode", "%q: want %q or %q", string(l.Mode), string(Governance), string(Compliance))
	}
	switch {
	case l.Days != 0 && !l.Until.IsZero():
		c.wrong(field, "has both days and until: want one of them")
	case l.Days == 0 && l.Until.IsZero():
		c.wrong(field+".days", "is missing: want 1 to %d, or until", maxLockDays)
	case l.Days != 0 && (l.Days < 1 || l.Days > maxLockDays):
		c.wrong(field+".days", "%d: want 1 to %d", l.Days, maxLockDays)
	}
	switch {
	case l.CoolOffHours == 0:
	case l.CoolOffHours < 0 || l.CoolOffHours > maxCoolOff:
		c.wrong(field+".coolOffHours", "%d: want 1 to %d, or none", l.CoolOffHours, maxCoolOff)
	case l.Mode == Governance:
		c.wrong(field+".coolOffHours", "is for compliance mode: a lock in governance mode can be taken off at any time")
	case l.Days > 0 && l.CoolOffHours > 24*l.Days:
		c.wrong(field+".coolOffHours", "%d is longer than the lock of %d days", l.CoolOffHours, l.Days)
	}
}

// end returns when a snapshot's lock must not have ended before.
func (l *Lock) end(started time.Time) time.Time {
	if l.Days == 0 {
		return l.Until
	}
	return started.Add(time.Duration(l.Days) * lockDay)
}

// covered says whether a lock that a snapshot has, or had, does what the plan
// wants. One that has expired is not made again.
func (l *Lock) covered(have SnapshotLock, started time.Time) bool {
	strong := l.Mode == Governance || have.Mode == Compliance || have.Expired
	return have.Snapshot != "" && strong && !have.Until.Before(l.end(started))
}

// ask returns the lock to be asked for, as days alone, where have does not do.
// It is no weaker than have and ends no earlier, whether AWS counts the days
// from when have began or from now, which is not documented.
func (l *Lock) ask(have SnapshotLock, started, now time.Time) (Lock, error) {
	want := Lock{Mode: l.Mode, Days: l.Days, CoolOffHours: l.CoolOffHours}
	end, since := l.end(started), now
	if have.Snapshot != "" && !have.Expired {
		if have.Until.After(end) {
			end = have.Until
		}
		if !have.Since.IsZero() && have.Since.Before(now) {
			since = have.Since
		}
		if have.Mode == Compliance {
			want.Mode = Compliance
		}
		if have.Final {
			want.CoolOffHours = 0 // it has had its own
		}
		want.Days = 0
	}
	if want.Days == 0 {
		want.Days = int(math.Ceil(end.Sub(since).Hours() / 24))
	}
	switch {
	case !end.After(now) && l.Days == 0:
		return want, fmt.Errorf("the plan's locks ended %s", end.UTC().Format(time.RFC3339))
	case want.Days > maxLockDays:
		return want, fmt.Errorf("a lock of %d days, and EC2 takes at most %d", want.Days, maxLockDays)
	}
	want.Days = max(want.Days, 1)
	return want, nil
}
