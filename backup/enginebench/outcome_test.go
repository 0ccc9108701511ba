package enginebench_test

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// An outcome is what a run came to, as the simulated AWS saw it: what the
// program under test says of itself does not count.
type outcome struct {
	// Protected is how many volumes have a completed copy in the vault, under
	// its key; Failed is how many have not.
	Protected, Failed int
	// Calls of the run, those of STS and those that were refused among them.
	Calls int
	// Throttled calls were beyond a request bucket; Refused ones beyond a quota
	// or wrong.
	Throttled, Refused int
	// Twice is how many snapshots and copies were made that were there already,
	// Shared how many originals were left shared.
	Twice, Shared int
	// Makespan is how much virtual time the run took, Floor the least that what
	// it made can take.
	Makespan, Floor time.Duration
	// Whole is after what part of the makespan all of a machine was copied, in
	// the mean of those that were.
	Whole float64
	// CPU is how long this process computed for it, on all cores and with the
	// collection of garbage.
	CPU time.Duration
}

// observe looks at a world in which a run has just ended.
func (w *world) observe() outcome {
	stats := w.cloud.Stats()
	o := outcome{
		Calls: stats.Total - w.begun, Throttled: stats.Throttled, Refused: stats.Errors - stats.Throttled, Makespan: time.Since(w.since),
	}
	k := work{accounts: map[string]*tally{}}
	safe, chains := map[string]time.Time{}, map[string]*chain{}
	for _, s := range w.cloud.EC2().Snapshots() {
		if _, ours := w.takes[s.Origin]; !ours {
			continue // an image's
		}
		c := chains[s.Origin]
		if c == nil {
			c = &chain{}
			chains[s.Origin] = c
		}
		o.Twice += c.add(s)
		k.count(s)
		switch {
		case !s.Copy && len(s.Shares) > 0:
			o.Shared++
		case s.Copy && s.Account == string(vault) && s.State == types.SnapshotStateCompleted && s.KeyARN == w.key:
			safe[s.Origin] = s.Done
		}
	}
	for _, c := range chains {
		k.chains = append(k.chains, *c)
	}
	o.Protected, o.Failed = len(safe), len(w.takes)-len(safe)
	o.Floor = k.floor(w.ceilings())
	o.Whole = w.whole(safe) / o.Makespan.Seconds()
	return o
}

// whole returns after how many seconds all of a machine was safe, in the mean of
// those of which all is.
func (w *world) whole(safe map[string]time.Time) float64 {
	sum, n := 0.0, 0
	for _, m := range w.machines {
		if last, ok := m.last(safe); ok {
			sum, n = sum+last.Sub(w.since).Seconds(), n+1
		}
	}
	return sum / float64(max(n, 1))
}

// last returns when the last of a machine's volumes was safe, if all are.
func (m machine) last(safe map[string]time.Time) (last time.Time, ok bool) {
	for _, v := range m.volumes {
		done, ok := safe[v]
		if !ok {
			return time.Time{}, false
		}
		if done.After(last) {
			last = done
		}
	}
	return last, true
}

// add takes a snapshot into the chain of its volume, and returns 1 if there
// was one of its kind.
func (c *chain) add(s ec2sim.Snapshot) int {
	part := &c.snapshot
	if s.Copy {
		part = &c.copying
	}
	was := *part
	*part = s.Done.Sub(s.Start)
	if was > 0 {
		return 1
	}
	return 0
}

// count counts the calls that a snapshot took at least.
func (k *work) count(s ec2sim.Snapshot) {
	account := s.Account
	if s.Copy {
		account = s.Source.Account
	}
	t := k.accounts[account]
	if t == nil {
		t = &tally{}
		k.accounts[account] = t
	}
	if s.Copy {
		t.copies++
	} else {
		t.originals++
	}
}
