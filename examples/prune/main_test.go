package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"html"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/retention"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NotEmpty(t, want)
	require.Equal(t, string(want), got)
}

// planOf decides on a point a day up to a moment, of which one is held, one
// foreign, one tagged and one missing.
func planOf(t *testing.T, policy string, last time.Time, days int) *backup.PrunePlan {
	t.Helper()
	p, err := retention.ParsePolicy(policy)
	require.NoError(t, err)
	var in []retention.RecoveryPoint
	for n := range days {
		pt := retention.RecoveryPoint{ID: fmt.Sprintf("sk-%04d", n), Time: last.AddDate(0, 0, -n)}
		switch n {
		case 100:
			pt.Holds = []retention.Hold{{Kind: retention.InUse, Ref: "ami-1"}}
		case 200:
			pt.Holds = []retention.Hold{{Kind: retention.Foreign, Ref: "snap-1"}}
		case 250:
			pt.Tags = map[string]string{"keep": "<b>"}
		case 300:
			continue
		}
		in = append(in, pt)
	}
	result, err := retention.Evaluate(last, in, p)
	require.NoError(t, err)
	g := backup.PruneGroup{
		Resource: "arn:aws:ec2:eu-west-1:111111111111:volume/vol-<1>", Policy: p, Copy: true,
		Site: backup.Site{Account: "999999999999", Region: "eu-west-1"},
	}
	for _, d := range result.Decisions {
		pt := in[d.Index]
		g.Decisions = append(g.Decisions, backup.PruneDecision{
			Point: pt.ID, Time: pt.Time, Action: d.Action, Reasons: d.Reasons, Why: result.Explain(d.Index),
		})
	}
	return &backup.PrunePlan{Plan: backup.Plan{Name: "daily"}, Made: last, Groups: []backup.PruneGroup{g}}
}

var newYearsEve = time.Date(2024, 12, 31, 23, 30, 0, 0, time.UTC)

func TestTheCalendarOfTwoYears(t *testing.T) {
	p := planOf(t, "last=2 hourly=3 daily=7 weekly=5 monthly=12 quarterly=5 yearly=2 tag=keep", newYearsEve, 731)
	golden(t, "two-years", calendars(p))
	golden(t, "beside", beside(calendars(p), calendars(planOf(t, "daily=30", newYearsEve, 40))))
	require.Equal(t, "no recovery points\n", calendars(&backup.PrunePlan{}))
}

// The day of a point is that of the policy's location, as in its buckets.
func TestDaysAreCutInThePolicysLocation(t *testing.T) {
	berlin := newCalendar(planOf(t, "daily=2 tz=Europe/Berlin", newYearsEve, 2).Groups[0])
	require.Contains(t, berlin.days, "2025-01-01")
	require.Equal(t, 2025, berlin.last)
	utc := newCalendar(planOf(t, "daily=2", newYearsEve, 2).Groups[0])
	require.Contains(t, utc.days, "2024-12-31")
	require.Equal(t, 2024, utc.last)
}

func TestEveryDayHasAPlaceOfItsOwn(t *testing.T) {
	for year := 1999; year < 2030; year++ {
		seen := map[[2]int]bool{}
		for _, day := range daysOf(year) {
			week, weekday := place(day)
			require.Less(t, week, weeks)
			require.Equal(t, int(day.Weekday()+6)%7, weekday)
			require.False(t, seen[[2]int{week, weekday}])
			seen[[2]int{week, weekday}] = true
		}
	}
}

// wellFormed fails unless a page is well-formed and needs nothing from elsewhere.
func wellFormed(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	d.Entity = xml.HTMLEntity
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
	}
	require.NotRegexp(t, regexp.MustCompile(`(?i)https?:|//[a-z]|src=|href=|<script|<link|@import|url\(`), text)
}

func TestThePageStandsByItself(t *testing.T) {
	p := planOf(t, "daily=7 monthly=12 tag=keep", newYearsEve, 731)
	p.Notes = []backup.PruneNote{{Site: p.Groups[0].Site, Hold: retention.SnapshotLock, Fault: &backup.Fault{Text: "no <permission>"}}}
	var out bytes.Buffer
	require.NoError(t, page(&out, p, planOf(t, "daily=30", newYearsEve, 731)))
	text := out.String()
	wellFormed(t, text)
	require.NotContains(t, text, "vol-<1>", "what comes from AWS is escaped")
	require.Contains(t, html.UnescapeString(text), "no <permission>")
	require.Equal(t, 2*731, strings.Count(text, "<title>202"), "a title for each day of two years, on each side")
	require.Equal(t, 1+1, strings.Count(text, ": no recovery point"), "the one day that is missing")
	require.Contains(t, text, "With the other policy: ")
	require.Contains(t, text, "prune → retain")

	out.Reset()
	require.NoError(t, page(&out, p, nil))
	wellFormed(t, out.String())
	require.NotContains(t, out.String(), "With the other policy")
	out.Reset()
	require.NoError(t, page(&out, &backup.PrunePlan{}, nil))
	wellFormed(t, out.String())
}

