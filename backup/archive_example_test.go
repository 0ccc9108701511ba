package backup_test

import (
	"context"
	"fmt"
	"time"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/retention"
)

// ExampleEngine_PlanArchive moves what is old, and will be kept, to where it
// costs less, and brings it back when it is needed.
func ExampleEngine_PlanArchive() {
	backuptest.Simulate(func() {
		ctx := context.Background()
		engine, plan, err := fourNights(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		plan.Copies[0].Retention = retention.Policy{Last: retention.All}
		plan.Copies[0].Archive = &backup.Archive{AfterDays: 30, DailyChange: 0.3}
		time.Sleep(60 * 24 * time.Hour)
		planned, err := engine.PlanArchive(ctx, plan, time.Now())
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, d := range planned.Groups[0].Decisions { // or fmt.Println(planned)
			fmt.Println(d.Time.Format(time.DateOnly), d.Move, d.Why)
		}
		report, err := engine.Archive(ctx, planned)
		fmt.Println(report.Count(backup.Archived), report.Calls, err)

		time.Sleep(3 * 24 * time.Hour)
		for p, err := range engine.Points(ctx, plan.Filter("999999999999")) {
			if err != nil || !p.Copy || !p.Members[0].Snapshot.Archived {
				continue
			}
			for {
				out, err := engine.Thaw(ctx, p, 7)
				if err != nil || out.Done {
					fmt.Println("back", err)
					return
				}
				time.Sleep(time.Until(out.NotBefore)) // or come back to it later
			}
		}
	})
	// Output:
	// 2000-01-01 true is kept for 90 days more and shares little with the points beside it
	// 2000-01-02 true is kept for 90 days more and shares little with the points beside it
	// 2000-01-03 true is kept for 90 days more and shares little with the points beside it
	// 2000-01-04 false is the newest
	// 3 3 <nil>
	// back <nil>
}
