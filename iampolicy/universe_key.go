package iampolicy

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// instances returns text that a pattern matches: its wildcards left out, made a
// letter, and made what stands there in other texts that it matches.
func instances(text string, others []string, variables map[string]bool) []string {
	text = withoutVariables(text, variables)
	if !strings.ContainsAny(text, "*?") {
		return []string{strings.ReplaceAll(text, "\x00", "*")}
	}
	fill := func(star string) string {
		return strings.NewReplacer("*", star, "?", "z", "\x00", "*").Replace(text)
	}
	all := []string{fill(probe)}
	if text != "*" && !strings.HasSuffix(text, ":*") {
		all = append(all, fill(""))
	}
	for _, other := range others {
		if plain := strings.NewReplacer("*", probe, "?", "z").Replace(other); (pattern{text: text}).matchesFold(plain) {
			all = append(all, plain)
		}
	}
	return all
}

// withoutVariables puts a value for each policy variable, and the special
// characters for ${*}, ${?} and ${$}, a star as a zero byte.
func withoutVariables(text string, variables map[string]bool) string {
	for {
		before, rest, found := strings.Cut(text, "${")
		inner, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			return text
		}
		value := inner
		switch inner {
		case "*":
			value = "\x00"
		case "?", "$":
		default:
			key, _, _ := strings.Cut(inner, ",")
			key = strings.TrimSpace(key)
			if variables != nil {
				variables[key] = true
			}
			value = variableValue(key)
		}
		text = before + value + after
	}
}

// variableValue is the value that a key has which is used as a variable.
func variableValue(key string) string {
	return "v-" + strings.Map(func(r rune) rune {
		if r == ':' || r == '/' {
			return '-'
		}
		return r
	}, strings.ToLower(key))
}

// instancesOfARN is instances for a pattern of ARNs, whose fields have values
// of their kinds.
func instancesOfARN(text string, variables map[string]bool) []string {
	text = withoutVariables(text, variables)
	if text == "*" {
		return []string{"*"}
	}
	p := splitPattern(text)
	for i, usual := range [...]string{"arn", "aws", "zz", "eu-west-1", "000000000002"} {
		if p[i] == "*" {
			p[i] = usual
		} else {
			p[i] = strings.NewReplacer("*", probe, "?", "z").Replace(p[i])
		}
	}
	before := strings.Join(p[:5], ":") + ":"
	var all []string
	for _, last := range instances(p[5], nil, nil) {
		all = append(all, before+last)
	}
	return all
}

func (u *universe) addKeys(a, b *Document) {
	values := map[string][][]string{} // by key in lower case
	names := map[string]string{}
	add := func(key string, more ...[]string) {
		lower := strings.ToLower(key)
		if names[lower] == "" {
			names[lower] = key
			values[lower] = [][]string{nil, {probe}}
		}
		values[lower] = append(values[lower], more...)
	}
	for _, d := range []*Document{a, b} {
		for i := range d.Statements {
			for _, c := range d.Statements[i].Conditions {
				if c.Key != "" {
					add(c.Key, c.probes(u.variables)...)
				}
			}
		}
	}
	for key := range u.variables {
		add(key, []string{variableValue(key)})
	}
	for _, lower := range slices.Sorted(maps.Keys(names)) {
		k := universeKey{name: names[lower]}
		for _, v := range values[lower] {
			if !slices.ContainsFunc(k.values, func(have []string) bool { return slices.Equal(have, v) && (have == nil) == (v == nil) }) {
				k.values = append(k.values, v)
			}
		}
		u.keys = append(u.keys, k)
	}
}

// probes returns values that tell this condition from others.
func (c *Condition) probes(variables map[string]bool) (all [][]string) {
	op, set, _ := parseOperator(c.Operator)
	for _, want := range c.Values.Values {
		for _, value := range op.around(want, variables) {
			all = append(all, []string{value})
			if set != oneValue || multivalued(c.Key) {
				all = append(all, []string{value, probe})
			}
		}
	}
	if set != oneValue && len(c.Values.Values) > 1 {
		all = append(all, c.Values.Values[:2])
	}
	return all
}

// around returns values on either side of where an operator changes its mind.
func (op operator) around(want string, variables map[string]bool) []string {
	switch op.family {
	case familyNull:
		return nil
	case familyBool:
		return []string{"true", "false"}
	case familyNumber:
		if n, err := strconv.ParseInt(want, 10, 64); err == nil {
			return []string{strconv.FormatInt(n-1, 10), want, strconv.FormatInt(n+1, 10)}
		}
		return []string{want, "-1000000000", "1000000000"}
	case familyDate:
		t, ok := parseDate(want)
		if !ok {
			return []string{want}
		}
		at := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
		return []string{at(t.Add(-time.Second)), at(t), at(t.Add(time.Second))}
	case familyAddress:
		if p, err := netip.ParsePrefix(want); err == nil {
			return []string{p.Masked().Addr().String(), p.Masked().Addr().Prev().String()}
		}
		return []string{want, "192.0.2.255"}
	case familyARN:
		return instancesOfARN(want, variables)
	case familyTextLike:
		return instances(want, nil, variables)
	case familyTextFold:
		return []string{want, strings.ToUpper(want)}
	}
	return []string{strings.ReplaceAll(withoutVariables(want, variables), "\x00", "*")}
}

// addPrincipals adds who is named, and somebody who is not.
func (u *universe) addPrincipals(a, b *Document) {
	u.principals = []Principal{{ARN: probeCaller}}
	if !u.byResource {
		return
	}
	seen := map[string]bool{}
	add := func(arn string) {
		if !seen[arn] {
			seen[arn] = true
			u.principals = append(u.principals, Principal{ARN: arn})
		}
	}
	for _, d := range []*Document{a, b} {
		for i := range d.Statements {
			for _, p := range []*Principals{d.Statements[i].Principal, d.Statements[i].NotPrincipal} {
				if p == nil {
					continue
				}
				for _, name := range p.everyName() {
					for _, arn := range callersFor(name) {
						add(arn)
					}
				}
			}
		}
	}
}

func (p *Principals) everyName() (all []string) {
	for _, kind := range slices.Sorted(maps.Keys(p.By)) {
		all = append(all, p.By[kind].Values...)
	}
	return all
}

// callersFor returns principals that a name in a policy stands for.
func callersFor(name string) []string {
	if account := accountNamed(name); account != "" {
		return []string{"arn:aws:iam::" + account + ":user/" + probe}
	}
	fields, ok := splitARN(name)
	if ok && fields[2] == "iam" && strings.HasPrefix(fields[5], "role/") {
		return []string{name, "arn:" + fields[1] + ":sts::" + fields[4] + ":assumed-role/" + baseName(fields[5]) + "/" + probe}
	}
	return []string{name}
}
