package iampolicy_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// A mutant is a document with one thing taken away or widened.
type mutant struct {
	name string
	doc  *iampolicy.Document
}

// equivalentMutants are those that no request can tell from the document, and why.
var equivalentMutants = func() map[string]string {
	all := map[string]string{}
	for _, m := range []string{
		"cleanup-session DeleteOfRun", "prune-session DeleteOld", backup1 + " RevokeOwn", backup1 + " ShareOwn", backup2 + " RevokeOwn",
		backup2 + " ShareOwn", pruner1 + " DeleteOwn", restore5 + " DeleteRestoreCopies", restore5 + " UseRestoreCopies",
		vpruner + " DeleteOwn", sharer + " RevokeOwn", sharer + " ShareOwn",
	} {
		all[m+": resources arn:aws:ec2:*::snapshot/*"] = "the id of every snapshot that exists begins with snap-"
	}
	for _, m := range []string{
		"cleanup-session DropImagesOfRun", "prune-session DropImages", restore5 + " DropImages", restore5 + " RunRestoredImages",
	} {
		all[m+": resources arn:aws:ec2:*::image/*"] = "the id of every image that exists begins with ami-"
	}
	for _, role := range []string{"vault-pruner", "vault-sharer", "vault-writer"} {
		all["orchestrator AssumeRolesOfInstallation: no resource arn:aws:iam::999999999999:role/snapkeep-"+role] = "within one account a trust policy that names the caller is enough"
	}
	for _, m := range []string{
		"source-key." + first + " WriterUsesThroughEC2", "source-key." + second + " WriterUsesThroughEC2",
		"vault-key RestorersUseThroughEC2", "vault-key WriterUsesThroughEC2",
	} {
		all[m+": StringEquals kms:CallerAccount if it exists"] = "every request has a caller's account"
	}
	for _, m := range []string{backup1 + " SnapshotVolumes", backup2 + " SnapshotVolumes", backup1 + " MakeTaggedCopies", writer + " MakeTaggedCopies"} {
		all[m+": StringEquals aws:RequestedRegion if it exists"] = "every request is made in a Region"
	}
	return all
}()

// elsewhere tells a mutant that names what is in other accounts. EC2 lets a
// role act on what its account has, and IAM on its own roles, whatever the
// policy says: the evaluator knows that and so cannot tell such mutants apart.
func elsewhere(mutant string) bool {
	return strings.Contains(mutant, ": resources arn:aws:") && (strings.Contains(mutant, "arn:aws:ec2:*:*:") || strings.Contains(mutant, "arn:aws:iam::*:"))
}

// Nothing in a document is there for nothing: whatever is taken away fails a
// request of the engine, whatever is widened lets an attack through.
func TestEveryPartOfEveryDocumentIsNeeded(t *testing.T) {
	docs, all := tableDocuments(t), requests()
	twins := []string{ // differ from another document in names only
		"snapkeep-pruner." + second, restore6, "restore-key." + drill,
	}
	total, survived := 0, map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(documents(t, installation()))) {
		// Guards and the sessions of plans are put to the simulated AWS, in internal/rolesim.
		if slices.Contains(twins, name) || strings.Contains(name, "guard") || strings.HasPrefix(name, "plan-session") {
			continue
		}
		rows := slices.DeleteFunc(slices.Clone(all), func(r request) bool {
			return r.who != name && !strings.HasPrefix(r.policy, name) && r.session != name
		})
		require.NotEmpty(t, rows, "no request has to do with %s", name)
		for _, m := range mutants(docs[name]) {
			total++
			changed := maps.Clone(docs)
			changed[name] = m.doc
			changed = withOthers(changed)
			if !slices.ContainsFunc(rows, func(r request) bool {
				return r.want != (r.judge(changed).Outcome == iampolicy.Allowed)
			}) {
				survived[name+" "+m.name] = true
			}
		}
	}
	require.Greater(t, total, 400)
	t.Logf("%d mutants, %d told apart, %d equivalent", total, total-len(survived), len(survived))
	for m := range survived {
		require.True(t, equivalentMutants[m] != "" || elsewhere(m), "nothing tells apart: %s", m)
	}
	for m := range equivalentMutants {
		require.True(t, survived[m], "%s is told apart after all", m)
	}
}

