package core

import (
	"slices"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// A standing is what the policies of a user or role say of it.
type standing struct {
	policies []*iampolicy.Document
	boundary *iampolicy.Document
}

// A trusting is a role's trust policy, with whom it means by the principals it names.
type trusting struct {
	policy *iampolicy.Document
	bound  map[string]string
}

// An identityLag remembers what IAM said before it was changed. IAM itself
// tells what is true: it is the services that do not know of it yet. Deleted
// users, roles and keys are worthless at once, and a user's key is good at once.
type identityLag struct {
	standings *Lag[standing] // by unique id, as both
	trusts    *Lag[trusting]
}

func newIdentityLag() identityLag {
	return identityLag{NewLag[standing](Identity), NewLag[trusting](Identity)}
}

// settled notes a change of what a user or role may do.
func (h *Holder) settled(old, now standing) {
	if !slices.Equal(old.policies, now.policies) || old.boundary != now.boundary {
		c := h.Account.cloud
		c.was.standings.Was(c, h.UniqueID, old)
	}
}

// standing returns what this call knows of what a user or role may do.
func (c *Call) standing(h *Holder, now standing) ([]*iampolicy.Document, *iampolicy.Document) {
	known := c.Cloud.was.standings.Sees(c, h.UniqueID, now)
	return known.policies, known.boundary
}

// TrustOf returns a role's trust policy as this call knows it; see Role.BoundTrust.
// It is nil for a role that the call does not know of yet.
func (c *Call) TrustOf(r *Role) *iampolicy.Document {
	known := c.Cloud.was.trusts.Sees(c, r.UniqueID, trusting{r.Trust, r.bound})
	return c.Cloud.Bind(known.policy, known.bound)
}
