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
	if err := c.Authorize(createKeyNeeds(site(c), in.BypassPolicyLockoutSafetyCheck, tags)...); err != nil {
		return nil, err
	}
	k := s.newKey(site(c))
	k.description = aws.ToString(in.Description)
	k.tags = tags
	text := aws.ToString(in.Policy)
	if text == "" {
		text = defaultPolicy(c.Account)
	}
	if err := s.setPolicy(c, k, policyChange{text: text, bypassLockout: in.BypassPolicyLockoutSafetyCheck}); err != nil {
		return nil, err
	}
	s.keys[k.arn] = k
	return &kms.CreateKeyOutput{KeyMetadata: k.metadata()}, nil
}

func onlySymmetric(c *core.Call, in *kms.CreateKeyInput) error {
	switch {
	case in.KeySpec != "" && in.KeySpec != types.KeySpecSymmetricDefault:
		return c.Unsupported("KeySpec " + string(in.KeySpec))
	case in.KeyUsage != "" && in.KeyUsage != types.KeyUsageTypeEncryptDecrypt:
		return c.Unsupported("KeyUsage " + string(in.KeyUsage))
	case in.Origin != "" && in.Origin != types.OriginTypeAwsKms:
		return c.Unsupported("Origin " + string(in.Origin))
	case aws.ToBool(in.MultiRegion):
		return c.Unsupported("MultiRegion")
	case in.CustomKeyStoreId != nil, in.XksKeyId != nil:
		return c.Unsupported("custom key stores")
	}
	return nil
}

func tagMap(tags []types.Tag) (map[string]string, error) {
	m := map[string]string{}
	for _, t := range tags {
		name := aws.ToString(t.TagKey)
		if _, twice := m[name]; twice || name == "" {
			return nil, core.Errorf("TagException", "the tag key '%s' is empty or given twice", name)
		}
		m[name] = aws.ToString(t.TagValue)
	}
	return m, nil
}

// DescribeKey tells of a key, by any of its names. Another account asks by ARN.
func (s *Service) DescribeKey(c *core.Call, in *kms.DescribeKeyInput) (*kms.DescribeKeyOutput, error) {
	k, err := s.find(c, in.KeyId, anyName)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(c, k, "DescribeKey", nil); err != nil {
		return nil, err
	}
	return &kms.DescribeKeyOutput{KeyMetadata: k.metadata()}, nil
}
