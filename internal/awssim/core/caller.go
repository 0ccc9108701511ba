package core

import (
	"time"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/sigv4"
)

// A Caller is who signed a request: an IAM user, a session of a role, a
// federated user, or, with none of these, the root of the account.
type Caller struct {
	// ARN as sts:GetCallerIdentity tells it.
	ARN string
	// UserID is AIDA…, AROA…:session, or the account id of a root.
	UserID string
	// KeyID is the access key that signed.
	KeyID string
	// User is nil unless the caller is an IAM user, or federated by one.
	User *User
	// Session is nil unless the caller has assumed a role.
	Session *Session
	// Pass is nil unless a user or root has got temporary credentials without
	// assuming a role.
	Pass *Pass
}

// IsRoot says that the caller is the root user.
func (c *Caller) IsRoot() bool { return c.User == nil && c.Session == nil && !c.Federated() }

// Federated says that the caller is a federated user.
func (c *Caller) Federated() bool { return c.Pass != nil && c.Pass.Name != "" }

// temporary tells of credentials that end: since when they are good, until
// when, and whether only in the Regions that are enabled by default.
func (c *Caller) temporary() (since, until time.Time, defaultRegions, ok bool) {
	switch {
	case c.Session != nil:
		return c.Session.Issued, c.Session.Expires, c.Session.DefaultRegions, true
	case c.Pass != nil:
		return c.Pass.Issued, c.Pass.Expires, c.Pass.DefaultRegions, true
	}
	return time.Time{}, time.Time{}, false, false
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
	Policy         *iampolicy.Document // inline session policy; nil means none
	Managed        []string            // ARNs of managed session policies
	Tags           map[string]string   // session tags, inherited ones included
	Transitive     []string            // keys of Tags that the next hop inherits
	SourceIdentity string
	Issued         time.Time
	Expires        time.Time
	// DefaultRegions says that the credentials are good only in the Regions
	// that are enabled by default, as those from the global endpoint of STS are
	// unless the account wants them otherwise.
	DefaultRegions bool
	// OfInstance says that the session was given to an EC2 instance with its
	// profile: assuming a role from there is no chain.
	OfInstance bool
	// TokenSize is the least size of the session token in bytes.
	TokenSize int
}

// A Pass is temporary credentials that no role is behind: those of a user or
// root for itself, from GetSessionToken, or, with a name, those of a federated
// user that it vouches for, from GetFederationToken.
type Pass struct {
	Name string // of the federated user; empty means the caller itself
	// Policy and Managed are session policies as in Session. A federated user
	// may do nothing without.
	Policy  *iampolicy.Document
	Managed []string
	Tags    map[string]string // session tags
	Issued  time.Time
	// Expires, DefaultRegions and TokenSize are as in Session.
	Expires        time.Time
	DefaultRegions bool
	TokenSize      int
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
	signing           *sigv4.Secret // the secret as signatures are checked against it
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
	a, caller := k.account, &k.caller
	_, _, defaultRegions, _ := caller.temporary()
	switch {
	case a.State != Active, !a.Enabled(region):
		return false
	case defaultRegions && a.OptInStatus(region) != OptInNotRequired:
		return false
	case caller.Session != nil:
		return !caller.Session.Role.deleted
	case caller.User != nil:
		return a.User(caller.User.Name) == caller.User
	}
	return true
}

// NewSession gives out credentials for a session. Whether the caller may have
// them is for STS to decide.
func (c *Cloud) NewSession(s *Session) (Credentials, Caller) {
	return c.newTemporary(s.Role.Account, s.TokenSize, Caller{
		ARN:     s.Role.Account.GlobalARN("sts", "assumed-role/"+s.Role.Name+"/"+s.Name),
		UserID:  s.Role.UniqueID + ":" + s.Name,
		Session: s,
	})
}

// NewPass gives out credentials that no role is behind to a user or root.
func (c *Call) NewPass(p *Pass) (Credentials, Caller) {
	caller := Caller{ARN: c.Caller.ARN, UserID: c.Caller.UserID, User: c.Caller.User, Pass: p}
	if p.Name != "" {
		caller.ARN = c.Account.GlobalARN("sts", "federated-user/"+p.Name)
		caller.UserID = c.Account.ID + ":" + p.Name
	}
	return c.Cloud.newTemporary(c.Account, p.TokenSize, caller)
}

// smallestToken is the size of a session token that holds nothing.
const smallestToken = 256

func (c *Cloud) newTemporary(a *Account, size int, caller Caller) (Credentials, Caller) {
	const head = "IQoJb3JpZ2luX2Vj"
	k := &accessKey{
		id: c.NewUniqueID("ASIA")[:20], secret: c.NewSecret(40), account: a, caller: caller,
		token: head + c.NewSecret(max(size, smallestToken)-len(head)),
	}
	c.addKey(k)
	return Credentials{Key{k.id, k.secret}, k.token}, k.caller
}

// KeyAccount returns the account that an access key belongs to, or nil.
func (c *Cloud) KeyAccount(id string) *Account {
	if k := c.keys[id]; k != nil {
		return k.account
	}
	return nil
}

func (c *Cloud) longTermKey(a *Account, caller Caller) *accessKey {
	k := &accessKey{id: c.NewUniqueID("AKIA")[:20], secret: c.NewSecret(40), account: a, caller: caller}
	c.addKey(k)
	return k
}

func (c *Cloud) addKey(k *accessKey) {
	k.caller.KeyID, k.signing = k.id, sigv4.NewSecret(k.secret)
	c.keys[k.id] = k
}
