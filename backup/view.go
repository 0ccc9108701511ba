package backup

import (
	"iter"
	"slices"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
)

// A viewID names one listing: where, as whom, and of what.
type viewID struct {
	site    Site
	purpose accounts.Purpose
	shared  accounts.ID // only what is shared with this account; empty: all
	driver  int         // whose snapshots
	locks   bool        // the locks on them, not the snapshots
	images  bool        // of images, not of snapshots
}

// ofAll says whether it is a listing of all snapshots with the vault's tag.
func (id viewID) ofAll() bool { return id.shared == "" && !id.locks && !id.images }

// A view is what is known of a site by its listings: the last one of all, and
// those of a part since then. It is never changed.
type view struct {
	begun   time.Time     // when the last listing was
	whole   time.Time     // when the last listing of all was
	ahead   time.Duration // how far AWS's clock is ahead of ours
	all     *index        // what that showed
	part    *part         // what those since have shown; nil if there were none
	pending pendingCount
	pends   []pend // what is pending, in the listing
	// due is when the next listing is worth while, by what somebody waits for.
	due    [urgencies]time.Time
	making []pend // what pends is, of made
	// made holds what was made here and is not listed yet, see sight.made.
	made []made
	// locks by snapshot, in a listing of locks; such a listing has nothing else.
	locks map[string]SnapshotLock
	// imaged holds images by their keys, in a listing of these.
	imaged map[string]Image
}

// A made is a snapshot that one of our own calls made.
type made struct {
	Snapshot
	pend
	at     time.Time // when the answer came
	missed time.Time // when the first listing since then was begun
}

// isCopied says whether tags of ours are those of a copy or an intermediate,
// which CopySnapshot made.
func isCopied(tags map[string]string) bool {
	_, isCopy := tags[tagSource]
	_, isStep := tags[tagStep]
	return isCopy || isStep
}

// A pendingCount is how many snapshots of a site are pending.
type pendingCount struct {
	copies    int // copies and intermediates: CopySnapshot made them
	originals int
	byVolume  map[string]int       // originals
	newest    map[string]time.Time // StartTime of the newest original of a volume
	timed     map[string]float64   // what time-based copies need, in MiB/s, by the Region they come from
}

// newView returns the view of a listing of all. What before shows just the same
// shares its memory; before may be nil.
func newView(begun time.Time, snaps []Snapshot, before *view) *view {
	v := &view{begun: begun, whole: begun, all: newIndex(snaps, before)}
	v.reckon(v.all)
	return v
}

// narrowed returns the view with a listing of what was started in some periods.
// All that the view shows as pending is among it.
func (v *view) narrowed(begun time.Time, asked periods, snaps []Snapshot) *view {
	w := &view{begun: begun, whole: v.whole, all: v.all, part: v.part.with(begun, asked, snaps, v)}
	w.reckon(w.part.index)
	return w
}

// reckon counts what is pending.
func (v *view) reckon(x *index) {
	v.pending = pendingCount{byVolume: map[string]int{}, newest: map[string]time.Time{}, timed: map[string]float64{}}
	for _, s := range x.list {
		v.pending.add(s)
		if s.State != SnapshotCompleted && s.State != SnapshotError {
			v.pends = append(v.pends, pend{s.ID, s.Started, s.SizeGiB, isCopied(s.Tags)})
		}
	}
}

// snapshot returns what is known of a snapshot.
func (v *view) snapshot(id string) (Snapshot, bool) {
	if v.part != nil {
		if s, ok := v.part.snapshot(id); ok {
			return s, true
		}
	}
	s, ok := v.all.snapshot(id)
	if !ok || v.part.covers(s.Started) {
		return Snapshot{}, false
	}
	return s, true
}

