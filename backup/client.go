package backup

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// A clientID names a client: whose driver's, where, as what, and for which run
// the session is held down, if it is.
type clientID struct {
	driver  int
	site    Site
	purpose accounts.Purpose
	run     string
}

type clientCache struct {
	mu   sync.Mutex // guards made
	made map[clientID]Client
}

// client returns a client for a site; run is that of the job it acts for.
func (e *Engine) client(ctx context.Context, driver int, at actor, run string) (Client, error) {
	id := clientID{driver: driver, site: at.site, purpose: at.purpose}
	if at.narrow {
		id.run = run
	}
	e.clients.mu.Lock()
	c, ok := e.clients.made[id]
	e.clients.mu.Unlock()
	if ok {
		return c, nil
	}
	sessions, err := e.narrow(at, run)
	if err != nil {
		return nil, err
	}
	cfg, err := sessions.Config(ctx, at.site.Account, at.purpose, at.site.Region)
	if err != nil {
		return nil, err
	}
	c = e.drivers[driver].Open(cfg, at.site)
	if at.narrow {
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

// A narrower can hold sessions down by a policy. *accounts.Sessions is one.
type narrower interface {
	Narrow(id accounts.ID, p accounts.Purpose, sessionPolicy string) (*accounts.Sessions, error)
}

// narrow returns the sessions for an actor: for one that deletes, and if the
// host's Sessions can do that, they allow to delete only what the run made. A
// forged tag, or a mistake of ours, cannot make it delete anything else.
func (e *Engine) narrow(at actor, run string) (Sessions, error) {
	n, ok := e.sessions.(narrower)
	if !at.narrow || !ok {
		return e.sessions, nil
	}
	partition, _ := partitionOf(at.site.Region)
	policy, err := json.Marshal(iampolicy.CleanupSession(partition, string(e.opts.Vault), run))
	if err != nil {
		return nil, fmt.Errorf("session policy: %w", err)
	}
	return n.Narrow(at.site.Account, at.purpose, string(policy))
}
