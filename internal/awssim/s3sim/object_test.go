package s3sim_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"
)

func TestPutAndGet(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.bucket(store, nil)
		put, err := w.s3.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String(store), Key: aws.String("a"), Body: strings.NewReader("contents"), ContentType: aws.String("text/plain"),
			CacheControl: aws.String("no-store"), Metadata: map[string]string{"run": "1", "who": "me"},
		})
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf(`"%x"`, md5.Sum([]byte("contents"))), *put.ETag)
		require.NotEmpty(t, *put.ChecksumCRC32)
		require.Nil(t, put.VersionId)
		get, err := w.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(store), Key: aws.String("a")})
		require.NoError(t, err)
		require.Equal(t, *put.ChecksumCRC32, *get.ChecksumCRC32)
		require.Equal(t, "contents", read(t, get.Body))
		require.Equal(t, "text/plain", *get.ContentType)
		require.Equal(t, "no-store", *get.CacheControl)
		require.Equal(t, map[string]string{"run": "1", "who": "me"}, get.Metadata)
		require.Equal(t, types.ServerSideEncryptionAes256, get.ServerSideEncryption)
		require.WithinDuration(t, time.Now(), *get.LastModified, time.Second)
		head, err := w.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(store), Key: aws.String("a")})
		require.NoError(t, err)
		require.Equal(t, int64(8), *head.ContentLength)
		require.Equal(t, *put.ETag, *head.ETag)
		require.Equal(t, get.Metadata, head.Metadata)
		_, err = w.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(store), Key: aws.String("b")})
		require.Equal(t, "NotFound", code(t, err))
	})
}

func TestRangesAndConditionsOfReads(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.bucket(store, nil)
		w.put("a", "0123456789")
		head, err := w.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(store), Key: aws.String("a")})
		require.NoError(t, err)
		past, future := aws.Time(time.Now().Add(-time.Hour)), aws.Time(time.Now().Add(time.Hour))
		for _, tt := range []struct {
			name string
			in   s3.GetObjectInput
			want string
		}{
			{"first", s3.GetObjectInput{Range: aws.String("bytes=0-3")}, "0123"},
			{"rest", s3.GetObjectInput{Range: aws.String("bytes=7-")}, "789"},
			{"last", s3.GetObjectInput{Range: aws.String("bytes=-2")}, "89"},
			{"more than there is", s3.GetObjectInput{Range: aws.String("bytes=8-100")}, "89"},
			{"beyond", s3.GetObjectInput{Range: aws.String("bytes=10-")}, "!InvalidRange"},
			{"nothing", s3.GetObjectInput{Range: aws.String("bytes=-0")}, "!InvalidRange"},
			{"several", s3.GetObjectInput{Range: aws.String("bytes=0-1,3-4")}, "0123456789"},
			{"no range", s3.GetObjectInput{Range: aws.String("lines=1-2")}, "0123456789"},
			{"the same", s3.GetObjectInput{IfMatch: head.ETag}, "0123456789"},
			{"another", s3.GetObjectInput{IfMatch: aws.String(`"x"`)}, "!PreconditionFailed"},
			{"not the same", s3.GetObjectInput{IfNoneMatch: head.ETag}, "!NotModified"},
			{"not another", s3.GetObjectInput{IfNoneMatch: aws.String(`"x"`)}, "0123456789"},
			{"newer", s3.GetObjectInput{IfModifiedSince: past}, "0123456789"},
			{"not newer", s3.GetObjectInput{IfModifiedSince: future}, "!NotModified"},
			{"older", s3.GetObjectInput{IfUnmodifiedSince: future}, "0123456789"},
			{"not older", s3.GetObjectInput{IfUnmodifiedSince: past}, "!PreconditionFailed"},
		} {
			tt.in.Bucket, tt.in.Key = aws.String(store), aws.String("a")
			out, err := w.s3.GetObject(t.Context(), &tt.in)
			if err != nil {
				require.Equal(t, tt.want, "!"+code(t, err), tt.name)
				continue
			}
			require.Equal(t, tt.want, read(t, out.Body), tt.name)
			require.Equal(t, len(tt.want) < 10, out.ContentRange != nil, tt.name)
		}
	})
}

