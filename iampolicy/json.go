package iampolicy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// MarshalJSON writes the document. It fails only where JSON cannot say what
// the document holds: one operator on one key twice in one statement.
func (d Document) MarshalJSON() ([]byte, error) {
	for i := range d.Statements {
		if err := d.Statements[i].check(); err != nil {
			return nil, fmt.Errorf("statement %d: %w", i, err)
		}
	}
	return d.append(nil), nil
}

// UnmarshalJSON reads the document as Parse does, and replaces all of d.
func (d *Document) UnmarshalJSON(text []byte) error {
	return unmarshal(text, d, func(c *cursor) (Document, error) {
		read, err := c.document()
		if err != nil {
			return Document{}, err
		}
		return *read, nil
	})
}

// MarshalCompact writes the document without white space and without the
// escapes for HTML that json.Marshal adds; IAM counts those against its limits.
func (d *Document) MarshalCompact() ([]byte, error) { return d.MarshalJSON() }

// Size returns how many characters the document has without white space
// between its tokens: what IAM counts against the limits for managed, inline
// and trust policies (IAM User Guide, "IAM and AWS STS quotas").
func (d *Document) Size() int { return utf8.RuneCount(d.append(nil)) }

// MarshalJSON writes the statement as it stands in a document.
func (s Statement) MarshalJSON() ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return s.append(nil), nil
}

// UnmarshalJSON reads one statement, and replaces all of s.
func (s *Statement) UnmarshalJSON(text []byte) error {
	return unmarshal(text, s, (*cursor).statement)
}

// MarshalJSON writes a single value alone unless List is set.
func (s Strings) MarshalJSON() ([]byte, error) { return s.append(nil), nil }

// UnmarshalJSON reads a value or a list of values.
func (s *Strings) UnmarshalJSON(text []byte) error {
	return unmarshal(text, s, func(c *cursor) (Strings, error) { return c.strings("the value", true) })
}

// MarshalJSON writes "*" or an object of kinds.
func (p Principals) MarshalJSON() ([]byte, error) { return p.append(nil), nil }

// UnmarshalJSON reads "*" or an object of kinds.
func (p *Principals) UnmarshalJSON(text []byte) error {
	return unmarshal(text, p, func(c *cursor) (Principals, error) {
		read, err := c.principals()
		if err != nil {
			return Principals{}, err
		}
		return *read, nil
	})
}

// unmarshal follows the rule of encoding/json that null changes nothing.
func unmarshal[T any](text []byte, to *T, read func(*cursor) (T, error)) error {
	c := &cursor{data: text}
	if err := c.check(); err != nil {
		return err
	}
	if c.peek() == 'n' {
		return nil
	}
	value, err := read(c)
	if err != nil {
		return err
	}
	*to = value
	return nil
}

// check refuses conditions that JSON has no room for.
func (s *Statement) check() error {
	var seen names
	for _, c := range s.Conditions {
		if !seen.add(c.Operator + "\x00" + c.Key) {
			return fmt.Errorf("iampolicy: condition %s on %s is given twice", c.Operator, c.Key)
		}
	}
	return nil
}

// A writer builds an object member by member.
type writer struct {
	out   []byte
	begun bool
}

func (w *writer) name(name string) {
	if w.begun {
		w.out = append(w.out, ',')
	} else {
		w.out = append(w.out, '{')
	}
	w.begun = true
	w.out = append(appendText(w.out, name), ':')
}

func (w *writer) text(name, value string) {
	if value != "" {
		w.name(name)
		w.out = appendText(w.out, value)
	}
}

func (w *writer) strings(name string, s Strings) {
	if !s.absent() {
		w.name(name)
		w.out = s.append(w.out)
	}
}

// rest writes the members that were kept aside, unless a field has taken their
// place since.
func (w *writer) rest(extra members, taken func(name string) bool) {
	for _, m := range extra {
		if !taken(m.name) {
			w.name(m.name)
			w.out = appendCompact(w.out, m.value)
		}
	}
}

// end closes the object.
func (w *writer) end() []byte {
	if !w.begun {
		w.out = append(w.out, '{')
	}
	return append(w.out, '}')
}

