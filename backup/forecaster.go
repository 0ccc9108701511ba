package backup

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/internal/pace"
)

// A forecaster is one call of Forecast.
type forecaster struct {
	e    *Engine
	now  time.Time
	out  Forecast
	jobs []reckoned
	// What shares something scarce, by site: originals that are pending at once,
	// and copies into it, those that rekey first.
	originals, rekeys, copies lanes

	calls   map[pace.Key]int
	timed   map[[2]string]float64 // MiB of time-based copies, by their Regions
	longest Bound
	// described counts the resources that are described together.
	described map[together]int
}

// A reckoned is a job with what is known of its way.
type reckoned struct {
	*Job
	taken   time.Duration // until its snapshots are there
	rekeyed time.Duration // until those under `aws/ebs` are rekeyed too
	done    time.Duration
}

func newForecaster(e *Engine) *forecaster {
	f := &forecaster{
		e: e, now: time.Now(), calls: map[pace.Key]int{}, timed: map[[2]string]float64{},
		originals: lanes{}, rekeys: lanes{}, copies: lanes{},
	}
	f.out.Calls = map[string]int{}
	f.out.Cost.Currency = e.opts.Prices.Currency
	return f
}

// add counts what is left to do for a job.
func (f *forecaster) add(j *Job, d Driver) {
	f.out.Resources++
	f.out.Volumes += len(j.Resource.Members)
	f.out.GiB += j.SizeGiB()
	f.jobs = append(f.jobs, reckoned{Job: j})
	f.locks(*j, d)
	est, source := f.e.opts.Estimate, j.Resource.Site
	var alone time.Duration // what the job takes with all the world for itself
	if !traced(j.Originals) && !j.Settle {
		f.making(j, d)
		for _, m := range j.Resource.Members {
			took := est.takes(m.SizeGiB, est.SnapshotRate)
			f.originals.add(source, task{job: len(f.jobs) - 1, takes: took})
			alone = max(alone, took)
			f.out.Cost.Storage += float64(m.SizeGiB) * f.share(j) * in(f.e.opts.Prices.Storage, source.Region)
		}
	}
	for i, t := range j.Originals {
		alone = max(alone, f.begun(f.originals, source, t, est.takes(j.Resource.Members[i].SizeGiB, est.SnapshotRate)))
	}
	snapshots := alone
	for i, m := range j.Resource.Members {
		took := snapshots
		if f.rekey(j, i, d, snapshots) {
			took += est.takes(m.SizeGiB, est.CopyRate)
		}
		for _, s := range j.Shares {
			if j.lacksIn(i, s.Account) {
				f.call(source, d.API(Step{Kind: StepShare}))
			}
			f.call(source, d.API(Step{Kind: StepRevoke}))
		}
		for _, c := range j.Copies {
			if i == 0 && c.Image.unmade() {
				f.call(c.Site, d.API(Step{Kind: StepRegister}))
			}
			if c.Snapshots[i].Snapshot == "" {
				alone = max(alone, took+f.copy(j, c, i, d, took))
				continue
			}
			takes, _ := c.takes(i, m, est)
			alone = max(alone, f.begun(f.copies, c.Site, c.Snapshots[i], takes))
		}
	}
	if alone > f.longest.Time {
		f.longest = Bound{"the longest job, " + j.Resource.ID() + " of " + source.String(), alone}
	}
}

// share returns which share of a resource's volumes a snapshot stores: all of
// it, unless an earlier point is known.
func (f *forecaster) share(j *Job) float64 {
	for _, c := range j.Copies {
		if c.Expected != nil {
			return f.e.opts.Estimate.Changed
		}
	}
	return 1
}

