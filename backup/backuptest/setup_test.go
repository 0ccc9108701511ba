package backuptest_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup/backuptest"
)

func TestChosenAccessKeys(t *testing.T) {
	cloud := backuptest.New(backuptest.Options{Latency: -1})
	old := cloud.User(owner, "admin", backuptest.Admin())
	chosen, err := cloud.SetAccessKey(owner, "admin", "AKIAIOSFODNN7EXAMPLE", "secret")
	require.NoError(t, err)
	who, err := sts.NewFromConfig(cloud.Config(chosen, "eu-west-1")).GetCallerIdentity(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, "arn:aws:iam::111111111111:user/admin", *who.Arn)
	_, err = client(cloud, old).DescribeVolumes(t.Context(), nil)
	require.Equal(t, "AuthFailure", code(err), "the old key is none any more")
	cloud.User(friend, "admin", backuptest.Admin())
	for name, set := range map[string][3]string{
		"another's key":   {"admin", "AKIAIOSFODNN7EXAMPLE", "secret"},
		"nobody's key":    {"nobody", "AKIA2", "secret"},
		"an empty secret": {"admin", "AKIA2", ""},
	} {
		_, err := cloud.SetAccessKey(friend, set[0], set[1], set[2])
		require.Error(t, err, name)
	}
}

func TestPartitions(t *testing.T) {
	cloud := backuptest.New(backuptest.Options{Latency: -1})
	require.Error(t, cloud.SetPartition(owner, "aws-mars"))
	require.NoError(t, cloud.SetPartition(owner, "aws-cn"))
	who, err := sts.NewFromConfig(cloud.Config(cloud.Root(owner), "cn-north-1")).GetCallerIdentity(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, "arn:aws-cn:iam::111111111111:root", *who.Arn)
}

func TestSpeedAndQuotas(t *testing.T) {
	backuptest.Simulate(func() {
		ctx := context.Background() // t.Context is from outside
		cloud := backuptest.New(backuptest.Options{Latency: -1})
		cloud.SetDurations(backuptest.Durations{Volume: -1, Speed: 1000})
		cloud.SetQuotas(backuptest.Quotas{Spacing: -1, PendingPerVolume: 2})
		ec := client(cloud, cloud.User(owner, "admin", backuptest.Admin()))
		volume, err := ec.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(1)})
		require.NoError(t, err)
		snapshot := func() error {
			_, err := ec.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: volume.VolumeId})
			return err
		}
		require.NoError(t, snapshot())
		require.NoError(t, snapshot())
		require.Equal(t, "ConcurrentSnapshotLimitExceeded", code(snapshot()))
		time.Sleep(120 * time.Millisecond) // 90 s, a quarter more at most, a thousand times faster
		require.NoError(t, snapshot())
	})
}
