package iamsim

import (
	"regexp"
	"strconv"
	"unicode/utf8"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A form is what a member may look like, and its length in characters.
type form struct {
	pattern  *regexp.Regexp
	min, max int
}

// Grammar of IAM's members.
// Source: IAM API Reference, as the service model of botocore states it.
var (
	roleName    = form{regexp.MustCompile(`^[\w+=,.@-]+$`), 1, 64}
	userName    = form{regexp.MustCompile(`^[\w+=,.@-]+$`), 1, 128} // 64 for new ones
	newUserName = form{regexp.MustCompile(`^[\w+=,.@-]+$`), 1, 64}
	entityName  = form{regexp.MustCompile(`^[\w+=,.@-]+$`), 1, 128} // policies, instance profiles
	path        = form{regexp.MustCompile(`^/(?:[\x21-\x7e]+/)?$`), 1, 512}
	policyPath  = form{regexp.MustCompile(`^(?:/[A-Za-z0-9.,+@=_-]+)*/$`), 1, 512}
	pathPrefix  = form{regexp.MustCompile(`^/[\x21-\x7f]*$`), 1, 512}
	arn         = form{regexp.MustCompile(`^arn:[\x21-\x7e]+$`), 20, 2048}
	description = form{regexp.MustCompile(`^[\x{9}\x{a}\x{d}\x{20}-\x{7e}\x{a1}-\x{ff}]*$`), 0, 1000}
	document    = form{regexp.MustCompile(`^[\x{9}\x{a}\x{d}\x{20}-\x{ff}]+$`), 1, 131072}
	versionID   = form{regexp.MustCompile(`^v[1-9][0-9]*(?:\.[A-Za-z0-9-]*)?$`), 1, 128}
	keyID       = form{regexp.MustCompile(`^\w+$`), 16, 128}
	alias       = form{regexp.MustCompile(`^[a-z0-9](?:[a-z0-9]|-[a-z0-9])+$`), 3, 63}
	suffix      = form{regexp.MustCompile(`^[\w+=,.@-]+$`), 1, 64}
	tagKey      = form{regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$`), 1, 128}
	tagValue    = form{regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`), 0, 256}
)

func (f form) fits(s string) bool {
	n := utf8.RuneCountInString(s)
	return n >= f.min && n <= f.max && f.pattern.MatchString(s)
}

// A member of a request, as AWS names it in validation errors.
type member struct {
	name     string
	value    *string
	form     form
	required bool
}

// valid checks members before anything else is looked at.
func valid(members ...member) error {
	for _, m := range members {
		switch {
		case m.value == nil && m.required:
			return core.Errorf("ValidationError",
				"1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", m.name)
		case m.value != nil && !m.form.fits(*m.value):
			return core.Errorf("ValidationError",
				"1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have length between %d and %d and satisfy regular expression pattern: %s",
				m.name, m.form.min, m.form.max, m.form.pattern)
		}
	}
	return nil
}

func itoa(n int) string { return strconv.Itoa(n) }
