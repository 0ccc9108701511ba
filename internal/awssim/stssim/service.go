package stssim

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/sigv4"
	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

// A Service answers for STS. It keeps nothing: sessions are the cloud's.
type Service struct{}

// New returns the service.
func New() *Service { return &Service{} }

// signing: requests may be 15 minutes off, and those who presign
// GetCallerIdentity to prove who they are find that X-Amz-Expires means nothing
// (kubernetes-sigs/aws-iam-authenticator, pkg/token: "The sts
// GetCallerIdentity request is valid for 15 minutes regardless of this
// parameters value").
var signing = sigv4.Rules{Skew: sigv4.MaxSkew, FixedLife: true}

// Registration tells the dispatcher of the service.
func (s *Service) Registration() *core.Service {
	return &core.Service{Name: "sts", Protocol: wire.STS(), Signing: signing, Operations: map[string]core.Operation{
		"AssumeRole":                 core.Op(s.AssumeRole),
		"DecodeAuthorizationMessage": core.Op(s.DecodeAuthorizationMessage),
		"GetAccessKeyInfo":           core.Op(s.GetAccessKeyInfo),
		"GetCallerIdentity":          core.Op(s.GetCallerIdentity),
		"GetFederationToken":         core.Op(s.GetFederationToken),
		"GetSessionToken":            core.Op(s.GetSessionToken),
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
