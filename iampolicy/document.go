package iampolicy

import "encoding/json"

// A Document is an IAM policy document. It marshals to the JSON it was parsed
// from: members it does not know are kept, and so is whether a value was
// written alone or as a list. Only white space and the order of members, which
// mean nothing, may differ. The zero Document grants nothing.
type Document struct {
	// Version of the policy language. Empty means that the document has no
	// such member, which AWS reads as 2008-10-17: without policy variables.
	Version    string
	ID         string      // the member "Id", which decides nothing; empty if there is none
	Statements []Statement // in the order of the text

	single bool // Statement was an object, not a list
	extra  members
}

// An Effect is Allow or Deny.
type Effect string

// The two effects.
const (
	Allow Effect = "Allow"
	Deny  Effect = "Deny"
)

// A Statement grants or refuses.
type Statement struct {
	Sid                     string      // empty if there is none
	Effect                  Effect      // as written: whatever is not Allow denies
	Principal, NotPrincipal *Principals // nil in policies attached to a principal, else exactly one
	Actions, NotActions     Strings     // with wildcards * and ?; exactly one of the two is there
	Resources, NotResources Strings     // ARN patterns; none in a trust policy, else exactly one
	Conditions              []Condition // all must hold; none means always

	extra members
}

// Strings is a value written alone or as a list. The zero Strings is a member
// that is not there; an empty list is Strings{List: true}.
type Strings struct {
	// Values in the order of the text. JSON numbers and booleans are here as they were written: "true".
	Values []string
	// List says that a single value is written as a list of one.
	List bool

	bare []bool // which values were written as JSON numbers or booleans
}

// Of returns the values as Strings; one value alone is written without a list.
func Of(values ...string) Strings { return Strings{Values: values} }

// absent says that the member is not in the document at all.
func (s Strings) absent() bool { return len(s.Values) == 0 && !s.List }

// Principals names who a statement speaks of.
type Principals struct {
	// Any stands for the principal "*".
	Any bool
	// By holds principals by kind: "AWS", "Service", "Federated", "CanonicalUser".
	// One that was written without a kind, as the grammar does not allow but
	// people do, has the kind "" and is taken for "AWS".
	By map[string]Strings
}

// A Condition is one operator applied to one key. All conditions of a
// statement must hold. A Condition with neither Key nor Values stands for an
// operator that was written with no keys, and always holds.
type Condition struct {
	// Operator with its prefix and suffix, as written: "ForAllValues:StringEqualsIfExists".
	Operator string
	Key      string  // as written: "aws:PrincipalArn"; case does not matter
	Values   Strings // any of them will do; for negated operators none may match
}

// Version is the policy language version that all generated documents carry.
const Version = "2012-10-17"

// members are the members of an object that this package has no field for, and
// those whose value a field cannot tell from absence: an empty Sid, an empty
// Condition.
type members []member

type member struct {
	name  string
	value json.RawMessage
}
