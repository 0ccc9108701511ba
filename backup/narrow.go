package backup

import (
	"maps"
	"time"
)

// wholeEvery is how old the last listing of all may be, while a site is listed:
// what nobody's work depends on (somebody deleted an old copy, or brought one
// back from the Recycle Bin) is known that late at most. What work depends on is
// looked at anew before it matters, see decision.lookAt, census and prune.
const wholeEvery = time.Hour

// A narrowing is a listing of a part: of what was started in the last minutes,
// and whenever else something was started that is pending, or is of a point of
// which something is. Nothing but that changes without being made by somebody.
type narrowing struct {
	begun  time.Time
	before *view // what is known
	made   []made
	asked  periods
	gone   map[string]bool // by our own hand; set when the listing is there
	settle time.Duration
}

// narrow returns what the next listing has to show at least; nil if that is
// all. What is pending is always asked for, so that what is counted as pending
// is right, other processes' and other programs' snapshots among it; and all of
// a point is listed at the moment its last snapshot is completed.
func (s *sight) narrow(id viewID, of wish, opts Options, now time.Time) *narrowing {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.last
	if !id.ofAll() || v == nil || !v.proves(of.since, of.of) || now.Sub(v.whole) > wholeEvery || now.Before(s.wary) {
		return nil
	}
	n := &narrowing{begun: now, before: v, made: s.made, asked: periods{}, settle: opts.Settle}
	n.asked.add(v.begun.Add(-opts.Grace-maxSkew), now.Add(maxSkew)) // what others made, however late it is listed
	for _, m := range s.made {
		n.asked.add(m.at.Add(-maxSkew), m.at.Add(maxSkew))
		n.addPoint(m.Tags[tagPoint])
	}
	for _, p := range v.pends {
		if p.since.IsZero() {
			return nil // no part would show it
		}
		n.asked.add(p.since, p.since)
		snap, _ := v.snapshot(p.id)
		n.addPoint(snap.Tags[tagPoint])
	}
	return n
}

func (n *narrowing) addPoint(point string) {
	for _, s := range n.before.of(point) {
		n.asked.add(s.Started, s.Started)
	}
}

// forgotten returns what our own calls have deleted.
func (s *sight) forgotten() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.deleted)
}

// lacking says whether a listing of a part lacks what it should show: what was
// listed before and what our calls made, unless it may still come or we have
// deleted it.
func (n *narrowing) lacking(v *view) bool {
	known := 0
	for p := range n.asked {
		known += n.before.known(p)
	}
	for _, s := range v.part.list {
		if _, ok := n.before.snapshot(s.ID); ok && n.asked[periodOf(s.Started)] {
			known--
		}
	}
	for id := range n.gone {
		s, was := n.before.snapshot(id)
		if _, is := v.snapshot(id); was && !is && n.asked[periodOf(s.Started)] {
			known--
		}
	}
	if known > 0 {
		return true
	}
	for _, m := range n.made {
		if _, ok := v.snapshot(m.ID); !ok && n.begun.Sub(m.at) > n.settle && !n.gone[m.ID] {
			return true
		}
	}
	return false
}

// belied says whether a listing of all shows what the part before it lacked.
func (n *narrowing) belied(v, all *view) bool {
	for _, m := range n.made {
		_, in := v.snapshot(m.ID)
		if _, ok := all.snapshot(m.ID); ok && !in && n.begun.Sub(m.at) > n.settle {
			return true
		}
	}
	for _, s := range all.all.list {
		if !n.asked[periodOf(s.Started)] {
			continue
		}
		_, before := n.before.snapshot(s.ID)
		if _, in := v.snapshot(s.ID); before && !in {
			return true
		}
	}
	return false
}

// distrust has the site listed as a whole for a while: whoever filters there
// does not filter as we think, or it was chance.
func (s *sight) distrust(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wary = now.Add(wholeEvery)
}

// forget notes that one of our calls has deleted a snapshot, so that listings
// of a part need not show it.
func (e *Engine) forget(site Site, id string) {
	e.mu.Lock()
	var concerned []*sight
	for v, s := range e.sights {
		if v.site == site && v.ofAll() {
			concerned = append(concerned, s)
		}
	}
	e.mu.Unlock()
	for _, s := range concerned {
		s.mu.Lock()
		if s.deleted == nil {
			s.deleted = map[string]bool{}
		}
		s.deleted[id] = true
		s.mu.Unlock()
	}
}
