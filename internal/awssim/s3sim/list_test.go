package s3sim_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"
)

// listed returns keys, and prefixes in brackets, page by page.
func (w *world) listed(in *s3.ListObjectsV2Input) (all []string) {
	w.t.Helper()
	in.Bucket = aws.String(store)
	for p := s3.NewListObjectsV2Paginator(w.s3, in); p.HasMorePages(); {
		out, err := p.NextPage(w.t.Context())
		require.NoError(w.t, err)
		require.Equal(w.t, int(*out.KeyCount), len(out.Contents)+len(out.CommonPrefixes))
		for _, o := range out.Contents {
			all = append(all, *o.Key)
		}
		for _, g := range out.CommonPrefixes {
			all = append(all, "["+*g.Prefix+"]")
		}
	}
	return all
}

func TestListObjects(t *testing.T) {
	w := newWorld(t)
	w.versioned(store)
	for _, key := range []string{"a/1", "a/2", "a/b/3", "b", "c/1", "ü"} {
		w.put(key, "x")
	}
	w.put("gone", "x")
	_, err := w.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(store), Key: aws.String("gone")})
	require.NoError(t, err)
	for size := int32(1); size < 8; size++ {
		require.Equal(t, []string{"a/1", "a/2", "a/b/3", "b", "c/1", "ü"}, w.listed(&s3.ListObjectsV2Input{MaxKeys: &size}), size)
		require.ElementsMatch(t, []string{"[a/]", "b", "[c/]", "ü"}, w.listed(&s3.ListObjectsV2Input{MaxKeys: &size, Delimiter: aws.String("/")}), size)
		require.ElementsMatch(t, []string{"a/1", "a/2", "[a/b/]"}, w.listed(&s3.ListObjectsV2Input{MaxKeys: &size, Delimiter: aws.String("/"), Prefix: aws.String("a/")}), size)
	}
	require.Equal(t, []string{"b", "c/1", "ü"}, w.listed(&s3.ListObjectsV2Input{StartAfter: aws.String("a/b/3")}))
	require.Equal(t, []string{"%C3%BC"}, w.listed(&s3.ListObjectsV2Input{Prefix: aws.String("ü"), EncodingType: types.EncodingTypeUrl}))
	_, err = w.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(store), ContinuationToken: aws.String("%")})
	require.Equal(t, "InvalidArgument", code(t, err))
}

func TestListVersions(t *testing.T) {
	w := newWorld(t)
	w.versioned(store)
	var want []string
	for _, key := range []string{"a", "b", "c/1"} {
		var ids []string
		for i := range 3 {
			ids = append([]string{key + " " + w.put(key, fmt.Sprint(i))}, ids...)
		}
		want = append(want, ids...)
	}
	out, err := w.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(store), Key: aws.String("b")})
	require.NoError(t, err)
	for size := int32(1); size < 12; size += 2 {
		var got, markers []string
		in := &s3.ListObjectVersionsInput{Bucket: aws.String(store), MaxKeys: &size}
		for p := s3.NewListObjectVersionsPaginator(w.s3, in); p.HasMorePages(); {
			page, err := p.NextPage(t.Context())
			require.NoError(t, err)
			for _, v := range page.Versions {
				got = append(got, *v.Key+" "+*v.VersionId)
			}
			for _, m := range page.DeleteMarkers {
				markers = append(markers, *m.Key+" "+*m.VersionId)
			}
		}
		require.Equal(t, want, got, size)
		require.Equal(t, []string{"b " + *out.VersionId}, markers)
	}
	page, err := w.s3.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String(store), Prefix: aws.String("b")})
	require.NoError(t, err)
	require.True(t, *page.DeleteMarkers[0].IsLatest)
	require.False(t, *page.Versions[0].IsLatest)
	page, err = w.s3.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String(store), Delimiter: aws.String("/")})
	require.NoError(t, err)
	require.Len(t, page.CommonPrefixes, 1)
}

func TestDeleteObjects(t *testing.T) {
	w := newWorld(t)
	w.versioned(store)
	w.put("a", "x")
	w.put("kept", "x")
	id := w.put("b", "x")
	bob := w.as(account, "bob", parse(t, allow("s3:DeleteObject", "s3:DeleteObjectVersion"),
		`{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::`+store+`/kept"}`))
	out, err := bob.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: aws.String(store), Delete: &types.Delete{Objects: []types.ObjectIdentifier{
		{Key: aws.String("a")}, {Key: aws.String("kept")}, {Key: aws.String("b"), VersionId: &id}, {Key: aws.String("none"), VersionId: aws.String("none")},
	}}})
	require.NoError(t, err)
	require.Len(t, out.Deleted, 3)
	require.True(t, *out.Deleted[0].DeleteMarker)
	require.Nil(t, out.Deleted[1].DeleteMarker)
	require.Len(t, out.Errors, 1)
	require.Equal(t, "kept AccessDenied", *out.Errors[0].Key+" "+*out.Errors[0].Code)
	out, err = w.s3.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: aws.String(store), Delete: &types.Delete{
		Quiet: aws.Bool(true), Objects: []types.ObjectIdentifier{{Key: aws.String("kept")}},
	}})
	require.NoError(t, err)
	require.Empty(t, out.Deleted)
	_, problem := w.get("kept")
	require.Equal(t, "NoSuchKey", problem)
}

