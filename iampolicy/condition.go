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
	switch c.kind {
	case kindRoot:
		e.derived("aws:userid", c.account)
	case kindUser:
		e.derived("aws:username", c.name)
	case kindFederatedUser:
		e.derived("aws:userid", c.account+":"+c.name)
	case kindAnonymous:
		e.derived("aws:userid", "anonymous")
	}
	if c.kind == kindService {
		e.derived("aws:PrincipalServiceName", c.arn)
	}
	if c.kind != kindAnonymous && c.kind != kindProvider {
		isService := "false"
		if c.kind == kindService {
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
	if !ok && (e.lengths == 0 || e.lengths&lengthBit(key) != 0) {
		spelled := "" // the first in order, should several differ in case only
		for name, v := range e.req.Context {
			e.lengths |= lengthBit(name)
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
	if !e.hasDerived {
		e.hasDerived = true
		e.derive()
	}
	for i := range e.known {
		if len(e.keys[i].name) == len(key) && strings.EqualFold(e.keys[i].name, key) {
			return e.keys[i].value[:], present
		}
	}
	if e.req.Partial {
		return nil, unknown
	}
	return nil, absent
}

// lengthBit is the bit that stands for the length of a key, modulo 64.
func lengthBit(key string) uint64 { return 1 << (len(key) & 63) }

// lacks notes a key that the statement being judged turns on.
func (e *evaluation) lacks(key string) { e.missing = append(e.missing, key) }

// holds judges one condition of a statement.
func (e *evaluation) holds(c *Condition, s *scope) truth {
	if c.Key == "" && c.Values.absent() {
		return yes
	}
	op, set, ifExists := parseOperator(c.Operator)
	if op.family == noFamily {
		return s.malformed
	}
	values, state := e.lookup(c.Key)
	if len(values) == 1 && values[0] == "" && (set != oneValue || op.family == familyNull) {
		state = absent // "a null dataset, such as an empty string" (same guide)
	}
	switch {
	case state == unknown:
		e.lacks(c.Key)
		return maybe
	case op.family == familyNull:
		return isNull(state == absent, c.Values.Values)
	case state == absent:
		return is(holdsWithoutKey(op, set, ifExists))
	case set == oneValue && (len(values) > 1 || multivalued(c.Key)):
		// "Multivalued context keys require a condition set operator" (IAM User
		// Guide, "Single-valued vs. multivalued context keys").
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

// holdsWithoutKey says whether a condition holds where its key is missing: no
// value contradicts ForAllValues, none satisfies ForAnyValue, not even with
// IfExists, and of the others only negated operators take nothing for a match.
func holdsWithoutKey(op operator, set qualifier, ifExists bool) bool {
	switch set {
	case allValues:
		return true
	case anyValue:
		return false
	}
	return ifExists || op.negated
}

// fits judges one value of the request against the values of the policy, of
// which one must fit, or none if the operator is negated.
func (e *evaluation) fits(op operator, got string, wants []string, s *scope) truth {
	best := no
	for _, want := range wants {
		p := pattern{text: want}
		known := yes
		if s.variables && op.family.hasVariables() {
			p, known = e.expand(want, op.family == familyTextLike || op.family == familyARN)
		}
		if known != yes {
			// "There is no equal or like value" to a variable without one, and a
			// negated operator does match it (IAM User Guide, "Variables and tags").
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

// multivalued says whether a request may have several values of a key, which
// then takes a set operator (IAM User Guide, "AWS global condition context
// keys"; Service Authorization Reference: type ArrayOf…). Another key is taken
// for multivalued where a request gives it several values.
func multivalued(key string) bool {
	for _, known := range [...]string{
		"aws:CalledVia", "aws:PrincipalOrgPaths", "aws:PrincipalServiceNamesList", "aws:ResourceOrgPaths",
		"aws:SourceOrgPaths", "aws:TagKeys", "aws:VpceOrgPaths",
		"kms:EncryptionContextKeys", "kms:GrantOperations", "kms:ResourceAliases",
		"s3:RequestObjectTagKeys", "sts:TransitiveTagKeys",
	} {
		if len(known) == len(key) && strings.EqualFold(known, key) {
			return true
		}
	}
	return false
}