// of returns the snapshots whose tags name a point, oldest first. The caller
// must not change them.
func (v *view) of(point string) []Snapshot {
	list := v.all.of(point)
	if v.part == nil {
		return list
	}
	late := v.part.of(point)
	gone := func(s Snapshot) bool { return v.part.covers(s.Started) }
	if !slices.ContainsFunc(list, gone) && len(late) == 0 {
		return list
	}
	list = slices.Concat(slices.DeleteFunc(slices.Clone(list), gone), late)
	slices.SortFunc(list, byAge)
	return list
}

// points yields the snapshots of each point, oldest first.
func (v *view) points() iter.Seq[[]Snapshot] {
	return func(yield func([]Snapshot) bool) {
		for point := range v.all.all() {
			if list := v.of(point); len(list) > 0 && !yield(list) {
				return
			}
		}
		if v.part == nil {
			return
		}
		for point, list := range v.part.all() {
			if _, told := v.all.points[point]; !told && !yield(list) {
				return
			}
		}
	}
}

// known returns how many snapshots that were started in a period it shows.
func (v *view) known(p period) int {
	if v.part.covers(p.begin()) {
		return v.part.count[p]
	}
	return v.all.count[p]
}

// seen returns when the listing was begun that last showed, or would have shown
// if it were there, what was started then.
func (v *view) seen(started time.Time) time.Time {
	if v.part.covers(started) {
		return v.part.listed[periodOf(started)]
	}
	return v.whole
}

// proves says whether what it lacks was not there at a moment: by a listing of
// all begun no earlier. Of snapshots that are named it is enough if each was
// listed since.
func (v *view) proves(since time.Time, of []Trace) bool {
	if !v.whole.Before(since) {
		return true
	}
	for _, t := range of {
		if s, ok := v.snapshot(t.Snapshot); !ok || v.seen(s.Started).Before(since) {
			return false
		}
	}
	return len(of) > 0
}

// add counts a snapshot. In a protected account the tags may lie about what
// is a copy; then its own work there waits longer, or is refused by AWS.
func (p *pendingCount) add(s Snapshot) {
	copied := isCopied(s.Tags)
	if !copied && s.Started.After(p.newest[s.Volume]) {
		p.newest[s.Volume] = s.Started
	}
	switch {
	case s.State == SnapshotCompleted || s.State == SnapshotError:
	case copied:
		p.copies++
		if s.CompletionMinutes > 0 {
			p.timed[regionOf(s.Tags[tagSource])] += s.needs()
		}
	default:
		p.originals++
		p.byVolume[s.Volume]++
	}
}

// with returns a copy of the view with what our own calls made since, as far as
// the listing does not show it.
func (v *view) with(list []made) *view {
	w := *v
	w.made, w.making = nil, nil
	for _, m := range list {
		if _, ok := v.snapshot(m.ID); !ok {
			w.made = append(w.made, m)
			w.making = append(w.making, m.pend)
		}
	}
	return &w
}

// madeWith returns what our own call with that key made, though no listing
// shows it yet.
func (v *view) madeWith(key string) []made {
	var list []made
	for _, m := range v.made {
		if m.Tags[tagKey] == key {
			list = append(list, m)
		}
	}
	return list
}

// pendingCopies counts the copies that are under way into the site.
func (v *view) pendingCopies() int {
	n := v.pending.copies
	for _, m := range v.made {
		if m.copied {
			n++
		}
	}
	return n
}

// pendingOriginals counts the snapshots under way in the site, and those of
// the volume that has the most.
func (v *view) pendingOriginals(volumes []Member) (all, ofOne int, newest time.Time) {
	all = v.pending.originals
	count := map[string]int{}
	for _, m := range v.made {
		if !m.copied {
			all++
			count[m.Volume]++
		}
	}
	for _, m := range volumes {
		ofOne = max(ofOne, v.pending.byVolume[m.Volume]+count[m.Volume])
		if t := v.pending.newest[m.Volume]; t.After(newest) {
			newest = t
		}
	}
	return all, ofOne, newest
}