// rekey counts the copy of a member under a key that can be shared, and its
// removal. It says whether the copy is still to be made.
func (f *forecaster) rekey(j *Job, i int, d Driver, soonest time.Duration) bool {
	m, source := j.Resource.Members[i], j.Resource.Site
	needed := m.ManagedKey && j.Rekeyed[i].Snapshot == "" && j.lacksShared(i)
	takes := f.e.opts.Estimate.takes(m.SizeGiB, f.e.opts.Estimate.CopyRate)
	if needed {
		f.call(source, d.API(Step{Kind: StepCopy}))
		f.rekeys.add(source, task{job: len(f.jobs) - 1, takes: takes, soonest: soonest})
	} else if i < len(j.Rekeyed) {
		f.begun(f.rekeys, source, j.Rekeyed[i], takes)
	}
	if m.ManagedKey && !j.Rekeyed[i].Deleted && (needed || j.Rekeyed[i].Snapshot != "") && (len(j.Shares) > 0 || len(j.Copies) > 0) {
		f.call(source, d.API(Step{Kind: StepDelete}))
	}
	return needed
}

// copy counts one copy, and returns how long it takes.
func (f *forecaster) copy(j *Job, c JobCopy, i int, d Driver, soonest time.Duration) time.Duration {
	est, m := f.e.opts.Estimate, j.Resource.Members[i]
	takes, later := c.takes(i, m, est)
	f.call(c.Site, d.API(Step{Kind: StepCopy}))
	f.copies.add(c.Site, task{job: len(f.jobs) - 1, takes: takes, soonest: soonest})
	gib := float64(m.SizeGiB)
	if later {
		gib *= est.Changed
	}
	f.out.Cost.copied(f.e.opts.Prices, gib, j.Resource.Site.Region, c.Site.Region, c.CompletionMinutes)
	if c.CompletionMinutes > 0 {
		f.timed[[2]string{j.Resource.Site.Region, c.Site.Region}] += gib * 1024
	}
	return takes
}

// begun adds what is under way to its lane, and returns how long it still takes,
// as expected.
func (f *forecaster) begun(at lanes, s Site, t Trace, takes time.Duration) time.Duration {
	if t.Snapshot == "" || t.Completed || t.Failed || t.Deleted {
		return 0
	}
	begun := task{job: len(f.jobs) - 1, takes: takes, underWay: true, age: max(f.now.Sub(t.since()), 0)}
	at.add(s, begun)
	return begun.left(1)
}

// learn takes what a job has finished for a measure of what is left. Of a job
// that somebody else may have begun nobody knows when that was.
func (f *forecaster) learn(j *Job) {
	if !j.Believe.IsZero() {
		return
	}
	for i, m := range j.Resource.Members {
		est := f.e.opts.Estimate
		if i < len(j.Originals) {
			f.originals.at(j.Resource.Site).learn(j.Originals[i], est.takes(m.SizeGiB, est.SnapshotRate))
		}
		if i < len(j.Rekeyed) {
			f.rekeys.at(j.Resource.Site).learn(j.Rekeyed[i], est.takes(m.SizeGiB, est.CopyRate))
		}
		for _, c := range j.Copies {
			takes, _ := c.takes(i, m, est)
			f.copies.at(c.Site).learn(c.Snapshots[i], takes)
		}
	}
}

// lacksIn says whether an account lacks a copy of a member; lacksShared whether
// any account that is shared with does.
func (j Job) lacksIn(member int, id accounts.ID) bool {
	return slices.ContainsFunc(j.Copies, func(c JobCopy) bool {
		return c.Site.Account == id && c.Snapshots[member].Snapshot == ""
	})
}

func (j Job) lacksShared(member int) bool {
	return slices.ContainsFunc(j.Shares, func(s JobShare) bool { return j.lacksIn(member, s.Account) })
}

// takes returns how long a snapshot or copy of a size takes.
func (e Estimate) takes(sizeGiB int32, rate float64) time.Duration {
	return e.Overhead + time.Duration(float64(sizeGiB)*1024/rate*float64(time.Second))
}

