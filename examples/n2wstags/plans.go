package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/snapkeep/snapkeep/backup"
)

// A migration is the plans that do as the tags of a world say.
type migration struct {
	Plans []backup.Plan `json:"plans"`
	// Notes name what the plans do not carry over, Problems what the tags do not
	// say clearly: somebody has to look.
	Notes    []string `json:"notes,omitempty"`
	Problems []string `json:"problems,omitempty"`
}

// migrate makes a plan of each policy that a tag names. Sites, retention and
// copies are the template's, since tags say nothing of them.
//
// The plans select by the values that the scan has found, word by word: what is
// tagged like something that was there is protected from then on; a value that
// nobody had used before needs another scan, as it did before.
func migrate(found []tagged, template backup.Plan) migration {
	m := &migration{}
	values := map[string]map[string]value{} // by key and text
	for _, t := range found {
		for key, v := range m.read(t) {
			if values[key] == nil {
				values[key] = map[string]value{}
			}
			values[key][t.values[key]] = v
		}
	}
	policies := map[string]bool{}
	for _, byText := range values {
		for _, v := range byText {
			for _, p := range v.policies() {
				policies[p] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(policies)) {
		plan := template
		plan.Name = name
		sel := selector(name, values)
		plan.Sources = slices.Clone(template.Sources)
		for i := range plan.Sources {
			plan.Sources[i].Select = sel
		}
		if len(sel.Any) == 0 {
			m.Notes = append(m.Notes, fmt.Sprintf("policy %s: nothing is in it; no plan", name))
			continue
		}
		if err := plan.Validate(); err != nil {
			m.Problems = append(m.Problems, fmt.Sprintf("policy %q: %v", name, err))
			continue
		}
		m.Plans = append(m.Plans, plan)
	}
	slices.Sort(m.Notes)
	m.Notes = slices.Compact(m.Notes)
	return *m
}

// read reads the tags of one resource, by key, and notes what is lost.
func (m *migration) read(t tagged) map[string]value {
	read, seen := map[string]value{}, map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(t.values)) {
		lower := strings.ToLower(key)
		if other, twice := seen[lower]; twice {
			m.problem(t, "the keys %q and %q differ only by case: which of them N2WS reads is not certain", other, key)
		}
		seen[lower] = key
		if key != lower {
			m.problem(t, "the key %q is not in lower case: it is not read", key)
			continue
		}
		v, err := parseValue(t.values[key])
		if err != nil {
			m.problem(t, "the tag %q %v", key, err)
			continue
		}
		read[key] = v
		m.note(t, v)
	}
	if len(read) == 2 && read[keys[0]].String() != read[keys[1]].String() {
		m.problem(t, "the tags %q and %q say different things: the plans do both", keys[0], keys[1])
	}
	return read
}

func (m *migration) problem(t tagged, format string, args ...any) {
	m.Problems = append(m.Problems, t.String()+": "+fmt.Sprintf(format, args...))
}

// lost says what becomes of the modifiers; those that are carried over, and
// only-snaps, which is what snapkeep does anyway, have an empty text.
var lost = map[string]string{
	noBackup: "", exclude: "", "only-snaps": "",
	"initial-ami":      "no image is made; image of a plan's copies makes one for each point",
	"only-amis":        "snapshots are made; image of a plan's copies makes an image of them for each point",
	"only-amis-reboot": "snapshots are made, and nothing is restarted; image of a plan's copies makes an image of them for each point",
	"app-aware":        "no scripts are run around the snapshot; quiesce of a plan's sources runs them, in a plan of its own for these resources",
	"app-aware-vss":    "VSS is not asked to freeze the volumes; quiesce.vss of a plan's sources asks, in a plan of its own for these resources",
}

// note names what a value says and the plans do not do.
func (m *migration) note(t tagged, v value) {
	for _, f := range v.fields {
		for _, mod := range f.modifiers {
			what, known := lost[mod]
			switch {
			case !known:
				m.problem(t, "the modifier #%s is not known", mod)
			case what != "":
				m.Notes = append(m.Notes, fmt.Sprintf("%s: policy %s: #%s is not carried over: %s", t, f.policy, mod, what))
			case mod == exclude && strings.HasPrefix(t.id, "i-"):
				m.problem(t, "#%s is for volumes: the plans leave the instance out", exclude)
			}
		}
		if f.template != "" {
			m.Notes = append(m.Notes, fmt.Sprintf("policy %s: it was to be made like %s: compare their schedules and retention", f.policy, f.template))
		}
		if f.policy == "" && !slices.Contains(f.modifiers, exclude) && !slices.Contains(f.modifiers, noBackup) {
			m.problem(t, "%q names no policy", v)
		}
	}
}

// selector chooses what the values put into a policy, and leaves out what they
// take out of it.
func selector(policy string, values map[string]map[string]value) backup.Selector {
	var sel backup.Selector
	for _, key := range slices.Sorted(maps.Keys(values)) {
		var chosen, excluded []string
		for _, text := range slices.Sorted(maps.Keys(values[key])) {
			in, out := values[key][text].says(policy)
			switch {
			case in:
				chosen = append(chosen, literal(text))
			case out:
				excluded = append(excluded, literal(text))
			}
		}
		if len(chosen) > 0 {
			sel.Any = append(sel.Any, backup.Match{Tags: map[string][]string{key: chosen}})
		}
		if len(excluded) > 0 {
			sel.Except = append(sel.Except, backup.Match{Tags: map[string][]string{key: excluded}})
		}
	}
	return sel
}

// literal is a pattern that fits just the text.
func literal(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(text)
}
