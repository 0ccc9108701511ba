package iampolicy

import (
	"maps"
	"slices"
	"strings"
)

// Equivalent says whether two documents say the same, however it is written:
// in another order or grouping of statements, in lists or single values, with
// actions and keys in other case, with something said twice, with conditions
// as numbers or text, an account as its id or its root's ARN. Sids and the Id
// decide nothing and do not count; the Version does, as do members that this
// package does not know.
//
// It looks at the structure: s3:* beside s3:GetObject is not the same as s3:*
// alone. What documents mean, Covers compares. Evaluate answers alike for
// equivalent documents.
func Equivalent(a, b *Document) bool {
	x, y := a.Canonical(), b.Canonical()
	if x.Version != y.Version || string(x.extra.append()) != string(y.extra.append()) {
		return false
	}
	return maps.Equal(x.permissionKeys(), y.permissionKeys())
}

func (d *Document) permissionKeys() map[string]bool {
	keys := map[string]bool{}
	for _, p := range d.permissions() {
		keys[p.key] = true
	}
	return keys
}

// Compare says how an installed document differs from the one that is needed.
//
// Both are taken apart into single permissions (one action on one resource
// under the same conditions). What is needed is there if a permission of the
// installed document is at least as wide in its action, resource and
// conditions; wildcards are understood, and so are conditions that take more
// values. What of the installed document is wider than all that is needed is
// excess, even where it contains something needed. Wherever the comparison
// cannot easily see that one contains the other, it says that they differ;
// Covers asks the evaluator instead.
//
// A nil document grants nothing.
func Compare(installed, needed *Document) Drift {
	if installed == nil {
		installed = &Document{Version: Version}
	}
	if needed == nil {
		needed = &Document{Version: Version}
	}
	have, want := installed.permissions(), needed.permissions()
	d := Drift{
		Missing: differences(needed, want, have),
		Excess:  differences(installed, have, want),
	}
	d.Reworded = reworded(installed, needed, have, want)
	if installed.Canonical().Version != needed.Canonical().Version {
		d.Version = installed.Canonical().Version
	}
	return d
}

// differences returns what of one document's permissions the other does not have.
func differences(doc *Document, of, others []permission) (all []Difference) {
	var lacking []permission
	for i := range of {
		if !slices.ContainsFunc(others, func(o permission) bool { return of[i].within(&o) }) {
			lacking = append(lacking, of[i])
		}
	}
	for i := range doc.Statements {
		mine := slices.DeleteFunc(slices.Clone(lacking), func(p permission) bool { return p.from != i })
		byWhy := map[string][]permission{}
		for _, p := range mine {
			why := p.why(others)
			byWhy[why] = append(byWhy[why], p)
		}
		for _, why := range slices.Sorted(maps.Keys(byWhy)) {
			for _, part := range gather(byWhy[why]) {
				s := &doc.Statements[i]
				all = append(all, Difference{Statement: statementName(s, i), Part: part.respelled(s), Why: why})
			}
		}
	}
	return all
}

// why says what it is that the others do not have: the condition, if they have
// the action on the resource, the resource, or the action.
func (p *permission) why(others []permission) string {
	var conditions, principals, resources []string
	for i := range others {
		o := &others[i]
		switch {
		case p.Effect != o.Effect || !p.actionsWithin(o):
			continue
		case !p.resourcesWithin(o):
			resources = append(resources, resourcesOf(&o.Statement))
		case !p.conditionsWithin(o):
			conditions = append(conditions, conditionsOf(&o.Statement))
		default:
			principals = append(principals, principalsOf(&o.Statement))
		}
	}
	unique := func(all []string) string { return strings.Join(listed(all...).Values, ", or ") }
	switch {
	case len(principals) > 0:
		return "the other document has it for " + unique(principals)
	case len(conditions) > 0:
		return "the other document has it " + unique(conditions)
	case len(resources) > 0:
		return "the other document has it on " + unique(resources)
	}
	return "the other document has no such " + noun(p.Effect)
}

// reworded returns the statements that are needed and are there to the letter,
// but not as one statement with the same name, list and order of values.
func reworded(installed, needed *Document, have, want []permission) (all []Rewording) {
	texts, where := map[string]bool{}, map[string][]int{}
	for i := range installed.Statements {
		texts[string(installed.Statements[i].append(nil))] = true
	}
	for _, p := range have {
		where[p.key] = append(where[p.key], p.from)
	}
	for i := range needed.Statements {
		s := &needed.Statements[i]
		if texts[string(s.append(nil))] {
			continue
		}
		exact, in := true, map[int]bool{}
		for _, p := range want {
			if p.from == i {
				exact = exact && len(where[p.key]) > 0
				for _, n := range where[p.key] {
					in[n] = true
				}
			}
		}
		if !exact {
			continue
		}
		r := Rewording{Statement: statementName(s, i)}
		for _, n := range slices.Sorted(maps.Keys(in)) {
			r.Installed = append(r.Installed, statementName(&installed.Statements[n], n))
		}
		all = append(all, r)
	}
	return all
}
