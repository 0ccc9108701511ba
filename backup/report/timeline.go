package report

import (
	"cmp"
	"container/heap"
	"slices"
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/backup"
)

// A Kind is what a Bar is of.
type Kind string

// The kinds.
const (
	Original Kind = "original" // a snapshot of a volume
	Rekeyed  Kind = "rekeyed"  // a copy in the protected account under a key that can be shared
	Copy     Kind = "copy"     // a copy at a destination
)

// A Timeline is what was under way in one site, and when.
type Timeline struct {
	// Site that owns the snapshots.
	Site backup.Site `json:"site"`
	// Bars by their Start, then by snapshot id.
	Bars []Bar `json:"bars"`
	// Lanes is how many of them were under way at once, at most: of copies, how
	// many slots were used.
	Lanes int `json:"lanes"`
}

// A Bar is the life of one snapshot, from its beginning until it was seen to
// be completed or in error.
type Bar struct {
	Snapshot string    `json:"snapshot"` // its id
	Resource string    `json:"resource"` // id of the instance or volume that it belongs to
	Volume   string    `json:"volume"`   // the source's
	Kind     Kind      `json:"kind"`     // what it was made as
	GiB      int32     `json:"gib"`      // of the whole volume
	Start    time.Time `json:"start"`    // StartTime as AWS names it; else when its call was answered
	// End is when a listing showed that it was done: up to the time between two
	// listings after it was. While it is Open, End is that of the report.
	End    time.Time `json:"end"`
	Open   bool      `json:"open,omitempty"`   // still pending when the run ended
	Failed bool      `json:"failed,omitempty"` // in state error
	Lane   int       `json:"lane"`             // from 0; bars of one lane do not overlap
}

// Timelines returns one for each site where a run had snapshots, by account
// and Region.
func Timelines(r *backup.Report) []Timeline {
	bars := map[backup.Site][]Bar{}
	add := func(site backup.Site, kind Kind, j *backup.Job, member int, t backup.Trace) {
		if t.Snapshot == "" {
			return
		}
		m := j.Resource.Members[member]
		b := Bar{
			Snapshot: t.Snapshot, Resource: j.Resource.ID(), Volume: m.Volume, Kind: kind, GiB: m.SizeGiB,
			Start: t.Started, End: t.Ended, Failed: t.Failed,
		}
		if b.Start.IsZero() {
			b.Start = t.Seen
		}
		if b.End.IsZero() {
			b.Open, b.End = !t.Deleted, r.Ended
		}
		if b.End.Before(b.Start) {
			b.End = b.Start
		}
		bars[site] = append(bars[site], b)
	}
	for i := range r.Jobs {
		j := &r.Jobs[i]
		for m := range j.Resource.Members {
			add(j.Resource.Site, Original, j, m, traceOf(j.Originals, m))
			add(j.Resource.Site, Rekeyed, j, m, traceOf(j.Rekeyed, m))
			for _, c := range j.Copies {
				add(c.Site, Copy, j, m, traceOf(c.Snapshots, m))
			}
		}
	}
	lines := make([]Timeline, 0, len(bars))
	for site, list := range bars {
		lines = append(lines, newTimeline(site, list))
	}
	slices.SortFunc(lines, func(a, b Timeline) int { return strings.Compare(a.Site.String(), b.Site.String()) })
	return lines
}

// traceOf returns a member's trace; none if a stored job has none.
func traceOf(list []backup.Trace, member int) backup.Trace {
	if member >= len(list) {
		return backup.Trace{}
	}
	return list[member]
}

// newTimeline gives each bar the first lane that is free: as many lanes as
// bars overlap are enough.
func newTimeline(site backup.Site, bars []Bar) Timeline {
	slices.SortFunc(bars, func(a, b Bar) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Snapshot, b.Snapshot))
	})
	l := Timeline{Site: site, Bars: bars}
	var busy lanes // by when they end
	var free []int
	for i := range bars {
		b := &bars[i]
		for busy.Len() > 0 && !busy[0].end.After(b.Start) {
			free = append(free, heap.Pop(&busy).(lane).n)
		}
		if len(free) == 0 {
			free = append(free, l.Lanes)
			l.Lanes++
		}
		slices.Sort(free)
		b.Lane, free = free[0], free[1:]
		heap.Push(&busy, lane{b.Lane, b.End})
	}
	return l
}

// A lane is one that is in use until its end.
type lane struct {
	n   int
	end time.Time
}

type lanes []lane

func (l lanes) Len() int           { return len(l) }
func (l lanes) Less(i, j int) bool { return l[i].end.Before(l[j].end) }
func (l lanes) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }

// Push and Pop are called by container/heap.
func (l *lanes) Push(x any) { *l = append(*l, x.(lane)) }

func (l *lanes) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}
