package backuptest_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup/backuptest"
)

func TestVolumesMayBeHuge(t *testing.T) {
	backuptest.Simulate(func() {
		ctx := context.Background()
		cloud := backuptest.New(backuptest.Options{})
		ec := client(cloud, cloud.User(owner, "admin", backuptest.Admin()))
		volume, err := ec.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(16_384)})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		ref := backuptest.Ref{Account: owner, Region: "eu-west-1", ID: *volume.VolumeId}
		require.NoError(t, cloud.FillVolume(ref, backuptest.Fill{Seed: 1, Spans: []backuptest.Span{{First: 0, Count: 1 << 25}}}))
		require.Error(t, cloud.FillVolume(ref, backuptest.Fill{Spans: []backuptest.Span{{First: 1 << 25, Count: 1}}}), "beyond the end")
		_, err = cloud.ReadVolume(ref)
		require.Error(t, err, "too many to hold")

		first, err := ec.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: volume.VolumeId})
		require.NoError(t, err)
		taken := backuptest.Ref{Account: owner, Region: "eu-west-1", ID: *first.SnapshotId}
		at, err := cloud.FirstDifference(ref, taken)
		require.NoError(t, err)
		require.EqualValues(t, -1, at)
		n, err := cloud.Churn(ref, 2, 0.5)
		require.NoError(t, err)
		require.EqualValues(t, 1<<24, n)
		at, err = cloud.FirstDifference(ref, taken)
		require.NoError(t, err)
		require.NotEqualValues(t, -1, at)
	})
}
