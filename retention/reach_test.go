package retention_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/retention"
)

const day = 24 * time.Hour

func TestReach(t *testing.T) {
	const forever = time.Duration(math.MaxInt64)
	for _, c := range []struct {
		policy            string
		guaranteed, usual time.Duration
	}{
		{"yearly=3", 365 * day, 13148*time.Hour + 43*time.Minute + 48*time.Second}, // 1.5 years
		{"yearly=1", 0, 0},
		{"daily=7", 5 * day, 5*day + 12*time.Hour},
		{"daily=2", 0, 12 * time.Hour},
		{"hourly=24", 22 * time.Hour, 22*time.Hour + 30*time.Minute},
		{"weekly=5", 21 * day, 24*day + 12*time.Hour},
		{"quarterly=3", 90 * day, 136*day + 23*time.Hour + 10*time.Minute + 57*time.Second},
		{"within=14d", 14 * day, 14 * day},
		{"within=1d6h", 30 * time.Hour, 30 * time.Hour},
		{"min-age=36h", 36 * time.Hour, 36 * time.Hour},
		{"daily-within=10d", 9 * day, 9*day + 12*time.Hour},
		{"daily-within=12h", 0, 0},
		{"last=10", 0, 0},
		{"tag=keep", 0, 0},
		{"last=all", forever, forever},
		{"monthly=all", forever, forever},
		{"yearly=500", forever, forever},
		{"hourly=9223372036854775807 quarterly=9223372036854775807", forever, forever},
		{"within=9999y", forever, forever},
		{"daily=7 yearly=3 within=2y", 730 * day, 730*day + 11*time.Hour + 38*time.Minute + 24*time.Second},
	} {
		guaranteed, usual := policy(t, c.policy).Reach()
		require.Equal(t, c.guaranteed, guaranteed, c.policy)
		require.Equal(t, c.usual, usual.Round(time.Second), c.policy)
	}
}

// TestReachHolds lets years go by and looks how old the oldest point that is
// kept is each time that a new one is made.
func TestReachHolds(t *testing.T) {
	for _, c := range []struct {
		policy string
		step   time.Duration // from point to point
		slack  time.Duration // by how much the guarantee may be too modest
	}{
		{"hourly=24", 10 * time.Minute, 0},
		{"daily=7", time.Hour, 0},
		{"weekly=4", 6 * time.Hour, 0},
		{"monthly=2", day, 0},
		{"monthly=3", day, 0},
		{"monthly=12", day, 0},
		{"monthly=13", day, 0},
		{"quarterly=3", day, 0},
		{"quarterly=4", day, 0},
		{"quarterly=6", day, 0},
		{"yearly=3", day, 0},
		{"daily=7 weekly=4 monthly=12 yearly=3", day, 0},
		{"within=14d", time.Hour, 0},
		{"within=1m", time.Hour, 0},
		{"within=5m", day, day},
		{"hourly-within=1d", 10 * time.Minute, 0},
		{"daily-within=10d", time.Hour, 0},
		{"weekly-within=2m", 6 * time.Hour, 7 * day},
		{"monthly-within=6m", day, 3 * day},
		{"quarterly-within=1y", day, 2 * day},
		{"yearly-within=3y", day, 2 * day},
	} {
		t.Run(c.policy, func(t *testing.T) {
			p := policy(t, c.policy)
			guaranteed, usual := p.Reach()
			least, mean := observeReach(t, p, c.step, usual)
			require.GreaterOrEqual(t, least, guaranteed-c.step)
			require.LessOrEqual(t, least, guaranteed+c.step+c.slack)
			require.InDelta(t, usual.Hours(), mean.Hours(), usual.Hours()*0.04+2*c.step.Hours())
		})
	}
}

// observeReach goes through a year without a leap day, or less where steps are
// short, and returns the least and the mean age.
func observeReach(t *testing.T, p retention.Policy, step, usual time.Duration) (least, mean time.Duration) {
	start := time.Date(2023, time.January, 1, 0, 0, 0, 0, time.UTC)
	end, margin := start.AddDate(1, 0, 0), 40*day
	if step <= time.Hour {
		end, margin = start.AddDate(0, 3, 0), 3*day
	}
	if step < time.Hour {
		end = start.AddDate(0, 0, 3)
	}
	window := 2*usual + margin // only points that may matter, to save time
	var points []retention.RecoveryPoint
	for at := start.Add(-window).Truncate(day); at.Before(end); at = at.Add(step) {
		points = append(points, complete(fmt.Sprint(at.Unix()), at))
	}
	least = math.MaxInt64
	var evaluator retention.Evaluator
	var hours, n float64
	for i := range points {
		now := points[i].Time
		if now.Before(start) {
			continue
		}
		from := max(0, i-int(window/step))
		result, err := evaluator.Evaluate(now, points[from:i+1], p)
		require.NoError(t, err)
		oldest := now
		for _, d := range result.Decisions {
			if d.Action == retention.Retain {
				oldest = points[from+d.Index].Time
			}
		}
		least = min(least, now.Sub(oldest))
		hours += now.Sub(oldest).Hours()
		n++
	}
	return least, time.Duration(hours / n * float64(time.Hour))
}
