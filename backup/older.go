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

// older returns jobs for what older runs left unfinished at a site: for each
// resource the most recent one. Somebody who forges runs gets at most one of
// them copied for each resource and run, in the place of a real one.
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
		for _, r := range h.runs[resource] { // newest first
			if r.at.After(c.at) || r.at.Equal(c.at) && selected[resource] || r.job == nil {
				continue
			}
			if c.unfinished(r, h.runs[resource]) {
				jobs = append(jobs, *r.job)
				if !known {
					strangers++
				}
				break
			}
		}
	}
	slices.SortFunc(jobs, func(a, b Job) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Resource.ARN, b.Resource.ARN))
	})
	return jobs
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
	sel, id := c.plan.Sources[s.source].Select, Resource{ARN: resource}.ID()
	if _, err := c.e.driver(kindOf(resource)); err != nil || c.e.kinds[kindOf(resource)] != s.driver {
		return false
	}
	return !slices.Contains(sel.ExcludeIDs, id) && (sel.All || len(sel.Tags) > 0 || slices.Contains(sel.IDs, id))
}

// unfinished says whether something is left to do about a run, and readies its
// job for that.
func (c *census) unfinished(r *pastRun, runs []*pastRun) bool {
	left := slices.ContainsFunc(r.rekeyed, r.fits)
	for _, d := range c.plan.Copies {
		present, completed := r.copied(d.Site())
		switch all := len(r.job.Resource.Members); {
		case completed == all:
		case present == all, r.whole && c.stillDue(r, runs, d):
			r.job.addCopy(d)
			left = true
		}
		r.job.addShare(d.Account)
		left = left || slices.ContainsFunc(r.shared[d.Account], r.fits)
	}
	return left
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
