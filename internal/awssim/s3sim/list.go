package s3sim

import (
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// maxKeys of one page.
// Source: Amazon S3 API Reference, ListObjectsV2.
const maxKeys = 1000

// A listing is what ListObjectsV2 and ListObjectVersions have in common.
type listing struct {
	prefix, delimiter string
	limit             int
	encode            func(string) *string // keys as the client wants them
}

// listing reads the common members and demands the right to list.
func (s *Service) listing(c *core.Call, b *bucket, action string, prefix, delimiter *string, limit *int32, encoding types.EncodingType) (listing, error) {
	keys := map[string][]string{}
	if prefix != nil {
		keys["s3:prefix"] = []string{*prefix}
	}
	if delimiter != nil {
		keys["s3:delimiter"] = []string{*delimiter}
	}
	if limit != nil {
		keys["s3:max-keys"] = []string{strconv.Itoa(int(*limit))}
	}
	if err := s.authorize(c, b, action, "", keys); err != nil {
		return listing{}, err
	}
	l := listing{prefix: aws.ToString(prefix), delimiter: aws.ToString(delimiter), limit: maxKeys, encode: aws.String}
	switch {
	case limit != nil && *limit < 0:
		return l, badRequest("InvalidArgument", "Argument maxKeys must be an integer between 0 and 2147483647")
	case limit != nil:
		l.limit = min(l.limit, int(*limit))
	}
	switch encoding {
	case "":
	case types.EncodingTypeUrl:
		l.encode = func(text string) *string {
			return aws.String(strings.ReplaceAll(url.QueryEscape(text), "%2F", "/"))
		}
	default:
		return l, badRequest("InvalidArgument", "Invalid Encoding Method specified in Request")
	}
	return l, nil
}

// common returns the common prefix that a key is rolled up into, if any.
func (l listing) common(key string) (string, bool) {
	rest := key[len(l.prefix):]
	i := strings.Index(rest, l.delimiter)
	if l.delimiter == "" || i < 0 {
		return "", false
	}
	return key[:len(l.prefix)+i+len(l.delimiter)], true
}

// ListObjectsV2 lists current objects by key.
func (s *Service) ListObjectsV2(c *core.Call, in *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error) {
	if err := c.Refuse(in, "OptionalObjectAttributes", "RequestPayer"); err != nil {
		return nil, err
	}
	b, err := s.find(c, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	l, err := s.listing(c, b, "ListBucket", in.Prefix, in.Delimiter, in.MaxKeys, in.EncodingType)
	if err != nil {
		return nil, err
	}
	after := aws.ToString(in.StartAfter)
	if in.ContinuationToken != nil {
		raw, err := base64.RawURLEncoding.DecodeString(*in.ContinuationToken)
		if err != nil || len(raw) == 0 {
			return nil, badRequest("InvalidArgument", "The continuation token provided is incorrect")
		}
		after = string(raw)
	}
	out := &s3.ListObjectsV2Output{
		Name: in.Bucket, Prefix: l.encode(l.prefix), MaxKeys: aws.Int32(int32(l.limit)), IsTruncated: aws.Bool(false),
		EncodingType: in.EncodingType, ContinuationToken: in.ContinuationToken,
	}
	if in.Delimiter != nil {
		out.Delimiter = l.encode(l.delimiter)
	}
	if in.StartAfter != nil {
		out.StartAfter = l.encode(*in.StartAfter)
	}
	s.fill(b, l, after, aws.ToBool(in.FetchOwner), out)
	return out, nil
}

// fill adds one page of objects and common prefixes after a key or prefix.
func (s *Service) fill(b *bucket, l listing, after string, owner bool, out *s3.ListObjectsV2Output) {
	count, last := 0, ""
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		v := b.current(key)
		if v == nil || !strings.HasPrefix(key, l.prefix) {
			continue
		}
		group, rolled := l.common(key)
		name := key
		if rolled {
			name = group
		}
		// A prefix that was told as the last of a page stands for all below it.
		if name <= after || name == last || rolled && strings.HasPrefix(after, group) {
			continue
		}
		if count == l.limit {
			if l.limit > 0 {
				out.IsTruncated = aws.Bool(true)
				out.NextContinuationToken = aws.String(base64.RawURLEncoding.EncodeToString([]byte(last)))
			}
			break
		}
		count, last = count+1, name
		if rolled {
			out.CommonPrefixes = append(out.CommonPrefixes, types.CommonPrefix{Prefix: l.encode(group)})
			continue
		}
		o := types.Object{
			Key: l.encode(key), ETag: aws.String(v.etag), Size: aws.Int64(int64(len(v.data))), LastModified: aws.Time(v.modified),
			StorageClass: types.ObjectStorageClass(v.class), ChecksumAlgorithm: []types.ChecksumAlgorithm{v.sums.algorithm}, ChecksumType: v.sums.kind,
		}
		if owner {
			o.Owner = &types.Owner{ID: aws.String(canonicalID(b.owner))}
		}
		out.Contents = append(out.Contents, o)
	}
	out.KeyCount = aws.Int32(int32(count))
}

// ListObjectVersions lists all versions and delete markers by key, the newest
// of each first.
func (s *Service) ListObjectVersions(c *core.Call, in *s3.ListObjectVersionsInput) (*s3.ListObjectVersionsOutput, error) {
	if err := c.Refuse(in, "OptionalObjectAttributes", "RequestPayer"); err != nil {
		return nil, err
	}
	b, err := s.find(c, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	l, err := s.listing(c, b, "ListBucketVersions", in.Prefix, in.Delimiter, in.MaxKeys, in.EncodingType)
	if err != nil {
		return nil, err
	}
	if in.VersionIdMarker != nil && in.KeyMarker == nil {
		return nil, badRequest("InvalidArgument", "A version-id marker cannot be specified without a key marker.")
	}
	out := &s3.ListObjectVersionsOutput{
		Name: in.Bucket, Prefix: l.encode(l.prefix), MaxKeys: aws.Int32(int32(l.limit)), IsTruncated: aws.Bool(false),
		EncodingType: in.EncodingType, KeyMarker: l.encode(aws.ToString(in.KeyMarker)), VersionIdMarker: aws.String(aws.ToString(in.VersionIdMarker)),
	}
	if in.Delimiter != nil {
		out.Delimiter = l.encode(l.delimiter)
	}
	b.fillVersions(l, marker{aws.ToString(in.KeyMarker), in.VersionIdMarker}, out)
	return out, nil
}

// A marker is where a page of versions begins: after it.
type marker struct {
	key     string
	version *string // nil: after all versions of the key
}

func (b *bucket) fillVersions(l listing, after marker, out *s3.ListObjectVersionsOutput) {
	count, lastKey := 0, ""
	var lastVersion *string
	full := func() bool {
		if count < l.limit {
			return false
		}
		if l.limit > 0 {
			out.IsTruncated, out.NextKeyMarker, out.NextVersionIdMarker = aws.Bool(true), l.encode(lastKey), lastVersion
		}
		return true
	}
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		if !strings.HasPrefix(key, l.prefix) {
			continue
		}
		if group, rolled := l.common(key); rolled {
			if group <= after.key || group == lastKey {
				continue
			}
			if full() {
				return
			}
			count, lastKey, lastVersion = count+1, group, nil
			out.CommonPrefixes = append(out.CommonPrefixes, types.CommonPrefix{Prefix: l.encode(group)})
			continue
		}
		for _, v := range b.newestFirst(key, after) {
			if full() {
				return
			}
			count, lastKey, lastVersion = count+1, key, aws.String(v.id)
			b.tell(v, l, out)
		}
	}
}

// newestFirst returns the versions of a key that come after a marker.
func (b *bucket) newestFirst(key string, after marker) []*version {
	all := slices.Clone(b.objects[key])
	slices.Reverse(all)
	switch {
	case key < after.key, key == after.key && after.version == nil && key != "":
		return nil
	case key == after.key && after.version != nil:
		i := slices.IndexFunc(all, func(v *version) bool { return v.id == *after.version })
		return all[i+1:]
	}
	return all
}

func (b *bucket) tell(v *version, l listing, out *s3.ListObjectVersionsOutput) {
	all := b.objects[v.key]
	latest := all[len(all)-1] == v
	owner := &types.Owner{ID: aws.String(canonicalID(b.owner))}
	if v.marker {
		out.DeleteMarkers = append(out.DeleteMarkers, types.DeleteMarkerEntry{
			Key: l.encode(v.key), VersionId: aws.String(v.id), IsLatest: aws.Bool(latest), LastModified: aws.Time(v.modified), Owner: owner,
		})
		return
	}
	out.Versions = append(out.Versions, types.ObjectVersion{
		Key: l.encode(v.key), VersionId: aws.String(v.id), IsLatest: aws.Bool(latest), LastModified: aws.Time(v.modified), Owner: owner,
		ETag: aws.String(v.etag), Size: aws.Int64(int64(len(v.data))), StorageClass: types.ObjectVersionStorageClass(v.class),
		ChecksumAlgorithm: []types.ChecksumAlgorithm{v.sums.algorithm}, ChecksumType: v.sums.kind,
	})
}
