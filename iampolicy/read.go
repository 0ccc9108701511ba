package iampolicy

// document reads a whole document.
func (c *cursor) document() (*Document, error) {
	d := &Document{}
	err := c.object("a policy document", func(name string) (err error) {
		switch name {
		case "Version":
			return c.textMember(name, &d.Version, &d.extra)
		case "Id":
			return c.textMember(name, &d.ID, &d.extra)
		case "Statement":
			d.Statements, d.single, err = c.statements()
			return err
		}
		return c.unknown(name, &d.extra)
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// statements reads one statement or a list of them.
func (c *cursor) statements() (all []Statement, single bool, err error) {
	if c.peek() == '{' {
		s, err := c.statement()
		return []Statement{s}, true, err
	}
	if c.peek() != '[' {
		return nil, false, c.fail(c.pos, "Statement must be an object or a list of objects")
	}
	all = []Statement{}
	err = c.list(func() error {
		s, err := c.statement()
		all = append(all, s)
		return err
	})
	return all, false, err
}

func (c *cursor) statement() (s Statement, err error) {
	err = c.object("a statement", func(name string) (err error) {
		switch name {
		case "Sid":
			return c.textMember(name, &s.Sid, &s.extra)
		case "Effect":
			return c.textMember(name, (*string)(&s.Effect), &s.extra)
		case "Principal":
			s.Principal, err = c.principals()
		case "NotPrincipal":
			s.NotPrincipal, err = c.principals()
		case "Action":
			s.Actions, err = c.strings(name, false)
		case "NotAction":
			s.NotActions, err = c.strings(name, false)
		case "Resource":
			s.Resources, err = c.strings(name, false)
		case "NotResource":
			s.NotResources, err = c.strings(name, false)
		case "Condition":
			return c.conditions(&s)
		default:
			err = c.unknown(name, &s.extra)
		}
		return err
	})
	return s, err
}

// textMember reads a string into a field. An empty one goes to extra, since
// the field could not tell it from a member that is not there.
func (c *cursor) textMember(name string, field *string, extra *members) error {
	if c.peek() != '"' {
		return c.fail(c.pos, name+" must be a string")
	}
	text, err := c.text()
	if err != nil {
		return err
	}
	*field = text
	if text == "" {
		*extra = append(*extra, member{name, []byte(`""`)})
	}
	return nil
}

func (c *cursor) unknown(name string, extra *members) error {
	value, err := c.raw()
	*extra = append(*extra, member{name, value})
	return err
}

// principals reads "*", an object of kinds, or a name without a kind.
func (c *cursor) principals() (*Principals, error) {
	if c.peek() == '"' {
		text, err := c.text()
		if err != nil {
			return nil, err
		}
		if text != "*" {
			return &Principals{By: map[string]Strings{"": Of(text)}}, nil
		}
		return &Principals{Any: true}, nil
	}
	p := &Principals{By: map[string]Strings{}}
	err := c.object("a principal", func(kind string) (err error) {
		if kind == "" {
			return c.fail(c.pos, "a kind of principals must have a name")
		}
		p.By[kind], err = c.strings("a principal", false)
		return err
	})
	return p, err
}

// conditions reads a condition block.
func (c *cursor) conditions(s *Statement) error {
	err := c.object("Condition", func(operator string) error {
		before := len(s.Conditions)
		err := c.object("a condition operator", func(key string) error {
			values, err := c.strings("a condition value", true)
			s.Conditions = append(s.Conditions, Condition{operator, key, values})
			return err
		})
		if len(s.Conditions) == before {
			s.Conditions = append(s.Conditions, Condition{Operator: operator})
		}
		return err
	})
	if len(s.Conditions) == 0 {
		s.extra = append(s.extra, member{"Condition", []byte(`{}`)})
	}
	return err
}

// strings reads a string or a list of strings; with bare, JSON numbers and
// booleans too, which IAM takes as condition values.
func (c *cursor) strings(what string, bare bool) (s Strings, err error) {
	if c.peek() != '[' {
		return s, c.element(what, bare, &s)
	}
	s.Values = []string{}
	err = c.list(func() error { return c.element(what, bare, &s) })
	s.List = len(s.Values) < 2
	return s, err
}

// element reads one of the values of s.
func (c *cursor) element(what string, bare bool, s *Strings) error {
	at, first := c.pos, c.peek()
	switch {
	case first == '"':
		text, err := c.text()
		if err != nil {
			return err
		}
		s.Values = append(s.Values, text)
		if s.bare != nil {
			s.bare = append(s.bare, false)
		}
		return nil
	case bare && first != '{' && first != '[' && first != 'n':
		for len(s.bare) < len(s.Values) {
			s.bare = append(s.bare, false)
		}
		s.Values = append(s.Values, c.literal())
		s.bare = append(s.bare, true)
		return nil
	case bare:
		return c.fail(at, what+" must be a string, a number, a boolean or a list of them")
	}
	return c.fail(at, what+" must be a string or a list of strings")
}
