package backup

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/internal/pace"
)

// A Forecast says what jobs will cost before anything is changed.
//
// Calls are counted exactly, for jobs that meet no obstacle. Durations follow
// from Options.Estimate, by volume sizes: AWS does not say how much of a
// volume has changed. Makespan is a lower bound under that estimate: no
// scheduling gets below it.
type Forecast struct {
	Resources int   `json:"resources"` // whose jobs have not ended
	Volumes   int   `json:"volumes"`   // members of these resources
	GiB       int64 `json:"gib"`       // of these volumes, by their whole sizes
	// Calls that change something, by the name of the API.
	Calls map[string]int `json:"calls"`
	// Manifests is how many will be captured and stored, each by one Put into
	// Options.Manifests.
	Manifests int `json:"manifests,omitempty"`
	// Reads are the calls that capturing manifests takes, by the name of the
	// API; other calls that only read are not counted.
	Reads map[string]int `json:"reads,omitempty"`
	// Makespan is the longest of Bounds.
	Makespan time.Duration `json:"makespan"`
	// Bounds are what the makespan cannot be below, and why; the longest first.
	Bounds []Bound `json:"bounds"`
}

// A Bound is one reason why a run takes at least so long.
type Bound struct {
	What string        `json:"what"` // "20 copy slots of 999999999999/eu-west-1"
	Time time.Duration `json:"time"` // from now on, at least; in JSON, nanoseconds
}

// Forecast reckons what is left to do for jobs that Jobs has listed, or that
// were advanced since. Jobs of kinds without a driver are left out.
func (e *Engine) Forecast(jobs []Job) Forecast {
	f := forecaster{e: e, calls: map[pace.Key]int{}, copying: map[Site]time.Duration{}, first: map[Site]time.Duration{}}
	f.out.Calls = map[string]int{}
	for _, j := range jobs {
		d, err := e.driver(j.Resource.Kind)
		if err != nil || j.Done() {
			continue
		}
		f.out.Resources++
		f.out.Volumes += len(j.Resource.Members)
		f.out.GiB += j.SizeGiB()
		f.job(j, e.drivers[d])
		f.manifest(j, d)
	}
	f.reads()
	f.bounds()
	return f.out
}

// A forecaster is one call of Forecast.
type forecaster struct {
	e       *Engine
	out     Forecast
	calls   map[pace.Key]int
	copying map[Site]time.Duration // all copies into a site, one after the other
	first   map[Site]time.Duration // when the first of them can begin
	longest Bound
	// described counts the resources that are described together.
	described map[together]int
}

func (f *forecaster) job(j Job, d Driver) {
	est := f.e.opts.Estimate
	source := j.Resource.Site
	var snapshot, after time.Duration
	if !traced(j.Originals) && !j.Settle {
		f.call(source, d.API(Step{Kind: StepSnapshot, Resource: j.Resource}))
		for _, m := range j.Resource.Members {
			snapshot = max(snapshot, est.takes(m.SizeGiB, est.SnapshotRate))
		}
	}
	if len(j.Shares) == 0 && len(j.Copies) == 0 {
		f.chain(j, snapshot)
		return
	}
	for i, m := range j.Resource.Members {
		took := snapshot
		rekeys := m.ManagedKey && j.Rekeyed[i].Snapshot == "" && j.lacksShared(i)
		if rekeys {
			one := est.takes(m.SizeGiB, est.CopyRate)
			f.copyInto(source, d, one, snapshot)
			took += one
		}
		if m.ManagedKey && !j.Rekeyed[i].Deleted && (rekeys || j.Rekeyed[i].Snapshot != "") {
			f.call(source, d.API(Step{Kind: StepDelete}))
		}
		for _, s := range j.Shares {
			if j.lacksIn(i, s.Account) {
				f.call(source, d.API(Step{Kind: StepShare}))
			}
			f.call(source, d.API(Step{Kind: StepRevoke}))
		}
		for _, c := range j.Copies {
			if c.Snapshots[i].Snapshot == "" {
				one := est.takes(m.SizeGiB, est.CopyRate)
				f.copyInto(c.Site, d, one, took)
				after = max(after, took+one)
			}
		}
	}
	f.chain(j, max(after, snapshot))
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

func (f *forecaster) copyInto(to Site, d Driver, takes, from time.Duration) {
	f.call(to, d.API(Step{Kind: StepCopy}))
	if first, ok := f.first[to]; !ok || from < first {
		f.first[to] = from
	}
	f.copying[to] += takes
}

// chain notes how long one job takes with all the world for itself.
func (f *forecaster) chain(j Job, takes time.Duration) {
	if takes > f.longest.Time {
		f.longest = Bound{"the longest job, " + j.Resource.ID() + " of " + j.Resource.Site.String(), takes}
	}
}

func (f *forecaster) bounds() {
	add := func(b Bound) {
		if b.Time > 0 {
			f.out.Bounds = append(f.out.Bounds, b)
		}
	}
	add(f.longest)
	for site, all := range f.copying {
		add(Bound{fmt.Sprintf("%d copy slots of %s", f.e.opts.Slots, site), f.first[site] + all/time.Duration(f.e.opts.Slots)})
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

// String returns the forecast in a few lines.
func (f Forecast) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d resources, %d volumes, %d GiB\n", f.Resources, f.Volumes, f.GiB)
	for _, api := range slices.Sorted(maps.Keys(f.Calls)) {
		fmt.Fprintf(&b, "%6d %s\n", f.Calls[api], api)
	}
	for _, api := range slices.Sorted(maps.Keys(f.Reads)) {
		fmt.Fprintf(&b, "%6d %s for %d manifests\n", f.Reads[api], api, f.Manifests)
	}
	fmt.Fprintf(&b, "at least %v", f.Makespan.Round(time.Second))
	if len(f.Bounds) > 0 {
		fmt.Fprintf(&b, ", bound by %s", f.Bounds[0].What)
	}
	return b.String() + "\n"
}
