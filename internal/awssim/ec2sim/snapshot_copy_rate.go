package ec2sim

import (
	"math"
	"slices"
	"time"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// blocksPerMiB is how many blocks make a MiB.
const blocksPerMiB = (1 << 20) / BlockSize

// A transfer is a time-based copy that takes a part of the throughput between
// two Regions.
type transfer struct {
	sn   *snapshot
	rate float64 // MiB/s
}

// rateLeft is how much throughput from a Region time-based copies do not take
// yet, in MiB/s.
func (s *Service) rateLeft(now time.Time, st *site, from string) float64 {
	if s.limits.CopyRate < 0 {
		return math.Inf(1)
	}
	st.transfers = slices.DeleteFunc(st.transfers, func(t transfer) bool { return !now.Before(t.sn.done) })
	left := float64(s.limits.CopyRate)
	for _, t := range st.transfers {
		if t.sn.source.Region == from {
			left -= t.rate
		}
	}
	return left
}

// canHurry refuses a time-based copy if there is no throughput left at all.
// The code is not documented.
// Source: Amazon EBS User Guide, "Time-based copies".
func (s *Service) canHurry(now time.Time, st *site, from string) error {
	if s.rateLeft(now, st, from) <= 0 {
		return core.Errorf("ResourceLimitExceeded",
			"The cumulative throughput of time-based copies is used up. The limit is %d MiB/s from a Region to this one.", s.limits.CopyRate)
	}
	return nil
}

// hurried is when a time-based copy is done that would take some time without
// being one.
//
// It begins when earlier time-based copies of the snapshot are done, and takes
// the throughput that its data and its duration ask for. If it gets less, it
// runs late; if nothing is left, which happens to the later snapshots of an
// image that is copied, it begins when all that take something are done. That the data are what the copy moves, and that a copy which
// would need more than one copy may have runs late too, is our reading.
// Source: Amazon EBS User Guide, "Time-based copies".
func (s *Service) hurried(now time.Time, st *site, sn *snapshot, usual time.Duration) time.Time {
	start := sn.start
	for _, t := range st.transfers {
		if t.sn.sourceID == sn.sourceID && t.sn.done.After(start) {
			start = t.sn.done
		}
	}
	span := time.Duration(sn.minutes) * time.Minute
	mib := float64(sn.written) / blocksPerMiB
	wanted := mib / span.Seconds()
	left := s.rateLeft(now, st, sn.source.Region)
	if left <= 0 {
		left = float64(s.limits.CopyRate)
		for _, t := range st.transfers {
			if t.sn.source.Region == sn.source.Region && t.sn.done.After(start) {
				start = t.sn.done
			}
		}
	}
	rate := min(wanted, left)
	if s.limits.CopyRateEach >= 0 {
		rate = min(rate, float64(s.limits.CopyRateEach))
	}
	st.transfers = append(st.transfers, transfer{sn, rate})
	if rate < wanted {
		return start.Add(time.Duration(mib / rate * float64(time.Second))).Truncate(time.Millisecond)
	}
	return start.Add(min(usual, span))
}
