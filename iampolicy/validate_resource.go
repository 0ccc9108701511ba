package iampolicy

import (
	"slices"
	"strings"
)

// resources judges the resources of a statement, each by itself and against
// the actions.
func (in *inspection) resources(s *inspected) {
	for _, m := range []struct {
		name   string
		values Strings
	}{{"Resource", s.Resources}, {"NotResource", s.NotResources}} {
		at := s.at.member(m.name)
		if m.values.List && len(m.values.Values) == 0 {
			in.find("member-missing", at, "%s is an empty list", m.name)
		}
		for i, pattern := range m.values.Values {
			at := at.value(m.values, i)
			if in.resourceSyntax(at, pattern) {
				in.variables(at, pattern, true)
			}
		}
	}
	// In a policy of a resource the service knows which resource is meant, and
	// what is not excluded need not be anything.
	if in.kind == KindKey || in.kind == KindTrust || !s.NotActions.absent() || s.Resources.absent() {
		return
	}
	unsure, met, types := s.open || len(s.known) == 0, false, s.types()
	for i, pattern := range s.Resources.Values {
		switch {
		case !wellFormed(pattern):
		case unsure || s.takes(types, pattern):
			met = true
		default:
			in.find("resource-never-matches", s.at.member("Resource").value(s.Resources, i), "%s: %s", pattern, whyNever(types, pattern))
		}
	}
	if met {
		in.idleActions(s)
	}
}

// takes says whether one of the types, or an action for a reason of its own,
// takes a resource that the pattern covers.
func (s *inspected) takes(types []*ResourceType, pattern string) bool {
	p := splitPattern(pattern)
	return slices.ContainsFunc(types, func(r *ResourceType) bool { return r.fits(p) }) ||
		slices.ContainsFunc(s.known, func(a *Action) bool { return a.takesUnlisted(pattern, p) })
}

// idleActions judges whether each action takes one of the resources.
func (in *inspection) idleActions(s *inspected) {
	for i, name := range s.Actions.Values {
		known := knowledge().matching(name)
		if len(known) == 0 || slices.ContainsFunc(known, func(a *Action) bool {
			return slices.ContainsFunc(s.Resources.Values, a.takes)
		}) {
			continue
		}
		in.find("action-never-matches", s.at.member("Action").value(s.Actions, i), "%s takes none of the resources", name)
	}
}

// resourceSyntax says whether a resource is an ARN or an asterisk.
func (in *inspection) resourceSyntax(at place, pattern string) bool {
	if !wellFormed(pattern) {
		in.find("resource-syntax", at, "this is not an ARN")
		return false
	}
	return true
}

// wellFormed says whether a resource is an ARN or an asterisk. What ends
// before the sixth field must have a wildcard, and AWS completes it.
func wellFormed(pattern string) bool {
	if pattern == "*" {
		return true
	}
	fields, isARN := splitARN(pattern)
	if !isARN {
		return strings.HasPrefix(pattern, "arn:") && strings.Contains(pattern, "*")
	}
	return fields[0] == "arn" && fields[1] != "" && fields[2] != ""
}

// takes says whether a request for the action may name a resource that the
// pattern covers.
func (a *Action) takes(pattern string) bool {
	p := splitPattern(pattern)
	return a.takesUnlisted(pattern, p) || slices.ContainsFunc(a.Resources, func(r ResourceType) bool { return r.fits(p) })
}

// takesUnlisted is takes for what the reference does not list.
func (a *Action) takesUnlisted(pattern string, p arn) bool {
	service, _, _ := strings.Cut(a.Name, ":")
	switch {
	case pattern == "*":
		return true
	case service == "s3" && len(a.Resources) == 0:
		return p[2] == "s3" && p[5] == "*" // as the S3 User Guide writes it for s3:ListAllMyBuckets
	case service == "cloudformation":
		// Macros (CloudFormation User Guide, "Controlling access").
		return p[2] == service && strings.HasPrefix(p[5], "transform/")
	}
	return false
}

