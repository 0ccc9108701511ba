package s3store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/manifest"
	"github.com/snapkeep/snapkeep/backup/manifest/s3store"
	"github.com/snapkeep/snapkeep/backup/manifest/storetest"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

const (
	vault  = "999999999999"
	region = "eu-west-1"
	bucket = "vault-manifests"
)

// A world is a vault with a locked bucket under the generated policies.
type world struct {
	t      *testing.T
	cloud  *awssim.Cloud
	key    string
	admin  *s3.Client // a key admin
	writer *s3.Client // the vault writer
}

func inWorld(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, cloud: awssim.New(awssim.Options{Seed: 1, Limits: core.Limits{Off: true}})}
		w.install()
		f(t, w)
		require.Empty(t, w.cloud.Misuse())
	})
}

// install makes key and bucket, puts the generated policies on them and the
// generated writer into the account.
func (w *world) install() {
	ctx := context.Background()
	root := w.cloud.Config(w.cloud.Root(vault), region)
	keys := kms.NewFromConfig(root)
	key, err := keys.CreateKey(ctx, nil)
	require.NoError(w.t, err)
	w.key = *key.KeyMetadata.Arn
	trust := &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{{
		Effect: iampolicy.Allow, Actions: iampolicy.Of("sts:AssumeRole"),
		Principal: &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of("arn:aws:iam::" + vault + ":root")}},
	}}}
	admin := w.cloud.PutRole(vault, awssim.Role{Name: "key-admin", Trust: trust, Policies: []*iampolicy.Document{awssim.Admin()}})
	i := iampolicy.Installation{
		Vault: vault, Orchestrator: "arn:aws:iam::" + vault + ":user/orchestrator", ExternalID: "vault-7c1e",
		Regions: []string{region}, VaultKeys: []string{w.key}, KeyAdmins: []string{admin}, Bucket: bucket, Manifests: true,
	}
	role, err := i.VaultWriter()
	require.NoError(w.t, err)
	writer := w.cloud.PutRole(vault, awssim.Role{Name: role.Name, Trust: trust, Policies: []*iampolicy.Document{role.Policy}})
	objects := s3.NewFromConfig(root)
	_, err = objects.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: aws.String(bucket), ObjectLockEnabledForBucket: aws.Bool(true),
		CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: region},
	})
	require.NoError(w.t, err)
	policy, err := i.VaultBucketPolicy()
	require.NoError(w.t, err)
	_, err = objects.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String(bucket), Policy: aws.String(text(w.t, policy))})
	require.NoError(w.t, err)
	policy, err = i.VaultKeyPolicy()
	require.NoError(w.t, err)
	_, err = keys.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: &w.key, Policy: aws.String(text(w.t, policy)), BypassPolicyLockoutSafetyCheck: true})
	require.NoError(w.t, err)
	user := w.cloud.User(vault, "host", awssim.Admin())
	w.admin, w.writer = w.as(user, admin), w.as(user, writer)
}

func text(t *testing.T, doc *iampolicy.Document) string {
	t.Helper()
	out, err := json.Marshal(doc)
	require.NoError(t, err)
	return string(out)
}

func (w *world) as(user aws.CredentialsProvider, role string) *s3.Client {
	w.t.Helper()
	out, err := sts.NewFromConfig(w.cloud.Config(user, region)).AssumeRole(context.Background(), &sts.AssumeRoleInput{
		RoleArn: &role, RoleSessionName: aws.String("night"),
	})
	require.NoError(w.t, err)
	c := out.Credentials
	return s3.NewFromConfig(w.cloud.Config(credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken), region))
}

func (w *world) store(opts s3store.Options) *s3store.Store {
	w.t.Helper()
	if opts.KMSKey == "" {
		opts.KMSKey = w.key
	}
	s, err := s3store.New(w.writer, bucket, opts)
	require.NoError(w.t, err)
	return s
}

var week = s3store.Options{Owner: vault, Mode: types.ObjectLockModeCompliance, Retain: 7 * 24 * time.Hour}

func key(ref backup.ManifestRef) *string { return aws.String("manifests/" + ref.Key()) }

func TestABucketIsAStore(t *testing.T) {
	for name, opts := range map[string]s3store.Options{"plain": {}, "locked": week} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				require.NoError(t, storetest.Check(t.Context(), w.store(opts)))
			})
		})
	}
}

// A manifest lies under the key and the lock that the options name.
func TestPutLocksAndEncrypts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ref, body := storetest.Body(1)
		require.NoError(t, w.store(week).Put(t.Context(), ref, body))
		out, err := w.writer.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: key(ref), ChecksumMode: types.ChecksumModeEnabled})
		require.NoError(t, err)
		require.Equal(t, w.key, *out.SSEKMSKeyId)
		require.NotEmpty(t, out.ChecksumSHA256)
		lock, err := w.admin.GetObjectRetention(t.Context(), &s3.GetObjectRetentionInput{Bucket: aws.String(bucket), Key: key(ref)})
		require.NoError(t, err)
		require.Equal(t, types.ObjectLockRetentionModeCompliance, lock.Retention.Mode)
		require.WithinDuration(t, time.Now().Add(week.Retain), *lock.Retention.RetainUntilDate, time.Minute)
	})
}

// Put of what is there makes no further version.
func TestPutTwiceIsOneVersion(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ref, body := storetest.Body(1)
		for range 3 {
			require.NoError(t, w.store(week).Put(t.Context(), ref, body))
		}
		require.Len(t, w.versions(ref), 1)
	})
}

