package s3sim_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim"
)

func TestCreateBucket(t *testing.T) {
	w := newWorld(t)
	w.bucket(store, nil)
	_, err := w.as(other, "admin", awssim.Admin()).CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: aws.String("theirs"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: region},
	})
	require.NoError(t, err)
	for _, tt := range []struct{ name, bucket, region, where, want string }{
		{"good", "a-1.b", region, region, ""},
		{"in the first Region", "first", "us-east-1", "", ""},
		{"in the first Region again", "first", "us-east-1", "", ""},
		{"one's own", store, region, region, "BucketAlreadyOwnedByYou"},
		{"another's", "theirs", region, region, "BucketAlreadyExists"},
		{"without its Region", "b-1", region, "", "IllegalLocationConstraintException"},
		{"for another Region", "b-2", region, "eu-central-1", "IllegalLocationConstraintException"},
		{"for the first Region by name", "b-3", region, "us-east-1", "InvalidLocationConstraint"},
		{"two dots", "b..c", region, region, "InvalidBucketName"},
		{"like an address", "192.168.0.1", region, region, "InvalidBucketName"},
		{"too short", "ab", region, region, "InvalidBucketName"},
		{"too long", strings.Repeat("a", 64), region, region, "InvalidBucketName"},
		{"capital", "Bucket", region, region, "InvalidBucketName"},
		{"reserved", "xn--bucket", region, region, "InvalidBucketName"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := &s3.CreateBucketInput{Bucket: &tt.bucket}
			if tt.where != "" {
				in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(tt.where)}
			}
			_, err := w.in(tt.region).CreateBucket(t.Context(), in)
			require.Equal(t, tt.want, code(t, err))
		})
	}
	list, err := w.s3.ListBuckets(t.Context(), &s3.ListBucketsInput{})
	require.NoError(t, err)
	var names []string
	for _, b := range list.Buckets {
		names = append(names, *b.Name)
	}
	require.Equal(t, []string{"a-1.b", "first", store}, names)
	list, err = w.s3.ListBuckets(t.Context(), &s3.ListBucketsInput{MaxBuckets: aws.Int32(2)})
	require.NoError(t, err)
	list, err = w.s3.ListBuckets(t.Context(), &s3.ListBucketsInput{ContinuationToken: list.ContinuationToken})
	require.NoError(t, err)
	require.Len(t, list.Buckets, 1)
}

func TestBucketIsInItsRegion(t *testing.T) {
	w := newWorld(t)
	w.bucket(store, nil)
	at, err := w.s3.GetBucketLocation(t.Context(), &s3.GetBucketLocationInput{Bucket: aws.String(store)})
	require.NoError(t, err)
	require.Equal(t, types.BucketLocationConstraintEuWest1, at.LocationConstraint)
	head, err := w.s3.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String(store)})
	require.NoError(t, err)
	require.Equal(t, region, *head.BucketRegion)
	_, err = w.in("eu-central-1").ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(store)})
	require.Equal(t, "PermanentRedirect", code(t, err))
	_, err = w.s3.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("none")})
	require.Equal(t, "NotFound", code(t, err))
	_, err = w.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("none")})
	require.Equal(t, "NoSuchBucket", code(t, err))
	_, err = w.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(store), ExpectedBucketOwner: aws.String(other)})
	require.Equal(t, "AccessDenied", code(t, err))
}

func TestDeleteBucketWantsItEmpty(t *testing.T) {
	w := newWorld(t)
	w.versioned(store)
	id := w.put("a", "x")
	remove := func() string {
		_, err := w.s3.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String(store)})
		return code(t, err)
	}
	require.Equal(t, "BucketNotEmpty", remove())
	marker, err := w.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(store), Key: aws.String("a")})
	require.NoError(t, err)
	require.Equal(t, "BucketNotEmpty", remove(), "versions count")
	_, err = w.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(store), Key: aws.String("a"), VersionId: &id})
	require.NoError(t, err)
	require.Equal(t, "BucketNotEmpty", remove(), "delete markers count")
	_, err = w.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(store), Key: aws.String("a"), VersionId: marker.VersionId})
	require.NoError(t, err)
	require.Empty(t, remove())
	require.Equal(t, "NoSuchBucket", remove())
}

