package backup

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A Report tells what became of a run.
type Report struct {
	Plan    string    `json:"plan"`    // Plan.Name
	At      time.Time `json:"at"`      // the run's moment, in UTC and whole seconds
	Started time.Time `json:"started"` // when this call of Run began; an earlier one may have begun the run
	Ended   time.Time `json:"ended"`   // when that call ended
	// Jobs as they are at the end: those of older runs first, then one for
	// each resource. Jobs that are not Done were interrupted.
	Jobs []Job `json:"jobs"`
	// Points is how many recovery points this run has made, counting those
	// whose originals an earlier call had made.
	Points int `json:"points"`
	// Copies is how many copies of points were found complete and verified,
	// counting each destination.
	Copies int `json:"copies"`
	// Manifests is how many of the points have one, as far as the jobs know.
	Manifests int `json:"manifests,omitempty"`
	// Calls counts the calls that changed something, by the name of the API.
	Calls map[string]int `json:"calls,omitempty"`
	// Late are the jobs that have missed their plan's deadline, in the order of
	// Jobs. A failed one counts once its deadline has passed.
	Late []Late `json:"late,omitempty"`
	// Errors holds all that failed, by account, Region and resource. In JSON
	// they keep what a Fault keeps of an error.
	Errors []*Error `json:"errors,omitempty"`
}

// Run returns the run's id.
func (r *Report) Run() string { return RunID(r.Plan, r.At) }

// count fills in what follows from the jobs.
func (r *Report) count() {
	r.Calls = map[string]int{}
	for _, j := range r.Jobs {
		for api, n := range j.Calls {
			r.Calls[api] += n
		}
		verified := j.VerifiedCopies()
		if !j.Settle && (j.Reached != Planned || verified > 0) {
			r.Points++
		}
		r.Copies += verified
		if !j.Settle && j.Manifest.Digest != "" {
			r.Manifests++
		}
		if late, missed := j.missed(r.Ended); missed {
			r.Late = append(r.Late, late)
		}
	}
	slices.SortFunc(r.Errors, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region),
			cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Error(), b.Error()))
	})
}

// VerifiedCopies returns how many destinations of a job that is at its end
// have all copies: it would not have ended with one that is neither verified
// nor given up.
func (j Job) VerifiedCopies() int {
	n := 0
	for _, c := range j.Copies {
		if j.Done() && c.Trial.Fault == nil && traced(c.Snapshots) {
			n++
		}
	}
	return n
}

// err joins the errors and what ended the run early.
func (r *Report) err(early error) error {
	errs := make([]error, 0, len(r.Errors)+1)
	for _, e := range r.Errors {
		errs = append(errs, e)
	}
	return errors.Join(append(errs, early)...)
}

// String returns a summary and a table with a line for each job.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "run %s: %d points, %d copies verified, %d errors, %v\n",
		r.Run(), r.Points, r.Copies, len(r.Errors), r.Ended.Sub(r.Started).Round(time.Second))
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, j := range r.Jobs {
		fmt.Fprintf(w, "%s\t%s\t%d GiB\t%s\t%d of %d copies", j.Resource.Site, j.Resource.ID(), j.SizeGiB(), j.Stage, j.VerifiedCopies(), len(j.Copies))
		if n := len(j.Unlocked()); n > 0 {
			fmt.Fprintf(w, "\t%d unlocked", n)
		}
		for _, id := range j.images() {
			fmt.Fprintf(w, "\t%s", id)
		}
		if j.Settle {
			fmt.Fprintf(w, "\tof %s", j.Run())
		}
		if j.Consistency != CrashConsistent {
			fmt.Fprintf(w, "\tconsistency: %s", j.Consistency)
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush() // a strings.Builder takes everything
	for _, j := range r.Jobs {
		if fault := j.Manifest.Trial.Fault; fault != nil {
			fmt.Fprintf(&b, "no manifest: %s of %s: %v\n", j.Resource.ID(), j.Resource.Site, fault)
		}
		for _, what := range j.Resource.Unprotected {
			fmt.Fprintf(&b, "not protected: %s %s: %s\n", j.Resource.Site, j.Resource.ID(), what)
		}
	}
	for _, l := range r.Late {
		fmt.Fprintf(&b, "late: %s was to be done at %s\n", Resource{ARN: l.Resource}.ID(), l.Deadline.Format(time.RFC3339))
	}
	for _, e := range r.Errors {
		fmt.Fprintf(&b, "error: %v\n", e)
	}
	return b.String()
}
