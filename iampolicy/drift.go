package iampolicy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Drift is what Compare found. It prints as text, a difference a line, and
// marshals to JSON. The zero Drift says that nothing differs.
type Drift struct {
	// Missing is what the installed document would have to have besides: rights
	// that are not granted, and refusals that are not there. In the order of the
	// needed document.
	Missing []Difference `json:"missing,omitempty"`
	// Excess is what the installed document has and nobody needs, in its order.
	Excess []Difference `json:"excess,omitempty"`
	// Reworded is what is there and only written otherwise. Nothing needs to be
	// done about it.
	Reworded []Rewording `json:"reworded,omitempty"`
	// Version of the installed document, if it is not the needed one's: policy
	// variables mean something else then. Empty if it is.
	Version string `json:"version,omitempty"`
}

// A Difference is a part of one statement that the other document lacks.
type Difference struct {
	// Statement names the statement it is a part of: its Sid, or its index.
	Statement string `json:"statement"`
	// Part is what differs, as a statement without a Sid that says nothing more.
	Part Statement `json:"part"`
	// Why says in words what the other document has instead.
	Why string `json:"why"`
}

// A Rewording is a statement that is installed under other words.
type Rewording struct {
	Statement string   `json:"statement"` // Sid in the needed document, or its index
	Installed []string `json:"installed"` // the statements of the installed document that say it
}

// None says that the documents say the same; what is reworded does not count.
func (d Drift) None() bool { return len(d.Missing)+len(d.Excess) == 0 && d.Version == "" }

// String returns the drift in words, a line for each difference. It is "no
// drift" if there is none.
func (d Drift) String() string {
	var b strings.Builder
	if d.Version != "" {
		fmt.Fprintf(&b, "version: the installed document is written in %s\n", d.Version)
	}
	for _, m := range d.Missing {
		fmt.Fprintf(&b, "missing %s\n", m)
	}
	for _, e := range d.Excess {
		fmt.Fprintf(&b, "excess %s\n", e)
	}
	for _, r := range d.Reworded {
		fmt.Fprintf(&b, "reworded %s\n", r)
	}
	if b.Len() == 0 {
		return "no drift"
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// String returns the difference in words, with the reason.
func (d Difference) String() string {
	return fmt.Sprintf("%s (%s): %s; %s", noun(d.Part.Effect), d.Statement, describe(&d.Part), d.Why)
}

// String returns the rewording in words.
func (r Rewording) String() string {
	return fmt.Sprintf("%s: the installed document says it in %s", r.Statement, strings.Join(r.Installed, ", "))
}

func noun(e Effect) string {
	if e == Allow {
		return "right"
	}
	return "refusal"
}

// describe says what a statement speaks of: "a, b on r for p when …".
func describe(s *Statement) string {
	text := strings.Join(s.Actions.Values, ", ")
	if s.Actions.absent() {
		text = "all actions but " + strings.Join(s.NotActions.Values, ", ")
	}
	if on := resourcesOf(s); on != "" {
		text += " on " + on
	}
	if who := principalsOf(s); who != "" {
		text += " for " + who
	}
	return text + " " + conditionsOf(s)
}

func resourcesOf(s *Statement) string {
	switch {
	case !s.Resources.absent():
		return strings.Join(s.Resources.Values, ", ")
	case !s.NotResources.absent():
		return "all but " + strings.Join(s.NotResources.Values, ", ")
	}
	return ""
}

func principalsOf(s *Statement) string {
	switch {
	case s.Principal != nil:
		return s.Principal.words()
	case s.NotPrincipal != nil:
		return "all but " + s.NotPrincipal.words()
	}
	return ""
}

func (p *Principals) words() string {
	if p.Any {
		return "everyone"
	}
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(p.By)) {
		all = append(all, p.By[kind].Values...)
	}
	if len(all) == 0 {
		return "nobody"
	}
	return strings.Join(all, ", ")
}

// conditionsOf returns the conditions in the words of the policy language.
func conditionsOf(s *Statement) string {
	if len(s.Conditions) == 0 {
		return "unconditionally"
	}
	var all []string
	for _, c := range s.Conditions {
		all = append(all, fmt.Sprintf("%s %s %s", c.Key, c.Operator, strings.Join(c.Values.Values, " or ")))
	}
	return "when " + strings.Join(all, " and ")
}
