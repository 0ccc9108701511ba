package iamsim

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/grammar"
)

// readDocument reads a policy that is about to be stored.
func readDocument(text *string, kind grammar.Kind) (*iampolicy.Document, error) {
	d, err := grammar.Parse(aws.ToString(text), kind)
	if err != nil {
		return nil, core.Errorf("MalformedPolicyDocument", "%v", err)
	}
	return d, nil
}

// textOf a document: as it was put, or else without white space.
func textOf(d *iampolicy.Document, text string) string {
	if text != "" || d == nil {
		return text
	}
	b, err := d.MarshalCompact()
	if err != nil {
		// Only a document built by hand can be one that JSON has no words for.
		return "{}"
	}
	return string(b)
}

// encoded is a text as IAM returns documents: percent-encoded by RFC 3986.
// Source: IAM API Reference, GetRolePolicy.
func encoded(text string) *string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return aws.String(b.String())
}
