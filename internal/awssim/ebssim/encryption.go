package ebssim

import (
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
	"github.com/snapkeep/snapkeep/internal/awssim/kmssim"
)

// keyARN is the shape of KmsKeyArn: no ids and no aliases.
// Source: botocore, the model of ebs 2019-11-02, KmsKeyArn.
var keyARN = regexp.MustCompile(`^arn:aws[a-z\-]*:kms:.*:[0-9]{12}:key/.+$`)

// encryption decides on the key of a new snapshot; empty means none.
// Source: Amazon EBS User Guide, "Encryption outcomes for EBS direct APIs":
// the tables with and without a parent. What becomes of a key given with a
// parent that is not encrypted is not told legibly; it is refused.
func (s *Service) encryption(c *core.Call, in *ebs.StartSnapshotInput, parent *ec2sim.Direct) (kmssim.ARN, error) {
	always, standard := s.ec2.DefaultEncryption(site(c))
	if parent != nil {
		switch {
		case in.Encrypted != nil:
			return "", invalidValue("Encrypted and ParentSnapshotId must not be given together.")
		case in.KmsKeyArn != nil:
			return "", invalidValue("KmsKeyArn and ParentSnapshotId must not be given together.")
		case parent.Key() == "" && always:
			return "", invalidValue("The parent snapshot is not encrypted, but encryption by default is enabled.")
		}
		return parent.Key(), nil
	}
	switch {
	case in.Encrypted != nil && !*in.Encrypted:
		if always || in.KmsKeyArn != nil {
			return "", invalidValue("Encrypted must not be false with encryption by default, or with KmsKeyArn.")
		}
		return "", nil
	case in.KmsKeyArn != nil:
		return s.named(c, *in.KmsKeyArn)
	case always || aws.ToBool(in.Encrypted):
		return standard, nil
	}
	return "", nil
}

// named returns the key that a request names.
func (s *Service) named(c *core.Call, arn string) (kmssim.ARN, error) {
	if !keyARN.MatchString(arn) {
		return "", invalid(types.ValidationExceptionReasonInvalidCustomerKey, "The KMS key ARN is not valid.")
	}
	key, ok := s.kms.Resolve(site(c), arn)
	if !ok {
		return "", keyError(ec2sim.KeyState)
	}
	return key, nil
}
