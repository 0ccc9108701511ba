package kmssim

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A grant lets one principal do the listed operations with one key.
type grant struct {
	id, token string
	name      string
	grantee   string // ARN of a role, a user, a session or an account's root
	retiring  string
	issuer    string // ARN of an account's root
	created   time.Time
	ops       []types.GrantOperation
	equals    map[string]string // encryption context, nil means any
	subset    map[string]string
}

// CreateGrant adds a grant. Called by a principal itself, and not by a
// service for it, it has kms:GrantIsForAWSResource=false.
func (s *Service) CreateGrant(c *core.Call, in *kms.CreateGrantInput) (*kms.CreateGrantOutput, error) {
	if in.GranteeServicePrincipal != nil || in.RetiringServicePrincipal != nil {
		return nil, c.Unsupported("service principals")
	}
	k, err := s.find(c, in.KeyId, keyOnly)
	if err != nil {
		return nil, err
	}
	g, err := s.newGrant(c, in)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(c, k, "CreateGrant", grantKeys(g)); err != nil {
		return nil, err
	}
	if err := k.usable(); err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	if g.name != "" {
		// A named grant is made once: equal parameters find it again.
		// Source: AWS KMS API Reference, CreateGrant, Name.
		for _, old := range k.grants {
			if old.same(g) {
				return &kms.CreateGrantOutput{GrantId: aws.String(old.id), GrantToken: aws.String(old.token)}, nil
			}
		}
	}
	k.grants = append(k.grants, g)
	return &kms.CreateGrantOutput{GrantId: aws.String(g.id), GrantToken: aws.String(g.token)}, nil
}

func (s *Service) newGrant(c *core.Call, in *kms.CreateGrantInput) (*grant, error) {
	g := &grant{
		id: strings.ReplaceAll(s.cloud.NewUUID()+s.cloud.NewUUID(), "-", ""), token: s.cloud.NewSecret(64),
		name: aws.ToString(in.Name), grantee: aws.ToString(in.GranteePrincipal), retiring: aws.ToString(in.RetiringPrincipal),
		issuer: c.Account.GlobalARN("iam", "root"), created: c.Now, ops: slices.Clone(in.Operations),
	}
	if !strings.HasPrefix(g.grantee, "arn:"+c.Account.Partition+":iam::") && !strings.HasPrefix(g.grantee, "arn:"+c.Account.Partition+":sts::") {
		return nil, core.Errorf("InvalidArnException", "ARN does not refer to a valid principal: %s", g.grantee)
	}
	if len(g.ops) == 0 {
		return nil, core.Errorf("ValidationException", "a grant needs operations")
	}
	for _, op := range g.ops {
		if !slices.Contains(op.Values(), op) {
			return nil, core.Errorf("ValidationException", "'%s' is not a grant operation", op)
		}
	}
	if con := in.Constraints; con != nil {
		if con.SourceArn != nil {
			return nil, c.Unsupported("the grant constraint SourceArn")
		}
		g.equals, g.subset = maps.Clone(con.EncryptionContextEquals), maps.Clone(con.EncryptionContextSubset)
	}
	return g, nil
}

func grantKeys(g *grant) map[string][]string {
	keys := core.Keys("kms:GrantIsForAWSResource", "false", "kms:GranteePrincipal", g.grantee)
	for _, op := range g.ops {
		keys["kms:GrantOperations"] = append(keys["kms:GrantOperations"], string(op))
	}
	if g.retiring != "" {
		keys["kms:RetiringPrincipal"] = []string{g.retiring}
	}
	if g.equals != nil {
		keys["kms:GrantConstraintType"] = append(keys["kms:GrantConstraintType"], "EncryptionContextEquals")
	}
	if g.subset != nil {
		keys["kms:GrantConstraintType"] = append(keys["kms:GrantConstraintType"], "EncryptionContextSubset")
	}
	return keys
}

func (g *grant) same(h *grant) bool {
	return g.name == h.name && g.grantee == h.grantee && g.retiring == h.retiring && slices.Equal(g.ops, h.ops) &&
		maps.Equal(g.equals, h.equals) && maps.Equal(g.subset, h.subset)
}

