package iampolicy

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// principals judges whom a statement names.
func (in *inspection) principals(s *inspected) {
	if !in.kind.hasPrincipals() {
		return
	}
	if s.NotPrincipal != nil && s.Effect == Allow {
		in.find("member-not-for-kind", s.at.member("NotPrincipal"), "NotPrincipal goes with Deny only")
	}
	in.named(s.at.member("Principal"), s.Principal)
	in.named(s.at.member("NotPrincipal"), s.NotPrincipal)
}

func (in *inspection) named(at place, p *Principals) {
	if p == nil || p.Any {
		return
	}
	if in.kind == KindRCP {
		in.find("principal-syntax", at, "a resource control policy speaks of everyone: the principal is an asterisk")
		return
	}
	if len(p.By) == 0 {
		in.find("member-missing", at, "no principal is named")
	}
	for _, kind := range slices.Sorted(maps.Keys(p.By)) {
		named := p.By[kind]
		at := at
		if kind != "" {
			at = at.member(kind)
		}
		if len(named.Values) == 0 {
			in.find("member-missing", at, "no principal is named")
		}
		for i, name := range named.Values {
			in.principal(at.value(named, i), kind, name)
		}
	}
}

var (
	// A principal as IAM writes it: the root, a user, a role or a session.
	principalARN = regexp.MustCompile(`^arn:[a-z-]+:(iam::(\d{12}|cloudfront):(root|(user|role)/.+)|sts::\d{12}:(assumed-role/[^/]+/.+|federated-user/.+|self))$`)
	// The unique ids of users and roles (IAM User Guide, "IAM identifiers").
	uniqueID     = regexp.MustCompile(`^A(IDA|ROA|GPA|NPA)[A-Z0-9]{12,}$`)
	providerARN  = regexp.MustCompile(`^arn:[a-z-]+:iam::\d{12}:(saml|oidc)-provider/.+$`)
	servicePoint = regexp.MustCompile(`^[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|amazon\.com|aws\.internal|eu)$`)
	hostName     = regexp.MustCompile(`^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(/.*)?$`)
)

// principal judges one name under its kind.
func (in *inspection) principal(at place, kind, name string) {
	ok := name == "*"
	switch kind {
	case "AWS":
		switch {
		case ok:
		case uniqueID.MatchString(name):
			in.find("principal-deleted", at, "%s is a unique id", name)
			return
		case strings.ContainsAny(name, "*?"):
			in.find("principal-wildcard", at, "a principal has a wildcard")
			return
		case accountNamed(name) != "" || principalARN.MatchString(name):
			ok = true
		}
	case "Service":
		ok = ok || servicePoint.MatchString(name)
	case "Federated":
		ok = ok || providerARN.MatchString(name) || hostName.MatchString(name)
	case "CanonicalUser":
		ok = in.kind == KindResource
	case "":
		in.find("principal-syntax", at, "the principal has no kind, such as AWS")
		return
	default:
		in.find("principal-syntax", at, "there is no kind of principals with this name")
		return
	}
	if !ok {
		in.find("principal-syntax", at, "this is no principal of the kind %s", kind)
	}
}
