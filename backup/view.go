package backup

import (
	"cmp"
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

// A view is one listing, indexed; it is never changed. A view may hold forged
// tags, so it looks at none but by their text.
type view struct {
	begun   time.Time
	ahead   time.Duration // how far AWS's clock is ahead of ours
	byID    map[string]Snapshot
	byPoint map[string][]Snapshot // by snapkeep:point
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

func newView(begun time.Time, snaps []Snapshot) *view {
	v := &view{begun: begun, byID: make(map[string]Snapshot, len(snaps)), byPoint: map[string][]Snapshot{}}
	v.pending = pendingCount{byVolume: map[string]int{}, newest: map[string]time.Time{}, timed: map[string]float64{}}
	for _, s := range snaps {
		v.byID[s.ID] = s
		v.byPoint[s.Tags[tagPoint]] = append(v.byPoint[s.Tags[tagPoint]], s)
		v.pending.add(s)
		if s.State != SnapshotCompleted && s.State != SnapshotError {
			v.pends = append(v.pends, pend{s.ID, s.Started, s.SizeGiB, isCopied(s.Tags)})
		}
	}
	for _, list := range v.byPoint {
		slices.SortFunc(list, byAge)
	}
	return v
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

// byAge orders snapshots, the first adopted first: by StartTime, then by id.
func byAge(a, b Snapshot) int {
	return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.ID, b.ID))
}

// with returns a copy of the view with what our own calls made since, as far as
// the listing does not show it.
func (v *view) with(list []made) *view {
	w := *v
	w.made, w.making = nil, nil
	for _, m := range list {
		if _, ok := v.byID[m.ID]; !ok {
			w.made = append(w.made, m)
			w.making = append(w.making, m.pend)
		}
	}
	return &w
}

// of returns the snapshots whose tags name a point, oldest first, as listed.
func (v *view) of(point string) []Snapshot { return v.byPoint[point] }

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
