package backup_test

import (
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/snapkeep/snapkeep/backup"
)

// thawTakes is how long what is archived takes to come back.
const thawTakes = 5 * time.Hour

var _ backup.Thawer = (*fakeClient)(nil)

// archive does ModifySnapshotTier. The caller holds mu.
func (f *fakeClient) archive(s *fakeSnap) error {
	switch {
	case f.now(s).State != backup.SnapshotCompleted:
		f.t.Errorf("archives %s, which is %s", s.ID, f.now(s).State)
	case s.Tags["snapkeep:source"] == "":
		f.t.Errorf("archives %s, an original", s.ID)
	case !f.cold[s.ID].IsZero():
		return refusal("IncorrectState")
	}
	f.cold[s.ID] = time.Now()
	return nil
}

// thaw does RestoreSnapshotTier. The caller holds mu.
func (f *fakeClient) thaw(s *fakeSnap) error {
	if f.cold[s.ID].IsZero() || !f.warm[s.ID].IsZero() {
		return refusal("IncorrectState")
	}
	f.warm[s.ID] = time.Now()
	return nil
}

// archived says whether a snapshot is in the archive, of no use. The caller
// holds mu.
func (c *cloud) archived(id string) bool {
	back := c.warm[id]
	return !c.cold[id].IsZero() && (back.IsZero() || time.Since(back) < thawTakes)
}

func (f *fakeClient) Tiers(ctx context.Context) iter.Seq2[backup.SnapshotTier, error] {
	return func(yield func(backup.SnapshotTier, error) bool) {
		if err := f.enter(ctx, call{op: "tiers"}); err != nil {
			yield(backup.SnapshotTier{}, err)
			return
		}
		f.mu.Lock()
		var list []backup.SnapshotTier
		for _, id := range slices.Sorted(maps.Keys(f.cold)) {
			if s := f.snaps[id]; s.site == f.site && !s.gone {
				archived := f.archived(id)
				list = append(list, backup.SnapshotTier{Snapshot: id, Archived: archived, Thawing: archived && !f.warm[id].IsZero()})
			}
		}
		f.mu.Unlock()
		for _, tier := range list {
			if !yield(tier, nil) {
				return
			}
		}
	}
}
