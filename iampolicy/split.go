package iampolicy

import "slices"

// Split spreads a document over several that each have at most limit
// characters, as Size counts. Attached to one principal they mean what the
// document means: whatever it allows or denies, one of them does.
//
// A statement stays whole if it fits into a document at all. If it does not,
// it is cut along one list of which any value will do: its resources, its
// actions, or the values of a condition that is not negated. Everything else
// of it is in each piece. What no such cut makes small enough is an
// ErrTooLarge.
//
// Statements that deny come first, so that the first n documents never allow
// what all of them would not. For one limit and one document the outcome is
// always the same. The document is not changed.
func Split(doc *Document, limit int) ([]*Document, error) {
	statements := slices.Clone(doc.Statements)
	slices.SortStableFunc(statements, func(a, b Statement) int { return denyFirst(a) - denyFirst(b) })
	s := splitter{limit: limit, like: doc}
	for _, st := range statements {
		if err := s.add(st); err != nil {
			return nil, err
		}
	}
	if len(s.parts) == 0 {
		s.open()
	}
	return s.parts, nil
}

func denyFirst(s Statement) int {
	if s.Effect == Allow {
		return 1
	}
	return 0 // as everywhere, whatever is not Allow denies
}

// A splitter fills one document after another.
type splitter struct {
	limit int
	like  *Document
	parts []*Document
}

// open begins the next document.
func (s *splitter) open(statements ...Statement) {
	part := &Document{Version: s.like.Version, ID: s.like.ID, Statements: statements, extra: s.like.extra}
	if part.Statements == nil {
		part.Statements = []Statement{}
	}
	s.parts = append(s.parts, part)
}

// room says whether statements fit into one document.
func (s *splitter) room(statements ...Statement) bool {
	probe := Document{Version: s.like.Version, ID: s.like.ID, Statements: statements, extra: s.like.extra}
	return probe.Size() <= s.limit
}

// add puts a statement where it fits, in pieces if it must.
func (s *splitter) add(st Statement) error {
	if n := len(s.parts); n > 0 {
		if last := s.parts[n-1]; s.room(append(slices.Clone(last.Statements), st)...) {
			last.Statements = append(last.Statements, st)
			return nil
		}
	}
	if s.room(st) {
		s.open(st)
		return nil
	}
	for _, list := range cuttable(&st) {
		if s.cut(st, list) {
			return nil
		}
	}
	alone := Document{Version: s.like.Version, ID: s.like.ID, Statements: []Statement{st}, extra: s.like.extra}
	return &TooLargeError{What: "statement " + st.Sid, Size: alone.Size(), Limit: s.limit}
}

// A list is one of a statement's, of which any value will do.
type list struct {
	values Strings
	with   func(Statement, Strings) Statement
}

// cuttable returns the lists along which a statement may be cut, the longest first.
func cuttable(s *Statement) (all []list) {
	add := func(values Strings, with func(Statement, Strings) Statement) {
		if len(values.Values) > 1 {
			all = append(all, list{values, with})
		}
	}
	add(s.Resources, func(s Statement, v Strings) Statement { s.Resources = v; return s })
	add(s.Actions, func(s Statement, v Strings) Statement { s.Actions = v; return s })
	for n, c := range s.Conditions {
		if anyWillDo(c.Operator) {
			add(c.Values, func(s Statement, v Strings) Statement {
				s.Conditions = slices.Clone(s.Conditions)
				s.Conditions[n].Values = v
				return s
			})
		}
	}
	slices.SortStableFunc(all, func(a, b list) int { return len(b.values.append(nil)) - len(a.values.append(nil)) })
	return all
}

// anyWillDo says whether a condition holds as soon as one of its values fits,
// and for no other reason. Negated operators want all of them not to fit;
// ForAllValues shares the values out among those of the request. IfExists
// and Null hold for a key that is not there, whatever the values: cutting
// changes nothing in that.
func anyWillDo(operator string) bool {
	op, set, _ := parseOperator(operator)
	return op.family != noFamily && op.family != familyNull && !op.negated && set != allValues
}

// cut spreads a statement over new documents. It fails, and adds nothing, if
// a piece with a single value does not fit into one.
func (s *splitter) cut(st Statement, along list) bool {
	var pieces []Statement
	values := along.values.Values
	for len(values) > 0 {
		n := s.most(st, along, values)
		if n == 0 {
			return false
		}
		pieces = append(pieces, along.with(st, Of(values[:n]...)))
		values = values[n:]
	}
	for _, piece := range pieces {
		s.open(piece)
	}
	return true
}

// most is how many of the values fit into one document.
func (s *splitter) most(st Statement, along list, values []string) int {
	low, high := 0, len(values)
	for low < high {
		n := (low + high + 1) / 2
		if s.room(along.with(st, Of(values[:n]...))) {
			low = n
		} else {
			high = n - 1
		}
	}
	return low
}
