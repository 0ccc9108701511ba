package s3store

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/manifest"
	"github.com/snapkeep/snapkeep/internal/awscall"
)

// An API is what a store calls. *s3.Client is one.
type API interface {
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
	ListObjectVersions(context.Context, *s3.ListObjectVersionsInput, ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error)
}

// Options are what a store can be told. The zero Options work.
type Options struct {
	// Prefix of all keys, with a slash at its end. Empty means "manifests/",
	// which is what the generated policies name.
	Prefix string
	// Owner is the account that the bucket must belong to: S3 refuses every call
	// if it is another's. Empty means that it is not asked.
	Owner accounts.ID
	// KMSKey is the ARN of the key that manifests are written under. Empty means
	// the bucket's default encryption.
	KMSKey string
	// Mode and Retain lock every manifest when it is put. They need a bucket
	// with object lock. An empty Mode means the bucket's default retention, if it
	// has one.
	Mode types.ObjectLockMode
	// Retain is how long after it was put a manifest is locked. It needs a Mode;
	// let it be as long as the point is kept.
	Retain time.Duration
}

// A Store keeps manifests in a bucket.
type Store struct {
	api    API
	bucket string
	opts   Options // resolved
}

var (
	_ backup.Manifests   = (*Store)(nil)
	_ manifest.Sweepable = (*Store)(nil)
	_ API                = (*s3.Client)(nil)
)

