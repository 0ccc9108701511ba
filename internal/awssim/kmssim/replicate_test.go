package kmssim_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim"
)

const (
	far     = "us-east-1"
	farther = "eu-central-1"
)

// multiRegion makes a primary key and, in another Region, its replica.
func multiRegion(t testing.TB, cloud *awssim.Cloud) (primary, replica string) {
	t.Helper()
	ctx := context.Background()
	made, err := admin(cloud, account).CreateKey(ctx, &kms.CreateKeyInput{MultiRegion: aws.Bool(true), Description: aws.String("first")})
	require.NoError(t, err)
	m := made.KeyMetadata
	require.True(t, strings.HasPrefix(*m.KeyId, "mrk-") && len(*m.KeyId) == 36, *m.KeyId)
	require.Equal(t, types.MultiRegionKeyTypePrimary, m.MultiRegionConfiguration.MultiRegionKeyType)
	out, err := admin(cloud, account).ReplicateKey(ctx, &kms.ReplicateKeyInput{KeyId: m.Arn, ReplicaRegion: aws.String(far)})
	require.NoError(t, err)
	r := out.ReplicaKeyMetadata
	require.Equal(t, *m.KeyId, *r.KeyId)
	require.Equal(t, types.KeyStateCreating, r.KeyState)
	require.Empty(t, *r.Description, "what the primary has is not copied")
	return *m.Arn, *r.Arn
}

func TestRelatedKeysReadEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		cloud := newCloud(t)
		primary, replica := multiRegion(t, cloud)
		here, there := admin(cloud, account), kmsIn(cloud, far)
		sealed, err := here.Encrypt(ctx, &kms.EncryptInput{KeyId: &primary, Plaintext: []byte("secret")})
		require.NoError(t, err)
		decrypt := func(c *kms.Client) (string, string) {
			out, err := c.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
			if err != nil {
				return "", code(t, err)
			}
			return string(out.Plaintext), *out.KeyId
		}
		_, problem := decrypt(there)
		require.Equal(t, "KMSInvalidStateException", problem, "it is being made")
		time.Sleep(5 * time.Second)
		plain, by := decrypt(there)
		require.Equal(t, "secret", plain)
		require.Equal(t, replica, by)
		_, problem = decrypt(kmsIn(cloud, farther))
		require.Equal(t, "AccessDeniedException", problem, "no related key is there")

		// Each has a life of its own.
		_, err = here.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &primary})
		require.NoError(t, err)
		plain, _ = decrypt(there)
		require.Equal(t, "secret", plain)
		_, err = there.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: &replica, Policy: aws.String(keyPolicy(`{"Effect":"Deny","Principal":"*","Action":"kms:Decrypt","Resource":"*"}`))})
		require.NoError(t, err)
		_, problem = decrypt(there)
		require.Equal(t, "AccessDeniedException", problem)
		d, err := there.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &replica})
		require.NoError(t, err)
		c := d.KeyMetadata.MultiRegionConfiguration
		require.Equal(t, types.MultiRegionKeyTypeReplica, c.MultiRegionKeyType)
		require.Equal(t, primary, *c.PrimaryKey.Arn)
		require.Equal(t, []types.MultiRegionKey{{Arn: &replica, Region: aws.String(far)}}, c.ReplicaKeys)
	})
}

func TestWhatCanBeReplicated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := newCloud(t)
		primary, replica := multiRegion(t, cloud)
		time.Sleep(time.Minute)
		single := newKey(t, admin(cloud, account), "")
		for _, tt := range []struct {
			name, key, from, to, want string
		}{
			{"a single-Region key", single, region, far, "UnsupportedOperationException"},
			{"a replica", replica, far, farther, "UnsupportedOperationException"},
			{"twice to one Region", primary, region, far, "AlreadyExistsException"},
			{"to its own Region", primary, region, region, "AlreadyExistsException"},
			{"to nowhere", primary, region, "eu-west-9", "ValidationException"},
			{"to another partition", primary, region, "cn-north-1", "ValidationException"},
			{"to a third Region", primary, region, farther, ""},
		} {
			_, err := kmsIn(cloud, tt.from).ReplicateKey(t.Context(), &kms.ReplicateKeyInput{KeyId: &tt.key, ReplicaRegion: &tt.to})
			require.Equal(t, tt.want, code(t, err), tt.name)
		}
	})
}

