package rolesim_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	ebstypes "github.com/aws/aws-sdk-go-v2/service/ebs/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// stocked puts two snapshots of one volume into the vault, and one more that
// is not the vault's own, under the vault's key; then the generated policies
// of the vault's key and bucket, which shut the account's administrator out.
func (w *world) stocked(ctx context.Context, change func(string, *iampolicy.Document) *iampolicy.Document) (copies []string, foreign string) {
	w.t.Helper()
	admin := ec2.NewFromConfig(w.admin(vault))
	volume, err := admin.CreateVolume(ctx, &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String(region + "a"), Size: aws.Int32(1), Encrypted: aws.Bool(true), KmsKeyId: aws.String(w.key["vault"]),
	})
	require.NoError(w.t, err)
	time.Sleep(time.Minute)
	for n := range 2 {
		ref := ec2sim.Ref{Site: ec2sim.Site{Account: vault, Region: region}, ID: *volume.VolumeId}
		require.NoError(w.t, w.EC2().WriteVolume(ref, int64(n), []byte("data")))
		copies = append(copies, w.snapshot(ctx, vault, *volume.VolumeId, own...))
	}
	foreign = w.snapshot(ctx, vault, *volume.VolumeId)
	objects := s3.NewFromConfig(w.admin(vault))
	_, err = objects.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: aws.String(bucket), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: region},
		ObjectLockEnabledForBucket: aws.Bool(true),
	})
	require.NoError(w.t, err)
	policy, err := w.i.VaultBucketPolicy()
	require.NoError(w.t, err)
	_, err = objects.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String(bucket), Policy: aws.String(text(w.t, change("bucket", policy)))})
	require.NoError(w.t, err)
	policy, err = w.i.VaultKeyPolicy()
	require.NoError(w.t, err)
	w.putKeyPolicy(ctx, vault, "vault", change("vault key", policy))
	return copies, foreign
}

func unchanged(_ string, doc *iampolicy.Document) *iampolicy.Document { return doc }

func text(t testing.TB, doc *iampolicy.Document) string {
	t.Helper()
	out, err := json.Marshal(doc)
	require.NoError(t, err)
	return string(out)
}

func (w *world) putKeyPolicy(ctx context.Context, account, key string, doc *iampolicy.Document) {
	w.t.Helper()
	_, err := kms.NewFromConfig(w.admin(account)).PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{
		KeyId: aws.String(w.key[key]), Policy: aws.String(text(w.t, doc)), BypassPolicyLockoutSafetyCheck: true,
	})
	require.NoError(w.t, err)
}

// exported tells the export role's story in a world whose vault has documents
// changed.
func exported(change func(string, *iampolicy.Document) *iampolicy.Document) story {
	return func(ctx context.Context, w *world) error {
		copies, _ := w.stocked(ctx, change)
		cfg, err := w.assume(ctx, vault, "snapkeep-export")
		if err != nil {
			return err
		}
		return steps(
			func() error { return did(ec2.NewFromConfig(cfg).DescribeSnapshots(ctx, nil)) },
			func() error { return readBlocks(ctx, ebs.NewFromConfig(cfg), copies[0], copies[1]) },
			func() error { return writeObjects(ctx, s3.NewFromConfig(cfg), w.key["vault"]) },
		)
	}
}

func readBlocks(ctx context.Context, c *ebs.Client, first, second string) error {
	blocks, err := c.ListSnapshotBlocks(ctx, &ebs.ListSnapshotBlocksInput{SnapshotId: &first})
	if err != nil {
		return err
	}
	if _, err := c.ListChangedBlocks(ctx, &ebs.ListChangedBlocksInput{FirstSnapshotId: &first, SecondSnapshotId: &second}); err != nil {
		return err
	}
	return did(c.GetSnapshotBlock(ctx, &ebs.GetSnapshotBlockInput{
		SnapshotId: &first, BlockIndex: blocks.Blocks[0].BlockIndex, BlockToken: blocks.Blocks[0].BlockToken,
	}))
}

