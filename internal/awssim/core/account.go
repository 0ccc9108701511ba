package core

import (
	"time"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// An Account holds the IAM state of one AWS account.
type Account struct {
	// ID is the account's 12 digits.
	ID string
	// Organization is the id of the organization ("o-…"); empty means none.
	Organization string
	// SCP holds the service control policies that apply, one list for each
	// level of the organization. Nil means none apply.
	SCP [][]*iampolicy.Document

	cloud *Cloud
	users map[string]*User // by name
	roles map[string]*Role // by name, which is unique whatever the path
}

// A User is an IAM user with one static access key.
type User struct {
	Account  *Account
	Name     string
	ARN      string
	UniqueID string // AIDA…
	Policies []*iampolicy.Document
	Boundary *iampolicy.Document
	Tags     map[string]string
}

// A Role is an IAM role.
type Role struct {
	Account    *Account
	Name       string
	Path       string // "/" or "/…/"
	ARN        string
	UniqueID   string // AROA…
	Trust      *iampolicy.Document
	Policies   []*iampolicy.Document
	Boundary   *iampolicy.Document
	MaxSession time.Duration // 1 h … 12 h
	Tags       map[string]string

	deleted bool
}

// A Session is an assumed role.
type Session struct {
	Role           *Role
	Name           string
	Policy         *iampolicy.Document // session policy; nil means none
	Tags           map[string]string   // session tags, inherited ones included
	Transitive     []string            // keys of Tags that the next hop inherits
	SourceIdentity string
	Issued         time.Time
	Expires        time.Time
}

func newAccount(c *Cloud, id string) *Account {
	return &Account{ID: id, cloud: c, users: map[string]*User{}, roles: map[string]*Role{}}
}
