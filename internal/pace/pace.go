// Package pace keeps calls below the rates at which AWS begins to refuse them.
//
// A Pacer holds one token bucket for each account, Region and API, since that
// is how EC2 counts (EC2 Developer Guide, "Request throttling for the Amazon
// EC2 API"). It never blocks: it grants, or says when to ask again.
package pace

import (
	"maps"
	"sync"
	"time"
)

// A Limit is a token bucket: how many calls it holds, and how many come back
// each second. The zero Limit does not limit.
type Limit struct {
	Burst  float64
	Refill float64 // per second
}

// apart is how far apart calls may be granted that come to AWS together: one
// has to sign in first, or is slow on its way. AWS's bucket, while it is full,
// gains nothing in the meantime.
const apart = 500 * time.Millisecond

// Kept returns the limit to keep so that calls which come together, though they
// were granted apart, are within l: it holds less by what comes back in that
// time, but no less than half. Nothing can be saved of a single token.
func (l Limit) Kept() Limit {
	l.Burst = max(l.Burst-l.Refill*apart.Seconds(), l.Burst/2, min(l.Burst, 1))
	return l
}

// A Key names one bucket.
type Key struct {
	Account, Region, API string
}

// A Pacer holds buckets, each made full when it is first asked for. It is
// safe for concurrent use, and forgets buckets that are full again.
type Pacer struct {
	limits func(api string) Limit

	mu      sync.Mutex // guards buckets and what they hold, and swept
	buckets map[Key]*bucket
	swept   time.Time // when full buckets were last dropped
}

// sweep is how often full buckets are dropped: they are as good as new ones.
const sweep = 5 * time.Minute

// New returns a Pacer that asks limits once for the limit of each bucket. Nil
// means Published.
func New(limits func(api string) Limit) *Pacer {
	if limits == nil {
		limits = Published
	}
	return &Pacer{limits: limits, buckets: map[Key]*bucket{}}
}

// Take takes one token from the bucket of every key and returns zero; or it
// takes none and returns how long to wait before asking again. Those who are
// refused are told different times, in turn, so that they do not all come
// back for one token.
func (p *Pacer) Take(now time.Time, keys ...Key) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	var wait time.Duration
	for _, k := range keys {
		wait = max(wait, p.bucket(now, k).missing(now))
	}
	if wait > 0 {
		return wait
	}
	for _, k := range keys {
		p.bucket(now, k).take()
	}
	return 0
}

// Throttled tells the Pacer that AWS refused a call all the same, because
// others in the account share the bucket, or because its limit is lower here
// than published. The bucket is emptied and its rate halved; the rate climbs
// back to the limit over recovery.
func (p *Pacer) Throttled(now time.Time, k Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bucket(now, k).throttled(now)
}

func (p *Pacer) bucket(now time.Time, k Key) *bucket {
	if now.Sub(p.swept) >= sweep {
		p.swept = now
		maps.DeleteFunc(p.buckets, func(_ Key, b *bucket) bool { return b.full(now) })
	}
	b := p.buckets[k]
	if b == nil {
		b = newBucket(p.limits(k.API), now)
		p.buckets[k] = b
	}
	return b
}
