package iampolicy

import (
	"reflect"
	"slices"
	"strings"
)

// Minify returns a smaller document that decides every request as this one
// does, for where AWS would not store it as it is.
//
//   - Sids and the document's Id are gone, which decide nothing and only name
//     statements: keep the document that reasons speak of.
//   - Statements that differ in nothing but their actions, or in nothing but
//     their resources, are one.
//   - Values and statements that another one covers are gone, such as
//     s3:GetObject beside s3:*.
//
// It invents no wildcard, since a wildcard also grants what AWS has yet to
// invent. Statements with members that this package does not know are left as
// they are. The document is not changed.
func (d *Document) Minify() *Document {
	small := &Document{Version: d.Version, Statements: []Statement{}, extra: d.extra}
	for _, s := range d.Statements {
		if len(s.extra) == 0 {
			s.Sid = ""
			s.Actions, s.NotActions = pruned(s.Actions, actionCovers), pruned(s.NotActions, actionCovers)
			s.Resources, s.NotResources = pruned(s.Resources, resourceCovers), pruned(s.NotResources, resourceCovers)
			s.Conditions = canonicalConditions(s.Conditions, false)
		}
		small.Statements = append(small.Statements, s)
	}
	for small.join() || small.dropCovered() {
	}
	return small
}

// join makes two statements one, if it finds two that can be.
func (d *Document) join() bool {
	for j := range d.Statements {
		for i := range j {
			if one, ok := joined(d.Statements[i], d.Statements[j]); ok {
				d.Statements[i] = one
				d.Statements = slices.Delete(d.Statements, j, j+1)
				return true
			}
		}
	}
	return false
}

// joined returns the union of two statements that differ in one list only.
func joined(a, b Statement) (Statement, bool) {
	if len(a.extra) > 0 || len(b.extra) > 0 {
		return a, false
	}
	one, other := a, b
	one.Actions, other.Actions = Strings{}, Strings{}
	if !a.Actions.absent() && !b.Actions.absent() && reflect.DeepEqual(one, other) {
		a.Actions = pruned(Of(slices.Concat(a.Actions.Values, b.Actions.Values)...), actionCovers)
		return a, true
	}
	one, other = a, b
	one.Resources, other.Resources = Strings{}, Strings{}
	if !a.Resources.absent() && !b.Resources.absent() && reflect.DeepEqual(one, other) {
		a.Resources = pruned(Of(slices.Concat(a.Resources.Values, b.Resources.Values)...), resourceCovers)
		return a, true
	}
	return a, false
}

// dropCovered drops a statement that has no part in any decision, if there is one.
func (d *Document) dropCovered() bool {
	for i := range d.Statements {
		for j := range d.Statements {
			if i != j && d.Statements[j].covers(&d.Statements[i]) {
				d.Statements = slices.Delete(d.Statements, i, i+1)
				return true
			}
		}
	}
	return false
}

// covers says whether s applies wherever other does, to the same effect. It
// may say no although that is so.
func (s *Statement) covers(other *Statement) bool {
	if s.Effect != other.Effect || len(s.extra) > 0 || len(other.extra) > 0 ||
		!reflect.DeepEqual(s.Principal, other.Principal) || !reflect.DeepEqual(s.NotPrincipal, other.NotPrincipal) ||
		!reflect.DeepEqual(s.NotActions, other.NotActions) || !reflect.DeepEqual(s.NotResources, other.NotResources) {
		return false
	}
	for _, c := range s.Conditions {
		if !slices.ContainsFunc(other.Conditions, func(o Condition) bool { return reflect.DeepEqual(c, o) }) {
			return false
		}
	}
	return allCovered(s.Actions, other.Actions, actionCovers) && allCovered(s.Resources, other.Resources, resourceCovers)
}

func allCovered(by, values Strings, covers func(pattern, value string) bool) bool {
	if by.absent() != values.absent() {
		return false
	}
	for _, value := range values.Values {
		if !slices.ContainsFunc(by.Values, func(p string) bool { return covers(p, value) }) {
			return false
		}
	}
	return true
}

// pruned drops the values that another one covers, and sorts the rest.
func pruned(all Strings, covers func(pattern, value string) bool) Strings {
	if all.absent() {
		return Strings{}
	}
	values := slices.Compact(slices.Sorted(slices.Values(all.Values)))
	for i := 0; i < len(values); i++ {
		value := values[i]
		others := slices.Concat(values[:i], values[i+1:])
		if slices.ContainsFunc(others, func(p string) bool { return covers(p, value) }) {
			values, i = others, i-1
		}
	}
	return Strings{Values: values, List: len(values) == 0}
}

// actionCovers says whether all that value matches is matched by the pattern.
func actionCovers(pat, value string) bool {
	if pat == "*" || value == "*" {
		return pat == "*"
	}
	return tellsOf(pat, value) && matchesAction(pat, value)
}

// resourceCovers says whether all that value matches is matched by the pattern.
func resourceCovers(pat, value string) bool {
	if pat == "*" || value == "*" {
		return pat == "*" // alone in matching calls that know no resource
	}
	return pat == value || tellsOf(pat, value) && splitPattern(pat).covers(false, splitPattern(value))
}

// tellsOf says whether matching a pattern with the text of another tells
// anything of what the other matches. It does not where a question mark would
// stand for a star, nor where variables are in play.
func tellsOf(pat, value string) bool {
	return !strings.Contains(pat, "${") && !strings.Contains(value, "${") &&
		(!strings.Contains(pat, "?") || !strings.Contains(value, "*"))
}
