package accounts

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Session durations: STS API Reference, AssumeRole (DurationSeconds).
const (
	minDuration     = 15 * time.Minute
	defaultDuration = time.Hour
	maxChained      = time.Hour // a session made with a role session's credentials
	maxDuration     = 12 * time.Hour
)

// A checker collects all that is wrong with the declared accounts.
type checker struct {
	region, partition string     // of the STS endpoint
	at                FieldError // where the next complaint belongs
	errs              []error
}

// refuse records a complaint about a field; an empty reason is none.
func (c *checker) refuse(field, reason string) {
	if reason == "" {
		return
	}
	e := c.at
	e.Field, e.Reason = field, reason
	c.errs = append(c.errs, &e)
}

func (c *checker) accounts(accts []Account) {
	first := make(map[ID]int, len(accts))
	for i, a := range accts {
		c.at = FieldError{Account: a.ID}
		if _, err := ParseID(string(a.ID)); err != nil {
			c.refuse("ID", fmt.Sprintf("%q: want 12 digits (entry %d)", string(a.ID), i+1))
		}
		if j, twice := first[a.ID]; twice {
			c.refuse("ID", fmt.Sprintf("declared twice, by entries %d and %d", j+1, i+1))
		} else {
			first[a.ID] = i
		}
		c.chain(a.ID, "", a.Chain)
		for _, p := range slices.Sorted(maps.Keys(a.Purposes)) {
			c.at = FieldError{Account: a.ID, Purpose: p}
			if !slices.Contains(purposes(), p) {
				c.refuse("Purposes", fmt.Sprintf("%q is not a purpose", string(p)))
			}
			if len(a.Purposes[p]) == 0 {
				c.refuse("Purposes", "names no role; leave the purpose out to fall back to the chain where that is allowed")
			}
			c.chain(a.ID, p, a.Purposes[p])
		}
	}
}

// chain checks the roles one by one and what each may not change of those before it.
func (c *checker) chain(id ID, p Purpose, roles []Role) {
	var sourceIdentity string
	inherited := map[string]int{} // lower-case key of a transitive tag → hop that set it
	for i, r := range roles {
		hop := i + 1
		c.at = FieldError{Account: id, Purpose: p, Hop: hop}
		c.roleARN(r.ARN, id, hop == len(roles))
		c.refuse("ExternalID", wordReason(r.ExternalID, 1224, "+=,.@:/-"))
		c.refuse("SessionName", wordReason(r.SessionName, 64, "+=,.@-"))
		c.refuse("SourceIdentity", wordReason(r.SourceIdentity, 64, "+=,.@-"))
		c.refuse("Duration", durationReason(r.Duration, hop))
		c.tags(r)
		if r.SourceIdentity != "" && sourceIdentity != "" && r.SourceIdentity != sourceIdentity {
			c.refuse("SourceIdentity", "differs from an earlier hop's, and AWS lets no later hop change it")
		}
		if sourceIdentity == "" {
			sourceIdentity = r.SourceIdentity
		}
		for _, key := range slices.Sorted(maps.Keys(r.Tags)) {
			if from, ok := inherited[strings.ToLower(key)]; ok {
				c.refuse("Tags", fmt.Sprintf("%q is a transitive tag of hop %d, and AWS lets no later hop set it again", key, from))
			}
		}
		for _, key := range r.TransitiveTags {
			inherited[strings.ToLower(key)] = hop
		}
	}
}

func (c *checker) roleARN(s string, id ID, last bool) {
	arn, err := parseRoleARN(s)
	switch {
	case err != nil:
		c.refuse("ARN", err.Error())
	case !isPartition(arn.partition):
		c.refuse("ARN", fmt.Sprintf("%q: %q is not a partition of AWS", s, arn.partition))
	case c.partition != "" && arn.partition != c.partition:
		c.refuse("ARN", fmt.Sprintf("%q is in partition %s, but Region %s is in %s; roles do not cross partitions",
			s, arn.partition, c.region, c.partition))
	case last && arn.account != id:
		c.refuse("ARN", fmt.Sprintf("%q belongs to account %s; the last hop must lead into the account declared", s, arn.account))
	}
}

