package iamsim

import (
	"net/http"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A Service is the IAM of all accounts. What it serves is kept by core.Account.
type Service struct {
	cloud  *core.Cloud
	limits Limits
	jobs   map[string]*accessReport // by id
}

// New returns the IAM of a cloud.
func New(cloud *core.Cloud) *Service {
	return &Service{cloud: cloud, limits: Limits{}.withDefaults(), jobs: map[string]*accessReport{}}
}

// SetLimits replaces the quotas.
func (s *Service) SetLimits(l Limits) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	s.limits = l.withDefaults()
}

// Limits are quotas of one account. In every field zero means AWS's default
// and a negative number means no limit.
// Source of the defaults: IAM User Guide, "IAM and AWS STS quotas".
type Limits struct {
	Roles            int // zero means 1,000
	Users            int // zero means 5,000
	Policies         int // customer managed policies; zero means 1,500
	InstanceProfiles int // zero means 1,000
	PoliciesPerRole  int // attached; zero means 20
	PoliciesPerUser  int // attached; zero means 10
	// TrustSize in characters without white space. Zero means 2,048.
	TrustSize int
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		field    *int
		standard int
	}{
		{&l.Roles, 1000},
		{&l.Users, 5000},
		{&l.Policies, 1500},
		{&l.InstanceProfiles, 1000},
		{&l.PoliciesPerRole, 20},
		{&l.PoliciesPerUser, 10},
		{&l.TrustSize, 2048},
	} {
		if *d.field == 0 {
			*d.field = d.standard
		}
	}
	return l
}

// Limits that cannot be raised.
// Source: IAM User Guide, "IAM and AWS STS quotas".
const (
	roleInlineSize = 10240 // characters of all inline policies of a role, without white space
	userInlineSize = 2048
	managedSize    = 6144
	maxVersions    = 5
	maxKeys        = 2
	maxTags        = 50
)

// quota returns the error for one more of what there already are n of.
func quota(what string, limit, n int) error {
	if limit >= 0 && n >= limit {
		return conflict("LimitExceeded", "Cannot exceed quota for "+what+": "+itoa(limit))
	}
	return nil
}

// noSuchEntity and conflict are IAM's errors with a status of their own.
// Source: IAM API Reference, "Errors" of the operations.
func noSuchEntity(message string) error {
	return &core.Error{Code: "NoSuchEntity", Message: message, Status: http.StatusNotFound}
}

func conflict(code, message string) error {
	return &core.Error{Code: code, Message: message, Status: http.StatusConflict}
}
