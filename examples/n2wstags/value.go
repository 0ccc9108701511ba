package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A value is what a tag "cpm backup" says: policies, separated by spaces, each
// with modifiers. A policy may be made anew from another one, "new:template".
//
//	Daily Weekly#only-snaps#app-aware Monthly:Weekly
//
// "no-backup" takes a resource out of all policies; "#exclude" on a volume takes
// it out of the backups of its instance, and "Daily#exclude" out of those of one
// policy. Case matters (N2WS User Guide, "Tag-based Backup Management").
type value struct {
	fields   []field
	noBackup bool
}

// A field is one policy, or none: then its modifiers are for all.
type field struct {
	policy    string
	template  string // that the policy is made from; empty if it exists
	modifiers []string
}

const (
	noBackup = "no-backup"
	exclude  = "exclude"
)

// maxValue is how long a tag's value may be (EC2 User Guide, "Tag restrictions").
const maxValue = 256

// parseValue reads the value of a tag.
func parseValue(text string) (value, error) {
	var v value
	if len([]rune(text)) > maxValue {
		return v, fmt.Errorf("has more than %d characters", maxValue)
	}
	for word := range strings.SplitSeq(text, " ") {
		if word == "" { // spaces side by side
			continue
		}
		f, err := parseField(word)
		if err != nil {
			return value{}, err
		}
		if f.policy == noBackup || slices.Contains(f.modifiers, noBackup) {
			v.noBackup = true
		}
		if f.policy == noBackup {
			continue
		}
		if slices.ContainsFunc(v.fields, func(g field) bool { return g.policy == f.policy }) {
			return value{}, fmt.Errorf("names %q twice", f.policy)
		}
		v.fields = append(v.fields, f)
	}
	if len(v.fields) == 0 && !v.noBackup {
		return value{}, errors.New("is empty")
	}
	return v, nil
}

func parseField(word string) (field, error) {
	if i := strings.IndexFunc(word, func(r rune) bool { return r <= ' ' || r == 0x7f || r == 0xfffd }); i >= 0 {
		return field{}, fmt.Errorf("%q has a character that is none", word)
	}
	name, rest, modified := strings.Cut(word, "#")
	f := field{policy: name}
	policy, template, made := strings.Cut(name, ":")
	if made {
		f.policy, f.template = policy, template
		if policy == "" || template == "" || strings.Contains(template, ":") || policy == noBackup {
			return field{}, fmt.Errorf("%q: want new:template", name)
		}
	}
	if modified {
		f.modifiers = strings.Split(rest, "#")
		if slices.Contains(f.modifiers, "") {
			return field{}, fmt.Errorf("%q has an empty modifier", word)
		}
	}
	if f.policy == noBackup && modified {
		return field{}, fmt.Errorf("%q: %s takes no modifiers", word, noBackup)
	}
	return f, nil
}

// String returns the value as a tag says it; parseValue reads it back.
func (v value) String() string {
	var words []string
	stated := false
	for _, f := range v.fields {
		word := f.policy
		if f.template != "" {
			word += ":" + f.template
		}
		for _, m := range f.modifiers {
			word += "#" + m
			stated = stated || m == noBackup
		}
		words = append(words, word)
	}
	if v.noBackup && !stated {
		words = append(words, noBackup)
	}
	return strings.Join(words, " ")
}

// says tells what the value means for a policy: that the resource is in it, that
// it is left out though its instance is in it, or neither. A resource that is in
// no policy is neither: its volumes may be in some all the same.
func (v value) says(policy string) (in, out bool) {
	if v.noBackup {
		return false, false
	}
	for _, f := range v.fields {
		excluded := slices.Contains(f.modifiers, exclude)
		switch f.policy {
		case policy:
			in, out = !excluded, out || excluded
		case "":
			out = out || excluded
		}
	}
	return in && !out, out
}

// policies returns the policies that are named.
func (v value) policies() (names []string) {
	for _, f := range v.fields {
		if f.policy != "" {
			names = append(names, f.policy)
		}
	}
	return names
}
