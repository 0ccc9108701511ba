package s3sim

import (
	"bytes"
	"crypto/md5" //nolint:gosec // what S3 gives as an ETag
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

// Limits of multipart uploads.
// Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits".
const (
	minPart  = 5 << 20 // bytes, but for the last
	maxParts = 10000
)

// An upload is an object in the making.
type upload struct {
	id        string
	version   *version // planned, without contents
	algorithm types.ChecksumAlgorithm
	parts     map[int32]*part
	begun     time.Time
	initiator string // ARN
}

// A part of an upload.
type part struct {
	data     []byte
	etag     string
	sums     checksums
	modified time.Time
}

// CreateMultipartUpload begins an object that comes in parts.
func (s *Service) CreateMultipartUpload(c *core.Call, in *s3.CreateMultipartUploadInput) (*s3.CreateMultipartUploadOutput, error) {
	if err := c.Refuse(in, notStored...); err != nil {
		return nil, err
	}
	if in.ChecksumType == types.ChecksumTypeFullObject || in.ChecksumAlgorithm == types.ChecksumAlgorithmCrc64nvme {
		return nil, c.Unsupported("checksums of whole multipart uploads")
	}
	b, v, err := s.prepare(c, sending{
		bucket: in.Bucket, owner: in.ExpectedBucketOwner, key: aws.ToString(in.Key), class: in.StorageClass, acl: in.ACL,
		about: about{
			aws.ToString(in.ContentType), aws.ToString(in.CacheControl), aws.ToString(in.ContentDisposition),
			aws.ToString(in.ContentEncoding), aws.ToString(in.ContentLanguage), in.Expires, cloneMetadata(in.Metadata),
		},
		lock:       lockRequest{in.ObjectLockMode, in.ObjectLockRetainUntilDate, in.ObjectLockLegalHoldStatus},
		encryption: encryption{in.ServerSideEncryption, in.SSEKMSKeyId, in.BucketKeyEnabled},
		keys:       core.Keys("s3:ObjectCreationOperation", "false"),
	})
	if err != nil {
		return nil, err
	}
	// Source: Amazon S3 User Guide, "Multipart upload API and permissions":
	// kms:Decrypt and kms:GenerateDataKey.
	if err := s.useKey(c, b, v, "GenerateDataKey", "Decrypt"); err != nil {
		return nil, err
	}
	u := &upload{
		id: strings.NewReplacer("+", "_", "/", ".").Replace(s.cloud.NewSecret(64)), version: v, algorithm: in.ChecksumAlgorithm,
		parts: map[int32]*part{}, begun: c.Now.UTC().Truncate(time.Second), initiator: c.Caller.ARN,
	}
	b.uploads[u.id] = u
	out := &s3.CreateMultipartUploadOutput{
		Bucket: in.Bucket, Key: in.Key, UploadId: aws.String(u.id), ServerSideEncryption: v.sealed.algorithm, SSEKMSKeyId: v.sealed.keyOf(),
		BucketKeyEnabled: v.sealed.bucketKey(), ChecksumAlgorithm: u.algorithm,
	}
	if u.algorithm != "" {
		out.ChecksumType = types.ChecksumTypeComposite
	}
	return out, nil
}

// uploading finds an upload. The right to put its object is the right to add
// to it.
func (s *Service) uploading(c *core.Call, t target, id *string, action string) (*bucket, *upload, error) {
	b, err := s.find(c, t.bucket, t.owner)
	if err != nil {
		return nil, nil, err
	}
	keys := map[string][]string{}
	if action == "PutObject" {
		keys["s3:ObjectCreationOperation"] = []string{strconv.FormatBool(c.Operation == "CompleteMultipartUpload")}
	}
	if err := s.authorize(c, b, action, aws.ToString(t.key), keys); err != nil {
		return nil, nil, err
	}
	u := b.uploads[aws.ToString(id)]
	if u == nil || u.version.key != aws.ToString(t.key) {
		return nil, nil, fail(http.StatusNotFound, "NoSuchUpload",
			"The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
	}
	return b, u, nil
}

// UploadPart adds a part, or replaces the one of its number.
func (s *Service) UploadPart(c *core.Call, in *s3.UploadPartInput) (*s3.UploadPartOutput, error) {
	if err := c.Refuse(in, "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5", "RequestPayer"); err != nil {
		return nil, err
	}
	b, u, err := s.uploading(c, target{bucket: in.Bucket, owner: in.ExpectedBucketOwner, key: in.Key}, in.UploadId, "PutObject")
	if err != nil {
		return nil, err
	}
	n := aws.ToInt32(in.PartNumber)
	if n < 1 || n > maxParts {
		return nil, badRequest("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
	}
	if err := s.useKey(c, b, u.version, "GenerateDataKey", "Decrypt"); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, badRequest("IncompleteBody", err.Error())
	}
	l := claims{in.ChecksumCRC32, in.ChecksumCRC32C, in.ChecksumCRC64NVME, in.ChecksumSHA1, in.ChecksumSHA256, in.ContentMD5}
	p := &part{data: data, modified: c.Now.UTC().Truncate(time.Second), etag: s.etagOf(data, sealed{})}
	if p.sums, err = l.kept(data); err != nil {
		return nil, err
	}
	if u.algorithm != "" && p.sums.algorithm != u.algorithm {
		return nil, badRequest("InvalidRequest", "Checksum Type mismatch occurred, expected checksum Type: "+string(u.algorithm)+", actual checksum Type: "+string(p.sums.algorithm))
	}
	u.parts[n] = p
	return &s3.UploadPartOutput{
		ETag: aws.String(p.etag), ServerSideEncryption: u.version.sealed.algorithm, SSEKMSKeyId: u.version.sealed.keyOf(),
		ChecksumCRC32: p.sums.as(types.ChecksumAlgorithmCrc32), ChecksumCRC32C: p.sums.as(types.ChecksumAlgorithmCrc32c),
		ChecksumSHA1: p.sums.as(types.ChecksumAlgorithmSha1), ChecksumSHA256: p.sums.as(types.ChecksumAlgorithmSha256),
		ChecksumCRC64NVME: p.sums.as(types.ChecksumAlgorithmCrc64nvme),
	}, nil
}

// CompleteMultipartUpload makes the object of the parts it lists.
func (s *Service) CompleteMultipartUpload(c *core.Call, in *s3.CompleteMultipartUploadInput) (*s3.CompleteMultipartUploadOutput, error) {
	if err := c.Refuse(in, "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5", "RequestPayer", "MpuObjectSize", "ChecksumType",
		"ChecksumCRC32", "ChecksumCRC32C", "ChecksumCRC64NVME", "ChecksumSHA1", "ChecksumSHA256"); err != nil {
		return nil, err
	}
	b, u, err := s.uploading(c, target{bucket: in.Bucket, owner: in.ExpectedBucketOwner, key: in.Key}, in.UploadId, "PutObject")
	if err != nil {
		return nil, err
	}
	if in.MultipartUpload == nil || len(in.MultipartUpload.Parts) == 0 {
		return nil, badRequest("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	v := *u.version
	if err := u.assemble(in.MultipartUpload.Parts, &v); err != nil {
		return nil, err
	}
	if err := s.store(c, b, &v, sending{ifMatch: in.IfMatch, ifNoneMatch: in.IfNoneMatch}); err != nil {
		return nil, err
	}
	delete(b.uploads, u.id)
	return &s3.CompleteMultipartUploadOutput{
		Bucket: in.Bucket, Key: in.Key, ETag: aws.String(v.etag), VersionId: b.told(&v), ServerSideEncryption: v.sealed.algorithm,
		SSEKMSKeyId: v.sealed.keyOf(), BucketKeyEnabled: v.sealed.bucketKey(), Location: aws.String("https://" + core.Endpoint("s3", b.region) + "/" + b.name + "/" + v.key),
		ChecksumType: v.sums.kind, ChecksumCRC32: v.sums.as(types.ChecksumAlgorithmCrc32), ChecksumCRC32C: v.sums.as(types.ChecksumAlgorithmCrc32c),
		ChecksumSHA1: v.sums.as(types.ChecksumAlgorithmSha1), ChecksumSHA256: v.sums.as(types.ChecksumAlgorithmSha256),
		ChecksumCRC64NVME: v.sums.as(types.ChecksumAlgorithmCrc64nvme),
	}, nil
}

// assemble joins parts. The ETag and the checksum are those of the parts' own.
// Source: Amazon S3 User Guide, "Checking object integrity in Amazon S3",
// composite checksums.
func (u *upload) assemble(list []types.CompletedPart, v *version) error {
	var data bytes.Buffer
	etags := md5.New() //nolint:gosec // what S3 gives as an ETag
	sums := wire.NewHash(string(u.algorithm))
	last := int32(0)
	for i, want := range list {
		p := u.parts[aws.ToInt32(want.PartNumber)]
		switch {
		case aws.ToInt32(want.PartNumber) <= last:
			return badRequest("InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
		case p == nil || !equalETags(aws.ToString(want.ETag), p.etag):
			return badRequest("InvalidPart", "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
		case i < len(list)-1 && len(p.data) < minPart:
			return badRequest("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
		}
		claimed := claims{want.ChecksumCRC32, want.ChecksumCRC32C, want.ChecksumCRC64NVME, want.ChecksumSHA1, want.ChecksumSHA256, nil}
		for a, value := range claimed.list() {
			if value != nil && (a != p.sums.algorithm || *value != p.sums.value) {
				return badRequest("InvalidPart", "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified checksum may not match the part's checksum.")
			}
		}
		last = *want.PartNumber
		data.Write(p.data)
		raw, _ := hex.DecodeString(strings.Trim(p.etag, `"`)) // it is one of ours
		etags.Write(raw)
		if sums != nil {
			raw, _ = base64.StdEncoding.DecodeString(p.sums.value) // it is one of ours
			sums.Write(raw)
		}
	}
	v.data, v.parts = data.Bytes(), len(list)
	v.etag = fmt.Sprintf(`"%x-%d"`, etags.Sum(nil), len(list))
	if sums != nil {
		v.sums = checksums{u.algorithm, base64.StdEncoding.EncodeToString(sums.Sum(nil)) + "-" + strconv.Itoa(len(list)), types.ChecksumTypeComposite}
	} else {
		v.sums = checksums{types.ChecksumAlgorithmCrc64nvme, sumOf(types.ChecksumAlgorithmCrc64nvme, v.data), types.ChecksumTypeFullObject}
	}
	return nil
}

// AbortMultipartUpload gives an upload up.
func (s *Service) AbortMultipartUpload(c *core.Call, in *s3.AbortMultipartUploadInput) (*s3.AbortMultipartUploadOutput, error) {
	if err := c.Refuse(in, "RequestPayer", "IfMatchInitiatedTime"); err != nil {
		return nil, err
	}
	b, u, err := s.uploading(c, target{bucket: in.Bucket, owner: in.ExpectedBucketOwner, key: in.Key}, in.UploadId, "AbortMultipartUpload")
	if err != nil {
		return nil, err
	}
	delete(b.uploads, u.id)
	return &s3.AbortMultipartUploadOutput{}, nil
}

// ListParts lists the parts of an upload by number.
func (s *Service) ListParts(c *core.Call, in *s3.ListPartsInput) (*s3.ListPartsOutput, error) {
	if err := c.Refuse(in, "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5", "RequestPayer"); err != nil {
		return nil, err
	}
	b, u, err := s.uploading(c, target{bucket: in.Bucket, owner: in.ExpectedBucketOwner, key: in.Key}, in.UploadId, "ListMultipartUploadParts")
	if err != nil {
		return nil, err
	}
	limit, after := maxKeys, 0
	if in.MaxParts != nil {
		limit = min(limit, max(0, int(*in.MaxParts)))
	}
	if in.PartNumberMarker != nil {
		if after, err = strconv.Atoi(*in.PartNumberMarker); err != nil {
			return nil, badRequest("InvalidArgument", "Argument part-number-marker must be an integer between 0 and 2147483647")
		}
	}
	out := &s3.ListPartsOutput{
		Bucket: in.Bucket, Key: in.Key, UploadId: in.UploadId, IsTruncated: aws.Bool(false), MaxParts: aws.Int32(int32(limit)),
		PartNumberMarker: in.PartNumberMarker, StorageClass: u.version.class, ChecksumAlgorithm: u.algorithm,
		Owner: &types.Owner{ID: aws.String(canonicalID(b.owner))},
	}
	for _, n := range slices.Sorted(maps.Keys(u.parts)) {
		if int(n) <= after {
			continue
		}
		if len(out.Parts) == limit {
			if limit > 0 {
				out.IsTruncated = aws.Bool(true)
				out.NextPartNumberMarker = aws.String(strconv.Itoa(int(*out.Parts[limit-1].PartNumber)))
			}
			break
		}
		p := u.parts[n]
		out.Parts = append(out.Parts, types.Part{
			PartNumber: aws.Int32(n), ETag: aws.String(p.etag), Size: aws.Int64(int64(len(p.data))), LastModified: aws.Time(p.modified),
			ChecksumCRC32: p.sums.as(types.ChecksumAlgorithmCrc32), ChecksumCRC32C: p.sums.as(types.ChecksumAlgorithmCrc32c),
			ChecksumCRC64NVME: p.sums.as(types.ChecksumAlgorithmCrc64nvme), ChecksumSHA1: p.sums.as(types.ChecksumAlgorithmSha1),
			ChecksumSHA256: p.sums.as(types.ChecksumAlgorithmSha256),
		})
	}
	return out, nil
}
