package pace_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/snapkeep/snapkeep/internal/pace"
)

var (
	start = time.Date(2026, 5, 1, 2, 0, 0, 0, time.UTC)
	copyK = pace.Key{Account: "999999999999", Region: "eu-west-1", API: "CopySnapshot"}
)

func fixed(l pace.Limit) func(string) pace.Limit { return func(string) pace.Limit { return l } }

func TestTakeGrantsTheBurstThenTheRefill(t *testing.T) {
	p := pace.New(nil)
	for range 50 {
		require.Zero(t, p.Take(start, copyK))
	}
	require.Equal(t, 200*time.Millisecond, p.Take(start, copyK), "five come back a second")
	require.Zero(t, p.Take(start.Add(200*time.Millisecond), copyK))
	require.NotZero(t, p.Take(start.Add(200*time.Millisecond), copyK))
}

func TestBucketsAreApart(t *testing.T) {
	p := pace.New(fixed(pace.Limit{Burst: 1, Refill: 1}))
	require.Zero(t, p.Take(start, copyK))
	require.NotZero(t, p.Take(start, copyK))
	for _, other := range []pace.Key{
		{Account: "111111111111", Region: copyK.Region, API: copyK.API},
		{Account: copyK.Account, Region: "eu-central-1", API: copyK.API},
		{Account: copyK.Account, Region: copyK.Region, API: "DeleteSnapshot"},
	} {
		require.Zero(t, p.Take(start, other))
	}
}

func TestTakeTakesAllOrNothing(t *testing.T) {
	p := pace.New(func(api string) pace.Limit {
		if api == "volume" {
			return pace.Limit{Burst: 1, Refill: 1.0 / 15}
		}
		return pace.Limit{Burst: 1, Refill: 1}
	})
	call, volume := pace.Key{API: "call"}, pace.Key{API: "volume"}
	require.Zero(t, p.Take(start, call, volume))
	later := start.Add(5 * time.Second)
	require.Equal(t, 10*time.Second, p.Take(later, call, volume))
	require.Zero(t, p.Take(later, call), "the refused call took no token of the other bucket")
}

func TestThoseRefusedAreToldTimesOfTheirOwn(t *testing.T) {
	p := pace.New(fixed(pace.Limit{Burst: 1, Refill: 2}))
	require.Zero(t, p.Take(start, copyK))
	for i := 1; i <= 4; i++ {
		require.Equal(t, time.Duration(i)*500*time.Millisecond, p.Take(start, copyK))
	}
	for i := 1; i <= 4; i++ {
		require.Zero(t, p.Take(start.Add(time.Duration(i)*500*time.Millisecond), copyK))
	}
}

func TestThrottledHalvesTheRateAndItRecovers(t *testing.T) {
	p := pace.New(fixed(pace.Limit{Burst: 10, Refill: 4}))
	require.Zero(t, p.Take(start, copyK))
	p.Throttled(start, copyK)
	require.Equal(t, 500*time.Millisecond, p.Take(start, copyK), "2 a second, and none left")
	p.Throttled(start, copyK)
	require.Equal(t, time.Second, p.Take(start, copyK), "who was refused with it does not count again")
	now := start.Add(time.Second)
	p.Throttled(now, copyK)
	require.Greater(t, p.Take(now, copyK), 900*time.Millisecond)
	for range 100 {
		now = now.Add(time.Second)
		p.Throttled(now, copyK)
	}
	require.Less(t, p.Take(now, copyK), 10*time.Second, "it never falls to nothing")

	later := start.Add(2 * time.Hour)
	for range 10 {
		require.Zero(t, p.Take(later, copyK))
	}
	require.Equal(t, 250*time.Millisecond, p.Take(later, copyK), "the published rate again")
}

func TestZeroLimitDoesNotLimit(t *testing.T) {
	p := pace.New(fixed(pace.Limit{}))
	for range 1000 {
		require.Zero(t, p.Take(start, copyK))
	}
	p.Throttled(start, copyK)
	require.Zero(t, p.Take(start, copyK))
}

func TestPublished(t *testing.T) {
	require.Equal(t, pace.Limit{Burst: 100, Refill: 5}, pace.Published("CreateSnapshots"))
	require.Equal(t, pace.Limit{Burst: 50, Refill: 5}, pace.Published("CopySnapshot"))
	require.Equal(t, pace.Limit{Burst: 100, Refill: 20}, pace.Published("DescribeSnapshots"))
	require.Equal(t, pace.Limit{Burst: 100, Refill: 1}, pace.Published("CopyImage"))
}

func TestKept(t *testing.T) {
	for name, test := range map[string][2]pace.Limit{
		"what comes back in half a second":   {{Burst: 100, Refill: 20}, {Burst: 90, Refill: 20}},
		"no more than half of what there is": {{Burst: 4, Refill: 20}, {Burst: 2, Refill: 20}},
		"a single token":                     {{Burst: 1, Refill: 20}, {Burst: 1, Refill: 20}},
		"no limit":                           {},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, test[1], test[0].Kept()) })
	}
}

