package iampolicy

import (
	"maps"
	"slices"
	"strings"
)

// A permission is a statement with one action, one resource and one principal
// at most, in canonical form and without its name: the smallest thing that one
// document can have and another lack. What is written as NotAction, NotResource
// or NotPrincipal cannot be taken apart.
type permission struct {
	Statement
	key       string // the same for the same permission
	from      int    // index of the statement in its document
	variables bool   // of its document
}

// permissions takes all statements of a document apart.
func (d *Document) permissions() []permission {
	var all []permission
	for i := range d.Statements {
		all = append(all, d.Statements[i].permissions(i, d.Version == Version)...)
	}
	return all
}

func (s *Statement) permissions(from int, variables bool) []permission {
	c := s.canonical()
	c.Sid = ""
	c.Principal, c.NotPrincipal = c.Principal.withoutEmpty(), c.NotPrincipal.withoutEmpty()
	var all []permission
	for _, who := range apart(c.Principal) {
		for _, action := range alone(c.Actions) {
			for _, resource := range alone(c.Resources) {
				one := c
				one.Principal, one.Actions, one.Resources = who, action, resource
				p := permission{Statement: one, from: from, variables: variables}
				p.key = string(one.append(nil))
				if variables && strings.Contains(p.key, "${") {
					p.key += " with variables"
				}
				all = append(all, p)
			}
		}
	}
	return all
}

// alone returns each value by itself; a member that is not there, or is empty,
// stays as it is.
func alone(s Strings) []Strings {
	if len(s.Values) == 0 {
		return []Strings{s}
	}
	var all []Strings
	for _, value := range s.Values {
		all = append(all, Of(value))
	}
	return all
}

// apart returns each principal by itself.
func apart(p *Principals) []*Principals {
	if p == nil || p.Any || len(p.By) == 0 {
		return []*Principals{p}
	}
	var all []*Principals
	for _, kind := range slices.Sorted(maps.Keys(p.By)) {
		for _, name := range p.By[kind].Values {
			if kind == "AWS" && name == "*" {
				all = append(all, &Principals{Any: true})
				continue
			}
			all = append(all, &Principals{By: map[string]Strings{kind: Of(name)}})
		}
	}
	return all
}

// withoutEmpty leaves out kinds that name nobody.
func (p *Principals) withoutEmpty() *Principals {
	if p == nil || p.Any {
		return p
	}
	c := &Principals{By: map[string]Strings{}}
	for kind, named := range p.By {
		if len(named.Values) > 0 {
			c.By[kind] = named
		}
	}
	return c
}

// within says that whatever p speaks of, the other speaks of too: it is at
// least as wide in every part. It may say no where that is not easily seen.
func (p *permission) within(wide *permission) bool {
	if p.key == wide.key {
		return true
	}
	if p.variables != wide.variables && (strings.Contains(p.key, "${") || strings.Contains(wide.key, "${")) {
		return false
	}
	return p.Effect == wide.Effect &&
		samePrincipals(p.NotPrincipal, wide.NotPrincipal) &&
		(samePrincipals(p.Principal, wide.Principal) || p.Principal != nil && wide.Principal != nil && wide.Principal.Any) &&
		p.actionsWithin(wide) && p.resourcesWithin(wide) && p.conditionsWithin(wide) &&
		string(p.extra.canonical().append()) == string(wide.extra.canonical().append())
}

func samePrincipals(a, b *Principals) bool {
	if a == nil || b == nil {
		return a == b
	}
	return string(a.append(nil)) == string(b.append(nil))
}

func (p *permission) actionsWithin(wide *permission) bool {
	if len(p.Actions.Values) != 1 || len(wide.Actions.Values) != 1 || !p.NotActions.absent() || !wide.NotActions.absent() {
		return slices.Equal(p.Actions.Values, wide.Actions.Values) && slices.Equal(p.NotActions.Values, wide.NotActions.Values)
	}
	narrow, broad := p.Actions.Values[0], wide.Actions.Values[0]
	if narrow == broad || broad == "*" {
		return true
	}
	service, name, ok := strings.Cut(narrow, ":")
	ofService, ofName, known := strings.Cut(broad, ":")
	return ok && known && globWithin(service, ofService) && globWithin(name, ofName)
}

func (p *permission) resourcesWithin(wide *permission) bool {
	if len(p.Resources.Values) != 1 || len(wide.Resources.Values) != 1 || !p.NotResources.absent() || !wide.NotResources.absent() {
		return slices.Equal(p.Resources.Values, wide.Resources.Values) && slices.Equal(p.NotResources.Values, wide.NotResources.Values)
	}
	narrow, broad := p.Resources.Values[0], wide.Resources.Values[0]
	if narrow == broad || broad == "*" {
		return true
	}
	if narrow == "*" || (p.variables || wide.variables) && strings.Contains(broad, "${") {
		return false
	}
	n, b := splitPattern(narrow), splitPattern(broad)
	for i := range n {
		if !globWithin(n[i], b[i]) {
			return false
		}
	}
	return true
}

