package backup

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// fitsPattern says whether a pattern fits the whole text: * stands for any
// characters, also none, ? for exactly one, and a backslash takes the meaning
// from what follows. It takes no more time than the product of both lengths.
//
// EC2's filters have the same signs. AWS says of ? now that it stands for
// exactly one character (EC2 API Reference, Filter), now for one or none (EC2
// User Guide, "List and filter your resources"); here it is one.
func fitsPattern(pattern, text string) bool {
	star, mark := "", "" // what follows the last *, and the text it is tried on
	starred := false
	for text != "" {
		if rest, ok := strings.CutPrefix(pattern, "*"); ok {
			pattern, star, mark, starred = rest, rest, text, true
			continue
		}
		if p, t, ok := fitOne(pattern, text); ok {
			pattern, text = p, t
			continue
		}
		if !starred {
			return false
		}
		_, n := utf8.DecodeRuneInString(mark)
		mark = mark[n:]
		pattern, text = star, mark
	}
	return strings.Trim(pattern, "*") == ""
}

// fitOne takes one character off both, if the pattern begins with what fits it.
func fitOne(pattern, text string) (restOfPattern, restOfText string, ok bool) {
	if pattern == "" {
		return "", "", false
	}
	_, n := utf8.DecodeRuneInString(text)
	if pattern[0] == '?' {
		return pattern[1:], text[n:], true
	}
	if pattern[0] == '\\' && len(pattern) > 1 {
		pattern = pattern[1:]
	}
	rest, ok := strings.CutPrefix(pattern, text[:n])
	return rest, text[n:], ok
}

// maxPattern is how long a pattern may be: a tag's value has at most 256
// characters (EC2 User Guide, "Tag restrictions"), and each may be escaped.
const maxPattern = 512

// checkPattern says what is wrong with a pattern.
func checkPattern(p string) error {
	switch {
	case p == "":
		return fmt.Errorf(`is empty; want "*" for any value`)
	case !utf8.ValidString(p):
		return fmt.Errorf("%q is not UTF-8", p)
	case utf8.RuneCountInString(p) > maxPattern:
		return fmt.Errorf("has more than %d characters", maxPattern)
	case (len(p)-len(strings.TrimRight(p, `\`)))%2 == 1:
		return fmt.Errorf(`%q ends in a backslash that escapes nothing; want \\ for one`, p)
	}
	return nil
}