func TestConditionsOfWrites(t *testing.T) {
	w := newWorld(t)
	w.versioned(store)
	first := w.put("a", "1")
	head, err := w.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(store), Key: aws.String("a")})
	require.NoError(t, err)
	w.put("deleted", "1")
	_, err = w.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(store), Key: aws.String("deleted")})
	require.NoError(t, err)
	for _, tt := range []struct{ name, key, match, none, want string }{
		{"new", "b", "", "*", ""},
		{"new twice", "b", "", "*", "PreconditionFailed"},
		{"deleted is new", "deleted", "", "*", ""},
		{"none of one", "c", "", `"x"`, "NotImplemented"},
		{"another", "a", `"x"`, "", "PreconditionFailed"},
		{"nothing", "c", *head.ETag, "", "NoSuchKey"},
		{"the same", "a", *head.ETag, "", ""},
		{"the same no more", "a", *head.ETag, "", "PreconditionFailed"},
	} {
		in := &s3.PutObjectInput{Bucket: aws.String(store), Key: &tt.key, Body: strings.NewReader("2")}
		if tt.match != "" {
			in.IfMatch = &tt.match
		}
		if tt.none != "" {
			in.IfNoneMatch = &tt.none
		}
		_, err := w.s3.PutObject(t.Context(), in)
		require.Equal(t, tt.want, code(t, err), tt.name)
	}
	old, _ := w.get("a", first)
	require.Equal(t, "1", old)
	_, err = w.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(store), Key: aws.String("a"), IfMatch: head.ETag})
	require.Equal(t, "PreconditionFailed", code(t, err))
}

// Each checksum that the SDK can send is verified, and comes back.
func TestChecksums(t *testing.T) {
	w := newWorld(t)
	w.bucket(store, nil)
	for _, a := range types.ChecksumAlgorithm("").Values() {
		switch a {
		case "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256":
		default:
			continue
		}
		put, err := w.s3.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String(store), Key: aws.String(string(a)), Body: strings.NewReader("contents"), ChecksumAlgorithm: a,
		})
		require.NoError(t, err, a)
		get, err := w.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(store), Key: aws.String(string(a))})
		require.NoError(t, err, a)
		require.Equal(t, "contents", read(t, get.Body))
		require.Equal(t, []*string{put.ChecksumCRC32, put.ChecksumCRC32C, put.ChecksumCRC64NVME, put.ChecksumSHA1, put.ChecksumSHA256},
			[]*string{get.ChecksumCRC32, get.ChecksumCRC32C, get.ChecksumCRC64NVME, get.ChecksumSHA1, get.ChecksumSHA256}, a)
	}
	for name, in := range map[string]s3.PutObjectInput{
		"SHA-256": {ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(make([]byte, 32)))},
		"CRC-32":  {ChecksumCRC32: aws.String("AAAAAA==")},
		"MD5":     {ContentMD5: aws.String(base64.StdEncoding.EncodeToString(make([]byte, 16)))},
	} {
		in.Bucket, in.Key, in.Body = aws.String(store), aws.String("bad"), strings.NewReader("contents")
		_, err := w.s3.PutObject(t.Context(), &in)
		require.Equal(t, "BadDigest", code(t, err), name)
	}
	_, problem := w.get("bad")
	require.Equal(t, "NoSuchKey", problem)
}

// A body whose signature covers its chunks, or none of it, arrives as it is.
func TestStreams(t *testing.T) {
	w := newWorld(t)
	w.bucket(store, nil)
	client := s3.NewFromConfig(w.config(account, "admin", parse(t, allow("*"))), func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
	})
	// A reader that cannot seek is sent in chunks with a checksum at the end.
	_, err := client.PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: aws.String(store), Key: aws.String("stream"), Body: io.MultiReader(strings.NewReader("one "), strings.NewReader("two")), ContentLength: aws.Int64(7),
	})
	require.NoError(t, err)
	text, _ := w.get("stream")
	require.Equal(t, "one two", text)
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MiB
	_, err = w.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(store), Key: aws.String("big"), Body: bytes.NewReader(big)})
	require.NoError(t, err)
	text, _ = w.get("big")
	require.Equal(t, string(big), text)
}

func TestPresignedURLs(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.bucket(store, nil)
		w.put("a", "contents")
		req, err := s3.NewPresignClient(w.s3).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(store), Key: aws.String("a")},
			s3.WithPresignExpires(time.Hour))
		require.NoError(t, err)
		get := func(url string) (int, string) {
			r, err := http.NewRequestWithContext(t.Context(), req.Method, url, nil)
			require.NoError(t, err)
			r.Header = req.SignedHeader.Clone()
			out, err := w.Client().Do(r)
			require.NoError(t, err)
			return out.StatusCode, read(t, out.Body)
		}
		status, text := get(req.URL)
		require.Equal(t, "200 contents", fmt.Sprint(status, " ", text))
		status, text = get(strings.Replace(req.URL, "/a?", "/b?", 1))
		require.Equal(t, 403, status)
		require.Contains(t, text, "SignatureDoesNotMatch")
		time.Sleep(time.Hour + time.Second)
		status, text = get(req.URL)
		require.Equal(t, 403, status)
		require.Contains(t, text, "Request has expired")
	})
}

