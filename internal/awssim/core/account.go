package core

import (
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// An Account holds the IAM state of one AWS account.
type Account struct {
	// ID is the account's 12 digits.
	ID string
	// Partition is that of the account: "aws" unless SetPartition says otherwise.
	Partition string
	// State says whether credentials of the account work.
	State State
	// TokensEverywhere makes session tokens from the global endpoint of STS good
	// in opt-in Regions as well: version 2 of those tokens.
	// Source: IAM API Reference, SetSecurityTokenServicePreferences.
	TokensEverywhere bool
	// Organization is the id of the organization ("o-…"); empty means none.
	Organization string
	// OrgPath is the account's place in it, as aws:PrincipalOrgPaths and
	// aws:ResourceOrgPaths have it: "o-…/r-…/ou-…/". It is empty where only the
	// organization is known.
	OrgPath string
	// Management says that the account is its organization's management
	// account, which neither SCPs nor RCPs bind: of the organization's own there
	// are none in the two lists below.
	Management bool
	// SCP holds the service control policies that apply to the account's
	// principals, one list for each level of the organization. Nil means none apply.
	SCP [][]*iampolicy.Document
	// RCP holds the resource control policies that apply to the account's
	// resources, one list for each level of the organization. Nil means none apply.
	RCP [][]*iampolicy.Document

	cloud *Cloud
	users map[string]*User // by name
	roles map[string]*Role // by name, which is unique whatever the path
	root  *accessKey

	optedIn map[string]bool // opt-in Regions that are enabled
	noSTS   map[string]bool // Regions where STS gives no credentials of the account
}

// A State of an account. Credentials work while it is active.
// Source: AWS Organizations API Reference, Account.
type State string

// The states of an account. The zero value is that of an active one.
const (
	Active            State = ""
	PendingActivation State = "PENDING_ACTIVATION"
	Suspended         State = "SUSPENDED"
	PendingClosure    State = "PENDING_CLOSURE"
	Closed            State = "CLOSED"
)

// A User is an IAM user.
type User struct {
	// Account, ARN and UniqueID (AIDA…) are set by PutUser.
	Account  *Account
	ARN      string
	UniqueID string

	Name     string
	Policies []*iampolicy.Document
	Boundary *iampolicy.Document // nil means none
	Tags     map[string]string

	key *accessKey
}

// A Role is an IAM role.
type Role struct {
	// Account, ARN and UniqueID (AROA…) are set by PutRole.
	Account  *Account
	ARN      string
	UniqueID string

	Name     string
	Path     string // begins and ends with a slash; empty means "/"
	Trust    *iampolicy.Document
	Policies []*iampolicy.Document
	Boundary *iampolicy.Document // nil means none
	// MaxSession is the longest session the role gives. Zero means 1 h.
	MaxSession time.Duration
	Tags       map[string]string

	deleted bool
	bound   map[string]string // principals of Trust by unique id
}

// A Key is a long-term access key.
type Key struct{ ID, Secret string }

func newAccount(c *Cloud, id string) *Account {
	return &Account{ID: id, Partition: partitions[0].name, cloud: c, users: map[string]*User{}, roles: map[string]*Role{}}
}

// PutUser makes a user, or replaces all but the identity and the access key of
// the user of that name.
func (a *Account) PutUser(u User) *User {
	have := a.users[u.Name]
	if have == nil {
		have = &User{
			Account:  a,
			ARN:      a.GlobalARN("iam", "user/"+u.Name),
			UniqueID: a.cloud.NewUniqueID("AIDA"),
			Name:     u.Name,
		}
		a.users[u.Name] = have
		have.key = a.cloud.longTermKey(a, Caller{ARN: have.ARN, UserID: have.UniqueID, User: have})
	}
	have.Policies, have.Boundary, have.Tags = u.Policies, u.Boundary, u.Tags
	return have
}

// User returns the user of that name, or nil.
func (a *Account) User(name string) *User { return a.users[name] }

// Key returns the user's access key.
func (u *User) Key() Key { return Key{u.key.id, u.key.secret} }

// SetKey replaces the user's access key. It reports false, and changes
// nothing, if another caller has the key id.
func (u *User) SetKey(k Key) bool {
	keys := u.Account.cloud.keys
	if have := keys[k.ID]; have != nil && have != u.key {
		return false
	}
	delete(keys, u.key.id)
	u.key.id, u.key.secret = k.ID, k.Secret
	u.Account.cloud.addKey(u.key)
	return true
}

// DeleteUser deletes a user and its access key. An unknown name is no error.
func (a *Account) DeleteUser(name string) {
	if u := a.users[name]; u != nil {
		delete(a.cloud.keys, u.key.id)
		delete(a.users, name)
	}
}

// RootKey returns the access key of the account's root user.
func (a *Account) RootKey() Key {
	if a.root == nil {
		a.root = a.cloud.longTermKey(a, Caller{ARN: a.GlobalARN("iam", "root"), UserID: a.ID})
	}
	return Key{a.root.id, a.root.secret}
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
	have := a.roles[r.Name]
	if have == nil || have.Path != r.Path {
		a.DeleteRole(r.Name)
		have = &Role{
			Account:  a,
			ARN:      a.GlobalARN("iam", "role"+r.Path+r.Name),
			UniqueID: a.cloud.NewUniqueID("AROA"),
			Name:     r.Name,
			Path:     r.Path,
		}
		a.roles[r.Name] = have
	}
	have.Trust, have.Policies, have.Boundary = r.Trust, r.Policies, r.Boundary
	have.MaxSession, have.Tags = r.MaxSession, r.Tags
	have.bound = map[string]string{}
	a.cloud.Bind(have.Trust, have.bound)
	return have
}

// DeleteRole deletes a role. Its sessions are worth nothing from then on, and
// a role made again under the name is another one. An unknown name is no error.
func (a *Account) DeleteRole(name string) {
	if r := a.roles[name]; r != nil {
		r.deleted = true
		delete(a.roles, name)
	}
}

// Role returns the role with the ARN, or nil.
func (c *Cloud) Role(arn string) *Role {
	if a, name, ok := c.iamEntity(arn, "role"); ok {
		if r := a.roles[name]; r != nil && r.ARN == arn {
			return r
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
