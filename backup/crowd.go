package backup

import (
	"container/heap"

	"github.com/snapkeep/snapkeep/accounts"
)

// A crowd is who waits in a line. Where that is for room, accounts take turns,
// so that one with many large volumes does not keep the others waiting all
// night: it is the turn of the one that has been given the least time so far.
// Within an account the first by rank goes first.
type crowd struct {
	fair    bool // between accounts; else all are of one
	parties map[accounts.ID]*party
}

// A party is those of one account.
type party struct {
	waiting entries // by rank
	given   int64   // time, in nanoseconds, that those who went were expected to take
}

func newCrowd(fair bool) crowd { return crowd{fair, map[accounts.ID]*party{}} }

// add puts a job into the crowd. An account of which nobody waited begins
// level with the one that has been given least: what it did not ask for is gone.
func (c crowd) add(e entry) {
	var id accounts.ID
	if c.fair {
		id = e.site.Account
	}
	p := c.parties[id]
	if p == nil {
		p = &party{waiting: entries{before: byRank}}
		c.parties[id] = p
	}
	if least := c.least(); p.waiting.Len() == 0 && least != nil {
		p.given = max(p.given, least.given)
	}
	heap.Push(&p.waiting, e)
}

// least returns the party whose turn it is, nil if nobody waits. Of equals it
// is the one whose first job has the lower rank.
func (c crowd) least() (least *party) {
	for _, p := range c.parties {
		if p.waiting.Len() == 0 {
			continue
		}
		if least == nil || p.given < least.given || p.given == least.given && byRank(p.waiting.list[0], least.waiting.list[0]) < 0 {
			least = p
		}
	}
	return least
}

func (c crowd) empty() bool { return c.least() == nil }

// first returns whose turn it is, nil if nobody waits; who is stale is struck off.
func (c crowd) first(stale func(entry) bool) *entry {
	for p := c.least(); p != nil; p = c.least() {
		if e := &p.waiting.list[0]; !stale(*e) {
			return e
		}
		heap.Pop(&p.waiting)
	}
	return nil
}

// next takes out who is first.
func (c crowd) next() entry {
	p := c.least()
	e := heap.Pop(&p.waiting).(entry)
	p.given += max(e.rank, -e.rank)
	return e
}
