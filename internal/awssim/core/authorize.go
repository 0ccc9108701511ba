package core

import (
	"fmt"
	"net/http"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// Authorize returns the error that AWS answers with unless every need is
// allowed. It fills in the condition keys that every request has.
func (c *Call) Authorize(needs ...Need) error {
	for _, n := range needs {
		if d := c.evaluate(n); d.Outcome != iampolicy.Allowed {
			return c.denied(n, d)
		}
	}
	return nil
}

// Allows reports whether the caller is allowed the need at this moment. It is
// for what AWS checks after it has answered, such as a copy's use of a key.
func (c *Call) Allows(n Need) bool { return c.evaluate(n).Outcome == iampolicy.Allowed }

// DryRun returns the error that tells a caller with a DryRun flag that the
// call would have been allowed, or nil if the flag is not set. An operation
// calls it once it is authorized and before it changes anything.
func (c *Call) DryRun(flag *bool) error {
	if flag == nil || !*flag {
		return nil
	}
	return &Error{Code: "DryRunOperation", Status: http.StatusPreconditionFailed,
		Message: "Request would have succeeded, but DryRun flag is set."}
}

// Unsupported records that a client used a member of the request that the
// simulation does not know how to serve, and returns the error to answer with.
func (c *Call) Unsupported(member string) error {
	c.Cloud.NoteMisuse("%s %s: %s is not simulated", c.Service, c.Operation, member)
	return Errorf("UnsupportedOperation", "the simulated %s does not know %s", c.Operation, member)
}

func (c *Call) denied(n Need, _ iampolicy.Decision) error {
	return &Error{Code: "UnauthorizedOperation", Status: http.StatusForbidden, Message: fmt.Sprintf(
		"You are not authorized to perform this operation. User: %s is not authorized to perform: %s on resource: %s",
		c.Caller.ARN, n.Action, n.Resource)}
}

func (c *Call) evaluate(Need) iampolicy.Decision {
	return iampolicy.Decision{Outcome: iampolicy.Allowed}
}