func (w *world) versions(ref backup.ManifestRef) []types.ObjectVersion {
	w.t.Helper()
	out, err := w.admin.ListObjectVersions(w.t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String(bucket), Prefix: key(ref)})
	require.NoError(w.t, err)
	return out.Versions
}

// overwrite stands for who has got hold of the writer.
func (w *world) overwrite(ref backup.ManifestRef, text string) {
	w.t.Helper()
	_, err := w.writer.PutObject(w.t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: key(ref), Body: strings.NewReader(text)})
	require.NoError(w.t, err)
}

// What was put over a manifest does not count, nor does a delete marker: the
// lock keeps the first version.
func TestAnOverwrittenOrHiddenManifestIsFound(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		s := w.store(week)
		ref, body := storetest.Body(1)
		require.NoError(t, s.Put(t.Context(), ref, body))
		for range 20 {
			w.overwrite(ref, "tampered")
		}
		got, err := s.Get(t.Context(), ref)
		require.NoError(t, err)
		require.Equal(t, body, got)
		_, err = w.admin.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: key(ref)})
		require.NoError(t, err)
		got, err = s.Get(t.Context(), ref)
		require.NoError(t, err)
		require.Equal(t, body, got)
		_, err = w.admin.DeleteObject(t.Context(), &s3.DeleteObjectInput{
			Bucket: aws.String(bucket), Key: key(ref), VersionId: w.versions(ref)[20].VersionId, BypassGovernanceRetention: aws.Bool(true),
		})
		require.Error(t, err, "it is locked")
	})
}

// Without a good version what is there is returned, and refused by who asked;
// and Put mends it.
func TestATamperedObjectIsRefusedAndMended(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		s := w.store(s3store.Options{})
		ref, body := storetest.Body(1)
		w.overwrite(ref, "tampered")
		_, err := backup.ReadManifest(t.Context(), s, ref)
		require.ErrorIs(t, err, backup.ErrManifest)
		require.NotContains(t, err.Error(), "tampered")
		require.NoError(t, s.Put(t.Context(), ref, body))
		got, err := s.Get(t.Context(), ref)
		require.NoError(t, err)
		require.Equal(t, body, got)
		require.Len(t, w.versions(ref), 2)
	})
}

// The writer keeps manifests and nothing else in the bucket, and deletes none;
// nobody else gets at them.
func TestTheGeneratedPoliciesKeepManifests(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		s := w.store(week)
		ref, body := storetest.Body(1)
		require.NoError(t, s.Put(t.Context(), ref, body))
		require.ErrorIs(t, s.Delete(t.Context(), ref), backup.ErrDenied)
		elsewhere, err := s3store.New(w.writer, bucket, s3store.Options{Prefix: "exports/", KMSKey: w.key})
		require.NoError(t, err)
		require.ErrorIs(t, elsewhere.Put(t.Context(), ref, body), backup.ErrDenied)
		stranger := s3.NewFromConfig(w.cloud.Config(w.cloud.User(vault, "stranger", awssim.Admin()), region))
		theirs, err := s3store.New(stranger, bucket, s3store.Options{})
		require.NoError(t, err)
		_, err = theirs.Get(t.Context(), ref)
		require.ErrorIs(t, err, backup.ErrDenied)
		other, err := s3store.New(w.writer, bucket, s3store.Options{Owner: "222222222222"})
		require.NoError(t, err)
		_, err = other.Get(t.Context(), ref)
		require.ErrorIs(t, err, backup.ErrDenied, "the bucket is not that account's")
	})
}

// The sweep is an admin's: it hides what no point names, and the lock keeps it.
func TestASweepOfABucket(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for n := range 3 {
			ref, body := storetest.Body(n)
			require.NoError(t, w.store(week).Put(t.Context(), ref, body))
		}
		_, err := w.admin.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String(bucket), Key: aws.String("manifests/" + vault + "/plan-nightly/README"), Body: bytes.NewReader(nil),
		})
		require.NoError(t, err)
		time.Sleep(8 * 24 * time.Hour)
		kept, _ := storetest.Body(1)
		points := func(yield func(backup.Point, error) bool) { yield(backup.Point{ID: kept.Point, Plan: "nightly"}, nil) }
		s, err := s3store.New(w.fresh(), bucket, s3store.Options{})
		require.NoError(t, err)
		sweep, err := manifest.PlanSweep(t.Context(), s, vault, "nightly", points, time.Now(), 0)
		require.NoError(t, err)
		require.Equal(t, 1, sweep.Kept)
		removed, err := sweep.Run(t.Context(), s)
		require.NoError(t, err)
		require.Equal(t, 2, removed)
		left := 0
		for m, err := range s.List(t.Context(), vault, "nightly") {
			require.NoError(t, err)
			require.Equal(t, kept, m.Ref)
			left++
		}
		require.Equal(t, 1, left)
	})
}

// fresh is the admin, after its session has expired.
func (w *world) fresh() *s3.Client {
	return w.as(w.cloud.User(vault, "host", awssim.Admin()), "arn:aws:iam::"+vault+":role/key-admin")
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	api := s3.New(s3.Options{})
	for want, opts := range map[string]s3store.Options{
		"Options.Prefix": {Prefix: "manifests"},
		"Options.Owner":  {Owner: "12"},
		"Options.Mode":   {Mode: "FOREVER", Retain: time.Hour},
		"go together":    {Mode: types.ObjectLockModeGovernance},
		"negative":       {Mode: types.ObjectLockModeGovernance, Retain: -1},
	} {
		_, err := s3store.New(api, bucket, opts)
		require.ErrorContains(t, err, want)
	}
	_, err := s3store.New(nil, "", s3store.Options{})
	require.ErrorContains(t, err, "no API")
	require.ErrorContains(t, err, "no bucket")
}