// ListGrants lists the grants of a key, oldest first.
func (s *Service) ListGrants(c *core.Call, in *kms.ListGrantsInput) (*kms.ListGrantsOutput, error) {
	k, err := s.find(c, in.KeyId, keyOnly)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(c, k, "ListGrants", nil); err != nil {
		return nil, err
	}
	var entries []types.GrantListEntry
	for _, g := range k.grants {
		if in.GrantId != nil && *in.GrantId != g.id || in.GranteePrincipal != nil && *in.GranteePrincipal != g.grantee {
			continue
		}
		entries = append(entries, g.entry(k))
	}
	page, next, err := cut(entries, in.Limit, in.Marker)
	if err != nil {
		return nil, err
	}
	return &kms.ListGrantsOutput{Grants: page, NextMarker: next, Truncated: next != nil}, nil
}

func (g *grant) entry(k *key) types.GrantListEntry {
	e := types.GrantListEntry{
		CreationDate: aws.Time(g.created), GrantId: aws.String(g.id), GranteePrincipal: aws.String(g.grantee),
		IssuingAccount: aws.String(g.issuer), KeyId: aws.String(string(k.arn)),
		Name: aws.String(g.name), Operations: slices.Clone(g.ops),
	}
	if g.retiring != "" {
		e.RetiringPrincipal = aws.String(g.retiring)
	}
	if g.equals != nil || g.subset != nil {
		e.Constraints = &types.GrantConstraints{
			EncryptionContextEquals: maps.Clone(g.equals), EncryptionContextSubset: maps.Clone(g.subset),
		}
	}
	return e
}

// RevokeGrant removes a grant.
func (s *Service) RevokeGrant(c *core.Call, in *kms.RevokeGrantInput) (*kms.RevokeGrantOutput, error) {
	k, err := s.find(c, in.KeyId, keyOnly)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(c, k, "RevokeGrant", core.Keys("kms:GrantIsForAWSResource", "false")); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(k.grants, func(g *grant) bool { return g.id == aws.ToString(in.GrantId) })
	if i < 0 {
		return nil, core.Errorf("NotFoundException", "Grant ID %s not found", aws.ToString(in.GrantId))
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	k.grants = slices.Delete(k.grants, i, i+1)
	return &kms.RevokeGrantOutput{}, nil
}

// granted reports whether a grant allows what policies did not. An explicit
// denial still wins, so the need is judged again with a key policy that has
// one more statement, the grant's.
// Source: AWS KMS Developer Guide, "Grants in AWS KMS".
func (k *key) granted(c *core.Call, n core.Need) bool {
	for _, g := range k.grants {
		if !g.covers(c, n) {
			continue
		}
		policy := *n.Policy
		policy.Statements = append(slices.Clip(policy.Statements), iampolicy.Statement{
			Sid: "Grant", Effect: iampolicy.Allow,
			Principal: &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of(c.Caller.ARN)}},
			Actions:   iampolicy.Of(n.Action), Resources: iampolicy.Of("*"),
		})
		n.Policy = &policy
		// A grant needs no policy in the grantee's account, whoever owns the key.
		n.Owner = c.Account.ID
		return c.Allows(n)
	}
	return false
}

// covers reports whether the grant is for this caller, operation and
// encryption context.
func (g *grant) covers(c *core.Call, n core.Need) bool {
	if !slices.Contains(g.ops, types.GrantOperation(strings.TrimPrefix(n.Action, "kms:"))) || !g.isFor(c) {
		return false
	}
	context := map[string]string{}
	for name, values := range n.Keys {
		if entry, ok := strings.CutPrefix(name, "kms:EncryptionContext:"); ok && len(values) == 1 {
			context[entry] = values[0]
		}
	}
	if g.equals != nil && !maps.Equal(g.equals, context) {
		return false
	}
	for name, value := range g.subset {
		if context[name] != value {
			return false
		}
	}
	return true
}

func (g *grant) isFor(c *core.Call) bool {
	switch g.grantee {
	case c.Caller.ARN, c.Account.GlobalARN("iam", "root"):
		return true
	}
	return c.Caller.Session != nil && c.Caller.Session.Role.ARN == g.grantee
}
