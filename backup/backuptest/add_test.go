package backuptest_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup/backuptest"
)

func TestWhatIsAddedIsReadyAtOnce(t *testing.T) {
	ctx := context.Background()
	cloud := backuptest.New(backuptest.Options{})
	key, err := cloud.AddKey(shop, dublin, nil)
	require.NoError(t, err)
	id, volumes, err := cloud.AddInstance(shop, dublin, backuptest.Instance{
		Name: "web", Type: types.InstanceTypeM7gLarge, Tags: map[string]string{"backup": "daily"},
		Disks: []backuptest.Disk{
			{GiB: 20, KeyARN: key, Blocks: map[int64][]byte{7: []byte("seven")}},
			{Type: types.VolumeTypeSt1, GiB: 125, KeyARN: "aws/ebs", Fill: &backuptest.Fill{Seed: 1, Share: 0.5}},
		},
	})
	require.NoError(t, err)
	spare, err := cloud.AddVolume(shop, dublin, backuptest.Disk{Zone: "c", Tags: map[string]string{"k": "v"}})
	require.NoError(t, err)

	client := ec2.NewFromConfig(cloud.Config(cloud.User(shop, "admin", backuptest.Admin()), dublin))
	instances, err := client.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	require.NoError(t, err)
	in := instances.Reservations[0].Instances[0]
	require.Equal(t, types.InstanceStateNameRunning, in.State.Name)
	require.Equal(t, types.ArchitectureValuesArm64, in.Architecture)
	require.Len(t, in.Tags, 2)

	ids := []string{spare.ID}
	for _, v := range volumes {
		ids = append(ids, v.ID)
	}
	found, err := client.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: ids})
	require.NoError(t, err)
	byID := map[string]types.Volume{}
	for _, v := range found.Volumes {
		byID[*v.VolumeId] = v
	}
	require.Equal(t, types.VolumeStateAvailable, byID[spare.ID].State)
	require.Equal(t, dublin+"c", *byID[spare.ID].AvailabilityZone)
	require.Equal(t, *in.RootDeviceName, *byID[volumes[0].ID].Attachments[0].Device)
	require.Equal(t, types.VolumeAttachmentStateAttached, byID[volumes[1].ID].Attachments[0].State)
	require.Equal(t, key, *byID[volumes[1].ID].KmsKeyId)
	require.Equal(t, int32(20), *byID[volumes[1].ID].Size)
	require.True(t, *byID[volumes[2].ID].Encrypted)
	require.NotEqual(t, key, *byID[volumes[2].ID].KmsKeyId)
	require.Equal(t, types.VolumeTypeSt1, byID[volumes[2].ID].VolumeType)

	got, err := cloud.ReadVolume(volumes[1])
	require.NoError(t, err)
	require.Equal(t, map[int64][]byte{7: []byte("seven")}, got.Blocks)
	got, err = cloud.ReadVolume(volumes[2])
	require.NoError(t, err)
	require.NotEmpty(t, got.Blocks)
	require.Empty(t, cloud.Misuse())
}

func TestWhatCannotBeAddedIsAnError(t *testing.T) {
	cloud := backuptest.New(backuptest.Options{})
	_, err := cloud.AddVolume(shop, "eu-nowhere-1", backuptest.Disk{})
	require.Error(t, err)
	_, err = cloud.AddVolume(shop, dublin, backuptest.Disk{GiB: -1})
	require.ErrorContains(t, err, "backuptest: ")
	_, err = cloud.AddVolume(shop, dublin, backuptest.Disk{Blocks: map[int64][]byte{1 << 40: nil}})
	require.ErrorContains(t, err, "out of range")
	_, _, err = cloud.AddInstance(shop, dublin, backuptest.Instance{Disks: []backuptest.Disk{{Type: "nothing"}}})
	require.ErrorContains(t, err, "backuptest: ")
}

// Whoever builds the world does not live in it: neither faults nor late news
// nor limits on requests keep a resource from being added.
func TestWhatIsAddedMeetsNoTrouble(t *testing.T) {
	backuptest.Simulate(func() {
		cloud := backuptest.New(backuptest.Options{})
		cloud.SetLag(5*time.Minute, 3)
		cloud.SetFault(func(backuptest.Call) backuptest.Fault { return backuptest.Fault{Way: backuptest.Throttle} })
		key, err := cloud.AddKey(shop, dublin, nil)
		require.NoError(t, err)
		for range 50 { // AWS lets start five at once, and then two a second
			id, volumes, err := cloud.AddInstance(shop, dublin, backuptest.Instance{Disks: []backuptest.Disk{{GiB: 1, KeyARN: key}}})
			require.NoError(t, err)
			require.NotEmpty(t, id)
			require.Len(t, volumes, 2)
		}
		require.Zero(t, cloud.Stats().Throttled)
		require.Zero(t, cloud.Stats().Faults)

		_, err = ec2.NewFromConfig(cloud.Config(cloud.Root(shop), dublin)).DescribeInstances(context.Background(), nil)
		require.ErrorContains(t, err, "RequestLimitExceeded")
	})
}
