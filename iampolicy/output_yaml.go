package iampolicy

import (
	"regexp"
	"strconv"
	"strings"
)

// Trees in JSON and YAML, once nothing is left in them to be filled in.

func appendJSON(out []byte, value any) []byte {
	switch v := value.(type) {
	case text:
		return appendText(out, v[0].literal)
	case int:
		return strconv.AppendInt(out, int64(v), 10)
	case object:
		w := writer{out: out}
		for _, f := range v {
			w.name(f.name)
			w.out = appendJSON(w.out, f.value)
		}
		return w.end()
	case array:
		out = append(out, '[')
		for i, e := range v {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendJSON(out, e.value)
		}
		return append(out, ']')
	}
	panic("iampolicy: a tree has a value of an unknown type")
}

// plainKey needs no quotes in YAML; Fn::Sub has colons but no space behind
// them. What YAML takes for another thing than text has at most five letters,
// and the operator Null is such a word.
var plainKey = regexp.MustCompile(`^(Ref|Type|Value|[A-Za-z][A-Za-z0-9]{5,}|Fn::[A-Za-z]+|Sid|AWS)$`)

// appendYAML writes an object, each line behind the indent. Texts are in
// quotes always, so that none is taken for a number or a date.
func appendYAML(out []byte, o object, indent string) []byte {
	for _, f := range o {
		name := f.name
		if !plainKey.MatchString(name) {
			name = string(appendText(nil, name))
		}
		out = append(out, indent+name+":"...)
		out = appendYAMLValue(out, f.value, indent+"  ")
	}
	return out
}

// appendYAMLValue writes what follows a colon: a value in the same line or,
// indented, in the lines below.
func appendYAMLValue(out []byte, value any, indent string) []byte {
	switch v := value.(type) {
	case object:
		if len(v) == 0 {
			return append(out, " {}\n"...)
		}
		return appendYAML(append(out, '\n'), v, indent)
	case array:
		if len(v) == 0 {
			return append(out, " []\n"...)
		}
		out = append(out, '\n')
		for _, e := range v {
			out = appendNote(out, e.note, indent)
			out = appendYAMLEntry(out, e.value, indent)
		}
		return out
	}
	return append(appendJSON(append(out, ' '), value), '\n')
}

// appendYAMLEntry writes an entry of a list; its first line is behind the dash.
func appendYAMLEntry(out []byte, value any, indent string) []byte {
	switch v := value.(type) {
	case object:
		lines := string(appendYAML(nil, v, indent+"  "))
		return append(out, indent+"- "+strings.TrimPrefix(lines, indent+"  ")...)
	case array:
		lines := strings.TrimPrefix(string(appendYAMLValue(nil, v, indent+"  ")), "\n")
		return append(out, indent+"- "+strings.TrimPrefix(lines, indent+"  ")...)
	}
	return append(appendJSON(append(out, indent+"- "...), value), '\n')
}

// appendNote writes a comment in lines of some 100 characters.
func appendNote(out []byte, note, indent string) []byte {
	line := indent + "#"
	for _, word := range strings.Fields(note) {
		if len(line)+1+len(word) > 100 && line != indent+"#" {
			out = append(out, line+"\n"...)
			line = indent + "#"
		}
		line += " " + word
	}
	if line == indent+"#" {
		return out
	}
	return append(out, line+"\n"...)
}
