package core

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// Options configure a Cloud. The zero value works.
type Options struct {
	// Seed of every id, key and token. Equal seeds and equal calls give equal answers.
	Seed uint64
	// Latency of one call, half of it before its effect. Zero means 50 ms,
	// negative means none.
	Latency time.Duration
	// Consistency says how long changes may be missing or stale in answers. The
	// zero value is off; see Cloud.SetConsistency.
	Consistency Consistency
	// Limits of requests. The zero value is what AWS publishes.
	Limits Limits
	// OnMisuse is told of what no correct client does: a member that the
	// operation does not have, or one that is not simulated. It runs under the
	// cloud's lock. Nil means that misuse is only collected; see Cloud.Misuse.
	OnMisuse func(string)
	// ClockSkew is how far the cloud's clock is ahead of package time's, which
	// is its clients'; see Cloud.SetClockSkew.
	ClockSkew time.Duration
	// OnCall decides which calls fail and how; see Cloud.SetFault. Nil means none does.
	OnCall func(CallInfo) Fault
	// LogCalls is how many calls Cloud.Log remembers, the newest ones. Zero means
	// none, negative all. It takes about 1 KiB a call.
	LogCalls int
	// RecordAuthorizations keeps every decision for Cloud.Authorizations. It
	// takes about 1 KiB a call.
	RecordAuthorizations bool
	// OnDecision is told of every decision with the policies that made it, for
	// other judges to compare. It runs under the cloud's lock. Nil means nobody is told.
	OnDecision func(iampolicy.Request, iampolicy.PolicySet, iampolicy.Decision)
}

// A Cloud holds the accounts and whatever the services keep for them.
type Cloud struct {
	opts Options

	// mu guards everything below and the state of all services.
	mu             sync.Mutex
	rng            *rand.Rand
	accounts       map[string]*Account
	keys           map[string]*accessKey  // by access key id
	services       map[string]*Service    // by name in the credential scope
	awsPolicies    map[string]awsPolicies // by partition
	limiter        limiter
	lag            lagging
	was            identityLag
	onCall         func(CallInfo) Fault
	skew           time.Duration
	calls          int
	stats          Stats // but for Calls
	called         map[api]int
	misuse         []string
	authorizations []Authorization
	failures       failureCode
	observers      []func()
	log            callLog
}

// New returns an empty cloud, without services.
func New(opts Options) *Cloud {
	if opts.Latency == 0 {
		opts.Latency = 50 * time.Millisecond
	}
	opts.Latency = max(opts.Latency, 0)
	return &Cloud{
		opts:        opts,
		rng:         rand.New(rand.NewPCG(opts.Seed, 0x5eed)),
		accounts:    map[string]*Account{},
		keys:        map[string]*accessKey{},
		services:    map[string]*Service{},
		awsPolicies: map[string]awsPolicies{},
		limiter:     newLimiter(opts.Limits),
		lag:         newLagging(opts.Consistency, opts.Seed),
		was:         newIdentityLag(),
		onCall:      opts.OnCall,
		skew:        opts.ClockSkew,
		log:         callLog{keep: opts.LogCalls},
		called:      map[api]int{},
	}
}

// Lock takes the lock that guards the whole cloud. Operations already hold it.
func (c *Cloud) Lock() { c.mu.Lock() }

// Unlock gives the lock back.
func (c *Cloud) Unlock() { c.mu.Unlock() }

// Now is the cloud's clock. The caller holds the lock.
func (c *Cloud) Now() time.Time { return time.Now().Add(c.skew) }

// SetClockSkew sets how far the cloud's clock is ahead of its clients'. Beyond
// 15 min, requests are refused until the client corrects the time that it signs
// with, as the SDK does when it sees the Date of an answer. All that is under
// way in the cloud jumps with the clock.
func (c *Cloud) SetClockSkew(ahead time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skew = ahead
}

// Account returns the account with the id, and makes it if there is none.
func (c *Cloud) Account(id string) *Account {
	a := c.accounts[id]
	if a == nil {
		a = newAccount(c, id)
		c.accounts[id] = a
	}
	return a
}

// AllAccounts returns the accounts there are, by id.
func (c *Cloud) AllAccounts() []*Account { return sortedByName(c.accounts) }

// HasAccount reports whether there is an account with the id.
func (c *Cloud) HasAccount(id string) bool { return c.accounts[id] != nil }

// NoteMisuse records that a client did what no correct client does, or used
// what the simulation lacks. Tests fail on it. The caller holds the lock.
func (c *Cloud) NoteMisuse(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	c.misuse = append(c.misuse, text)
	if c.opts.OnMisuse != nil {
		c.opts.OnMisuse(text)
	}
}

// Misuse returns what NoteMisuse recorded so far.
func (c *Cloud) Misuse() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.misuse)
}
