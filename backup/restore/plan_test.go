package restore_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/restore"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// actions lists the steps of a plan as "copy@account/region xvda have".
func actions(p *restore.Plan) []string {
	var all []string
	for _, s := range p.Steps {
		line := strings.TrimSpace(fmt.Sprintf("%s @%s %s", s.Action, s.Site.Account, strings.TrimPrefix(s.Device, "/dev/")))
		if s.Have != "" {
			line += " have"
		}
		all = append(all, line)
	}
	return all
}

func TestPlanListsTheSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		calls := w.strike(0, blow{}, nil)
		before := w.cloud.Stats().Total
		volumes := w.plan(w.request(restore.Volumes, away))
		require.Equal(t, 1+4, w.cloud.Stats().Total-before) // a session and four listings
		require.Equal(t, []string{
			"share @999999999999 xvda", "share @999999999999 sdf", "share @999999999999 sdg",
			"copy @555555555555 xvda", "copy @555555555555 sdf", "copy @555555555555 sdg",
			"revoke @999999999999 xvda", "revoke @999999999999 sdf", "revoke @999999999999 sdg",
			"make volume @555555555555 xvda", "make volume @555555555555 sdf", "make volume @555555555555 sdg",
			"drop copy @555555555555 xvda", "drop copy @555555555555 sdf", "drop copy @555555555555 sdg",
		}, actions(volumes))
		require.Equal(t, []string{
			"register image @555555555555", "run instance @555555555555", "drop image @555555555555",
		}, actions(w.plan(w.request(restore.Instance, away)))[9:12])
		require.Zero(t, *calls, "a plan changed something")
	})
}

// TestPlanTellsWhatIsThere: half of a restore has happened.
func TestPlanTellsWhatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Instance, away)
		w.failing("RunInstances", "InsufficientInstanceCapacity", 500)
		_, err := w.restorer(restore.Options{}).Run(t.Context(), w.plan(q))
		require.Error(t, err)
		w.cloud.SetFault(nil)
		p := w.plan(q)
		require.Equal(t, []string{
			"copy @555555555555 xvda have", "copy @555555555555 sdf have", "copy @555555555555 sdg have",
		}, actions(p)[3:6])
		require.Equal(t, []string{
			"register image @555555555555 have", "run instance @555555555555", "drop image @555555555555",
		}, actions(p)[9:12])
		w.runAgain(q, restore.Options{})
		require.Equal(t, "run instance @555555555555 have", actions(w.plan(q))[10])
	})
}

// TestPlansAreData: a plan survives JSON, and what comes back runs.
func TestPlansAreData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Volumes, away)
		p := w.plan(q)
		text, err := json.Marshal(p)
		require.NoError(t, err)
		var again restore.Plan
		require.NoError(t, json.Unmarshal(text, &again))
		require.Equal(t, *p, again)
		require.Equal(t, p.String(), again.String())
		report, err := w.restorer(restore.Options{}).Run(t.Context(), &again)
		require.NoError(t, err)
		w.verify(q, report)
		require.Equal(t, 1+len(report.Volumes), strings.Count(report.String(), "\n"))
		for _, v := range report.Volumes {
			require.Contains(t, report.String(), v.Volume)
		}
	})
}

func TestPlanPrintsItself(t *testing.T) {
	q := sound(restore.Volumes)
	q.Point.Time = time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)
	p := &restore.Plan{Request: q, Steps: []restore.Step{
		{Action: restore.Copy, Site: backup.Site{Account: clean, Region: away}, Snapshot: "snap-1", Volume: "vol-1", Device: "/dev/xvda", SizeGiB: 8, Have: "snap-2"},
		{Action: restore.RunInstance, Site: backup.Site{Account: clean, Region: away}},
	}}
	require.Equal(t, `restore drill-1: sk-1 of instance/i-1, taken 2026-03-01T02:00:00Z, as volumes
from 999999999999/eu-west-1 into 555555555555/eu-central-1 under arn:aws:kms:eu-central-1:555555555555:key/1234abcd
  1  copy          555555555555/eu-central-1  snap-1  vol-1  /dev/xvda  8 GiB  have snap-2
  2  run instance  555555555555/eu-central-1
`, p.String())
	p.Request.Point.Consistency = backup.FellBack
	require.Contains(t, p.String(), "as volumes\nconsistency: fallback\nfrom")
	text, err := json.Marshal(p)
	require.NoError(t, err)
	require.Contains(t, string(text), `"consistency":"fallback"`)
}

// TestEventsTellTheStory in the order in which it happened.
func TestEventsTellTheStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Volumes, away)
		var stages []backup.Stage
		things, made := map[string]bool{}, map[restore.Action]int{}
		report, err := w.restorer(restore.Options{OnEvent: func(e backup.Event) {
			require.Equal(t, w.point.Resource, e.Resource)
			require.Equal(t, w.point.ID, e.Point)
			require.False(t, e.Time.IsZero())
			if e.Step != "" {
				require.NotEmpty(t, e.Snapshot)
				things[e.Snapshot] = true
				made[restore.Action(e.Step)]++
			} else {
				stages = append(stages, e.Stage)
			}
		}}).Run(t.Context(), w.plan(q))
		require.NoError(t, err)
		require.Equal(t, []backup.Stage{backup.Shared, backup.Copied, restore.Made, backup.Done}, stages)
		require.Len(t, things, 3+3+3)
		require.Equal(t, map[restore.Action]int{restore.Share: 3, restore.Copy: 3, restore.MakeVolume: 3}, made)
		for _, v := range report.Volumes {
			require.True(t, things[v.Volume])
		}
	})
}

// TestReadsThatFailForAWhile do not end a run; reads that stay denied do.
func TestReadsThatFailForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request(restore.Volumes, away)
		p := w.plan(q)
		began := time.Now()
		w.cloud.SetFault(func(c core.CallInfo) core.Fault {
			if c.Operation == "DescribeSnapshots" && time.Since(began) > time.Minute && time.Since(began) < 2*time.Minute {
				return core.Fault{Way: core.Reset}
			}
			return core.Fault{}
		})
		report, err := w.restorer(restore.Options{}).Run(t.Context(), p)
		require.NoError(t, err)
		w.cloud.SetFault(nil)
		w.verify(q, report)

		// From the third listing on, the role may not list.
		q.ID = "drill-2"
		p = w.plan(q)
		listings := 0
		w.cloud.SetFault(func(c core.CallInfo) core.Fault {
			if c.Operation != "DescribeSnapshots" {
				return core.Fault{}
			}
			if listings++; listings < 3 {
				return core.Fault{}
			}
			return core.Fault{Way: core.Refuse, Error: core.Error{Code: "UnauthorizedOperation", Status: 403}}
		})
		_, err = w.restorer(restore.Options{}).Run(t.Context(), p)
		require.ErrorIs(t, err, backup.ErrDenied)
		require.Equal(t, 3, listings)
		w.nothingShared()
	})
}
