package backup

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// A sight keeps one listing for all jobs that need it.
type sight struct {
	// refreshing holds one token: who has it lists, the others wait for the
	// result, or for their own ctx.
	refreshing chan struct{}

	mu    sync.Mutex // guards all below
	last  *view
	count [2]int    // of listings, and of these and what was made
	now   *view     // last with made, and when it is due; nil until somebody asks
	made  []made    // what our calls made, until a listing shows it or listings have lacked it for grace
	begun time.Time // when the listing that is under way was begun; zero if none is
	// deleted are snapshots that our own calls deleted and that are still listed,
	// and wary is until when no listing of a part is relied upon, see narrow.
	deleted map[string]bool
	wary    time.Time
	// Of listings that failed: how many in a row, why the last did, and when
	// the next is worth while.
	tries     int
	err       error
	notBefore time.Time

	foresee func(*view) outlook
	news    *atomic.Int64 // the engine's
	version atomic.Int64  // counts what is new of this one

	used time.Time // when somebody last asked for it; the engine's mu guards it
}

// shareWait is how long who needs a listing waits for one that another has
// begun. After that a site that hangs would hold up who has other work.
const shareWait = time.Second

// A busyError says that a listing is under way and takes long.
type busyError struct{ again time.Time }

func (e *busyError) Error() string { return "a listing is under way" }

// A listError is a listing that failed, for all who needed it.
type listError struct {
	err   error
	again time.Time // when the next is worth while
}

func (e *listError) Error() string { return e.err.Error() }
func (e *listError) Unwrap() error { return e.err }

func (e *Engine) sight(id viewID) *sight {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	s := e.sights[id]
	if s != nil {
		s.used = now // before others are dropped: a listing, or a call, may have taken that long
	}
	e.dropSights(now)
	if s == nil {
		s = &sight{refreshing: make(chan struct{}, 1), news: &e.news, foresee: func(v *view) outlook { return e.outlook(id.site, v) }}
		e.sights[id] = s
	}
	s.used = now
	return s
}

// dropSights forgets, now and then, listings that nobody has asked for since
// what our calls made must be listed; during a run, since a listing of a part
// would not do any more. The caller holds mu.
func (e *Engine) dropSights(now time.Time) {
	if now.Sub(e.swept) < e.opts.Grace {
		return
	}
	e.swept = now
	idle := max(e.opts.Grace, e.opts.MaxAge, e.opts.MaxPoll) + lastRetry
	if len(e.queues) > 0 {
		idle = max(idle, wholeEvery)
	}
	maps.DeleteFunc(e.sights, func(_ viewID, s *sight) bool { return len(s.refreshing) == 0 && now.Sub(s.used) > idle })
}

// latest returns the last listing with what was made since, nil if there is none.
func (s *sight) latest() *view {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current()
}

// current is latest for who holds mu.
func (s *sight) current() *view {
	if s.now == nil && s.last != nil {
		s.now = s.last.with(s.made)
		s.now.due = s.foresee(s.now).due()
	}
	return s.now
}

// changed tells who waits in lines that there is something new.
func (s *sight) changed() {
	s.version.Add(1)
	s.news.Add(1)
}

// add notes what one of our calls made.
func (s *sight) add(snaps []Snapshot, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, snap := range snaps {
		s.made = append(s.made, made{Snapshot: snap, pend: pend{snap.ID, now, snap.SizeGiB, isCopied(snap.Tags)}, at: now})
	}
	s.now = nil
	s.count[1]++
	s.changed()
}

// freed tells who waits for room that a call has given some back.
func (s *sight) freed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count[1]++
	s.changed()
}

// put replaces the listing, and forgets what it shows of what was made, and
// what listings have lacked for so long that it cannot be there. It returns
// what the listing before let expect.
func (s *sight) put(v *view, grace time.Duration) (before outlook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if was := s.current(); was != nil {
		before = s.foresee(was)
	}
	var still []made
	for _, m := range s.made {
		if m.missed.IsZero() && v.begun.After(m.at) {
			m.missed = v.begun
		}
		if _, listed := v.snapshot(m.ID); !listed && (m.missed.IsZero() || v.begun.Sub(m.missed) <= grace) {
			still = append(still, m)
		}
	}
	maps.DeleteFunc(s.deleted, func(id string, _ bool) bool {
		_, listed := v.snapshot(id)
		return !listed
	})
	s.count[0]++
	s.count[1]++
	s.changed()
	s.last, s.now, s.made, s.tries, s.err, s.notBefore = v, nil, still, 0, nil, time.Time{}
	return before
}

// see returns a listing of all begun no earlier than since, however long it
// takes. Those who ask for one listing at the same time share one call.
func (e *Engine) see(ctx context.Context, id viewID, since time.Time) (*view, error) {
	s := e.sight(id)
	select {
	case s.refreshing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.refreshing }()
	if v := s.latest(); v != nil && v.proves(since, nil) {
		return v, nil
	}
	return e.list(ctx, id, s, wish{since: since})
}

