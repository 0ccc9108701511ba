package kmssim

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// ListGrants lists the grants of a key, oldest first.
func (s *Service) ListGrants(c *core.Call, in *kms.ListGrantsInput) (*kms.ListGrantsOutput, error) {
	k, err := s.find(c, in.KeyId, keyOnly)
	if err != nil {
		return nil, err
	}
	want := wish{action: "ListGrants", keys: core.Keys("kms:GrantIsForAWSResource", "false")}
	if err := s.authorize(c, k, want); err != nil {
		return nil, err
	}
	var entries []types.GrantListEntry
	for _, g := range k.liveGrants(c.Now) {
		switch {
		case in.GrantId != nil && *in.GrantId != g.id,
			in.GranteePrincipal != nil && (*in.GranteePrincipal != g.grantee || g.granteeService),
			in.GranteeServicePrincipal != nil && (*in.GranteeServicePrincipal != g.grantee || !g.granteeService):
			continue
		}
		entries = append(entries, g.entry())
	}
	page, next, err := cut(entries, mostLists, in.Limit, in.Marker)
	if err != nil {
		return nil, err
	}
	return &kms.ListGrantsOutput{Grants: page, NextMarker: next, Truncated: next != nil}, nil
}

// ListRetirableGrants lists the grants, on keys of any account in the Region,
// that a principal of the caller's account may retire.
// Source: AWS KMS API Reference, ListRetirableGrants. The Service
// Authorization Reference gives the action no resource.
func (s *Service) ListRetirableGrants(c *core.Call, in *kms.ListRetirableGrantsInput) (*kms.ListRetirableGrantsOutput, error) {
	name, service := aws.ToString(in.RetiringPrincipal), in.RetiringServicePrincipal != nil
	switch {
	case service == (in.RetiringPrincipal != nil):
		return nil, core.Errorf("ValidationException", "want a RetiringPrincipal or a RetiringServicePrincipal")
	case service:
		name = *in.RetiringServicePrincipal
	case !strings.HasPrefix(name, "arn:") || !s.cloud.IsPrincipal(name):
		return nil, core.Errorf("InvalidArnException", "ARN does not refer to a valid principal: %s", name)
	}
	n := core.Need{Action: "kms:ListRetirableGrants", Resource: "*"}
	if !service && !strings.Contains(name, ":"+c.Account.ID+":") {
		return nil, c.Denied(n)
	}
	if err := c.Authorize(n); err != nil {
		return nil, err
	}
	var entries []types.GrantListEntry
	for _, k := range s.sorted() {
		if k.site.Region != c.Region {
			continue
		}
		for _, g := range k.liveGrants(c.Now) {
			// What a service may retire is told to the account that made the grant.
			if g.retiring == name && g.retiringService == service && (!service || g.issuer == c.Account.GlobalARN("iam", "root")) {
				entries = append(entries, g.entry())
			}
		}
	}
	page, next, err := cut(entries, mostLists, in.Limit, in.Marker)
	if err != nil {
		return nil, err
	}
	return &kms.ListRetirableGrantsOutput{Grants: page, NextMarker: next, Truncated: next != nil}, nil
}

// sorted returns all keys there are by ARN.
func (s *Service) sorted() []*key {
	var all []*key
	for _, k := range s.keys {
		if s.live(k) != nil {
			all = append(all, k)
		}
	}
	slices.SortFunc(all, func(a, b *key) int { return cmp.Compare(a.arn, b.arn) })
	return all
}
