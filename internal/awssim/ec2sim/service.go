package ec2sim

import (
	"time"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/kmssim"
)

// A Site is one account in one Region.
type Site = kmssim.Site

// A Service holds what EC2 keeps for all accounts.
type Service struct {
	cloud  *core.Cloud
	kms    *kmssim.Service
	limits Limits
	pace   Durations

	made  uint64 // how many resources were ever made: their order
	pages uint64 // secret of the page tokens

	lockedCode  string      // see SetLockedCode
	billingLost bool        // see SetBillingLost
	binRules    []BinRule   // see SetRecycleBin
	moved       []*snapshot // that archiving will still do something to
	looked      int         // at how many resources listings looked so far

	snapshots map[string]*snapshot // by id, as all maps of resources
	volumes   map[string]*volume
	instances map[string]*instance
	images    map[string]*image
	regions   map[string]*region
	sites     map[Site]*site
	requests  map[request]*answer // by client token

	addressesMade int // public ones

	leaving []*snapshot // deleted, but some call may yet be told of them
	was     was
}

// New returns an EC2 without any resources but those that every account is
// born with: a default network, and the public base images.
func New(cloud *core.Cloud, keys *kmssim.Service) *Service {
	return &Service{
		cloud:      cloud,
		kms:        keys,
		limits:     Limits{}.withDefaults(),
		pace:       Durations{}.withDefaults(),
		pages:      cloud.Rand().Uint64(),
		lockedCode: "OperationNotPermitted",
		snapshots:  map[string]*snapshot{},
		volumes:    map[string]*volume{},
		instances:  map[string]*instance{},
		images:     map[string]*image{},
		regions:    map[string]*region{},
		sites:      map[Site]*site{},
		requests:   map[request]*answer{},
		was:        newWas(),
	}
}

// SetLimits replaces the service quotas.
func (s *Service) SetLimits(l Limits) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	s.limits = l.withDefaults()
}

// SetDurations replaces how long things take. What is under way keeps the
// time it was given.
func (s *Service) SetDurations(d Durations) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	s.pace = d.withDefaults()
}

// here returns the site of a call, or the error for a Region there is not.
func (s *Service) here(c *core.Call) (*site, error) {
	if !core.IsRegion(c.Region) {
		// Source: EC2 API Reference, "Error codes", common errors.
		return nil, core.Errorf("AuthFailure", "Credential should be scoped to a valid region, not '%s'.", c.Region)
	}
	s.settle(c.Now)
	return s.site(Site{Account: c.Account.ID, Region: c.Region}), nil
}

// siteOf returns the site of a call whose Region there is.
func (s *Service) siteOf(c *core.Call) *site {
	return s.site(Site{Account: c.Account.ID, Region: c.Region})
}

// next numbers a new resource.
func (s *Service) next() uint64 {
	s.made++
	return s.made
}

// stamp is a time as EC2 tells times: in UTC, to the millisecond.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// timestamp is a time as text, for filters and condition keys.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// arn of a resource that carries its account.
func arn(at Site, kind, id string) string {
	return core.RegionalARN("ec2", at.Region, at.Account, kind+"/"+id)
}

// sharedARN of a snapshot or image, whose ARNs carry no account.
// Source: Service Authorization Reference, "Resource types defined by Amazon EC2".
func sharedARN(region, kind, id string) string {
	return core.RegionalARN("ec2", region, "", kind+"/"+id)
}
