package backup

import (
	"cmp"
	"slices"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
)

// A history is what the snapshots of a source site and of its copies tell of
// a plan's runs.
type history struct {
	runs   map[string][]*pastRun // by resource, newest first
	points map[string]*pastRun   // by point
}

// A pastRun is one run's traces of one resource. What is in the protected
// account are claims, which count only as far as AWS's own fields bear them
// out; what is at a destination is the vault's own.
type pastRun struct {
	id        string // as in the tag snapkeep:run
	at        time.Time
	originals []claim
	rekeyed   []claim
	copies    map[Site][]claim
	shared    map[accounts.ID][]claim

	// job has the resource as it was then; nil if that cannot be told.
	job *Job
	// whole says that a complete set of originals exists.
	whole bool
	// window is when the originals may have been started, now the moment of the census.
	window window
	now    time.Time
}

// A claim is a snapshot with what its tags say.
type claim struct {
	Snapshot
	label label
}

// history reads the past of a site's resources.
func (c *census) history(s *siteCensus) history {
	h := history{map[string][]*pastRun{}, map[string]*pastRun{}}
	c.claims(viewID{site: s.site, purpose: accounts.Backup, driver: s.driver}, func(k claim) {
		switch r := h.run(k, s.site); {
		case r == nil:
		case k.label.kind == original:
			r.originals = append(r.originals, k)
		case k.label.kind == intermediate:
			r.rekeyed = append(r.rekeyed, k)
		}
	})
	for _, d := range c.plan.Copies {
		for _, snap := range c.copied[route{s.site, d.Site(), s.driver}] {
			l, err := readLabel(snap.Tags, c.e.opts.Vault)
			if err != nil {
				continue
			}
			if r := h.run(claim{*snap, l}, s.site); r != nil {
				r.copies[d.Site()] = append(r.copies[d.Site()], claim{*snap, l})
			}
		}
		if d.Account == s.site.Account {
			continue
		}
		c.claims(viewID{site: s.site, purpose: accounts.Backup, shared: d.Account, driver: s.driver}, func(k claim) {
			if r := h.run(k, s.site); r != nil && k.label.kind != duplicate {
				r.shared[d.Account] = append(r.shared[d.Account], k)
			}
		})
	}
	for _, runs := range h.runs {
		slices.SortFunc(runs, func(a, b *pastRun) int { return b.at.Compare(a.at) })
		for _, r := range runs {
			r.window, r.now = windowOf(r.at, c.e.opts.Window), c.now
			r.reconstruct(c, s)
		}
	}
	return h
}

// isCopy says whether a snapshot found at a destination is one of its copies.
func (c *census) isCopy(k claim, d Copy) bool {
	want := keyOf(c.e.opts.Vault, k.label.run, k.label.resource, keyCopy, k.label.volume.Volume, d.Site().String())
	return k.label.kind == duplicate && k.label.key == want && k.Owner == d.Account
}

// claims calls f with each snapshot of a listing that has the plan's tags.
func (c *census) claims(id viewID, f func(claim)) {
	c.eachClaim(id, func(s *Snapshot, l label) { f(claim{*s, l}) })
}

// eachClaim is claims for who keeps the snapshots as they are listed: those of a
// point come one after the other, the oldest first.
func (c *census) eachClaim(id viewID, f func(*Snapshot, label)) {
	v := c.views[id]
	if v == nil {
		return
	}
	for list := range v.points() {
		for i := range list {
			l, err := readLabel(list[i].Tags, c.e.opts.Vault)
			if err == nil && l.plan == c.plan.Name {
				f(&list[i], l)
			}
		}
	}
}

// run returns the run that a claim belongs to, nil if its resource is none of
// the site's.
func (h history) run(k claim, site Site) *pastRun {
	a, err := parseARN(k.label.resource)
	if err != nil || a.site != site {
		return nil
	}
	r := h.points[k.label.point]
	if r == nil {
		r = &pastRun{id: k.label.run, at: k.label.at, copies: map[Site][]claim{}, shared: map[accounts.ID][]claim{}}
		h.points[k.label.point] = r
		h.runs[k.label.resource] = append(h.runs[k.label.resource], r)
	}
	return r
}

// maxVariants is how many different claims about one set are looked at; more
// than one is forged.
const maxVariants = 8

// reconstruct finds out of which members the resource consisted: from the
// copies, if a destination has them all, else from the first originals whose
// claim is borne out by a complete set. Destinations in the resource's own
// account are asked last, since its owner can write the tags there.
func (r *pastRun) reconstruct(c *census, s *siteCensus) {
	destinations := slices.Clone(c.plan.Copies)
	slices.SortStableFunc(destinations, func(a, b Copy) int {
		return falseFirst(a.Account == s.site.Account, b.Account == s.site.Account)
	})
	for _, d := range destinations {
		copies := ofOneMoment(r.copies[d.Site()])
		if members := volumesOf(copies); len(members) > 0 && len(members) == copies[0].label.members {
			r.job = c.past(s, copies[0].label, members)
			r.whole = r.job.hasSet(r.originals, c)
			return
		}
	}
	for i, k := range r.originals {
		if i == maxVariants {
			return
		}
		j := c.past(s, k.label, k.label.volumes)
		if j.hasSet(r.originals, c) {
			r.job, r.whole = j, true
			return
		}
	}
}

