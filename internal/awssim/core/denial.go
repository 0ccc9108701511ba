package core

import (
	"fmt"
	"slices"
	"strings"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// denial is the error for a need that is refused. EC2 and STS do not say "on
// resource: *", and EC2 encodes no message about what has no resource, by what
// clients report of them.
// Source of the wording: IAM User Guide, "Troubleshoot access denied error messages".
func (c *Call) denial(n Need, v verdict, because string) error {
	on := " on resource: " + n.Resource
	if n.Resource == "*" && (c.Service == "ec2" || c.Service == "sts") {
		on = ""
	}
	text := fmt.Sprintf("User: %s is not authorized to perform: %s%s%s", c.Caller.ARN, n.Action, on, because)
	if c.Service == "ec2" {
		text = "You are not authorized to perform this operation. " + text
		if on != "" {
			text += ". Encoded authorization failure message: " + c.encodeFailure(v)
		}
	}
	e := dialectOf(c.Service).denied
	return &Error{Code: e.Code, Status: e.Status, Message: text}
}

// because says which policy refused. AssumeRole does not: a caller must not
// learn from the answer whether a role exists. The documented wording, "because
// no role trust policy allows", is not what clients report.
func (c *Call) because(n Need, d iampolicy.Decision) string {
	if c.Service == "sts" && c.Operation == "AssumeRole" {
		return ""
	}
	if d.Outcome == iampolicy.ExplicitDeny && len(d.By) > 0 {
		return " with an explicit deny in " + article(policyKinds[d.By[0].Layer])
	}
	layer := "identity"
	if strings.HasPrefix(n.Action, "kms:") && slices.Contains(d.Lacking, "resource") {
		layer = "resource" // KMS looks at the key policy first
	} else if len(d.Lacking) > 0 && !slices.Contains(d.Lacking, layer) {
		layer = d.Lacking[0]
	}
	return fmt.Sprintf(" because no %s allows the %s action", policyKinds[layer], n.Action)
}

var policyKinds = map[string]string{
	"identity": "identity-based policy",
	"resource": "resource-based policy",
	"boundary": "permissions boundary",
	"session":  "session policy",
	"scp":      "service control policy",
	"rcp":      "resource control policy",
}

func article(noun string) string {
	if strings.HasPrefix(noun, "i") {
		return "an " + noun
	}
	return "a " + noun
}
