package iampolicy

import (
	"encoding/base64"
	"net/netip"
	"slices"
	"strings"
)

// conditions judges the conditions of a statement.
func (in *inspection) conditions(s *inspected) {
	for i := range s.Conditions {
		c := &s.Conditions[i]
		at := s.at.member("Condition").member(c.Operator)
		op, set, ifExists := parseOperator(c.Operator)
		if op.family == noFamily {
			in.find("operator-unknown", at, "%s is not an operator", c.Operator)
			continue
		}
		if c.Key == "" && c.Values.absent() {
			in.find("values-empty", at, "the operator has no keys")
			continue
		}
		at = at.member(c.Key)
		if len(c.Values.Values) == 0 {
			in.find("values-empty", at, "%s is compared with nothing", c.Key)
		}
		in.values(at, op, c.Values)
		kind, known := in.conditionKey(s, at, c)
		if known && op.family != familyNull {
			in.operatorType(at, c, op, kind)
			if kind.List() && set == oneValue {
				in.find("set-operator-missing", at, "%s may have several values", c.Key)
			}
		}
		if known {
			in.keyOfActions(s, at, c, op.demands(set, ifExists, c.Values.Values))
		}
	}
}

// demands says that a condition does not hold where its key is missing.
func (op operator) demands(set qualifier, ifExists bool, values []string) bool {
	if op.family == familyNull {
		return isNull(true, values) == no
	}
	return !holdsWithoutKey(op, set, ifExists)
}

// conditionKey says whether a key exists, and its type.
func (in *inspection) conditionKey(s *inspected, at place, c *Condition) (kind KeyType, known bool) {
	k, ok := knowledge().key(c.Key)
	if ok {
		return k.Type, true
	}
	prefix, _, _ := strings.Cut(c.Key, ":")
	service := knowledge().service(prefix)
	switch {
	case strings.Contains(prefix, "."), slices.Contains(foreignKeys, strings.ToLower(prefix)):
		return "", false // an identity provider's own, such as "token.example.com:sub"
	case service != nil && !service.Described:
		return "", false
	}
	in.find("key-unknown", at, "%s is no condition key", c.Key)
	return "", false
}

// foreignKeys are prefixes of condition keys that no service has as its own.
var foreignKeys = []string{"catalog", "identitycenter", "saml"}

// keyOfActions judges whether the actions of a statement have a key. One that
// must be there is demanded of every action that is named in full, any other
// of some action.
func (in *inspection) keyOfActions(s *inspected, at place, c *Condition, demanded bool) {
	if k, _ := knowledge().key(c.Key); k.Global || len(s.known) == 0 {
		return
	}
	accept := func(r *ResourceType) bool {
		return in.kind == KindKey || s.Resources.absent() || slices.ContainsFunc(s.Resources.Values, func(pattern string) bool {
			return pattern == "*" || r.fits(splitPattern(pattern))
		})
	}
	has := func(a *Action) bool { return a.has(c.Key, accept) }
	if !s.open && !slices.ContainsFunc(s.known, has) {
		in.find("key-not-for-action", at, "%s is sent with no action of the statement on these resources", c.Key)
		return
	}
	if !demanded {
		return
	}
	var lack []string
	for _, name := range s.Actions.Values {
		if a := knowledge().action(name); a != nil && !has(a) && !s.goesWith(a, c.Key) {
			lack = append(lack, a.Name)
		}
	}
	if len(lack) > 0 {
		in.find("key-not-for-action", at, "%s is not sent with %s", c.Key, strings.Join(lack, ", "))
	}
}

// goesWith says whether an action is asked for together with an sts:AssumeRole
// that has the key: tags and the source identity of a session are set in the
// call that assumes the role, and each is asked for with what that call carries
// (IAM User Guide, "Pass session tags in AWS STS").
func (s *inspected) goesWith(a *Action, key string) bool {
	if a.Name != "sts:TagSession" && a.Name != "sts:SetSourceIdentity" {
		return false
	}
	return slices.ContainsFunc(s.known, func(other *Action) bool {
		return strings.HasPrefix(other.Name, "sts:AssumeRole") && other.has(key, nil)
	})
}

// operatorType judges whether an operator compares values of a key's type.
func (in *inspection) operatorType(at place, c *Condition, op operator, kind KeyType) {
	text := op.family == familyText || op.family == familyTextFold || op.family == familyTextLike
	fits := false
	switch kind {
	case TypeString, TypeStringList:
		fits = text
		// Names of principals are ARNs under keys of type String.
		if op.family == familyARN {
			return
		}
	case TypeARN, TypeARNList:
		fits = op.family == familyARN
	case TypeNumeric:
		fits = op.family == familyNumber
	case TypeBool:
		fits = op.family == familyBool
	case TypeDate:
		// A date may be written as seconds since 1970.
		fits = op.family == familyDate || op.family == familyNumber
	case TypeIP:
		fits = op.family == familyAddress
	default:
		return
	}
	switch {
	case fits:
	case text && (kind == TypeARN || kind == TypeARNList || kind == TypeBool):
		in.find("operator-text", at, "%s compares text, and %s is of type %s", c.Operator, c.Key, kind)
	default:
		in.find("operator-type", at, "%s does not compare values of type %s, which %s has", c.Operator, kind, c.Key)
	}
}

// values judges the values of a condition against its operator.
func (in *inspection) values(at place, op operator, s Strings) {
	for i, value := range s.Values {
		at := at.value(s, i)
		replaced := op.family.hasVariables()
		if strings.Contains(value, "${") {
			in.variables(at, value, replaced)
			continue
		}
		if !op.reads(value) {
			in.find("value-type", at, "the operator cannot read the value")
		}
	}
}

// reads says whether a value of a policy is of the operator's type.
func (op operator) reads(value string) bool {
	ok := true
	switch op.family {
	case familyNumber:
		_, ok = parseDecimal(value)
	case familyDate:
		_, ok = parseDate(value)
	case familyBool, familyNull:
		_, ok = parseBool(value)
	case familyBinary:
		_, err := base64.StdEncoding.DecodeString(value)
		ok = err == nil
	case familyAddress:
		_, err := netip.ParseAddr(value)
		if strings.Contains(value, "/") {
			_, err = netip.ParsePrefix(value)
		}
		ok = err == nil
	case familyARN:
		_, ok = splitARN(value)
		ok = ok || strings.HasSuffix(value, "*")
	}
	return ok
}

// variables judges the policy variables in a text. replaced says that they
// would be replaced there.
func (in *inspection) variables(at place, text string, replaced bool) {
	if !strings.Contains(text, "${") {
		return
	}
	if !replaced || in.doc.Version != Version {
		in.find("variable-not-replaced", at, "the variable is taken as it is written")
		return
	}
	for {
		_, rest, found := strings.Cut(text, "${")
		if !found {
			return
		}
		inner, after, closed := strings.Cut(rest, "}")
		key, _, _ := strings.Cut(inner, ",")
		key = strings.TrimSpace(key)
		prefix, name, named := strings.Cut(key, ":")
		switch {
		case inner == "*" || inner == "?" || inner == "$":
		case !closed || !named || prefix == "" || name == "":
			in.find("variable-syntax", at, "this is not a policy variable")
			return
		default:
			in.variable(at, key, prefix)
		}
		text = after
	}
}

func (in *inspection) variable(at place, key, prefix string) {
	if _, ok := knowledge().key(key); ok || strings.Contains(prefix, ".") {
		return
	}
	if service := knowledge().service(prefix); service == nil || service.Described {
		in.find("variable-unknown", at, "%s is no condition key", key)
	}
}