// Whatever the callers do, a bucket grants no more than its burst and what
// came back since: then AWS, which counts alike, has nothing to refuse.
func TestNeverMoreThanTheBucketHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := pace.Limit{
			Burst:  float64(rapid.IntRange(1, 20).Draw(t, "burst")),
			Refill: rapid.Float64Range(0.05, 50).Draw(t, "refill"),
		}
		p, now, granted := pace.New(fixed(limit)), start, 0
		earliest, latest := start.Add(time.Hour), start
		for range rapid.IntRange(1, 200).Draw(t, "calls") {
			now = now.Add(time.Duration(rapid.Int64Range(-int64(time.Second), int64(3*time.Second)).Draw(t, "passed")))
			switch wait := p.Take(now, copyK); {
			case wait == 0:
				granted++
			case wait < 0:
				t.Fatalf("wait of %v", wait)
			}
			if rapid.IntRange(0, 20).Draw(t, "throttled") == 0 {
				p.Throttled(now, copyK)
			}
			if now.Before(earliest) {
				earliest = now
			}
			if now.After(latest) {
				latest = now
			}
			span := latest.Sub(earliest).Seconds()
			if float64(granted) > limit.Burst+span*limit.Refill+1e-6 {
				t.Fatalf("%d granted in %v of %+v", granted, now.Sub(start), limit)
			}
		}
	})
}

// Calls may take half a second until AWS counts them, each another time: it
// still has nothing to refuse.
func TestCallsThatComeLateAreWithinTheBucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := pace.Limit{
			Burst:  float64(rapid.IntRange(10, 50).Draw(t, "burst")),
			Refill: float64(rapid.IntRange(1, 10).Draw(t, "refill")),
		}
		p, now := pace.New(fixed(limit.Kept())), start
		var counted []time.Time
		for range rapid.IntRange(1, 50).Draw(t, "moments") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "passed")))
			late := rapid.SampledFrom([]time.Duration{0, time.Millisecond, 300 * time.Millisecond, time.Second / 2}).Draw(t, "late")
			for most := rapid.SampledFrom([]int{1, 5, 100}).Draw(t, "most"); most > 0 && p.Take(now, copyK) == 0; most-- {
				counted = append(counted, now.Add(late))
			}
		}
		slices.SortFunc(counted, time.Time.Compare)
		tokens, at := limit.Burst, start
		for i, c := range counted {
			tokens = min(limit.Burst, tokens+c.Sub(at).Seconds()*limit.Refill)
			at = c
			if tokens < 1-1e-6 {
				t.Fatalf("call %d of %d is refused, %v after the start: %v of a token", i, len(counted), c.Sub(start), tokens)
			}
			tokens--
		}
	})
}

// Who waits as told is served as told, if nobody else comes.
func TestWhoWaitsIsServed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := pace.Limit{Burst: 1, Refill: rapid.Float64Range(0.01, 100).Draw(t, "refill")}
		p, now := pace.New(fixed(limit)), start
		for range 50 {
			if wait := p.Take(now, copyK); wait > 0 {
				now = now.Add(wait)
				if again := p.Take(now, copyK); again > time.Microsecond {
					t.Fatalf("waited %v, told to wait %v more", wait, again)
				}
			}
		}
	})
}

// Buckets that are full again are forgotten; one that was throttled is not.
func TestFullBucketsAreForgotten(t *testing.T) {
	p, now := pace.New(fixed(pace.Limit{Burst: 1, Refill: 1.0 / 15})), start
	for day := range 100 {
		now = start.Add(time.Duration(day) * 24 * time.Hour)
		for i := range 50 {
			require.Zero(t, p.Take(now, pace.Key{API: fmt.Sprintf("volume %d of day %d", i, day)}))
		}
		require.LessOrEqual(t, p.Buckets(), 100)
	}
	slow := pace.Key{API: "slow"}
	for range 5 {
		p.Throttled(now, slow)
	}
	now = now.Add(time.Second)
	require.NotZero(t, p.Take(now, slow))
	require.Zero(t, p.Take(now.Add(6*time.Minute), copyK), "the others are dropped")
	require.LessOrEqual(t, p.Buckets(), 2)
}

// Who shares a bucket with somebody who takes half of it for good is refused
// but a few times, and after he has gone has all of it again.
func TestAnotherToolIsMetButRarely(t *testing.T) {
	limit := pace.Limit{Burst: 100, Refill: 5}
	p, now := pace.New(fixed(limit)), start
	left, refused, granted := limit.Burst/2, 0, 0
	step := 50 * time.Millisecond
	for ; now.Before(start.Add(4 * time.Hour)); now = now.Add(step) {
		left = min(left+limit.Refill/2*step.Seconds(), limit.Burst/2)
		if p.Take(now, copyK) > 0 {
			continue
		}
		if left < 1 {
			refused++
			p.Throttled(now, copyK)
			continue
		}
		left--
		granted++
	}
	require.Less(t, refused, 20)
	require.Greater(t, float64(granted), 0.6*limit.Refill/2*4*3600, "most of what there was is used")
	now = now.Add(2 * time.Hour)
	burst := 0
	for p.Take(now, copyK) == 0 {
		burst++
	}
	require.Equal(t, 100, burst, "after he has gone")
}
