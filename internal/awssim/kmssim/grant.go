package kmssim

import (
	"maps"
	"slices"
	"strings"
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

// granted reports whether a grant allows what policies did not. An explicit
// denial still wins, so the need is judged again with a key policy that has
// one more statement, the grant's.
// Source: AWS KMS Developer Guide, "Grants in AWS KMS".
func (k *key) granted(c *core.Call, n core.Need, w wish) bool {
	for _, g := range k.liveGrants(c.Now) {
		early := slices.ContainsFunc(g.tokens, func(token string) bool { return slices.Contains(w.tokens, token) })
		if !early && (c.Now.Before(g.visible) || !c.Sees(core.KeyAccess, g.id, g.created)) || !g.covers(c, n, w) {
			continue
		}
		return c.Allows(withGrant(c, n))
	}
	return false
}

// withGrant is a need as it is judged where a grant speaks for the caller.
func withGrant(c *core.Call, n core.Need) core.Need {
	policy := *n.Policy
	policy.Statements = append(slices.Clip(policy.Statements), iampolicy.Statement{
		Sid: "Grant", Effect: iampolicy.Allow,
		Principal: &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of(c.Caller.ARN)}},
		Actions:   iampolicy.Of(n.Action), Resources: iampolicy.Of("*"),
	})
	n.Policy = &policy
	n.Granted = true
	return n
}

// covers reports whether the grant is for this caller, operation and
// encryption context.
func (g *grant) covers(c *core.Call, n core.Need, w wish) bool {
	op := types.GrantOperation(strings.TrimPrefix(n.Action, "kms:"))
	switch {
	case !slices.Contains(g.ops, op) || !isPrincipal(c, g.grantee):
		return false
	case g.source != "":
		return false // no request of a principal itself is on behalf of a resource
	case op == types.GrantOperationDescribeKey || op == types.GrantOperationRetireGrant:
		return true // they have no encryption context
	case op == types.GrantOperationCreateGrant:
		return w.grant != nil && g.contains(w.grant)
	}
	context := map[string]string{}
	for name, values := range n.Keys {
		if entry, ok := strings.CutPrefix(name, "kms:EncryptionContext:"); ok && len(values) == 1 {
			context[entry] = values[0]
		}
	}
	return (g.equals == nil || maps.Equal(g.equals, context)) && isSubset(g.subset, context)
}

// contains reports whether a grant made by the right of this one gives no more
// than it.
// Source: AWS KMS Developer Guide, "Granting CreateGrant permission".
func (g *grant) contains(child *grant) bool {
	for _, op := range child.ops {
		if !slices.Contains(g.ops, op) {
			return false
		}
	}
	if g.equals != nil && !maps.Equal(g.equals, child.equals) {
		return false
	}
	return isSubset(g.subset, child.equals) || isSubset(g.subset, child.subset)
}

func isSubset(small, large map[string]string) bool {
	for name, value := range small {
		if got, ok := large[name]; !ok || got != value {
			return false
		}
	}
	return true
}

// isPrincipal reports whether the caller is who a grant names.
func isPrincipal(c *core.Call, name string) bool {
	switch name {
	case c.Caller.ARN, c.Account.GlobalARN("iam", "root"):
		return true
	}
	return c.Caller.Session != nil && c.Caller.Session.Role.ARN == name
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
