package backup_test

import (
	"context"
	"fmt"
	"time"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/retention"
)

// ExampleLock has a plan whose copies nobody deletes for two weeks. The newest
// of those that were there before it locked is locked too.
func ExampleLock() {
	backuptest.Simulate(func() {
		ctx := context.Background()
		engine, plan, err := fourNights(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		plan.Copies[0].Lock = &backup.Lock{Mode: backup.Compliance, Days: 14, CoolOffHours: 24}
		plan.Copies[0].Retention = retention.Policy{Last: 1}
		report, err := engine.Run(ctx, plan, time.Now())
		fmt.Println(report.Calls["LockSnapshot"], err)
		for _, days := range []int{1, 14} {
			time.Sleep(time.Duration(days) * 24 * time.Hour)
			if _, err := engine.Run(ctx, plan, time.Now()); err != nil {
				fmt.Println(err)
			}
			planned, err := engine.PlanPrune(ctx, plan, time.Now())
			if err != nil {
				fmt.Println(err)
				return
			}
			for _, g := range planned.Groups {
				for _, d := range g.Decisions {
					if g.Copy && d.Action == retention.Blocked {
						fmt.Println(d.Time.Format(time.DateOnly), d.Action, d.Holds[0].Kind)
					}
				}
			}
		}
	})
	// Output:
	// 2 <nil>
	// 2000-01-05 blocked snapshot-lock
	// 2000-01-04 blocked snapshot-lock
}
