package accounts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Options tune New. The zero value is what most programs want.
type Options struct {
	// Region whose STS endpoint is called, for all accounts and whatever
	// Region the work is in. It also decides the partition. Empty means the
	// base config's Region; if that is empty too, New returns an error.
	Region string
	// ClientOptions are applied to the STS client, last. They must leave
	// Region and Credentials alone. Nil means none.
	ClientOptions []func(*sts.Options)
	// RefreshBefore is how long before its end a session is renewed. It is
	// also how wrong this machine's clock may be where AWS's answers carry no
	// date. Zero means 5 min; with Jitter it must stay under 15 min.
	RefreshBefore time.Duration
	// Jitter is added to RefreshBefore, at random between nothing and all of
	// it for each session, so that sessions begun together are not renewed
	// together. Zero means 1 min; negative means none.
	Jitter time.Duration
}

// Sessions are the ways into the declared accounts. All methods may be called
// concurrently; one Sessions should serve the whole program, since the role
// sessions are shared through it.
type Sessions struct {
	*shared
	narrowed map[target]*way // by Narrow; in place of what shared has
}

// shared is what a Sessions has in common with those narrowed from it. All but
// the cache is written by New only.
type shared struct {
	base      aws.Config
	region    string // of STS
	partition string
	accounts  []Account
	ways      map[target]*way
	narrow    narrowCache
}

// A target is what a way leads to.
type target struct {
	account ID
	purpose Purpose
}

// A way is the credentials provider for one target. It names the account in
// the errors of hops that several accounts share.
type way struct {
	account ID
	last    *hop // nil: the base credentials are the account's own
	base    *baseIdentity
}

// Retrieve returns credentials that belong to the account, or an *AssumeError.
func (w *way) Retrieve(ctx context.Context) (aws.Credentials, error) {
	var c aws.Credentials
	var err error
	if w.last == nil {
		c, err = w.base.retrieve(ctx, w.account)
	} else {
		c, err = w.last.Retrieve(ctx)
	}
	if err == nil {
		return c, nil
	}
	return aws.Credentials{}, w.named(err)
}

// named says in an *AssumeError which account was to be reached.
func (w *way) named(err error) error {
	var failed *AssumeError
	if !errors.As(err, &failed) {
		return err
	}
	named := *failed
	named.Account = w.account
	return &named
}

// New checks the accounts and prepares the ways into them. It makes no call;
// credentials are fetched when they are first used. All that is wrong is
// reported together, as joined *FieldErrors. base is the identity the host
// runs as, with its HTTP client, retry settings and the like; accts are
// copied. No accounts at all is no error: no account can be reached then.
func New(base aws.Config, accts []Account, opts Options) (*Sessions, error) {
	if base.Credentials == nil || aws.IsCredentialsProvider(base.Credentials, (*aws.AnonymousCredentials)(nil)) {
		return nil, errors.New("accounts: the base config has no Credentials")
	}
	var c checker
	opts = c.options(opts, base.Region)
	c.accounts(accts)
	if len(c.errs) > 0 {
		return nil, errors.Join(c.errs...)
	}

	s := &shared{
		base: clip(base), region: opts.Region, partition: c.partition,
		accounts: cloneAccounts(accts), ways: map[target]*way{},
	}
	cfg := s.base.Copy()
	cfg.Region = opts.Region
	client := sts.NewFromConfig(cfg, opts.ClientOptions...)
	from := &baseCredentials{provider: base.Credentials}
	b := builder{
		region: opts.Region, client: client, from: from, hops: map[hopKey]*hop{},
		refresh: refreshRule{before: opts.RefreshBefore, jitter: opts.Jitter},
		base: &baseIdentity{
			from: from, call: client.GetCallerIdentity,
			attempt: attempt{caller: baseIdentityName, region: opts.Region},
		},
	}
	for _, a := range s.accounts {
		for _, p := range purposes() {
			if roles, ok := a.Roles(p); ok {
				s.ways[target{a.ID, p}] = &way{account: a.ID, last: b.last(roles), base: b.base}
			}
		}
	}
	return &Sessions{shared: s}, nil
}

// Config returns the base config with the account's credentials and the Region
// set: what service clients for this site are made from. It makes no call;
// the roles are assumed when a client first signs a request, and failures are
// an [*AssumeError] then. The account reached is checked each time a session
// is made. Errors of Config itself: ctx's, [ErrUnknownAccount], [ErrNoRole],
// [ErrRegion].
func (s *Sessions) Config(ctx context.Context, id ID, p Purpose, region string) (aws.Config, error) {
	if err := ctx.Err(); err != nil {
		return aws.Config{}, fmt.Errorf("accounts: %w", err)
	}
	w, err := s.way(id, p)
	if err != nil {
		return aws.Config{}, err
	}
	if partition, ok := partitionOf(region); !ok || partition != s.partition {
		return aws.Config{}, s.regionError(region)
	}
	cfg := s.base.Copy()
	cfg.Region = region
	cfg.Credentials = w
	return cfg, nil
}

// Accounts returns the declared accounts in their order, as copies.
func (s *Sessions) Accounts() []Account { return cloneAccounts(s.accounts) }

func (s *Sessions) way(id ID, p Purpose) (*way, error) {
	t := target{id, p}
	if w, ok := s.narrowed[t]; ok {
		return w, nil
	}
	if w, ok := s.ways[t]; ok {
		return w, nil
	}
	if !slices.ContainsFunc(s.accounts, func(a Account) bool { return a.ID == id }) {
		return nil, fmt.Errorf("accounts: %q: %w", string(id), ErrUnknownAccount)
	}
	return nil, fmt.Errorf("accounts: account %s: purpose %q: %w", id, string(p), ErrNoRole)
}

func (s *Sessions) regionError(region string) error {
	if partition, ok := partitionOf(region); ok {
		return fmt.Errorf("accounts: Region %q is in partition %s, the roles are in %s: %w", region, partition, s.partition, ErrRegion)
	}
	return fmt.Errorf("accounts: %q is not a Region's name like eu-west-1: %w", region, ErrRegion)
}

// clip copies the slices of a config and leaves them no spare room, so that
// two holders of configs made from it cannot append into each other's.
func clip(cfg aws.Config) aws.Config {
	cfg.APIOptions = slices.Clip(slices.Clone(cfg.APIOptions))
	cfg.ConfigSources = slices.Clip(slices.Clone(cfg.ConfigSources))
	cfg.ServiceOptions = slices.Clip(slices.Clone(cfg.ServiceOptions))
	cfg.AuthSchemePreference = slices.Clip(slices.Clone(cfg.AuthSchemePreference))
	return cfg
}

func cloneAccounts(accts []Account) []Account {
	accts = slices.Clone(accts)
	for i := range accts {
		accts[i] = accts[i].clone()
	}
	return accts
}
