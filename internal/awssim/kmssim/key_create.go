package kmssim

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// CreateKey makes a symmetric customer key. Without a policy it gets the one
// that AWS gives to keys made by API: the account decides, through IAM.
func (s *Service) CreateKey(c *core.Call, in *kms.CreateKeyInput) (*kms.CreateKeyOutput, error) {
	if err := onlySymmetric(c, in); err != nil {
		return nil, err
	}
	tags, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	spec := keySpec{bypass: in.BypassPolicyLockoutSafetyCheck}
	if aws.ToBool(in.MultiRegion) {
		spec.multiRegion = types.MultiRegionKeyTypePrimary
	}
	if err := c.Authorize(s.createKeyNeeds(c, spec, tags)...); err != nil {
		return nil, err
	}
	k := s.newKey(site(c))
	if spec.multiRegion != "" {
		s.makeMultiRegion(k)
	}
	k.description = aws.ToString(in.Description)
	k.tags = tags
	if err := s.firstPolicy(c, k, in.Policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	s.keys[k.arn] = k
	return &kms.CreateKeyOutput{KeyMetadata: k.metadata(c.Now)}, nil
}

func onlySymmetric(c *core.Call, in *kms.CreateKeyInput) error {
	spec := in.KeySpec
	if spec == "" {
		//lint:ignore SA1019 clients still send it
		spec = types.KeySpec(in.CustomerMasterKeySpec) // the name it had before
	}
	switch {
	case spec != "" && spec != types.KeySpecSymmetricDefault:
		return c.Unsupported("KeySpec " + string(spec))
	case in.KeyUsage != "" && in.KeyUsage != types.KeyUsageTypeEncryptDecrypt:
		return c.Unsupported("KeyUsage " + string(in.KeyUsage))
	case in.Origin != "" && in.Origin != types.OriginTypeAwsKms:
		return c.Unsupported("Origin " + string(in.Origin))
	case in.CustomKeyStoreId != nil, in.XksKeyId != nil:
		return c.Unsupported("custom key stores")
	}
	return nil
}

// DescribeKey tells of a key, by any of its names. Another account asks by ARN.
func (s *Service) DescribeKey(c *core.Call, in *kms.DescribeKeyInput) (*kms.DescribeKeyOutput, error) {
	k, err := s.find(c, in.KeyId, anyName)
	if err != nil {
		return nil, err
	}
	want := wish{action: "DescribeKey", keys: requestAlias(in.KeyId), tokens: in.GrantTokens}
	if err := s.authorize(c, k, want); err != nil {
		return nil, err
	}
	return &kms.DescribeKeyOutput{KeyMetadata: k.metadata(c.Now)}, nil
}

// ListKeys lists the keys of the caller's account and Region by id.
func (s *Service) ListKeys(c *core.Call, in *kms.ListKeysInput) (*kms.ListKeysOutput, error) {
	if err := c.Authorize(core.Need{Action: "kms:ListKeys", Resource: "*"}); err != nil {
		return nil, err
	}
	at := site(c)
	var entries []types.KeyListEntry
	for _, k := range s.sorted() {
		if k.site == at {
			entries = append(entries, types.KeyListEntry{KeyArn: aws.String(string(k.arn)), KeyId: aws.String(k.id)})
		}
	}
	// Source: AWS KMS API Reference, ListKeys, Limit.
	page, next, err := cut(entries, sizes{usual: 100, most: 1000}, in.Limit, in.Marker)
	if err != nil {
		return nil, err
	}
	return &kms.ListKeysOutput{Keys: page, NextMarker: next, Truncated: next != nil}, nil
}
