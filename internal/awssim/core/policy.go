package core

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// A Policy is a managed policy, of an account or of AWS.
type Policy struct {
	// Account that owns the policy; nil means AWS.
	Account     *Account
	ARN         string
	UniqueID    string // ANPA…
	Name        string
	Path        string // begins and ends with a slash
	Description string
	Created     time.Time
	Updated     time.Time
	Tags        map[string]string
	// Versions, oldest first, and the one in force.
	Versions []*PolicyVersion
	Default  *PolicyVersion

	numbered int // versions so far, deleted ones included
}

// A PolicyVersion is one of the documents of a managed policy.
type PolicyVersion struct {
	ID       string // "v1"
	Created  time.Time
	Document *iampolicy.Document
	// Text of the document as it was put; empty if only the document was.
	Text string
}

// AddPolicy adds a managed policy with its first version. Its name must not
// be taken.
func (a *Account) AddPolicy(p Policy, d *iampolicy.Document) *Policy {
	if p.Path == "" {
		p.Path = "/"
	}
	p.Account, p.Created = a, stamp(a.cloud.Now())
	p.ARN = a.GlobalARN("iam", "policy"+p.Path+p.Name)
	p.UniqueID = a.cloud.NewUniqueID("ANPA")
	added := &p
	added.SetDefault(added.AddVersion(d, p.Created))
	a.policies[strings.ToLower(p.Name)] = added
	return added
}

// AddVersion adds a version, which is not in force yet.
func (p *Policy) AddVersion(d *iampolicy.Document, at time.Time) *PolicyVersion {
	p.numbered++
	v := &PolicyVersion{ID: "v" + strconv.Itoa(p.numbered), Created: stamp(at), Document: d}
	p.Versions = append(p.Versions, v)
	p.Updated = v.Created
	return v
}

// SetDefault puts a version into force for all that have the policy.
func (p *Policy) SetDefault(v *PolicyVersion) {
	p.Default = v
	if p.Account != nil {
		p.Account.settle()
	}
}

// DeletePolicy deletes a managed policy that nobody holds.
func (a *Account) DeletePolicy(p *Policy) { delete(a.policies, strings.ToLower(p.Name)) }

// Policies returns the account's own managed policies by name.
func (a *Account) Policies() []*Policy {
	return sortedByName(a.policies)
}

// PolicyNamed returns the managed policy of that name in whatever case, or nil.
func (a *Account) PolicyNamed(name string) *Policy { return a.policies[strings.ToLower(name)] }

// ManagedPolicy returns the managed policy with the ARN, of an account or of
// AWS, or nil.
func (c *Cloud) ManagedPolicy(arn string) *Policy {
	part := strings.SplitN(arn, ":", 6)
	if len(part) != 6 || part[2] != "iam" || !strings.HasPrefix(part[5], "policy/") {
		return nil
	}
	if part[4] == "aws" {
		return c.awsPolicy(part[1], part[5])
	}
	a := c.accounts[part[4]]
	if a == nil {
		return nil
	}
	if p := a.PolicyNamed(part[5][strings.LastIndexByte(part[5], '/')+1:]); p != nil && p.ARN == arn {
		return p
	}
	return nil
}

// putBoundary makes or replaces the managed policy that is the boundary of a
// user or role put with a document.
func (a *Account) putBoundary(holder string, d *iampolicy.Document) *Policy {
	name := holder + "-boundary"
	p := a.PolicyNamed(name)
	switch {
	case p == nil:
		return a.AddPolicy(Policy{Name: name}, d)
	case p.Default.Document != d:
		p.Versions = slices.DeleteFunc(p.Versions, func(v *PolicyVersion) bool { return v == p.Default })
		p.SetDefault(p.AddVersion(d, a.cloud.Now()))
	}
	return p
}

// settle puts into force what all identities of the account hold.
func (a *Account) settle() {
	for _, r := range a.roles {
		r.Settle()
	}
	for _, u := range a.users {
		u.Settle()
	}
}
