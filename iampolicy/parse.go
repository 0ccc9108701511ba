package iampolicy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// A SyntaxError says where a text stops being a policy document. It never
// quotes the document.
type SyntaxError struct {
	// Line and Column count from 1; Column counts characters, not bytes.
	Line, Column int
	Reason       string // in words, of what was wanted or found
}

// Error returns the reason with its place.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("iampolicy: line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

// Parse reads a policy document. It refuses what IAM could not read: text that
// is not JSON in UTF-8, a member given twice, a member of the wrong type. What
// the members say is not judged. The error is a *SyntaxError.
func Parse(text []byte) (*Document, error) {
	c := &cursor{data: text}
	if err := c.check(); err != nil {
		return nil, err
	}
	d, err := c.document()
	if err != nil {
		return nil, err
	}
	return d, nil
}

// ParseURLEncoded reads a document as the Get operations of IAM return it,
// percent-encoded as RFC 3986 says (IAM API Reference, GetRolePolicy). Places
// in errors are those of the decoded text.
func ParseURLEncoded(text string) (*Document, error) {
	// PathUnescape, since a plus sign means itself there.
	plain, err := url.PathUnescape(text)
	if err != nil {
		return nil, fmt.Errorf("iampolicy: percent-encoding: %w", err)
	}
	return Parse([]byte(plain))
}

// A cursor walks through JSON text that check has found to be valid, so its
// methods need not look for the end of the text or for broken syntax.
type cursor struct {
	data []byte
	pos  int
}

// fail returns the error for what stands at an offset.
func (c *cursor) fail(at int, reason string) error {
	at = min(max(at, 0), len(c.data))
	before := c.data[:at]
	line := bytes.LastIndexByte(before, '\n') + 1
	return &SyntaxError{
		Line:   bytes.Count(before, []byte{'\n'}) + 1,
		Column: utf8.RuneCount(before[line:]) + 1,
		Reason: reason,
	}
}

// check refuses text that is not one JSON value in UTF-8.
func (c *cursor) check() error {
	if !utf8.Valid(c.data) {
		at := 0
		for at < len(c.data) {
			r, size := utf8.DecodeRune(c.data[at:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			at += size
		}
		return c.fail(at, "the text is not UTF-8")
	}
	if json.Valid(c.data) {
		return nil
	}
	var raw json.RawMessage
	var syntax *json.SyntaxError
	if err := json.Unmarshal(c.data, &raw); errors.As(err, &syntax) {
		at := int(syntax.Offset) - 1 // it counts the offending byte as read
		if strings.HasPrefix(syntax.Error(), "unexpected end") {
			at = len(c.data)
		}
		return c.fail(at, syntax.Error())
	}
	return c.fail(0, "the text is not JSON")
}

// peek skips white space and returns the byte that a value starts with.
func (c *cursor) peek() byte {
	for {
		switch b := c.data[c.pos]; b {
		case ' ', '\t', '\r', '\n':
			c.pos++
		default:
			return b
		}
	}
}

// text reads a string.
func (c *cursor) text() (string, error) {
	if c.peek() != '"' {
		return "", c.fail(c.pos, "a string is expected here")
	}
	start := c.pos
	raw, escaped := c.quoted()
	if !escaped {
		return string(raw[1 : len(raw)-1]), nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", c.fail(start, "this string cannot be read")
	}
	// encoding/json puts U+FFFD for half a surrogate pair, which would lose it.
	if strings.ContainsRune(s, utf8.RuneError) && !bytes.ContainsRune(raw, utf8.RuneError) &&
		!bytes.Contains(bytes.ToLower(raw), []byte(`\ufffd`)) {
		return "", c.fail(start, "this string has half a surrogate pair")
	}
	return s, nil
}

// quoted passes over a string and says whether it holds escapes.
func (c *cursor) quoted() (raw []byte, escaped bool) {
	start := c.pos
	for c.pos++; c.data[c.pos] != '"'; c.pos++ {
		if c.data[c.pos] == '\\' {
			escaped = true
			c.pos++
		}
	}
	c.pos++
	return c.data[start:c.pos], escaped
}

// object reads an object; each is called with the cursor on a member's value
// and must read it. what names the object in the error for another value.
func (c *cursor) object(what string, each func(name string) error) error {
	if c.peek() != '{' {
		return c.fail(c.pos, what+" must be an object")
	}
	var seen names
	return c.members(func(name string, at int) error {
		if !seen.add(name) {
			return c.fail(at, "this member is given twice")
		}
		return each(name)
	})
}

// members walks through an object. at is where the member's name starts.
func (c *cursor) members(each func(name string, at int) error) error {
	c.pos++ // the brace
	for c.peek() != '}' {
		at := c.pos
		name, err := c.text()
		if err != nil {
			return err
		}
		c.peek()
		c.pos++ // the colon
		c.peek()
		if err := each(name, at); err != nil {
			return err
		}
		if c.peek() == ',' {
			c.pos++
		}
	}
	c.pos++
	return nil
}

// list reads a list; each is called with the cursor on an element.
func (c *cursor) list(each func() error) error {
	c.pos++ // the bracket
	for c.peek() != ']' {
		if err := each(); err != nil {
			return err
		}
		if c.peek() == ',' {
			c.pos++
		}
	}
	c.pos++
	return nil
}

// raw reads any value as it is written. Members given twice are refused inside
// it too.
func (c *cursor) raw() (json.RawMessage, error) {
	c.peek()
	start := c.pos
	if err := c.skip(); err != nil {
		return nil, err
	}
	return json.RawMessage(bytes.Clone(c.data[start:c.pos])), nil
}

func (c *cursor) skip() error {
	switch c.peek() {
	case '{':
		return c.object("", func(string) error { return c.skip() })
	case '[':
		return c.list(c.skip)
	case '"':
		c.quoted()
	default:
		c.literal()
	}
	return nil
}

// literal reads a number, true, false or null.
func (c *cursor) literal() string {
	start := c.pos
	for c.pos < len(c.data) && bytes.IndexByte([]byte(" \t\r\n,]}"), c.data[c.pos]) < 0 {
		c.pos++
	}
	return string(c.data[start:c.pos])
}

// names remembers the members of one object; most objects have few.
type names struct {
	few  []string
	many map[string]bool
}

// add says whether the name is new.
func (n *names) add(name string) bool {
	if n.many != nil {
		if n.many[name] {
			return false
		}
		n.many[name] = true
		return true
	}
	for _, s := range n.few {
		if s == name {
			return false
		}
	}
	if n.few = append(n.few, name); len(n.few) > 16 {
		n.many = make(map[string]bool, 2*len(n.few))
		for _, s := range n.few {
			n.many[s] = true
		}
	}
	return true
}
