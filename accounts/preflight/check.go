package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/metrics"
	"github.com/aws/smithy-go/tracing"
	"golang.org/x/sync/errgroup"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// Options tune Check. The zero value works, and leaves unknown what the roles
// themselves may not see.
type Options struct {
	// Auditor returns the config of an identity that may read IAM and KMS in an
	// account: iam:GetRole, iam:ListRoles, iam:SimulatePrincipalPolicy,
	// kms:DescribeKey and kms:GetKeyPolicy, all of which the AWS-managed policy
	// SecurityAudit has. For the vault's keys it takes one of the
	// installation's KeyAdmins. It may be called concurrently. Nil means that
	// the roles themselves ask; those that are generated may not, so that what
	// only an auditor sees stays Unknown.
	Auditor func(ctx context.Context, id accounts.ID, region string) (aws.Config, error)
	// Organization is the config of an identity that may call
	// organizations:DescribeAccount: of the management account or a delegated
	// administrator. Nil means that the state of accounts is not asked for.
	Organization *aws.Config
	// Concurrency is how many accounts are looked at at a time. Zero means 8.
	Concurrency int
	// Tracer is given to all clients that Check makes, for the spans of their
	// calls; sessions have accounts.Options's ClientOptions for it. smithy-go's
	// module tracing/smithyoteltracing adapts OpenTelemetry's. Nil means no spans.
	Tracer tracing.TracerProvider
	// Meter is given to the same clients, for their counts. smithy-go's module
	// metrics/smithyotelmetrics adapts OpenTelemetry's. Nil means no counts.
	Meter metrics.MeterProvider
}

// Check looks whether an installation is set up right: whether sessions reach
// the accounts they name, whether each role may do what its purpose needs and
// nothing that it must not, whether the keys serve for copies, and whether the
// vault is closed to those it protects. The package comment lists the probes.
//
// It changes nothing. Its calls read, are dry runs, or assume roles; the
// sessions that it opens to see whether they open may do nothing.
//
// The error is ctx's, or says that there are no sessions: whatever else is
// wrong is a finding, that of an installation which is not valid too. The
// report is never nil, and holds what was found until ctx ended.
func Check(ctx context.Context, sessions *accounts.Sessions, in iampolicy.Installation, opts Options) (*Report, error) {
	if sessions == nil {
		return &Report{}, errors.New("preflight: sessions: is nil")
	}
	x := &examination{sessions: sessions, in: in, opts: opts, clients: opts.clients()}
	roles, refused := x.plan()
	if len(refused) > 0 {
		return &Report{Findings: collapsed(refused)}, ctx.Err()
	}
	findings := x.base(ctx, roles)
	if slices.ContainsFunc(findings, Finding.wrong) {
		return &Report{Findings: findings}, ctx.Err()
	}
	x.visits = x.split(roles)
	x.each(func(v *visit) { v.arrive(ctx) })
	// What one account lacks matters to the others, so all arrive first.
	x.each(func(v *visit) { v.look(ctx) })
	for _, v := range x.visits {
		findings = append(findings, v.findings...)
	}
	return &Report{Findings: collapsed(findings)}, ctx.Err()
}

// each visits several accounts at a time.
func (x *examination) each(do func(*visit)) {
	var group errgroup.Group
	group.SetLimit(limit(x.opts.Concurrency))
	for _, v := range x.visits {
		group.Go(func() error {
			do(v)
			return nil
		})
	}
	_ = group.Wait() // none of them fails
}

func limit(concurrency int) int {
	if concurrency <= 0 {
		return 8
	}
	return concurrency
}

// An examination is one run of Check.
type examination struct {
	sessions *accounts.Sessions
	in       iampolicy.Installation
	opts     Options
	clients  clients
	visits   []*visit // one for each account
}

// A post is one role of the installation and the declared way to it.
type post struct {
	role    iampolicy.Role
	regions []string
	chain   []accounts.Role // empty: the base credentials are used as they are
	// arn of the role that is assumed; of the base identity if none is.
	arn string
}

func (p post) account() accounts.ID      { return accounts.ID(p.role.Account) }
func (p post) purpose() accounts.Purpose { return accounts.Purpose(p.role.Purpose) }

// last returns the role that is assumed last; the zero Role if none is.
func (p post) last() accounts.Role {
	if len(p.chain) == 0 {
		return accounts.Role{}
	}
	return p.chain[len(p.chain)-1]
}

// finding about the role.
func (p post) finding(check Probe, outcome Outcome, evidence, remedy string) Finding {
	return Finding{Check: check, Outcome: outcome, Account: p.account(), Purpose: p.purpose(), Evidence: evidence, Remedy: remedy}
}

func (f Finding) wrong() bool { return f.Outcome == Wrong }

