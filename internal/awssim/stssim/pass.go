package stssim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// Durations of credentials without a role, in seconds; root's last an hour at most.
// Source: STS API Reference, GetSessionToken and GetFederationToken.
const (
	maxPass     = 129600
	defaultPass = 12 * time.Hour
	maxRootPass = time.Hour
)

// GetSessionToken gives a user, or root, temporary credentials that stand for
// itself. No policy can forbid it.
func (*Service) GetSessionToken(c *core.Call, in *sts.GetSessionTokenInput) (*sts.GetSessionTokenOutput, error) {
	if in.SerialNumber != nil || in.TokenCode != nil {
		return nil, c.Unsupported("TokenCode")
	}
	var b bounds
	if err := b.read(bounded{tokenSize: in.MinimumSessionTokenSize}); err != nil {
		return nil, err
	}
	pass, err := newPass(c, in.DurationSeconds)
	if err != nil {
		return nil, err
	}
	pass.TokenSize = b.tokenSize(0)
	cred, _ := c.NewPass(pass)
	return &sts.GetSessionTokenOutput{
		Credentials:             credentials(cred, pass.Expires),
		SessionTokenSize:        aws.Int32(int32(len(cred.Token))),
		SessionTokenUtilization: aws.Int32(percent(len(cred.Token), maxToken)),
	}, nil
}

// GetFederationToken gives temporary credentials to somebody for whom a user,
// or root, vouches. They may do what the user may and the session policy says.
func (*Service) GetFederationToken(c *core.Call, in *sts.GetFederationTokenInput) (*sts.GetFederationTokenOutput, error) {
	if err := userName.check("name", in.Name); err != nil {
		return nil, err
	}
	var b bounds
	if err := b.read(bounded{in.Policy, in.PolicyArns, in.Tags, in.MinimumSessionTokenSize}); err != nil {
		return nil, err
	}
	pass, err := newPass(c, in.DurationSeconds)
	if err != nil {
		return nil, err
	}
	need := core.Need{
		Action: "sts:GetFederationToken", Resource: c.Account.GlobalARN("sts", "federated-user/"+*in.Name),
		Keys: core.WithRequestTags(map[string][]string{}, b.tags),
	}
	needs := []core.Need{need}
	if len(b.tags) > 0 {
		need.Action = "sts:TagSession"
		needs = append(needs, need)
	}
	if err := c.Authorize(needs...); err != nil {
		return nil, err
	}
	if err := b.checkManaged(c, c.Account); err != nil {
		return nil, err
	}
	packed, err := b.pack(b.tags)
	if err != nil {
		return nil, err
	}
	pass.Name, pass.Policy, pass.Managed = *in.Name, b.policy, b.arns
	pass.Tags, pass.TokenSize = b.tags, b.tokenSize(packed)
	cred, caller := c.NewPass(pass)
	out := &sts.GetFederationTokenOutput{
		Credentials:             credentials(cred, pass.Expires),
		FederatedUser:           &types.FederatedUser{Arn: aws.String(caller.ARN), FederatedUserId: aws.String(caller.UserID)},
		SessionTokenSize:        aws.Int32(int32(len(cred.Token))),
		SessionTokenUtilization: aws.Int32(percent(len(cred.Token), maxToken)),
	}
	if packed > 0 {
		//lint:ignore SA1019 clients still read it
		out.PackedPolicySize = aws.Int32(percent(packed, maxPacked))
	}
	return out, nil
}

// newPass checks that the caller can have credentials without a role at all,
// and for how long. What root asks for too long is cut, not refused.
func newPass(c *core.Call, seconds *int32) (*core.Pass, error) {
	if err := between("durationSeconds", seconds, minDuration, maxPass); err != nil {
		return nil, err
	}
	if c.Caller.Session != nil || c.Caller.Pass != nil {
		return nil, denied("Cannot call " + c.Operation + " with session credentials")
	}
	if err := activeFor(c, c.Account); err != nil {
		return nil, err
	}
	duration := defaultPass
	if seconds != nil {
		duration = time.Duration(*seconds) * time.Second
	}
	if c.Caller.IsRoot() {
		duration = min(duration, maxRootPass)
	}
	return &core.Pass{
		Issued: c.Now, Expires: c.Now.Add(duration).Truncate(time.Second),
		DefaultRegions: c.ToGlobalSTS() && !c.Account.TokensEverywhere,
	}, nil
}