func (d *Document) append(out []byte) []byte {
	w := writer{out: out}
	w.text("Version", d.Version)
	w.text("Id", d.ID)
	switch {
	case d.Statements == nil:
	case d.single && len(d.Statements) == 1:
		w.name("Statement")
		w.out = d.Statements[0].append(w.out)
	default:
		w.name("Statement")
		w.out = append(w.out, '[')
		for i := range d.Statements {
			if i > 0 {
				w.out = append(w.out, ',')
			}
			w.out = d.Statements[i].append(w.out)
		}
		w.out = append(w.out, ']')
	}
	w.rest(d.extra, func(name string) bool {
		return name == "Version" && d.Version != "" || name == "Id" && d.ID != ""
	})
	return w.end()
}

func (s *Statement) append(out []byte) []byte {
	w := writer{out: out}
	w.text("Sid", s.Sid)
	w.text("Effect", string(s.Effect))
	if s.Principal != nil {
		w.name("Principal")
		w.out = s.Principal.append(w.out)
	}
	if s.NotPrincipal != nil {
		w.name("NotPrincipal")
		w.out = s.NotPrincipal.append(w.out)
	}
	w.strings("Action", s.Actions)
	w.strings("NotAction", s.NotActions)
	w.strings("Resource", s.Resources)
	w.strings("NotResource", s.NotResources)
	if len(s.Conditions) > 0 {
		w.name("Condition")
		w.out = appendConditions(w.out, s.Conditions)
	}
	w.rest(s.extra, func(name string) bool {
		return name == "Sid" && s.Sid != "" || name == "Effect" && s.Effect != "" || name == "Condition" && len(s.Conditions) > 0
	})
	return w.end()
}

// appendConditions gathers the conditions under their operators, in the order
// in which the operators first occur.
func appendConditions(out []byte, all []Condition) []byte {
	var operators []string
	groups := make(map[string][]Condition, len(all))
	for _, c := range all {
		if groups[c.Operator] == nil {
			operators = append(operators, c.Operator)
		}
		groups[c.Operator] = append(groups[c.Operator], c)
	}
	w := writer{out: out}
	for _, operator := range operators {
		w.name(operator)
		keys := writer{out: w.out}
		for _, c := range groups[operator] {
			if c.Key != "" || !c.Values.absent() {
				keys.name(c.Key)
				keys.out = c.Values.append(keys.out)
			}
		}
		w.out = keys.end()
	}
	return w.end()
}

func (p *Principals) append(out []byte) []byte {
	if p.Any {
		return append(out, `"*"`...)
	}
	by := p.By
	if plain, ok := by[""]; ok {
		if len(by) == 1 && len(plain.Values) == 1 {
			return appendText(out, plain.Values[0])
		}
		// JSON has no other room for names without a kind.
		by = maps.Clone(by)
		delete(by, "")
		aws := by["AWS"]
		by["AWS"] = Strings{Values: slices.Concat(aws.Values, plain.Values), List: aws.List || plain.List}
	}
	w := writer{out: out}
	for _, kind := range slices.Sorted(maps.Keys(by)) {
		w.name(kind)
		w.out = by[kind].append(w.out)
	}
	return w.end()
}

func (s Strings) append(out []byte) []byte {
	if len(s.Values) == 1 && !s.List {
		return s.appendValue(out, 0)
	}
	out = append(out, '[')
	for i := range s.Values {
		if i > 0 {
			out = append(out, ',')
		}
		out = s.appendValue(out, i)
	}
	return append(out, ']')
}

// appendValue writes a value without quotes only if it was read so and still
// is what JSON allows there.
func (s Strings) appendValue(out []byte, i int) []byte {
	value := s.Values[i]
	if i < len(s.bare) && s.bare[i] && value != "" && value[0] != '"' && json.Valid([]byte(value)) {
		return append(out, value...)
	}
	return appendText(out, value)
}

// appendText writes a JSON string without the escapes for HTML.
func appendText(out []byte, text string) []byte {
	for i := 0; i < len(text); i++ {
		if b := text[i]; b < 0x20 || b >= utf8.RuneSelf || b == '"' || b == '\\' {
			var buf bytes.Buffer
			enc := json.NewEncoder(&buf)
			enc.SetEscapeHTML(false)
			_ = enc.Encode(text) // a string cannot fail, nor a buffer
			return append(out, bytes.TrimSuffix(buf.Bytes(), []byte{'\n'})...)
		}
	}
	return append(append(append(out, '"'), text...), '"')
}

func appendCompact(out []byte, value json.RawMessage) []byte {
	var buf bytes.Buffer
	if err := json.Compact(&buf, value); err != nil {
		return append(out, "null"...) // not reached: the value was read as JSON
	}
	return append(out, buf.Bytes()...)
}
