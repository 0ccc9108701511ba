package backup_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/retention"
)

// A plan protects what is tagged, and a day later somebody asks what it leaves
// out, and whether what there is is fresh enough.
func ExampleEngine_Coverage() {
	backuptest.Simulate(func() {
		const vault, shop = "999999999999", "111111111111"
		ctx := context.Background()
		cloud := backuptest.New(backuptest.Options{})
		daily := map[string]string{"backup": "daily"}
		key, err := cloud.AddKey(vault, "eu-west-1", nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		for name, tags := range map[string]map[string]string{"web": daily, "test": nil} {
			if _, _, err := cloud.AddInstance(shop, "eu-west-1", backuptest.Instance{Name: name, Tags: tags}); err != nil {
				fmt.Println(err)
				return
			}
		}
		sessions := administrators{cloud, map[accounts.ID]aws.CredentialsProvider{
			vault: cloud.User(vault, "admin", backuptest.Admin()), shop: cloud.User(shop, "admin", backuptest.Admin()),
		}}
		engine, err := backup.New(sessions, []backup.Driver{ebs.New(ebs.Options{})}, backup.Options{Vault: vault})
		if err != nil {
			fmt.Println(err)
			return
		}
		plan := backup.Plan{
			Name:      "nightly",
			Sources:   []backup.Source{{Account: shop, Regions: []string{"eu-west-1"}, Select: backup.Selector{Tags: daily}}},
			Retention: retention.Policy{Last: 2},
			Copies:    []backup.Copy{{Account: vault, Region: "eu-west-1", KMSKey: key}},
		}
		if _, err := engine.Run(ctx, plan, time.Now()); err != nil {
			fmt.Println(err)
			return
		}
		time.Sleep(26 * time.Hour)
		covered, err := engine.Coverage(ctx, []backup.Plan{plan}, time.Now(), backup.CoverageOptions{RPO: 24 * time.Hour})
		if err != nil {
			fmt.Println(err)
			return
		}
		head, _, _ := strings.Cut(covered.String(), "\n") // or all of it
		fmt.Println(head[strings.Index(head, ": ")+2:])
		for _, gap := range []backup.Gap{backup.GapUnprotected, backup.GapLate} {
			for _, r := range covered.With(gap) {
				newest, copied := r.Newest()
				fmt.Println(r.Name, "is", gap, "- has a point:", !newest.IsZero(), "and a copy:", !copied.IsZero())
			}
		}
	})
	// Output:
	// sites 1, resources 2, unprotected 1, late 1
	// test is unprotected - has a point: false and a copy: false
	// web is late - has a point: true and a copy: true
}
