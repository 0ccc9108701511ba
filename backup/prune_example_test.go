package backup_test

import (
	"context"
	"encoding/json"
	"fmt"
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

// fourNights makes a simulated AWS and backs a volume up in it, four times.
func fourNights(ctx context.Context) (*backup.Engine, backup.Plan, error) {
	const vault, shop = "999999999999", "111111111111"
	cloud := backuptest.New(backuptest.Options{})
	sessions := administrators{cloud, map[accounts.ID]aws.CredentialsProvider{
		vault: cloud.User(vault, "admin", backuptest.Admin()), shop: cloud.User(shop, "admin", backuptest.Admin()),
	}}
	key, err := kms.NewFromConfig(cloud.Config(sessions.users[vault], "eu-west-1")).CreateKey(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return nil, backup.Plan{}, err
	}
	if _, err := ec2.NewFromConfig(cloud.Config(sessions.users[shop], "eu-west-1")).CreateVolume(ctx, &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(8),
	}); err != nil {
		return nil, backup.Plan{}, err
	}
	time.Sleep(time.Minute) // virtual, as all time here
	engine, err := backup.New(sessions, []backup.Driver{ebs.New(ebs.Options{})}, backup.Options{Vault: vault})
	if err != nil {
		return nil, backup.Plan{}, err
	}
	plan := backup.Plan{
		Name:      "nightly",
		Sources:   []backup.Source{{Account: shop, Regions: []string{"eu-west-1"}, Select: backup.Selector{All: true}}},
		Retention: retention.Policy{Last: 1},
		Copies: []backup.Copy{{
			Account: vault, Region: "eu-west-1", KMSKey: *key.KeyMetadata.Arn,
			Retention: retention.Policy{Daily: retention.Keep{Count: 2}, Weekly: retention.Keep{Count: 4}},
		}},
	}
	for range 4 {
		if _, err := engine.Run(ctx, plan, time.Now()); err != nil {
			return nil, plan, err
		}
		time.Sleep(24 * time.Hour)
	}
	return engine, plan, nil
}

// What would go is planned first, reviewed as a table or a file, and deleted
// only as far as it is still right then.
func ExampleEngine_PlanPrune() {
	backuptest.Simulate(func() {
		ctx := context.Background()
		engine, plan, err := fourNights(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		planned, err := engine.PlanPrune(ctx, plan, time.Now())
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, g := range planned.Groups { // or fmt.Println(planned)
			fmt.Printf("at %s, copies: %t, %s\n", g.Site, g.Copy, g.Policy)
			for _, d := range g.Decisions {
				fmt.Printf("  %s %s [%s]\n", d.Time.Format(time.DateOnly), d.Action, d.Reasons)
			}
		}
		file, err := json.Marshal(planned)
		if err != nil {
			fmt.Println(err)
			return
		}

		approved := new(backup.PrunePlan)
		if err := json.Unmarshal(file, approved); err != nil {
			fmt.Println(err)
			return
		}
		report, err := engine.Prune(ctx, approved)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(report.Count(backup.Pruned), "pruned")
	})
	// Output:
	// at 111111111111/eu-west-1, copies: false, last=1
	//   2000-01-04 retain [last, min-count]
	//   2000-01-03 prune []
	//   2000-01-02 prune []
	//   2000-01-01 prune []
	// at 999999999999/eu-west-1, copies: true, daily=2 weekly=4
	//   2000-01-04 retain [daily, weekly, min-count, hold]
	//   2000-01-03 retain [daily]
	//   2000-01-02 retain [weekly]
	//   2000-01-01 prune []
	// 4 pruned
}

// What another policy would do is a second plan, which is compared with the
// first and never applied.
func ExamplePrunePlan_Diff() {
	backuptest.Simulate(func() {
		ctx := context.Background()
		engine, plan, err := fourNights(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		planned, err := engine.PlanPrune(ctx, plan, time.Now())
		if err != nil {
			fmt.Println(err)
			return
		}
		plan.Copies[0].Retention = retention.Policy{Last: 1, Tags: []retention.Selector{{"keep": ""}}}
		other, err := engine.PlanPrune(ctx, plan, planned.Made)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, c := range other.Diff(planned) { // or fmt.Println(diff)
			fmt.Printf("%s at %s: %s → %s\n", c.Time.Format(time.DateOnly), c.Site, c.Was, c.Is)
		}
	})
	// Output:
	// 2000-01-03 at 999999999999/eu-west-1: retain → prune
	// 2000-01-02 at 999999999999/eu-west-1: retain → prune
}
