package backup

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Forecast says what jobs will cost before anything is changed.
//
// Calls are counted exactly, for jobs that meet no obstacle. Durations follow
// from how long the last copy of a volume took where one is known, else from
// Options.Estimate, by volume sizes: AWS does not say how much of a volume has
// changed. Makespan is a lower bound under that estimate: no scheduling gets
// below it.
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
	// Finish is when all is done if the longest copies are begun first, as the
	// engine does, from now on; in JSON, nanoseconds. Request rates and the time
	// between looks are not in it.
	Finish time.Duration `json:"finish"`
	// Cost at most, by Options.Prices.
	Cost Cost `json:"cost"`
	// Late are the jobs that are expected to miss their plan's deadline, the
	// latest first.
	Late []Late `json:"late,omitempty"`
}

// A Bound is one reason why a run takes at least so long.
type Bound struct {
	What string        `json:"what"` // "20 copy slots of 999999999999/eu-west-1"
	Time time.Duration `json:"time"` // from now on, at least; in JSON, nanoseconds
}

// A Late is a job that misses its plan's deadline.
type Late struct {
	Resource string    `json:"resource"` // ARN
	Deadline time.Time `json:"deadline"` // by the plan
	// Done is when it is expected to be done, or when its last copy was; zero if
	// it was not done when the run ended.
	Done time.Time `json:"done,omitzero"`
}

// Forecast reckons what is left to do for jobs that Jobs has listed, or that
// were advanced since: what is under way still takes what is left of the time
// that was expected, and if what these jobs have finished took longer than
// expected, Finish and Late follow that. Jobs of kinds without a driver are left
// out. It makes no call.
func (e *Engine) Forecast(jobs []Job) Forecast {
	f := newForecaster(e)
	for i := range jobs {
		f.learn(&jobs[i])
		d, err := e.driver(jobs[i].Resource.Kind)
		if err != nil || jobs[i].Done() {
			continue
		}
		f.add(&jobs[i], e.drivers[d])
		f.manifest(jobs[i], d)
	}
	f.reads()
	f.schedule()
	f.bounds()
	return f.out
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
	b.WriteString("\n")
	if f.Resources > 0 {
		fmt.Fprintf(&b, "expected to take %v\nat most %s\n", f.Finish.Round(time.Second), f.Cost)
	}
	if len(f.Late) > 0 {
		fmt.Fprintf(&b, "%d miss the deadline, the last %s by %v\n", len(f.Late), Resource{ARN: f.Late[0].Resource}.ID(),
			f.Late[0].Done.Sub(f.Late[0].Deadline).Round(time.Second))
	}
	return b.String()
}
