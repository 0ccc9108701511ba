package backup_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// The sentence that the issue of a thousand copies asks for.
func TestForecastNamesWhatBinds(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := fleet(t, 1000, same(72)) // each copy takes 14 min 17 s by the estimate
		e := engine(t, c, backup.Options{})
		f := e.Forecast(jobs(t, e, fleetPlan(), time.Now()))
		require.Equal(t, "20 copy slots of 999999999999/eu-west-1", f.Bounds[0].What)
		require.InDelta(t, 12, f.Makespan.Hours(), 0.2)
		require.GreaterOrEqual(t, f.Finish, f.Makespan)
		require.InEpsilon(t, f.Makespan.Hours(), f.Finish.Hours(), 0.02, "longest first fills the slots")
	})
}

func TestForecastOfCosts(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := story(t) // 208 GiB: 178 in A, 30 in B
		e := engine(t, c, backup.Options{})
		at := time.Now()
		f := e.Forecast(jobs(t, e, nightly(copyTo(home), copyTo(second)), at))
		require.Equal(t, "USD", f.Cost.Currency)
		require.InDelta(t, 208*0.05*3, f.Cost.Storage, 1e-9, "originals, and copies in two Regions")
		require.InDelta(t, 208*0.02, f.Cost.Transfer, 1e-9, "those that leave their Region")
		require.Zero(t, f.Cost.Timed)
		require.Contains(t, f.String(), "at most 31.20 USD a month for storage, 4.16 once for transfer")

		hurried := copyTo(second)
		hurried.CompletionMinutes = 60
		own := backup.Prices{
			Currency: "EUR", Storage: map[string]float64{"": 1, region: 2}, Transfer: map[string]float64{region: 3},
			Timed: []backup.TimedPrice{{Minutes: 15, PerGiB: 8}, {Minutes: 60, PerGiB: 4}, {Minutes: 120, PerGiB: 1}},
		}
		e = engine(t, c, backup.Options{Prices: own})
		cost := e.Forecast(jobs(t, e, nightly(hurried), at)).Cost
		require.Equal(t, backup.Cost{Currency: "EUR", Storage: 208*2 + 208, Transfer: 208 * 3, Timed: 208 * 4}, cost)
	})
}

// What a later copy moves is the share that has changed, and it takes as long
// as the last one did.
func TestForecastLearnsFromTheLastCopy(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := fleet(t, 1, same(1000))
		c.takes = func(int32) time.Duration { return 42 * time.Minute }
		e := engine(t, c, backup.Options{Estimate: backup.Estimate{Changed: 0.1}})
		at := time.Now()
		first := e.Forecast(jobs(t, e, fleetPlan(), at))
		require.Greater(t, first.Makespan, 4*time.Hour)
		run(t, c, fleetPlan(), at)

		time.Sleep(24 * time.Hour)
		again := jobs(t, e, fleetPlan(), time.Now())
		require.Len(t, again, 1)
		require.Equal(t, 42*time.Minute, again[0].Copies[0].Expected[0])
		f := e.Forecast(again)
		est := 2*time.Minute + time.Duration(1000*1024/200)*time.Second
		require.Equal(t, est+42*time.Minute, f.Makespan)
		require.InDelta(t, first.Cost.Storage/10, f.Cost.Storage, 1e-9)
		require.Equal(t, again[0], stored(t, again[0]))
	})
}

// A deadline that cannot be kept is told before the first call, one that was
// thought to be kept as soon as it has passed; the jobs go on.
func TestDeadlinesAreToldEarly(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := fleet(t, 30, same(10)) // 20 slots: two rounds of copies
		c.takes = func(int32) time.Duration { return 10 * time.Minute }
		p, at := fleetPlan(), time.Now()
		p.Deadline = 25 * time.Minute
		told := map[string]time.Duration{}
		estimate := backup.Estimate{Overhead: 10 * time.Minute, SnapshotRate: 1e9, CopyRate: 1e9}
		e := engine(t, c, backup.Options{Estimate: estimate, OnEvent: func(ev backup.Event) {
			if errors.Is(ev.Err, backup.ErrDeadline) {
				require.NotContains(t, told, ev.Resource, "told twice")
				told[ev.Resource] = time.Since(at)
			}
		}})
		f := e.Forecast(jobs(t, e, p, at))
		require.Len(t, f.Late, 10)
		require.Contains(t, f.String(), "10 miss the deadline")
		require.Equal(t, at.UTC().Add(p.Deadline), f.Late[0].Deadline)

		report, err := e.Run(t.Context(), p, at)
		require.NoError(t, err, "a deadline is no failure")
		require.Equal(t, 30, report.Copies)
		require.Len(t, report.Late, 10)
		require.Contains(t, report.String(), "late: ")
		early := 0
		for _, after := range told {
			if after < time.Minute {
				early++
			}
		}
		require.Equal(t, 10, early)
		require.True(t, report.Late[0].Done.After(report.Late[0].Deadline))
	})
}