func put(ctx context.Context, c *s3.Client, name, key string) error {
	in := &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &name, Body: strings.NewReader("blocks")}
	if key != "" {
		in.ServerSideEncryption, in.SSEKMSKeyId = s3types.ServerSideEncryptionAwsKms, &key
	}
	return did(c.PutObject(ctx, in))
}

func writeObjects(ctx context.Context, c *s3.Client, key string) error {
	return steps(
		func() error { return put(ctx, c, "first", key) },
		func() error {
			return did(c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("first")}))
		},
		func() error { return did(c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})) },
		func() error { return parts(ctx, c, key) },
	)
}

// parts begins a large object twice: one is given up, one is put together.
func parts(ctx context.Context, c *s3.Client, key string) error {
	for _, name := range []string{"given up", "large"} {
		begun, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
			Bucket: aws.String(bucket), Key: &name, ServerSideEncryption: s3types.ServerSideEncryptionAwsKms, SSEKMSKeyId: &key,
		})
		if err != nil {
			return err
		}
		if name == "given up" {
			if err := did(c.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: aws.String(bucket), Key: &name, UploadId: begun.UploadId})); err != nil {
				return err
			}
			continue
		}
		part, err := c.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: aws.String(bucket), Key: &name, UploadId: begun.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("blocks"),
		})
		if err != nil {
			return err
		}
		_, err = c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: aws.String(bucket), Key: &name, UploadId: begun.UploadId,
			MultipartUpload: &s3types.CompletedMultipartUpload{Parts: []s3types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag}}},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// imported uses every right of the import role.
func imported(ctx context.Context, w *world) error {
	cfg, err := w.assume(ctx, clean, "snapkeep-import")
	if err != nil {
		return err
	}
	_, err = w.write(ctx, cfg, w.key["clean"], "snapkeep:restore", "r1")
	return err
}

func (w *world) write(ctx context.Context, cfg aws.Config, key string, pairs ...string) (string, error) {
	c := ebs.NewFromConfig(cfg)
	in := &ebs.StartSnapshotInput{VolumeSize: aws.Int64(1), Encrypted: aws.Bool(true), KmsKeyArn: &key}
	for n := 0; n < len(pairs); n += 2 {
		in.Tags = append(in.Tags, ebstypes.Tag{Key: &pairs[n], Value: &pairs[n+1]})
	}
	begun, err := c.StartSnapshot(ctx, in)
	if err != nil {
		return "", err
	}
	return *begun.SnapshotId, steps(
		func() error { return did(ec2.NewFromConfig(cfg).DescribeSnapshots(ctx, nil)) },
		func() error { return putBlock(ctx, c, *begun.SnapshotId) },
		func() error {
			return did(c.CompleteSnapshot(ctx, &ebs.CompleteSnapshotInput{SnapshotId: begun.SnapshotId, ChangedBlocksCount: aws.Int32(1)}))
		},
		func() error { return usable(ctx, w, *begun.SnapshotId) },
	)
}

func putBlock(ctx context.Context, c *ebs.Client, id string) error {
	block := bytes.Repeat([]byte{1}, 512<<10)
	sum := sha256.Sum256(block)
	return did(c.PutSnapshotBlock(ctx, &ebs.PutSnapshotBlockInput{
		SnapshotId: &id, BlockIndex: aws.Int32(0), BlockData: bytes.NewReader(block), DataLength: aws.Int32(512 << 10),
		Checksum: aws.String(base64.StdEncoding.EncodeToString(sum[:])), ChecksumAlgorithm: ebstypes.ChecksumAlgorithmChecksumAlgorithmSha256,
	}))
}

func usable(ctx context.Context, w *world, id string) error {
	return completed(ctx, ec2.NewFromConfig(w.admin(clean)), id)
}

