package s3sim

import (
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A sending is what the ways to make an object have in common.
type sending struct {
	bucket, owner *string // owner: that the caller expects
	key           string
	about         about
	lock          lockRequest
	encryption    encryption
	class         types.StorageClass
	acl           types.ObjectCannedACL
	ifMatch       *string
	ifNoneMatch   *string
	keys          map[string][]string // more condition keys
}

// PutObject makes an object of the whole body.
func (s *Service) PutObject(c *core.Call, in *s3.PutObjectInput) (*s3.PutObjectOutput, error) {
	if err := c.Refuse(in, append(notStored, "WriteOffsetBytes")...); err != nil {
		return nil, err
	}
	sent := sending{
		bucket: in.Bucket, owner: in.ExpectedBucketOwner, key: aws.ToString(in.Key), class: in.StorageClass, acl: in.ACL,
		about: about{
			aws.ToString(in.ContentType), aws.ToString(in.CacheControl), aws.ToString(in.ContentDisposition),
			aws.ToString(in.ContentEncoding), aws.ToString(in.ContentLanguage), in.Expires, cloneMetadata(in.Metadata),
		},
		lock:       lockRequest{in.ObjectLockMode, in.ObjectLockRetainUntilDate, in.ObjectLockLegalHoldStatus},
		encryption: encryption{in.ServerSideEncryption, in.SSEKMSKeyId, in.BucketKeyEnabled},
		ifMatch:    in.IfMatch, ifNoneMatch: in.IfNoneMatch, keys: core.Keys("s3:ObjectCreationOperation", "true"),
	}
	b, v, err := s.prepare(c, sent)
	if err != nil {
		return nil, err
	}
	if v.data, err = io.ReadAll(in.Body); err != nil {
		return nil, badRequest("IncompleteBody", err.Error())
	}
	l := claims{in.ChecksumCRC32, in.ChecksumCRC32C, in.ChecksumCRC64NVME, in.ChecksumSHA1, in.ChecksumSHA256, in.ContentMD5}
	if v.sums, err = l.kept(v.data); err != nil {
		return nil, err
	}
	if sent.lock.any() && !l.any() {
		return nil, badRequest("InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters")
	}
	if err := s.store(c, b, v, sent); err != nil {
		return nil, err
	}
	return &s3.PutObjectOutput{
		ETag: aws.String(v.etag), VersionId: b.told(v), ServerSideEncryption: v.sealed.algorithm, SSEKMSKeyId: v.sealed.keyOf(),
		BucketKeyEnabled: v.sealed.bucketKey(), ChecksumType: v.sums.kind, ChecksumCRC32: v.sums.as(types.ChecksumAlgorithmCrc32),
		ChecksumCRC32C: v.sums.as(types.ChecksumAlgorithmCrc32c), ChecksumCRC64NVME: v.sums.as(types.ChecksumAlgorithmCrc64nvme),
		ChecksumSHA1: v.sums.as(types.ChecksumAlgorithmSha1), ChecksumSHA256: v.sums.as(types.ChecksumAlgorithmSha256),
	}, nil
}

// prepare authorizes the making of an object and plans it, without contents.
func (s *Service) prepare(c *core.Call, sent sending) (*bucket, *version, error) {
	b, err := s.find(c, sent.bucket, sent.owner)
	if err != nil {
		return nil, nil, err
	}
	if err := plainACL(c, sent.acl); err != nil {
		return nil, nil, err
	}
	if err := c.Authorize(s.putNeeds(c, b, sent)...); err != nil {
		return nil, nil, err
	}
	if err := sent.about.check(sent.key); err != nil {
		return nil, nil, err
	}
	class := sent.class
	switch class {
	case "":
		class = types.StorageClassStandard
	case types.StorageClassStandard, types.StorageClassStandardIa, types.StorageClassOnezoneIa, types.StorageClassIntelligentTiering, types.StorageClassGlacierIr:
	default:
		return nil, nil, c.Unsupported("StorageClass " + string(class))
	}
	e, err := s.resolve(c, sent.encryption)
	if err != nil {
		return nil, nil, err
	}
	l, err := sent.lock.check(c, b)
	if err != nil {
		return nil, nil, err
	}
	return b, &version{key: sent.key, about: sent.about, sealed: e, lock: l, class: class}, nil
}

// putNeeds is what making an object demands. Locking it demands the right to
// lock as well.
// Source: Amazon S3 API Reference, PutObject, permissions.
func (s *Service) putNeeds(c *core.Call, b *bucket, sent sending) []core.Need {
	keys := sent.lock.keys(c)
	for key, values := range sent.keys {
		keys[key] = values
	}
	header(keys, "x-amz-acl", string(sent.acl))
	header(keys, "x-amz-storage-class", string(sent.class))
	header(keys, "x-amz-server-side-encryption", string(sent.encryption.algorithm))
	header(keys, "x-amz-server-side-encryption-aws-kms-key-id", aws.ToString(sent.encryption.key))
	header(keys, "if-match", aws.ToString(sent.ifMatch))
	header(keys, "if-none-match", aws.ToString(sent.ifNoneMatch))
	needs := []core.Need{s.need(b, "PutObject", sent.key, keys)}
	if sent.lock.mode != "" || sent.lock.until != nil {
		needs = append(needs, s.need(b, "PutObjectRetention", sent.key, sent.lock.keys(c)))
	}
	if sent.lock.hold != "" {
		needs = append(needs, s.need(b, "PutObjectLegalHold", sent.key, sent.lock.keys(c)))
	}
	return needs
}

// store puts a planned object with its contents into the bucket, if the
// conditions hold.
func (s *Service) store(c *core.Call, b *bucket, v *version, sent sending) error {
	if err := writable(b.current(v.key), sent); err != nil {
		return err
	}
	if err := s.useKey(c, b, v, "GenerateDataKey"); err != nil {
		return err
	}
	v.modified = c.Now.UTC().Truncate(time.Second)
	if v.etag == "" {
		v.etag = s.etagOf(v.data, v.sealed)
	}
	if v.about.contentType == "" {
		v.about.contentType = "binary/octet-stream"
	}
	v.lock.apply(b, c.Now)
	s.add(b, v)
	return nil
}

// writable checks the conditions of a write against what is there.
// Source: Amazon S3 User Guide, "Add preconditions to S3 operations with
// conditional requests".
func writable(there *version, sent sending) error {
	failed := fail(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	switch {
	case sent.ifNoneMatch != nil && *sent.ifNoneMatch != "*":
		return fail(http.StatusNotImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented")
	case sent.ifNoneMatch != nil && there != nil:
		return failed
	case sent.ifMatch != nil && there == nil:
		return fail(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	case sent.ifMatch != nil && *sent.ifMatch != "*" && !equalETags(*sent.ifMatch, there.etag):
		return failed
	}
	return nil
}
