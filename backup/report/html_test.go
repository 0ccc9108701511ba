package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// stored is a report as it is read from a file: of an instance whose volumes
// are copied, of which one was rekeyed and one copy failed, and of a volume
// that was not done when the run was stopped. Its names are hostile.
func stored(t *testing.T) *backup.Report {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "report.json"))
	require.NoError(t, err)
	r := new(backup.Report)
	require.NoError(t, json.Unmarshal(b, r))
	return r
}

func pageOf(t *testing.T, r *backup.Report) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, report.HTML(&b, r))
	return b.String()
}

func TestPageIsAsDrawn(t *testing.T) {
	golden := filepath.Join("testdata", "report.html")
	got := pageOf(t, stored(t))
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestPageNeedsNoNetworkAndRunsNoScript(t *testing.T) {
	got := pageOf(t, stored(t))
	const name = "&lt;img src=x onerror=alert(1)&gt;"
	require.Contains(t, got, name, "the hostile name is there, as text")
	got = strings.ReplaceAll(got, name, "")
	for _, never := range []string{"<script", "http:", "https:", "src=", "href=", "@import", "url(", "javascript:", "<img"} {
		require.NotContains(t, strings.ToLower(got), never)
	}
	require.Contains(t, got, "default-src 'none'")
}

func TestPageIsWellFormed(t *testing.T) {
	d := xml.NewDecoder(strings.NewReader(pageOf(t, stored(t))))
	d.Entity = xml.HTMLEntity
	bars := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "title" {
			bars++
		}
	}
	require.Equal(t, 1+3+3, bars, "the page's title, and one of each bar")
}

func TestPageTellsWhatFailedFirst(t *testing.T) {
	got := pageOf(t, stored(t))
	require.Less(t, strings.Index(got, "What failed"), strings.Index(got, "Resources</h2>"))
	require.Contains(t, got, "Given key ID is not accessible")
}

// A run of ten thousand volumes makes a page that a browser still opens: curves
// in place of bars, and the number of jobs that are left out.
func TestPageOfALargeRunStaysSmall(t *testing.T) {
	r := &backup.Report{Plan: "nightly", At: at(0), Started: at(0), Ended: at(700)}
	for i := range 10_000 {
		r.Jobs = append(r.Jobs, backup.Job{
			Stage: backup.Done, Reached: backup.Done,
			Resource: backup.Resource{
				ARN: fmt.Sprintf("arn:aws:ec2:eu-west-1:111111111111:volume/vol-%d", i), Kind: "volume",
				Site:    backup.Site{Account: "111111111111", Region: "eu-west-1"},
				Members: []backup.Member{{Volume: fmt.Sprintf("vol-%d", i), SizeGiB: 8}},
			},
			Originals: []backup.Trace{{Snapshot: fmt.Sprintf("snap-%d", i), Started: at(i / 15), Ended: at(i/15 + 9), Completed: true}},
		})
	}
	got := pageOf(t, r)
	require.Less(t, len(got), 1_000_000)
	require.Contains(t, got, `class="curve"`)
	require.Contains(t, got, "8000 more are in the report's data")
}

func TestPageOfARunWithoutJobs(t *testing.T) {
	got := pageOf(t, &backup.Report{Plan: "nightly", At: at(0), Started: at(0), Ended: at(0).Add(time.Second)})
	require.Contains(t, got, "Run nightly")
	require.NotContains(t, got, "<svg")
}

// A broken writer's error is returned.
func TestPageReturnsTheWritersError(t *testing.T) {
	full := errors.New("disk full")
	require.ErrorIs(t, report.HTML(writerFunc(func([]byte) (int, error) { return 0, full }), stored(t)), full)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
