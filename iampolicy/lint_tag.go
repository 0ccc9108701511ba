package iampolicy

import (
	"slices"
	"strings"
)

// lintTagBypass looks for statements that are confined by a tag which another
// statement lets the same identity set.
func (in *inspection) lintTagBypass(s *inspected) {
	if !slices.ContainsFunc(s.known, func(a *Action) bool { return a.Access != AccessList && a.Access != AccessRead }) {
		return
	}
	for i := range s.Conditions {
		c := &s.Conditions[i]
		tag, ok := resourceTag(c.Key)
		if !ok || !c.demandsKey() || strings.HasPrefix(strings.ToLower(tag), "aws:") {
			continue // only AWS sets tags that start with aws: (EC2 User Guide, "Tag restrictions")
		}
		for j := range in.statements {
			free := &in.statements[j]
			if name := in.tagsFreely(free, s, tag); name != "" {
				in.find("tag-bypass", s.at.member("Condition").member(c.Operator).member(c.Key),
					"%s of %s may set the tag", name, free.at)
				break
			}
		}
	}
}

// resourceTag returns the tag that a condition key reads from a resource.
func resourceTag(key string) (tag string, ok bool) {
	name, tag, ok := strings.Cut(key, "/")
	_, name, _ = strings.Cut(strings.ToLower(name), ":")
	// rds:snapshot-tag and its like; rds:req-tag is of the request.
	return tag, ok && (name == "resourcetag" || strings.HasSuffix(name, "-tag") && name != "req-tag" || name == "existingobjecttag")
}

// tagsFreely returns an action of a statement that may put a tag on what
// another statement is confined to, or nothing.
func (in *inspection) tagsFreely(free, confined *inspected, tag string) string {
	if free.Effect != Allow || free.sparesTag(tag) || !overlap(free.Resources, confined.Resources) {
		return ""
	}
	for _, a := range free.known {
		if a.Access != AccessTagging || !setsTags(a.Name) || !sameService(a, confined.known) {
			continue
		}
		if in.allows(free, a.Name) && !in.deniesTag(a.Name, tag) {
			return a.Name
		}
	}
	return ""
}

// setsTags tells actions that set tags from those that remove them.
func setsTags(name string) bool {
	_, verb, _ := strings.Cut(name, ":")
	return strings.Contains(verb, "Tag") && !strings.HasPrefix(verb, "Delete") && !strings.HasPrefix(verb, "Remove") && !strings.HasPrefix(verb, "Untag")
}

// sameService says whether an action tags what the others act on. Actions of
// tag:* tag resources of any service, for who may tag them there too.
func sameService(a *Action, others []*Action) bool {
	prefix, _, _ := strings.Cut(a.Name, ":")
	return slices.ContainsFunc(others, func(o *Action) bool { return strings.HasPrefix(o.Name, prefix+":") })
}

// sparesTag says whether the conditions of a statement keep it from putting a
// tag on what exists without it.
func (s *inspected) sparesTag(tag string) bool {
	return slices.ContainsFunc(s.Conditions, func(c Condition) bool {
		op, set, _ := parseOperator(c.Operator)
		key := strings.ToLower(c.Key)
		switch {
		case key == "ec2:createaction":
			// A call that makes something and tags it; CreateTags tags what exists.
			return c.demandsKey() && !slices.ContainsFunc(c.Values.Values, func(v string) bool { return pattern{text: v}.matchesFold("CreateTags") })
		case key == "aws:tagkeys" && set == allValues:
			listed := slices.ContainsFunc(c.Values.Values, func(v string) bool { return pattern{text: v}.matchesFold(tag) })
			return listed == op.negated
		case strings.EqualFold(key, "aws:requesttag/"+tag):
			return op.family == familyNull && isNull(true, c.Values.Values) == yes
		}
		// What must have this tag already, or another that is not free, is
		// judged by that other statement's own condition.
		_, reads := resourceTag(c.Key)
		return reads && c.demandsKey()
	})
}

// deniesTag says whether a statement denies tagging with a tag, by whatever
// condition on the tags of the request.
func (in *inspection) deniesTag(action, tag string) bool {
	return slices.ContainsFunc(in.statements, func(s inspected) bool {
		if s.Effect != Deny || !matchesAny(s.Actions.Values, action) {
			return false
		}
		return len(s.Conditions) > 0 && slices.ContainsFunc(s.Conditions, func(c Condition) bool {
			key := strings.ToLower(c.Key)
			return strings.EqualFold(key, "aws:requesttag/"+tag) || key == "aws:tagkeys" || key == "ec2:createaction"
		})
	})
}

// overlap says whether two lists of resources have one in common.
func overlap(a, b Strings) bool {
	if a.absent() || b.absent() {
		return true
	}
	return slices.ContainsFunc(a.Values, func(x string) bool {
		return slices.ContainsFunc(b.Values, func(y string) bool {
			p, q := splitPattern(x), splitPattern(y)
			if x == "*" || y == "*" {
				return true
			}
			for i := range p {
				if !mayMeet(p[i], q[i]) {
					return false
				}
			}
			return true
		})
	})
}