func TestEncryptionWithKeys(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.bucket(store, nil)
		root := `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"}`
		key := w.key(document(root))
		put := func(c *s3.Client) string {
			_, err := c.PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String(store), Key: aws.String("a"), Body: strings.NewReader("contents"),
				ServerSideEncryption: types.ServerSideEncryptionAwsKms, SSEKMSKeyId: &key,
			})
			return code(t, err)
		}
		context := `{"StringEquals":{"kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::` + store + `/a","kms:ViaService":"s3.eu-west-1.amazonaws.com"}}`
		writer := w.as(account, "writer", parse(t, allow("s3:PutObject"),
			`{"Effect":"Allow","Action":"kms:GenerateDataKey","Resource":"*","Condition":`+context+`}`))
		require.Equal(t, "AccessDenied", put(w.as(account, "poor", parse(t, allow("s3:PutObject")))))
		require.Empty(t, put(writer))
		get := func(c *s3.Client) string {
			out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(store), Key: aws.String("a")})
			if err == nil {
				require.Equal(t, key, *out.SSEKMSKeyId)
				require.NotEqual(t, fmt.Sprintf(`"%x"`, md5.Sum([]byte("contents"))), *out.ETag)
			}
			return code(t, err)
		}
		require.Equal(t, "AccessDenied", get(w.as(account, "reader", parse(t, allow("s3:GetObject")))))
		require.Empty(t, get(w.as(account, "reader", parse(t, allow("s3:GetObject", "kms:Decrypt")))))
		require.NoError(t, w.policy(document(`{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::`+store+`/*",
			"Condition":{"StringNotEquals":{"s3:x-amz-server-side-encryption":"aws:kms"}}}`)))
		require.Empty(t, put(w.s3))
		_, err := w.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(store), Key: aws.String("b"), Body: strings.NewReader("x")})
		require.Equal(t, "AccessDenied", code(t, err))
	})
}

func TestVersions(t *testing.T) {
	w := newWorld(t)
	w.bucket(store, nil)
	require.Empty(t, w.put("a", "before"))
	w.versioning(store, types.BucketVersioningStatusEnabled)
	second := w.put("a", "second")
	w.versioning(store, types.BucketVersioningStatusSuspended)
	require.Equal(t, "null", w.put("a", "third"), "it takes the place of what was put before versioning")
	remove := func(version *string) *s3.DeleteObjectOutput {
		out, err := w.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(store), Key: aws.String("a"), VersionId: version})
		require.NoError(t, err)
		return out
	}
	text, _ := w.get("a", "null")
	require.Equal(t, "third", text)
	w.versioning(store, types.BucketVersioningStatusEnabled)
	marker := remove(nil)
	require.True(t, *marker.DeleteMarker)
	_, problem := w.get("a")
	require.Equal(t, "NoSuchKey", problem)
	_, problem = w.get("a", *marker.VersionId)
	require.Equal(t, "MethodNotAllowed", problem)
	_, problem = w.get("a", "none")
	require.Equal(t, "NoSuchVersion", problem)
	text, _ = w.get("a", second)
	require.Equal(t, "second", text)
	require.True(t, *remove(marker.VersionId).DeleteMarker, "undeleted")
	text, _ = w.get("a")
	require.Equal(t, "third", text)
	require.Nil(t, remove(aws.String("null")).DeleteMarker)
	text, _ = w.get("a")
	require.Equal(t, "second", text)
}

func TestCopies(t *testing.T) {
	w := newWorld(t)
	w.versioned(store)
	old := w.put("a b", "old")
	w.put("a b", "new")
	duplicate := func(source, key string, change func(*s3.CopyObjectInput)) string {
		in := &s3.CopyObjectInput{Bucket: aws.String(store), Key: &key, CopySource: &source}
		if change != nil {
			change(in)
		}
		_, err := w.s3.CopyObject(t.Context(), in)
		return code(t, err)
	}
	require.Empty(t, duplicate(store+"/a%20b", "c", nil))
	text, _ := w.get("c")
	require.Equal(t, "new", text)
	require.Empty(t, duplicate(store+"/a%20b?versionId="+old, "c", nil))
	text, _ = w.get("c")
	require.Equal(t, "old", text)
	require.Equal(t, "NoSuchKey", duplicate(store+"/none", "c", nil))
	require.Equal(t, "InvalidArgument", duplicate("nothing", "c", nil))
	require.Equal(t, "InvalidRequest", duplicate(store+"/c", "c", nil))
	require.Empty(t, duplicate(store+"/c", "c", func(in *s3.CopyObjectInput) {
		in.MetadataDirective, in.Metadata = types.MetadataDirectiveReplace, map[string]string{"x": "1"}
	}))
	require.Equal(t, "PreconditionFailed", duplicate(store+"/c", "d", func(in *s3.CopyObjectInput) { in.CopySourceIfMatch = aws.String(`"x"`) }))
	require.Equal(t, "PreconditionFailed", duplicate(store+"/c", "c", func(in *s3.CopyObjectInput) {
		in.IfNoneMatch, in.MetadataDirective = aws.String("*"), types.MetadataDirectiveReplace
	}))
}

func BenchmarkPutAndGet(b *testing.B) {
	w := newWorld(b)
	w.bucket(store, nil)
	text := strings.Repeat("x", 4<<10)
	for b.Loop() {
		w.put("a", text)
		if got, _ := w.get("a"); len(got) != len(text) {
			b.Fatal(len(got))
		}
	}
	b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}
