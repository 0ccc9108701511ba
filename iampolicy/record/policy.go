package record

import (
	"slices"
	"strconv"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// Policy returns the least identity policy that grants what the calls asked
// for: a statement for all actions that have the resources and conditions in
// common. It has no statements if nothing was recorded.
func (r *Recorder) Policy(opts Options) *iampolicy.Document {
	type group struct{ actions, resources []string }
	// All resources of an action under the same conditions belong together, and
	// then all actions that have the same.
	byAction := map[string]*group{}
	conditions := map[string][]iampolicy.Condition{}
	var order []string
	for _, n := range merged(r.Needs(opts)) {
		key := n.Action + "\x00" + text(n.Conditions)
		if byAction[key] == nil {
			byAction[key] = &group{actions: []string{n.Action}}
			conditions[key] = n.Conditions
			order = append(order, key)
		}
		byAction[key].resources = append(byAction[key].resources, n.Resource)
	}
	doc := &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{}}
	at := map[string]int{}
	for _, key := range order {
		g := byAction[key]
		resources := iampolicy.Of(set(g.resources)...)
		same := text(conditions[key]) + string(mustMarshal(resources))
		n, seen := at[same]
		if !seen {
			at[same] = len(doc.Statements)
			doc.Statements = append(doc.Statements, iampolicy.Statement{
				Sid: "Recorded" + strconv.Itoa(len(doc.Statements)), Effect: iampolicy.Allow,
				Actions: iampolicy.Of(g.actions...), Resources: resources, Conditions: conditions[key],
			})
			continue
		}
		s := &doc.Statements[n]
		s.Actions = iampolicy.Of(set(slices.Concat(s.Actions.Values, g.actions))...)
	}
	return doc
}

// merged puts needs together that differ only in the values of one condition:
// a Region, a service, the call that tags.
func merged(needs []Need) (all []Need) {
	at := map[string]int{}
	for _, n := range needs {
		varies := slices.IndexFunc(n.Conditions, func(c iampolicy.Condition) bool { return c.Operator == "StringEquals" })
		if varies < 0 {
			all = append(all, n)
			continue
		}
		rest := slices.Delete(slices.Clone(n.Conditions), varies, varies+1)
		c := n.Conditions[varies]
		key := n.Action + "\x00" + n.Resource + "\x00" + c.Key + "\x00" + text(rest)
		i, seen := at[key]
		if !seen {
			at[key] = len(all)
			all = append(all, n)
			continue
		}
		values := slices.Concat(all[i].Conditions[varies].Values.Values, c.Values.Values)
		all[i].Conditions = slices.Clone(all[i].Conditions)
		all[i].Conditions[varies] = condition(c.Operator, c.Key, set(values)...)
	}
	return all
}

// text writes conditions so that they can be compared.
func text(conditions []iampolicy.Condition) string {
	key := ""
	for _, c := range conditions {
		key += c.Operator + "\x00" + c.Key + "\x00" + string(mustMarshal(c.Values)) + "\x00"
	}
	return key
}

// mustMarshal writes values, which cannot fail.
func mustMarshal(s iampolicy.Strings) []byte {
	text, err := s.MarshalJSON()
	if err != nil {
		panic("record: " + err.Error())
	}
	return text
}
