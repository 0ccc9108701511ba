package runcommand_test

import (
	"context"
	"fmt"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/backup/ebs/runcommand"
	"github.com/snapkeep/snapkeep/retention"
)

// A database is brought to rest for as long as it takes to begin the snapshots,
// in a simulated account whose instance has an agent.
func ExampleNew() {
	backuptest.Simulate(func() {
		const site = "eu-west-1"
		cloud := backuptest.New(backuptest.Options{})
		id, _, err := cloud.AddInstance("111111111111", site, backuptest.Instance{Name: "db"})
		if err != nil {
			fmt.Println(err)
			return
		}
		cloud.PutDocument("111111111111", backuptest.Document{Name: "database", Parameters: []string{"command"}})
		err = cloud.SetAgent(backuptest.Ref{Account: "111111111111", Region: site, ID: id}, backuptest.Agent{
			Run: func(c backuptest.Command) backuptest.Outcome {
				fmt.Println("on the instance:", c.Parameters["command"][0])
				return backuptest.Outcome{Duration: time.Second}
			},
		})
		if err != nil {
			fmt.Println(err)
			return
		}

		admin := cloud.User("111111111111", "admin", backuptest.Admin())
		sessions, err := accounts.New(cloud.Config(admin, site), []accounts.Account{{ID: "111111111111"}}, accounts.Options{})
		if err != nil {
			fmt.Println(err)
			return
		}
		driver := ebs.New(ebs.Options{Scripts: runcommand.New(runcommand.Options{})})
		engine, err := backup.New(sessions, []backup.Driver{driver}, backup.Options{Vault: "999999999999"})
		if err != nil {
			fmt.Println(err)
			return
		}
		script := func(command string) *backup.Script {
			return &backup.Script{Document: "database", Parameters: map[string][]string{"command": {command}}}
		}
		report, err := engine.Run(context.Background(), backup.Plan{
			Name: "nightly", Retention: retention.Policy{Last: 7},
			Sources: []backup.Source{{
				Account: "111111111111", Regions: []string{site}, Select: backup.Selector{All: true},
				Quiesce: &backup.Quiesce{Before: script("pre-script"), After: script("post-script"), Fallback: true},
			}},
		}, time.Now())
		fmt.Println(report.Points, report.Jobs[0].Consistency, err)
	})
	// Output:
	// on the instance: pre-script
	// on the instance: post-script
	// 1 application <nil>
}