// New returns a store in a bucket, which must exist. It does no I/O. Its error
// joins all that is wrong with the arguments.
func New(api API, bucket string, opts Options) (*Store, error) {
	var errs []error
	if api == nil {
		errs = append(errs, errors.New("s3store: no API"))
	}
	if bucket == "" {
		errs = append(errs, errors.New("s3store: no bucket"))
	}
	if opts.Prefix == "" {
		opts.Prefix = "manifests/"
	}
	if !strings.HasSuffix(opts.Prefix, "/") || strings.HasPrefix(opts.Prefix, "/") {
		errs = append(errs, fmt.Errorf("s3store: Options.Prefix %q: want a slash at its end, and none at its beginning", opts.Prefix))
	}
	if opts.Owner != "" {
		if _, err := accounts.ParseID(string(opts.Owner)); err != nil {
			errs = append(errs, fmt.Errorf("s3store: Options.Owner %q is not an account id of 12 digits", string(opts.Owner)))
		}
	}
	switch opts.Mode {
	case "", types.ObjectLockModeGovernance, types.ObjectLockModeCompliance:
	default:
		errs = append(errs, fmt.Errorf("s3store: Options.Mode %q is none that S3 knows", opts.Mode))
	}
	if (opts.Mode == "") != (opts.Retain == 0) || opts.Retain < 0 {
		errs = append(errs, errors.New("s3store: Options.Mode and Options.Retain go together, and Retain is not negative"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Store{api: api, bucket: bucket, opts: opts}, nil
}

func (s *Store) key(ref backup.ManifestRef) *string { return aws.String(s.opts.Prefix + ref.Key()) }

func (s *Store) owner() *string {
	if s.opts.Owner == "" {
		return nil
	}
	return aws.String(string(s.opts.Owner))
}

// conflicts is how often a Put is repeated while another is under way (S3 User
// Guide, "Conditional writes": 409 Conflict).
const conflicts = 5

// Put writes an object where none is. If there is one that is not what it
// should be, somebody tampered with it, and it is written over: in a bucket
// with versions nothing is lost.
func (s *Store) Put(ctx context.Context, ref backup.ManifestRef, body []byte) error {
	if err := ref.Validate(); err != nil {
		return err
	}
	what := "put manifest " + ref.Key()
	if len(body) > backup.MaxManifest || backup.ManifestDigest(body) != ref.Digest {
		return fmt.Errorf("%s: %w: its %d bytes are too many or have another digest", what, backup.ErrManifest, len(body))
	}
	for try := 1; ; try++ {
		err := s.put(ctx, ref, body, aws.String("*"))
		switch code := codeOf(err); {
		case code == "PreconditionFailed":
			got, err := s.get(ctx, ref, nil)
			if err == nil && bytes.Equal(got, body) {
				return nil
			}
			return awscall.Wrap(what, s.put(ctx, ref, body, nil))
		case code == "ConditionalRequestConflict" && try < conflicts:
			if err := pause(ctx, time.Duration(try)*time.Second); err != nil {
				return err
			}
		case err != nil:
			return awscall.Wrap(what, err)
		default:
			return nil
		}
	}
}

// put writes an object; ifNone "*" only where none is.
func (s *Store) put(ctx context.Context, ref backup.ManifestRef, body []byte, ifNone *string) error {
	sum, err := hex.DecodeString(ref.Digest)
	if err != nil {
		return err
	}
	in := &s3.PutObjectInput{
		Bucket: &s.bucket, Key: s.key(ref), ExpectedBucketOwner: s.owner(), IfNoneMatch: ifNone,
		Body: bytes.NewReader(body), ContentType: aws.String("application/json"),
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256, ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum)),
	}
	if s.opts.KMSKey != "" {
		in.ServerSideEncryption, in.SSEKMSKeyId = types.ServerSideEncryptionAwsKms, aws.String(s.opts.KMSKey)
		in.BucketKeyEnabled = aws.Bool(true) // one call to KMS for many objects
	}
	if s.opts.Mode != "" {
		in.ObjectLockMode, in.ObjectLockRetainUntilDate = s.opts.Mode, aws.Time(time.Now().Add(s.opts.Retain).UTC())
	}
	_, err = s.api.PutObject(ctx, in)
	return err
}

// pause waits, or returns why not.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Get reads an object. If it is not what it should be, or gone, it looks for a
// good one among the older versions.
func (s *Store) Get(ctx context.Context, ref backup.ManifestRef) ([]byte, error) {
	if err := ref.Validate(); err != nil {
		return nil, err
	}
	body, err := s.get(ctx, ref, nil)
	if err == nil && backup.ManifestDigest(body) == ref.Digest {
		return body, nil
	}
	if err != nil && !errors.Is(err, backup.ErrNotFound) {
		return nil, err
	}
	if older := s.older(ctx, ref); older != nil {
		return older, nil
	}
	return body, err
}

// get reads one version of an object, the current one if it is nil, and no more
// of it than a manifest may have.
func (s *Store) get(ctx context.Context, ref backup.ManifestRef, version *string) ([]byte, error) {
	what := "get manifest " + ref.Key()
	out, err := s.api.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &s.bucket, Key: s.key(ref), VersionId: version, ExpectedBucketOwner: s.owner(),
	})
	if code := codeOf(err); code == "NoSuchKey" || code == "NoSuchVersion" {
		return nil, fmt.Errorf("%s: %w", what, backup.ErrNotFound)
	}
	if err != nil {
		return nil, awscall.Wrap(what, err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(io.LimitReader(out.Body, backup.MaxManifest+1))
	if err != nil {
		return nil, awscall.Wrap(what, err)
	}
	return body, nil
}

const (
	// maxVersions is how many versions of an object are read, the oldest first:
	// what was put first was put by an engine.
	maxVersions = 8
	// maxVersionPages is how many pages of versions are listed to find them.
	maxVersionPages = 10
)

// older returns a version with the right digest, nil if there is none, or none
// that may be read.
func (s *Store) older(ctx context.Context, ref backup.ManifestRef) []byte {
	var versions []types.ObjectVersion
	pages := s3.NewListObjectVersionsPaginator(s.api, &s3.ListObjectVersionsInput{
		Bucket: &s.bucket, Prefix: s.key(ref), ExpectedBucketOwner: s.owner(),
	})
	for n := 0; pages.HasMorePages() && n < maxVersionPages; n++ {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil // who may not list versions has none
		}
		for _, v := range page.Versions { // the newest first
			if aws.ToString(v.Key) == *s.key(ref) {
				versions = append(versions, v)
			}
		}
		versions = versions[max(0, len(versions)-maxVersions):]
	}
	for i := len(versions) - 1; i >= 0; i-- {
		body, err := s.get(ctx, ref, versions[i].VersionId)
		if err == nil && backup.ManifestDigest(body) == ref.Digest {
			return body
		}
	}
	return nil
}

// codeOf returns AWS's code of an error, empty if it has none.
func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
