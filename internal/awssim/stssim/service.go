package stssim

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

// A Service answers for STS. It keeps nothing: sessions are the cloud's.
type Service struct{}

// New returns the service.
func New() *Service { return &Service{} }

// Registration tells the dispatcher of the service.
func (s *Service) Registration() *core.Service {
	return &core.Service{Name: "sts", Protocol: wire.STS(), Operations: map[string]core.Operation{
		"AssumeRole":        core.Op(s.AssumeRole),
		"GetCallerIdentity": core.Op(s.GetCallerIdentity),
	}}
}

// GetCallerIdentity tells callers who they are. No policy can forbid it.
// Source: STS API Reference, GetCallerIdentity.
func (*Service) GetCallerIdentity(c *core.Call, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
	return &sts.GetCallerIdentityOutput{
		Account: aws.String(c.Account.ID),
		Arn:     aws.String(c.Caller.ARN),
		UserId:  aws.String(c.Caller.UserID),
	}, nil
}
