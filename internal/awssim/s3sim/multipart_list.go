package s3sim

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// ListMultipartUploads lists uploads that are neither complete nor aborted, by
// key and then by their beginning.
func (s *Service) ListMultipartUploads(c *core.Call, in *s3.ListMultipartUploadsInput) (*s3.ListMultipartUploadsOutput, error) {
	if err := c.Refuse(in, "RequestPayer", "Delimiter"); err != nil {
		return nil, err
	}
	b, err := s.find(c, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	l, err := s.listing(c, b, "ListBucketMultipartUploads", in.Prefix, nil, in.MaxUploads, in.EncodingType)
	if err != nil {
		return nil, err
	}
	out := &s3.ListMultipartUploadsOutput{
		Bucket: in.Bucket, Prefix: l.encode(l.prefix), MaxUploads: aws.Int32(int32(l.limit)), IsTruncated: aws.Bool(false),
		EncodingType: in.EncodingType, KeyMarker: l.encode(aws.ToString(in.KeyMarker)), UploadIdMarker: aws.String(aws.ToString(in.UploadIdMarker)),
	}
	for _, u := range b.uploadsAfter(aws.ToString(in.KeyMarker), in.UploadIdMarker) {
		if !strings.HasPrefix(u.version.key, l.prefix) {
			continue
		}
		if len(out.Uploads) == l.limit {
			if l.limit > 0 {
				last := out.Uploads[l.limit-1]
				out.IsTruncated, out.NextKeyMarker, out.NextUploadIdMarker = aws.Bool(true), last.Key, last.UploadId
			}
			break
		}
		out.Uploads = append(out.Uploads, types.MultipartUpload{
			Key: l.encode(u.version.key), UploadId: aws.String(u.id), Initiated: aws.Time(u.begun), StorageClass: u.version.class,
			ChecksumAlgorithm: u.algorithm, Owner: &types.Owner{ID: aws.String(canonicalID(b.owner))},
			Initiator: &types.Initiator{ID: aws.String(u.initiator), DisplayName: aws.String(u.initiator)},
		})
	}
	return out, nil
}

// uploadsAfter returns the uploads after a key, or after one upload of it.
func (b *bucket) uploadsAfter(key string, id *string) []*upload {
	var all []*upload
	for _, u := range b.uploads {
		all = append(all, u)
	}
	slices.SortFunc(all, func(a, b *upload) int {
		return cmp.Or(cmp.Compare(a.version.key, b.version.key), a.begun.Compare(b.begun), cmp.Compare(a.id, b.id))
	})
	if key == "" {
		return all
	}
	i := slices.IndexFunc(all, func(u *upload) bool { return u.version.key > key })
	if id != nil && *id != "" {
		if j := slices.IndexFunc(all, func(u *upload) bool { return u.version.key == key && u.id == *id }); j >= 0 {
			i = j + 1
		}
	}
	if i < 0 {
		return nil
	}
	return all[i:]
}
