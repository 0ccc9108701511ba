package s3sim

import (
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

// GetObject returns an object, or a range of it.
func (s *Service) GetObject(c *core.Call, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	if err := c.Refuse(in, "PartNumber", "RequestPayer", "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"); err != nil {
		return nil, err
	}
	b, v, err := s.readable(c, target{in.Bucket, in.ExpectedBucketOwner, in.Key, in.VersionId})
	if err != nil {
		return nil, err
	}
	if err := fresh(v, in); err != nil {
		return nil, err
	}
	if err := s.useKey(c, b, v, "Decrypt"); err != nil {
		return nil, err
	}
	out := s.describe(c, b, v)
	for _, o := range []struct {
		asked *string
		given **string
	}{
		{in.ResponseCacheControl, &out.CacheControl},
		{in.ResponseContentDisposition, &out.ContentDisposition},
		{in.ResponseContentEncoding, &out.ContentEncoding},
		{in.ResponseContentLanguage, &out.ContentLanguage},
		{in.ResponseContentType, &out.ContentType},
	} {
		if o.asked != nil {
			*o.given = o.asked
		}
	}
	if in.ResponseExpires != nil {
		//lint:ignore SA1019 clients still read it
		out.Expires = in.ResponseExpires
	}
	data := v.data
	part, err := parseRange(aws.ToString(in.Range), len(data))
	if err != nil {
		return nil, err
	}
	if part != nil {
		data = data[part.from:part.to]
		out.ContentRange = aws.String(fmt.Sprintf("bytes %d-%d/%d", part.from, part.to-1, len(v.data)))
	} else if in.ChecksumMode == types.ChecksumModeEnabled {
		tellSums(out, v.sums)
	}
	out.Body, out.ContentLength = wire.Blob(data), aws.Int64(int64(len(data)))
	return out, nil
}

// HeadObject is GetObject without the object.
func (s *Service) HeadObject(c *core.Call, in *s3.HeadObjectInput) (*s3.HeadObjectOutput, error) {
	get := s3.GetObjectInput(*in)
	got, err := s.GetObject(c, &get)
	if err != nil {
		return nil, err
	}
	out := &s3.HeadObjectOutput{}
	from, to := reflect.ValueOf(got).Elem(), reflect.ValueOf(out).Elem()
	for i := range to.NumField() {
		name := to.Type().Field(i).Name
		if f := from.FieldByName(name); to.Type().Field(i).IsExported() && f.IsValid() {
			to.Field(i).Set(f)
		}
	}
	return out, nil
}

// A target is the version that a request is about.
type target struct{ bucket, owner, key, version *string }

// readable finds a version that the caller may read.
func (s *Service) readable(c *core.Call, t target) (*bucket, *version, error) {
	b, err := s.find(c, t.bucket, t.owner)
	if err != nil {
		return nil, nil, err
	}
	key := aws.ToString(t.key)
	action, keys := "GetObject", map[string][]string{}
	if t.version != nil {
		action, keys = "GetObjectVersion", core.Keys("s3:versionid", *t.version)
	}
	if err := s.authorize(c, b, action, key, keys); err != nil {
		return nil, nil, err
	}
	v, err := s.pick(c, b, t)
	return b, v, err
}

// pick finds the version that is named, or the current one.
func (s *Service) pick(c *core.Call, b *bucket, t target) (*version, error) {
	key := aws.ToString(t.key)
	if t.version == nil {
		if v := b.current(key); v != nil {
			return v, nil
		}
		return nil, s.noKey(c, b, key)
	}
	v := b.version(key, *t.version)
	switch {
	case v == nil:
		return nil, fail(http.StatusNotFound, "NoSuchVersion", "The specified version does not exist.")
	case v.marker:
		e := fail(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
		e.Members = map[string]string{"x-amz-delete-marker": "true"}
		return nil, e
	}
	return v, nil
}

// fresh checks the conditions of a read.
// Source: Amazon S3 API Reference, GetObject, "Overriding response header
// values" and conditional requests (RFC 7232).
func fresh(v *version, in *s3.GetObjectInput) error {
	failed := fail(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	switch {
	case in.IfMatch != nil && *in.IfMatch != "*" && !equalETags(*in.IfMatch, v.etag),
		in.IfMatch == nil && in.IfUnmodifiedSince != nil && v.modified.After(*in.IfUnmodifiedSince):
		return failed
	case in.IfNoneMatch != nil && (*in.IfNoneMatch == "*" || equalETags(*in.IfNoneMatch, v.etag)),
		in.IfNoneMatch == nil && in.IfModifiedSince != nil && !v.modified.After(*in.IfModifiedSince):
		return fail(http.StatusNotModified, "NotModified", "Not Modified")
	}
	return nil
}

// describe tells all of a version but its contents. The lock is only told to
// those who may see it.
// Source: Amazon S3 API Reference, GetObject, ObjectLockMode.
func (s *Service) describe(c *core.Call, b *bucket, v *version) *s3.GetObjectOutput {
	out := &s3.GetObjectOutput{
		AcceptRanges: aws.String("bytes"), ETag: aws.String(v.etag), LastModified: aws.Time(v.modified), VersionId: b.told(v),
		ContentType: aws.String(v.about.contentType), CacheControl: optional(v.about.cacheControl),
		ContentDisposition: optional(v.about.disposition), ContentEncoding: optional(v.about.encoding),
		//lint:ignore SA1019 clients still read it
		ContentLanguage: optional(v.about.language), Expires: v.about.expires, Metadata: v.about.metadata,
		ServerSideEncryption: v.sealed.algorithm, SSEKMSKeyId: v.sealed.keyOf(), BucketKeyEnabled: v.sealed.bucketKey(),
	}
	if v.class != types.StorageClassStandard {
		out.StorageClass = v.class
	}
	if v.lock.mode != "" && c.Allows(s.need(b, "GetObjectRetention", v.key, nil)) {
		out.ObjectLockMode, out.ObjectLockRetainUntilDate = types.ObjectLockMode(v.lock.mode), aws.Time(v.lock.until)
	}
	if v.lock.held != "" && c.Allows(s.need(b, "GetObjectLegalHold", v.key, nil)) {
		out.ObjectLockLegalHoldStatus = v.lock.held
	}
	return out
}

func tellSums(out *s3.GetObjectOutput, sums checksums) {
	out.ChecksumType, out.ChecksumCRC32, out.ChecksumCRC32C = sums.kind, sums.as(types.ChecksumAlgorithmCrc32), sums.as(types.ChecksumAlgorithmCrc32c)
	out.ChecksumCRC64NVME, out.ChecksumSHA1 = sums.as(types.ChecksumAlgorithmCrc64nvme), sums.as(types.ChecksumAlgorithmSha1)
	out.ChecksumSHA256 = sums.as(types.ChecksumAlgorithmSha256)
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// A byteRange is from its first byte to the one after its last.
type byteRange struct{ from, to int }

// parseRange reads a Range header for contents of a size. One that is no range
// of bytes, or several of them, means the whole.
// Sources: RFC 9110, "Range"; Amazon S3 API Reference, GetObject, Range
// ("Amazon S3 doesn't support retrieving multiple ranges").
func parseRange(text string, size int) (*byteRange, error) {
	spec, ok := strings.CutPrefix(text, "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	if !ok || !dash || strings.Contains(spec, ",") || first == "" && last == "" {
		return nil, nil
	}
	from, errFrom := strconv.ParseUint(first, 10, 62)
	to, errTo := strconv.ParseUint(last, 10, 62)
	r := &byteRange{}
	switch {
	case first != "" && errFrom != nil || last != "" && errTo != nil || first != "" && last != "" && to < from:
		return nil, nil
	case first == "":
		r.from, r.to = max(0, size-int(min(to, uint64(size)))), size
	case last == "":
		r.from, r.to = int(min(from, uint64(size))), size
	default:
		r.from, r.to = int(min(from, uint64(size))), int(min(to+1, uint64(size)))
	}
	if r.from >= r.to {
		return nil, fail(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
	}
	return r, nil
}

// since is a time as condition keys tell it.
func since(t time.Time) string { return t.UTC().Format(time.RFC3339) }
