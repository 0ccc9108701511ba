package iampolicy

import (
	"iter"
	"maps"
	"slices"
	"strings"
)

// A universe is the requests that Covers asks about.
type universe struct {
	docs       [2]*Document // wide and narrow
	principals []Principal  // who asks
	byResource bool         // the documents are policies of a resource
	actions    []string
	resources  []string
	keys       []universeKey
	byAction   map[string][]universeKey
	variables  map[string]bool // keys that stand in the texts as policy variables
}

// A universeKey is a condition key with the values it may have; nil is absent.
type universeKey struct {
	name   string
	values [][]string
}

// What occurs in no document.
const (
	probe              = "zz"
	probeAccount       = "000000000000" // of the resource, where it is not the caller's
	probeCallerAccount = "000000000001"
	probeCaller        = "arn:aws:sts::" + probeCallerAccount + ":assumed-role/zz/zz"
)

func newUniverse(a, b *Document) *universe {
	u := &universe{docs: [2]*Document{a, b}, variables: map[string]bool{}, byAction: map[string][]universeKey{}}
	services := map[string]bool{probe: true}
	var actions, resources []string
	for _, d := range []*Document{a, b} {
		for i := range d.Statements {
			s := &d.Statements[i]
			u.byResource = u.byResource || s.Principal != nil || s.NotPrincipal != nil
			actions = append(append(actions, s.Actions.Values...), s.NotActions.Values...)
			resources = append(append(resources, s.Resources.Values...), s.NotResources.Values...)
		}
	}
	for _, text := range actions {
		u.actions = append(u.actions, instances(text, actions, nil)...)
	}
	for _, action := range u.actions {
		service, _, _ := strings.Cut(action, ":")
		services[service] = true
	}
	for _, text := range resources {
		u.resources = append(u.resources, instancesOfARN(text, u.variables)...)
	}
	for service := range services {
		u.actions = append(u.actions, service+":"+probe)
		u.resources = append(u.resources, "arn:aws:"+service+":eu-west-1:"+probeAccount+":"+probe)
	}
	u.resources = append(u.resources, "*")
	u.actions = slices.DeleteFunc(u.actions, func(a string) bool { return !strings.Contains(a, ":") })
	u.actions, u.resources = listed(u.actions...).Values, listed(u.resources...).Values
	u.addKeys(a, b)
	u.addPrincipals(a, b)
	return u
}

// set puts a document where it alone decides: beside it is only what AWS wants
// besides, an identity policy that allows everything, or a key or trust policy
// that leaves all to the account.
func (u *universe) set(d *Document) PolicySet {
	if u.byResource {
		return PolicySet{Identity: []*Document{open(nil)}, Resource: d}
	}
	return PolicySet{
		Identity: []*Document{d},
		Resource: open(&Principals{By: map[string]Strings{"AWS": Of(probeCallerAccount)}}),
	}
}

func open(who *Principals) *Document {
	return &Document{Version: Version, Statements: []Statement{{Effect: Allow, Principal: who, Actions: Of("*"), Resources: Of("*")}}}
}

// each calls f with every request, with contexts that differ in so many keys
// from one that meets a statement, until f says no. It says whether f did.
func (u *universe) each(depth int, f func(Request) bool) (stopped bool) {
	for i := range u.docs[1].Statements {
		s := &u.docs[1].Statements[i]
		meets, possible := u.meeting(s)
		if s.Effect != Allow || !possible {
			continue
		}
		for r := range u.spokenOf(s) {
			ask := func(context map[string][]string) bool {
				r := r
				r.Context = context
				return f(r)
			}
			if !vary(meets, u.keysFor(r.Action), depth, ask) {
				return true
			}
		}
	}
	return false
}

// size is how many requests there are at most.
func (u *universe) size(depth int) int {
	total := 0
	for i := range u.docs[1].Statements {
		if s := &u.docs[1].Statements[i]; s.Effect == Allow {
			for r := range u.spokenOf(s) {
				contexts, values := 1, 0
				for _, k := range u.keysFor(r.Action) {
					if depth > 1 {
						contexts += len(k.values) * values
					}
					contexts += len(k.values)
					values += len(k.values)
				}
				total += contexts
			}
		}
	}
	return total
}

