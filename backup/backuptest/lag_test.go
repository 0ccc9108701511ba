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

func TestLag(t *testing.T) {
	backuptest.Simulate(func() {
		ctx := context.Background() // t.Context is from outside
		cloud := backuptest.New(backuptest.Options{})
		ec := client(cloud, cloud.Root(owner))
		cloud.SetLag(time.Minute, 1)
		made, err := ec.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(1)})
		require.NoError(t, err)
		missed := 0
		for i := range 90 {
			_, err := ec.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{*made.VolumeId}})
			if err != nil {
				require.Equal(t, "InvalidVolume.NotFound", code(err))
				require.Less(t, i, 60)
				missed++
			}
			time.Sleep(time.Second)
		}
		require.NotZero(t, missed)
		cloud.SetLag(0, 0)
		again, err := ec.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(1)})
		require.NoError(t, err)
		for range 20 {
			_, err := ec.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{*again.VolumeId}})
			require.NoError(t, err)
		}
	})
}
