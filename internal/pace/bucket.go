package pace

import "time"

const (
	// recovery is how long a share that was halved takes at first to climb back
	// by the whole. Each time that it is refused again on its way, it takes
	// twice as long, up to slowest: who shares a bucket for good is soon met
	// but rarely.
	recovery = 2 * time.Minute
	slowest  = 64 * time.Minute
	// together is how long after the rate was lowered more refusals do not lower
	// it again: those calls were granted before.
	together = time.Second
	// floor is the lowest share of the limit: calls go on, since only a call
	// shows that the others have gone.
	floor = 1.0 / 32
)

// A bucket is one token bucket of which we take a share: all of it, until a
// call is refused. The share falls by half and rises linearly.
type bucket struct {
	limit    Limit
	tokens   float64
	share    float64 // of Burst and Refill
	recovery time.Duration
	at       time.Time // when tokens and share were last brought up to date
	told     time.Time // when the last of those refused was told to come back
	cut      time.Time // when the share was last lowered
}

func newBucket(limit Limit, now time.Time) *bucket {
	return &bucket{limit: limit, tokens: limit.Burst, share: 1, at: now}
}

// missing brings the bucket up to date and returns how long until it has a
// token for who asks now; zero if it has one.
func (b *bucket) missing(now time.Time) time.Duration {
	if b.limit == (Limit{}) {
		return 0
	}
	b.update(now)
	// A hair less than one is one: tokens are sums of fractions.
	if b.tokens > 1-1e-9 {
		return 0
	}
	each := time.Duration(float64(time.Second) / (b.share * b.limit.Refill))
	next := now.Add(time.Duration((1 - b.tokens) * float64(each)))
	if t := b.told.Add(each); b.told.After(now) && t.After(next) {
		next = t
	}
	b.told = next
	return max(next.Sub(now), time.Nanosecond)
}

// full says whether the bucket is as one that was just made.
func (b *bucket) full(now time.Time) bool {
	b.update(now)
	return b.tokens >= b.limit.Burst && b.share >= 1 && !b.told.After(now)
}

func (b *bucket) take() {
	if b.limit != (Limit{}) {
		b.tokens--
	}
}

func (b *bucket) throttled(now time.Time) {
	if b.limit == (Limit{}) {
		return
	}
	b.update(now)
	b.tokens = min(b.tokens, 0)
	if now.Sub(b.cut) < together {
		return
	}
	if b.share < 1 {
		b.recovery = min(2*b.recovery, slowest)
	} else {
		b.recovery = recovery
	}
	b.cut = now
	b.share = max(b.share/2, floor)
}

// update adds the tokens that came back and lets the share climb. A clock that
// goes back adds nothing. At least one token can be had at any share.
func (b *bucket) update(now time.Time) {
	passed := now.Sub(b.at)
	if passed <= 0 {
		return
	}
	b.at = now
	was := b.share
	if b.share < 1 {
		b.share = min(b.share+passed.Seconds()/b.recovery.Seconds(), 1)
	}
	came := passed.Seconds() * (was + b.share) / 2 * b.limit.Refill
	b.tokens = min(b.tokens+came, max(b.share*b.limit.Burst, 1))
}
