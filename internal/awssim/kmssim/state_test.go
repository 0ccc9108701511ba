package kmssim_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/kmssim"
)

// Source: AWS KMS Developer Guide, "Key states of AWS KMS keys".
func TestKeyStatesDecideWhatWorks(t *testing.T) {
	const (
		enabled  = types.KeyStateEnabled
		disabled = types.KeyStateDisabled
		pending  = types.KeyStatePendingDeletion
	)
	operations := map[string]func(context.Context, *kms.Client, string) error{
		"DescribeKey": func(ctx context.Context, c *kms.Client, arn string) error {
			_, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &arn})
			return err
		},
		"PutKeyPolicy": func(ctx context.Context, c *kms.Client, arn string) error {
			_, err := c.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: &arn, Policy: aws.String(keyPolicy())})
			return err
		},
		"Encrypt": func(ctx context.Context, c *kms.Client, arn string) error {
			_, err := c.Encrypt(ctx, &kms.EncryptInput{KeyId: &arn, Plaintext: []byte("x")})
			return err
		},
		"GenerateDataKey": func(ctx context.Context, c *kms.Client, arn string) error {
			_, err := c.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: &arn, KeySpec: types.DataKeySpecAes256})
			return err
		},
		"CreateGrant": func(ctx context.Context, c *kms.Client, arn string) error {
			_, err := c.CreateGrant(ctx, &kms.CreateGrantInput{
				KeyId: &arn, GranteePrincipal: aws.String("arn:aws:iam::111111111111:root"), Operations: []types.GrantOperation{"Decrypt"},
			})
			return err
		},
		"EnableKey": func(ctx context.Context, c *kms.Client, arn string) error {
			_, err := c.EnableKey(ctx, &kms.EnableKeyInput{KeyId: &arn})
			return err
		},
		"DisableKey": func(ctx context.Context, c *kms.Client, arn string) error {
			_, err := c.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &arn})
			return err
		},
		"ScheduleKeyDeletion": func(ctx context.Context, c *kms.Client, arn string) error {
			_, err := c.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &arn})
			return err
		},
		"CancelKeyDeletion": func(ctx context.Context, c *kms.Client, arn string) error {
			_, err := c.CancelKeyDeletion(ctx, &kms.CancelKeyDeletionInput{KeyId: &arn})
			return err
		},
	}
	const off, invalid = "DisabledException", "KMSInvalidStateException"
	for name, want := range map[string]map[types.KeyState]string{
		"DescribeKey":         {enabled: "", disabled: "", pending: ""},
		"PutKeyPolicy":        {enabled: "", disabled: "", pending: ""},
		"Encrypt":             {enabled: "", disabled: off, pending: invalid},
		"GenerateDataKey":     {enabled: "", disabled: off, pending: invalid},
		"CreateGrant":         {enabled: "", disabled: off, pending: invalid},
		"EnableKey":           {enabled: "", disabled: "", pending: invalid},
		"DisableKey":          {enabled: "", disabled: "", pending: invalid},
		"ScheduleKeyDeletion": {enabled: "", disabled: "", pending: invalid},
		"CancelKeyDeletion":   {enabled: invalid, disabled: invalid, pending: ""},
	} {
		for state, code1 := range want {
			t.Run(name+" "+string(state), func(t *testing.T) {
				ctx := t.Context()
				c := admin(newCloud(t), account)
				arn := newKey(t, c, "")
				switch state {
				case disabled:
					require.NoError(t, operations["DisableKey"](ctx, c, arn))
				case pending:
					require.NoError(t, operations["ScheduleKeyDeletion"](ctx, c, arn))
				}
				require.Equal(t, code1, code(t, operations[name](ctx, c, arn)))
			})
		}
	}
}

func TestDeletionWindow(t *testing.T) {
	for _, days := range []int32{6, 31, 0, -1} {
		c := admin(newCloud(t), account)
		arn := newKey(t, c, "")
		_, err := c.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: &arn, PendingWindowInDays: aws.Int32(days)})
		require.Equal(t, "ValidationException", code(t, err), "%d days", days)
	}
	for _, days := range []int32{7, 30} {
		synctest.Test(t, func(t *testing.T) {
			ctx := context.Background()
			cloud := newCloud(t)
			c := admin(cloud, account)
			arn := newKey(t, c, "")
			usable := func() bool {
				cloud.Lock()
				defer cloud.Unlock()
				return cloud.KMS().Usable(kmssim.ARN(arn))
			}
			require.True(t, usable())
			out, err := c.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &arn, PendingWindowInDays: aws.Int32(days)})
			require.NoError(t, err)
			require.WithinDuration(t, time.Now().Add(time.Duration(days)*24*time.Hour), *out.DeletionDate, time.Second)
			require.Equal(t, types.KeyStatePendingDeletion, out.KeyState)
			require.False(t, usable())

			time.Sleep(time.Duration(days)*24*time.Hour - time.Second)
			d, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &arn})
			require.NoError(t, err, "it is there to the last second")
			require.Equal(t, types.KeyStatePendingDeletion, d.KeyMetadata.KeyState)
			time.Sleep(time.Second)
			_, err = c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &arn})
			require.Equal(t, "NotFoundException", code(t, err))
			_, err = c.CancelKeyDeletion(ctx, &kms.CancelKeyDeletionInput{KeyId: &arn})
			require.Equal(t, "NotFoundException", code(t, err), "gone is gone")
			require.False(t, usable())
		})
	}
}

func TestCancelledDeletionLeavesTheKeyDisabled(t *testing.T) {
	ctx := t.Context()
	c := admin(newCloud(t), account)
	arn := newKey(t, c, "")
	_, err := c.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &arn})
	require.NoError(t, err)
	_, err = c.CancelKeyDeletion(ctx, &kms.CancelKeyDeletionInput{KeyId: &arn})
	require.NoError(t, err)
	d, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &arn})
	require.NoError(t, err)
	require.Equal(t, types.KeyStateDisabled, d.KeyMetadata.KeyState)
	require.False(t, d.KeyMetadata.Enabled)
	require.Nil(t, d.KeyMetadata.DeletionDate)
	_, err = c.EnableKey(ctx, &kms.EnableKeyInput{KeyId: &arn})
	require.NoError(t, err)
	_, err = c.Encrypt(ctx, &kms.EncryptInput{KeyId: &arn, Plaintext: []byte("x")})
	require.NoError(t, err)
}
