package core

import (
	"slices"
	"strconv"
	"time"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// A Holder is what users and roles have in common: an identity that holds
// policies. After a change to what it holds, Settle puts it into force.
type Holder struct {
	Account *Account
	ARN     string
	// UniqueID begins with AIDA for users, with AROA for roles.
	UniqueID string
	Created  time.Time
	// Inline policies in the order in which they came.
	Inline []InlinePolicy
	// Attached managed policies in the order in which they were attached.
	Attached []*Policy
	// BoundaryPolicy is the managed policy that is the boundary of permissions;
	// nil means none.
	BoundaryPolicy *Policy
	// Used is when and where the identity last signed a call.
	Used Use
	// Services holds when it last called each service, by the name that actions
	// begin with.
	Services map[string]Use
}

// A Use is a call that somebody made.
type Use struct {
	At     time.Time
	Region string
}

// noteUse remembers who called what, for the operations of IAM that tell.
func (c *Call) noteUse() {
	use := Use{stamp(c.Now), c.Region}
	var h *Holder
	switch {
	case c.Caller.Session != nil:
		h = &c.Caller.Session.Role.Holder
	case c.Caller.User != nil:
		h = &c.Caller.User.Holder
		for _, k := range c.Caller.User.Keys {
			if k.ID == c.Caller.KeyID {
				k.Used, k.UsedFor = use, c.Service
			}
		}
	default:
		return
	}
	if h.Services == nil {
		h.Services = map[string]Use{}
	}
	h.Used, h.Services[c.Service] = use, use
}

// An InlinePolicy is embedded in a user or role.
type InlinePolicy struct {
	Name     string
	Document *iampolicy.Document
	// Text of the document as it was put; empty if only the document was.
	Text string
}

// PutInline adds a policy, or replaces the one of that name.
func (h *Holder) PutInline(p InlinePolicy) {
	if i := h.inline(p.Name); i >= 0 {
		h.Inline[i] = p
		return
	}
	h.Inline = append(h.Inline, p)
}

// InlineNamed returns the inline policy of a name, or nil.
func (h *Holder) InlineNamed(name string) *InlinePolicy {
	if i := h.inline(name); i >= 0 {
		return &h.Inline[i]
	}
	return nil
}

// DeleteInline deletes the policy of a name. An unknown name is no error.
func (h *Holder) DeleteInline(name string) {
	h.Inline = slices.DeleteFunc(h.Inline, func(p InlinePolicy) bool { return p.Name == name })
}

func (h *Holder) inline(name string) int {
	return slices.IndexFunc(h.Inline, func(p InlinePolicy) bool { return p.Name == name })
}

// documents returns the policies in force and the boundary.
func (h *Holder) documents() (identity []*iampolicy.Document, boundary *iampolicy.Document) {
	for _, p := range h.Inline {
		identity = append(identity, p.Document)
	}
	for _, p := range h.Attached {
		identity = append(identity, p.Default.Document)
	}
	if h.BoundaryPolicy != nil {
		boundary = h.BoundaryPolicy.Default.Document
	}
	return identity, boundary
}

// put replaces all that the identity holds by documents without names of
// their own: inline policies "policy-1", "policy-2" …, and a managed policy
// for the boundary, which can be nothing else.
func (h *Holder) put(name string, policies []*iampolicy.Document, boundary *iampolicy.Document) {
	h.Inline, h.Attached, h.BoundaryPolicy = nil, nil, nil
	for i, d := range policies {
		h.Inline = append(h.Inline, InlinePolicy{Name: "policy-" + strconv.Itoa(i+1), Document: d})
	}
	if boundary != nil {
		h.BoundaryPolicy = h.Account.putBoundary(name, boundary)
	}
}