func (f *forecaster) call(at Site, api string) {
	f.out.Calls[api]++
	f.calls[pace.Key{Account: string(at.Account), Region: at.Region, API: api}]++
}

// schedule plays the run through: originals, then what has to be rekeyed, then
// the copies, which are begun once all of a point is there.
func (f *forecaster) schedule() {
	f.originals.play(f.e.opts.MaxPending, shortestFirst, func(task) time.Duration { return 0 }, func(t task, done time.Duration) {
		f.jobs[t.job].taken = max(f.jobs[t.job].taken, done)
	})
	for i := range f.jobs {
		f.jobs[i].rekeyed, f.jobs[i].done = f.jobs[i].taken, f.jobs[i].taken
	}
	f.rekeys.play(f.e.opts.Slots, longestFirst, func(t task) time.Duration { return f.jobs[t.job].taken }, func(t task, done time.Duration) {
		f.jobs[t.job].rekeyed = max(f.jobs[t.job].rekeyed, done)
	})
	f.copies.play(f.e.opts.Slots, longestFirst, func(t task) time.Duration { return f.jobs[t.job].rekeyed }, func(t task, done time.Duration) {
		f.jobs[t.job].done = max(f.jobs[t.job].done, done)
	})
	for _, j := range f.jobs {
		f.out.Finish = max(f.out.Finish, j.done)
		if done := f.now.Add(j.done); !j.Deadline.IsZero() && done.After(j.Deadline) {
			f.out.Late = append(f.out.Late, Late{j.Resource.ARN, j.Deadline, done})
		}
	}
	slices.SortFunc(f.out.Late, func(a, b Late) int {
		return cmp.Or(b.Done.Compare(a.Done), cmp.Compare(a.Resource, b.Resource))
	})
}

func (f *forecaster) bounds() {
	add := func(b Bound) {
		if b.Time > 0 {
			f.out.Bounds = append(f.out.Bounds, b)
		}
	}
	add(f.longest)
	for _, sites := range []lanes{f.rekeys, f.copies} {
		for site, lane := range sites {
			if len(lane.tasks) == 0 {
				continue
			}
			first, all := lane.tasks[0].soonest, time.Duration(0)
			for _, t := range lane.tasks {
				first, all = min(first, t.soonest), all+t.left(1)
			}
			add(Bound{fmt.Sprintf("%d copy slots of %s", f.e.opts.Slots, site), first + all/time.Duration(f.e.opts.Slots)})
		}
	}
	for pair, mib := range f.timed {
		add(Bound{
			fmt.Sprintf("%d MiB/s of time-based copies from %s to %s", f.e.opts.CopyThroughput, pair[0], pair[1]),
			time.Duration(mib / float64(f.e.opts.CopyThroughput) * float64(time.Second)),
		})
	}
	limits := f.e.opts.limits()
	for k, n := range f.calls {
		if l := limits(k.API); l.Refill > 0 {
			wait := time.Duration((float64(n) - l.Burst) / l.Refill * float64(time.Second))
			add(Bound{fmt.Sprintf("the request rate of %s at %s/%s", k.API, k.Account, k.Region), wait})
		}
	}
	slices.SortFunc(f.out.Bounds, func(a, b Bound) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(a.What, b.What))
	})
	if len(f.out.Bounds) > 0 {
		f.out.Makespan = f.out.Bounds[0].Time
	}
}

// making counts what makes the originals.
func (f *forecaster) making(j *Job, d Driver) {
	step := Step{Kind: StepSnapshot, Resource: j.Resource}
	switch {
	case j.Quiesce == nil:
	case j.Quiesce.VSS != nil:
		step.Kind = StepVSS
	default:
		f.call(j.Resource.Site, d.API(Step{Kind: StepQuiesce}))
		f.call(j.Resource.Site, d.API(Step{Kind: StepResume}))
	}
	f.call(j.Resource.Site, d.API(step))
}