func TestADryRunShowsEverythingAndDeletesNothing(t *testing.T) {
	var out, errs bytes.Buffer
	file := filepath.Join(t.TempDir(), "p.html")
	require.Zero(t, run([]string{"-days", "33", "-dry-run", "-policy", "daily=5", "-what-if", "weekly=3", "-html", file}, &out, &errs), errs.String())
	text := out.String()
	require.Contains(t, text, "prune daily as of 2000-02-03 00:00: 25 of 33 recovery points")
	require.Contains(t, text, "in-use ami-")
	require.Contains(t, text, "snapshot-lock snap-")
	require.Contains(t, text, "but for legal-hold: ")
	require.Contains(t, text, "daily=5: 5 kept, 25 go, 3 held")
	require.Contains(t, text, "with the other policy: 3 more go, 0 more stay")
	require.NotContains(t, text, "deletes")
	written, err := os.ReadFile(file)
	require.NoError(t, err)
	wellFormed(t, string(written))
}

func TestWhatIsLeftIsWhatWasPlanned(t *testing.T) {
	var out, errs bytes.Buffer
	require.Zero(t, run([]string{"-days", "33", "-policy", "daily=5"}, &out, &errs), errs.String())
	require.Contains(t, out.String(), "prune daily: 25 deletes, 25 pruned\n")
	_, left, found := strings.Cut(out.String(), "what is left:")
	require.True(t, found)
	require.Contains(t, left, "daily=5: 5 kept, 0 go, 3 held")
}

func TestACapDeletesNothing(t *testing.T) {
	var out, errs bytes.Buffer
	require.Equal(t, 1, run([]string{"-days", "33", "-policy", "daily=5", "-max-share", "0.5"}, &out, &errs))
	require.Contains(t, errs.String(), "25 of 33 recovery points")
	require.NotContains(t, out.String(), "pruned")
}

const (
	backupRole = "arn:aws:iam::111111111111:role/snapkeep-backup"
	prunerRole = "arn:aws:iam::111111111111:role/snapkeep-pruner"
)

func TestBadFlags(t *testing.T) {
	live := []string{"-region", "eu-west-1", "-name", "daily", "-target-role", backupRole}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"unknown flag":             {[]string{"-nonsense"}, "-nonsense"},
		"an argument":              {[]string{"now"}, `"now"`},
		"no days":                  {[]string{"-days", "0"}, "-days 0"},
		"policy is none":           {[]string{"-policy", "dayly=7"}, `-policy "dayly=7"`},
		"policy keeps nothing":     {[]string{"-policy", "min-age=1h"}, `-policy "min-age=1h"`},
		"other policy is none":     {[]string{"-what-if", "x"}, `-what-if "x"`},
		"share is none":            {[]string{"-max-share", "2"}, "MaxShare"},
		"page cannot be written":   {[]string{"-days", "1", "-html", filepath.Join("no", "such", "folder")}, "-html"},
		"role is no ARN":           {[]string{"-region", "eu-west-1", "-target-role", "backup"}, "-target-role"},
		"real, without a policy":   {live, "-policy is missing"},
		"real, no name":            {[]string{"-region", "eu-west-1", "-target-role", backupRole, "-policy", "last=1"}, "name"},
		"copies, without a place":  {append(live, "-policy", "last=1", "-copy-policy", "last=1"), "-vault-key"},
		"key is no ARN":            {append(live, "-policy", "last=1", "-vault-key", "key"), "-vault-key"},
		"policy of copies is none": {append(live, "-policy", "last=1", "-vault-key", "arn:aws:kms:eu-west-1:999999999999:key/1", "-copy-policy", "x"), "-copy-policy"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			require.NotZero(t, run(c.args, &out, &errs))
			require.Contains(t, errs.String(), c.want)
		})
	}
}

// TestLive runs what the flags do on the simulated AWS, with the generated
// roles, first dry.
func TestLive(t *testing.T) {
	backuptest.Simulate(func() {
		ctx := context.Background()
		w, err := newWorld(retention.Policy{Last: 1}, 0)
		require.NoError(t, err)
		require.NoError(t, w.backUp(ctx, 10))
		mutations := 0
		w.cloud.SetFault(func(c backuptest.Call) backuptest.Fault {
			if c.Mutating {
				mutations++
			}
			return backuptest.Fault{}
		})
		s := settings{policy: "last=6", whatIf: "last=2", dryRun: true, live: liveFlags{
			region: dublin, name: "daily", targetRole: backupRole, externalID: "sk-ext-" + string(shop), prunerRole: prunerRole,
		}}
		var out bytes.Buffer
		require.NoError(t, s.pruneAs(ctx, w.base, &out))
		require.Zero(t, mutations, "a dry run changes nothing")
		require.Contains(t, out.String(), "4 of 10 recovery points")
		require.NotContains(t, out.String(), "note:", "the generated roles see everything")

		s.dryRun = false
		out.Reset()
		require.NoError(t, s.pruneAs(ctx, w.base, &out))
		require.Equal(t, 4, mutations)
		require.Contains(t, out.String(), "4 deletes, 4 pruned")

		s.policy = "last=2"
		require.ErrorIs(t, s.pruneAs(ctx, w.base, &out), backup.ErrOverCap, "without -max-share half may go")
	})
}