// fits says whether a pattern covers any ARN of the type.
func (r *ResourceType) fits(p arn) bool {
	format, ok := splitARN(r.ARN)
	if !ok {
		return true
	}
	for i := range p {
		// What AWS publishes for Systems Manager has no account (Systems Manager
		// User Guide, "Working with public parameters": "arn:aws:ssm:*::parameter/aws/*").
		if published := i == 4 && p[2] == "ssm" && p[4] == ""; !published && !mayMeet(p[i], format[i]) {
			return false
		}
	}
	return true
}

// mayMeet says whether a pattern and a format have a text in common. In a
// pattern a star is any text, a question mark one character and a variable of
// a policy any text; in a format ${} is any text but the empty one.
func mayMeet(pattern, format string) bool {
	if pattern == "*" {
		return true
	}
	// Most differ before their first wildcard, or have none.
	same := 0
	for same < len(pattern) && same < len(format) && pattern[same] == format[same] && !strings.ContainsRune("*?$", rune(pattern[same])) {
		same++
	}
	pattern, format = pattern[same:], format[same:]
	plain := func(s string) bool { return s == "" || !strings.ContainsRune("*?$", rune(s[0])) }
	if plain(pattern) && plain(format) {
		return pattern == "" && format == ""
	}
	p, f := tokens(pattern, 0), tokens(format, 1)
	// row[j] says that what was read of the pattern can be written as the first
	// j tokens of the format.
	row := make([]bool, len(f)+1)
	row[0] = true
	for j := range f {
		row[j+1] = row[j] && f[j] == anyText
	}
	for _, t := range p {
		next := make([]bool, len(f)+1)
		next[0] = row[0] && t == anyText
		for j := range f {
			switch {
			case t == anyText || f[j] == anyText:
				next[j+1] = row[j+1] || next[j] || row[j]
			case t == anyCharacter || f[j] == anyCharacter || t == f[j]:
				next[j+1] = row[j]
			}
		}
		row = next
	}
	return row[len(f)]
}

// Tokens that are not characters.
const (
	anyText      rune = -1
	anyCharacter rune = -2
)

// tokens reads a pattern. A variable stands for any text of at least some
// length.
func tokens(s string, least int) []rune {
	var all []rune
	for len(s) > 0 {
		before, rest, variable := strings.Cut(s, "${")
		for _, r := range before {
			switch r {
			case '*':
				r = anyText
			case '?':
				r = anyCharacter
			}
			all = append(all, r)
		}
		if !variable {
			break
		}
		inner, after, _ := strings.Cut(rest, "}")
		switch inner {
		case "*", "?", "$":
			all = append(all, rune(inner[0]))
		default:
			for range least {
				all = append(all, anyCharacter)
			}
			all = append(all, anyText)
		}
		s = after
	}
	return all
}

// types returns the resource types that the known actions take, each once.
func (s *inspected) types() []*ResourceType {
	var all []*ResourceType
	seen := map[string]bool{}
	for _, a := range s.known {
		for i := range a.Resources {
			if r := &a.Resources[i]; !seen[r.ARN] {
				seen[r.ARN] = true
				all = append(all, r)
			}
		}
	}
	return all
}

// whyNever says in words why none of the types can have an ARN that the
// pattern covers.
func whyNever(types []*ResourceType, pattern string) string {
	if len(types) == 0 {
		return "the actions take no resource, only an asterisk"
	}
	fields, p := [...]string{"prefix", "partition", "service", "Region", "account"}, splitPattern(pattern)
	for _, r := range types {
		format, _ := splitARN(r.ARN)
		if !mayMeet(p[5], format[5]) {
			continue
		}
		for n, name := range fields {
			switch {
			case mayMeet(p[n], format[n]):
			case format[n] == "":
				return "no " + r.Name + " has an ARN with this " + name + ": it is empty"
			case p[n] == "":
				return "every " + r.Name + " has its " + name + " in its ARN"
			default:
				return "no " + r.Name + " has this " + name + " in its ARN"
			}
		}
	}
	return "no action of the statement takes such a resource"
}
