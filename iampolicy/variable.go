package iampolicy

import "strings"

// expand replaces the policy variables of a text from a 2012-10-17 document:
// ${key}, ${key, 'default'}, and ${*}, ${?} and ${$} for the characters
// themselves (IAM User Guide, "IAM policy elements: Variables and tags"). As a
// glob, what was put in is marked so that it is taken literally. known is no if
// a variable without default has no value, or more than one, and maybe if it may
// have one that the caller did not tell.
func (e *evaluation) expand(text string, glob bool) (out pattern, known truth) {
	if strings.IndexByte(text, '$') < 0 {
		return pattern{text: text}, yes
	}
	known = yes
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		variable, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			b.WriteString(text)
			break
		}
		b.WriteString(before)
		value, k := e.variable(variable)
		known = min(known, k)
		if glob {
			mark(&b, value)
		} else {
			b.WriteString(value)
		}
		text = after
	}
	return pattern{text: b.String(), expanded: glob}, known
}

// variable returns what stands for ${inner}.
func (e *evaluation) variable(inner string) (value string, known truth) {
	switch inner {
	case "*", "?", "$":
		return inner, yes
	}
	// A comma and a space come before the default, and single quotes around it.
	key, fallback, hasDefault := strings.Cut(inner, ", '")
	hasDefault = hasDefault && strings.HasSuffix(fallback, "'")
	key = strings.TrimSpace(key)
	values, state := e.lookup(key)
	switch {
	case state == unknown:
		e.lacks(key)
		return "", maybe
	case state == present && len(values) == 1 && values[0] != "" && !multivalued(key):
		return values[0], yes
	case hasDefault:
		return strings.TrimSuffix(fallback, "'"), yes
	}
	return "", no
}

// mark writes text so that a glob takes every character of it literally.
func mark(b *strings.Builder, text string) {
	for i := range len(text) {
		b.WriteByte(literal)
		b.WriteByte(text[i])
	}
}
