package iampolicy

import (
	"strings"
	"unicode/utf8"
)

// literal stands before a character of an expanded pattern that means itself
// even if it is a wildcard: values that replace policy variables bring no
// wildcards with them.
const literal = '\x00'

// A pattern is text with the wildcards * and ?, as policies write them.
type pattern struct {
	text string
	// expanded says that characters may be marked as literal.
	expanded bool
}

// matches says whether the pattern covers the whole of s. A star covers any
// characters, also none, and a question mark exactly one. It takes time in
// proportion to len(p.text)*len(s) at most.
func (p pattern) matches(s string) bool { return p.glob(s, false) }

// matchesFold is matches for text where case does not matter.
func (p pattern) matchesFold(s string) bool { return p.glob(s, true) }

func (p pattern) glob(s string, fold bool) bool {
	at, in := 0, 0       // where we are in the pattern and in s
	star, retry := -1, 0 // after the last star: where both were
	for in < len(s) {
		if at < len(p.text) {
			b, width, wild := p.next(at)
			switch {
			case wild && b == '*':
				at += width
				star, retry = at, in
				continue
			case wild && b == '?':
				_, size := utf8.DecodeRuneInString(s[in:])
				at, in = at+width, in+size
				continue
			case b == s[in] || fold && lower(b) == lower(s[in]):
				at, in = at+width, in+1
				continue
			}
		}
		if star < 0 {
			return false
		}
		_, size := utf8.DecodeRuneInString(s[retry:])
		retry += size
		at, in = star, retry
	}
	for at < len(p.text) {
		b, width, wild := p.next(at)
		if !wild || b != '*' {
			return false
		}
		at += width
	}
	return true
}

// next returns the byte at a place of the pattern, how many bytes it takes
// there, and whether it may be a wildcard.
func (p pattern) next(at int) (b byte, width int, wild bool) {
	b = p.text[at]
	if p.expanded && b == literal && at+1 < len(p.text) {
		return p.text[at+1], 2, false
	}
	return b, 1, true
}

// lower folds ASCII only: names of actions and keys have no other letters.
func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// An arn is an ARN, or a pattern for one, in its six fields: "arn", partition,
// service, Region, account and the resource, which may hold colons itself.
type arn [6]string

// splitARN cuts at the first five colons. Colons of policy variables do not
// count: ${aws:username}.
func splitARN(s string) (fields arn, ok bool) {
	fields, last := cut(s)
	return fields, last == len(fields)-1
}

// splitPattern is splitARN for a Resource, where "AWS automatically completes
// the ARN by adding wildcard characters (*) to all missing fields" (IAM User
// Guide, "IAM JSON policy elements: Resource").
func splitPattern(s string) arn {
	fields, last := cut(s)
	for i := last + 1; i < len(fields); i++ {
		fields[i] = "*"
	}
	return fields
}

// cut returns the fields and which one is the last.
func cut(s string) (fields arn, last int) {
	if strings.IndexByte(s, '$') >= 0 {
		return cutAround(s)
	}
	for last < len(fields)-1 {
		at := strings.IndexByte(s, ':')
		if at < 0 {
			break
		}
		fields[last], s = s[:at], s[at+1:]
		last++
	}
	fields[last] = s
	return fields, last
}

// cutAround is cut for a text with policy variables.
func cutAround(s string) (fields arn, last int) {
	start, depth := 0, 0
	for i := 0; i < len(s) && last < len(fields)-1; i++ {
		switch {
		case s[i] == '$' && i+1 < len(s) && s[i+1] == '{':
			depth++
		case s[i] == '}' && depth > 0:
			depth--
		case s[i] == ':' && depth == 0:
			fields[last] = s[start:i]
			last, start = last+1, i+1
		}
	}
	fields[last] = s[start:]
	return fields, last
}

// covers says whether every field of the pattern matches the same field of an
// ARN, so that a wildcard never reaches past a colon of the first five.
func (p arn) covers(expanded bool, a arn) bool {
	for i, text := range &p {
		if text != "*" && text != a[i] && !(pattern{text, expanded}).matches(a[i]) {
			return false
		}
	}
	return true
}

// coversARN says whether a Resource covers an ARN, field by field and without
// taking it apart where a field is written as it is, or is one star.
func (p pattern) coversARN(a *arn) bool {
	if p.expanded || strings.IndexByte(p.text, '$') >= 0 {
		return splitPattern(p.text).covers(p.expanded, *a)
	}
	rest := p.text
	for i := range len(a) - 1 {
		field, after := a[i], len(a[i])
		switch {
		case len(rest) > 1 && rest[0] == '*' && rest[1] == ':':
			rest = rest[2:]
		case len(rest) > after && rest[after] == ':' && rest[:after] == field:
			rest = rest[after+1:]
		default:
			next, more, found := strings.Cut(rest, ":")
			if !(pattern{text: next}).matches(field) {
				return false
			}
			if !found {
				return true // what is missing is completed by stars
			}
			rest = more
		}
	}
	return rest == a[5] || (pattern{text: rest}).matches(a[5])
}

// matchesAction compares without regard to case, as IAM does for actions (IAM
// User Guide, "IAM JSON policy elements: Action"). The service must be matched
// by what stands before the colon.
func matchesAction(pat, action string) bool {
	if pat == "*" {
		return true
	}
	// Most patterns differ from the action before their first wildcard, or have none.
	for i := range min(len(pat), len(action)) {
		p, a := pat[i], action[i]
		if p == '*' || p == '?' {
			return matchesWild(pat, action)
		}
		if p != a && lower(p) != lower(a) {
			return false
		}
	}
	if len(pat) == len(action) {
		return strings.IndexByte(pat, ':') >= 0
	}
	return len(pat) > len(action) && pat[len(action)] == '*' && matchesWild(pat, action)
}

func matchesWild(pat, action string) bool {
	service, name, ok := strings.Cut(pat, ":")
	askedService, askedName, _ := strings.Cut(action, ":")
	return ok && pattern{text: service}.matchesFold(askedService) && pattern{text: name}.matchesFold(askedName)
}
