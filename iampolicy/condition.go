package iampolicy

import "strings"

// A truth is what is known of a question. Only a Partial request has a maybe.
type truth int8

const (
	no truth = iota
	maybe
	yes
)

func (t truth) not() truth { return yes - t }

func is(b bool) truth {
	if b {
		return yes
	}
	return no
}

// A presence says whether the request has a condition key.
type presence int8

const (
	absent presence = iota
	unknown
	present
)

// A derivedKey is a condition key that follows from who asks for what.
type derivedKey struct {
	name  string
	value [1]string
}

// derive adds the keys that AWS takes from the principal and the resource (IAM
// User Guide, "AWS global condition context keys").
func (e *evaluation) derive() {
	c := &e.caller
	if c.hasIdentity() {
		e.derived("aws:PrincipalArn", c.principalARN())
		e.derived("aws:PrincipalAccount", c.account)
	}
	e.derived("aws:PrincipalType", c.principalType())
	if c.kind == rootUser {
		e.derived("aws:userid", c.account)
	}
	if c.kind == service {
		e.derived("aws:PrincipalServiceName", c.arn)
	}
	if c.kind != anonymous && c.kind != provider {
		isService := "false"
		if c.kind == service {
			isService = "true"
		}
		e.derived("aws:PrincipalIsAWSService", isService)
	}
	e.derived("aws:ResourceAccount", e.owner)
}

func (e *evaluation) derived(name, value string) {
	if value != "" {
		e.keys[e.known] = derivedKey{name, [1]string{value}}
		e.known++
	}
}

// lookup returns the values of a condition key, whatever its case. What the
// caller of Evaluate says comes before what is derived.
func (e *evaluation) lookup(key string) ([]string, presence) {
	values, ok := e.req.Context[key]
	if !ok {
		spelled := "" // the first in order, should several differ in case only
		for name, v := range e.req.Context {
			if len(name) == len(key) && strings.EqualFold(name, key) && (!ok || name < spelled) {
				values, ok, spelled = v, true, name
			}
		}
	}
	switch {
	case ok && len(values) > 0:
		return values, present
	case ok:
		return nil, absent
	}
	for i := range e.known {
		if strings.EqualFold(e.keys[i].name, key) {
			return e.keys[i].value[:], present
		}
	}
	if e.req.Partial {
		return nil, unknown
	}
	return nil, absent
}

// lacks notes a key that the statement being judged turns on.
func (e *evaluation) lacks(key string) { e.missing = append(e.missing, key) }

// holds judges one condition of a statement.
func (e *evaluation) holds(c *Condition, s *scope) truth {
	if c.Key == "" && c.Values.absent() {
		return yes
	}
	op, set, ifExists := parseOperator(c.Operator)
	if op.family == invalid {
		return s.malformed
	}
	values, state := e.lookup(c.Key)
	switch {
	case state == unknown:
		e.lacks(c.Key)
		return maybe
	case op.family == null:
		return isNull(state == absent, c.Values.Values)
	case state == absent:
		// A missing key: no value contradicts ForAllValues, none satisfies
		// ForAnyValue, and only a negated operator takes nothing for a match.
		return is(ifExists || set == allValues || set == single && op.negated)
	case set == single && len(values) > 1:
		// IAM leaves it open what a list means to an operator for one value.
		return no
	}
	all, some := yes, no
	for _, value := range values {
		t := e.fits(op, value, c.Values.Values, s)
		all, some = min(all, t), max(some, t)
	}
	if set == anyValue {
		return some
	}
	return all
}

// fits judges one value of the request against the values of the policy, of
// which one must fit, or none if the operator is negated.
func (e *evaluation) fits(op operator, got string, wants []string, s *scope) truth {
	best := no
	for _, want := range wants {
		p := pattern{text: want}
		known := yes
		if s.variables {
			p, known = e.expand(want, op.family == textLike || op.family == arnLike)
		}
		if known == no && op.negated {
			return no
		}
		if known != yes {
			best = max(best, known)
			continue
		}
		fits, ok := op.compares(got, p)
		if !ok && op.negated {
			return no
		}
		best = max(best, is(fits))
	}
	if op.negated {
		return best.not()
	}
	return best
}

// isNull answers the operator Null: "true" asks for a key that is not there.
func isNull(missing bool, wants []string) truth {
	for _, want := range wants {
		if asked, ok := parseBool(want); ok && asked == missing {
			return yes
		}
	}
	return no
}
