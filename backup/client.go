package backup

import (
	"context"
	"sync"

	"github.com/snapkeep/snapkeep/accounts"
)

// A clientID names a client: whose driver's, where, as what, and what for.
type clientID struct {
	driver  int
	site    Site
	purpose accounts.Purpose
	on      errand
}

type clientCache struct {
	mu   sync.Mutex // guards made
	made map[clientID]Client
}

// client returns a client for a site.
func (e *Engine) client(ctx context.Context, driver int, at actor, on errand) (Client, error) {
	id := clientID{driver: driver, site: at.site, purpose: at.purpose, on: on}
	e.clients.mu.Lock()
	c, ok := e.clients.made[id]
	e.clients.mu.Unlock()
	if ok {
		return c, nil
	}
	sessions, err := e.narrow(at, on)
	if err != nil {
		return nil, err
	}
	cfg, err := sessions.Config(ctx, at.site.Account, at.purpose, at.site.Region)
	if err != nil {
		return nil, err
	}
	c = e.drivers[driver].Open(cfg, at.site)
	if on.run != "" {
		return c, nil // one for each run would be kept for ever
	}
	e.clients.mu.Lock()
	defer e.clients.mu.Unlock()
	if first, ok := e.clients.made[id]; ok {
		return first, nil
	}
	e.clients.made[id] = c
	return c, nil
}