func mutants(doc *iampolicy.Document) (all []mutant) {
	for n, s := range doc.Statements {
		add := func(name string, change func(*iampolicy.Statement)) {
			changed := s
			changed.Conditions = slices.Clone(s.Conditions)
			change(&changed)
			statements := slices.Clone(doc.Statements)
			statements[n] = changed
			all = append(all, mutant{s.Sid + ": " + name, document(statements...)})
		}
		all = append(all, mutant{s.Sid + ": taken away", document(slices.Delete(slices.Clone(doc.Statements), n, n+1)...)})
		lists(s.Actions, "action", func(name string, v iampolicy.Strings) { add(name, func(s *iampolicy.Statement) { s.Actions = v }) })
		lists(s.Resources, "resource", func(name string, v iampolicy.Strings) { add(name, func(s *iampolicy.Statement) { s.Resources = v }) })
		conditionMutants(s, add)
		principalMutants(s, add)
		if s.Effect == iampolicy.Deny {
			continue
		}
		if service, _, _ := strings.Cut(s.Actions.Values[0], ":"); s.Sid != "OwnAccount" {
			add("any action", func(s *iampolicy.Statement) { s.Actions = iampolicy.Of(service + ":*") })
		}
		for _, wider := range widened(s.Resources.Values) {
			add("resources "+strings.Join(wider, ", "), func(s *iampolicy.Statement) { s.Resources = iampolicy.Of(wider...) })
		}
	}
	return all
}

// lists takes away one value after another, if there are several.
func lists(v iampolicy.Strings, what string, add func(string, iampolicy.Strings)) {
	if len(v.Values) < 2 {
		return
	}
	for n, value := range v.Values {
		add("no "+what+" "+value, iampolicy.Of(slices.Delete(slices.Clone(v.Values), n, n+1)...))
	}
}

func conditionMutants(s iampolicy.Statement, add func(string, func(*iampolicy.Statement))) {
	for n, c := range s.Conditions {
		at := c.Operator + " " + c.Key
		if s.Effect == iampolicy.Allow { // a Deny without its condition denies too much, which other rows see
			add("no "+at, func(s *iampolicy.Statement) { s.Conditions = slices.Delete(s.Conditions, n, n+1) })
			add(at+" if it exists", func(s *iampolicy.Statement) {
				if s.Conditions[n].Operator == "Null" {
					s.Conditions[n].Values = iampolicy.Of("true", "false")
				} else {
					s.Conditions[n].Operator += "IfExists"
				}
			})
		}
		lists(c.Values, "value", func(name string, v iampolicy.Strings) {
			add(at+" "+name, func(s *iampolicy.Statement) { s.Conditions[n].Values = v })
		})
	}
}

func principalMutants(s iampolicy.Statement, add func(string, func(*iampolicy.Statement))) {
	if s.Principal == nil || s.Effect == iampolicy.Deny {
		return
	}
	who := s.Principal.By["AWS"]
	lists(who, "principal", func(name string, v iampolicy.Strings) {
		add(name, func(s *iampolicy.Statement) {
			s.Principal = &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": v}}
		})
	})
	add("anyone", func(s *iampolicy.Statement) { s.Principal = &iampolicy.Principals{Any: true} })
	for n, arn := range who.Values {
		root := arn[:strings.LastIndex(arn, "::")+len("::")+12] + ":root"
		if root == arn {
			continue
		}
		whole := slices.Clone(who.Values)
		whole[n] = root
		add(fmt.Sprintf("all of %s", root), func(s *iampolicy.Statement) {
			s.Principal = &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of(whole...)}}
		})
	}
}

// widened lists what somebody might write in haste instead of the resources.
func widened(resources []string) (wider [][]string) {
	if len(resources) == 0 || resources[0] == "*" {
		return nil
	}
	wider = append(wider, []string{"*"})
	for n, arn := range resources {
		for _, change := range [][2]string{{"${*}", "*"}, {"snap-*", "*"}, {"ami-*", "*"}} {
			if other := strings.Replace(arn, change[0], change[1], 1); other != arn {
				whole := slices.Clone(resources)
				whole[n] = other
				wider = append(wider, whole)
			}
		}
		if parts := strings.SplitN(arn, ":", 6); parts[4] != "" {
			parts[4] = "*"
			whole := slices.Clone(resources)
			whole[n] = strings.Join(parts, ":")
			wider = append(wider, whole)
		}
	}
	return wider
}
