package iampolicy

import (
	"slices"
	"strings"
)

// A Grant lets one principal do the listed operations with one KMS key, as
// kms:ListGrants returns it. It can allow and never refuses (KMS Developer
// Guide, "Grants in AWS KMS").
type Grant struct {
	ID string // decides nothing; names the grant in a Decision
	// Key is the ARN of the key. Empty means the key that the request is about.
	Key string
	// Grantee is the ARN of a user, a role, a session or an account's root, or
	// the name of a service.
	Grantee string
	// Retiring may retire the grant, whatever Operations says. Empty means that
	// nobody is named.
	Retiring string
	// Operations such as "Decrypt", without "kms:".
	Operations []string
	// ContextEquals is what the encryption context of the request must be, and
	// ContextSubset what it must hold among others. Nil means that any will do.
	// Both are compared with regard to case.
	ContextEquals, ContextSubset map[string]string
	// SourceARN is the resource that a service's request must be on behalf of.
	// Empty means any, and none.
	SourceARN string
}

// Condition keys that grants look at.
const (
	encryptionContext     = "kms:EncryptionContext:"
	encryptionContextKeys = "kms:EncryptionContextKeys"
)

// grants judges the grants of the key that the request is about.
func (e *evaluation) grants(all []Grant) {
	service, operation, _ := strings.Cut(e.req.Action, ":")
	if !strings.EqualFold(service, "kms") || e.resource[2] != "kms" || !strings.HasPrefix(e.resource[5], "key/") {
		return
	}
	for i := range all {
		g := &all[i]
		e.missing = e.missing[:0]
		if g.Key != "" && g.Key != e.req.Resource {
			continue
		}
		how, sure := e.granted(g, operation)
		if sure == no {
			continue
		}
		e.rulings.granted[how] = max(e.rulings.granted[how], sure)
		h := hit{reason: Reason{Layer: "grant", Policy: i, Statement: g.ID}, sure: sure}
		if sure == maybe {
			h.missing = slices.Clone(e.missing)
		}
		e.hits.add(h)
	}
}

// granted says how a grant names the caller, and whether it gives the
// operation.
func (e *evaluation) granted(g *Grant, operation string) (how naming, sure truth) {
	retires := strings.EqualFold(operation, "RetireGrant")
	if slices.ContainsFunc(g.Operations, func(o string) bool { return strings.EqualFold(o, operation) }) {
		how = e.caller.isGrantee(g.Grantee)
	}
	if retires {
		how = max(how, e.caller.isGrantee(g.Retiring))
	}
	if how == notNamed {
		return how, no
	}
	sure = yes
	if g.SourceARN != "" {
		sure = e.valueIs("aws:SourceArn", g.SourceARN)
	}
	switch {
	case retires || strings.EqualFold(operation, "DescribeKey"):
		// They have no encryption context, and its constraints do not bind them
		// (KMS API Reference, GrantConstraints).
	case strings.EqualFold(operation, "CreateGrant"):
		sure = min(sure, e.noWider(g), e.fitsContext(g))
	default:
		sure = min(sure, e.fitsContext(g))
	}
	return how, sure
}

// isGrantee says how a grant's principal names the caller: one that is named
// itself, or whose role is, needs no policy of its own. Of an account, as of
// one in a key policy, it is taken that its own policies decide who of its
// principals may, which no document says; it is the narrower reading.
func (c *caller) isGrantee(name string) naming {
	switch {
	case name == "" || name == "*":
		return notNamed
	case c.kind == kindService:
		return c.named("Service", name)
	}
	return c.namedByAWS(name)
}

// noWider says whether the grant that kms:CreateGrant would make gives no more
// than the one which lets the caller make it (KMS Developer Guide, "Granting
// CreateGrant permission").
func (e *evaluation) noWider(g *Grant) truth {
	operations, state := e.lookup("kms:GrantOperations")
	switch {
	case state == unknown:
		e.lacks("kms:GrantOperations")
		return maybe
	case state == absent:
		return no
	}
	for _, o := range operations {
		if !slices.ContainsFunc(g.Operations, func(mine string) bool { return strings.EqualFold(mine, o) }) {
			return no
		}
	}
	if g.ContextEquals == nil {
		return yes
	}
	// A constraint that is equal may not become a subset.
	types, state := e.lookup("kms:GrantConstraintType")
	if state == unknown {
		e.lacks("kms:GrantConstraintType")
		return maybe
	}
	return is(slices.Contains(types, "EncryptionContextEquals"))
}

// fitsContext says whether the encryption context of the request, or the one
// that a grant to be made demands, is as a grant wants it.
func (e *evaluation) fitsContext(g *Grant) truth {
	sure := yes
	for _, pairs := range []map[string]string{g.ContextEquals, g.ContextSubset} {
		for name, value := range pairs {
			if sure = min(sure, e.hasPair(name, value)); sure == no {
				return no
			}
		}
	}
	if g.ContextEquals == nil {
		return sure
	}
	for key, values := range e.req.Context {
		if name, ok := cutPrefixFold(key, encryptionContext); ok && len(values) > 0 {
			if _, wanted := g.ContextEquals[name]; !wanted {
				return no
			}
		}
	}
	names, state := e.lookup(encryptionContextKeys)
	if state == unknown {
		e.lacks(encryptionContextKeys)
		return min(sure, maybe)
	}
	for _, name := range names {
		if _, wanted := g.ContextEquals[name]; !wanted {
			return no
		}
	}
	return sure
}

// hasPair says whether the encryption context has a pair. Case matters in its
// name too, unlike in those of condition keys.
func (e *evaluation) hasPair(name, value string) truth {
	values, ok := e.req.Context[encryptionContext+name]
	for key, v := range e.req.Context {
		if rest, is := cutPrefixFold(key, encryptionContext); !ok && is && rest == name {
			values, ok = v, true
		}
	}
	if !ok && e.req.Partial {
		e.lacks(encryptionContext + name)
		return maybe
	}
	return is(len(values) == 1 && values[0] == value)
}

// valueIs says whether a key of the request has this one value.
func (e *evaluation) valueIs(key, value string) truth {
	values, state := e.lookup(key)
	if state == unknown {
		e.lacks(key)
		return maybe
	}
	return is(len(values) == 1 && values[0] == value)
}

func cutPrefixFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}
