package s3sim_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

const (
	account = "111111111111"
	other   = "222222222222"
	region  = "eu-west-1"
	store   = "vault.manifests-1" // its dot must survive addressing
)

// A world is a cloud under test.
type world struct {
	*awssim.Cloud
	t  testing.TB
	s3 *s3.Client // of an administrator
}

// inWorld runs a test in a bubble in which time is simulated.
func inWorld(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newWorld(t)) })
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, Cloud: awssim.New(awssim.Options{Seed: 1, Latency: -1, Limits: core.Limits{Off: true}})}
	t.Cleanup(func() { require.Empty(t, w.Misuse()) })
	w.s3 = w.as(account, "admin", awssim.Admin())
	return w
}

func (w *world) config(acct, name string, policies ...*iampolicy.Document) aws.Config {
	cfg := w.Config(w.User(acct, name, policies...), region)
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return cfg
}

func (w *world) as(acct, name string, policies ...*iampolicy.Document) *s3.Client {
	return s3.NewFromConfig(w.config(acct, name, policies...))
}

// in is an administrator's client in another Region.
func (w *world) in(region string) *s3.Client {
	cfg := w.config(account, "admin", awssim.Admin())
	cfg.Region = region
	return s3.NewFromConfig(cfg)
}

// bucket makes a bucket; change may be nil.
func (w *world) bucket(name string, change func(*s3.CreateBucketInput)) {
	w.t.Helper()
	in := &s3.CreateBucketInput{Bucket: &name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: region}}
	if change != nil {
		change(in)
	}
	_, err := w.s3.CreateBucket(w.t.Context(), in)
	require.NoError(w.t, err)
}

func locked(in *s3.CreateBucketInput) { in.ObjectLockEnabledForBucket = aws.Bool(true) }

func (w *world) versioned(name string) {
	w.t.Helper()
	w.bucket(name, nil)
	w.versioning(name, types.BucketVersioningStatusEnabled)
}

func (w *world) versioning(name string, status types.BucketVersioningStatus) {
	w.t.Helper()
	_, err := w.s3.PutBucketVersioning(w.t.Context(), &s3.PutBucketVersioningInput{
		Bucket: &name, VersioningConfiguration: &types.VersioningConfiguration{Status: status},
	})
	require.NoError(w.t, err)
}

// put puts an object and returns its version id.
func (w *world) put(key, text string) string {
	w.t.Helper()
	out, err := w.s3.PutObject(w.t.Context(), &s3.PutObjectInput{Bucket: aws.String(store), Key: &key, Body: strings.NewReader(text)})
	require.NoError(w.t, err)
	return aws.ToString(out.VersionId)
}

// get returns an object's text, or the code of the error.
func (w *world) get(key string, version ...string) (text, problem string) {
	w.t.Helper()
	in := &s3.GetObjectInput{Bucket: aws.String(store), Key: &key}
	if len(version) > 0 {
		in.VersionId = &version[0]
	}
	out, err := w.s3.GetObject(w.t.Context(), in)
	if err != nil {
		return "", code(w.t, err)
	}
	return read(w.t, out.Body), ""
}

func read(t testing.TB, body io.ReadCloser) string {
	t.Helper()
	var b bytes.Buffer
	_, err := b.ReadFrom(body)
	require.NoError(t, err)
	require.NoError(t, body.Close())
	return b.String()
}

func (w *world) policy(text string) error {
	_, err := w.s3.PutBucketPolicy(w.t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String(store), Policy: &text})
	return err
}

func (w *world) key(policy string) string {
	w.t.Helper()
	in := &kms.CreateKeyInput{}
	if policy != "" {
		in.Policy = &policy
	}
	out, err := kms.NewFromConfig(w.config(account, "admin", awssim.Admin())).CreateKey(w.t.Context(), in)
	require.NoError(w.t, err)
	return *out.KeyMetadata.Arn
}

func parse(t testing.TB, statements ...string) *iampolicy.Document {
	t.Helper()
	d, err := iampolicy.Parse([]byte(document(statements...)))
	require.NoError(t, err)
	return d
}

func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func allow(actions ...string) string {
	return `{"Effect":"Allow","Action":["` + strings.Join(actions, `","`) + `"],"Resource":"*"}`
}

// code of an API error; empty for nil.
func code(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	return api.ErrorCode()
}
