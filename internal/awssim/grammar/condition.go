package grammar

import (
	"regexp"
	"strings"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// operators there are, in lower case.
// Source: IAM User Guide, "IAM JSON policy elements: Condition operators".
var operators = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(`
		StringEquals StringNotEquals StringEqualsIgnoreCase StringNotEqualsIgnoreCase StringLike StringNotLike
		NumericEquals NumericNotEquals NumericLessThan NumericLessThanEquals NumericGreaterThan NumericGreaterThanEquals
		DateEquals DateNotEquals DateLessThan DateLessThanEquals DateGreaterThan DateGreaterThanEquals
		Bool BinaryEquals IpAddress NotIpAddress ArnEquals ArnNotEquals ArnLike ArnNotLike`) {
		m[strings.ToLower(name)] = true
		m[strings.ToLower(name)+"ifexists"] = true
	}
	m["null"] = true // Null has no form with IfExists
	return m
}()

var conditionKey = regexp.MustCompile(`^[A-Za-z0-9.-]+:[^\s*?]+`)

func condition(c iampolicy.Condition) error {
	if c.Key == "" {
		return nil // an operator without keys
	}
	name := strings.ToLower(c.Operator)
	for _, set := range []string{"forallvalues:", "foranyvalue:"} {
		if rest, ok := strings.CutPrefix(name, set); ok {
			name = rest
			break
		}
	}
	if !operators[name] {
		return errorf("Invalid Condition type : %s.", c.Operator)
	}
	if !conditionKey.MatchString(c.Key) {
		return Error("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
	}
	return nil
}
