package iampolicy

import "strings"

// A callerKind says what a principal is, which decides the policies that have
// a say and how a resource's policy may name it.
type callerKind int

const (
	kindAnonymous callerKind = iota
	kindRoot
	kindUser
	kindSession       // of an assumed role
	kindRole          // some session of the role, without the session's name
	kindFederatedUser // sts:GetFederationToken
	kindProvider      // of SAML or web identities, before it has credentials
	kindService       // ec2.amazonaws.com
)

// A caller is a Principal, understood.
type caller struct {
	kind    callerKind
	arn     string
	account string
	role    string // ARN of the role behind a session; empty where pathless
	// pathless says that only the role's name is known, from the session's ARN,
	// which does not show the role's path.
	pathless bool
	name     string // of a user, a federated user or a pathless role, with no path
}

func newCaller(p Principal) caller {
	c := caller{arn: p.ARN, account: p.Account}
	fields, isARN := splitARN(p.ARN)
	if !isARN {
		if p.ARN != "" && p.ARN != "*" {
			c.kind = kindService
			if !strings.HasSuffix(p.ARN, ".amazonaws.com") && !strings.HasSuffix(p.ARN, ".amazonaws.com.cn") {
				c.kind = kindProvider // accounts.google.com
			}
		}
		return c
	}
	if c.account == "" {
		c.account = fields[4]
	}
	kind, rest, _ := strings.Cut(fields[5], "/")
	switch {
	case fields[5] == "root":
		c.kind = kindRoot
	case kind == "user":
		c.kind, c.name = kindUser, baseName(rest)
	case kind == "assumed-role":
		c.kind, c.role = kindSession, p.RoleARN
		if c.role == "" {
			c.name, _, _ = strings.Cut(rest, "/")
			c.pathless = true
		}
	case kind == "role":
		c.kind, c.role = kindRole, p.ARN
	case kind == "federated-user":
		c.kind, c.name = kindFederatedUser, rest
	case kind == "saml-provider" || kind == "oidc-provider":
		c.kind, c.account = kindProvider, ""
	}
	return c
}

// principalARN is the value of aws:PrincipalArn.
func (c *caller) principalARN() string {
	switch {
	case c.role != "":
		return c.role
	case c.pathless:
		fields, _ := splitARN(c.arn)
		return "arn:" + fields[1] + ":iam::" + c.account + ":role/" + c.name
	}
	return c.arn
}

// principalType is the value of aws:PrincipalType (IAM User Guide, "AWS global
// condition context keys"). Empty means there is none.
func (c *caller) principalType() string {
	switch c.kind {
	case kindRoot:
		return "Account"
	case kindUser:
		return "User"
	case kindSession, kindRole:
		return "AssumedRole"
	case kindFederatedUser:
		return "FederatedUser"
	case kindAnonymous:
		return "Anonymous"
	}
	return ""
}

// hasIdentity says that policies of the caller's own account apply to it.
func (c *caller) hasIdentity() bool {
	return c.kind != kindAnonymous && c.kind != kindProvider && c.kind != kindService
}

// serviceLinked says that the caller is a service-linked role. The prefix of
// the name is reserved for those; the path shows only where RoleARN is given.
func (c *caller) serviceLinked() bool {
	const prefix = "AWSServiceRoleFor"
	if c.pathless {
		return strings.HasPrefix(c.name, prefix)
	}
	_, path, ok := strings.Cut(c.role, ":role/")
	return ok && (strings.HasPrefix(path, "aws-service-role/") || strings.HasPrefix(path, prefix))
}

// A naming says how a resource's policy names the caller. That decides which
// implicit denials a permission overcomes.
type naming int

const (
	notNamed   naming = iota
	byAccount         // the account: its own policies must grant as well
	byRole            // the role: boundary and session policy limit it
	byEveryone        // "*": a session policy limits it
	byIdentity        // the user or the session itself: nothing limits it
)

// names says how p names the caller. Principals are compared literally: IAM
// allows no wildcard in them but "*" alone.
func (p *Principals) names(c *caller) naming {
	if p.Any {
		return byEveryone
	}
	best := notNamed
	for kind, named := range p.By {
		for _, name := range named.Values {
			best = max(best, c.named(kind, name))
		}
	}
	return best
}

// named says how one entry of a Principal names the caller.
func (c *caller) named(kind, name string) naming {
	switch kind {
	case "AWS", "":
		return c.namedByAWS(name)
	case "Service":
		if c.kind == kindService && (name == c.arn || name == "*") {
			return byIdentity
		}
	case "Federated":
		if c.kind == kindProvider && (name == c.arn || name == "*") {
			return byIdentity
		}
	}
	return notNamed
}

func (c *caller) namedByAWS(name string) naming {
	switch {
	case name == "*":
		return byEveryone
	case c.kind == kindProvider || c.kind == kindService || c.kind == kindAnonymous:
		return notNamed
	case c.kind == kindRole && name == c.arn:
		return byRole
	case name == c.arn && c.kind != kindRoot:
		return byIdentity
	case (c.role != "" || c.pathless) && c.isRole(name):
		return byRole
	case c.account != "" && accountNamed(name) == c.account:
		return byAccount
	}
	return notNamed
}

// accountNamed returns the account that a principal stands for: written as its
// id or as the ARN of its root, which mean the same.
func accountNamed(name string) string {
	if len(name) == 12 && strings.Trim(name, "0123456789") == "" {
		return name
	}
	if fields, ok := splitARN(name); ok && fields[2] == "iam" && fields[5] == "root" {
		return fields[4]
	}
	return ""
}

// isRole says whether a principal is the caller's role. Role names are unique
// within an account whatever the path (IAM API Reference, CreateRole), so where
// the caller's path is not known the name decides.
func (c *caller) isRole(name string) bool {
	if !c.pathless {
		return name == c.role
	}
	fields, ok := splitARN(name)
	return ok && fields[2] == "iam" && fields[4] == c.account && strings.HasPrefix(fields[5], "role/") &&
		baseName(fields[5]) == c.name
}

// baseName returns what follows the last slash.
func baseName(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

// escapes says whether a NotPrincipal leaves the caller out of a Deny. Naming
// the account leaves out only its root, and naming the role only the role: the
// user or session has to be named itself. No caller with a permissions boundary
// escapes, whoever is named (both: IAM User Guide, "AWS JSON policy elements:
// NotPrincipal").
func (p *Principals) escapes(c *caller, bounded bool) bool {
	g := p.names(c)
	switch {
	case g == byEveryone || g == byIdentity:
	case c.kind == kindRoot && g == byAccount:
	case c.kind == kindRole && g == byRole:
	default:
		return false
	}
	return !bounded
}
