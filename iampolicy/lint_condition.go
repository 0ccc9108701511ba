package iampolicy

import (
	"math/big"
	"slices"
	"strings"
)

// lintConditions looks at what the conditions of a statement let through.
func (in *inspection) lintConditions(s *inspected) {
	at := s.at.member("Condition")
	for i := range s.Conditions {
		c := &s.Conditions[i]
		op, set, ifExists := parseOperator(c.Operator)
		if op.family == noFamily || c.Key == "" {
			continue
		}
		at := at.member(c.Operator).member(c.Key)
		if strings.EqualFold(c.Key, "aws:MultiFactorAuthPresent") {
			in.lintMFA(s, at, c, op, ifExists)
			continue
		}
		if s.Effect == Deny && set == allValues && op.family != familyNull {
			in.find("deny-evaded", at, "one value of %s that does not fit is enough", c.Key)
		}
		if s.Effect != Allow || op.family == familyNull || alwaysSent(c.Key) || s.demandsBeside(c) {
			continue
		}
		switch {
		case set == allValues && in.kind == KindTrust && isSessionTags(c.Key):
			// It says which tags a session may have. One without tags has none.
		case set == allValues:
			in.find("for-all-values-without-null", at, "%s may be missing", c.Key)
		case holdsWithoutKey(op, set, ifExists):
			in.find("fail-open-negation", at, "%s holds where %s is missing", c.Operator, c.Key)
		}
	}
	if key, why := s.contradiction(); key != "" {
		in.find("never-matches", at, "%s: %s", key, why)
	}
}

func isSessionTags(key string) bool {
	return strings.EqualFold(key, "aws:TagKeys") || strings.EqualFold(key, "sts:TransitiveTagKeys")
}

// lintMFA judges comparisons with whether there was a second factor.
func (in *inspection) lintMFA(s *inspected, at place, c *Condition, op operator, ifExists bool) {
	if op.family == familyNull || !slices.ContainsFunc(c.Values.Values, func(v string) bool { return strings.EqualFold(v, "false") }) {
		return
	}
	switch {
	case s.Effect == Allow:
		in.find("mfa-hole", at, "who has no second factor is allowed")
	case !ifExists && !slices.ContainsFunc(s.Conditions, func(other Condition) bool {
		return strings.EqualFold(other.Key, c.Key) && other.demandsKey() && other.Operator != c.Operator
	}):
		in.find("mfa-hole", at, "long-term credentials are not denied")
	}
}

// alwaysSent says whether every signed request has a key (IAM User Guide, "AWS
// global condition context keys": availability).
func alwaysSent(key string) bool {
	for _, known := range [...]string{
		"aws:CurrentTime", "aws:EpochTime", "aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalIsAWSService",
		"aws:PrincipalType", "aws:RequestedRegion", "aws:SecureTransport", "aws:UserAgent", "aws:ViaAWSService", "aws:userid",
		"ec2:Region", "kms:CallerAccount",
	} {
		if strings.EqualFold(known, key) {
			return true
		}
	}
	return false
}

// demandsBeside says whether another condition of the statement needs the key.
// Where a tag is in the request, so are aws:TagKeys.
func (s *inspected) demandsBeside(c *Condition) bool {
	return s.demands(func(key string) bool {
		return strings.EqualFold(key, c.Key) || strings.EqualFold(c.Key, "aws:TagKeys") && strings.HasPrefix(key, "aws:requesttag/")
	})
}

// contradiction returns a key on which conditions of the statement cannot hold
// together, and why.
func (s *inspected) contradiction() (key, why string) {
	for i := range s.Conditions {
		a := &s.Conditions[i]
		for j := i + 1; j < len(s.Conditions); j++ {
			b := &s.Conditions[j]
			if a.Key == "" || !strings.EqualFold(a.Key, b.Key) {
				continue
			}
			if why := a.excludes(b); why != "" {
				return a.Key, why
			}
			if why := b.excludes(a); why != "" {
				return a.Key, why
			}
		}
	}
	return "", ""
}

// excludes says in words why two conditions on one key cannot both hold, as
// far as the first shows it. It does not say so where it cannot tell.
func (c *Condition) excludes(other *Condition) string {
	a, setA, _ := parseOperator(c.Operator)
	b, setB, _ := parseOperator(other.Operator)
	if a.family == familyNull {
		if isNull(true, c.Values.Values) == yes && isNull(false, c.Values.Values) == no && other.demandsKey() {
			return "one condition demands that the key is missing, another that it is there"
		}
		return ""
	}
	demanded := c.demandsKey() || other.demandsKey()
	if !demanded || setA != oneValue || setB != oneValue || c.hasVariables() || other.hasVariables() {
		return ""
	}
	switch {
	case isText(a) && isText(b), a.family == familyBool && b.family == familyBool:
		if !a.negated && a.leavesNothing(c.Values.Values, b, other.Values.Values) {
			return "no value satisfies both"
		}
	case a.family == b.family && (a.family == familyNumber || a.family == familyDate):
		if a.above(c.Values.Values, b, other.Values.Values) {
			return "the lower bound is not below the upper one"
		}
	}
	return ""
}

func (c *Condition) hasVariables() bool {
	return slices.ContainsFunc(c.Values.Values, func(v string) bool { return strings.Contains(v, "${") })
}

// isText leaves out comparisons that ignore case, to be on the safe side.
func isText(op operator) bool { return op.family == familyText || op.family == familyTextLike }

// leavesNothing says whether each value that a allows is refused by b.
func (op operator) leavesNothing(allowed []string, b operator, others []string) bool {
	return !slices.ContainsFunc(allowed, func(value string) bool {
		if b.negated {
			// A pattern may have values that the other does not refuse.
			return op.family == familyTextLike && strings.ContainsAny(value, "*?") ||
				!slices.ContainsFunc(others, func(o string) bool { ok, _ := b.compares(value, pattern{text: o}); return ok })
		}
		return slices.ContainsFunc(others, func(o string) bool { return op.meets(value, b, o) })
	})
}

// meets says whether two values that are allowed have one in common.
func (op operator) meets(value string, b operator, other string) bool {
	if op.family == familyBool {
		return strings.EqualFold(value, other)
	}
	literally := func(op operator, s string) string {
		if op.family == familyTextLike {
			return s
		}
		return strings.NewReplacer("*", "${*}", "?", "${?}").Replace(s)
	}
	return mayMeet(literally(op, value), literally(b, other))
}

// above says whether the lower bound that a sets is beyond the upper that b does.
func (op operator) above(lows []string, b operator, highs []string) bool {
	lower := op.order == greater || op.order == greaterOrEqual
	upper := b.order == less || b.order == lessOrEqual
	if op.negated || b.negated || !lower || !upper {
		return false
	}
	for _, low := range lows {
		for _, high := range highs {
			l, lok := op.number(low)
			h, hok := op.number(high)
			if !lok || !hok {
				return false
			}
			cmp := l.Cmp(h)
			if cmp < 0 || cmp == 0 && op.order == greaterOrEqual && b.order == lessOrEqual {
				return false
			}
		}
	}
	return len(lows) > 0 && len(highs) > 0
}

// number reads a value of a numeric or date operator so that it can be ordered.
func (op operator) number(value string) (*big.Rat, bool) {
	if op.family == familyNumber {
		return parseDecimal(value)
	}
	at, ok := parseDate(value)
	if !ok {
		return nil, false
	}
	return new(big.Rat).SetInt64(at.UnixMilli()), true
}
