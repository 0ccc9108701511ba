package world_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/examples/awssim/world"
)

// through sends requests to a handler without a socket.
type through struct{ handler http.Handler }

func (c through) Do(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, in)
	return w.Result(), nil
}

func TestWritesAreSlowAndReadsAreNot(t *testing.T) {
	const text = `
region: eu-west-1
writeLatency: 10s
accounts:
- {id: "111111111111", users: [{name: admin, policies: [admin]}]}
`
	build(t, text, func(ctx context.Context, w *world.World, env map[string]string) {
		cfg := aws.Config{
			Region: "eu-west-1", HTTPClient: through{w.Handler()},
			Credentials: credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], ""),
		}
		start := time.Now()
		_, err := ec2.NewFromConfig(cfg).DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
		require.NoError(t, err)
		require.Less(t, time.Since(start), 10*time.Second)

		client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
		_, err = client.CreateBucket(ctx, &s3.CreateBucketInput{
			Bucket: aws.String("things"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
		})
		require.NoError(t, err)
		start = time.Now()
		// As large as the parts of an object are at least.
		_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("things"), Key: aws.String("a"), Body: bytes.NewReader(make([]byte, 5<<20))})
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(start), 10*time.Second)
	})
}
