package iampolicy

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Canonical returns the document in the one form that all documents share
// which differ only in how they are written. Evaluate answers alike for both.
//
//   - Statements, lists and conditions are sorted, and what is there twice is
//     there once. A single value stands alone. Empty Sids and conditions are gone.
//   - Names of actions and condition keys are in lower case, where case means
//     nothing; condition operators are spelled as AWS does; numbers and booleans
//     among condition values are strings.
//   - An account as principal is its id, not the ARN of its root; "*" is the
//     same as {"AWS": "*"}.
//   - A document without Version says what that means: 2008-10-17.
//
// What the package does not know (other members, kinds of principals) is kept.
// Overlapping patterns are not merged: s3:* besides s3:GetObject stays.
func (d *Document) Canonical() *Document {
	c := &Document{Version: d.Version, ID: d.ID, Statements: []Statement{}, extra: d.extra.canonical()}
	if c.Version == "" {
		c.Version = "2008-10-17"
	}
	type keyed struct {
		text string
		s    Statement
	}
	var all []keyed
	for i := range d.Statements {
		s := d.Statements[i].canonical()
		all = append(all, keyed{string(s.append(nil)), s})
	}
	slices.SortFunc(all, func(a, b keyed) int { return cmp.Compare(a.text, b.text) })
	for i, k := range all {
		if i == 0 || k.text != all[i-1].text {
			c.Statements = append(c.Statements, k.s)
		}
	}
	return c
}

// Digest returns the SHA-256 of the canonical document without white space.
// Documents that differ only in how they are written have the same digest.
func (d *Document) Digest() [32]byte { return sha256.Sum256(d.Canonical().append(nil)) }

func (s *Statement) canonical() Statement {
	c := Statement{
		Sid: s.Sid, Effect: s.Effect,
		Principal: s.Principal.canonical(), NotPrincipal: s.NotPrincipal.canonical(),
		Actions: s.Actions.canonical(strings.ToLower), NotActions: s.NotActions.canonical(strings.ToLower),
		Resources: s.Resources.canonical(nil), NotResources: s.NotResources.canonical(nil),
		Conditions: canonicalConditions(s.Conditions, true),
		extra:      s.extra.canonical(),
	}
	if c.check() != nil {
		// Two keys that differ in case only: one name would not do for both.
		c.Conditions = canonicalConditions(s.Conditions, false)
	}
	return c
}

// canonicalConditions returns the conditions in order, each once, if asked
// with their operators and keys in one spelling.
func canonicalConditions(all []Condition, respell bool) []Condition {
	var conditions []Condition
	for _, c := range all {
		if c.Key == "" && c.Values.absent() {
			continue
		}
		if respell {
			c.Operator, c.Key = canonicalOperator(c.Operator), strings.ToLower(c.Key)
		}
		c.Values = c.Values.canonical(nil)
		conditions = append(conditions, c)
	}
	order := func(a, b Condition) int {
		return cmp.Or(
			cmp.Compare(a.Operator, b.Operator),
			cmp.Compare(a.Key, b.Key),
			slices.Compare(a.Values.Values, b.Values.Values))
	}
	slices.SortFunc(conditions, order)
	return slices.CompactFunc(conditions, func(a, b Condition) bool { return order(a, b) == 0 })
}

// canonical returns the values sorted, each once, after a change to each.
func (s Strings) canonical(change func(string) string) Strings {
	if s.absent() {
		return Strings{}
	}
	values := slices.Clone(s.Values)
	for i := range values {
		if change != nil {
			values[i] = change(values[i])
		}
	}
	slices.Sort(values)
	values = slices.Compact(values)
	return Strings{Values: values, List: len(values) == 0}
}

func (p *Principals) canonical() *Principals {
	if p == nil || p.Any {
		return p
	}
	c := &Principals{By: map[string]Strings{}}
	for kind, named := range p.By {
		switch kind {
		case "AWS", "":
			named.Values = append(slices.Clone(c.By["AWS"].Values), named.Values...)
			c.By["AWS"] = named.canonical(func(name string) string { return cmp.Or(accountNamed(name), name) })
		default:
			c.By[kind] = named.canonical(nil)
		}
	}
	// Nobody of one kind is nobody of another.
	maps.DeleteFunc(c.By, func(_ string, named Strings) bool { return len(named.Values) == 0 })
	if aws := c.By["AWS"].Values; len(c.By) == 1 && len(aws) == 1 && aws[0] == "*" {
		return &Principals{Any: true}
	}
	return c
}

// canonicalOperator spells an operator as AWS does. One that AWS does not have
// is left alone.
func canonicalOperator(name string) string {
	op, set, ifExists := parseOperator(name)
	if op.family == noFamily {
		return name
	}
	base := name
	if _, rest, ok := strings.Cut(base, ":"); ok {
		base = rest
	}
	if ifExists {
		base = base[:len(base)-len("IfExists")]
	}
	base, _ = findOperator(base)
	switch set {
	case allValues:
		base = "ForAllValues:" + base
	case anyValue:
		base = "ForAnyValue:" + base
	}
	if ifExists {
		base += "IfExists"
	}
	return base
}

// canonical returns the members in order, without those that say nothing.
func (m members) canonical() members {
	byName := map[string]json.RawMessage{}
	for _, one := range m {
		if empty := string(one.value); empty != `""` && (one.name != "Condition" || empty != `{}`) {
			byName[one.name] = canonicalValue(one.value)
		}
	}
	var all members
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		all = append(all, member{name, byName[name]})
	}
	return all
}

// canonicalValue writes a value without white space and with members in order.
func canonicalValue(value json.RawMessage) json.RawMessage {
	dec := json.NewDecoder(bytes.NewReader(value))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return value // not reached: the value was read as JSON
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return value // not reached either
	}
	return bytes.TrimSpace(out.Bytes())
}
