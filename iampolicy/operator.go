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
	invalid family = iota
	text
	textFold
	textLike
	number
	date
	boolean
	binary
	address
	arnLike
	null
)

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

// operators by name (IAM User Guide, "IAM JSON policy elements: Condition
// operators").
var operators = map[string]operator{
	"StringEquals":              {family: text},
	"StringNotEquals":           {family: text, negated: true},
	"StringEqualsIgnoreCase":    {family: textFold},
	"StringNotEqualsIgnoreCase": {family: textFold, negated: true},
	"StringLike":                {family: textLike},
	"StringNotLike":             {family: textLike, negated: true},
	"NumericEquals":             {family: number},
	"NumericNotEquals":          {family: number, negated: true},
	"NumericLessThan":           {family: number, order: less},
	"NumericLessThanEquals":     {family: number, order: lessOrEqual},
	"NumericGreaterThan":        {family: number, order: greater},
	"NumericGreaterThanEquals":  {family: number, order: greaterOrEqual},
	"DateEquals":                {family: date},
	"DateNotEquals":             {family: date, negated: true},
	"DateLessThan":              {family: date, order: less},
	"DateLessThanEquals":        {family: date, order: lessOrEqual},
	"DateGreaterThan":           {family: date, order: greater},
	"DateGreaterThanEquals":     {family: date, order: greaterOrEqual},
	"Bool":                      {family: boolean},
	"BinaryEquals":              {family: binary},
	"IpAddress":                 {family: address},
	"NotIpAddress":              {family: address, negated: true},
	"ArnEquals":                 {family: arnLike},
	"ArnLike":                   {family: arnLike},
	"ArnNotEquals":              {family: arnLike, negated: true},
	"ArnNotLike":                {family: arnLike, negated: true},
	"Null":                      {family: null},
}

// A qualifier says which of the values in the request must fit.
type qualifier int

const (
	single qualifier = iota // the only one
	anyValue
	allValues
)

// parseOperator takes an operator apart. Case does not matter. An operator
// that IAM does not have comes back with the family invalid.
func parseOperator(name string) (op operator, set qualifier, ifExists bool) {
	if prefix, rest, ok := strings.Cut(name, ":"); ok {
		switch {
		case strings.EqualFold(prefix, "ForAllValues"):
			set = allValues
		case strings.EqualFold(prefix, "ForAnyValue"):
			set = anyValue
		default:
			return operator{}, single, false
		}
		name = rest
	}
	const suffix = "IfExists"
	if cut := len(name) - len(suffix); cut > 0 && strings.EqualFold(name[cut:], suffix) {
		name, ifExists = name[:cut], true
	}
	op, ok := operators[name]
	if !ok {
		op = operators[spelling(name)]
	}
	if op.family == null && (ifExists || set != single) {
		return operator{}, set, ifExists
	}
	return op, set, ifExists
}

// spelling returns an operator's name as AWS spells it, or the name itself.
func spelling(name string) string {
	for known := range operators {
		if strings.EqualFold(known, name) {
			return known
		}
	}
	return name
}

// compares says whether a value of the request fits one value of the policy,
// before negation. ok is false where one of them is not of the operator's type.
func (op operator) compares(got string, want pattern) (fits, ok bool) {
	switch op.family {
	case text:
		return got == want.text, true
	case textFold:
		return strings.EqualFold(got, want.text), true
	case textLike:
		return want.matches(got), true
	case number:
		return compareNumbers(op.order, got, want.text)
	case date:
		g, gok := parseDate(got)
		w, wok := parseDate(want.text)
		return gok && wok && op.order.holds(g.Compare(w)), gok && wok
	case boolean:
		g, gok := parseBool(got)
		w, wok := parseBool(want.text)
		return gok && wok && g == w, gok && wok
	case binary:
		g, gerr := base64.StdEncoding.DecodeString(got)
		w, werr := base64.StdEncoding.DecodeString(want.text)
		return gerr == nil && werr == nil && string(g) == string(w), gerr == nil && werr == nil
	case address:
		return compareAddresses(got, want.text)
	case arnLike:
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

// dateLayouts are the forms of ISO 8601 that AWS documents (W3C note
// "Date and Time Formats").
var dateLayouts = [...]string{
	time.RFC3339,
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04:05",
	"2006-01-02",
	"2006-01",
}

// parseDate reads a date, or a number of seconds since 1970.
func parseDate(s string) (time.Time, bool) {
	if strings.IndexByte(s, '-') < 4 { // a number, perhaps below zero
		if seconds, err := strconv.ParseInt(s, 10, 64); err == nil {
			// "2006" is a year in ISO 8601 but a number to IAM.
			return time.Unix(seconds, 0), true
		}
	}
	for _, layout := range dateLayouts {
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
	if want.text == "*" && !want.expanded {
		return true, true
	}
	g, gok := splitARN(got)
	w, wok := splitARN(want.text)
	return gok && wok && w.covers(want.expanded, g), gok && wok
}
