package backuptest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/retention"
)

// A volume is written to, lost, and comes back from its snapshot.
func Example() {
	ctx := context.Background()
	passed := backuptest.Simulate(func() {
		cloud := backuptest.New(backuptest.Options{})
		admin := cloud.User("111111111111", "admin", backuptest.Admin())
		client := ec2.NewFromConfig(cloud.Config(admin, "eu-west-1"))

		lost, err := cloud.AddVolume("111111111111", "eu-west-1", backuptest.Disk{
			GiB: 8, Blocks: map[int64][]byte{7: []byte("precious")},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		before, err := cloud.ReadVolume(lost)
		if err != nil {
			fmt.Println(err)
			return
		}

		snapshot, err := client.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: &lost.ID})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("snapshot:", snapshot.State)
		time.Sleep(time.Hour)
		fmt.Println("an hour later:", cloud.Snapshots()[0].State)
		if _, err := client.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: &lost.ID}); err != nil {
			fmt.Println(err)
			return
		}

		volume, err := client.CreateVolume(ctx, &ec2.CreateVolumeInput{
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
	// virtual time: 1h0m0s
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

// A watcher looks at every change and says what must never be. Here the only
// good copy of a volume is deleted.
func ExampleCloud_Watch() {
	backuptest.Simulate(func() {
		ctx := context.Background()
		const vault, shop = "999999999999", "111111111111"
		cloud := backuptest.New(backuptest.Options{})
		volume, err := cloud.AddVolume(shop, "eu-west-1", backuptest.Disk{})
		if err != nil {
			fmt.Println(err)
			return
		}
		key, err := cloud.AddKey(vault, "eu-west-1", nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		watcher := cloud.Watch(backuptest.Watching{Vault: vault})

		engine, err := backup.New(admins{cloud}, []backup.Driver{ebs.New(ebs.Options{})}, backup.Options{Vault: vault})
		if err != nil {
			fmt.Println(err)
			return
		}
		if _, err := engine.Run(ctx, backup.Plan{
			Name:      "nightly",
			Sources:   []backup.Source{{Account: shop, Regions: []string{"eu-west-1"}, Select: backup.Selector{All: true}}},
			Retention: retention.Policy{Last: 3},
			Copies:    []backup.Copy{{Account: vault, Region: "eu-west-1", KMSKey: key}},
		}, time.Now()); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("after the run:", len(watcher.Check()), "violations")

		for _, s := range cloud.Snapshots() {
			if s.Account == vault {
				_, err = admins{cloud}.ec2(vault).DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: &s.ID})
			}
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, v := range watcher.Check() {
			fmt.Println(v.Rule, "is broken:", v.Text[:len("the last good copy")], volume.Account)
		}
	})
	// Output:
	// after the run: 0 violations
	// lost is broken: the last good copy 111111111111
}
