package backup

import (
	"cmp"
	"container/heap"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
)

// A crowd is who waits in a line. Where that is for slots, accounts take turns,
// so that one with many large volumes does not keep the others waiting all
// night: it is the turn of the one that has been given the least time so far.
// Within an account the first by rank goes first. But what has begun is finished
// before anything else is begun, and its account pays for that in turns: half of
// a machine is no recovery point. And before all goes a copy that may take longer
// than all that waits takes on all slots, whosever it is: begun later, it would
// go on while the other slots have nothing to do.
type crowd struct {
	slots   int // that accounts take turns for; zero: they take none, all are of one
	parties map[accounts.ID]*party
	// Of those who wait for slots: in the order of their longest copies; by rank,
	// of which a copy was begun; all, by job; and what they have still to copy in
	// all.
	long  entries
	begun entries
	waits map[int]entry
	work  time.Duration
}

// A party is those of one account.
type party struct {
	waiting entries       // by rank
	given   time.Duration // that the copies of those who went were expected to take
}

// early is how many times what it is expected to take a copy may take.
const early = 2

func newCrowd(slots int) *crowd {
	return &crowd{
		slots: slots, parties: map[accounts.ID]*party{},
		long: entries{before: byLongest}, begun: entries{before: byRank}, waits: map[int]entry{},
	}
}

func byLongest(a, b entry) int { return cmp.Or(cmp.Compare(b.longest, a.longest), byRank(a, b)) }

// add puts a job into the crowd. An account of which nobody waited begins
// level with the one that has been given least: what it did not ask for is gone.
func (c *crowd) add(e entry) {
	var id accounts.ID
	if c.slots > 0 {
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
	if c.slots > 0 {
		heap.Push(&c.long, e)
		if e.begun {
			heap.Push(&c.begun, e)
		}
		c.work += e.work - c.waits[e.job].work
		c.waits[e.job] = e
	}
}

// least returns the party whose turn it is, nil if nobody waits. Of equals it
// is the one whose first job has the lower rank.
func (c *crowd) least() (least *party) {
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

// first returns whose turn it is, nil if nobody waits; who is stale is struck off.
func (c *crowd) first(stale func(entry) bool) *entry {
	c.long.strike(stale)
	c.begun.strike(stale)
	for p := c.least(); p != nil; p = c.least() {
		if e := p.waiting.list[0]; stale(e) {
			heap.Pop(&p.waiting)
			c.forget(e)
			continue
		}
		if c.long.Len() > 0 && early*c.long.list[0].longest >= c.work/time.Duration(c.slots) {
			return &c.long.list[0]
		}
		if c.begun.Len() > 0 {
			return &c.begun.list[0]
		}
		return &p.waiting.list[0]
	}
	return nil
}

// went notes that who was first went on; he is stale now.
func (c *crowd) went(e entry) {
	if c.slots > 0 {
		c.parties[e.site.Account].given += e.longest
		c.forget(e)
	}
}

func (c *crowd) forget(e entry) {
	if last, ok := c.waits[e.job]; ok && last.ticket == e.ticket {
		delete(c.waits, e.job)
		c.work -= e.work
	}
}
