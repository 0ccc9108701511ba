package core

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// Authorize returns the error that AWS answers with unless every need is
// allowed. It fills in the condition keys that every request has.
func (c *Call) Authorize(needs ...Need) error {
	for _, n := range needs {
		if v := c.judge(n); v.decision.Outcome != iampolicy.Allowed {
			c.Cloud.stats.Denied++
			return c.denial(n, v, c.because(n, v.decision))
		}
	}
	return nil
}

// Allows reports whether the caller is allowed the need at this moment. It is
// for what AWS checks after it has answered, such as a copy's use of a key.
func (c *Call) Allows(n Need) bool { return c.judge(n).decision.Outcome == iampolicy.Allowed }

// Denied returns the error of a need that is refused whatever the policies
// say, for instance since the resource does not exist and that must not show.
func (c *Call) Denied(n Need) error {
	c.Cloud.stats.Denied++
	return c.denial(n, verdict{request: c.request(n)}, "")
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

// Refuse is Unsupported for the first of the members that a request, or a part
// of one, sets. in is a pointer to its type of the SDK.
func (c *Call) Refuse(in any, members ...string) error {
	request := reflect.ValueOf(in).Elem()
	for _, member := range members {
		if !request.FieldByName(member).IsZero() {
			return c.Unsupported(member)
		}
	}
	return nil
}

// A verdict is what the policies say of a need.
type verdict struct {
	request  iampolicy.Request
	policies iampolicy.PolicySet
	decision iampolicy.Decision
}

// judge asks all policies that have a say.
func (c *Call) judge(n Need) verdict {
	v := verdict{request: c.request(n), policies: c.policies(n)}
	barred := c.barred()
	if !barred { // else the zero decision, which denies
		v.decision = iampolicy.Evaluate(v.request, v.policies)
	}
	c.Cloud.record(c, v.request, v.decision)
	if tell := c.Cloud.opts.OnDecision; tell != nil && !barred {
		tell(v.request, v.policies, v.decision)
	}
	return v
}

// request is a need as the policies see it.
//
// A resource of another account without a policy of its own (a shared
// snapshot) is judged by the caller's policies alone: whether its owner lets
// the caller in is the service's own business.
func (c *Call) request(n Need) iampolicy.Request {
	req := iampolicy.Request{
		Principal: iampolicy.Principal{ARN: c.Caller.ARN, Account: c.Account.ID},
		Action:    n.Action,
		Resource:  n.Resource,
		Context:   c.context(n),
	}
	if c.Caller.Session != nil {
		req.Principal.RoleARN = c.Caller.Session.Role.ARN
	}
	if n.Policy != nil {
		req.ResourceAccount = n.Owner
	}
	return req
}

// barred says that no policy can allow what the caller asks, since its
// credentials are not for that: a federated user calls neither IAM nor STS,
// credentials from GetSessionToken call of them only AssumeRole, as long as
// MFA is not involved. GetCallerIdentity asks for nothing.
// Source: STS API Reference, GetSessionToken and GetFederationToken, "Permissions".
func (c *Call) barred() bool {
	if c.Caller.Pass == nil {
		return false
	}
	return c.Service == "iam" || c.Service == "sts" && (c.Caller.Federated() || c.Operation != "AssumeRole")
}

// policies returns those that have a say in a need.
func (c *Call) policies(n Need) iampolicy.PolicySet {
	set := iampolicy.PolicySet{Resource: n.Policy, Grants: n.Grants, RCP: c.rcp(n)}
	// SCPs do not bind the management account (AWS Organizations User Guide,
	// "SCP effects on permissions"), nor service-linked roles, which Evaluate knows.
	if !c.Account.Management {
		set.SCP = c.Account.SCP
	}
	var boundary *iampolicy.Document
	switch caller := &c.Caller; {
	case caller.Session != nil:
		s := caller.Session
		set.Identity, boundary = c.standing(&s.Role.Holder, standing{s.Role.Policies, s.Role.Boundary})
		set.Session = c.Cloud.sessionPolicy(s.Policy, s.Managed)
	case caller.User != nil:
		set.Identity, boundary = c.standing(&caller.User.Holder, standing{caller.User.Policies, caller.User.Boundary})
	case caller.Federated():
		set.Identity = []*iampolicy.Document{everything} // what root may do
	}
	if c.Caller.Federated() {
		set.Session = c.Cloud.sessionPolicy(c.Caller.Pass.Policy, c.Caller.Pass.Managed)
		if set.Session == nil {
			set.Session = &iampolicy.Document{Version: iampolicy.Version}
		}
	}
	if boundary != nil {
		set.Boundary = []*iampolicy.Document{boundary}
	}
	return set
}

// sessionPolicy returns the one policy that an inline session policy and
// managed ones make together: a session may do what any of them allows. What a
// managed policy says now counts, since a token holds no more than its ARN. It
// is nil if there are none.
func (c *Cloud) sessionPolicy(inline *iampolicy.Document, managed []string) *iampolicy.Document {
	if len(managed) == 0 {
		return inline
	}
	whole := &iampolicy.Document{Version: iampolicy.Version}
	if inline != nil {
		whole.Statements = slices.Clone(inline.Statements)
	}
	for _, arn := range managed {
		if p := c.ManagedPolicy(arn); p != nil {
			whole.Statements = append(whole.Statements, p.Default.Document.Statements...)
		}
	}
	return whole
}

// everything is allowed by this policy.
var everything = &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{{
	Effect: iampolicy.Allow, Actions: iampolicy.Of("*"), Resources: iampolicy.Of("*"),
}}}

// heedRCPs are the simulated services that heed resource control policies. EC2,
// EBS, SSM and IAM do not.
// Source: AWS Organizations User Guide, "Resource control policies", "List of
// AWS services that support RCPs".
var heedRCPs = map[string]bool{"kms": true, "s3": true, "sts": true}

// rcp returns the resource control policies of the account that owns the
// resource. They do not bind the resources of the management account.
func (c *Call) rcp(n Need) [][]*iampolicy.Document {
	service, _, _ := strings.Cut(n.Action, ":")
	owner := c.Account
	if n.Owner != "" {
		owner = c.Cloud.accounts[n.Owner]
	}
	if !heedRCPs[service] || n.BeyondRCP || owner == nil || owner.Management {
		return nil
	}
	return owner.RCP
}
