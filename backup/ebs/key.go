package ebs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/internal/awscall"
)

var _ backup.KeyDescriber = (*client)(nil)

// markKeys finds out which members are encrypted by an AWS-managed key, and
// which by a key that cannot be used. A key that may not be described counts as
// a customer's that can: if it was AWS's after all, sharing the snapshot fails
// and says so. Any other error is about the resource.
func (c *client) markKeys(ctx context.Context, members []backup.Member) error {
	for i, m := range members {
		if m.KMSKey == "" {
			continue
		}
		key, err := c.DescribeKey(ctx, m.KMSKey)
		if err != nil && !errors.Is(err, backup.ErrDenied) {
			return fmt.Errorf("key %s: %w", m.KMSKey, err)
		}
		members[i].ManagedKey = key.Managed
		if !key.Usable() {
			members[i].KeyState = key.State
		}
	}
	return nil
}

// keyAge is how long an answer about a key is believed: a run asks once, and
// the next finds out that a key was disabled, or a role given the permission.
const keyAge = 10 * time.Minute

// A keyAnswer is what KMS said of a key.
type keyAnswer struct {
	key   backup.Key
	err   error     // a refusal; key is zero then
	until time.Time // zero: for ever
}

func (a keyAnswer) holds(now time.Time) bool { return a.until.IsZero() || now.Before(a.until) }

// DescribeKey tells what KMS says of a key, asking no more often than every ten
// minutes; and only once for a key that AWS manages, which nobody can disable.
// Where KMS cannot be reached, who manages a key is known from before.
func (c *client) DescribeKey(ctx context.Context, arn string) (backup.Key, error) {
	c.mu.Lock()
	known, asked := c.keys[arn]
	c.mu.Unlock()
	if asked && known.holds(time.Now()) {
		return known.key, known.err
	}
	out, err := c.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(arn)})
	err = awscall.Wrap("DescribeKey", err)
	answer := keyAnswer{until: time.Now().Add(keyAge)}
	switch {
	case err == nil && out.KeyMetadata != nil:
		answer.key = keyOf(out.KeyMetadata)
		if answer.key.Managed {
			answer.until = time.Time{}
		}
	case errors.Is(err, backup.ErrNotFound):
		answer.key.State = backup.KeyMissing
	case errors.Is(err, backup.ErrDenied):
		answer.err = err
	case err != nil && asked && known.err == nil && known.key.State != backup.KeyMissing:
		return backup.Key{Managed: known.key.Managed}, nil
	case err != nil:
		return backup.Key{}, err
	}
	c.mu.Lock()
	c.keys[arn] = answer
	c.mu.Unlock()
	return answer.key, answer.err
}

func keyOf(m *types.KeyMetadata) backup.Key {
	return backup.Key{
		State: string(m.KeyState), Managed: m.KeyManager == types.KeyManagerTypeAws,
		Spec: string(m.KeySpec), Usage: string(m.KeyUsage),
	}
}