// plan returns the posts of the installation, or what is wrong with it.
func (x *examination) plan() (posts []post, refused []Finding) {
	roles, err := x.in.Roles()
	if err != nil {
		return nil, faults(err)
	}
	for _, role := range roles {
		p := post{role: role, regions: x.regions(role)}
		if i := slices.IndexFunc(x.sessions.Accounts(), func(a accounts.Account) bool { return a.ID == p.account() }); i >= 0 {
			p.chain, _ = x.sessions.Accounts()[i].Roles(p.purpose())
		}
		p.arn = p.last().ARN
		posts = append(posts, p)
	}
	return posts, nil
}

// faults makes one finding of each fault of an installation.
func faults(err error) (all []Finding) {
	var several interface{ Unwrap() []error }
	if errors.As(err, &several) {
		for _, one := range several.Unwrap() {
			all = append(all, faults(one)...)
		}
		return all
	}
	f := Finding{Check: Installation, Outcome: Wrong, Evidence: err.Error(), Remedy: "correct the installation; nothing else was looked at"}
	var field *iampolicy.FieldError
	if errors.As(err, &field) {
		f.Subject, f.Evidence = field.Field, field.Problem
	}
	return []Finding{f}
}

// regions that a role works in.
func (x *examination) regions(role iampolicy.Role) []string {
	if p := x.protected(role.Account); p != nil && protects(role) {
		return p.Regions
	}
	for _, r := range x.in.Restore {
		if r.Account == role.Account && role.Purpose == string(accounts.Restore) {
			return r.Regions
		}
	}
	return x.in.Regions
}

func protects(role iampolicy.Role) bool {
	return role.Purpose == string(accounts.Backup) || role.Purpose == string(accounts.Pruner)
}

// protected returns a protected account of the installation, or nil.
func (x *examination) protected(account string) *iampolicy.Protected {
	for i := range x.in.Protected {
		if x.in.Protected[i].Account == account {
			return &x.in.Protected[i]
		}
	}
	return nil
}

// split makes a visit of the roles of each account.
func (x *examination) split(posts []post) (visits []*visit) {
	for _, p := range posts {
		n := slices.IndexFunc(visits, func(v *visit) bool { return v.id == p.account() })
		if n < 0 {
			visits = append(visits, &visit{examination: x, id: p.account(), samples: map[string]sample{}})
			n = len(visits) - 1
		}
		visits[n].posts = append(visits[n].posts, p)
	}
	return visits
}

// A visit is what is known of an account while it is looked at.
type visit struct {
	*examination
	id       accounts.ID
	posts    []post
	findings []Finding

	// Since it arrived:
	inactive bool
	entered  []*entry
	open     []string          // Regions that the account can use
	closed   []string          // and those that it cannot, of those that it should
	samples  map[string]sample // by Region
}

// An entry is a role that could be assumed.
type entry struct {
	post
	configs map[string]aws.Config // by Region
}

// find adds findings, and says whether none of them is wrong.
func (v *visit) find(more ...Finding) bool {
	v.findings = append(v.findings, more...)
	return !slices.ContainsFunc(more, Finding.wrong)
}

// arrive enters the account by all its roles and looks where it can work.
func (v *visit) arrive(ctx context.Context) {
	if !v.find(v.state(ctx, v.id)...) {
		v.inactive = true
		return
	}
	for _, p := range v.posts {
		e, finding := v.enter(ctx, p)
		v.find(finding)
		if e != nil {
			v.entered = append(v.entered, e)
		}
	}
	v.find(v.findRegions(ctx)...)
}

// look makes the probes of the roles that could be assumed.
func (v *visit) look(ctx context.Context) {
	if len(v.open) == 0 {
		return
	}
	v.collect(ctx)
	for _, e := range v.entered {
		if !v.find(v.identity(ctx, e)...) {
			continue
		}
		v.find(v.externalID(ctx, e)...)
		v.find(v.trust(ctx, e)...)
		v.find(v.permissions(ctx, e)...)
		v.find(v.excess(ctx, e)...)
		v.find(v.keys(ctx, e)...)
	}
	if string(v.id) == v.in.Vault {
		v.find(v.vault(ctx)...)
	}
}

// reachable says whether it makes sense to look at something in a Region of an
// account: not if a finding says already that neither works.
func (x *examination) reachable(account, region string) bool {
	for _, v := range x.visits {
		if string(v.id) == account {
			return !v.inactive && !slices.Contains(v.closed, region)
		}
	}
	return true
}

// auditor returns the config of who reads IAM and KMS in an account; own is
// who asks if there is nobody else.
func (x *examination) auditor(ctx context.Context, id accounts.ID, region string, own aws.Config) (aws.Config, error) {
	if x.opts.Auditor == nil {
		own.Region = region
		return own, nil
	}
	cfg, err := x.opts.Auditor(ctx, id, region)
	if err != nil {
		return aws.Config{}, fmt.Errorf("there is no auditor: %w", err)
	}
	cfg.Region = region
	return cfg, nil
}

// askAuditor is the remedy for what could not be read.
const askAuditor = "give Options.Auditor an identity that may read IAM and KMS there, as SecurityAudit allows"