func TestReplicationIsAuthorizedInBothRegions(t *testing.T) {
	cloud := newCloud(t)
	primary, _ := multiRegion(t, cloud)
	both := `"Action":["kms:ReplicateKey","kms:CreateKey"],"Resource":"*"`
	for _, tt := range []struct{ policy, want string }{
		{`"Action":"kms:ReplicateKey","Resource":"*"`, "AccessDeniedException"},
		{`"Action":"kms:CreateKey","Resource":"*"`, "AccessDeniedException"},
		{both + `,"Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}`, "AccessDeniedException"},
		{both + `,"Condition":{"StringEqualsIfExists":{"kms:ReplicaRegion":"us-west-2"}}`, "AccessDeniedException"},
		{both + `,"Condition":{"StringEquals":{"kms:MultiRegionKeyType":"PRIMARY"}}`, "AccessDeniedException"},
		{both + `,"Condition":{"StringEquals":{"kms:MultiRegionKeyType":["PRIMARY","REPLICA"]},"Bool":{"kms:MultiRegion":"true"}}`, ""},
		{both, "AlreadyExistsException"},
	} {
		bob := client(cloud, account, "bob", parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",`+tt.policy+`}]}`))
		_, err := bob.ReplicateKey(t.Context(), &kms.ReplicateKeyInput{
			KeyId: &primary, ReplicaRegion: aws.String(farther), BypassPolicyLockoutSafetyCheck: true,
		})
		require.Equal(t, tt.want, code(t, err), tt.policy)
	}
	// The first multi-Region key of an account makes a role.
	eve := client(cloud, other, "eve", allow(t, "kms:CreateKey"))
	_, err := eve.CreateKey(t.Context(), &kms.CreateKeyInput{MultiRegion: aws.Bool(true), BypassPolicyLockoutSafetyCheck: true})
	require.Equal(t, "AccessDeniedException", code(t, err))
	require.ErrorContains(t, err, "iam:CreateServiceLinkedRole")
	eve = client(cloud, other, "eve", allow(t, "kms:CreateKey", "iam:CreateServiceLinkedRole"))
	_, err = eve.CreateKey(t.Context(), &kms.CreateKeyInput{MultiRegion: aws.Bool(true), BypassPolicyLockoutSafetyCheck: true})
	require.NoError(t, err)
}

// A primary key is deleted after its replicas.
func TestPrimaryWaitsForItsReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		cloud := newCloud(t)
		primary, replica := multiRegion(t, cloud)
		time.Sleep(time.Minute)
		here, there := admin(cloud, account), kmsIn(cloud, far)
		out, err := here.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &primary, PendingWindowInDays: aws.Int32(10)})
		require.NoError(t, err)
		require.Equal(t, types.KeyStatePendingReplicaDeletion, out.KeyState)
		require.Nil(t, out.DeletionDate)
		state := func() *types.KeyMetadata {
			d, err := here.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &primary})
			if err != nil {
				require.Equal(t, "NotFoundException", code(t, err))
				return nil
			}
			return d.KeyMetadata
		}
		time.Sleep(100 * 24 * time.Hour)
		require.Equal(t, int32(10), *state().PendingDeletionWindowInDays)
		_, err = there.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &replica, PendingWindowInDays: aws.Int32(7)})
		require.NoError(t, err)
		time.Sleep(7*24*time.Hour + time.Second)
		require.Equal(t, types.KeyStatePendingDeletion, state().KeyState)
		require.WithinDuration(t, time.Now().Add(10*24*time.Hour), *state().DeletionDate, time.Minute)
		time.Sleep(10 * 24 * time.Hour)
		require.Nil(t, state())
	})
}

func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		cloud := newCloud(t)
		primary, replica := multiRegion(t, cloud)
		time.Sleep(time.Minute)
		here, there := admin(cloud, account), kmsIn(cloud, far)
		_, err := there.EnableKeyRotation(ctx, &kms.EnableKeyRotationInput{KeyId: &replica})
		require.Equal(t, "UnsupportedOperationException", code(t, err))
		_, err = here.EnableKeyRotation(ctx, &kms.EnableKeyRotationInput{KeyId: &primary, RotationPeriodInDays: aws.Int32(89)})
		require.Equal(t, "ValidationException", code(t, err))
		_, err = here.EnableKeyRotation(ctx, &kms.EnableKeyRotationInput{KeyId: &primary, RotationPeriodInDays: aws.Int32(90)})
		require.NoError(t, err)
		time.Sleep(100 * 24 * time.Hour)
		out, err := there.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: &replica})
		require.NoError(t, err)
		require.True(t, out.KeyRotationEnabled)
		require.WithinDuration(t, time.Now().Add(80*24*time.Hour), *out.NextRotationDate, time.Minute)
		_, err = here.DisableKeyRotation(ctx, &kms.DisableKeyRotationInput{KeyId: &primary})
		require.NoError(t, err)
		out, err = here.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: &primary})
		require.NoError(t, err)
		require.False(t, out.KeyRotationEnabled)
	})
}
