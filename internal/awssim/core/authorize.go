package core

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// Authorize returns the error that AWS answers with unless every need is
// allowed. It fills in the condition keys that every request has.
func (c *Call) Authorize(needs ...Need) error {
	for _, n := range needs {
		if d := c.evaluate(n); d.Outcome != iampolicy.Allowed {
			c.Cloud.stats.Denied++
			return c.denial(n, c.because(n, d))
		}
	}
	return nil
}

// Allows reports whether the caller is allowed the need at this moment. It is
// for what AWS checks after it has answered, such as a copy's use of a key.
func (c *Call) Allows(n Need) bool { return c.evaluate(n).Outcome == iampolicy.Allowed }

// Denied returns the error of a need that is refused whatever the policies
// say, for instance since the resource does not exist and that must not show.
func (c *Call) Denied(n Need) error {
	c.Cloud.stats.Denied++
	return c.denial(n, "")
}

// DryRun returns the error that tells a caller with a DryRun flag that the
// call would have been allowed, or nil if the flag is not set. An operation
// calls it once it is authorized and before it changes anything.
func (c *Call) DryRun(flag *bool) error {
	if flag == nil || !*flag {
		return nil
	}
	return &Error{
		Code: "DryRunOperation", Status: http.StatusPreconditionFailed,
		Message: "Request would have succeeded, but DryRun flag is set.",
	}
}

// Unsupported records that a client used a member of the request that the
// simulation does not know how to serve, and returns the error to answer with.
func (c *Call) Unsupported(member string) error {
	c.Cloud.NoteMisuse("%s %s: %s is not simulated", c.Service, c.Operation, member)
	return Errorf("UnsupportedOperation", "the simulated %s does not know %s", c.Operation, member)
}

// evaluate asks all policies that have a say.
//
// A resource of another account without a policy of its own (a shared
// snapshot) is judged by the caller's policies alone: whether its owner lets
// the caller in is the service's own business.
func (c *Call) evaluate(n Need) iampolicy.Decision {
	req := iampolicy.Request{
		Principal: iampolicy.Principal{ARN: c.Caller.ARN, Account: c.Account.ID},
		Action:    n.Action,
		Resource:  n.Resource,
		Context:   c.context(n),
	}
	set := iampolicy.PolicySet{Resource: n.Policy, SCP: c.Account.SCP}
	if n.Policy != nil {
		req.ResourceAccount = n.Owner
	}
	var boundary *iampolicy.Document
	switch {
	case c.Caller.Session != nil:
		s := c.Caller.Session
		req.Principal.RoleARN = s.Role.ARN
		set.Identity, set.Session, boundary = s.Role.Policies, s.Policy, s.Role.Boundary
	case c.Caller.User != nil:
		set.Identity, boundary = c.Caller.User.Policies, c.Caller.User.Boundary
	}
	if boundary != nil {
		set.Boundary = []*iampolicy.Document{boundary}
	}
	d := iampolicy.Evaluate(req, set)
	c.Cloud.record(c, req, d)
	if tell := c.Cloud.opts.OnDecision; tell != nil {
		tell(req, set, d)
	}
	return d
}

// denial is the error for a need that is refused.
// Source of the wording: IAM User Guide, "Troubleshoot access denied error messages".
func (c *Call) denial(n Need, because string) error {
	text := fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s%s", c.Caller.ARN, n.Action, n.Resource, because)
	e := dialectOf(c.Service).denied
	if c.Service == "ec2" {
		// What EC2 encodes is for sts:DecodeAuthorizationMessage; a client can do nothing with it.
		text = "You are not authorized to perform this operation. " + text + ". Encoded authorization failure message: " + c.Cloud.NewSecret(120)
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
