//go:build unix

package enginebench_test

import (
	"flag"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	seeds = flag.Int("engine.seeds", 0, "how many worlds of each cell a benchmark runs; 0 means fewer the larger they are")
	keep  = flag.String("engine.keep", "", "file to which each world that was run is added; one that is there is not run again")
)

// BenchmarkEngine is our engine over the grid.
func BenchmarkEngine(b *testing.B) {
	for _, volumes := range []int{10, 100, 1000, 10_000} {
		for _, accounts := range []int{1, 5, 100} {
			for _, slots := range []int{20, 0} {
				if s := (scale{volumes: volumes, accounts: accounts, slots: slots}); accounts <= volumes {
					b.Run(s.String(), func(b *testing.B) {
						// A world of 1,000 volumes takes half a minute of computing.
						if volumes >= 1000 && accounts != 5 || volumes > 1000 {
							onlyIfNamed(b)
						}
						bench(b, s, ours)
					})
				}
			}
		}
	}
}

// BenchmarkEngineFixed is how many calls a volume takes where every snapshot
// takes 10 min and every copy 15 min, at a poll every 30 s.
func BenchmarkEngineFixed(b *testing.B) {
	for _, slots := range []int{20, 0} {
		s := scale{volumes: 1000, accounts: 5, slots: slots, fixed: true, poll: 30 * time.Second}
		b.Run(s.String(), func(b *testing.B) { bench(b, s, ours) })
	}
}

// BenchmarkEngineCrowded is with other programs that eat half of every bucket.
func BenchmarkEngineCrowded(b *testing.B) {
	for _, slots := range []int{20, 0} {
		s := scale{volumes: 1000, accounts: 5, slots: slots, crowded: true}
		b.Run(s.String(), func(b *testing.B) {
			if slots > 0 {
				onlyIfNamed(b)
			}
			bench(b, s, ours)
		})
	}
}

// BenchmarkEngineBlind is where the size of a volume tells nothing of how long
// its copy takes.
func BenchmarkEngineBlind(b *testing.B) {
	s := scale{volumes: 1000, accounts: 5, slots: 20, blind: true}
	b.Run(s.String(), func(b *testing.B) {
		onlyIfNamed(b)
		bench(b, s, ours)
	})
}

// BenchmarkEnginePeers runs all algorithms in the same worlds, side by side.
func BenchmarkEnginePeers(b *testing.B) {
	for _, s := range []scale{{volumes: 100, accounts: 5, slots: 20}, {volumes: 1000, accounts: 5, slots: 20}, {volumes: 1000, accounts: 5}} {
		for _, a := range algorithms {
			b.Run(s.String()+"/"+a.name, func(b *testing.B) {
				if s.volumes > 100 {
					onlyIfNamed(b)
				}
				bench(b, s, a.run)
			})
		}
	}
}

// BenchmarkEngineMemory is what the engine holds for each job in mid-run.
func BenchmarkEngineMemory(b *testing.B) {
	for _, volumes := range []int{100, 1000} {
		s := scale{volumes: volumes, accounts: 5, slots: 20}
		b.Run(s.String(), func(b *testing.B) {
			if volumes > 100 {
				onlyIfNamed(b)
			}
			var perJob float64
			for b.Loop() {
				var err error
				if perJob, err = memory(s, 1); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(perJob, "B/job")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// onlyIfNamed skips a benchmark unless -bench chooses cells by "volumes=".
func onlyIfNamed(b *testing.B) {
	if !strings.Contains(flag.Lookup("test.bench").Value.String(), "volumes=") {
		b.Skip("takes long: name it by -bench")
	}
}

// String is the name of a cell: "volumes=1000/accounts=5/slots=20".
func (s scale) String() string {
	slots := fmt.Sprint(s.slots)
	if s.slots == 0 {
		slots = "any"
	}
	return fmt.Sprintf("volumes=%d/accounts=%d/slots=%s", s.volumes, s.accounts, slots)
}

// bench runs an algorithm in several worlds and reports the median of what
// they came to; of throttled calls and of volumes that failed, the mean; and
// the worst makespan.
func bench(b *testing.B, s scale, run algorithm) {
	n := *seeds
	if n == 0 {
		n = min(max(200/s.volumes, 1), 20)
	}
	worlds, err := readKept(*keep, b.Name())
	if err != nil {
		b.Fatal(err)
	}
	var all outcomes
	for b.Loop() {
		all = all[:0]
		for seed := range uint64(n) {
			if _, was := worlds[seed+1]; !was {
				worlds[seed+1] = fresh(b, s, seed+1, run)
			}
			all = append(all, worlds[seed+1])
		}
	}
	b.ReportMetric(0, "ns/op") // it is virtual time that counts
	b.ReportMetric(all.median(outcome.callsEach), "calls/volume")
	b.ReportMetric(all.median(outcome.overFloor), "makespan/floor")
	b.ReportMetric(all.worst(outcome.overFloor), "worst/floor")
	b.ReportMetric(all.median(func(o outcome) float64 { return o.Makespan.Hours() }), "hours")
	b.ReportMetric(all.median(func(o outcome) float64 { return o.Whole }), "whole/makespan")
	b.ReportMetric(all.mean(func(o outcome) float64 { return float64(o.Throttled) }), "throttled")
	b.ReportMetric(all.mean(func(o outcome) float64 { return float64(o.Refused) }), "refused")
	b.ReportMetric(all.mean(func(o outcome) float64 { return float64(o.Failed) }), "failed")
	b.ReportMetric(all.mean(func(o outcome) float64 { return float64(o.Shared + o.Twice) }), "left")
	b.ReportMetric(all.mean(outcome.cpuEach), "cpu-µs/point")
}

// fresh runs a world, and keeps what it came to.
func fresh(b *testing.B, s scale, seed uint64, run algorithm) outcome {
	before := cpuTime(b)
	o, err := measure(s, seed, run)
	if err != nil {
		b.Fatal(err)
	}
	o.CPU = cpuTime(b) - before
	if err := appendKept(*keep, kept{b.Name(), seed, o}); err != nil {
		b.Fatal(err)
	}
	return o
}

// cpuTime returns how long this process has been computing, on all cores and
// with the collection of garbage.
func cpuTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