// Buckets are reached by host names and by paths, in memory and over a socket.
func TestAddressing(t *testing.T) {
	w := newWorld(t)
	w.bucket(store, nil)
	w.bucket("plain", nil)
	server := httptest.NewServer(w.Handler())
	defer server.Close()
	base := w.config(account, "admin", awssim.Admin())
	socket := base.Copy()
	socket.HTTPClient, socket.BaseEndpoint = nil, aws.String(server.URL)
	for name, client := range map[string]*s3.Client{
		"host":   s3.NewFromConfig(base),
		"path":   s3.NewFromConfig(base, func(o *s3.Options) { o.UsePathStyle = true }),
		"socket": s3.NewFromConfig(socket, func(o *s3.Options) { o.UsePathStyle = true }),
	} {
		for _, bucket := range []string{store, "plain"} {
			for _, key := range []string{"a", "dir/b c+d%2F?&=ü", "a//b", "/", "./x/../y"} {
				_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(name + key)})
				require.NoError(t, err, "%s %s %s", name, bucket, key)
				out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
				require.NoError(t, err, "%s %s %s", name, bucket, key)
				require.Equal(t, name+key, read(t, out.Body))
			}
			list, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket})
			require.NoError(t, err)
			require.Len(t, list.Contents, 5, name)
		}
	}
}

func TestBucketPolicies(t *testing.T) {
	w := newWorld(t)
	w.bucket(store, nil)
	w.put("a/1", "x")
	w.put("b/1", "x")
	reader := w.as(other, "reader", parse(t, allow("s3:GetObject", "s3:ListBucket")))
	lazy := w.as(other, "lazy")
	arn := "arn:aws:s3:::" + store
	get := func(c *s3.Client, key string) string {
		_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(store), Key: &key})
		return code(t, err)
	}
	require.Equal(t, "AccessDenied", get(reader, "a/1"), "no policy lets another account in")
	require.NoError(t, w.policy(document(`{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"s3:GetObject","Resource":"`+arn+`/a/*"}`,
		`{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"s3:ListBucket","Resource":"`+arn+`","Condition":{"StringLike":{"s3:prefix":"a/*"}}}`)))
	require.Empty(t, get(reader, "a/1"))
	require.Equal(t, "AccessDenied", get(reader, "b/1"))
	require.Equal(t, "AccessDenied", get(lazy, "a/1"), "its own account must allow it as well")
	require.Equal(t, "NoSuchKey", get(reader, "a/2"), "who may list is told what is not there")
	_, err := reader.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(store), Prefix: aws.String("a/")})
	require.NoError(t, err)
	_, err = reader.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(store)})
	require.Equal(t, "AccessDenied", code(t, err))

	// In the bucket's own account either is enough, and a denial wins.
	w.User(account, "bob")
	require.NoError(t, w.policy(document(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/bob"},"Action":"s3:GetObject","Resource":"`+arn+`/*"}`,
		`{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"`+arn+`/b/*"}`)))
	require.Empty(t, get(w.as(account, "bob"), "a/1"))
	require.Equal(t, "AccessDenied", get(w.s3, "b/1"))
	require.Equal(t, "AccessDenied", get(w.as(account, "carol", parse(t, allow("s3:GetObject"))), "c"), "who may not list is told nothing")

	got, err := w.s3.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: aws.String(store)})
	require.NoError(t, err)
	require.Contains(t, *got.Policy, "user/bob")
	_, err = w.s3.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: aws.String(store)})
	require.NoError(t, err)
	require.Empty(t, get(w.s3, "b/1"))
	_, err = w.s3.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: aws.String(store)})
	require.Equal(t, "NoSuchBucketPolicy", code(t, err))
}

func TestPoliciesThatAreRefused(t *testing.T) {
	w := newWorld(t)
	w.bucket(store, nil)
	everybody := document(`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::` + store + `/*"}`)
	for _, tt := range []struct{ name, policy, want string }{
		{"no JSON", `{`, "MalformedPolicy"},
		{"nobody", document(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::` + store + `/*"}`), "MalformedPolicy"},
		{"a user that is not", strings.Replace(everybody, `"*"`, `{"AWS":"arn:aws:iam::111111111111:user/none"}`, 1), "MalformedPolicy"},
		{"another bucket", strings.Replace(everybody, store, "elsewhere", 1), "MalformedPolicy"},
		{"too large", everybody + strings.Repeat(" ", 20<<10), "PolicyTooLarge"},
		{"public", everybody, "AccessDenied"},
		{"for an organization", strings.Replace(everybody, `}`, `,"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}}`, 1), ""},
	} {
		require.Equal(t, tt.want, code(t, w.policy(tt.policy)), tt.name)
	}
	_, err := w.s3.PutPublicAccessBlock(t.Context(), &s3.PutPublicAccessBlockInput{
		Bucket: aws.String(store), PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{BlockPublicAcls: aws.Bool(true)},
	})
	require.NoError(t, err)
	require.NoError(t, w.policy(everybody))
	block, err := w.s3.GetPublicAccessBlock(t.Context(), &s3.GetPublicAccessBlockInput{Bucket: aws.String(store)})
	require.NoError(t, err)
	require.True(t, *block.PublicAccessBlockConfiguration.BlockPublicAcls)
	require.False(t, *block.PublicAccessBlockConfiguration.BlockPublicPolicy)
}
