package core

import (
	"maps"
	"slices"
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

	// Alias of the account in the address of its sign-in page; empty means none.
	Alias string

	cloud *Cloud
	// IAM's own, by name in lower case: names that differ in case only are taken
	// (IAM User Guide, "IAM and AWS STS quotas", "IAM name requirements").
	users    map[string]*User
	roles    map[string]*Role
	policies map[string]*Policy
	profiles map[string]*InstanceProfile
	root     *accessKey

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

// A Key is a long-term access key.
type Key struct{ ID, Secret string }

func newAccount(c *Cloud, id string) *Account {
	return &Account{
		ID: id, Partition: partitions[0].name, cloud: c,
		users: map[string]*User{}, roles: map[string]*Role{}, policies: map[string]*Policy{}, profiles: map[string]*InstanceProfile{},
	}
}

// RootKey returns the access key of the account's root user.
func (a *Account) RootKey() Key {
	if a.root == nil {
		a.root = a.cloud.longTermKey(a, Caller{ARN: a.GlobalARN("iam", "root"), UserID: a.ID})
	}
	return Key{a.root.id, a.root.secret}
}

// HasRootKey reports whether the root user has an access key.
func (a *Account) HasRootKey() bool { return a.root != nil }

// NameTaken reports whether there is a user, role, policy or instance profile
// of that name, in whatever case. The kind is as in ARNs: "role".
func (a *Account) NameTaken(kind, name string) bool {
	name = strings.ToLower(name)
	switch kind {
	case "user":
		return a.users[name] != nil
	case "role":
		return a.roles[name] != nil
	case "policy":
		return a.policies[name] != nil
	case "instance-profile":
		return a.profiles[name] != nil
	}
	return false
}

// sortedByName returns the values of a map by their names in lower case.
func sortedByName[T any](m map[string]*T) []*T {
	list := make([]*T, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, m[name])
	}
	return list
}

// stamp is a time as IAM keeps it: in whole seconds.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
