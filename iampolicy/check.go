package iampolicy

import (
	"cmp"
	"errors"
	"slices"
	"unicode/utf8"
)

// Check reads a document and returns all that Validate and Lint find in it,
// with the line and column of each, in the order of the text. Text that is no
// policy document gives one finding, "syntax". Sizes are judged by the text as
// it is, where AWS counts its white space.
func Check(text []byte, k Kind) []Finding {
	d, err := Parse(text)
	if err != nil {
		return []Finding{syntaxFinding(err)}
	}
	in := inspect(d, k)
	in.validate(utf8.RuneCount(text))
	in.lint()
	at := locate(text)
	for i := range in.findings {
		f := &in.findings[i]
		f.Line, f.Column = at.find(in.places[i])
	}
	slices.SortStableFunc(in.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return in.findings
}

func syntaxFinding(err error) Finding {
	rule := ruleByID("syntax")
	f := Finding{ID: rule.ID, Severity: rule.Severity, Message: err.Error(), Reason: rule.Reason, Remedy: rule.Remedy}
	var syntax *SyntaxError
	if errors.As(err, &syntax) {
		f.Line, f.Column, f.Message = syntax.Line, syntax.Column, syntax.Reason
	}
	return f
}

// A locator knows where in a text the values of a document start.
type locator struct {
	text   []byte
	starts map[string]int // by path
}

// locate walks through a text that Parse has read.
func locate(text []byte) *locator {
	l := &locator{text: text, starts: map[string]int{}}
	c := &cursor{data: text}
	l.walk(c, nil)
	return l
}

// walk notes where a value and those within it start. Members are noted by
// their names, where a reader would look first.
func (l *locator) walk(c *cursor, at place) {
	first := c.peek()
	if _, named := l.starts[at.String()]; !named {
		l.starts[at.String()] = c.pos
	}
	switch first {
	case '{':
		// The names were read once without fault, so they are again.
		_ = c.members(func(name string, start int) error {
			member := at.member(name)
			l.starts[member.String()] = start
			l.walk(c, member)
			return nil
		})
	case '[':
		i := 0
		_ = c.list(func() error {
			l.walk(c, at.index(i))
			i++
			return nil
		})
	default:
		_ = c.skip()
	}
}

// find returns the line and column of a path, or of the nearest one above it
// that the text has: a member that is missing is shown where it should be.
func (l *locator) find(p place) (line, column int) {
	for {
		if start, ok := l.starts[p.String()]; ok {
			var at *SyntaxError
			if errors.As((&cursor{data: l.text}).fail(start, ""), &at) {
				return at.Line, at.Column
			}
		}
		if len(p) == 0 {
			return 1, 1
		}
		p = p[:len(p)-1]
	}
}
