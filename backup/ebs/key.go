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

// markManaged finds out which members are encrypted by an AWS-managed key.
// A key that may not be described, or is not there any more, counts as the
// customer's: if it was AWS's after all, sharing the snapshot fails and says
// so. Any other error is about the resource.
func (c *client) markManaged(ctx context.Context, members []backup.Member) error {
	for i, m := range members {
		if m.KMSKey == "" {
			continue
		}
		managed, err := c.isManaged(ctx, m.KMSKey)
		if err != nil {
			return err
		}
		members[i].ManagedKey = managed
	}
	return nil
}

// refusalAge is how long a refusal to describe a key is believed: a role that is
// given the permission is soon found to have it.
const refusalAge = 10 * time.Minute

// A keyAnswer is what KMS said of a key.
type keyAnswer struct {
	managed bool
	until   time.Time // zero: for ever
}

func (a keyAnswer) holds(now time.Time) bool { return a.until.IsZero() || now.Before(a.until) }

// isManaged asks KMS once for each key and remembers the answer: who manages
// a key never changes. A refusal is remembered for refusalAge.
func (c *client) isManaged(ctx context.Context, key string) (bool, error) {
	c.mu.Lock()
	answer, known := c.managed[key]
	c.mu.Unlock()
	if known && answer.holds(time.Now()) {
		return answer.managed, nil
	}
	out, err := c.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(key)})
	err = awscall.Wrap("DescribeKey", err)
	answer = keyAnswer{}
	switch {
	case err == nil:
		answer.managed = out.KeyMetadata != nil && out.KeyMetadata.KeyManager == types.KeyManagerTypeAws
	case errors.Is(err, backup.ErrDenied), errors.Is(err, backup.ErrNotFound):
		answer.until = time.Now().Add(refusalAge)
	default:
		return false, fmt.Errorf("key %s: %w", key, err)
	}
	c.mu.Lock()
	c.managed[key] = answer
	c.mu.Unlock()
	return answer.managed, nil
}
