package core

import (
	"fmt"
	"slices"
	"strings"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// denial is the error for a need that is refused.
// Source of the wording: IAM User Guide, "Troubleshoot access denied error messages".
func (c *Call) denial(n Need, v verdict, because string) error {
	text := fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s%s", c.Caller.ARN, n.Action, n.Resource, because)
	e := dialectOf(c.Service).denied
	if c.Service == "ec2" {
		text = "You are not authorized to perform this operation. " + text + ". Encoded authorization failure message: " + c.encodeFailure(v)
	}
	return &Error{Code: e.Code, Status: e.Status, Message: text}
}

// because says which policy refused. STS does not: a caller must not learn
// from the answer whether a role exists.
func (c *Call) because(n Need, d iampolicy.Decision) string {
	if c.Service == "sts" {
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
