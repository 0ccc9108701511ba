package awssim

import (
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ebssim"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
	"github.com/snapkeep/snapkeep/internal/awssim/iamsim"
	"github.com/snapkeep/snapkeep/internal/awssim/kmssim"
	"github.com/snapkeep/snapkeep/internal/awssim/orgsim"
	"github.com/snapkeep/snapkeep/internal/awssim/s3sim"
	"github.com/snapkeep/snapkeep/internal/awssim/ssmsim"
	"github.com/snapkeep/snapkeep/internal/awssim/stssim"
)

// Options configure a Cloud. The zero value works.
type Options = core.Options

// A Cloud is a simulated AWS. Its methods are safe for concurrent use.
type Cloud struct {
	*core.Cloud
	ec2 *ec2sim.Service
	iam *iamsim.Service
	ebs *ebssim.Service
	kms *kmssim.Service
	org *orgsim.Service
	ssm *ssmsim.Service
}

// New returns a cloud with no accounts: they come to be as users and roles are put.
func New(opts Options) *Cloud {
	c := &Cloud{Cloud: core.New(opts)}
	c.kms = kmssim.New(c.Cloud)
	c.ec2 = ec2sim.New(c.Cloud, c.kms)
	c.iam = iamsim.New(c.Cloud)
	c.org = orgsim.New(c.Cloud)
	c.Register(stssim.New().Registration())
	c.Register(c.kms.Registration())
	c.ebs = ebssim.New(c.Cloud, c.ec2, c.kms)
	c.Register(c.ec2.Registration())
	c.Register(c.iam.Registration())
	c.Register(s3sim.New(c.Cloud, c.kms).Registration())
	c.Register(c.org.Registration())
	c.ssm = ssmsim.New(c.Cloud, c.ec2)
	c.Register(c.ssm.Registration())
	c.Register(c.ebs.Registration())
	return c
}

// Handler returns the cloud as an HTTP server: all services and Regions on one
// address. The service is told from the signature.
func (c *Cloud) Handler() http.Handler { return c.Cloud }

// Config returns a configuration for the SDK's clients that reaches this
// cloud, without a network. Checksums are as config.LoadDefaultConfig has them.
func (c *Cloud) Config(creds aws.CredentialsProvider, region string) aws.Config {
	return aws.Config{
		Region: region, Credentials: creds, HTTPClient: c.Client(),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	}
}

// EC2 returns the cloud's EC2, for what has no API: contents of volumes,
// failures, speeds.
func (c *Cloud) EC2() *ec2sim.Service { return c.ec2 }

// IAM returns the cloud's IAM, for its quotas.
func (c *Cloud) IAM() *iamsim.Service { return c.iam }

// EBS returns the cloud's EBS direct APIs: the rules that AWS does not
// document, and blocks on their way to clients.
func (c *Cloud) EBS() *ebssim.Service { return c.ebs }

// KMS returns the cloud's KMS.
func (c *Cloud) KMS() *kmssim.Service { return c.kms }

// SSM returns the cloud's Systems Manager, for what runs on its instances.
func (c *Cloud) SSM() *ssmsim.Service { return c.ssm }

// User makes an IAM user, or replaces the policies of the one there is, and
// returns its access key.
func (c *Cloud) User(account, name string, policies ...*iampolicy.Document) aws.CredentialsProvider {
	c.Lock()
	defer c.Unlock()
	return static(c.Account(account).PutUser(core.User{Name: name, Policies: policies}).Key())
}

// SetUserKey replaces the access key of a user. It reports false if there is
// no such user or another caller has the key id.
func (c *Cloud) SetUserKey(account, name string, k core.Key) bool {
	c.Lock()
	defer c.Unlock()
	u := c.Account(account).User(name)
	return u != nil && u.SetKey(k)
}

// Root returns an access key of an account's root user.
func (c *Cloud) Root(account string) aws.CredentialsProvider {
	c.Lock()
	defer c.Unlock()
	return static(c.Account(account).RootKey())
}

func static(k core.Key) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(k.ID, k.Secret, "")
}

// A Role is what PutRole installs.
type Role struct {
	Name string
	// Path begins and ends with a slash. Empty means "/".
	Path     string
	Trust    *iampolicy.Document
	Policies []*iampolicy.Document
	// Boundary of permissions; nil means none.
	Boundary *iampolicy.Document
	// MaxSession is the longest session. Zero means 1 h.
	MaxSession time.Duration
	Tags       map[string]string
}

// PutRole makes a role and returns its ARN. If there is one of that name and
// path, it keeps its identity and its sessions and gets the new policies.
func (c *Cloud) PutRole(account string, r Role) (arn string) {
	c.Lock()
	defer c.Unlock()
	return c.Account(account).PutRole(core.Role{
		Name: r.Name, Path: r.Path, Trust: r.Trust, Policies: r.Policies,
		Boundary: r.Boundary, MaxSession: r.MaxSession, Tags: r.Tags,
	}).ARN
}

// DeleteRole deletes a role and makes its sessions worthless.
func (c *Cloud) DeleteRole(account, name string) {
	c.Lock()
	defer c.Unlock()
	c.Account(account).DeleteRole(name)
}

// SetSCP sets service control policies of an account, one list for each
// level of an organization. They count beside those that its organization has
// by API; without levels there are none but those.
func (c *Cloud) SetSCP(account string, levels ...[]*iampolicy.Document) {
	c.Lock()
	defer c.Unlock()
	c.org.SetSCP(account, levels)
}

// SetOrganization puts accounts into an organization, under its root. The
// first account of a new organization manages it.
func (c *Cloud) SetOrganization(id string, accounts ...string) {
	c.Lock()
	defer c.Unlock()
	c.org.Put(id, accounts...)
}

// Organizations returns the cloud's AWS Organizations, for its quotas.
func (c *Cloud) Organizations() *orgsim.Service { return c.org }

// Admin returns the policy that allows everything.
func Admin() *iampolicy.Document {
	return &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{{
		Effect: iampolicy.Allow, Actions: iampolicy.Of("*"), Resources: iampolicy.Of("*"),
	}}}
}
