package ebs_test

import (
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// Instance stores are named, from a type that is asked about once.
func TestInstanceStoresAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, false)
		out, err := s.ec2.RunInstances(t.Context(), &ec2.RunInstancesInput{
			ImageId: aws.String(ec2sim.BaseImage(site.Region, types.ArchitectureValuesX8664)), InstanceType: types.InstanceTypeM5d4xlarge,
			MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		})
		require.NoError(t, err)
		settle()
		client := s.client(site)
		for range 2 {
			got := map[string][]string{}
			for _, r := range discover(t, client, backup.Selector{All: true}) {
				got[r.ID()] = r.Unprotected
			}
			require.Equal(t, []string{"2 instance-store volumes of 300 GB"}, got[aws.ToString(out.Instances[0].InstanceId)])
			require.Empty(t, got[s.ids["web"]])
		}
		require.Equal(t, 1, s.cloud.Stats().Calls["ec2:DescribeInstanceTypes"])
	})
}

// An instance that has nothing else is told, and is no silence.
func TestAnInstanceOfStoresOnlyIsTold(t *testing.T) {
	client, _ := open(t, func(r request) answer {
		switch r.action {
		case "DescribeInstances":
			return ok(r.action, `<reservationSet><item><instancesSet><item><instanceId>i-old</instanceId>
				<instanceState><name>running</name></instanceState><rootDeviceType>instance-store</rootDeviceType>
				<instanceType>m3.large</instanceType></item></instancesSet></item></reservationSet>`)
		case "DescribeVolumes":
			return ok(r.action, "<volumeSet/>")
		}
		return refused(403, "UnauthorizedOperation", r.action)
	})
	n := 0
	for r, err := range client.Discover(t.Context(), backup.Selector{All: true}) {
		n++
		require.Equal(t, "i-old", r.ID())
		require.ErrorIs(t, err, backup.ErrUnsupported)
		require.ErrorContains(t, err, "boots from an instance store")
	}
	require.Equal(t, 1, n)
}
