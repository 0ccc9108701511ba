package ec2sim

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/kmssim"
)

// DefaultEncryption tells whether a site encrypts everything that is made
// there, and the key for what is encrypted without a key being named. It is
// for services beside EC2, whose operations hold the cloud's lock already.
func (s *Service) DefaultEncryption(at Site) (always bool, key kmssim.ARN) {
	st := s.site(at)
	return st.encrypts, s.defaultKey(st)
}

// defaultKey is the key for what is encrypted without a key being named.
func (s *Service) defaultKey(st *site) kmssim.ARN {
	if st.defaultKey != "" {
		return st.defaultKey
	}
	return s.kms.EBSKey(st.Site)
}

// EnableEbsEncryptionByDefault has new volumes and copies encrypted from now on.
func (s *Service) EnableEbsEncryptionByDefault(c *core.Call, in *ec2.EnableEbsEncryptionByDefaultInput) (*ec2.EnableEbsEncryptionByDefaultOutput, error) {
	st, err := s.setting(c, in.DryRun)
	if err != nil {
		return nil, err
	}
	st.encrypts = true
	return &ec2.EnableEbsEncryptionByDefaultOutput{EbsEncryptionByDefault: aws.Bool(true)}, nil
}

// DisableEbsEncryptionByDefault has them encrypted only if a request says so,
// or their source is.
func (s *Service) DisableEbsEncryptionByDefault(c *core.Call, in *ec2.DisableEbsEncryptionByDefaultInput) (*ec2.DisableEbsEncryptionByDefaultOutput, error) {
	st, err := s.setting(c, in.DryRun)
	if err != nil {
		return nil, err
	}
	st.encrypts = false
	return &ec2.DisableEbsEncryptionByDefaultOutput{EbsEncryptionByDefault: aws.Bool(false)}, nil
}

// GetEbsEncryptionByDefault tells the setting of the account in the Region.
func (s *Service) GetEbsEncryptionByDefault(c *core.Call, in *ec2.GetEbsEncryptionByDefaultInput) (*ec2.GetEbsEncryptionByDefaultOutput, error) {
	st, err := s.setting(c, in.DryRun)
	if err != nil {
		return nil, err
	}
	return &ec2.GetEbsEncryptionByDefaultOutput{EbsEncryptionByDefault: aws.Bool(st.encrypts)}, nil
}

// GetEbsDefaultKmsKeyId tells the default key of the account in the Region.
func (s *Service) GetEbsDefaultKmsKeyId(c *core.Call, in *ec2.GetEbsDefaultKmsKeyIdInput) (*ec2.GetEbsDefaultKmsKeyIdOutput, error) {
	st, err := s.setting(c, in.DryRun)
	if err != nil {
		return nil, err
	}
	return &ec2.GetEbsDefaultKmsKeyIdOutput{KmsKeyId: aws.String(string(s.defaultKey(st)))}, nil
}

// ModifyEbsDefaultKmsKeyId replaces the default key. A key that is not there
// is accepted: what is made under it fails.
// Source: EC2 API Reference, ModifyEbsDefaultKmsKeyId: "Amazon Web Services
// authenticates the KMS key asynchronously."
func (s *Service) ModifyEbsDefaultKmsKeyId(c *core.Call, in *ec2.ModifyEbsDefaultKmsKeyIdInput) (*ec2.ModifyEbsDefaultKmsKeyIdOutput, error) {
	if aws.ToString(in.KmsKeyId) == "" {
		return nil, core.Errorf("MissingParameter", "The request must contain the parameter KmsKeyId")
	}
	st, err := s.setting(c, in.DryRun)
	if err != nil {
		return nil, err
	}
	key, ok := s.kms.Resolve(st.Site, *in.KmsKeyId)
	if !ok {
		key = kmssim.ARN(*in.KmsKeyId)
	}
	st.defaultKey = key
	return &ec2.ModifyEbsDefaultKmsKeyIdOutput{KmsKeyId: aws.String(string(key))}, nil
}

// ResetEbsDefaultKmsKeyId makes the key that AWS manages the default again.
func (s *Service) ResetEbsDefaultKmsKeyId(c *core.Call, in *ec2.ResetEbsDefaultKmsKeyIdInput) (*ec2.ResetEbsDefaultKmsKeyIdOutput, error) {
	st, err := s.setting(c, in.DryRun)
	if err != nil {
		return nil, err
	}
	st.defaultKey = ""
	return &ec2.ResetEbsDefaultKmsKeyIdOutput{KmsKeyId: aws.String(string(s.defaultKey(st)))}, nil
}
