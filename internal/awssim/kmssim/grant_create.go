package kmssim

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// maxGrants of a key, and maxTokens of a request.
// Sources: AWS KMS Developer Guide, "Resource quotas"; AWS KMS API Reference,
// GrantTokens.
const (
	maxGrants = 50000
	maxTokens = 10
)

// grantable are the operations that a grant for a symmetric key can give.
// Source: AWS KMS Developer Guide, "Grant operations".
var grantable = []types.GrantOperation{
	types.GrantOperationCreateGrant, types.GrantOperationDecrypt, types.GrantOperationDescribeKey,
	types.GrantOperationEncrypt, types.GrantOperationGenerateDataKey, types.GrantOperationGenerateDataKeyPair,
	types.GrantOperationGenerateDataKeyPairWithoutPlaintext, types.GrantOperationGenerateDataKeyWithoutPlaintext,
	types.GrantOperationReEncryptFrom, types.GrantOperationReEncryptTo, types.GrantOperationRetireGrant,
}

// CreateGrant adds a grant. Called by a principal itself, and not by a
// service for it, it has kms:GrantIsForAWSResource=false.
func (s *Service) CreateGrant(c *core.Call, in *kms.CreateGrantInput) (*kms.CreateGrantOutput, error) {
	k, err := s.find(c, in.KeyId, keyOnly)
	if err != nil {
		return nil, err
	}
	g, err := s.newGrant(c, in)
	if err != nil {
		return nil, err
	}
	want := wish{action: "CreateGrant", keys: grantKeys(g), tokens: in.GrantTokens}
	if err := s.authorize(c, k, want); err != nil {
		return nil, err
	}
	if err := k.usable(c.Now); err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	if len(k.liveGrants(c.Now)) >= maxGrants {
		return nil, core.Errorf("LimitExceededException", "%s has %d grants", k.arn, maxGrants)
	}
	g = s.addGrant(k, g)
	return &kms.CreateGrantOutput{GrantId: aws.String(g.id), GrantToken: aws.String(g.tokens[len(g.tokens)-1])}, nil
}

// addGrant gives a key a grant. A named grant is made once: equal parameters
// find it again, and get another token for it.
// Source: AWS KMS API Reference, CreateGrant, Name.
func (s *Service) addGrant(k *key, g *grant) *grant {
	g.key = k
	token := s.cloud.NewSecret(64)
	same := slices.IndexFunc(k.liveGrants(g.created), func(old *grant) bool { return g.name != "" && old.ends.IsZero() && old.same(g) })
	if same >= 0 {
		g = k.grants[same]
	} else {
		g.visible = g.created.Add(s.settling())
		k.grants = append(k.grants, g)
	}
	g.tokens = append(g.tokens, token)
	s.tokens[token] = g
	return g
}

func (s *Service) newGrant(c *core.Call, in *kms.CreateGrantInput) (*grant, error) {
	g := &grant{
		id: strings.ReplaceAll(s.cloud.NewUUID()+s.cloud.NewUUID(), "-", ""), name: aws.ToString(in.Name),
		grantee: aws.ToString(in.GranteePrincipal), retiring: aws.ToString(in.RetiringPrincipal),
		issuer: c.Account.GlobalARN("iam", "root"), created: c.Now, ops: slices.Clone(in.Operations),
	}
	if con := in.Constraints; con != nil {
		g.equals, g.subset = maps.Clone(con.EncryptionContextEquals), maps.Clone(con.EncryptionContextSubset)
		g.source = aws.ToString(con.SourceArn)
	}
	if in.GranteeServicePrincipal != nil {
		if err := serviceGrantee(in); err != nil {
			return nil, err
		}
		g.grantee, g.granteeService = *in.GranteeServicePrincipal, true
	} else if !strings.HasPrefix(g.grantee, "arn:") || !s.cloud.IsPrincipal(g.grantee) {
		return nil, core.Errorf("InvalidArnException", "ARN does not refer to a valid principal: %s", g.grantee)
	}
	switch {
	case in.RetiringServicePrincipal != nil && in.RetiringPrincipal != nil:
		return nil, core.Errorf("ValidationException", "RetiringPrincipal and RetiringServicePrincipal exclude each other")
	case in.RetiringServicePrincipal != nil:
		g.retiring, g.retiringService = *in.RetiringServicePrincipal, true
	case g.retiring != "" && (!strings.HasPrefix(g.retiring, "arn:") || !s.cloud.IsPrincipal(g.retiring)):
		return nil, core.Errorf("InvalidArnException", "ARN does not refer to a valid principal: %s", g.retiring)
	}
	return g, g.check()
}

