package backup

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/internal/pace"
)

// A Limiter holds request rates and copy slots that several engines share, in
// several processes perhaps: what AWS counts is per account and Region, whoever
// calls. Implementations are safe for concurrent use, and quick: a worker of
// Run waits for each answer.
//
// What holds is only a matter of pace. If a method fails, the engine tells that
// as an event and goes by what it knows itself, as without a Limiter, until the
// next call: it may be refused by AWS then, and is slower for it; nothing else
// happens. So no attempt to repeat a failed call should be made inside. Package
// limitertest checks whether a Limiter does what this says.
type Limiter interface {
	// Take takes one token from each of the buckets and returns zero; or it
	// takes none and returns how long to wait before asking again.
	Take(ctx context.Context, buckets []Bucket) (time.Duration, error)
	// Throttled is told that AWS refused a call for its rate, though there was a
	// token: the bucket is to be emptied and its rate lowered for some time.
	Throttled(ctx context.Context, b Bucket) error
	// Reserve takes one of room copy slots of a site in the name of a key, until
	// it is released or hold has passed, and reports whether there was one that
	// others have not reserved. A key that has one keeps it, for hold from now on.
	Reserve(ctx context.Context, site Site, key string, room int, hold time.Duration) (bool, error)
	// Release gives a slot back. Releasing what is not reserved is a success.
	Release(ctx context.Context, site Site, key string) error
}

// A Bucket names one token bucket and says what it is filled with.
type Bucket struct {
	Account accounts.ID // 12 digits
	Region  string      // "eu-west-1"
	API     string      // "CopySnapshot"; or "volume " and an id, for the 15 s between snapshots of one
	Rate    Rate        // zero PerSecond: no limit
}

// ErrLimiter is told as an event when Options.Limiter fails; the engine goes on
// by what it knows itself.
var ErrLimiter = errors.New("the shared limiter does not work")

// NewLimiter returns a Limiter in memory, which engines of one process may
// share, and which shows what others must do.
func NewLimiter() Limiter {
	l := &memoryLimiter{rates: map[string]pace.Limit{}, slots: map[Site]map[string]time.Time{}}
	l.pacer = pace.New(func(api string) pace.Limit { return l.rates[rateKey(api)] })
	return l
}

// A memoryLimiter is a Limiter for one process.
type memoryLimiter struct {
	mu    sync.Mutex // guards all below
	pacer *pace.Pacer
	rates map[string]pace.Limit // by rateKey, as last told
	slots map[Site]map[string]time.Time
}

func (l *memoryLimiter) Take(ctx context.Context, buckets []Bucket) (time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	keys := make([]pace.Key, len(buckets))
	for i, b := range buckets {
		keys[i] = l.key(b)
	}
	return l.pacer.Take(time.Now(), keys...), ctx.Err()
}

func (l *memoryLimiter) Throttled(ctx context.Context, b Bucket) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pacer.Throttled(time.Now(), l.key(b))
	return ctx.Err()
}

// rateKey returns under which key the rate of an API is kept: all volumes have one.
func rateKey(api string) string {
	if isVolumeAPI(api) {
		return volumeAPI
	}
	return api
}

// key returns the pacer's key of a bucket and notes its rate, which the pacer
// asks for when it makes the bucket.
func (l *memoryLimiter) key(b Bucket) pace.Key {
	l.rates[rateKey(b.API)] = pace.Limit{}
	if b.Rate.PerSecond > 0 {
		l.rates[rateKey(b.API)] = pace.Limit{Burst: max(b.Rate.Burst, 1), Refill: b.Rate.PerSecond}
	}
	return pace.Key{Account: string(b.Account), Region: b.Region, API: b.API}
}

func (l *memoryLimiter) Reserve(ctx context.Context, site Site, key string, room int, hold time.Duration) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, others := time.Now(), 0
	for k, until := range l.slots[site] {
		switch {
		case !until.After(now):
			delete(l.slots[site], k)
		case k != key:
			others++
		}
	}
	if others >= room {
		return false, ctx.Err()
	}
	if l.slots[site] == nil {
		l.slots[site] = map[string]time.Time{}
	}
	l.slots[site][key] = now.Add(hold)
	return true, ctx.Err()
}

func (l *memoryLimiter) Release(ctx context.Context, site Site, key string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.slots[site], key)
	return ctx.Err()
}

// take takes a token for each key, of the shared limiter or else of our own,
// and returns how long to wait for them if there are none.
func (e *Engine) take(ctx context.Context, keys ...pace.Key) time.Duration {
	if e.opts.Limiter != nil {
		buckets := make([]Bucket, len(keys))
		for i, k := range keys {
			buckets[i] = e.bucket(k)
		}
		wait, err := e.opts.Limiter.Take(ctx, buckets)
		if err == nil {
			return max(wait, 0)
		}
		e.limiterFailed(keys[0].Account, keys[0].Region, err)
	}
	return e.pacer.Take(time.Now(), keys...)
}

// throttled tells both that AWS refused a call: ours too, for when it is needed.
func (e *Engine) throttled(ctx context.Context, k pace.Key) {
	e.pacer.Throttled(time.Now(), k)
	if e.opts.Limiter != nil {
		if err := e.opts.Limiter.Throttled(ctx, e.bucket(k)); err != nil {
			e.limiterFailed(k.Account, k.Region, err)
		}
	}
}

func (e *Engine) bucket(k pace.Key) Bucket {
	limit := e.opts.kept(k.API)
	return Bucket{Account: accounts.ID(k.Account), Region: k.Region, API: k.API, Rate: Rate{Burst: limit.Burst, PerSecond: limit.Refill}}
}

// takeRoom takes room for what a call is about to make, if there is any, and
// returns what gives it back: ours, at the end of the call; a shared slot for a
// copy only if nothing was made, else it is held until other engines' listings
// show the copy.
func (a *advance) takeRoom(ctx context.Context, v *verdict) (giveBack func(made bool), ok bool) {
	e, site, key := a.e, v.at.site, v.step.Tags[tagKey]
	sight := e.sight(a.viewOf(v))
	if sight.latest() == nil {
		return nil, false // it was long ago, and is to be looked at again
	}
	of, limit := need{roomCopies, 1}, e.opts.Slots
	underWay := func() int { return sight.latest().pendingCopies() }
	if v.step.Kind == StepSnapshot {
		of, limit = need{roomOriginals, len(a.j.Originals)}, e.opts.MaxPending
		underWay = func() int {
			all, _, _ := sight.latest().pendingOriginals(nil)
			return all
		}
	}
	if !e.slots.reserve(site, of, underWay, limit, time.Now()) {
		return nil, false
	}
	if e.opts.Limiter == nil || of.kind != roomCopies {
		return func(bool) { e.slots.release(site, of) }, true
	}
	got, err := e.opts.Limiter.Reserve(ctx, site, key, e.opts.Slots-sight.latest().pending.copies, e.opts.Settle)
	switch {
	case err != nil:
		e.limiterFailed(string(site.Account), site.Region, err)
	case !got:
		e.slots.release(site, of)
		return nil, false
	}
	return func(made bool) {
		e.slots.release(site, of)
		if made {
			return
		}
		if err := e.opts.Limiter.Release(ctx, site, key); err != nil && ctx.Err() == nil {
			e.limiterFailed(string(site.Account), site.Region, err)
		}
	}, true
}

func (e *Engine) limiterFailed(account, region string, err error) {
	e.tell(Event{Account: accounts.ID(account), Region: region, Err: fmt.Errorf("%w: %w", ErrLimiter, err)})
}
