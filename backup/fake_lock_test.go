package backup_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/snapkeep/snapkeep/backup"
)

var _ backup.Locker = (*fakeClient)(nil)

// A fakeLock is what is there beside the end of a lock, which is in locks.
type fakeLock struct {
	backup.SnapshotLock
	cool time.Time // end of its cooling-off period
	made time.Time // as listings show it after the lag
}

// lock does LockSnapshot. The caller holds mu.
func (f *fakeClient) lock(s *fakeSnap, l backup.Lock) error {
	now := time.Now()
	switch {
	case l.Days < 1 || l.Days > 36500 || !l.Until.IsZero():
		f.t.Errorf("locks %s for %d days, until %v", s.ID, l.Days, l.Until)
	case f.now(s).State != backup.SnapshotCompleted:
		f.t.Errorf("locks %s, which is %s", s.ID, f.now(s).State)
	case s.Tags["snapkeep:step"] != "":
		f.t.Errorf("locks %s, an intermediate", s.ID)
	case f.maxDays > 0 && l.Days > f.maxDays:
		return fmt.Errorf("UnauthorizedOperation: %d days: %w", l.Days, backup.ErrDenied)
	}
	old, locked := f.lockOf[s.ID], f.locks[s.ID].After(now)
	is := fakeLock{backup.SnapshotLock{Snapshot: s.ID, Mode: l.Mode, Since: now}, now.Add(time.Duration(l.CoolOffHours) * time.Hour), now}
	if locked {
		is.Since, is.made = old.Since, old.made
	}
	until := is.Since.Add(time.Duration(l.Days) * 24 * time.Hour)
	if locked && old.Mode == backup.Compliance && !now.Before(old.cool) {
		switch {
		case l.Mode != backup.Compliance:
			f.t.Errorf("wants %s in governance mode", s.ID)
			return refusal("OperationNotPermitted")
		case l.CoolOffHours > 0:
			return refusal("InvalidParameterCombination")
		case !until.After(f.locks[s.ID]):
			return refusal("OperationNotPermitted")
		}
		is.cool = old.cool
	}
	if locked && until.Before(f.locks[s.ID]) {
		f.t.Errorf("shortens the lock of %s from %v to %v", s.ID, f.locks[s.ID], until)
	}
	f.lockOf[s.ID], f.locks[s.ID] = is, until
	return nil
}

func (f *fakeClient) Locks(ctx context.Context) iter.Seq2[backup.SnapshotLock, error] {
	return func(yield func(backup.SnapshotLock, error) bool) {
		if err := f.enter(ctx, call{op: "locks"}); err != nil {
			yield(backup.SnapshotLock{}, err)
			return
		}
		f.mu.Lock()
		now := time.Now()
		var list []backup.SnapshotLock
		for _, id := range slices.Sorted(maps.Keys(f.lockOf)) {
			l := f.lockOf[id]
			if f.snaps[id].site == f.site && now.Sub(l.made) >= f.lag {
				l.Until, l.Expired, l.Final = f.locks[id], !f.locks[id].After(now), l.Mode == backup.Compliance && !now.Before(l.cool)
				list = append(list, l.SnapshotLock)
			}
		}
		f.mu.Unlock()
		for _, l := range list {
			if !yield(l, nil) {
				return
			}
		}
	}
}