func TestMultipartUpload(t *testing.T) {
	w := newWorld(t)
	w.bucket(store, locked)
	ctx := t.Context()
	made, err := w.s3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: aws.String(store), Key: aws.String("big"), Metadata: map[string]string{"k": "v"}, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32})
	require.NoError(t, err)
	chunks := [][]byte{bytes.Repeat([]byte("a"), 5<<20), bytes.Repeat([]byte("b"), 5<<20), []byte("end")}
	var parts []types.CompletedPart
	for i, data := range chunks {
		n := aws.Int32(int32(i + 1))
		out, err := w.s3.UploadPart(ctx, &s3.UploadPartInput{Bucket: aws.String(store), Key: aws.String("big"), UploadId: made.UploadId, PartNumber: n, Body: bytes.NewReader(data)})
		require.NoError(t, err)
		parts = append(parts, types.CompletedPart{PartNumber: n, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32})
	}
	complete := func(parts ...types.CompletedPart) (*s3.CompleteMultipartUploadOutput, string) {
		out, err := w.s3.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: aws.String(store), Key: aws.String("big"), UploadId: made.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		})
		return out, code(t, err)
	}
	listed, err := w.s3.ListParts(ctx, &s3.ListPartsInput{Bucket: aws.String(store), Key: aws.String("big"), UploadId: made.UploadId, MaxParts: aws.Int32(2)})
	require.NoError(t, err)
	require.True(t, *listed.IsTruncated)
	require.Len(t, listed.Parts, 2)
	_, problem := complete(parts[1], parts[0])
	require.Equal(t, "InvalidPartOrder", problem)
	_, problem = complete(parts[0], types.CompletedPart{PartNumber: aws.Int32(7), ETag: parts[1].ETag})
	require.Equal(t, "InvalidPart", problem)
	_, problem = w.get("big")
	require.Equal(t, "NoSuchKey", problem, "it is not there before it is complete")
	out, problem := complete(parts...)
	require.Empty(t, problem)
	require.True(t, strings.HasSuffix(*out.ETag, `-3"`))
	require.True(t, strings.HasSuffix(*out.ChecksumCRC32, "-3"))
	text, _ := w.get("big")
	require.Equal(t, string(bytes.Join(chunks, nil)), text)
	_, problem = complete(parts...)
	require.Equal(t, "NoSuchUpload", problem)

	made, err = w.s3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: aws.String(store), Key: aws.String("big")})
	require.NoError(t, err)
	var small []types.CompletedPart
	for _, n := range []int32{1, 2} {
		out, err := w.s3.UploadPart(ctx, &s3.UploadPartInput{Bucket: aws.String(store), Key: aws.String("big"), UploadId: made.UploadId, PartNumber: &n, Body: strings.NewReader("x")})
		require.NoError(t, err)
		small = append(small, types.CompletedPart{PartNumber: aws.Int32(n), ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32})
	}
	_, problem = complete(small...)
	require.Equal(t, "EntityTooSmall", problem)
	_, err = w.s3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: aws.String(store), Key: aws.String("big"), UploadId: made.UploadId})
	require.NoError(t, err)
	_, problem = complete(small...)
	require.Equal(t, "NoSuchUpload", problem)
}

func TestListMultipartUploads(t *testing.T) {
	w := newWorld(t)
	w.bucket(store, nil)
	var want []string
	for _, key := range []string{"a", "a", "b", "c/1"} {
		made, err := w.s3.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String(store), Key: &key})
		require.NoError(t, err)
		want = append(want, key+" "+*made.UploadId)
	}
	for size := int32(1); size < 6; size++ {
		var got []string
		in := &s3.ListMultipartUploadsInput{Bucket: aws.String(store), MaxUploads: &size}
		for p := s3.NewListMultipartUploadsPaginator(w.s3, in); p.HasMorePages(); {
			page, err := p.NextPage(t.Context())
			require.NoError(t, err)
			for _, u := range page.Uploads {
				got = append(got, *u.Key+" "+*u.UploadId)
			}
		}
		require.ElementsMatch(t, want, got, size)
	}
	page, err := w.s3.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(store), Prefix: aws.String("c/")})
	require.NoError(t, err)
	require.Len(t, page.Uploads, 1)
	_, err = w.as(account, "bob", parse(t, allow("s3:ListBucket"))).ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(store)})
	require.Equal(t, "AccessDenied", code(t, err))
}
