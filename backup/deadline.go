package backup

import (
	"fmt"
	"slices"
	"time"
)

// foresee tells which jobs are expected to miss their deadline: before anything
// is done for them, and again whenever a tenth of the time that was left has
// passed, until the deadline.
func (r *runner) foresee() {
	now := time.Now()
	r.mu.Lock()
	if !now.Before(r.deadline) || now.Before(r.foreseen) {
		r.mu.Unlock()
		return
	}
	r.foreseen = now.Add(max(r.deadline.Sub(now)/10, time.Minute))
	jobs := slices.Clone(r.report.Jobs)
	r.mu.Unlock()
	index := map[string]int{}
	for i, j := range jobs {
		if !j.Deadline.IsZero() {
			index[j.Resource.ARN] = i
		}
	}
	for _, l := range r.e.Forecast(jobs).Late {
		i := index[l.Resource]
		r.tellLate(i, jobs[i], fmt.Errorf("%w at %s: expected to be done at %s",
			ErrDeadline, l.Deadline.Format(time.RFC3339), l.Done.UTC().Format(time.RFC3339)))
	}
}

// overdue tells, once, that a job's deadline has passed.
func (r *runner) overdue(i int, j Job, done bool) {
	if j.Deadline.IsZero() || done || !time.Now().After(j.Deadline) {
		return
	}
	r.tellLate(i, j, fmt.Errorf("%w at %s", ErrDeadline, j.Deadline.Format(time.RFC3339)))
}

func (r *runner) tellLate(i int, j Job, err error) {
	r.mu.Lock()
	told := r.late[i]
	if r.late == nil {
		r.late = map[int]bool{}
	}
	r.late[i] = true
	r.mu.Unlock()
	if told {
		return
	}
	site := j.Resource.Site
	r.e.tell(Event{
		Stage: j.Stage, Account: site.Account, Region: site.Region, Resource: j.Resource.ARN, Point: j.Point, Err: err,
	})
}

// missed returns the job as one that missed its deadline, if it has.
func (j Job) missed(ended time.Time) (Late, bool) {
	if j.Deadline.IsZero() {
		return Late{}, false
	}
	var last time.Time
	for _, t := range slices.Concat(j.Originals, j.Rekeyed) {
		if t.Ended.After(last) {
			last = t.Ended
		}
	}
	for _, c := range j.Copies {
		for _, t := range c.Snapshots {
			if t.Ended.After(last) {
				last = t.Ended
			}
		}
	}
	late := Late{Resource: j.Resource.ARN, Deadline: j.Deadline}
	if j.Done() && j.Stage != Failed {
		late.Done = last
		return late, last.After(j.Deadline)
	}
	return late, ended.After(j.Deadline)
}
