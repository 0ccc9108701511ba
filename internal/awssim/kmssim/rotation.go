package kmssim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A rotation replaces a key's material each so many days. Old ciphertexts
// stay readable, so that nothing but its state shows from outside.
type rotation struct {
	since time.Time
	days  int32
}

// usualRotation in days; 90 to 2,560 may be asked for.
// Source: AWS KMS API Reference, EnableKeyRotation, RotationPeriodInDays.
const usualRotation = 365

// EnableKeyRotation turns the rotation of a key on, or changes its period.
// Replicas follow their primary.
func (s *Service) EnableKeyRotation(c *core.Call, in *kms.EnableKeyRotationInput) (*kms.EnableKeyRotationOutput, error) {
	days := int32(usualRotation)
	if in.RotationPeriodInDays != nil {
		days = *in.RotationPeriodInDays
	}
	if days < 90 || days > 2560 {
		return nil, core.Errorf("ValidationException", "RotationPeriodInDays must be between 90 and 2560")
	}
	k, err := s.rotatable(c, in.KeyId)
	if err != nil {
		return nil, err
	}
	if k.rotation == nil {
		k.rotation = &rotation{since: c.Now}
	}
	k.rotation.days = days
	return &kms.EnableKeyRotationOutput{}, nil
}

// DisableKeyRotation turns the rotation of a key off.
func (s *Service) DisableKeyRotation(c *core.Call, in *kms.DisableKeyRotationInput) (*kms.DisableKeyRotationOutput, error) {
	k, err := s.rotatable(c, in.KeyId)
	if err != nil {
		return nil, err
	}
	k.rotation = nil
	return &kms.DisableKeyRotationOutput{}, nil
}

func (s *Service) rotatable(c *core.Call, id *string) (*key, error) {
	k, err := s.find(c, id, keyOnly)
	if err != nil {
		return nil, err
	}
	if err := s.own(c, k, nil); err != nil {
		return nil, err
	}
	if k.family != nil && k.family.primary != k {
		return nil, core.Errorf("UnsupportedOperationException", "%s is a replica: rotation is set on its primary key.", k.arn)
	}
	return k, k.usable(c.Now)
}

// GetKeyRotationStatus tells whether and when a key is rotated. AWS rotates
// the keys it manages every year.
// Source: AWS KMS API Reference, GetKeyRotationStatus.
func (s *Service) GetKeyRotationStatus(c *core.Call, in *kms.GetKeyRotationStatusInput) (*kms.GetKeyRotationStatusOutput, error) {
	k, err := s.find(c, in.KeyId, keyOnly)
	if err != nil {
		return nil, err
	}
	if err := s.authorize(c, k, wish{action: "GetKeyRotationStatus"}); err != nil {
		return nil, err
	}
	out := &kms.GetKeyRotationStatusOutput{KeyId: aws.String(string(k.arn))}
	r := k.rotation
	switch {
	case k.managed:
		r = &rotation{since: k.created, days: usualRotation}
	case k.family != nil:
		r = k.family.primary.rotation
	}
	if r != nil && !k.pendingDeletion() {
		period := time.Duration(r.days) * day
		out.KeyRotationEnabled, out.RotationPeriodInDays = true, aws.Int32(r.days)
		out.NextRotationDate = aws.Time(r.since.Add((c.Now.Sub(r.since)/period + 1) * period))
	}
	return out, nil
}
