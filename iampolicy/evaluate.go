package iampolicy

import (
	"cmp"
	"slices"
	"strings"
)

// A Request is one action on one resource. A call that needs several actions
// or touches several resources is several requests, and all must be allowed.
type Request struct {
	Principal Principal // who asks; the zero Principal is anonymous
	// Action such as "ec2:CopySnapshot"; case does not matter.
	Action string
	// Resource ARN, or "*" for actions that take no resource.
	Resource string
	// ResourceAccount owns the resource; empty means the account in the
	// resource's ARN, or the principal's if it has none. A resource that its
	// owner shares by other means than a policy (an EBS snapshot) counts as the
	// principal's own: leave this empty and put aws:ResourceAccount in Context.
	ResourceAccount string
	// Context holds the condition keys of the request; case does not matter.
	// Keys that AWS derives from the principal are added by Evaluate when absent.
	// An empty list says that a key is absent, even if Partial is set.
	Context map[string][]string
	// Partial says that keys absent from Context are unknown, not absent.
	Partial bool
}

// A Principal is who asks.
type Principal struct {
	// ARN as sts:GetCallerIdentity returns it: a user, a root, or an assumed-role
	// session. Also understood: a role (some session of it), a service
	// ("ec2.amazonaws.com"), an identity provider; empty is anonymous.
	ARN string
	// RoleARN of the role behind a session; empty derives it from ARN (which
	// loses the role's path).
	RoleARN string
	// Account of the principal; empty derives it from ARN.
	Account string
}

// A PolicySet holds all policies that have a say in a request.
type PolicySet struct {
	Identity []*Document // of the user and its groups, or of the role
	// Resource is the resource's own policy: a trust policy, a key policy.
	Resource *Document
	// Grants of a KMS key. For kms:RetireGrant give only the one to be retired:
	// a request does not say which it is.
	Grants []Grant
	// Boundary, Session: nil means there is none.
	Boundary []*Document
	Session  *Document // passed when the role was assumed
	// SCP and RCP hold one list for each level of the organization.
	SCP, RCP [][]*Document
}

// Evaluate says whether the policies allow a request, as AWS documents its
// policy evaluation logic (IAM User Guide, "Policy evaluation logic"). It is
// pure and may be called concurrently.
//
// What IAM would have refused to store (an operator it does not have, a
// statement without action) never widens access here: in an Allow it matches
// nothing, in a Deny everything.
//
// Not every service heeds every kind of policy. Which do is for the caller to
// know: EC2 and EBS have no resource policies and do not heed RCPs, so that a
// PolicySet for them holds neither; SCPs do not bind the management account.
// A grant allows what the key's policy does not, across accounts without a
// policy of the grantee's own; every deny and all SCPs and RCPs bind it, and
// if its grantee is a role, that role's boundary and session policy as well (KMS
// Developer Guide, "Troubleshooting key access"). Endpoint policies are not
// looked at.
func Evaluate(req Request, set PolicySet) Decision {
	const whoAmI = "sts:GetCallerIdentity"
	if len(req.Action) == len(whoAmI) && strings.EqualFold(req.Action, whoAmI) {
		// "No permissions are required to perform this operation", not even
		// against an explicit deny (STS API Reference, GetCallerIdentity).
		return Decision{Outcome: Allowed}
	}
	e := evaluation{req: req, caller: newCaller(req.Principal)}
	e.resource, _ = splitARN(req.Resource)
	e.owner = cmp.Or(req.ResourceAccount, accountNamed(e.resource[4]), e.caller.account)
	e.rule(&set)
	return e.decide()
}

// An evaluation is the work on one request.
type evaluation struct {
	req      Request
	caller   caller
	resource arn
	owner    string // account of the resource
	// lengths of the keys in the context, once they have been gone through:
	// most keys that are not there differ from all others in length.
	lengths uint64
	keys    [8]derivedKey
	known   int // how many of keys are in use
	// hasDerived says that keys is filled in: few requests need it.
	hasDerived bool

	rulings rulings
	hits    hits
	missing []string // keys that the statement being judged turns on
}

// A hit is a statement that matches the request, or may.
type hit struct {
	reason  Reason
	deny    bool
	sure    truth
	missing []string
}

// Hits are the statements that match. Most requests have so few that no memory
// need be asked for.
type hits struct {
	first [4]hit
	n     int // how many there are
	more  []hit
}

func (h *hits) add(one hit) {
	if h.n < len(h.first) {
		h.first[h.n] = one
	} else {
		h.more = append(h.more, one)
	}
	h.n++
}

func (h *hits) at(i int) *hit {
	if i < len(h.first) {
		return &h.first[i]
	}
	return &h.more[i-len(h.first)]
}

// Rulings are what the layers say, each for itself.
type rulings struct {
	deny                        truth
	identity, boundary, session truth
	scp, rcp                    truth                 // the weakest level
	resource, granted           [byIdentity + 1]truth // by how they name the caller
	hasBoundary, hasSession     bool
}

// A scope is where a statement stands.
type scope struct {
	reason Reason
	// principals says that statements of this layer name principals.
	principals bool
	// variables says that the document's Version has policy variables.
	variables bool
	// malformed is the verdict for what IAM would refuse.
	malformed truth
}

