package backuptest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/backup/backuptest"
)

// A volume is written to, lost, and comes back from its snapshot.
func Example() {
	ctx := context.Background()
	passed := backuptest.Simulate(func() {
		cloud := backuptest.New(backuptest.Options{})
		admin := cloud.User("111111111111", "admin", backuptest.Admin())
		client := ec2.NewFromConfig(cloud.Config(admin, "eu-west-1"))

		volume, err := client.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(8)})
		if err != nil {
			fmt.Println(err)
			return
		}
		time.Sleep(time.Minute) // virtual: until the volume is available
		lost := backuptest.Ref{Account: "111111111111", Region: "eu-west-1", ID: *volume.VolumeId}
		if err := cloud.WriteVolume(lost, 7, []byte("precious")); err != nil {
			fmt.Println(err)
			return
		}
		before, err := cloud.ReadVolume(lost)
		if err != nil {
			fmt.Println(err)
			return
		}

		snapshot, err := client.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: volume.VolumeId})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("snapshot:", snapshot.State)
		time.Sleep(time.Hour)
		fmt.Println("an hour later:", cloud.Snapshots()[0].State)
		if _, err := client.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: volume.VolumeId}); err != nil {
			fmt.Println(err)
			return
		}

		volume, err = client.CreateVolume(ctx, &ec2.CreateVolumeInput{
			AvailabilityZone: aws.String("eu-west-1a"), SnapshotId: snapshot.SnapshotId,
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		after, err := cloud.ReadVolume(backuptest.Ref{Account: "111111111111", Region: "eu-west-1", ID: *volume.VolumeId})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("identical:", after.Equal(before))
	})
	fmt.Println("virtual time:", passed.Round(time.Minute))
	// Output:
	// snapshot: pending
	// an hour later: completed
	// identical: true
	// virtual time: 1h1m0s
}

// The answer to a call that made something is lost.
func ExampleCloud_SetFault() {
	cloud := backuptest.New(backuptest.Options{Latency: -1})
	admin := cloud.User("111111111111", "admin", backuptest.Admin())
	client := ec2.NewFromConfig(cloud.Config(admin, "eu-west-1"), func(o *ec2.Options) { o.Retryer = aws.NopRetryer{} })

	cloud.SetFault(func(c backuptest.Call) backuptest.Fault {
		if c.Operation == "CreateVolume" {
			return backuptest.Fault{Way: backuptest.Reset, After: true}
		}
		return backuptest.Fault{}
	})
	ctx := context.Background()
	_, err := client.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(8)})
	fmt.Println("failed:", err != nil)
	out, err := client.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{
		Filters: []types.Filter{{Name: aws.String("size"), Values: []string{"8"}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("volumes:", len(out.Volumes))
	// Output:
	// failed: true
	// volumes: 1
}