// globWithin says that all text which matches one pattern matches the other
// too: a star takes in whatever the narrow one has, a question mark one
// character or question mark of it.
func globWithin(narrow, broad string) bool {
	at, in := 0, 0
	star, retry := -1, 0
	for in < len(narrow) {
		switch {
		case at < len(broad) && broad[at] == '*':
			star, retry = at, in
			at++
			continue
		case at < len(broad) && narrow[in] != '*' && (broad[at] == narrow[in] || broad[at] == '?' && narrow[in] < 0x80):
			at, in = at+1, in+1
			continue
		case star < 0:
			return false
		}
		retry++
		at, in = star+1, retry
	}
	return strings.Trim(broad[at:], "*") == ""
}

// conditionsWithin says that every condition of the wide one holds whenever
// those of p hold.
func (p *permission) conditionsWithin(wide *permission) bool {
	for i := range wide.Conditions {
		if !slices.ContainsFunc(p.Conditions, func(c Condition) bool { return c.implies(&wide.Conditions[i]) }) {
			return false
		}
	}
	return true
}

// implies says that the other condition holds whenever c does: it is the same,
// takes more values, rules fewer out, or lets a missing key pass.
func (c *Condition) implies(other *Condition) bool {
	op, set, ifExists := parseOperator(c.Operator)
	to, toSet, toIfExists := parseOperator(other.Operator)
	if op.family == noFamily || op != to || set != toSet || !strings.EqualFold(c.Key, other.Key) {
		return c.Operator == other.Operator && c.Key == other.Key && slices.Equal(c.Values.Values, other.Values.Values)
	}
	if ifExists && !toIfExists && !op.negated && set != allValues {
		return false
	}
	fewer, more := c.Values.Values, other.Values.Values
	if op.negated {
		fewer, more = more, fewer
	}
	for _, value := range fewer {
		if !slices.Contains(more, value) {
			return false
		}
	}
	return true
}

// append writes the members, so that they can be compared.
func (m members) append() []byte {
	w := writer{}
	w.rest(m, func(string) bool { return false })
	return w.end()
}

// gather puts permissions of one statement together again, in as few
// statements as their parts allow.
func gather(all []permission) []Statement {
	merge := func(in []Statement, part func(*Statement) *Strings) (out []Statement) {
		at := map[string]int{}
		for _, s := range in {
			rest := s
			*part(&rest) = Strings{}
			key := string(rest.append(nil))
			n, seen := at[key]
			if !seen {
				at[key] = len(out)
				out = append(out, s)
				continue
			}
			values := part(&out[n])
			*values = listed(slices.Concat(values.Values, part(&s).Values)...)
		}
		return out
	}
	var out []Statement
	for _, p := range all {
		out = append(out, p.Statement)
	}
	out = merge(out, func(s *Statement) *Strings { return &s.Actions })
	out = merge(out, func(s *Statement) *Strings { return &s.Resources })
	return mergePrincipals(out)
}

// respelled writes the names of actions, condition keys and operators as they
// are in the statement that the part is of.
func (s Statement) respelled(of *Statement) Statement {
	like := func(names Strings, as []string) Strings {
		names.Values = slices.Clone(names.Values)
		for i, name := range names.Values {
			if n := slices.IndexFunc(as, func(a string) bool { return strings.EqualFold(a, name) }); n >= 0 {
				names.Values[i] = as[n]
			}
		}
		return names
	}
	s.Actions = like(s.Actions, of.Actions.Values)
	s.NotActions = like(s.NotActions, of.NotActions.Values)
	s.Conditions = slices.Clone(s.Conditions)
	for i := range s.Conditions {
		c := &s.Conditions[i]
		for _, o := range of.Conditions {
			if strings.EqualFold(o.Key, c.Key) && strings.EqualFold(o.Operator, c.Operator) {
				c.Key = o.Key
			}
		}
	}
	return s
}

// mergePrincipals puts statements together that differ in whom they name.
func mergePrincipals(in []Statement) (out []Statement) {
	at := map[string]int{}
	for _, s := range in {
		rest := s
		rest.Principal = nil
		key := string(rest.append(nil))
		n, seen := at[key]
		if !seen || s.Principal == nil || s.Principal.Any || out[n].Principal == nil || out[n].Principal.Any {
			at[key] = len(out)
			out = append(out, s)
			continue
		}
		both := &Principals{By: maps.Clone(out[n].Principal.By)}
		for kind, named := range s.Principal.By {
			both.By[kind] = listed(slices.Concat(both.By[kind].Values, named.Values)...)
		}
		out[n].Principal = both
	}
	return out
}