// A run that falls behind is told before the deadline has passed: as soon as
// its first copies have shown how long they take.
func TestARunThatFallsBehindIsToldEarly(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := fleet(t, 60, same(10)) // 20 slots: three rounds of copies
		c.takes = func(int32) time.Duration { return 25 * time.Minute }
		p, at := fleetPlan(), time.Now()
		p.Deadline = 80 * time.Minute
		told := map[string]time.Duration{}
		e := engine(t, c, backup.Options{
			Estimate: backup.Estimate{Overhead: 10 * time.Minute, SnapshotRate: 1e9, CopyRate: 1e9},
			OnEvent: func(ev backup.Event) {
				if errors.Is(ev.Err, backup.ErrDeadline) {
					told[ev.Resource] = time.Since(at)
				}
			},
		})
		require.Empty(t, e.Forecast(jobs(t, e, p, at)).Late)
		report, err := e.Run(t.Context(), p, at)
		require.NoError(t, err)
		require.Len(t, report.Late, 20, "the third round")
		early := 0
		for _, l := range report.Late {
			if told[l.Resource] < 60*time.Minute {
				early++
			}
		}
		require.Equal(t, 20, early, "told %v", told)
	})
}

// What is under way still takes what is left of its time, and keeps its slot.
func TestAForecastKnowsWhatIsUnderWay(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := fleet(t, 40, same(10))
		p, at := fleetPlan(), time.Now()
		e := engine(t, c, backup.Options{Estimate: backup.Estimate{Overhead: 10 * time.Minute, SnapshotRate: 1e9, CopyRate: 1e9}})
		list := jobs(t, e, p, at)
		whole := e.Forecast(list)
		require.InDelta(t, 30, whole.Finish.Minutes(), 0.1)
		require.InDelta(t, 30, whole.Makespan.Minutes(), 0.1)
		for i := range list {
			list[i].Originals[0] = backup.Trace{Snapshot: "snap-" + list[i].Resource.ID(), Started: at, Completed: true, Ended: at.Add(10 * time.Minute)}
			if i < 20 {
				list[i].Copies[0].Snapshots[0] = backup.Trace{Snapshot: "snap-c" + list[i].Resource.ID(), Started: at.Add(10 * time.Minute)}
			}
		}
		time.Sleep(14 * time.Minute)
		left := e.Forecast(list)
		require.InDelta(t, 16, left.Finish.Minutes(), 0.1)
		require.InDelta(t, 16, left.Makespan.Minutes(), 0.1, "the slots are taken for 6 min more")
		require.Equal(t, 20, left.Calls["CopySnapshot"])
		for i := range 20 {
			list[i].Copies[0].Snapshots[0].Completed, list[i].Copies[0].Snapshots[0].Ended = true, at.Add(40*time.Minute)
		}
		time.Sleep(26 * time.Minute)
		slow := e.Forecast(list)
		require.InDelta(t, 30, slow.Finish.Minutes(), 0.1, "the others take three times as long, too")
		require.InDelta(t, 10, slow.Makespan.Minutes(), 0.1, "which is not said to be the least")
	})
}

func TestADeadlineThatPassesIsTold(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := fleet(t, 1, same(1))
		c.takes = func(int32) time.Duration { return 2 * time.Hour }
		p, at := fleetPlan(), time.Now()
		p.Deadline = time.Hour
		var told []time.Duration
		_, err := engine(t, c, backup.Options{OnEvent: func(ev backup.Event) {
			if errors.Is(ev.Err, backup.ErrDeadline) {
				told = append(told, time.Since(at))
			}
		}}).Run(t.Context(), p, at)
		require.NoError(t, err)
		require.Len(t, told, 1)
		require.InDelta(t, 1, told[0].Hours(), 0.1)
	})
}

func TestTimedCopiesKeepTheirThroughput(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := fleet(t, 12, same(440)) // 500 MiB/s each within 15 minutes
		p := fleetPlan()
		p.Copies[0].CompletionMinutes = 15
		most := 0
		c.after = func(k call) error {
			if k.op == string(backup.StepCopy) {
				require.Equal(t, 15, k.step.CompletionMinutes)
				most = max(most, c.pendingCopies(home))
			}
			return nil
		}
		report, err := engine(t, c, backup.Options{Concurrency: 1}).Run(t.Context(), p, time.Now())
		require.NoError(t, err)
		require.Equal(t, 12, report.Copies)
		require.Equal(t, 4, most, "2,000 MiB/s are four of them")
	})
}

func TestOptionsOfForecastsAreChecked(t *testing.T) {
	for name, o := range map[string]backup.Options{
		"Changed is more than 1": {Estimate: backup.Estimate{Changed: 1.5}},
		"Changed is negative":    {Estimate: backup.Estimate{Changed: -1}},
		"CopyThroughput":         {CopyThroughput: -1},
		"price -1":               {Prices: backup.Prices{Storage: map[string]float64{"": -1}}},
		"not in order":           {Prices: backup.Prices{Timed: []backup.TimedPrice{{Minutes: 60}, {Minutes: 15}}}},
	} {
		o.Vault = vault
		c := newCloud(t)
		_, err := backup.New(c, []backup.Driver{c}, o)
		require.ErrorContains(t, err, name)
	}
}

func ExampleCost_String() {
	fmt.Println(backup.Cost{Currency: "USD", Storage: 12.5, Transfer: 3, Timed: 1.25})
	// Output: 12.50 USD a month for storage, 3.00 once for transfer, 1.25 once for time-based copies
}
