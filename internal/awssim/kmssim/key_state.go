package kmssim

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// DisableKey makes a key unusable until it is enabled again.
func (s *Service) DisableKey(c *core.Call, in *kms.DisableKeyInput) (*kms.DisableKeyOutput, error) {
	k, err := s.switchable(c, in.KeyId)
	if err != nil {
		return nil, err
	}
	k.disabled = true
	return &kms.DisableKeyOutput{}, nil
}

// EnableKey makes a disabled key usable.
func (s *Service) EnableKey(c *core.Call, in *kms.EnableKeyInput) (*kms.EnableKeyOutput, error) {
	k, err := s.switchable(c, in.KeyId)
	if err != nil {
		return nil, err
	}
	k.disabled = false
	return &kms.EnableKeyOutput{}, nil
}

func (s *Service) switchable(c *core.Call, id *string) (*key, error) {
	k, err := s.find(c, id, keyOnly)
	if err != nil {
		return nil, err
	}
	if err := s.own(c, k, nil); err != nil {
		return nil, err
	}
	return k, k.settled(c.Now)
}

// ScheduleKeyDeletion starts a waiting period of 7 to 30 days, 30 unless
// said, in which the key is unusable and after which it is gone.
// Source: AWS KMS API Reference, ScheduleKeyDeletion.
func (s *Service) ScheduleKeyDeletion(c *core.Call, in *kms.ScheduleKeyDeletionInput) (*kms.ScheduleKeyDeletionOutput, error) {
	k, err := s.find(c, in.KeyId, keyOnly)
	if err != nil {
		return nil, err
	}
	days := int32(30)
	if in.PendingWindowInDays != nil {
		days = *in.PendingWindowInDays
	}
	if days < 7 || days > 30 {
		return nil, core.Errorf("ValidationException", "PendingWindowInDays must be between 7 and 30 (inclusive)")
	}
	if err := s.own(c, k, core.Keys("kms:ScheduleKeyDeletionPendingWindowInDays", strconv.Itoa(int(days)))); err != nil {
		return nil, err
	}
	if err := k.settled(c.Now); err != nil {
		return nil, err
	}
	out := &kms.ScheduleKeyDeletionOutput{KeyId: aws.String(string(k.arn)), PendingWindowInDays: aws.Int32(days)}
	window := time.Duration(days) * day
	if k.waitsForReplicas(c.Now) {
		k.window = window
	} else {
		k.deletion = c.Now.Add(window)
		out.DeletionDate = aws.Time(k.deletion)
	}
	out.KeyState = k.state(c.Now)
	return out, nil
}

// waitsForReplicas says that a key is the primary of others, which must go
// before its own waiting period begins.
// Source: AWS KMS Developer Guide, "Deleting multi-Region keys".
func (k *key) waitsForReplicas(now time.Time) bool {
	if k.family == nil || k.family.primary != k {
		return false
	}
	_, waiting := k.family.lastReplica(now)
	return waiting
}

// CancelKeyDeletion ends the waiting period; the key is then disabled.
func (s *Service) CancelKeyDeletion(c *core.Call, in *kms.CancelKeyDeletionInput) (*kms.CancelKeyDeletionOutput, error) {
	k, err := s.find(c, in.KeyId, keyOnly)
	if err != nil {
		return nil, err
	}
	if err := s.own(c, k, nil); err != nil {
		return nil, err
	}
	if !k.pendingDeletion() {
		return nil, k.invalidState("not pending deletion")
	}
	k.deletion, k.window, k.disabled = time.Time{}, 0, true
	return &kms.CancelKeyDeletionOutput{KeyId: aws.String(string(k.arn))}, nil
}
