package iampolicy

import (
	"encoding/base64"
	"math/big"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// A family of operators compares values of one type.
type family int

const (
	noFamily family = iota
	familyText
	familyTextFold
	familyTextLike
	familyNumber
	familyDate
	familyBool
	familyBinary
	familyAddress
	familyARN
	familyNull
)

// hasVariables says whether policy variables stand for something in values of
// this family (IAM User Guide, "IAM JSON policy elements: Condition operators").
func (f family) hasVariables() bool {
	switch f {
	case familyText, familyTextFold, familyTextLike, familyBool, familyARN:
		return true
	}
	return false
}

// An order is what a numeric or date operator demands of the value in the
// request, compared with the one in the policy.
type order int

const (
	equal order = iota
	less
	lessOrEqual
	greater
	greaterOrEqual
)

// An operator is a condition operator without prefix and suffix.
type operator struct {
	family  family
	order   order
	negated bool
}

// findOperator returns an operator and its name as AWS spells it (IAM User
// Guide, "IAM JSON policy elements: Condition operators"). Case does not matter.
func findOperator(name string) (spelled string, op operator) {
	for i := range operators {
		known := &operators[i]
		if known.name == name || len(known.name) == len(name) && strings.EqualFold(known.name, name) {
			return known.name, known.operator
		}
	}
	return name, operator{}
}

// operators are all there are.
var operators = [...]struct {
	name string
	operator
}{
	{"StringEquals", operator{family: familyText}},
	{"StringNotEquals", operator{family: familyText, negated: true}},
	{"StringEqualsIgnoreCase", operator{family: familyTextFold}},
	{"StringNotEqualsIgnoreCase", operator{family: familyTextFold, negated: true}},
	{"StringLike", operator{family: familyTextLike}},
	{"StringNotLike", operator{family: familyTextLike, negated: true}},
	{"NumericEquals", operator{family: familyNumber}},
	{"NumericNotEquals", operator{family: familyNumber, negated: true}},
	{"NumericLessThan", operator{family: familyNumber, order: less}},
	{"NumericLessThanEquals", operator{family: familyNumber, order: lessOrEqual}},
	{"NumericGreaterThan", operator{family: familyNumber, order: greater}},
	{"NumericGreaterThanEquals", operator{family: familyNumber, order: greaterOrEqual}},
	{"DateEquals", operator{family: familyDate}},
	{"DateNotEquals", operator{family: familyDate, negated: true}},
	{"DateLessThan", operator{family: familyDate, order: less}},
	{"DateLessThanEquals", operator{family: familyDate, order: lessOrEqual}},
	{"DateGreaterThan", operator{family: familyDate, order: greater}},
	{"DateGreaterThanEquals", operator{family: familyDate, order: greaterOrEqual}},
	{"Bool", operator{family: familyBool}},
	{"BinaryEquals", operator{family: familyBinary}},
	{"IpAddress", operator{family: familyAddress}},
	{"NotIpAddress", operator{family: familyAddress, negated: true}},
	{"ArnEquals", operator{family: familyARN}},
	{"ArnLike", operator{family: familyARN}},
	{"ArnNotEquals", operator{family: familyARN, negated: true}},
	{"ArnNotLike", operator{family: familyARN, negated: true}},
	{"Null", operator{family: familyNull}},
}

// A qualifier says which of the values in the request must fit.
type qualifier int

const (
	oneValue qualifier = iota // the only one
	anyValue
	allValues
)

// parseOperator takes an operator apart. Case does not matter. An operator
// that IAM does not have comes back with the family invalid.
func parseOperator(name string) (op operator, set qualifier, ifExists bool) {
	for i := range operators {
		if operators[i].name == name {
			return operators[i].operator, oneValue, false
		}
	}
	if prefix, rest, ok := strings.Cut(name, ":"); ok {
		switch {
		case strings.EqualFold(prefix, "ForAllValues"):
			set = allValues
		case strings.EqualFold(prefix, "ForAnyValue"):
			set = anyValue
		default:
			return operator{}, oneValue, false
		}
		name = rest
	}
	const suffix = "IfExists"
	if cut := len(name) - len(suffix); cut > 0 && strings.EqualFold(name[cut:], suffix) {
		name, ifExists = name[:cut], true
	}
	_, op = findOperator(name)
	if op.family == familyNull && (ifExists || set != oneValue) {
		return operator{}, set, ifExists
	}
	return op, set, ifExists
}

// compares says whether a value of the request fits one value of the policy,
// before negation. ok is false where one of them is not of the operator's type.
func (op operator) compares(got string, want pattern) (fits, ok bool) {
	switch op.family {
	case familyText:
		return got == want.text, true
	case familyTextFold:
		return strings.EqualFold(got, want.text), true
	case familyTextLike:
		return want.matches(got), true
	case familyNumber:
		return compareNumbers(op.order, got, want.text)
	case familyDate:
		g, gok := parseDate(got)
		w, wok := parseDate(want.text)
		return gok && wok && op.order.holds(g.Compare(w)), gok && wok
	case familyBool:
		g, gok := parseBool(got)
		w, wok := parseBool(want.text)
		return gok && wok && g == w, gok && wok
	case familyBinary:
		g, gerr := base64.StdEncoding.DecodeString(got)
		w, werr := base64.StdEncoding.DecodeString(want.text)
		return gerr == nil && werr == nil && string(g) == string(w), gerr == nil && werr == nil
	case familyAddress:
		return compareAddresses(got, want.text)
	case familyARN:
		return compareARNs(got, want)
	}
	return false, false
}

func (o order) holds(cmp int) bool {
	switch o {
	case less:
		return cmp < 0
	case lessOrEqual:
		return cmp <= 0
	case greater:
		return cmp > 0
	case greaterOrEqual:
		return cmp >= 0
	}
	return cmp == 0
}

// compareNumbers compares integers and decimals exactly.
func compareNumbers(o order, got, want string) (fits, ok bool) {
	g, gerr := strconv.ParseInt(got, 10, 64)
	w, werr := strconv.ParseInt(want, 10, 64)
	if gerr == nil && werr == nil {
		return o.holds(cmpInt(g, w)), true
	}
	bg, gok := parseDecimal(got)
	bw, wok := parseDecimal(want)
	return gok && wok && o.holds(bg.Cmp(bw)), gok && wok
}

func cmpInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// parseDecimal reads a decimal number. Exponents and lengths that would make a
// huge number are refused; no quantity in a request has them.
func parseDecimal(s string) (*big.Rat, bool) {
	if len(s) > 64 || strings.Trim(s, "0123456789.+-") != "" {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// parseDate reads a date as the W3C note "Date and Time Formats" writes it, or
// a number of seconds since 1970.
func parseDate(s string) (time.Time, bool) {
	if seconds, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Unix(seconds, 0), true
	}
	for _, layout := range [...]string{
		time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02", "2006-01",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func parseBool(s string) (value, ok bool) {
	switch {
	case strings.EqualFold(s, "true"):
		return true, true
	case strings.EqualFold(s, "false"):
		return false, true
	}
	return false, false
}

// compareAddresses says whether an address lies in a range in CIDR form, or is
// the address written without a range.
func compareAddresses(got, want string) (fits, ok bool) {
	addr, err := netip.ParseAddr(got)
	if err != nil {
		return false, false
	}
	if !strings.Contains(want, "/") {
		w, err := netip.ParseAddr(want)
		return err == nil && addr.Unmap() == w.Unmap(), err == nil
	}
	prefix, err := netip.ParsePrefix(want)
	return err == nil && prefix.Contains(addr.Unmap()), err == nil
}

// compareARNs compares field by field; ArnEquals knows wildcards as ArnLike
// does, AWS documents them to be the same.
func compareARNs(got string, want pattern) (fits, ok bool) {
	g, gok := splitARN(got)
	w, wok := splitARN(want.text)
	return gok && wok && w.covers(want.expanded, g), gok && wok
}
