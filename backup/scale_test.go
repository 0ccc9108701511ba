//go:build unix

package backup_test

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
)

// BenchmarkJobs is what the engine itself costs, apart from any AWS: a run with
// so many jobs, of one volume each, of a hundred accounts. A snapshot takes
// ten minutes, a copy a quarter of an hour, requests are made at the rates that
// AWS publishes, and there is room for all. B/job is what is in use in mid-run,
// the listings among it.
func BenchmarkJobs(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var spent time.Duration
			var bytes float64
			for b.Loop() {
				before := used(b)
				var t testing.T
				synctest.Test(&t, func(*testing.T) { bytes = crowd(b, n) })
				spent += used(b) - before
			}
			b.ReportMetric(0, "ns/op") // it is virtual time that passed
			b.ReportMetric(float64(spent.Microseconds())/float64(b.N*n), "cpu-µs/job")
			b.ReportMetric(bytes/float64(n), "B/job")
		})
	}
}

// BenchmarkDays is a run a day with one engine, of two volumes in each of a
// hundred accounts, and nothing is pruned: what a job costs on the first day
// and on the twentieth.
func BenchmarkDays(b *testing.B) {
	const days, jobs = 20, 200
	var spent [days]time.Duration
	for b.Loop() {
		var t testing.T
		synctest.Test(&t, func(*testing.T) {
			h := &hall{sites: map[backup.Site][]*backup.Snapshot{}, ends: map[*backup.Snapshot]time.Time{}, perSite: jobs / 100}
			e := h.engine(b, jobs, nil)
			for day := range days {
				before := used(b)
				report, err := e.Run(context.Background(), hundred(), time.Now())
				if err != nil || report.Copies != jobs {
					b.Fatal(report, err)
				}
				spent[day] += used(b) - before
				time.Sleep(24*time.Hour - report.Ended.Sub(report.Started))
			}
		})
	}
	b.ReportMetric(0, "ns/op") // it is virtual time that passed
	b.ReportMetric(float64(spent[0].Microseconds())/float64(b.N*jobs), "first-cpu-µs/job")
	b.ReportMetric(float64(spent[days-1].Microseconds())/float64(b.N*jobs), "last-cpu-µs/job")
}

// hundred protects a hundred accounts.
func hundred() backup.Plan {
	p := nightly()
	p.Sources = nil
	for a := range 100 {
		p.Sources = append(p.Sources, backup.Source{
			Account: accounts.ID(fmt.Sprintf("%012d", 100+a)), Regions: []string{region}, Select: backup.Selector{All: true},
		})
	}
	return p
}

// engine works in the hall, where there is room for so many copies.
func (h *hall) engine(b *testing.B, room int, onEvent func(backup.Event)) *backup.Engine {
	e, err := backup.New(h, []backup.Driver{h}, backup.Options{
		Vault: vault, Slots: room, MaxPending: room, OnEvent: onEvent,
	})
	if err != nil {
		b.Fatal(err)
	}
	return e
}

// crowd runs n jobs and returns how many bytes are in use when half of the
// originals are completed and copied.
func crowd(b *testing.B, n int) (bytes float64) {
	h := &hall{sites: map[backup.Site][]*backup.Snapshot{}, ends: map[*backup.Snapshot]time.Time{}, perSite: n / 100}
	base := inUse()
	copied := 0
	e := h.engine(b, n, func(ev backup.Event) {
		if ev.Step == backup.StepCopy {
			if copied++; copied == n/2 {
				bytes = inUse() - base
			}
		}
	})
	report, err := e.Run(context.Background(), hundred(), time.Now())
	if err != nil || report.Copies != n {
		b.Fatal(report, err)
	}
	return bytes
}

func inUse() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func used(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// A hall is a cloud that does as it is told and costs next to nothing.
type hall struct {
	perSite int

	mu    sync.Mutex // guards all below
	sites map[backup.Site][]*backup.Snapshot
	ends  map[*backup.Snapshot]time.Time
	made  int
}

func (h *hall) Config(_ context.Context, _ accounts.ID, _ accounts.Purpose, region string) (aws.Config, error) {
	return aws.Config{Region: region}, nil
}
func (h *hall) Kinds() []string                                   { return []string{"instance"} }
func (h *hall) Open(_ aws.Config, site backup.Site) backup.Client { return hallClient{h, site} }
func (h *hall) API(s backup.Step) string                          { return (&cloud{}).API(s) }

type hallClient struct {
	*hall
	site backup.Site
}

func (c hallClient) Discover(context.Context, backup.Selector) iter.Seq2[backup.Resource, error] {
	return func(yield func(backup.Resource, error) bool) {
		for i := range c.perSite {
			id := fmt.Sprintf("%s-%06d", c.site.Account, i)
			if !yield(instance(c.site, "i-"+id, root("vol-"+id, 8)), nil) {
				return
			}
		}
	}
}

func (c hallClient) List(_ context.Context, q backup.Query) iter.Seq2[backup.Snapshot, error] {
	return func(yield func(backup.Snapshot, error) bool) {
		time.Sleep(100 * time.Millisecond)
		if q.SharedWith != "" {
			return
		}
		c.mu.Lock()
		list := append([]*backup.Snapshot(nil), c.sites[c.site]...)
		c.mu.Unlock()
		now := time.Now()
		for _, s := range list {
			if len(q.Started) > 0 && !slices.ContainsFunc(q.Started, func(p backup.Span) bool { return p.Holds(s.Started) }) {
				continue
			}
			snap := *s
			c.mu.Lock()
			if !now.Before(c.ends[s]) {
				snap.State = backup.SnapshotCompleted
			}
			c.mu.Unlock()
			if !yield(snap, nil) {
				return
			}
		}
	}
}

func (c hallClient) Do(_ context.Context, step backup.Step) ([]backup.Snapshot, error) {
	time.Sleep(60 * time.Millisecond)
	c.mu.Lock()
	defer c.mu.Unlock()
	takes := 10 * time.Minute
	s := &backup.Snapshot{Owner: c.site.Account, State: backup.SnapshotPending, Started: time.Now(), Tags: step.Tags, Description: step.Description, SizeGiB: 8}
	switch step.Kind {
	case backup.StepSnapshot:
		s.Volume = step.Resource.Members[0].Volume
	case backup.StepCopy:
		takes, s.Volume, s.Encrypted, s.KMSKey = 15*time.Minute, "vol-ffffffff", true, step.KMSKey
	default:
		return nil, nil
	}
	c.made++
	s.ID = fmt.Sprintf("snap-%08d", c.made)
	c.sites[c.site] = append(c.sites[c.site], s)
	c.ends[s] = time.Now().Add(takes)
	return []backup.Snapshot{*s}, nil
}
