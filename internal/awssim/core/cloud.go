package core

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Options configure a Cloud. The zero value works.
type Options struct {
	// Seed of every id, key and token. Equal seeds and equal calls give equal answers.
	Seed uint64
	// Latency of one call, half of it before its effect. Zero means 50 ms,
	// negative means none.
	Latency time.Duration
}

// A Cloud holds the accounts and whatever the services keep for them.
type Cloud struct {
	opts Options

	// mu guards everything below and the state of all services.
	mu       sync.Mutex
	rng      *rand.Rand
	accounts map[string]*Account
	keys     map[string]*accessKey // by access key id
	misuse   []string
}

// New returns an empty cloud.
func New(opts Options) *Cloud {
	if opts.Latency == 0 {
		opts.Latency = 50 * time.Millisecond
	}
	return &Cloud{
		opts:     opts,
		rng:      rand.New(rand.NewPCG(opts.Seed, 0x5eed)),
		accounts: map[string]*Account{},
		keys:     map[string]*accessKey{},
	}
}

// Lock takes the lock that guards the whole cloud. Operations already hold it.
func (c *Cloud) Lock() { c.mu.Lock() }

// Unlock gives the lock back.
func (c *Cloud) Unlock() { c.mu.Unlock() }

// Now is the cloud's clock.
func (c *Cloud) Now() time.Time { return time.Now() }

// Rand is the cloud's source of chance. It is used under the lock only.
func (c *Cloud) Rand() *rand.Rand { return c.rng }

// NewID returns a fresh id of the shape EC2 uses since 2016: the prefix, a
// hyphen and 17 hexadecimal digits.
func (c *Cloud) NewID(prefix string) string {
	return fmt.Sprintf("%s-0%016x", prefix, c.rng.Uint64())
}

// NewUUID returns a fresh id of the shape of a random UUID: KMS keys, request ids.
func (c *Cloud) NewUUID() string {
	hi, lo := c.rng.Uint64(), c.rng.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x",
		hi>>32, hi>>16&0xffff, hi&0xfff, lo>>48&0x3fff|0x8000, lo&0xffffffffffff)
}

// letters of IAM's unique ids and access key ids.
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// NewUniqueID returns an id as IAM gives to users (AIDA), roles (AROA) and
// access keys (AKIA, ASIA): the prefix and 17 letters or digits.
func (c *Cloud) NewUniqueID(prefix string) string { return prefix + c.text(letters, 17) }

// NewSecret returns n characters of the base64 alphabet.
func (c *Cloud) NewSecret(n int) string {
	return c.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", n)
}

func (c *Cloud) text(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[c.rng.IntN(len(alphabet))]
	}
	return string(b)
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

// HasAccount reports whether there is an account with the id.
func (c *Cloud) HasAccount(id string) bool { return c.accounts[id] != nil }

// NoteMisuse records that a client did what no correct client does, or used
// what the simulation lacks. Tests fail on it.
func (c *Cloud) NoteMisuse(format string, args ...any) {
	c.misuse = append(c.misuse, fmt.Sprintf(format, args...))
}
