package stssim

import (
	"regexp"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// Grammar of members.
// Source: STS API Reference, AssumeRole, GetFederationToken, GetAccessKeyInfo
// and DecodeAuthorizationMessage.
var (
	roleARN    = grammar{regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/[\x21-\x7f]+$`), 20, 2048}
	policyARN  = grammar{regexp.MustCompile(`^arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\x21-\x7f]+$`), 20, 2048}
	name       = grammar{regexp.MustCompile(`^[\w+=,.@-]*$`), 2, 64}
	userName   = grammar{regexp.MustCompile(`^[\w+=,.@-]*$`), 2, 32}
	externalID = grammar{regexp.MustCompile(`^[\w+=,.@:/-]*$`), 2, 1224}
	tagKey     = grammar{regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$`), 1, 128}
	tagValue   = grammar{regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`), 0, 256}
	policyText = grammar{regexp.MustCompile(`^[\x{9}\x{a}\x{d}\x{20}-\x{ff}]+$`), 1, maxPolicy}
	keyID      = grammar{regexp.MustCompile(`^\w*$`), 16, 128}
	encoded    = grammar{regexp.MustCompile(`(?s)^.*$`), 1, 10240}
)

// A grammar is what a member may look like, and its length in characters.
type grammar struct {
	pattern  *regexp.Regexp
	min, max int
}

func (g grammar) fits(s string) bool {
	n := utf8.RuneCountInString(s)
	return n >= g.min && n <= g.max && g.pattern.MatchString(s)
}

// check returns the error for a member that does not fit, absent ones included.
func (g grammar) check(member string, value *string) error {
	if g.fits(aws.ToString(value)) {
		return nil
	}
	return core.Errorf("ValidationError",
		"1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have length between %d and %d and satisfy regular expression pattern: %s",
		member, g.min, g.max, g.pattern)
}

// between returns the error for a number that is out of its range.
func between(member string, value *int32, low, high int32) error {
	if value == nil || *value >= low && *value <= high {
		return nil
	}
	return core.Errorf("ValidationError",
		"1 validation error detected: Value '%d' at '%s' failed to satisfy constraint: Member must have value between %d and %d",
		*value, member, low, high)
}
