package backup_test

import (
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

var (
	_ backup.Holder   = (*fakeClient)(nil)
	_ backup.Recycler = (*fakeClient)(nil)
)

// refuses returns the code with which a delete is refused, "" if it is not.
// The caller holds mu.
func (c *cloud) refuses(id string) string {
	for _, snaps := range c.images {
		if slices.Contains(snaps, id) {
			return "InvalidSnapshot.InUse"
		}
	}
	if c.locks[id].After(time.Now()) {
		return "OperationNotPermitted"
	}
	return ""
}

func (f *fakeClient) Holds(ctx context.Context) iter.Seq2[backup.SnapshotHold, error] {
	return func(yield func(backup.SnapshotHold, error) bool) {
		if err := f.enter(ctx, call{op: "images"}); err != nil {
			if !yield(backup.SnapshotHold{Hold: retention.Hold{Kind: retention.InUse}}, err) {
				return
			}
		} else {
			for _, h := range f.held(true) {
				if !yield(h, nil) {
					return
				}
			}
		}
		if err := f.enter(ctx, call{op: "locks"}); err != nil {
			yield(backup.SnapshotHold{Hold: retention.Hold{Kind: retention.SnapshotLock}}, err)
			return
		}
		for _, h := range f.held(false) {
			if !yield(h, nil) {
				return
			}
		}
		f.mu.Lock()
		cold := maps.Clone(f.cold)
		f.mu.Unlock()
		for id, at := range cold {
			hold := retention.Hold{Kind: retention.ColdMinimum, Ref: id, Until: at.Add(90 * 24 * time.Hour)}
			if f.snaps[id].site == f.site && !f.snaps[id].gone && !yield(backup.SnapshotHold{Snapshot: id, Hold: hold}, nil) {
				return
			}
		}
	}
}

// held lists the holds of images or of locks.
func (f *fakeClient) held(images bool) []backup.SnapshotHold {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []backup.SnapshotHold
	if !images {
		for _, id := range slices.Sorted(maps.Keys(f.locks)) {
			if s := f.snaps[id]; s.site == f.site && !s.gone && f.locks[id].After(time.Now()) {
				list = append(list, backup.SnapshotHold{Snapshot: id, Hold: retention.Hold{Kind: retention.SnapshotLock, Ref: id, Until: f.locks[id]}})
			}
		}
		return list
	}
	for _, ami := range slices.Sorted(maps.Keys(f.images)) {
		for _, id := range f.images[ami] {
			if f.snaps[id].site == f.site {
				list = append(list, backup.SnapshotHold{Snapshot: id, Hold: retention.Hold{Kind: retention.InUse, Ref: ami}})
			}
		}
	}
	return list
}

func (f *fakeClient) Recycled(ctx context.Context) iter.Seq2[backup.RecycledSnapshot, error] {
	return func(yield func(backup.RecycledSnapshot, error) bool) {
		if err := f.enter(ctx, call{op: "bin"}); err != nil {
			yield(backup.RecycledSnapshot{}, err)
			return
		}
		f.mu.Lock()
		binned := maps.Clone(f.binned)
		f.mu.Unlock()
		for id, until := range binned {
			if f.snaps[id].site == f.site && !yield(backup.RecycledSnapshot{ID: id, Until: until}, nil) {
				return
			}
		}
	}
}
