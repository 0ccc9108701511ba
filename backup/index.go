package backup

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"
)

// An index is the snapshots of listings, found by id and by point. It is never
// changed. It may hold forged tags, so it looks at none but by their text.
type index struct {
	list   []Snapshot      // those of one point together, the oldest first
	byID   map[string]int  // into list
	points map[string]pair // by snapkeep:point: where those of a point are in list
	count  map[period]int  // of those started in a period
}

type pair struct{ from, to int }

// newIndex returns the index of some snapshots. What before shows just the
// same shares its memory.
func newIndex(snaps []Snapshot, before *view) *index {
	type placed struct {
		point string
		at    int // in snaps
	}
	order := make([]placed, len(snaps))
	for i, s := range snaps {
		order[i] = placed{s.Tags[tagPoint], i}
	}
	slices.SortFunc(order, func(a, b placed) int {
		if c := cmp.Compare(a.point, b.point); c != 0 {
			return c
		}
		return byAge(snaps[a.at], snaps[b.at])
	})
	x := &index{
		list: make([]Snapshot, len(snaps)), byID: make(map[string]int, len(snaps)),
		points: map[string]pair{}, count: map[period]int{},
	}
	for i, o := range order {
		s := &x.list[i]
		*s = snaps[o.at]
		s.share(before)
		p := pair{i, i + 1}
		if i > 0 && order[i-1].point == o.point {
			s.shareTags(x.list[i-1])
			p.from = x.points[o.point].from
		}
		x.byID[s.ID], x.points[o.point] = i, p
		x.count[periodOf(s.Started)]++
	}
	return x
}

// share takes over from an earlier listing what has not changed.
func (s *Snapshot) share(before *view) {
	if before == nil {
		return
	}
	was, ok := before.snapshot(s.ID)
	if !ok {
		return
	}
	s.ID = was.ID
	s.shareTags(was)
	if s.Description == was.Description {
		s.Description = was.Description
	}
	if s.Volume == was.Volume {
		s.Volume = was.Volume
	}
	if s.KMSKey == was.KMSKey {
		s.KMSKey = was.KMSKey
	}
}

// shareTags takes the tags of another snapshot, if they are the same: those of
// the originals of a point are.
func (s *Snapshot) shareTags(other Snapshot) {
	if maps.Equal(s.Tags, other.Tags) {
		s.Tags = other.Tags
	}
}

// byAge orders snapshots, the first adopted first: by StartTime, then by id.
func byAge(a, b Snapshot) int {
	return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.ID, b.ID))
}

func (x *index) snapshot(id string) (Snapshot, bool) {
	i, ok := x.byID[id]
	if !ok {
		return Snapshot{}, false
	}
	return x.list[i], true
}

// of returns the snapshots whose tags name a point, oldest first. The caller
// must not change them.
func (x *index) of(point string) []Snapshot {
	p := x.points[point]
	return x.list[p.from:p.to:p.to]
}

// A period is ten minutes of StartTimes, counted from 1970: what listings of a
// part of a site's snapshots are cut by. StartTime never changes.
type period int64

const periodLength = 10 * time.Minute

func periodOf(t time.Time) period {
	seconds, length := t.Unix(), int64(periodLength/time.Second)
	return period((seconds - (seconds%length+length)%length) / length)
}

func (p period) begin() time.Time {
	return time.Unix(int64(p)*int64(periodLength/time.Second), 0).UTC()
}

// periods is a set of them.
type periods map[period]bool

// add adds all from one moment to another.
func (set periods) add(from, to time.Time) {
	for p := periodOf(from); p <= periodOf(to); p++ {
		set[p] = true
	}
}

// spans returns what a driver is to be asked for.
func (set periods) spans() []Span {
	var spans []Span
	for _, p := range slices.Sorted(maps.Keys(set)) {
		if n := len(spans) - 1; n >= 0 && spans[n].To.Equal(p.begin()) {
			spans[n].To = (p + 1).begin()
		} else {
			spans = append(spans, Span{p.begin(), (p + 1).begin()})
		}
	}
	return spans
}

// A part is what listings of a part of a site's snapshots have shown since the
// last listing of all: for the periods that were asked for it is all there is.
// It is never changed.
type part struct {
	*index
	listed map[period]time.Time // when the last listing of a period was begun
}

// with returns the part with one more listing; the receiver may be nil.
func (p *part) with(begun time.Time, asked periods, snaps []Snapshot, before *view) *part {
	next := &part{listed: make(map[period]time.Time, len(asked))}
	var all []Snapshot
	if p != nil {
		maps.Copy(next.listed, p.listed)
		for _, s := range p.list {
			if !asked[periodOf(s.Started)] {
				all = append(all, s)
			}
		}
	}
	for set := range asked {
		next.listed[set] = begun
	}
	for _, s := range snaps {
		if asked[periodOf(s.Started)] { // a driver may list more, which proves nothing
			all = append(all, s)
		}
	}
	next.index = newIndex(all, before)
	return next
}

// covers says whether the part tells all there is of what was started then.
func (p *part) covers(t time.Time) bool {
	if p == nil {
		return false
	}
	_, ok := p.listed[periodOf(t)]
	return ok
}

// all yields the snapshots of each point, oldest first.
func (x *index) all() iter.Seq2[string, []Snapshot] {
	return func(yield func(string, []Snapshot) bool) {
		for point := range x.points {
			if !yield(point, x.of(point)) {
				return
			}
		}
	}
}
