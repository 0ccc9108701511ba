package report

import (
	_ "embed"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/backup"
)

// pageText is the template of the page.
//
//go:embed page.html
var pageText string

// mostJobs is how many jobs a page lists; browsers are slow at more.
const mostJobs = 2000

// A page is what the template is given.
type page struct {
	*backup.Report
	Run     string
	Took    time.Duration
	APIs    []count
	Sites   []drawing
	Rows    []row
	LeftOut int
}

type count struct {
	API string
	N   int
}

// A row is a job on the page.
type row struct {
	backup.Job
	Took time.Duration // from the first original's beginning to the last copy's end; zero if not known
	Why  string
	Bad  bool
}

// HTML writes a page about a run: what was made, what failed, the timeline of
// each site as a drawing, and the jobs, failed ones first, at most 2,000. It
// needs no network. It returns the error of the writer.
func HTML(w io.Writer, r *backup.Report) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"minute": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") },
		"id":     func(arn string) string { return backup.Resource{ARN: arn}.ID() },
		"round":  func(d time.Duration) string { return d.Round(time.Second).String() },
	}).Parse(pageText)
	if err != nil {
		return err
	}
	p := page{Report: r, Run: r.Run(), Took: r.Ended.Sub(r.Started)}
	for _, api := range slices.Sorted(maps.Keys(r.Calls)) {
		p.APIs = append(p.APIs, count{api, r.Calls[api]})
	}
	lines := Timelines(r)
	from, to := span(r, lines)
	for _, l := range lines {
		p.Sites = append(p.Sites, draw(l, from, to))
	}
	p.rows()
	return t.Execute(w, p)
}

// span returns the time that the drawings show: all of them the same.
func span(r *backup.Report, lines []Timeline) (from, to time.Time) {
	from, to = r.Started, r.Ended
	for _, l := range lines {
		for _, b := range l.Bars {
			if b.Start.Before(from) {
				from = b.Start
			}
			if b.End.After(to) {
				to = b.End
			}
		}
	}
	return from, to
}

// rows lists the jobs: those that are not well first.
func (p *page) rows() {
	var well, ill []row
	for _, j := range p.Jobs {
		r := row{Job: j, Took: took(j), Bad: j.Stage != backup.Done}
		if err := j.Err(); err != nil {
			r.Why = strings.ReplaceAll(err.Error(), "\n", "; ")
		}
		if r.Bad {
			ill = append(ill, r)
		} else {
			well = append(well, r)
		}
	}
	p.Rows = append(ill, well...)
	if len(p.Rows) > mostJobs {
		p.LeftOut = len(p.Rows) - mostJobs
		p.Rows = p.Rows[:mostJobs]
	}
}

// took returns how long a job's snapshots and copies took.
func took(j backup.Job) time.Duration {
	var first, last time.Time
	lists := [][]backup.Trace{j.Originals, j.Rekeyed}
	for _, c := range j.Copies {
		lists = append(lists, c.Snapshots)
	}
	for _, t := range slices.Concat(lists...) {
		if !t.Started.IsZero() && (first.IsZero() || t.Started.Before(first)) {
			first = t.Started
		}
		if t.Ended.After(last) {
			last = t.Ended
		}
	}
	if first.IsZero() || last.Before(first) {
		return 0
	}
	return last.Sub(first)
}