// peek is see for who has other work and is content with any listing that is
// good for a wish: it waits but shortly for a listing that another has begun,
// then returns a *busyError; and where the last one failed a short while ago, it
// returns that *listError instead of trying again.
func (e *Engine) peek(ctx context.Context, id viewID, of wish, good func(*view, wish) bool) (*view, error) {
	s := e.sight(id)
	if v := s.latest(); v != nil && good(v, of) {
		return v, nil
	}
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer func() { <-s.refreshing }()
	if v := s.latest(); v != nil && good(v, of) {
		return v, nil
	}
	if err := s.failure(time.Now()); err != nil {
		return nil, err
	}
	v, err := e.list(ctx, id, s, of)
	if err != nil && ctx.Err() == nil {
		err = s.failure(time.Time{})
	}
	return v, err
}

// enter takes the token, or says when it is worth asking again: the longer the
// listing takes, the later.
func (s *sight) enter(ctx context.Context) error {
	select {
	case s.refreshing <- struct{}{}:
		return nil
	default:
	}
	s.mu.Lock()
	begun := s.begun
	s.mu.Unlock()
	if begun.IsZero() { // who has the token is about to list, or to give it back
		begun = time.Now()
	}
	t := time.NewTimer(shareWait - time.Since(begun))
	defer t.Stop()
	select {
	case s.refreshing <- struct{}{}:
		return nil
	case <-t.C:
		now := time.Now()
		return &busyError{now.Add(min(max(now.Sub(begun), shareWait), 15*shareWait))}
	case <-ctx.Done():
		return ctx.Err()
	}
}

// failure returns the last listing's failure, if the next is not yet worth while.
func (s *sight) failure(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil || !s.notBefore.After(now) {
		return nil
	}
	return &listError{s.err, s.notBefore}
}

// list makes a listing that is good for a wish. The caller holds the token.
func (e *Engine) list(ctx context.Context, id viewID, s *sight, of wish) (*view, error) {
	s.mu.Lock()
	s.begun = time.Now()
	s.mu.Unlock()
	v, err := e.read(ctx, id, s, of)
	s.mu.Lock()
	s.begun = time.Time{}
	s.mu.Unlock()
	if err == nil {
		before := s.put(v, e.opts.Grace)
		if !id.locks && !id.images { // which are not what is heard of
			e.habits.learn(id.site, before, v)
			e.ears.check(id.site, before, v)
		}
		return s.latest(), nil
	}
	if ctx.Err() == nil {
		s.fail(err, time.Now())
	}
	return nil, err
}

// read lists a part, if that is enough, or all. If the part lacks what is
// known, a listing of all follows at once: nothing is taken for gone that only
// a part has lacked.
func (e *Engine) read(ctx context.Context, id viewID, s *sight, of wish) (*view, error) {
	var v *view
	n := s.narrow(id, of, e.opts, time.Now())
	if n != nil {
		snaps, ahead, err := e.snapshots(ctx, id, n.asked.spans())
		if err != nil {
			return nil, err
		}
		n.gone = s.forgotten()
		v = n.before.narrowed(n.begun, n.asked, snaps)
		if v.ahead = ahead; !n.lacking(v) {
			return v, nil
		}
	}
	all, err := e.readAll(ctx, id, s.latest())
	if err == nil && n != nil && n.belied(v, all) {
		s.distrust(n.begun)
	}
	return all, err
}

// readAll lists all.
func (e *Engine) readAll(ctx context.Context, id viewID, before *view) (v *view, err error) {
	begun := time.Now()
	switch {
	case id.locks:
		listing, done := e.observer.during(ctx, "list", id.site)
		v, err = e.listLocks(listing, id, begun)
		done(err)
	case id.images:
		listing, done := e.observer.during(ctx, "list", id.site)
		v = newView(begun, nil, nil)
		v.imaged, err = e.listImages(listing, id)
		done(err)
	default:
		snaps, ahead, failed := e.snapshots(ctx, id, nil)
		v, err = newView(begun, snaps, before), failed
		v.ahead = ahead
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (s *sight) fail(err error, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
	s.err, s.notBefore = err, now.Add(backoff(s.tries))
}

// snapshots lists a site's snapshots, all or what was started in some spans.
func (e *Engine) snapshots(ctx context.Context, id viewID, started []Span) (snaps []Snapshot, ahead time.Duration, err error) {
	ctx, done := e.observer.during(ctx, "list", id.site)
	defer func() { done(err) }()
	c, err := e.client(ctx, id.driver, actor{site: id.site, purpose: id.purpose}, errand{})
	if err != nil {
		return nil, 0, err
	}
	q := Query{Tags: map[string]string{tagVault: string(e.opts.Vault)}, SharedWith: id.shared, Started: started}
	for snap, err := range c.List(ctx, q) {
		if err != nil {
			return nil, 0, fmt.Errorf("list %s: %w", id.site, err)
		}
		snaps = append(snaps, snap)
	}
	return snaps, aheadOf(c), nil
}
