package backup

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// maxStrangers is how many resources that the plan does not select now, and
// that are known from tags in the protected account alone, are settled at most
// in one run of a site: they may have been terminated in the meantime, or
// somebody made them up.
const maxStrangers = 16

// older returns jobs for what older runs left unfinished at a site, see settle.
func (c *census) older(s *siteCensus, h history) []Job {
	selected := map[string]bool{}
	for _, r := range s.resources {
		selected[r.ARN] = true
	}
	var jobs []Job
	strangers := 0
	for _, resource := range slices.Sorted(maps.Keys(h.runs)) {
		known := selected[resource] || h.inVault(resource)
		if !known && (strangers == maxStrangers || !c.couldSelect(s, resource)) {
			continue
		}
		found, told := c.settle(h.runs[resource], selected[resource])
		if !known && (told || len(found) > 0) {
			strangers++
		}
		jobs = append(jobs, found...)
	}
	slices.SortFunc(jobs, func(a, b Job) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Resource.ARN, b.Resource.ARN))
	})
	return jobs
}

// A leftover is what an older run has left to be done; of several things the
// one that is listed last.
type leftover int

const (
	nothing leftover = iota
	taking           // shares back, and intermediates away
	mending          // locks or images of copies that are there
	copying
)

// settle returns what is to be done about the older runs of one resource: a job
// for the most recent one that lacks copies, one for the most recent one whose
// copies lack locks or an image, and one for the most recent one that only has
// something to take back. It tells the most recent one that will not be copied.
func (c *census) settle(runs []*pastRun, selected bool) (jobs []Job, told bool) {
	had := map[leftover]bool{nothing: true}
	for _, r := range runs { // newest first
		if r.at.After(c.at) || r.at.Equal(c.at) && selected || r.job == nil || !c.resting(r) {
			continue
		}
		left, refused := c.unfinished(r, runs, selected)
		if refused != nil && !told {
			told = true
			c.tellLeft(r.job, refused)
		}
		if !had[left] {
			had[left] = true
			jobs = append(jobs, *r.job)
		}
	}
	return jobs, told
}

// tellLeft tells that what a run left is not copied.
func (c *census) tellLeft(j *Job, why error) {
	site := j.Resource.Site
	c.e.tell(Event{Stage: j.Stage, Account: site.Account, Region: site.Region, Resource: j.Resource.ARN, Point: j.Point, Err: why})
}

// inVault says whether a destination in an account other than the resource's
// own has a copy of it.
func (h history) inVault(resource string) bool {
	for _, r := range h.runs[resource] {
		for site, copies := range r.copies {
			if len(copies) > 0 && site.Account != copies[0].label.source.Account {
				return true
			}
		}
	}
	return false
}

// couldSelect says whether the plan may have selected a resource of which only
// the ARN is known.
func (c *census) couldSelect(s *siteCensus, resource string) bool {
	if _, err := c.e.driver(kindOf(resource)); err != nil || c.e.kinds[kindOf(resource)] != s.driver {
		return false
	}
	return c.plan.Sources[s.source].Select.couldChoose(Resource{ARN: resource}.ID())
}

// unfinished says what is left to do about a run, and readies its job for that;
// and why copies that are missing will not be made.
func (c *census) unfinished(r *pastRun, runs []*pastRun, selected bool) (left leftover, refused error) {
	for _, d := range c.plan.Copies {
		present, completed := r.copied(d.Site())
		switch all := len(r.job.Resource.Members); {
		case completed == all:
			if c.unlockedAt(r, runs, d) || c.unimagedAt(r, runs, d) {
				r.job.addCopy(d)
				left = max(left, mending)
			}
		case present < all && (!r.whole || !c.stillDue(r, runs, d)):
		default:
			if err := c.mayCopy(r, selected, d.Account); err != nil {
				refused = err
				break
			}
			r.job.addCopy(d)
			left = copying
		}
		r.job.addShare(d.Account)
		if slices.ContainsFunc(r.shared[d.Account], r.fits) {
			left = max(left, taking)
		}
	}
	if len(r.job.Shares) > 0 && slices.ContainsFunc(r.rekeyed, r.fits) {
		left = max(left, taking)
	}
	return left, refused
}

// lately says whether at most one later run has copies at a destination, beside
// the one that is to be run now. What a run left undone of copies that are
// there, one of the next two does, since the next may have been cut as well; not
// any later one, or a plan that begins to lock would lock all of its past, and
// an image that cannot be made would be tried for ever.
func (c *census) lately(r *pastRun, runs []*pastRun, d Copy) bool {
	later := 0
	for _, other := range runs { // newest first
		if !other.at.After(r.at) {
			break
		}
		if present, _ := other.copied(d.Site()); present > 0 && !other.at.Equal(c.at) {
			later++
		}
	}
	return later <= 1
}

// fits says whether a claim in the protected account is one that the run's job
// would take for its own.
func (r *pastRun) fits(k claim) bool {
	if k.label.kind == original {
		return k.Description == r.job.describe() && r.job.memberOf(k.Snapshot, r.window, r.now) >= 0
	}
	for i, m := range r.job.Resource.Members {
		if m.ManagedKey && r.job.rekeyed(k.Snapshot, i) {
			return true
		}
	}
	return false
}

// stillDue says whether a run that lacks copies at a destination should have
// got them, and no later run has any: else what is missing was put off for
// ever, or is being pruned.
func (c *census) stillDue(r *pastRun, runs []*pastRun, d Copy) bool {
	for _, later := range runs { // newest first
		if !later.at.After(r.at) {
			break
		}
		if present, _ := later.copied(d.Site()); present > 0 {
			return false
		}
	}
	return history{runs: map[string][]*pastRun{"": runs}}.due("", r.at, d)
}

// kindOf returns the kind of resource that an ARN names.
func kindOf(resource string) string {
	a, err := parseARN(resource)
	if err != nil {
		return ""
	}
	return a.kind
}