// keysFor returns the keys that any statement about the action asks for. Others
// change nothing.
func (u *universe) keysFor(action string) []universeKey {
	if keys, known := u.byAction[action]; known {
		return keys
	}
	asked := map[string]bool{}
	for key := range u.variables {
		asked[strings.ToLower(key)] = true
	}
	for _, d := range u.docs {
		for i := range d.Statements {
			e := evaluation{req: Request{Action: action}}
			if e.speaksOfAction(&d.Statements[i], &scope{malformed: yes}) {
				for _, c := range d.Statements[i].Conditions {
					asked[strings.ToLower(c.Key)] = true
				}
			}
		}
	}
	var keys []universeKey
	for _, k := range u.keys {
		if asked[strings.ToLower(k.name)] {
			keys = append(keys, k)
		}
	}
	u.byAction[action] = keys
	return keys
}

// spokenOf returns requests, without context, that a statement may be about.
func (u *universe) spokenOf(s *Statement) iter.Seq[Request] {
	return func(yield func(Request) bool) {
		place := scope{reason: Reason{Layer: "identity"}}
		if u.byResource {
			place.reason.Layer, place.principals = "resource", true
		}
		for _, action := range u.actions {
			e := evaluation{req: Request{Action: action}}
			if !e.speaksOfAction(s, &place) {
				continue
			}
			for _, resource := range u.resources {
				e := evaluation{req: Request{Resource: resource}}
				e.resource, _ = splitARN(resource)
				for _, who := range u.principals {
					r := Request{Principal: who, Action: action, Resource: resource}
					if r.ResourceAccount = probeCallerAccount; u.byResource {
						r.ResourceAccount = probeAccount
					}
					e.caller = newCaller(who)
					if _, ok := e.speaksOfCaller(s, &place); !ok {
						continue
					}
					if e.speaksOfResource(s, &place) != no || strings.Contains(strings.Join(s.Resources.Values, ""), "${") {
						if !yield(r) {
							return
						}
					}
				}
			}
		}
	}
}

// meeting returns a context that meets all conditions of a statement and has a
// value for each policy variable. What is not asked for is absent.
func (u *universe) meeting(s *Statement) (map[string][]string, bool) {
	context := map[string][]string{}
	for key := range u.variables {
		context[key] = []string{variableValue(key)}
	}
	for _, k := range u.keys {
		if !slices.ContainsFunc(s.Conditions, func(c Condition) bool { return strings.EqualFold(c.Key, k.name) }) {
			continue
		}
		at := slices.IndexFunc(k.values, func(values []string) bool {
			k.set(context, values)
			e := evaluation{req: Request{Context: context}}
			return e.meets(s, k.name, u.docs[1].Version == Version)
		})
		if at < 0 {
			return nil, false
		}
	}
	return context, true
}

// set gives a context one of the key's values.
func (k *universeKey) set(context map[string][]string, values []string) {
	if values == nil {
		delete(context, k.name)
		return
	}
	context[k.name] = values
}

// meets says whether all conditions on a key hold.
func (e *evaluation) meets(s *Statement, key string, variables bool) bool {
	place := scope{malformed: no, variables: variables}
	for i := range s.Conditions {
		if c := &s.Conditions[i]; strings.EqualFold(c.Key, key) && e.holds(c, &place) == no {
			return false
		}
	}
	return true
}

// vary calls yield with the context, and with all that differ from it in so
// many of the keys. Each is a context of its own.
func vary(context map[string][]string, keys []universeKey, depth int, yield func(map[string][]string) bool) bool {
	if !yield(context) {
		return false
	}
	if depth == 0 {
		return true
	}
	for i := range keys {
		k := &keys[i]
		for _, values := range k.values {
			if slices.Equal(values, context[k.name]) {
				continue
			}
			changed := maps.Clone(context)
			k.set(changed, values)
			if !vary(changed, keys[i+1:], depth-1, yield) {
				return false
			}
		}
	}
	return true
}
