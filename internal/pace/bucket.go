package pace

import "time"

const (
	// recovery is how long a rate that was halved takes to climb back by the
	// whole limit.
	recovery = 2 * time.Minute
	// together is how long after the rate was lowered more refusals do not lower
	// it again: those calls were granted before.
	together = time.Second
	// floor is the lowest rate, as a share of the limit: calls go on, since
	// only a call shows that the others have gone.
	floor = 1.0 / 32
)

// A bucket is one token bucket whose rate falls by half and rises linearly.
type bucket struct {
	limit  Limit
	tokens float64
	rate   float64
	at     time.Time // when tokens and rate were last brought up to date
	told   time.Time // when the last of those refused was told to come back
	cut    time.Time // when the rate was last lowered
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
	each := time.Duration(float64(time.Second) / b.rate)
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
	return b.tokens >= b.limit.Burst && b.rate >= b.limit.Refill && !b.told.After(now)
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
	b.cut = now
	b.rate = max(b.rate/2, b.limit.Refill*floor)
}

// update adds the tokens that came back and lets the rate climb. A clock that
// goes back adds nothing.
func (b *bucket) update(now time.Time) {
	passed := now.Sub(b.at).Seconds()
	if passed <= 0 {
		return
	}
	b.at = now
	b.tokens = min(b.tokens+passed*b.rate, b.limit.Burst)
	b.rate = min(b.rate+passed/recovery.Seconds()*b.limit.Refill, b.limit.Refill)
}
