package accounts

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
	"weak"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// maxSessionPolicy is in characters: STS API Reference, AssumeRole (Policy).
const maxSessionPolicy = 2048

// Narrow returns Sessions whose way to one account and purpose is held down by
// a session policy on the last hop: they may do what both the role and the
// policy allow. Everything else is as in s, and earlier hops are shared with
// it. No call is made. Equal policies for equal roles share one session; what
// has lapsed and nobody holds any more is forgotten.
//
// A policy that is empty, not JSON, longer than AWS allows, or that would
// replace another one is an [ErrSessionPolicy]; base credentials cannot be
// narrowed, which is an [ErrNoRole].
func (s *Sessions) Narrow(id ID, p Purpose, sessionPolicy string) (*Sessions, error) {
	w, err := s.way(id, p)
	if err != nil {
		return nil, err
	}
	t := target{id, p}
	refuse := func(reason string, kind error) (*Sessions, error) {
		return nil, fmt.Errorf("accounts: account %s: narrow purpose %s: %s: %w", id, p, reason, kind)
	}
	if w.last == nil {
		return refuse("the base credentials are used as they are, no role is assumed", ErrNoRole)
	}
	if reason := policyReason(sessionPolicy); reason != "" {
		return refuse(reason, ErrSessionPolicy)
	}
	if _, again := s.narrowed[t]; again {
		if aws.ToString(w.last.input.Policy) == sessionPolicy {
			return s, nil
		}
		// A session has one policy: a second would undo the first.
		return refuse("it is already narrowed by another policy", ErrSessionPolicy)
	}
	n := &Sessions{shared: s.shared, narrowed: maps.Clone(s.narrowed)}
	if n.narrowed == nil {
		n.narrowed = map[target]*way{}
	}
	n.narrowed[t] = &way{account: id, last: s.narrow.hop(w.last, sessionPolicy), base: w.base}
	return n, nil
}

// policyReason says what is wrong with a session policy, without repeating it.
// Alphabet: STS API Reference, AssumeRole (Policy).
func policyReason(policy string) string {
	if policy == "" {
		return "the session policy is empty"
	}
	if n := utf8.RuneCountInString(policy); n > maxSessionPolicy {
		return fmt.Sprintf("the session policy has %d characters, %d more than the %d AWS allows", n, n-maxSessionPolicy, maxSessionPolicy)
	}
	if strings.ContainsFunc(policy, func(r rune) bool {
		return r != '\t' && r != '\n' && r != '\r' && (r < ' ' || r > '\u00FF')
	}) {
		return "the session policy has a character outside U+0020 to U+00FF"
	}
	if !json.Valid([]byte(policy)) {
		return "the session policy is not JSON"
	}
	return ""
}

// A narrowCache finds the hops made by Narrow again. A prune's policy has a
// date in it, so that over months there are as many as there were prunes: the
// cache holds a hop while its session lives, then only as long as others do.
type narrowCache struct {
	mu   sync.Mutex // guards hops
	hops map[narrowKey]*narrowedHop
}

type narrowKey struct {
	of     *hop
	policy string
}

type narrowedHop struct {
	held  *hop // nil once lapsed
	known weak.Pointer[hop]
	asked time.Time // when Narrow last returned it
}

// lapsed says that keeping the hop spares no call: its session has ended, and
// who asked for it did so longer ago than a session lasts.
func (n *narrowedHop) lapsed(now time.Time) bool {
	return n.held != nil && !n.held.current.Load().serves(now) && now.Sub(n.asked) > n.held.attempt.role.Duration
}

// hop returns the hop like of, held down by the policy, and forgets what nobody needs.
func (c *narrowCache) hop(of *hop, policy string) *hop {
	now := wallClock()
	key := narrowKey{of, policy}
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.hops, func(_ narrowKey, n *narrowedHop) bool {
		if n.lapsed(now) {
			n.held = nil
		}
		return n.held == nil && n.known.Value() == nil
	})
	n, ok := c.hops[key]
	if !ok {
		n = &narrowedHop{}
		if c.hops == nil {
			c.hops = map[narrowKey]*narrowedHop{}
		}
		c.hops[key] = n
	}
	if n.held == nil {
		n.held = n.known.Value() // nil if it is new, or was let go this instant
	}
	if n.held == nil {
		n.held = of.narrowed(policy)
		n.known = weak.Make(n.held)
	}
	n.asked = now
	return n.held
}

// narrowed returns a hop like h, with a session of its own that the policy holds down.
func (h *hop) narrowed(policy string) *hop {
	n := &hop{from: h.from, attempt: h.attempt, arn: h.arn, input: h.input, call: h.call, refresh: h.refresh}
	n.input.Policy = aws.String(policy)
	n.attempt.policy = true
	return n
}
