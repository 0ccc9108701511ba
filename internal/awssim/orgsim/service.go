package orgsim

import (
	"time"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A Service holds the organizations of a cloud.
type Service struct {
	cloud  *core.Cloud
	limits Limits
	orgs   map[string]*organization           // by account
	extra  map[string][][]*iampolicy.Document // SCPs that were set on an account, beside those of its organization
}

// New returns an Organizations without any organization.
func New(cloud *core.Cloud) *Service {
	return &Service{cloud: cloud, limits: Limits{}.withDefaults(), orgs: map[string]*organization{}, extra: map[string][][]*iampolicy.Document{}}
}

// SetLimits replaces the quotas and times.
func (s *Service) SetLimits(l Limits) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	s.limits = l.withDefaults()
}

// Limits are the quotas of an organization and the times that its changes
// take. In every field zero means the default, and a negative number no limit
// or no time.
// Source of the quotas: AWS Organizations User Guide, "Quotas and service
// limits for AWS Organizations". For SCPs AWS has raised them, in May 2026, to
// 10 of 10,240 characters; the defaults here are the stricter ones of before.
// How long accounts take AWS does not say but by "it can take a few minutes".
type Limits struct {
	Accounts      int           // the management account included; zero means 10
	CreatedAtOnce int           // accounts being created; zero means 5
	Units         int           // organizational units; zero means 2,000
	SCPs          int           // attached to one node; zero means 5
	SCPSize       int           // characters, white space included; zero means 5,120
	RCPs          int           // attached to one node; zero means 5
	Creation      time.Duration // of an account; zero means 1 min
	Closure       time.Duration // of an account; zero means 1 min
	// ShortPages makes pages of lists short or empty although more follows, as
	// the documentation warns.
	ShortPages bool
}

// Limits that cannot be raised.
// Source: as for Limits; IAM API conventions for tags.
const (
	rcpSize        = 5120 // characters, white space included
	maxDepth       = 5    // levels of organizational units below the root
	maxTags        = 50
	closuresMonth  = 10 // in 30 days: 10 % of the accounts, but at least 10
	maxDelegations = 3  // delegated administrators a service; services differ, 1 to 5
)

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		field    *int
		standard int
	}{{&l.Accounts, 10}, {&l.CreatedAtOnce, 5}, {&l.Units, 2000}, {&l.SCPs, 5}, {&l.SCPSize, 5120}, {&l.RCPs, 5}} {
		if *d.field == 0 {
			*d.field = d.standard
		}
	}
	for _, d := range []*time.Duration{&l.Creation, &l.Closure} {
		if *d == 0 {
			*d = time.Minute
		}
		*d = max(*d, 0)
	}
	return l
}

func reached(limit, n int) bool { return limit >= 0 && n >= limit }

// Put puts accounts into an organization, under its root. A new organization
// is managed by the first of them.
func (s *Service) Put(id string, accounts ...string) {
	var o *organization
	for _, have := range s.orgs {
		if have.id == id {
			o = have
		}
	}
	for _, a := range accounts {
		if s.orgs[a] != nil {
			if s.orgs[a] == o {
				continue
			}
			s.forget(a)
		}
		if o == nil {
			o = s.newOrganization(id, s.cloud.Account(a))
			continue
		}
		s.join(o, &node{kind: account, id: a, name: a, email: emailOf(a), joined: s.cloud.Now(), invited: true})
	}
	if o != nil {
		s.settle(o)
	}
}

// forget takes an account out of its organization.
func (s *Service) forget(account string) {
	o := s.orgs[account]
	delete(s.orgs, account)
	n := o.nodes[account]
	n.parent.remove(n)
	delete(o.nodes, account)
}

// SetSCP puts service control policies on an account beside those that its
// organization has: one list for each level. Without levels there are none.
func (s *Service) SetSCP(account string, levels [][]*iampolicy.Document) {
	s.extra[account] = levels
	if o := s.orgs[account]; o != nil {
		s.settle(o)
		return
	}
	s.cloud.Account(account).SCP = levels
}

// emailOf an account that came to be without one.
func emailOf(account string) string { return "aws+" + account + "@example.com" }
