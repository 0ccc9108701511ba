package s3sim

import (
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

// CopyObject makes an object of another one, of any bucket in the Region. A
// lock is not copied.
func (s *Service) CopyObject(c *core.Call, in *s3.CopyObjectInput) (*s3.CopyObjectOutput, error) {
	if err := c.Refuse(in, append(notStored, "CopySourceIfModifiedSince", "CopySourceIfUnmodifiedSince",
		"CopySourceSSECustomerAlgorithm", "CopySourceSSECustomerKey", "CopySourceSSECustomerKeyMD5", "TaggingDirective")...); err != nil {
		return nil, err
	}
	source, err := copySource(aws.ToString(in.CopySource))
	if err != nil {
		return nil, err
	}
	source.owner = in.ExpectedSourceBucketOwner
	from, old, err := s.readable(c, source)
	if err != nil {
		return nil, err
	}
	if err := fresh(old, &s3.GetObjectInput{IfMatch: in.CopySourceIfMatch, IfNoneMatch: in.CopySourceIfNoneMatch}); err != nil {
		return nil, badCopyCondition(err)
	}
	if err := s.useKey(c, from, old, "Decrypt"); err != nil {
		return nil, err
	}
	sent := copySending(in, old)
	b, v, err := s.prepare(c, sent)
	if err != nil {
		return nil, err
	}
	if b == from && v.key == old.key && in.MetadataDirective != types.MetadataDirectiveReplace && in.ServerSideEncryption == "" && in.StorageClass == "" {
		return nil, badRequest("InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	v.data, v.sums = old.data, checksums{algorithm: old.sums.algorithm, kind: types.ChecksumTypeFullObject}
	if in.ChecksumAlgorithm != "" {
		v.sums.algorithm = in.ChecksumAlgorithm
	}
	if wire.NewHash(string(v.sums.algorithm)) == nil {
		return nil, badRequest("InvalidRequest", "Checksum algorithm provided is unsupported.")
	}
	v.sums.value = sumOf(v.sums.algorithm, v.data)
	if err := s.store(c, b, v, sent); err != nil {
		return nil, err
	}
	return &s3.CopyObjectOutput{
		CopyObjectResult: &types.CopyObjectResult{
			ETag: aws.String(v.etag), LastModified: aws.Time(v.modified), ChecksumType: v.sums.kind, ChecksumCRC32: v.sums.as(types.ChecksumAlgorithmCrc32),
			ChecksumCRC32C: v.sums.as(types.ChecksumAlgorithmCrc32c), ChecksumCRC64NVME: v.sums.as(types.ChecksumAlgorithmCrc64nvme),
			ChecksumSHA1: v.sums.as(types.ChecksumAlgorithmSha1), ChecksumSHA256: v.sums.as(types.ChecksumAlgorithmSha256),
		},
		CopySourceVersionId: from.told(old), VersionId: b.told(v), ServerSideEncryption: v.sealed.algorithm, SSEKMSKeyId: v.sealed.keyOf(),
		BucketKeyEnabled: v.sealed.bucketKey(),
	}, nil
}

// copySource reads "bucket/key" or "/bucket/key?versionId=id", percent-encoded.
// Source: Amazon S3 API Reference, CopyObject, CopySource.
func copySource(text string) (target, error) {
	path, query, _ := strings.Cut(text, "?")
	path, err := url.PathUnescape(strings.TrimPrefix(path, "/"))
	bucket, key, ok := strings.Cut(path, "/")
	if err != nil || !ok || key == "" {
		return target{}, badRequest("InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	t := target{bucket: &bucket, key: &key}
	if id, ok := strings.CutPrefix(query, "versionId="); ok {
		t.version = &id
	}
	return t, nil
}

// badCopyCondition is the error for a condition on the source: there is no
// "not modified" for a copy.
func badCopyCondition(error) error {
	return fail(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
}

func copySending(in *s3.CopyObjectInput, old *version) sending {
	sent := sending{
		bucket: in.Bucket, owner: in.ExpectedBucketOwner, key: aws.ToString(in.Key), class: in.StorageClass, acl: in.ACL,
		about: old.about, lock: lockRequest{in.ObjectLockMode, in.ObjectLockRetainUntilDate, in.ObjectLockLegalHoldStatus},
		encryption: encryption{in.ServerSideEncryption, in.SSEKMSKeyId, in.BucketKeyEnabled},
		ifMatch:    in.IfMatch, ifNoneMatch: in.IfNoneMatch,
		keys: core.Keys("s3:ObjectCreationOperation", "true", "s3:x-amz-copy-source", strings.TrimPrefix(aws.ToString(in.CopySource), "/")),
	}
	header(sent.keys, "x-amz-metadata-directive", string(in.MetadataDirective))
	if in.MetadataDirective == types.MetadataDirectiveReplace {
		sent.about = about{
			aws.ToString(in.ContentType), aws.ToString(in.CacheControl), aws.ToString(in.ContentDisposition),
			aws.ToString(in.ContentEncoding), aws.ToString(in.ContentLanguage), in.Expires, cloneMetadata(in.Metadata),
		}
	}
	return sent
}
