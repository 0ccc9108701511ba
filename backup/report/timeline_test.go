package report_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/report"
)

func TestTimelinesTellOriginalsIntermediatesAndCopiesApart(t *testing.T) {
	r := stored(t)
	lines := report.Timelines(r)
	require.Len(t, lines, 2)
	require.Equal(t, backup.Site{Account: "111111111111", Region: "eu-west-1"}, lines[0].Site)
	require.Equal(t, backup.Site{Account: "999999999999", Region: "eu-central-1"}, lines[1].Site)

	first := lines[0].Bars[0]
	require.Equal(t, report.Bar{
		Snapshot: "snap-01", Resource: "i-web", Volume: "vol-root", Kind: report.Original, GiB: 8,
		Start: at(0), End: at(10),
	}, first)
	require.Equal(t, report.Rekeyed, lines[0].Bars[2].Kind)
	require.Equal(t, 2, lines[0].Lanes)

	copies := lines[1].Bars
	require.Len(t, copies, 3)
	require.Equal(t, report.Copy, copies[0].Kind)
	require.True(t, copies[1].Failed)
	require.True(t, copies[2].Open, "what was pending when the run ended")
	require.Equal(t, r.Ended, copies[2].End)
}

func TestTimelinesOfAnEmptyReport(t *testing.T) {
	require.Empty(t, report.Timelines(&backup.Report{}))
}

// Bars of one lane never overlap, and there are no more lanes than bars at the
// busiest moment.
func TestLanesAreAsManyAsOverlap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &backup.Report{Ended: at(1000)}
		for i := range rapid.IntRange(1, 40).Draw(t, "jobs") {
			start := rapid.IntRange(0, 300).Draw(t, "start")
			length := rapid.IntRange(0, 60).Draw(t, "length")
			r.Jobs = append(r.Jobs, backup.Job{
				Resource: backup.Resource{
					ARN: "arn:aws:ec2:eu-west-1:111111111111:volume/vol-1", Site: backup.Site{Account: "111111111111", Region: "eu-west-1"},
					Members: []backup.Member{{Volume: "vol-1", SizeGiB: 1}},
				},
				Originals: []backup.Trace{{Snapshot: fmt.Sprintf("snap-%02d", i), Started: at(start), Ended: at(start + length)}},
			})
		}
		l := report.Timelines(r)[0]
		busiest := 0
		for _, b := range l.Bars {
			n := 0
			for _, c := range l.Bars {
				if !c.Start.After(b.Start) && c.End.After(b.Start) || c.Snapshot == b.Snapshot {
					n++
				}
				if b.Snapshot != c.Snapshot && b.Lane == c.Lane && b.Start.Before(c.End) && c.Start.Before(b.End) {
					t.Fatalf("%v and %v overlap in lane %d", b, c, b.Lane)
				}
			}
			busiest = max(busiest, n)
		}
		if l.Lanes > busiest {
			t.Fatalf("%d lanes, %d at once", l.Lanes, busiest)
		}
	})
}

func at(minutes int) time.Time {
	return time.Date(2026, 5, 1, 2, 0, 0, 0, time.UTC).Add(time.Duration(minutes) * time.Minute)
}