// tags checks the session tags. Sources: STS API Reference, AssumeRole and
// Tag (50 tags, 128 and 256 characters, their alphabet, keys that differ only
// in case are the same).
func (c *checker) tags(r Role) {
	if n := len(r.Tags); n > 50 {
		c.refuse("Tags", fmt.Sprintf("has %d tags, AWS allows 50", n))
	}
	folded := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(r.Tags)) {
		switch other, twice := folded[strings.ToLower(key)]; {
		case key == "" || utf8.RuneCountInString(key) > 128 || !isTagText(key):
			c.refuse("Tags", fmt.Sprintf("key %q: want 1 to 128 letters, digits, spaces and _.:/=+-@", key))
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			c.refuse("Tags", fmt.Sprintf("key %q: aws: is reserved", key))
		case twice:
			c.refuse("Tags", fmt.Sprintf("keys %q and %q are the same to AWS", other, key))
		}
		if value := r.Tags[key]; utf8.RuneCountInString(value) > 256 || !isTagText(value) {
			c.refuse("Tags", fmt.Sprintf("value of %q: want at most 256 letters, digits, spaces and _.:/=+-@", key))
		}
		folded[strings.ToLower(key)] = key
	}
	for i, key := range r.TransitiveTags {
		if _, ok := r.Tags[key]; !ok {
			c.refuse("TransitiveTags", fmt.Sprintf("%q is not among Tags", key))
		}
		if slices.Contains(r.TransitiveTags[:i], key) {
			c.refuse("TransitiveTags", fmt.Sprintf("%q is named twice", key))
		}
	}
}

func isTagText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.Z, unicode.N) && !strings.ContainsRune("_.:/=+-@", r)
	})
}

// wordReason says what is wrong with an optional identifier of 2 to longest
// characters, without repeating it.
func wordReason(s string, longest int, punctuation string) string {
	switch {
	case s == "":
		return ""
	case outside(s, punctuation):
		return "has a character other than letters, digits and _" + punctuation
	case len(s) < 2 || len(s) > longest:
		return fmt.Sprintf("has %d characters, want 2 to %d", len(s), longest)
	}
	return ""
}

func durationReason(d time.Duration, hop int) string {
	switch {
	case d == 0:
		return ""
	case d%time.Second != 0:
		return fmt.Sprintf("%v: AWS counts whole seconds", d)
	case d < minDuration:
		return fmt.Sprintf("%v is shorter than 15 min, the shortest session of AWS", d)
	case hop > 1 && d > maxChained:
		return fmt.Sprintf("%v: hop %d is assumed with a role's session, and AWS limits chained sessions to 1 h "+
			"whatever the role's MaxSessionDuration", d, hop)
	case d > maxDuration:
		return fmt.Sprintf("%v is longer than 12 h, the longest session of AWS", d)
	}
	return ""
}

// options checks opts and fills in the defaults. base is the Region of the
// base config, which stands in for an empty one.
func (c *checker) options(opts Options, base string) Options {
	opts.ClientOptions = slices.Clone(opts.ClientOptions)
	if opts.Region == "" {
		opts.Region = base
	}
	partition, ok := partitionOf(opts.Region)
	switch {
	case opts.Region == "":
		c.refuse("Options.Region", "is empty, and so is the base config's Region")
	case !ok:
		c.refuse("Options.Region", fmt.Sprintf("%q is not a Region's name like eu-west-1", opts.Region))
	default:
		c.region, c.partition = opts.Region, partition
	}
	if opts.RefreshBefore == 0 {
		opts.RefreshBefore = defaultRefreshBefore
	}
	if opts.Jitter == 0 {
		opts.Jitter = defaultJitter
	}
	opts.Jitter = max(opts.Jitter, 0)
	switch {
	case opts.RefreshBefore < 0:
		c.refuse("Options.RefreshBefore", "is negative")
	case opts.RefreshBefore >= minDuration-opts.Jitter:
		c.refuse("Options.RefreshBefore", fmt.Sprintf("%v, with a Jitter of %v: want less than 15 min, the shortest session",
			opts.RefreshBefore, opts.Jitter))
	}
	return opts
}
