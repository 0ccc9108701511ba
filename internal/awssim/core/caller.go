package core

import (
	"time"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// A Caller is who signed a request: an IAM user, a session of a role, or,
// with neither, the root of the account.
type Caller struct {
	// ARN as sts:GetCallerIdentity tells it.
	ARN string
	// UserID is AIDA…, AROA…:session, or the account id of a root.
	UserID string
	// KeyID is the access key that signed.
	KeyID string
	// User is nil unless the caller is an IAM user.
	User *User
	// Session is nil unless the caller has assumed a role.
	Session *Session
}

// Entity returns the ARN of the role or user behind the caller: what policies
// name, where ARN names the session.
func (c *Caller) Entity() string {
	if c.Session != nil {
		return c.Session.Role.ARN
	}
	return c.ARN
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
	// DefaultRegions says that the credentials are good only in the Regions
	// that are enabled by default, as those from the global endpoint of STS are
	// unless the account wants them otherwise.
	DefaultRegions bool
}

// Credentials of a session.
type Credentials struct {
	Key
	Token string
}

// An accessKey is one credential and whom it stands for.
type accessKey struct {
	id, secret, token string
	account           *Account
	caller            Caller
}

// knownIn says that a key stands for somebody in a Region. Keys do not cross
// partitions, and opt-in Regions know those of the accounts that have enabled
// them. That the keys of accounts which are closed or suspended are as good as
// unknown is not documented in these words.
//
// Sources: AWS General Reference, "ARNs" (partitions); IAM User Guide, "Manage
// AWS STS in an AWS Region" (tokens of the global endpoint); AWS Organizations
// User Guide, "Closing a member account" (closed accounts can do nothing).
func (k *accessKey) knownIn(region string) bool {
	a, session := k.account, k.caller.Session
	switch {
	case a.State != Active, !a.Enabled(region):
		return false
	case session == nil:
		return true
	case session.DefaultRegions && a.OptInStatus(region) != OptInNotRequired:
		return false
	}
	return !session.Role.deleted
}

// NewSession gives out credentials for a session. Whether the caller may have
// them is for STS to decide.
func (c *Cloud) NewSession(s *Session) (Credentials, Caller) {
	k := &accessKey{
		id:     c.NewUniqueID("ASIA")[:20],
		secret: c.NewSecret(40),
		token:  "IQoJb3JpZ2luX2Vj" + c.NewSecret(240),
		caller: Caller{
			ARN:     s.Role.Account.GlobalARN("sts", "assumed-role/"+s.Role.Name+"/"+s.Name),
			UserID:  s.Role.UniqueID + ":" + s.Name,
			Session: s,
		},
		account: s.Role.Account,
	}
	c.addKey(k)
	return Credentials{Key{k.id, k.secret}, k.token}, k.caller
}

func (c *Cloud) longTermKey(a *Account, caller Caller) *accessKey {
	k := &accessKey{id: c.NewUniqueID("AKIA")[:20], secret: c.NewSecret(40), account: a, caller: caller}
	c.addKey(k)
	return k
}

func (c *Cloud) addKey(k *accessKey) {
	k.caller.KeyID = k.id
	c.keys[k.id] = k
}
