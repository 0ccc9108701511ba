package backup_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
)

// A host that is a function or a queue worker advances a job by one call at a
// time, and keeps it as text in between: whoever picks it up goes on with it.
func ExampleEngine_Advance() {
	backuptest.Simulate(func() {
		ctx := context.Background()
		engine, plan, err := fourNights(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		var queue [][]byte
		for job, err := range engine.Jobs(ctx, plan, time.Now()) {
			text, failed := json.Marshal(job)
			if err != nil || failed != nil {
				fmt.Println(err, failed)
				return
			}
			queue = append(queue, text)
		}
		calls := map[string]int{}
		for len(queue) > 0 {
			var job backup.Job
			if err := json.Unmarshal(queue[0], &job); err != nil {
				fmt.Println(err)
				return
			}
			job, out, err := engine.Advance(ctx, job)
			if out.Done { // err says what went wrong, if anything
				fmt.Println(job.Resource.Kind, job.Stage, err)
				calls, queue = job.Calls, queue[1:]
				continue
			}
			queue[0], err = json.Marshal(job)
			if err != nil {
				fmt.Println(err)
				return
			}
			time.Sleep(time.Until(out.NotBefore)) // virtual; a queue delivers it again then
		}
		fmt.Println(calls)
	})
	// Output:
	// volume done <nil>
	// map[CopySnapshot:1 CreateSnapshot:1 ModifySnapshotAttribute:2]
}

// What a run will call, take and cost is known before anything is changed.
func ExampleEngine_Forecast() {
	backuptest.Simulate(func() {
		ctx := context.Background()
		engine, plan, err := fourNights(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		var jobs []backup.Job
		for job, err := range engine.Jobs(ctx, plan, time.Now()) {
			if err != nil {
				fmt.Println(err)
				return
			}
			jobs = append(jobs, job)
		}
		forecast := engine.Forecast(jobs) // or fmt.Print(forecast)
		fmt.Println(forecast.Calls)
		fmt.Println("at least", forecast.Makespan.Round(time.Minute), "bound by", len(forecast.Bounds), "reasons")
		fmt.Println("at most", forecast.Cost)
	})
	// Output:
	// map[CopySnapshot:1 CreateSnapshot:1 ModifySnapshotAttribute:2]
	// at least 7m0s bound by 2 reasons
	// at most 0.80 USD a month for storage
}

// The catalog is what the tags say: here all points of one plan, of a day.
func ExampleEngine_Points() {
	backuptest.Simulate(func() {
		ctx := context.Background()
		engine, plan, err := fourNights(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		for p, err := range engine.Points(ctx, plan.Filter("999999999999")) {
			if err != nil {
				fmt.Println(err)
				return
			}
			if p.Run.Day() == 2 {
				fmt.Println(p.Run.Format(time.DateOnly), p.Site, p.State, len(p.Members), "snapshot of", p.Members[0].SizeGiB, "GiB, copy:", p.Copy)
			}
		}
	})
	// Output:
	// 2000-01-02 111111111111/eu-west-1 complete 1 snapshot of 8 GiB, copy: false
	// 2000-01-02 999999999999/eu-west-1 complete 1 snapshot of 8 GiB, copy: true
}

// Events go to a structured log.
func ExampleLogTo() {
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	opts := backup.Options{Vault: "999999999999", OnEvent: backup.LogTo(log)} // for New
	opts.OnEvent(backup.Event{
		Stage: backup.Copied, Account: accounts.ID("999999999999"), Region: "eu-west-1",
		Resource: "arn:aws:ec2:eu-west-1:111111111111:volume/vol-1", Point: "sk-1", Snapshot: "snap-1", Step: backup.StepCopy,
	})
	// Output:
	// level=INFO msg=snapkeep event.stage=copied event.account=999999999999 event.region=eu-west-1 event.resource=arn:aws:ec2:eu-west-1:111111111111:volume/vol-1 event.point=sk-1 event.step=copy event.snapshot=snap-1
}
