package ec2sim

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// DescribeAccountAttributes tells what kind of networks the account has, and
// a few limits of old.
// Source of the attributes and their values: EC2 API Reference,
// DescribeAccountAttributes, with the defaults of the quotas.
func (s *Service) DescribeAccountAttributes(c *core.Call, in *ec2.DescribeAccountAttributesInput) (*ec2.DescribeAccountAttributesOutput, error) {
	st, err := s.setting(c, in.DryRun)
	if err != nil {
		return nil, err
	}
	network := "none"
	if v := st.defaultVPC(); v != nil {
		network = v.id
	}
	out := &ec2.DescribeAccountAttributesOutput{}
	for _, a := range []struct{ name, value string }{
		{"supported-platforms", "VPC"},
		{"default-vpc", network},
		{"vpc-max-security-groups-per-interface", "5"},
		{"vpc-max-elastic-ips", "5"},
		{"max-elastic-ips", "5"},
		{"max-instances", "20"},
	} {
		if len(in.AttributeNames) > 0 && !slices.Contains(in.AttributeNames, types.AccountAttributeName(a.name)) {
			continue
		}
		out.AccountAttributes = append(out.AccountAttributes, types.AccountAttribute{
			AttributeName: aws.String(a.name), AttributeValues: []types.AccountAttributeValue{{AttributeValue: aws.String(a.value)}},
		})
	}
	return out, nil
}