// original makes an encrypted snapshot in the target, shared with the vault.
func (w *world) original(ctx context.Context) string {
	w.t.Helper()
	admin := ec2.NewFromConfig(w.admin(target))
	volume, err := admin.CreateVolume(ctx, &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String(region + "a"), Size: aws.Int32(1), Encrypted: aws.Bool(true), KmsKeyId: aws.String(w.key["source"]),
	})
	require.NoError(w.t, err)
	time.Sleep(time.Minute)
	id := w.snapshot(ctx, target, *volume.VolumeId, own...)
	require.NoError(w.t, share(ctx, admin, id, types.OperationTypeAdd, vault))
	policy, err := w.i.SourceKeyPolicy(target)
	require.NoError(w.t, err)
	w.putKeyPolicy(ctx, target, "source", policy)
	return id
}

// copied uses every right of the vault writer, locks and images among them.
func copied(ctx context.Context, w *world) error {
	original := w.original(ctx)
	cfg, err := w.assume(ctx, vault, "snapkeep-vault-writer")
	if err != nil {
		return err
	}
	c := ec2.NewFromConfig(cfg)
	var id string
	return steps(
		func() error { return list(ctx, c) },
		func() (err error) { id, err = copyOf(ctx, c, original, w.key["vault"], own...); return err },
		func() error { return lock(ctx, c, id, 7) },
		func() error { return completed(ctx, ec2.NewFromConfig(w.admin(vault)), id) },
		func() error { return did(registerAs(ctx, c, id, own...)) },
	)
}

// dropped uses every right of the vault pruner.
func dropped(ctx context.Context, w *world) error {
	copies, _ := w.stocked(ctx, unchanged)
	image, err := registerAs(ctx, ec2.NewFromConfig(w.admin(vault)), copies[0], own...)
	require.NoError(w.t, err)
	cfg, err := w.assume(ctx, vault, "snapkeep-vault-pruner")
	if err != nil {
		return err
	}
	c := ec2.NewFromConfig(cfg)
	return steps(
		func() error { return did(c.DeregisterImage(ctx, &ec2.DeregisterImageInput{ImageId: &image})) },
		func() error { return did(c.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: &copies[0]})) },
	)
}

func TestVaultWriterNeedsAllItHas(t *testing.T) {
	needed(t, "snapkeep-vault-writer", roleOf(iampolicy.Installation.VaultWriter), copied)
}

func TestVaultPrunerNeedsAllItHas(t *testing.T) {
	needed(t, "snapkeep-vault-pruner", roleOf(iampolicy.Installation.VaultPruner), dropped)
}

func TestExportRoleNeedsAllItHas(t *testing.T) {
	needed(t, "snapkeep-export", roleOf(iampolicy.Installation.ExportRole), exported(unchanged))
}

func TestImportRoleNeedsAllItHas(t *testing.T) {
	needed(t, "snapkeep-import", roleOf(func(i iampolicy.Installation) (iampolicy.Role, error) { return i.ImportRole(clean) }), imported)
}

// The policies of the bucket and of the vault's key let the export role do
// what it is for by nothing that could be left out.
func TestExportNeedsAllThatTheBucketAndTheKeyAllow(t *testing.T) {
	var all []cut
	inWorld(t, nil, func(_ context.Context, w *world) {
		policy, err := w.i.VaultBucketPolicy()
		require.NoError(t, err)
		all = cuts("bucket", policy, iampolicy.Allow)
		key, err := w.i.VaultKeyPolicy()
		require.NoError(t, err)
		for _, c := range cuts("vault key", key, iampolicy.Allow) {
			if strings.HasPrefix(c.statement, "Exporter") {
				all = append(all, c)
			}
		}
	})
	require.Len(t, all, 7)
	for _, c := range all {
		inWorld(t, nil, func(ctx context.Context, w *world) {
			require.Error(t, exported(c.of)(ctx, w), "%v: the story passes without it", c)
		})
	}
}
