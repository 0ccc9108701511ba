package kmssim

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// RevokeGrant removes a grant. It is for those whom the key's policy lets
// manage it, and they may revoke the grants that services made as well.
func (s *Service) RevokeGrant(c *core.Call, in *kms.RevokeGrantInput) (*kms.RevokeGrantOutput, error) {
	k, err := s.find(c, in.KeyId, keyOnly)
	if err != nil {
		return nil, err
	}
	want := wish{action: "RevokeGrant", keys: core.Keys("kms:GrantIsForAWSResource", "false")}
	if err := s.authorize(c, k, want); err != nil {
		return nil, err
	}
	g, err := k.grantByID(c, in.GrantId)
	if err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	s.end(c, g)
	return &kms.RevokeGrantOutput{}, nil
}

// RetireGrant removes a grant that is no longer needed: its retiring
// principal may, its grantee if the grant says so, and whoever may in the
// account that made it.
// Source: AWS KMS Developer Guide, "Retiring and revoking grants".
func (s *Service) RetireGrant(c *core.Call, in *kms.RetireGrantInput) (*kms.RetireGrantOutput, error) {
	g, err := s.named(c, in)
	if err != nil {
		return nil, err
	}
	if err := s.mayRetire(c, g); err != nil {
		return nil, err
	}
	if err := g.key.settled(c.Now); err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	s.end(c, g)
	return &kms.RetireGrantOutput{}, nil
}

// named finds a grant by its token, or by the ARN of its key and its id.
func (s *Service) named(c *core.Call, in *kms.RetireGrantInput) (*grant, error) {
	if in.GrantToken != nil {
		g := s.tokens[*in.GrantToken]
		switch {
		case in.KeyId != nil || in.GrantId != nil:
			return nil, core.Errorf("ValidationException", "GrantToken excludes KeyId and GrantId")
		case g == nil || g.key.site.Region != c.Region:
			return nil, core.Errorf("InvalidGrantTokenException", "The grant token is not valid.")
		case !g.there(c.Now) || s.live(g.key) == nil:
			return nil, core.Errorf("NotFoundException", "The grant is not there any more.")
		}
		return g, nil
	}
	if in.GrantId == nil || in.KeyId == nil {
		return nil, core.Errorf("ValidationException", "want a GrantToken, or a KeyId and a GrantId")
	}
	k, err := s.find(c, in.KeyId, keyOnly)
	if err != nil {
		return nil, err
	}
	return k.grantByID(c, in.GrantId)
}

func (s *Service) mayRetire(c *core.Call, g *grant) error {
	n := s.judged(c, g.key, wish{action: "RetireGrant", keys: EncryptionContext(g.equals)})
	n.Grants = []iampolicy.Grant{g.policy()}
	// The account that made the grant decides by its own policies who of its
	// principals may retire it, whoever owns the key.
	if g.issuer == c.Account.GlobalARN("iam", "root") {
		n.Owner, n.Policy = c.Account.ID, delegate(c.Account, n.Policy)
	}
	return c.Authorize(n)
}

// delegate is the policy by which an account leaves a decision to IAM, but for
// what the key's policy denies.
func delegate(a *core.Account, of *iampolicy.Document) *iampolicy.Document {
	all := slices.DeleteFunc(slices.Clone(of.Statements), func(s iampolicy.Statement) bool { return s.Effect == iampolicy.Allow })
	return &iampolicy.Document{Version: of.Version, Statements: append(all, iampolicy.Statement{
		Effect: iampolicy.Allow, Actions: iampolicy.Of("kms:RetireGrant"), Resources: iampolicy.Of("*"),
		Principal: &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of(a.GlobalARN("iam", "root"))}},
	})}
}

func (k *key) grantByID(c *core.Call, id *string) (*grant, error) {
	for _, g := range k.liveGrants(c.Now) {
		if g.id == aws.ToString(id) {
			return g, nil
		}
	}
	return nil, core.Errorf("NotFoundException", "Grant ID %s not found", aws.ToString(id))
}

// end takes a grant away, and tells the service that made it.
func (s *Service) end(c *core.Call, g *grant) {
	if g.ends.IsZero() {
		g.ends = c.Now.Add(s.settling())
	}
	if g.service != nil && g.service.Revoked != nil {
		g.service.Revoked(g.ends)
	}
}
