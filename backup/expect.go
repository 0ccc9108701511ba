package backup

import (
	"strings"
	"time"
)

// expect notes how long the copies of the last destination added are expected
// to take: as long as the last copy of the same volume there. What has changed
// since is not known, and is as a rule about as much as the last time.
func (j *Job) expect(h history, est Estimate) {
	c := &j.Copies[len(j.Copies)-1]
	for i, m := range j.Resource.Members {
		took, known := h.took(j.Resource.ARN, m, c.Site, j.At, est)
		if !known {
			continue
		}
		if c.Expected == nil {
			c.Expected = make([]time.Duration, len(j.Resource.Members))
		}
		c.Expected[i] = took
	}
}

// took returns how long the last copy of a volume at a destination took, for a
// run before at; by the estimate, if AWS does not tell.
func (h history) took(resource string, m Member, to Site, at time.Time, est Estimate) (time.Duration, bool) {
	for _, r := range h.runs[resource] { // newest first
		if !r.at.Before(at) {
			continue
		}
		for _, k := range r.copies[to] {
			if k.label.volume.Volume != m.Volume || k.State != SnapshotCompleted {
				continue
			}
			if took := k.Completed.Sub(k.Started); took > 0 && !k.Started.IsZero() {
				return took, true
			}
			return est.takes(m.SizeGiB, est.CopyRate/est.Changed), true
		}
	}
	return 0, false
}

// takes returns how long copying a member to a destination is expected to take,
// and whether an earlier copy of it is there.
func (c JobCopy) takes(member int, m Member, est Estimate) (takes time.Duration, later bool) {
	takes = est.takes(m.SizeGiB, est.CopyRate)
	if member < len(c.Expected) && c.Expected[member] > 0 {
		takes, later = c.Expected[member], true
	}
	if c.CompletionMinutes > 0 {
		asked := time.Duration(c.CompletionMinutes) * time.Minute
		takes = max(asked, time.Duration(float64(m.SizeGiB)*1024/timedRate*float64(time.Second)))
	}
	return takes, later
}

// copying returns how long all copies of a job that are not made yet are
// expected to take, one after the other; of a job without copies its snapshots.
func (j Job) copying(est Estimate) (sum time.Duration) {
	if len(j.Copies) == 0 {
		for _, m := range j.Resource.Members {
			sum += est.takes(m.SizeGiB, est.SnapshotRate)
		}
		return sum
	}
	for _, c := range j.Copies {
		for i, m := range j.Resource.Members {
			takes, _ := c.takes(i, m, est)
			sum += takes
		}
	}
	return sum
}

// missing returns how long the copies that are not made yet at a destination are
// expected to take, one after the other, and the longest of them; and whether
// any is made.
func (j Job) missing(at Site, est Estimate) (sum, longest time.Duration, begun bool) {
	for _, c := range j.Copies {
		if c.Site != at {
			continue
		}
		for i, m := range j.Resource.Members {
			if c.Snapshots[i].Snapshot != "" {
				begun = true
				continue
			}
			takes, _ := c.takes(i, m, est)
			sum, longest = sum+takes, max(longest, takes)
		}
	}
	return sum, longest, begun
}

// timedRate is how much one time-based copy carries at most, in MiB/s (EBS User
// Guide, "Time-based copies": snapshot copy operation throughput quota).
const timedRate = 500

// needs returns what a time-based copy needs, in MiB/s: at most what one copy
// may have. AWS reckons by the data in the snapshot, which is not more than the
// volume's size.
func (s Snapshot) needs() float64 {
	return min(float64(s.SizeGiB)*1024/(float64(s.CompletionMinutes)*60), timedRate)
}

// throughput returns what the time-based copies that are under way from a
// Region need together, in MiB/s.
func (v *view) throughput(from string) float64 {
	sum := v.pending.timed[from]
	for _, m := range v.made {
		if m.CompletionMinutes > 0 && regionOf(m.Tags[tagSource]) == from {
			sum += m.needs()
		}
	}
	return sum
}

// regionOf returns the Region of a site as its String writes it.
func regionOf(site string) string { return site[strings.LastIndex(site, "/")+1:] }
