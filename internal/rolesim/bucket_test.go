package rolesim_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
)

// widened is the export role after somebody has given it all rights.
func (w *world) widened(ctx context.Context) *s3.Client {
	w.t.Helper()
	role, err := w.i.ExportRole()
	require.NoError(w.t, err)
	w.PutRole(vault, awssim.Role{Name: role.Name, Trust: role.Trust, Policies: []*iampolicy.Document{awssim.Admin()}})
	cfg, err := w.assume(ctx, vault, role.Name)
	require.NoError(w.t, err)
	return s3.NewFromConfig(cfg)
}

// bucketAttacks are calls of a widened export role, by the action that the
// bucket's policy refuses.
func bucketAttacks(c *s3.Client, version *string) map[string]func(context.Context) error {
	name, key := aws.String(bucket), aws.String("kept")
	return map[string]func(context.Context) error{
		"s3:DeleteBucket": func(ctx context.Context) error { return did(c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: name})) },
		"s3:DeleteBucketPolicy": func(ctx context.Context) error {
			return did(c.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: name}))
		},
		"s3:PutBucketPolicy": func(ctx context.Context) error {
			return did(c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: name, Policy: aws.String(`{"Version":"2012-10-17","Statement":[]}`)}))
		},
		"s3:DeleteObject": func(ctx context.Context) error {
			return did(c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: name, Key: key}))
		},
		"s3:DeleteObjectVersion": func(ctx context.Context) error {
			return did(c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: name, Key: aws.String("loose"), VersionId: aws.String("none")}))
		},
		"s3:BypassGovernanceRetention": func(ctx context.Context) error {
			return did(c.PutObjectRetention(ctx, &s3.PutObjectRetentionInput{
				Bucket: name, Key: key, VersionId: version, BypassGovernanceRetention: aws.Bool(true),
				Retention: &types.ObjectLockRetention{Mode: types.ObjectLockRetentionModeGovernance, RetainUntilDate: aws.Time(time.Now().Add(time.Minute))},
			}))
		},
		"s3:PutBucketObjectLockConfiguration": func(ctx context.Context) error {
			return did(c.PutObjectLockConfiguration(ctx, &s3.PutObjectLockConfigurationInput{
				Bucket: name, ObjectLockConfiguration: &types.ObjectLockConfiguration{ObjectLockEnabled: types.ObjectLockEnabledEnabled},
			}))
		},
		"s3:PutBucketPublicAccessBlock": func(ctx context.Context) error {
			return did(c.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
				Bucket: name, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{},
			}))
		},
		"s3:PutBucketVersioning": func(ctx context.Context) error {
			return did(c.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
				Bucket: name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
			}))
		},
	}
}

// notServed are actions that the simulated AWS does not have. The evaluator
// alone is asked about them.
var notServed = map[string]bool{
	"s3:PutBucketAcl": true, "s3:PutEncryptionConfiguration": true, "s3:PutLifecycleConfiguration": true, "s3:PutObjectAcl": true,
	"s3:PutReplicationConfiguration": true, "iam:CreateLoginProfile": true, "iam:UpdateLoginProfile": true,
	"kms:DeleteImportedKeyMaterial": true, "organizations:LeaveOrganization": true,
}

// kept puts an object under retention and returns its version.
func (w *world) kept(ctx context.Context, c *s3.Client) *string {
	w.t.Helper()
	out, err := c.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String("kept"), ServerSideEncryption: types.ServerSideEncryptionAwsKms, SSEKMSKeyId: aws.String(w.key["vault"]),
		ObjectLockMode: types.ObjectLockModeGovernance, ObjectLockRetainUntilDate: aws.Time(time.Now().Add(24 * time.Hour)),
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
	})
	require.NoError(w.t, err)
	return out.VersionId
}

func TestTheBucketIsNotWeakened(t *testing.T) {
	var all []cut
	inWorld(t, nil, func(_ context.Context, w *world) {
		policy, err := w.i.VaultBucketPolicy()
		require.NoError(t, err)
		for _, c := range cuts("bucket", policy, iampolicy.Deny) {
			if c.statement == "NeverWeaken" {
				all = append(all, c)
			}
		}
	})
	require.Len(t, all, 14)
	for _, c := range all {
		if notServed[c.action] {
			continue
		}
		for _, whole := range []bool{true, false} {
			change := c.of
			if whole {
				change = unchanged
			}
			inWorld(t, nil, func(ctx context.Context, w *world) {
				w.stocked(ctx, change)
				role := w.widened(ctx)
				attack := bucketAttacks(role, w.kept(ctx, role))[c.action]
				require.NotNil(t, attack, c.action)
				require.Equal(t, whole, denied(attack(ctx)), "%v: %v", c, whole)
			})
		}
	}
}

func TestTheBucketKeepsOthersAndOtherKeysOut(t *testing.T) {
	for _, whole := range []bool{true, false} {
		for _, c := range []cut{{"bucket", "OnlyTheseRoles", "s3:*"}, {"bucket", "OnlyVaultKeys", "s3:PutObject"}} {
			change := c.of
			if whole {
				change = unchanged
			}
			inWorld(t, nil, func(ctx context.Context, w *world) {
				w.stocked(ctx, change)
				if c.statement == "OnlyTheseRoles" {
					_, err := s3.NewFromConfig(w.admin(vault)).ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
					require.Equal(t, whole, denied(err), "%v", err)
					return
				}
				key, err := kms.NewFromConfig(w.admin(vault)).CreateKey(ctx, nil)
				require.NoError(t, err)
				role := w.widened(ctx)
				require.NoError(t, put(ctx, role, "under the vault's key", w.key["vault"]))
				require.Equal(t, whole, denied(put(ctx, role, "hostage", *key.KeyMetadata.Arn)))
			})
		}
	}
}

// What the simulated AWS does not serve, or does not say of a request, is put
// to the evaluator.
func TestTheBucketByTheEvaluator(t *testing.T) {
	inWorld(t, nil, func(_ context.Context, w *world) {
		policy, err := w.i.VaultBucketPolicy()
		require.NoError(t, err)
		ask := func(doc *iampolicy.Document, action, secure string) iampolicy.Outcome {
			return iampolicy.Evaluate(iampolicy.Request{
				Principal: iampolicy.Principal{ARN: "arn:aws:sts::" + vault + ":assumed-role/snapkeep-export/x"}, Action: action,
				Resource: "arn:aws:s3:::" + bucket + "/kept", Context: map[string][]string{"aws:SecureTransport": {secure}},
			}, iampolicy.PolicySet{Identity: []*iampolicy.Document{awssim.Admin()}, Resource: doc}).Outcome
		}
		require.Equal(t, iampolicy.Allowed, ask(policy, "s3:GetObject", "true"))
		require.Equal(t, iampolicy.ExplicitDeny, ask(policy, "s3:GetObject", "false"))
		require.Equal(t, iampolicy.Allowed, ask(cut{"bucket", "OnlyTLS", "s3:*"}.of("bucket", policy), "s3:GetObject", "false"))
		for _, c := range cuts("bucket", policy, iampolicy.Deny) {
			if notServed[c.action] {
				require.Equal(t, iampolicy.ExplicitDeny, ask(policy, c.action, "true"), c.action)
				require.Equal(t, iampolicy.Allowed, ask(c.of("bucket", policy), c.action, "true"), c.action)
			}
		}
	})
}
