package restore_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/restore"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// A copy in the vault becomes a volume in an account that has nothing of it:
// the plan first, then the run. A program takes the point from Engine.Points
// and its sessions from accounts.New.
func Example() {
	backuptest.Simulate(func() {
		ctx := context.Background()
		cloud := backuptest.New(backuptest.Options{})
		point, key, err := oneCopy(ctx, cloud)
		if err != nil {
			fmt.Println(err)
			return
		}
		restorer, err := restore.New(administrators{cloud}, restore.Options{})
		if err != nil {
			fmt.Println(err)
			return
		}
		plan, err := restorer.Plan(ctx, restore.Request{
			ID: "drill-2026-05", Point: point, Account: "555555555555", Region: "eu-central-1", Zone: "eu-central-1a",
			KMSKey: key, As: restore.Volumes, Tags: map[string]string{"Name": "restored"},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, s := range plan.Steps {
			fmt.Println(s.Action, "in", s.Site)
		}
		report, err := restorer.Run(ctx, plan)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, v := range report.Volumes {
			data, err := cloud.ReadVolume(backuptest.Ref{Account: report.Site.Account, Region: report.Site.Region, ID: v.Volume})
			fmt.Printf("%d GiB: %q, %v; %d things left\n", v.SizeGiB, data.Blocks[7], err, len(report.Left))
		}
	})
	// Output:
	// share in 999999999999/eu-west-1
	// copy in 555555555555/eu-central-1
	// revoke in 999999999999/eu-west-1
	// make volume in 555555555555/eu-central-1
	// drop copy in 555555555555/eu-central-1
	// 8 GiB: "precious", <nil>; 0 things left
}

// administrators are sessions that may do everything, for short examples. The
// roles that a restore needs are those of iampolicy.Installation.
type administrators struct{ cloud *backuptest.Cloud }

func (a administrators) Config(_ context.Context, id accounts.ID, _ accounts.Purpose, region string) (aws.Config, error) {
	return a.cloud.Config(a.cloud.User(id, "admin", backuptest.Admin()), region), nil
}

// oneCopy makes a snapshot in a vault, as the engine would have by copying,
// and returns it as a recovery point, with a key to restore under.
func oneCopy(ctx context.Context, cloud *backuptest.Cloud) (backup.Point, string, error) {
	vault := backup.Site{Account: "999999999999", Region: "eu-west-1"}
	cfg, _ := administrators{cloud}.Config(ctx, vault.Account, "", vault.Region)
	api := ec2.NewFromConfig(cfg)
	volume, err := api.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(8)})
	if err != nil {
		return backup.Point{}, "", err
	}
	time.Sleep(time.Minute)
	if err := cloud.WriteVolume(backuptest.Ref{Account: vault.Account, Region: vault.Region, ID: *volume.VolumeId}, 7, []byte("precious")); err != nil {
		return backup.Point{}, "", err
	}
	snap, err := api.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: volume.VolumeId, TagSpecifications: []types.TagSpecification{{
		ResourceType: types.ResourceTypeSnapshot, Tags: []types.Tag{{Key: aws.String(iampolicy.TagVault), Value: aws.String("999999999999")}},
	}}})
	if err != nil {
		return backup.Point{}, "", err
	}
	time.Sleep(time.Hour)
	cfg, _ = administrators{cloud}.Config(ctx, "555555555555", "", "eu-central-1")
	key, err := kms.NewFromConfig(cfg).CreateKey(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return backup.Point{}, "", err
	}
	return backup.Point{
		ID: "sk-0123456789abcdef0", Copy: true, Site: vault, Kind: "volume", Time: *snap.StartTime,
		Resource: "arn:aws:ec2:eu-west-1:222222222222:volume/vol-0123456789abcdef0",
		Members: []backup.PointMember{{
			Member:   backup.Member{Volume: "vol-0123456789abcdef0", Type: "gp3", SizeGiB: 8},
			Snapshot: backup.Snapshot{ID: *snap.SnapshotId, Owner: vault.Account, SizeGiB: 8, State: backup.SnapshotCompleted},
		}},
	}, *key.KeyMetadata.Arn, nil
}