// serviceGrantee checks what a grant to a service must have.
// Source: AWS KMS API Reference, CreateGrant, GranteeServicePrincipal.
func serviceGrantee(in *kms.CreateGrantInput) error {
	switch {
	case in.GranteePrincipal != nil:
		return core.Errorf("ValidationException", "GranteePrincipal and GranteeServicePrincipal exclude each other")
	case in.Constraints == nil || in.Constraints.SourceArn == nil:
		return core.Errorf("ValidationException", "GranteeServicePrincipal requires a SourceArn constraint")
	case in.RetiringPrincipal == nil && in.RetiringServicePrincipal == nil:
		return core.Errorf("ValidationException", "GranteeServicePrincipal requires a retiring principal")
	}
	return nil
}

// check checks operations and constraints.
// Source: AWS KMS API Reference, CreateGrant, Operations and Constraints.
func (g *grant) check() error {
	if len(g.ops) == 0 {
		return core.Errorf("ValidationException", "a grant needs operations")
	}
	for _, op := range g.ops {
		if !slices.Contains(grantable, op) {
			return core.Errorf("ValidationException", "'%s' is not a grant operation of a symmetric key", op)
		}
	}
	for _, context := range []map[string]string{g.equals, g.subset} {
		if len(context) > 8 {
			return core.Errorf("ValidationException", "a constraint has at most 8 pairs")
		}
		for name, value := range context {
			if len(value) > 384 {
				return core.Errorf("ValidationException", "the value of %s has more than 384 characters", name)
			}
		}
	}
	return nil
}

// grantKeys are the condition keys of a CreateGrant.
// Source: AWS KMS Developer Guide, "AWS KMS condition keys".
func grantKeys(g *grant) map[string][]string {
	context := map[string]string{}
	maps.Copy(context, g.equals)
	maps.Copy(context, g.subset)
	keys := EncryptionContext(context)
	keys["kms:GrantIsForAWSResource"] = []string{"false"}
	for _, op := range g.ops {
		keys["kms:GrantOperations"] = append(keys["kms:GrantOperations"], string(op))
	}
	named := func(key string, service bool, value string) {
		if service {
			key = strings.Replace(key, "Principal", "ServicePrincipal", 1)
		}
		if value != "" {
			keys[key] = []string{value}
		}
	}
	named("kms:GranteePrincipal", g.granteeService, g.grantee)
	named("kms:RetiringPrincipal", g.retiringService, g.retiring)
	named("kms:GrantConstraintSourceArn", false, g.source)
	if g.equals != nil {
		keys["kms:GrantConstraintType"] = append(keys["kms:GrantConstraintType"], "EncryptionContextEquals")
	}
	if g.subset != nil {
		keys["kms:GrantConstraintType"] = append(keys["kms:GrantConstraintType"], "EncryptionContextSubset")
	}
	return keys
}

func (g *grant) same(h *grant) bool {
	return g.name == h.name && g.grantee == h.grantee && g.retiring == h.retiring && g.source == h.source &&
		slices.Equal(g.ops, h.ops) && maps.Equal(g.equals, h.equals) && maps.Equal(g.subset, h.subset)
}

// checkTokens checks the grant tokens of a request.
func (s *Service) checkTokens(tokens []string) error {
	if len(tokens) > maxTokens {
		return core.Errorf("ValidationException", "a request has at most %d grant tokens", maxTokens)
	}
	for _, token := range tokens {
		if s.tokens[token] == nil {
			return core.Errorf("InvalidGrantTokenException", "The grant token is not valid.")
		}
	}
	return nil
}
