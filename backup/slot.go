package backup

import (
	"sync"
	"time"
)

// lowered is how long a number of slots stays lowered after AWS refused a copy.
const lowered = 10 * time.Minute

// A slotCounter counts the copies into each site, and the originals pending in
// it: EC2 takes only so many at a time, whoever sends them.
type slotCounter struct {
	mu    sync.Mutex // guards sites and what they hold
	sites map[Site]*slot
}

type slot struct {
	inFlight [roomNone]int     // what calls make that have not been answered
	learned  [roomNone]ceiling // by what there is room for
	turns    [roomNone]turns   // of those who wait for it
}

// A ceiling is a limit that holds until a moment.
type ceiling struct {
	limit int
	until time.Time
}

// of returns the lower of a limit and what was learned.
func (c ceiling) of(limit int, now time.Time) int {
	if now.Before(c.until) {
		return min(limit, c.limit)
	}
	return limit
}

// Turns count those who were turned away since a listing was begun.
type turns struct {
	begun time.Time
	n     int
}

// What a site has room for.
const (
	roomCopies = iota
	roomOriginals
	roomNone // what waits for a listing takes no room
)

// maxTurn is after how many listings at most who waits is to look again.
const maxTurn = 16

// turn returns after how many listings it is worth looking whether there is
// room, if room is made for no more than width at a time and those who asked
// before are served before. Large jobs ask first, see queue. Of a thousand who
// wait for 20 slots, a hundred look at each listing.
func (c *slotCounter) turn(site Site, kind, width int, begun time.Time) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &c.site(site).turns[kind]
	if !l.begun.Equal(begun) {
		*l = turns{begun: begun}
	}
	l.n++
	return min(1+(l.n-1)/width, maxTurn)
}

// free returns how many more a site has room for while pending are under way.
func (c *slotCounter) free(site Site, kind, pending, limit int, now time.Time) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.site(site).free(kind, pending, limit, now)
}

// A need is what a call needs room for.
type need struct{ kind, n int }

// reserve takes room for the time of a call, if there is that much; or if there
// is nothing else: what is larger than a limit must go on some day. What is
// pending is asked while no call can end, or one might be counted neither as
// in flight nor as made.
func (c *slotCounter) reserve(site Site, of need, underWay func() int, limit int, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, pending := c.site(site), underWay()
	if s.free(of.kind, pending, limit, now) < of.n && pending+s.inFlight[of.kind] > 0 {
		return false
	}
	s.inFlight[of.kind] += of.n
	return true
}

func (c *slotCounter) release(site Site, of need) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.site(site).inFlight[of.kind] -= of.n
}

// refused notes that AWS has less room than thought: others use it, or the
// account's limit is lower. At least one is tried again, or it would never be
// known that there is room again.
func (c *slotCounter) refused(site Site, kind, pending int, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.site(site).learned[kind] = ceiling{max(pending, 1), now.Add(lowered)}
}

func (c *slotCounter) site(site Site) *slot {
	s := c.sites[site]
	if s == nil {
		s = &slot{}
		c.sites[site] = s
	}
	return s
}

func (s *slot) free(kind, pending, limit int, now time.Time) int {
	return s.learned[kind].of(limit, now) - pending - s.inFlight[kind]
}
