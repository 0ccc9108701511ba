package preflight

import (
	"strings"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// A need is one action on one resource that a role must be allowed.
type need struct {
	sid      string // of the generated statement that allows it
	action   string
	resource string
	context  map[string][]string
}

// Ids as AWS writes them, of things that need not exist. Source: EC2 User
// Guide, "Resource IDs"; KMS Developer Guide, "Key identifiers".
const (
	anyID  = "0123456789abcdef0"
	anyKey = "12345678-1234-1234-1234-123456789012"
)

// needsOf returns what the generated policy of a role allows, as requests in
// a Region: each action of each statement, on each of its resources. So what
// is needed is said once, by iampolicy.
func needsOf(role iampolicy.Role, region string) (all []need) {
	for _, s := range role.Policy.Statements {
		if s.Effect != iampolicy.Allow {
			continue
		}
		context, made := fulfilled(s.Conditions, region)
		context["aws:RequestedRegion"] = []string{region}
		for _, pattern := range s.Resources.Values {
			for _, action := range s.Actions.Values {
				n := need{sid: s.Sid, action: action, resource: instance(pattern, region, made), context: context}
				if strings.HasPrefix(action, "kms:") {
					n.context = with(context, "kms:CallerAccount", role.Account)
				}
				all = append(all, n)
			}
		}
	}
	return all
}

// stranger is an account that nobody has heard of.
const stranger = "000000000000"

// fulfilled returns condition keys that fulfil conditions, of the operators
// that generated documents use, and whether they speak of tags that are set.
func fulfilled(conditions []iampolicy.Condition, region string) (context map[string][]string, tagging bool) {
	context = map[string][]string{}
	for _, c := range conditions {
		value := ""
		if len(c.Values.Values) > 0 {
			value = c.Values.Values[0]
		}
		switch {
		case c.Key == "aws:RequestedRegion":
			continue // every request has it
		case c.Operator == "Null":
			value = "preflight"
		case c.Operator == "StringLike":
			value = strings.ReplaceAll(value, "*", region) // ec2.*.amazonaws.com
		case strings.HasSuffix(c.Operator, "NotEquals"):
			value = stranger
		case c.Operator == "StringEquals":
			value = strings.ReplaceAll(value, "${$}", "$")
		}
		context[c.Key] = []string{value}
		tagging = tagging || strings.HasPrefix(c.Key, "aws:RequestTag/")
	}
	return context, tagging
}

// instance returns an ARN that a generated pattern covers. What is about to be
// made has no id yet, and its ARN ends in an asterisk.
func instance(pattern, region string, made bool) string {
	if pattern == "*" {
		return pattern
	}
	part := strings.SplitN(strings.ReplaceAll(pattern, "${*}", "*"), ":", 6)
	if part[3] == "*" {
		part[3] = region
	}
	kind, id, _ := strings.Cut(part[5], "/")
	switch {
	case id == "snap-*" || id == "ami-*":
		id = strings.TrimSuffix(id, "*") + anyID
	case id != "*" || made:
	case kind == "key":
		id = anyKey
	default:
		id = prefixes[kind] + anyID
	}
	part[5] = kind + "/" + id
	return strings.Join(part, ":")
}

// prefixes of ids by kind of resource.
var prefixes = map[string]string{
	"instance": "i-", "volume": "vol-", "snapshot": "snap-", "image": "ami-", "network-interface": "eni-",
	"security-group": "sg-", "subnet": "subnet-", "key-pair": "key-",
}

// with returns a copy of a context that has one key more.
func with(context map[string][]string, key, value string) map[string][]string {
	more := map[string][]string{key: {value}}
	for k, v := range context {
		if k != key {
			more[k] = v
		}
	}
	return more
}
