package core_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A bucketCase is one API and the bucket that its calls draw from.
type bucketCase struct {
	name   string
	limits core.Limits
	call   func(context.Context, aws.Config) error
	// burst calls pass at once, then perSecond each second.
	burst, perSecond int
	refusal          refusal
}

var bucketCases = []bucketCase{
	{
		name: "reading", call: func(ctx context.Context, cfg aws.Config) error {
			_, err := ec2.NewFromConfig(cfg).DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{MaxResults: aws.Int32(5)})
			return err
		}, burst: 100, perSecond: 20, refusal: refusal{"RequestLimitExceeded", 503},
	},
	{
		name: "reading without a filter", call: func(ctx context.Context, cfg aws.Config) error {
			_, err := ec2.NewFromConfig(cfg).DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
			return err
		}, burst: 50, perSecond: 10, refusal: refusal{"RequestLimitExceeded", 503},
	},
	{
		name: "mutating", call: func(ctx context.Context, cfg aws.Config) error {
			_, err := ec2.NewFromConfig(cfg).CopySnapshot(ctx, &ec2.CopySnapshotInput{SourceRegion: aws.String("eu-west-1"), SourceSnapshotId: aws.String("s")})
			return err
		}, burst: 50, perSecond: 5, refusal: refusal{"RequestLimitExceeded", 503},
	},
	{
		name: "mutating, half of it used by others", limits: core.Limits{Others: 0.5}, call: func(ctx context.Context, cfg aws.Config) error {
			_, err := ec2.NewFromConfig(cfg).CopySnapshot(ctx, &ec2.CopySnapshotInput{SourceRegion: aws.String("eu-west-1"), SourceSnapshotId: aws.String("s")})
			return err
		}, burst: 25, perSecond: 2, refusal: refusal{"RequestLimitExceeded", 503},
	},
	{
		name: "small, most of it used by others", limits: core.Limits{Others: 0.75, Buckets: map[string]core.Bucket{"ec2:DeleteSnapshot": {2, 4}}},
		call: func(ctx context.Context, cfg aws.Config) error {
			_, err := ec2.NewFromConfig(cfg).DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: aws.String("s")})
			return err
		}, burst: 1, perSecond: 1, refusal: refusal{"RequestLimitExceeded", 503},
	},
	{
		name: "named", call: func(ctx context.Context, cfg aws.Config) error {
			_, err := ec2.NewFromConfig(cfg).DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: aws.String("s")})
			return err
		}, burst: 100, perSecond: 5, refusal: refusal{"RequestLimitExceeded", 503},
	},
	{
		name: "instances", call: func(ctx context.Context, cfg aws.Config) error {
			_, err := ec2.NewFromConfig(cfg).RunInstances(ctx, &ec2.RunInstancesInput{MinCount: aws.Int32(1), MaxCount: aws.Int32(400)})
			return err
		}, burst: 2, perSecond: 0, refusal: refusal{"RequestLimitExceeded", 503},
	},
	{
		name: "STS", call: func(ctx context.Context, cfg aws.Config) error {
			_, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
			return err
		}, burst: 600, perSecond: 600, refusal: refusal{"Throttling", 400},
	},
	{
		name: "KMS", call: func(ctx context.Context, cfg aws.Config) error {
			_, err := kms.NewFromConfig(cfg).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("k")})
			return err
		}, burst: 2000, perSecond: 2000, refusal: refusal{"ThrottlingException", 400},
	},
	{
		name: "replaced", limits: core.Limits{Buckets: map[string]core.Bucket{"kms:DescribeKey": {3, 2}}},
		call: func(ctx context.Context, cfg aws.Config) error {
			_, err := kms.NewFromConfig(cfg).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("k")})
			return err
		}, burst: 3, perSecond: 2, refusal: refusal{"ThrottlingException", 400},
	},
}

func TestRequestBuckets(t *testing.T) {
	for _, tt := range bucketCases {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, core.Options{Latency: -1, Limits: tt.limits})
				cfg := w.config(w.user(), "")
				for range 2 {
					for i := range tt.burst {
						require.NoError(t, tt.call(t.Context(), cfg), "call %d", i)
					}
					err := tt.call(t.Context(), cfg)
					require.Equal(t, tt.refusal.code, code(t, err))
					require.Equal(t, tt.refusal.status, status(err))
					time.Sleep(time.Second)
					for range tt.perSecond {
						require.NoError(t, tt.call(t.Context(), cfg))
					}
					require.Error(t, tt.call(t.Context(), cfg))
					time.Sleep(time.Hour) // full again, and not fuller
				}
				require.Equal(t, 4, w.Stats().Throttled)
				elsewhere := cfg.Copy()
				elsewhere.Region = "us-east-1"
				for range tt.burst {
					require.NoError(t, tt.call(t.Context(), cfg), "each Region has its own bucket")
					require.NoError(t, tt.call(t.Context(), elsewhere), "each Region has its own bucket")
				}
			})
		})
	}
}

func TestEachAccountHasItsOwnBuckets(t *testing.T) {
	w := newWorld(t, core.Options{Latency: -1, Limits: core.Limits{Buckets: map[string]core.Bucket{"ec2:DeleteSnapshot": {1, 0}}}})
	w.Lock()
	other := w.Account("222222222222").RootKey()
	w.Unlock()
	in := &ec2.DeleteSnapshotInput{SnapshotId: aws.String("s")}
	_, err := w.ec2(w.user()).DeleteSnapshot(t.Context(), in)
	require.NoError(t, err)
	_, err = w.ec2(w.user()).DeleteSnapshot(t.Context(), in)
	require.Equal(t, "RequestLimitExceeded", code(t, err))
	_, err = w.ec2(other).DeleteSnapshot(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, 2, w.deletions, "a throttled call has no effect")
}

func TestLimitsOff(t *testing.T) {
	w := newWorld(t, core.Options{Latency: -1, Limits: core.Limits{Off: true}})
	client := w.ec2(w.user())
	for range 200 {
		_, err := client.DescribeSnapshots(t.Context(), nil)
		require.NoError(t, err)
	}
}

// The SDK knows the throttling errors as such, and waits.
func TestTheSDKRetriesThrottledCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, core.Options{Limits: core.Limits{Buckets: map[string]core.Bucket{"ec2:DeleteSnapshot": {1, 1}}}})
		cfg := w.config(w.user(), "")
		cfg.Retryer = func() aws.Retryer { return retry.AddWithMaxAttempts(retry.NewStandard(), 20) }
		for range 3 {
			_, err := ec2.NewFromConfig(cfg).DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: aws.String("s")})
			require.NoError(t, err)
		}
		require.Equal(t, 3, w.deletions)
		require.NotZero(t, w.Stats().Throttled)
	})
}
