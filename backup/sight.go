package backup

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A sight keeps one listing for all jobs that need it.
type sight struct {
	// refreshing holds one token: who has it lists, the others wait for the
	// result, or for their own ctx.
	refreshing chan struct{}

	mu   sync.Mutex // guards the two below
	last *view
	made []made // what our calls made, until the listing shows it or grace is over
}

func (e *Engine) sight(id viewID) *sight {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.sights[id]
	if s == nil {
		s = &sight{refreshing: make(chan struct{}, 1)}
		e.sights[id] = s
	}
	return s
}

// latest returns the last listing with what was made since, nil if there is none.
func (s *sight) latest() *view {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		return nil
	}
	return s.last.with(s.made)
}

// add notes what one of our calls made.
func (s *sight) add(snaps []Snapshot, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, snap := range snaps {
		s.made = append(s.made, made{snap, now})
	}
}

// put replaces the listing, and forgets what it shows of what was made, and
// what should have been in it for so long that it cannot be there.
func (s *sight) put(v *view, grace time.Duration) *view {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made = slices.DeleteFunc(slices.Clone(s.made), func(m made) bool {
		_, listed := v.byID[m.ID]
		return listed || v.begun.Sub(m.at) > grace
	})
	s.last = v
	return v.with(s.made)
}

// see returns a listing begun no earlier than since. Those who ask for one
// listing at the same time share one call.
func (e *Engine) see(ctx context.Context, id viewID, since time.Time) (*view, error) {
	s := e.sight(id)
	select {
	case s.refreshing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.refreshing }()
	if v := s.latest(); v != nil && !v.begun.Before(since) {
		return v, nil
	}
	c, err := e.client(ctx, id.driver, actor{site: id.site, purpose: id.purpose}, "")
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	q := Query{Tags: map[string]string{tagVault: string(e.opts.Vault)}, SharedWith: id.shared}
	var snaps []Snapshot
	for snap, err := range c.List(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", id.site, err)
		}
		snaps = append(snaps, snap)
	}
	return s.put(newView(begun, snaps), e.opts.Grace), nil
}