// rule judges all statements of all layers.
func (e *evaluation) rule(set *PolicySet) {
	r := &e.rulings
	r.identity = e.documents("identity", 0, set.Identity)
	r.hasBoundary = len(set.Boundary) > 0
	r.boundary = e.documents("boundary", 0, set.Boundary)
	if r.hasSession = set.Session != nil; r.hasSession {
		r.session = e.document(set.Session, scope{reason: Reason{Layer: "session"}})
	}
	if set.Resource != nil {
		e.document(set.Resource, scope{reason: Reason{Layer: "resource"}, principals: true})
	}
	if len(set.Grants) > 0 {
		e.grants(set.Grants)
	}
	r.scp, r.rcp = yes, yes
	if e.caller.hasIdentity() && !e.caller.serviceLinked() {
		for level, policies := range set.SCP {
			r.scp = min(r.scp, e.documents("scp", level, policies))
		}
	}
	if !e.caller.serviceLinked() {
		for level, policies := range set.RCP {
			// RCPFullAWSAccess is on every level and cannot be detached, so it
			// need not be given (AWS Organizations User Guide, "RCP evaluation").
			if allow := e.documents("rcp", level, policies); hasAllow(policies) {
				r.rcp = min(r.rcp, allow)
			}
		}
	}
}

// documents judges the policies of a layer, or of one level of it, and says
// whether one of them allows.
func (e *evaluation) documents(layer string, level int, all []*Document) truth {
	allow := no
	for i, d := range all {
		if d != nil {
			s := scope{reason: Reason{Layer: layer, Level: level, Policy: i}, principals: layer == "rcp"}
			allow = max(allow, e.document(d, s))
		}
	}
	return allow
}

func hasAllow(all []*Document) bool {
	for _, d := range all {
		if d != nil && slices.ContainsFunc(d.Statements, func(s Statement) bool { return s.Effect == Allow }) {
			return true
		}
	}
	return false
}

// document judges the statements of one policy.
func (e *evaluation) document(d *Document, s scope) (allow truth) {
	s.variables = d.Version == Version
	for i := range d.Statements {
		st := &d.Statements[i]
		deny := st.Effect != Allow
		s.malformed = is(deny)
		e.missing = e.missing[:0]
		sure, how := e.applies(st, &s)
		if sure == no {
			continue
		}
		h := hit{reason: s.reason, deny: deny, sure: sure}
		h.reason.Statement = statementName(st, i)
		if sure == maybe {
			h.missing = append(h.missing, e.missing...)
		}
		e.hits.add(h)
		switch {
		case deny:
			e.rulings.deny = max(e.rulings.deny, sure)
		case s.reason.Layer == "resource":
			e.rulings.resource[how] = max(e.rulings.resource[how], sure)
			fallthrough
		default:
			allow = max(allow, sure)
		}
	}
	return allow
}

// applies says whether a statement speaks of the request, and how it names
// the caller.
func (e *evaluation) applies(st *Statement, s *scope) (truth, naming) {
	if !e.speaksOfAction(st, s) {
		return no, notNamed
	}
	how, ok := e.speaksOfCaller(st, s)
	if !ok {
		return no, notNamed
	}
	sure := e.settle(0, e.speaksOfResource(st, s))
	for i := range st.Conditions {
		if sure == no {
			break
		}
		known := len(e.missing)
		sure = min(sure, e.settle(known, e.holds(&st.Conditions[i], s)))
	}
	return sure, how
}

// settle forgets the keys that were noted on the way to an answer which does
// not turn on them.
func (e *evaluation) settle(known int, answer truth) truth {
	if answer != maybe {
		e.missing = e.missing[:known]
	}
	return answer
}

func (e *evaluation) speaksOfAction(st *Statement, s *scope) bool {
	if st.Actions.absent() == st.NotActions.absent() {
		return s.malformed == yes
	}
	for _, p := range st.Actions.Values {
		if matchesAction(p, e.req.Action) {
			return true
		}
	}
	for _, p := range st.NotActions.Values {
		if matchesAction(p, e.req.Action) {
			return false
		}
	}
	return !st.NotActions.absent()
}

func (e *evaluation) speaksOfCaller(st *Statement, s *scope) (naming, bool) {
	switch {
	case !s.principals && st.Principal == nil && st.NotPrincipal == nil:
		return notNamed, true
	case !s.principals || st.Principal != nil && st.NotPrincipal != nil:
		return byIdentity, s.malformed == yes
	case st.Principal == nil && st.NotPrincipal == nil:
		return notNamed, false // it speaks of nobody
	case st.Principal != nil:
		how := st.Principal.names(&e.caller)
		return how, how != notNamed
	case st.Effect == Allow:
		// AWS supports NotPrincipal with Deny only; here it grants to nobody who
		// is named in any way.
		return byEveryone, st.NotPrincipal.names(&e.caller) == notNamed
	}
	return byEveryone, !st.NotPrincipal.escapes(&e.caller, e.rulings.hasBoundary)
}

func (e *evaluation) speaksOfResource(st *Statement, s *scope) truth {
	switch {
	case st.Resources.absent() && st.NotResources.absent():
		// A trust policy names no resource: it stands for the role it is on.
		if s.reason.Layer == "resource" {
			return yes
		}
		return s.malformed
	case !st.Resources.absent() && !st.NotResources.absent():
		return s.malformed
	case !st.Resources.absent():
		return e.coverResource(st.Resources.Values, s)
	}
	return e.coverResource(st.NotResources.Values, s).not()
}

// coverResource says whether one of the patterns covers the resource of the
// request. A pattern with a variable that has no value covers none (IAM User
// Guide, "IAM policy elements: Variables and tags").
func (e *evaluation) coverResource(patterns []string, s *scope) truth {
	found := no
	for _, text := range patterns {
		if text == "*" {
			return yes
		}
		p, known := pattern{text: text}, yes
		if s.variables {
			p, known = e.expand(text, true)
		}
		if known != yes {
			found = max(found, known)
		} else if e.req.Resource != "*" && p.coversARN(&e.resource) {
			return yes
		}
	}
	return found
}
