package backuptest

import (
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// Options configure a Cloud. The zero value works.
type Options struct {
	// Seed of every id, key and token.
	Seed uint64
	// Latency of one call, half of it before its effect. Zero means 50 ms,
	// negative means none.
	Latency time.Duration
	// Unlimited lets every request through. Otherwise calls beyond the rates
	// that AWS publishes are throttled.
	Unlimited bool
	// RecordAuthorizations keeps every decision for Cloud.Authorizations. It
	// takes about 1 KiB a call.
	RecordAuthorizations bool
	// LogCalls is how many of the newest calls Cloud.Log remembers. Negative
	// means all. Zero means none.
	LogCalls int
	// OnDecision is told of every question that was put to the policies, of the
	// policies that had a say and of what they came to, for other judges to
	// compare. It must not use the cloud. Nil means nobody is told.
	OnDecision func(iampolicy.Request, iampolicy.PolicySet, iampolicy.Decision)
}

// A Cloud is a simulated AWS with several accounts. It is safe for concurrent use.
type Cloud struct{ sim *awssim.Cloud }

// New returns a cloud in which nothing exists yet. Accounts come to be as
// users and roles are put into them.
func New(opts Options) *Cloud {
	return &Cloud{awssim.New(awssim.Options{
		Seed:                 opts.Seed,
		Latency:              opts.Latency,
		Limits:               core.Limits{Off: opts.Unlimited},
		RecordAuthorizations: opts.RecordAuthorizations,
		LogCalls:             opts.LogCalls,
		OnDecision:           opts.OnDecision,
	})}
}

// Config returns a configuration for the SDK's clients that reaches this
// cloud, without a network. Clients of services that are not simulated find no
// host.
func (c *Cloud) Config(creds aws.CredentialsProvider, region string) aws.Config {
	return c.sim.Config(creds, region)
}

// Handler returns the cloud as an HTTP server, all services and Regions on one
// address: for the AWS CLI and clients in other languages.
func (c *Cloud) Handler() http.Handler { return c.sim.Handler() }

// User makes an IAM user, or replaces the policies of the one there is, and
// returns its access key.
func (c *Cloud) User(account accounts.ID, name string, policies ...*iampolicy.Document) aws.CredentialsProvider {
	return c.sim.User(account.String(), name, policies...)
}

// Root returns the access key of an account's root user.
func (c *Cloud) Root(account accounts.ID) aws.CredentialsProvider {
	return c.sim.Root(account.String())
}

// Admin returns the policy that allows everything.
func Admin() *iampolicy.Document { return awssim.Admin() }

// A Role is an IAM role to be put into an account.
type Role struct {
	Name string // without the path
	// Path begins and ends with a slash. Empty means "/".
	Path string
	// Trust says who may assume the role. Nil means nobody.
	Trust *iampolicy.Document
	// Policies of the role, and the boundary of its permissions; a nil Boundary means none.
	Policies []*iampolicy.Document
	Boundary *iampolicy.Document // it limits what Policies allow, and allows nothing itself
	// MaxSession is the longest session. Zero means 1 h.
	MaxSession time.Duration
	Tags       map[string]string // the principal's, for conditions on aws:PrincipalTag
}

// PutRole makes a role and returns its ARN. If there is one of that name and
// path, it keeps its identity and its sessions and gets the new policies.
func (c *Cloud) PutRole(account accounts.ID, r Role) (arn string) {
	return c.sim.PutRole(account.String(), awssim.Role(r))
}

// DeleteRole deletes a role and makes its sessions worthless. A role that is
// put again under the name is another one: policies that named the first do
// not mean it.
func (c *Cloud) DeleteRole(account accounts.ID, name string) {
	c.sim.DeleteRole(account.String(), name)
}

// SetSCP sets the service control policies of an account, one list for each
// level of its organization. Without levels none apply but those that the
// organization was given by API.
func (c *Cloud) SetSCP(account accounts.ID, levels ...[]*iampolicy.Document) {
	c.sim.SetSCP(account.String(), levels...)
}

// SetOrganization makes accounts members of an organization, such as "o-1".
// The first account of a new one manages it: no SCP binds that account.
func (c *Cloud) SetOrganization(id string, members ...accounts.ID) {
	for _, m := range members {
		c.sim.SetOrganization(id, m.String())
	}
}
