package backup_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/retention"
)

// administrators are Sessions for an example: one administrator in each
// account. A real program has accounts.Sessions, and a role for each purpose.
type administrators struct {
	cloud *backuptest.Cloud
	users map[accounts.ID]aws.CredentialsProvider
}

func (a administrators) Config(_ context.Context, id accounts.ID, _ accounts.Purpose, region string) (aws.Config, error) {
	return a.cloud.Config(a.users[id], region), nil
}

// A detached volume is backed up from another account.
func Example() {
	const vault, shop = "999999999999", "111111111111"
	backuptest.Simulate(func() {
		ctx := context.Background()
		cloud := backuptest.New(backuptest.Options{})
		sessions := administrators{cloud, map[accounts.ID]aws.CredentialsProvider{
			vault: cloud.User(vault, "admin", backuptest.Admin()), shop: cloud.User(shop, "admin", backuptest.Admin()),
		}}
		key, err := kms.NewFromConfig(cloud.Config(sessions.users[vault], "eu-west-1")).CreateKey(ctx, &kms.CreateKeyInput{})
		if err != nil {
			fmt.Println(err)
			return
		}
		if _, err := ec2.NewFromConfig(cloud.Config(sessions.users[shop], "eu-west-1")).CreateVolume(ctx, &ec2.CreateVolumeInput{
			AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(8),
		}); err != nil {
			fmt.Println(err)
			return
		}
		time.Sleep(time.Minute) // virtual: until the volume is available

		engine, err := backup.New(sessions, []backup.Driver{ebs.New(ebs.Options{})}, backup.Options{Vault: vault})
		if err != nil {
			fmt.Println(err)
			return
		}
		plan := backup.Plan{
			Name:      "nightly",
			Sources:   []backup.Source{{Account: shop, Regions: []string{"eu-west-1"}, Select: backup.Selector{All: true}}},
			Retention: retention.Policy{Last: 7},
			Copies:    []backup.Copy{{Account: vault, Region: "eu-west-1", KMSKey: *key.KeyMetadata.Arn}},
		}
		report, err := engine.Run(ctx, plan, time.Now())
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(report.Points, "point,", report.Copies, "copy verified,", report.Jobs[0].Stage)
		for _, api := range []string{"CreateSnapshot", "ModifySnapshotAttribute", "CopySnapshot"} {
			fmt.Println(api, report.Calls[api])
		}
		for point, err := range engine.Points(ctx, plan.Filter(vault)) {
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(point.Site, point.Kind, point.State, "copy:", point.Copy)
		}
	})
	// Output:
	// 1 point, 1 copy verified, done
	// CreateSnapshot 1
	// ModifySnapshotAttribute 2
	// CopySnapshot 1
	// 111111111111/eu-west-1 volume complete copy: false
	// 999999999999/eu-west-1 volume complete copy: true
}

func ExampleLoadPlan() {
	_, err := backup.LoadPlan(strings.NewReader(`{
		"name": "nightly",
		"sources": [{"account": "111111111111", "regions": ["eu-west-1"], "select": {}}],
		"retention": "daily=7 weekly=4",
		"copies": [{"account": "999999999999", "region": "eu-west-1", "kmsKey": "alias/vault"}]
	}`))
	fmt.Println(err)
	var wrong *backup.PlanError
	fmt.Println(errors.As(err, &wrong), wrong.Field)
	// Output:
	// plan: sources[0].select: chooses nothing: want all, ids, tags or any
	// plan: copies[0].kmsKey: "alias/vault" is not an ARN
	// true sources[0].select
}
