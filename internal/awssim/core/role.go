package core

import (
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// A Role is an IAM role.
type Role struct {
	Holder

	Name        string
	Path        string // begins and ends with a slash; empty means "/"
	Description string
	Trust       *iampolicy.Document // set by PutRole and SetTrust
	// Policies in force and Boundary follow from what the Holder holds; PutRole
	// takes documents here. A nil Boundary means none.
	Policies []*iampolicy.Document
	Boundary *iampolicy.Document
	// MaxSession is the longest session the role gives. Zero means 1 h.
	MaxSession time.Duration
	Tags       map[string]string

	deleted bool
	bound   map[string]string // principals of Trust by unique id
}

// PutRole makes a role, or replaces all but the identity of the role of that
// name. Replaced policies count at once, for running sessions too.
func (a *Account) PutRole(r Role) *Role {
	if r.Path == "" {
		r.Path = "/"
	}
	if r.MaxSession == 0 {
		r.MaxSession = time.Hour
	}
	key := strings.ToLower(r.Name)
	have := a.roles[key]
	if have == nil || have.Path != r.Path || have.Name != r.Name {
		if have != nil {
			a.DeleteRole(have.Name)
		}
		have = &Role{Name: r.Name, Path: r.Path}
		have.Holder = Holder{
			Account: a, ARN: a.GlobalARN("iam", "role"+r.Path+r.Name), UniqueID: a.cloud.NewUniqueID("AROA"), Created: stamp(a.cloud.Now()),
		}
		a.roles[key] = have
	}
	have.Description, have.MaxSession, have.Tags = r.Description, r.MaxSession, r.Tags
	have.SetTrust(r.Trust)
	have.put(r.Name, r.Policies, r.Boundary)
	have.Settle()
	return have
}

// SetTrust puts a trust policy anew: the principals that it names are those
// of now; see Cloud.Bind.
func (r *Role) SetTrust(d *iampolicy.Document) {
	c := r.Account.cloud
	c.was.trusts.Was(c, r.UniqueID, trusting{r.Trust, r.bound})
	r.Trust, r.bound = d, map[string]string{}
	c.Bind(d, r.bound)
}

// BoundTrust returns the role's trust policy as AWS understands it now; see
// Cloud.Bind.
func (r *Role) BoundTrust() *iampolicy.Document {
	return r.Account.cloud.Bind(r.Trust, r.bound)
}

// Settle puts what the role holds into force, for running sessions too.
func (r *Role) Settle() {
	old := standing{r.Policies, r.Boundary}
	r.Policies, r.Boundary = r.documents()
	r.settled(old, standing{r.Policies, r.Boundary})
}

// DeleteRole deletes a role. Its sessions are worth nothing from then on, and
// a role made again under the name is another one. An unknown name is no error.
func (a *Account) DeleteRole(name string) {
	if r := a.Role(name); r != nil {
		r.deleted = true
		delete(a.roles, strings.ToLower(name))
	}
}

// Role returns the account's role of exactly that name, or nil.
func (a *Account) Role(name string) *Role {
	if r := a.roles[strings.ToLower(name)]; r != nil && r.Name == name {
		return r
	}
	return nil
}

// Roles returns all roles by name.
func (a *Account) Roles() []*Role { return sortedByName(a.roles) }

// Role returns the role with the ARN, or nil.
func (c *Cloud) Role(arn string) *Role {
	if a, name, ok := c.iamEntity(arn, "role"); ok {
		if r := a.Role(name); r != nil && r.ARN == arn {
			return r
		}
	}
	return nil
}

// User returns the user with the ARN, or nil.
func (c *Cloud) User(arn string) *User {
	if a, name, ok := c.iamEntity(arn, "user"); ok {
		if u := a.User(name); u != nil && u.ARN == arn {
			return u
		}
	}
	return nil
}

// iamEntity takes the ARN of a role or user apart.
func (c *Cloud) iamEntity(arn, kind string) (a *Account, name string, ok bool) {
	part := strings.SplitN(arn, ":", 6)
	if len(part) != 6 || part[2] != "iam" || !strings.HasPrefix(part[5], kind+"/") {
		return nil, "", false
	}
	a = c.accounts[part[4]]
	return a, part[5][strings.LastIndex(part[5], "/")+1:], a != nil
}