// spokenFor says whether a copy in another account than the resource's bears
// out of how many members the resource consisted.
func (r *pastRun) spokenFor() bool {
	for site, copies := range r.copies {
		for _, k := range copies {
			of := func(m Member) bool { return m.Volume == k.label.volume.Volume && m.SizeGiB == k.label.volume.SizeGiB }
			if site.Account != k.label.source.Account && k.label.members == len(r.job.Resource.Members) &&
				slices.ContainsFunc(r.job.Resource.Members, of) {
				return true
			}
		}
	}
	return false
}

// goesWith says whether two copies of one point belong together: they are of one
// moment, and of one set.
func (l label) goesWith(other label) bool {
	return l.source == other.source && l.taken.Equal(other.taken) && l.members == other.members
}

// ofOneMoment returns those copies of a point at a place that belong together:
// of several moments, which there are where originals were doubled, the one of
// which most members have a copy that has not failed, and of these the one that
// was copied first. It returns none only if there are none.
func ofOneMoment(copies []claim) (best []claim) {
	most := -1
	for i, first := range copies {
		if slices.ContainsFunc(copies[:i], func(k claim) bool { return k.label.goesWith(first.label) }) {
			continue
		}
		var these []claim
		for _, k := range copies[i:] {
			if k.label.goesWith(first.label) {
				these = append(these, k)
			}
		}
		if n := len(volumesOf(these)); n > most {
			best, most = these, n
		}
	}
	return best
}

// volumesOf returns the volumes that copies are of, each once, ordered.
func volumesOf(copies []claim) []Member {
	var members []Member
	for _, k := range copies {
		if k.State == SnapshotError || slices.ContainsFunc(members, func(m Member) bool { return m.Volume == k.label.volume.Volume }) {
			continue
		}
		members = append(members, k.label.volume)
	}
	slices.SortFunc(members, func(a, b Member) int { return cmp.Compare(a.Volume, b.Volume) })
	return members
}

// past returns a job for what a label tells of a resource.
func (c *census) past(s *siteCensus, l label, members []Member) *Job {
	a, _ := parseARN(l.resource)
	members = slices.Clone(members)
	for i, m := range members {
		// The run that wrote the tags may not have been let look at the key;
		// and a volume's key never changes.
		members[i].ManagedKey = m.ManagedKey || s.managed[m.Volume]
	}
	j := newJob(c.e.opts.Vault, c.plan.Name, l.at, Resource{
		ARN: l.resource, Kind: a.kind, Site: a.site, Members: members, Machine: l.machine,
	})
	c.equip(&j, s)
	j.Settle, j.Consistency = true, l.mark.kind
	return &j
}

// hasSet says whether there is a complete set of originals, none of which failed.
func (j *Job) hasSet(originals []claim, c *census) bool {
	snaps := make([]Snapshot, len(originals))
	for i, k := range originals {
		snaps[i] = k.Snapshot
	}
	found, _ := j.sets(snaps, windowOf(j.At, c.e.opts.Window), c.now)
	first, ok := firstSet(found)
	return ok && !slices.ContainsFunc(first.snaps, func(s Snapshot) bool { return s.State == SnapshotError })
}

// copied returns how many of a run's members have a copy at a destination, and
// how many of these are completed.
func (r *pastRun) copied(to Site) (present, completed int) {
	if r.job == nil {
		return 0, 0
	}
	copies := ofOneMoment(r.copies[to])
	for _, m := range r.job.Resource.Members {
		has, done := false, false
		for _, k := range copies {
			if k.label.volume.Volume == m.Volume && k.State != SnapshotError {
				has, done = true, done || k.State == SnapshotCompleted
			}
		}
		if has {
			present++
		}
		if done {
			completed++
		}
	}
	return present, completed
}

// due says whether a run copies to a destination: if it has begun to, or if
// Every-1 points with complete originals follow the last one copied there.
// What is counted are the originals that are still there: a retention that
// keeps fewer, or somebody who deletes them, puts the copy off. Validate
// refuses what could never become due.
func (h history) due(resource string, at time.Time, d Copy) bool {
	if d.Every <= 1 {
		return true
	}
	follow := 0
	for _, r := range h.runs[resource] { // newest first
		present, _ := r.copied(d.Site())
		switch {
		case r.at.After(at):
			continue
		case r.at.Equal(at):
			if present > 0 {
				return true
			}
			continue
		case present > 0:
			return follow >= d.Every-1
		}
		if r.whole {
			follow++
		}
	}
	return true // the first copy
}
