package kmssim

import (
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A grant lets one principal do the listed operations with one key.
type grant struct {
	key      *key
	id       string
	tokens   []string
	name     string
	grantee  string // ARN of a role, a user, a session or an account's root; or a service
	retiring string
	// services say that grantee or retiring was named as a service principal.
	granteeService, retiringService bool

	issuer  string // ARN of an account's root
	created time.Time
	ops     []types.GrantOperation
	equals  map[string]string // encryption context, nil means any
	subset  map[string]string
	source  string // ARN that a request must be on behalf of; empty means any

	visible time.Time // without a token it counts from then on
	ends    time.Time // zero, or when its revocation takes effect
	// service is what AWS wants of a grant that one of its services made; nil
	// for grants made by hand.
	service *ServiceGrant
}

// SetGrantDelay makes grants that are created and revoked take effect after up
// to d, each after a time of its own. Zero, which is what a cloud begins with,
// means at once.
// Source: AWS KMS Developer Guide, "Grants in AWS KMS", eventual consistency:
// mostly seconds, at times minutes. A grant token makes a grant count at once.
func (s *Service) SetGrantDelay(d time.Duration) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	s.grantDelay = d
}

// settling draws how long a change to the grants takes.
func (s *Service) settling() time.Duration {
	if s.grantDelay <= 0 {
		return 0
	}
	return time.Duration(s.cloud.Rand().Int64N(int64(s.grantDelay) + 1))
}

// there tells whether the grant still exists, be it visible everywhere or not.
func (g *grant) there(now time.Time) bool {
	return (g.ends.IsZero() || now.Before(g.ends)) && (g.service == nil || g.service.Live == nil || g.service.Live(now))
}

// liveGrants returns the grants there are, oldest first, and forgets others.
func (k *key) liveGrants(now time.Time) []*grant {
	k.grants = slices.DeleteFunc(k.grants, func(g *grant) bool { return !g.there(now) })
	return k.grants
}

// grantsFor returns the grants that count for an action of this call: none of a
// service, since services make no calls here. A grant token makes one count that
// is not visible everywhere yet.
func (k *key) grantsFor(c *core.Call, action string, tokens []string) (all []iampolicy.Grant) {
	for _, g := range k.grants {
		if g.service != nil || !slices.Contains(g.ops, types.GrantOperation(action)) || !g.there(c.Now) {
			continue
		}
		early := slices.ContainsFunc(g.tokens, func(token string) bool { return slices.Contains(tokens, token) })
		if early || !c.Now.Before(g.visible) && c.Sees(core.KeyAccess, g.id, g.created) {
			all = append(all, g.policy())
		}
	}
	return all
}

// policy is the grant as package iampolicy judges it.
func (g *grant) policy() iampolicy.Grant {
	p := iampolicy.Grant{
		ID: g.id, Key: string(g.key.arn), Grantee: g.grantee, Retiring: g.retiring,
		ContextEquals: g.equals, ContextSubset: g.subset, SourceARN: g.source,
	}
	for _, op := range g.ops {
		p.Operations = append(p.Operations, string(op))
	}
	return p
}

func (g *grant) entry() types.GrantListEntry {
	e := types.GrantListEntry{
		CreationDate: aws.Time(g.created), GrantId: aws.String(g.id), IssuingAccount: aws.String(g.issuer),
		KeyId: aws.String(string(g.key.arn)), Name: aws.String(g.name), Operations: slices.Clone(g.ops),
	}
	if g.granteeService {
		e.GranteeServicePrincipal = aws.String(g.grantee)
	} else {
		e.GranteePrincipal = aws.String(g.grantee)
	}
	switch {
	case g.retiringService:
		e.RetiringServicePrincipal = aws.String(g.retiring)
	case g.retiring != "":
		e.RetiringPrincipal = aws.String(g.retiring)
	}
	if g.equals != nil || g.subset != nil || g.source != "" {
		e.Constraints = &types.GrantConstraints{
			EncryptionContextEquals: maps.Clone(g.equals), EncryptionContextSubset: maps.Clone(g.subset),
		}
		if g.source != "" {
			e.Constraints.SourceArn = aws.String(g.source)
		}
	}
	return e
}
