package core

import (
	"slices"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// Bind returns a resource policy as AWS understands it now. AWS stores roles
// and users that a policy names as principals by their unique ids, so one that
// was deleted and made again under the same name is no longer meant.
//
// The ids are remembered in bound, from the first time that a principal is
// seen to exist. A policy that is put anew starts with an empty bound.
//
// Source: IAM User Guide, "AWS JSON policy elements: Principal".
func (c *Cloud) Bind(d *iampolicy.Document, bound map[string]string) *iampolicy.Document {
	if d == nil {
		return nil
	}
	result := d
	for i := range d.Statements {
		p := c.bindPrincipals(d.Statements[i].Principal, bound)
		n := c.bindPrincipals(d.Statements[i].NotPrincipal, bound)
		if p == d.Statements[i].Principal && n == d.Statements[i].NotPrincipal {
			continue
		}
		if result == d {
			replaced := *d
			replaced.Statements = slices.Clone(d.Statements)
			result = &replaced
		}
		result.Statements[i].Principal, result.Statements[i].NotPrincipal = p, n
	}
	return result
}

// bindPrincipals returns p itself if all that it names is still the same.
func (c *Cloud) bindPrincipals(p *iampolicy.Principals, bound map[string]string) *iampolicy.Principals {
	if p == nil || len(p.By["AWS"].Values) == 0 {
		return p
	}
	values := slices.Clone(p.By["AWS"].Values)
	changed := false
	for i, arn := range values {
		id := c.uniqueID(arn)
		if bound[arn] == "" && id != "" {
			bound[arn] = id
		}
		if bound[arn] != id {
			values[i], changed = bound[arn], true
		}
	}
	if !changed {
		return p
	}
	replaced := iampolicy.Principals{Any: p.Any, By: map[string]iampolicy.Strings{}}
	for kind, s := range p.By {
		replaced.By[kind] = s
	}
	replaced.By["AWS"] = iampolicy.Of(values...)
	return &replaced
}

// uniqueID of the role or user with the ARN; empty if there is none.
func (c *Cloud) uniqueID(arn string) string {
	if r := c.Role(arn); r != nil {
		return r.UniqueID
	}
	if u := c.User(arn); u != nil {
		return u.UniqueID
	}
	return ""
}
