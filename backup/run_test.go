package backup_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// stored returns a job as it comes back from a store.
func stored(t *testing.T, j backup.Job) backup.Job {
	t.Helper()
	text, err := json.Marshal(j)
	require.NoError(t, err)
	var back backup.Job
	require.NoError(t, json.Unmarshal(text, &back))
	again, err := json.Marshal(back)
	require.NoError(t, err)
	require.JSONEq(t, string(text), string(again))
	return back
}

func TestRunProtectsEverything(t *testing.T) {
	for name, p := range map[string]backup.Plan{
		"home":               nightly(),
		"nowhere":            nightly([]backup.Copy{}...),
		"two destinations":   nightly(copyTo(home), copyTo(second)),
		"an account's other": nightly(copyTo(backup.Site{Account: alpha, Region: other})),
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, at := story(t), time.Now()
				report := run(t, c, p, at)
				t.Log(report)
				require.Equal(t, 3, report.Points)
				require.Equal(t, 3*len(p.Copies), report.Copies)
				for _, j := range report.Jobs {
					require.Equal(t, backup.Done, j.Stage)
				}
				intact(t, c, p, at)
			})
		})
	}
}

// In virtual time a run makes the same changes and takes the same time, however
// its goroutines are scheduled: but for who gets the last slot of several that
// ask at once, and so when it is worth looking.
func TestARunIsTheSameEachTime(t *testing.T) {
	var first *backup.Report
	var calls int
	for range 10 {
		inTime(t, func(t *testing.T) {
			c := fleet(t, 30, func(i int) int32 { return int32(10 + i*7) })
			c.latency = 0
			report := run(t, c, fleetPlan(), time.Now())
			if first == nil {
				first, calls = report, len(c.calls)
			}
			require.Equal(t, first.Calls, report.Calls)
			require.InEpsilon(t, calls, len(c.calls), 0.03)
			require.InEpsilon(t, first.Ended.Sub(first.Started).Seconds(), report.Ended.Sub(report.Started).Seconds(), 0.03)
		})
	}
}
