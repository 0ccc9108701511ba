package backup

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/snapkeep/snapkeep/accounts"
)

// A Feed tells of snapshots that have ended, so that the engine need not find
// out by listing: what EventBridge delivers, for one, which ParseChanges reads.
// The rule that a host needs in each site, with a target that reaches it; the
// sets of instances have a detail-type of their own (Amazon EBS User Guide,
// "Amazon EventBridge events for Amazon EBS"):
//
//	{"source": ["aws.ec2"],
//	 "detail-type": ["EBS Snapshot Notification", "EBS Multi-Volume Snapshots Completion Status"],
//	 "detail": {"event": ["createSnapshot", "createSnapshots", "copySnapshot"]}}
//
// Events are hints and nothing is believed of them: each has the site listed
// soon. They may be lost, late, repeated, in any order or made up. What is lost
// costs time alone: sites are still looked at every Options.MaxPoll, and as
// often as without a Feed where an end was found that no event told of.
type Feed interface {
	// Next returns the next change; it waits for one, or for ctx. After an error,
	// which is told as an event, it is called again later. Each call of Run calls
	// it, one call at a time; where runs overlap, whichever gets a change tells
	// the engine, and so all.
	Next(ctx context.Context) (Change, error)
}

// A Change is one snapshot that has ended, well or not.
type Change struct {
	Site     Site   // where the snapshot is
	Snapshot string // its id
}

// ParseChanges reads an event of EventBridge, as its targets are given it. A
// createSnapshot or copySnapshot is one change, a createSnapshots one for each
// snapshot of the set; any other event is none, and no error. The error says
// which field of what is no JSON, or of such an event, cannot be. Whether the
// event is genuine is not looked at; see Feed.
func ParseChanges(event []byte) ([]Change, error) {
	var e struct {
		Account accounts.ID `json:"account"`
		Region  string      `json:"region"`
		Detail  struct {
			Event     string `json:"event"`
			Snapshot  string `json:"snapshot_id"`
			Snapshots []struct {
				Snapshot string `json:"snapshot_id"`
			} `json:"snapshots"`
		} `json:"detail"`
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, fmt.Errorf("backup: an event of EventBridge: %w", err)
	}
	arns := []string{e.Detail.Snapshot}
	switch e.Detail.Event {
	case "createSnapshot", "copySnapshot":
	case "createSnapshots":
		arns = nil
		for _, s := range e.Detail.Snapshots {
			arns = append(arns, s.Snapshot)
		}
	default:
		return nil, nil
	}
	if _, err := accounts.ParseID(string(e.Account)); err != nil {
		return nil, fmt.Errorf("backup: an event of EventBridge: account: %w", err)
	}
	if _, known := partitionOf(e.Region); !known {
		return nil, fmt.Errorf("backup: an event of EventBridge: region: %q is none", e.Region)
	}
	changes := make([]Change, 0, len(arns))
	for _, arn := range arns {
		// The Region stands in either of two places of the ARN; the id is at its end.
		_, id, _ := strings.Cut(arn, ":snapshot/")
		if !strings.HasPrefix(id, "snap-") {
			return nil, fmt.Errorf("backup: an event of EventBridge: detail: %q is no ARN of a snapshot", arn)
		}
		changes = append(changes, Change{Site: Site{e.Account, e.Region}, Snapshot: id})
	}
	return changes, nil
}

// deafness is for how long a feed is not relied upon, after an end it did not
// tell of.
const deafness = 10 * time.Minute

// ears are what an engine has heard of changes.
type ears struct {
	mu    sync.Mutex // guards all below
	sites map[Site]*hearing
}

// A hearing is what was heard of one site.
type hearing struct {
	told map[string]time.Time // by snapshot, until a listing shows its end
	deaf time.Time            // until when the feed is not relied upon
}

// Changed tells the engine that a snapshot has ended, as Options.Feed does: for
// hosts that call Advance, or to which events are pushed. It makes no call.
func (e *Engine) Changed(c Change) {
	e.mu.Lock()
	var concerned []*sight
	for id, s := range e.sights {
		if id.site == c.Site && id.shared == "" {
			concerned = append(concerned, s)
		}
	}
	queues := make([]*queue, 0, len(e.queues))
	for q := range e.queues {
		queues = append(queues, q)
	}
	e.mu.Unlock()
	if len(concerned) == 0 {
		return // nobody waits for anything there
	}
	e.ears.hear(c, time.Now(), e.opts.Grace)
	for _, s := range concerned {
		s.mu.Lock()
		s.now = nil // due is another
		s.mu.Unlock()
		s.changed()
	}
	for _, q := range queues {
		q.stirred()
	}
}

func (h *ears) hear(c Change, now time.Time, grace time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sites[c.Site]
	if s == nil {
		s = &hearing{told: map[string]time.Time{}}
		h.sites[c.Site] = s
	}
	for id, at := range s.told { // of snapshots that are none of ours
		if now.Sub(at) > grace {
			delete(s.told, id)
		}
	}
	s.told[c.Snapshot] = now
}

// of returns when something pending was last told to have ended, within lag
// before the listing: that one may not show it yet. And whether the feed tells all.
func (h *ears) of(o *outlook, site Site, lag time.Duration) (told time.Time, tellsAll bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sites[site]
	if s == nil {
		return time.Time{}, false
	}
	for p := range o.all() {
		if at, ok := s.told[p.id]; ok && o.begun.Sub(at) < lag && at.After(told) {
			told = at
		}
	}
	return told, o.begun.After(s.deaf)
}

// check looks whether what has ended between two listings was told.
func (h *ears) check(site Site, before outlook, v *view) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sites[site]
	if s == nil {
		return
	}
	for p := range before.all() {
		snap, ok := v.snapshot(p.id)
		if !ok || snap.State != SnapshotCompleted && snap.State != SnapshotError {
			continue
		}
		if _, told := s.told[p.id]; !told {
			s.deaf = v.begun.Add(deafness)
		}
		delete(s.told, p.id)
	}
}

// follow hands over what the feed tells, until ctx is done.
func (e *Engine) follow(ctx context.Context) {
	for tries := 0; ctx.Err() == nil; {
		c, err := e.opts.Feed.Next(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			tries++
			e.tell(Event{Err: fmt.Errorf("the feed of changes: %w", err)})
			pause(ctx, backoff(tries))
		default:
			tries = 0
			e.Changed(c)
		}
	}
}

// listen has a run's queue hear of changes until stop is called, and follows
// the feed for so long.
func (e *Engine) listen(ctx context.Context, q *queue) (stop func()) {
	e.mu.Lock()
	e.queues[q] = true
	e.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	var g errgroup.Group
	if e.opts.Feed != nil {
		g.Go(func() error {
			e.follow(ctx)
			return nil
		})
	}
	return func() {
		cancel()
		_ = g.Wait() // it returns none
		e.mu.Lock()
		delete(e.queues, q)
		e.mu.Unlock()
	}
}
