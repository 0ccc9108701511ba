package iampolicy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// An Outcome is the result of an evaluation.
type Outcome int

// The outcomes. Unknown is only possible for a Partial request.
const (
	ImplicitDeny Outcome = iota
	ExplicitDeny
	Allowed
	Unknown
)

// String returns "Allowed", "ImplicitlyDenied", "ExplicitlyDenied" or "Unknown".
func (o Outcome) String() string {
	switch o {
	case ImplicitDeny:
		return "ImplicitlyDenied"
	case ExplicitDeny:
		return "ExplicitlyDenied"
	case Allowed:
		return "Allowed"
	case Unknown:
		return "Unknown"
	}
	return "Outcome(" + strconv.Itoa(int(o)) + ")"
}

// A Decision is what the policies say of a request, and why.
type Decision struct {
	Outcome Outcome // the zero value is ImplicitDeny
	// By names the statements that decided: those that deny, or all that allow.
	// For an Unknown outcome they are the statements it turns on. An implicit
	// deny has none, since nothing allowed.
	By []Reason
	// Lacking names the layers that would have to allow for an ImplicitDeny to
	// become Allowed: "identity", "resource", "boundary", "session", "scp", "rcp".
	Lacking []string
	// Missing holds the condition keys that an Unknown outcome turns on.
	Missing []string
}

// A Reason names one statement: the layer, the policy's place in it and the
// statement's Sid, or its index if it has none. A grant is a layer's policy too.
type Reason struct {
	Layer     string // "identity", "resource", "grant", "boundary", "session", "scp", "rcp"
	Level     int    // of the organization, for SCPs and RCPs
	Policy    int    // index in its layer or, for SCPs and RCPs, its level; 0 where there is one at most
	Statement string // Sid, or the index in decimal digits: "0"; of a grant its ID, which may be empty
}

// String returns the reason in words: "identity policy 0, statement Discover".
func (r Reason) String() string {
	place := r.Layer + " policy"
	switch r.Layer {
	case "grant":
		return strings.TrimSuffix("grant "+strconv.Itoa(r.Policy)+", "+r.Statement, ", ")
	case "identity", "boundary":
		place += " " + strconv.Itoa(r.Policy)
	case "scp", "rcp":
		place = fmt.Sprintf("%s %d of level %d", r.Layer, r.Policy, r.Level)
	}
	return place + ", statement " + r.Statement
}

// String says in words what was decided and why.
func (d Decision) String() string {
	by := make([]string, len(d.By))
	for i, r := range d.By {
		by[i] = r.String()
	}
	list := strings.Join(by, "; ")
	switch d.Outcome {
	case Allowed:
		if list == "" {
			return "allowed: no policy can forbid this"
		}
		return "allowed by " + list
	case ExplicitDeny:
		return "denied by " + list
	case Unknown:
		return "cannot tell without " + strings.Join(d.Missing, ", ") + ": it turns on " + list
	}
	return "denied, since nothing allows it: permission is lacking from " + strings.Join(d.Lacking, " and ")
}

func statementName(s *Statement, index int) string {
	if s.Sid != "" {
		return s.Sid
	}
	return strconv.Itoa(index)
}

// decide puts the rulings of the layers together.
func (e *evaluation) decide() Decision {
	if e.rulings.deny == yes {
		return Decision{Outcome: ExplicitDeny, By: e.reasons(func(h *hit) bool { return h.deny && h.sure == yes })}
	}
	lacking := e.lacking(yes)
	granted := len(lacking) == 0
	if granted && e.rulings.deny == no {
		return Decision{Outcome: Allowed, By: e.reasons(func(h *hit) bool { return h.sure == yes })}
	}
	if !granted && e.req.Partial {
		lacking = e.lacking(maybe)
	}
	if len(lacking) > 0 {
		return Decision{Lacking: lacking}
	}
	// What may allow matters only where nothing surely allows.
	open := func(h *hit) bool { return h.sure == maybe && (h.deny || !granted) }
	d := Decision{Outcome: Unknown, By: e.reasons(open)}
	for i := range e.hits.n {
		if h := e.hits.at(i); open(h) {
			d.Missing = append(d.Missing, h.missing...)
		}
	}
	slices.SortFunc(d.Missing, compareFold)
	d.Missing = slices.CompactFunc(d.Missing, strings.EqualFold)
	return d
}

func compareFold(a, b string) int {
	if c := strings.Compare(strings.ToLower(a), strings.ToLower(b)); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

func (e *evaluation) reasons(decides func(*hit) bool) []Reason {
	var all []Reason
	for i := range e.hits.n {
		if h := e.hits.at(i); decides(h) {
			if all == nil {
				all = make([]Reason, 0, e.hits.n-i)
			}
			all = append(all, h.reason)
		}
	}
	return all
}

// lacking returns the layers whose permission is needed and not given, where a
// layer gives it if its ruling is at least that sure. Explicit denials are not
// looked at.
func (e *evaluation) lacking(least truth) []string {
	r := &e.rulings
	var all []string
	need := func(ok bool, layer string) {
		if !ok {
			all = append(all, layer)
		}
	}
	need(r.scp >= least, "scp")
	need(r.rcp >= least, "rcp")

	itself, everyone := r.resource[byIdentity] >= least, r.resource[byEveryone] >= least
	theRole, account := r.resource[byRole] >= least, r.resource[byAccount] >= least
	// The root user of an account may do all that its account may.
	identity := e.caller.kind == kindRoot || r.identity >= least
	boundary := !r.hasBoundary || r.boundary >= least
	session := !r.hasSession || r.session >= least
	if r.granted[byIdentity] >= least || boundary && session &&
		(r.granted[byRole] >= least || identity && r.granted[byAccount] >= least) {
		return all // whoever owns the key
	}
	if !e.caller.hasIdentity() {
		need(itself || everyone, "resource")
		return all
	}

	crossAccount := e.owner != e.caller.account
	switch {
	case crossAccount:
		need(itself || everyone || theRole || account, "resource")
	case itself:
		return all // neither boundary nor session policy limits such a grant
	case everyone:
		identity, boundary = true, true
	case theRole:
		identity = true
	case needsResourcePolicy(e.req.Action, e.req.Resource):
		need(account, "resource")
	}
	need(identity, "identity")
	need(boundary, "boundary")
	need(session, "session")
	return all
}

// needsResourcePolicy says that the resource's own policy must allow even a
// caller of the same account: trust policies of roles (IAM User Guide, "How
// IAM roles differ from resource-based policies") and key policies (KMS
// Developer Guide, "Key policies in AWS KMS").
func needsResourcePolicy(action, resource string) bool {
	service, name, _ := strings.Cut(action, ":")
	switch {
	case len(service) != 3: // most are not asked for
		return false
	case strings.EqualFold(service, "kms"):
		fields, ok := splitARN(resource)
		return ok && strings.HasPrefix(fields[5], "key/")
	case strings.EqualFold(service, "sts"):
		fields, ok := splitARN(resource)
		if ok && fields[2] != "iam" {
			return false // the session of a federated user: no trust policy is involved
		}
		return len(name) >= 10 && strings.EqualFold(name[:10], "AssumeRole") ||
			strings.EqualFold(name, "TagSession") || strings.EqualFold(name, "SetSourceIdentity")
	}
	return false
}
