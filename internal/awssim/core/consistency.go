package core

import (
	"slices"
	"time"
)

// Consistency says how long a change may be missing from what later calls are
// told. The zero value is off: every change is seen at once.
//
// A service keeps what is true now, and judges by that what the state of a
// resource forbids: quotas, uniqueness, what is in use. What a call is told,
// and which ids it finds, goes through [Call.Sees], [Call.AsOf] and [Lag],
// which answer as one of several replicas does. To each of them a change
// comes at a time of its own, and no call knows which of them it asks. So a
// change may be seen, and then not, and then again; but a replica never goes
// back, and once the longest delay is over all have the change. Which call
// sees what is a function of the seeds, the resource, the time and kind of
// the change and the number of the call, and of nothing else.
//
// Source: Amazon EC2 Developer Guide, "Eventual consistency in the Amazon EC2
// API": the result of a command may not be visible to all that follow, a new
// id gives a NotFound error even to commands that change the resource, and
// one accurate answer says nothing of the next.
type Consistency struct {
	// Max is the longest delay until a change has reached every replica. Zero
	// or less is off.
	// AWS gives no bound; its guides speak of waiting up to five minutes.
	Max time.Duration
	// By replaces Max for some kinds of change. Negative means at once.
	By map[Change]time.Duration
	// Replicas that answer, of which the first has every change at once. Zero
	// means 3.
	Replicas int
	// Seed of the delays, beside Options.Seed: the same world, another lag.
	Seed uint64
}

// A Change is a kind of change.
type Change string

// The kinds of change.
const (
	// Creation and Deletion of a resource: lists miss it, or still have it,
	// and its id gives NotFound.
	Creation Change = "creation"
	Deletion Change = "deletion"
	// Tagging of a resource that exists. Tags given on creation come with it.
	Tagging Change = "tagging"
	// Sharing of a snapshot, an image or a key with other accounts, or its end.
	Sharing Change = "sharing"
	// Progress is what time does to a resource: pending to completed.
	Progress Change = "progress"
	// Identity is a change of a user, a role or what policies say of one. It
	// counts from when it is seen; until then the old policies allow and deny.
	// Source: IAM User Guide, "Troubleshoot IAM": changes are not always
	// immediately visible, and should not be on critical code paths.
	Identity Change = "identity"
	// KeyAccess is a change of a KMS key's policy, grants or aliases.
	// Source: AWS KMS Developer Guide, "Using a grant token": up to several
	// minutes, but whoever shows a grant's token need not wait.
	KeyAccess Change = "key access"
)

// A lagging is the Consistency of a cloud at work.
type lagging struct {
	Consistency
	seed uint64
	// since is when it was set: what happened before then is seen by all.
	since time.Time
}

// SetConsistency replaces Options.Consistency. What has happened before is
// seen by all from now on, so that a test can build its world first.
func (c *Cloud) SetConsistency(k Consistency) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lag = newLagging(k, c.opts.Seed)
	c.lag.since = c.Now()
}

func newLagging(k Consistency, seed uint64) lagging {
	if k.Replicas == 0 {
		k.Replicas = 3
	}
	return lagging{Consistency: k, seed: mix(seed, "", k.Seed)}
}

// longest delay of a kind of change.
func (l *lagging) longest(kind Change) time.Duration {
	if d, ok := l.By[kind]; ok {
		return d
	}
	return l.Max
}

// on tells whether anything lags at all.
func (l *lagging) on() bool { return l.Max > 0 || len(l.By) > 0 }

// Settled tells whether every call is told of a change of that time.
func (c *Cloud) Settled(kind Change, changed time.Time) bool {
	l := &c.lag
	return !l.on() || !changed.After(l.since) || c.Now().Sub(changed) >= l.longest(kind)
}

// Lags tells whether anything may be missing or stale in what calls are told.
// A service that would have to copy a resource to show it stale asks first.
func (c *Call) Lags() bool { return c.Cloud.lag.on() }

// Sees tells whether this call is told of a change of a resource that was made
// at that time. It costs next to nothing if nothing lags.
func (c *Call) Sees(kind Change, id string, changed time.Time) bool {
	l := &c.Cloud.lag
	if !l.on() || c.builds || !changed.After(l.since) {
		return true
	}
	longest, age := l.longest(kind), c.Now.Sub(changed)
	if age >= longest || age < 0 { // the clock may have been set back
		return true
	}
	replica := mix(l.seed, "", uint64(c.N)) % uint64(max(l.Replicas, 1))
	if replica == 0 {
		return true
	}
	delay := mix(l.seed^replica, string(kind)+id, uint64(changed.UnixNano())) % uint64(longest)
	return age >= time.Duration(delay)
}

// AsOf returns the time at which this call sees a resource that changes as
// time goes by: now, or just before the first change that it is not told of.
// changes are the times at which the resource's state changes; those that are
// yet to come, and zero ones, do no harm.
//
//	now := c.AsOf(sn.id, sn.done)
//	out.State = sn.state(now)
func (c *Call) AsOf(id string, changes ...time.Time) time.Time {
	now := c.Now
	for _, t := range changes {
		if !t.After(now) && !c.Sees(Progress, id, t) {
			now = t.Add(-1)
		}
	}
	return now
}

// A Lag remembers what some things of a service were before they changed, for
// as long as somebody may still be told so. It holds nothing if nothing lags.
// A service has one for each kind of thing that can change: the tags of
// snapshots, say, by snapshot id and account.
//
//	s.oldTags.Was(c, id, sn.tags[viewer]) // before it changes the tags
//	tags := s.oldTags.Sees(c, id, sn.tags[viewer]) // where it tells of them
//
// The values are kept as they are, so what is told to have been must not be
// modified any more.
type Lag[T any] struct {
	kind Change
	past map[string][]past[T]
	full int // how many things make it worth to look for what is over
}

// A past is what a thing was until some time.
type past[T any] struct {
	value T
	until time.Time
}

// NewLag returns a Lag of a kind of change.
func NewLag[T any](kind Change) *Lag[T] {
	return &Lag[T]{kind: kind, past: map[string][]past[T]{}}
}

// Was notes what a thing was until now. It must be told before every change.
func (l *Lag[T]) Was(c *Cloud, id string, value T) {
	if !c.lag.on() {
		return
	}
	now := c.Now()
	longest := c.lag.longest(l.kind)
	if len(l.past) >= l.full {
		l.expire(now, longest)
		l.full = 2*len(l.past) + 16
	}
	l.past[id] = append(l.past[id], past[T]{value, now})
}

// expire drops what nobody is told any more.
func (l *Lag[T]) expire(now time.Time, longest time.Duration) {
	for id, old := range l.past {
		old = slices.DeleteFunc(old, func(p past[T]) bool { return now.Sub(p.until) >= longest })
		if len(old) == 0 {
			delete(l.past, id)
			continue
		}
		l.past[id] = old
	}
}

// Sees returns what this call is told of a thing, of which value is the truth.
func (l *Lag[T]) Sees(c *Call, id string, value T) T {
	old := l.past[id]
	for i, p := range slices.Backward(old) {
		if c.Sees(l.kind, id, p.until) {
			break // and so are all changes before it
		}
		value = old[i].value
	}
	return value
}

// mix hashes what a choice depends on. The choice is the same on every machine.
func mix(seed uint64, text string, n uint64) uint64 {
	h := seed ^ 0xcbf29ce484222325
	for i := range len(text) { // FNV-1a
		h = (h ^ uint64(text[i])) * 0x100000001b3
	}
	h ^= n
	for range 2 { // the finalizer of splitmix64, so that all bits depend on all
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}
