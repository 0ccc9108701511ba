package ebs

import (
	"context"
	"errors"
	"fmt"

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

// isManaged asks KMS once for each key and remembers the answer: who manages
// a key never changes. A refusal is remembered too, for as long as the client
// lives; a role that is given the permission later needs a new engine to see it.
func (c *client) isManaged(ctx context.Context, key string) (bool, error) {
	c.mu.Lock()
	managed, known := c.managed[key]
	c.mu.Unlock()
	if known {
		return managed, nil
	}
	out, err := c.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(key)})
	err = awscall.Wrap("DescribeKey", err)
	switch {
	case err == nil:
		managed = out.KeyMetadata != nil && out.KeyMetadata.KeyManager == types.KeyManagerTypeAws
	case errors.Is(err, backup.ErrDenied), errors.Is(err, backup.ErrNotFound):
	default:
		return false, fmt.Errorf("key %s: %w", key, err)
	}
	c.mu.Lock()
	c.managed[key] = managed
	c.mu.Unlock()
	return managed, nil
}
