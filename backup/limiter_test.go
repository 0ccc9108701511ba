package backup_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// What the Limiter in memory does exactly; what every Limiter must do, package
// limitertest checks.
func TestTheLimiterInMemory(t *testing.T) {
	contract := map[string]func(t *testing.T, l backup.Limiter){
		"a burst, then the rate": func(t *testing.T, l backup.Limiter) {
			b := backup.Bucket{Account: vault, Region: region, API: "CopySnapshot", Rate: backup.Rate{Burst: 3, PerSecond: 2}}
			for range 3 {
				require.Zero(t, taken(t, l, b))
			}
			require.Equal(t, 500*time.Millisecond, taken(t, l, b))
			time.Sleep(500 * time.Millisecond)
			require.Zero(t, taken(t, l, b))
		},
		"all tokens or none": func(t *testing.T, l backup.Limiter) {
			call := backup.Bucket{Account: alpha, Region: region, API: "CreateSnapshot", Rate: backup.Rate{Burst: 1, PerSecond: 1}}
			disk := backup.Bucket{Account: alpha, Region: region, API: "volume vol-1", Rate: backup.Rate{Burst: 1, PerSecond: 1.0 / 15}}
			require.Zero(t, taken(t, l, call, disk))
			time.Sleep(5 * time.Second)
			require.InDelta(t, 10, taken(t, l, call, disk).Seconds(), 0.001)
			require.Zero(t, taken(t, l, call), "the one that had a token kept it")
		},
		"refusals slow it down for some time": func(t *testing.T, l backup.Limiter) {
			b := backup.Bucket{Account: vault, Region: region, API: "CopySnapshot", Rate: backup.Rate{Burst: 100, PerSecond: 10}}
			require.Zero(t, taken(t, l, b))
			require.NoError(t, l.Throttled(context.Background(), b))
			require.Greater(t, taken(t, l, b), 150*time.Millisecond)
			time.Sleep(time.Hour)
			for range 100 {
				require.Zero(t, taken(t, l, b))
			}
		},
	}
	for name, test := range contract {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, backup.NewLimiter()) })
		})
	}
}

func taken(t *testing.T, l backup.Limiter, buckets ...backup.Bucket) time.Duration {
	t.Helper()
	wait, err := l.Take(context.Background(), buckets)
	require.NoError(t, err)
	return wait
}

// Two engines, as in two processes, work on two plans into one vault: with a
// shared Limiter neither is refused for what the other does.
func TestEnginesShareALimiter(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, l := fleet(t, 60, same(10)), fleetPlan(), backup.NewLimiter()
		c.slots = 20
		var refusals atomic.Int32
		done := make(chan error)
		for i := range 2 {
			mine := p
			mine.Name = fmt.Sprintf("plan-%d", i)
			mine.Sources = append([]backup.Source(nil), p.Sources...)
			mine.Sources[0].Select = backup.Selector{}
			for k := range 30 {
				mine.Sources[0].Select.IDs = append(mine.Sources[0].Select.IDs, fmt.Sprintf("i-%04d", 30*i+k))
			}
			e := engine(t, c, backup.Options{Limiter: l, OnEvent: func(e backup.Event) {
				if e.Err != nil {
					refusals.Add(1)
				}
			}})
			go func() {
				_, err := e.Run(context.Background(), mine, time.Now())
				done <- err
			}()
		}
		require.NoError(t, errors.Join(<-done, <-done))
		require.Equal(t, 60, c.count(backup.StepCopy))
		require.Zero(t, refusals.Load())
	})
}

// A Limiter that is down costs events, and nothing else.
func TestALimiterThatIsDownHoldsUpNothing(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, told := story(t), nightly(), 0
		at := time.Now()
		report, err := engine(t, c, backup.Options{Limiter: down{}, OnEvent: func(e backup.Event) {
			if e.Err != nil {
				require.ErrorIs(t, e.Err, backup.ErrLimiter)
				told++
			}
		}}).Run(context.Background(), p, at)
		require.NoError(t, err)
		require.Equal(t, 3, report.Copies)
		require.Greater(t, told, 10)
		intact(t, c, p, at)
	})
}

// down is a Limiter that never answers.
type down struct{}

var errDown = errors.New("connection refused")

func (down) Take(context.Context, []backup.Bucket) (time.Duration, error) { return 0, errDown }
func (down) Throttled(context.Context, backup.Bucket) error               { return errDown }
func (down) Release(context.Context, backup.Site, string) error           { return errDown }

func (down) Reserve(context.Context, backup.Site, string, int, time.Duration) (bool, error) {
	return false, errDown
}

func ExampleNewLimiter() {
	limiter := backup.NewLimiter()
	bucket := backup.Bucket{Account: vault, Region: "eu-west-1", API: "CopySnapshot", Rate: backup.Rate{Burst: 1, PerSecond: 0.001}}
	first, _ := limiter.Take(context.Background(), []backup.Bucket{bucket})
	second, _ := limiter.Take(context.Background(), []backup.Bucket{bucket})
	fmt.Println(first, second > 15*time.Minute)
	// Output: 0s true
}
