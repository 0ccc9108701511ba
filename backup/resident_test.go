package backup_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// An engine that lives for months does not remember every run.
func TestALongLivedEngineForgets(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, at := story(t), time.Now()
		e := engine(t, c, backup.Options{})
		for day := range 60 {
			p := nightly()
			p.Sources = p.Sources[1:]
			if day == 0 {
				p = nightly(copyTo(home), copyTo(second))
			}
			lose := true
			c.after = func(k call) error {
				if k.mutates() && lose {
					lose = false
					return lostAnswer
				}
				return nil
			}
			_, err := e.Run(t.Context(), p, at)
			require.NoError(t, err)
			at = at.Add(24 * time.Hour)
			time.Sleep(time.Until(at))
		}
		n := e.Remembered()
		require.LessOrEqual(t, n[0], 2, "lost answers")
		require.LessOrEqual(t, n[1], 3, "listings: the source, what it shares, the destination")
		require.LessOrEqual(t, n[2], 11, "runs of its own")
	})
}

// A site that cannot be asked for its resources is asked again, for a while.
func TestDiscoveryIsTriedAgain(t *testing.T) {
	for failures, want := range map[int]int{0: 1, 1: 2, 3: 4, 4: 4, 100: 4} {
		inTime(t, func(t *testing.T) {
			c, p, start := story(t), nightly(), time.Now()
			asked := 0
			c.before = func(k call) error {
				if k.op == "discover" && k.site == siteB {
					if asked++; asked <= failures {
						return fmt.Errorf("connection reset: %w", backup.ErrUnknownOutcome)
					}
				}
				return nil
			}
			report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, start)
			require.Equal(t, want, asked)
			if failures < want {
				require.NoError(t, err)
				require.Equal(t, 3, report.Points)
				return
			}
			require.ErrorContains(t, err, "222222222222/eu-west-1: discover: connection reset")
			require.Len(t, report.Errors, 1)
			require.Equal(t, 2, report.Points)
		})
	}
	inTime(t, func(t *testing.T) { // what will not pass is not tried again
		c := story(t)
		c.denied[beta] = backup.ErrDenied
		start, e := time.Now(), engine(t, c, backup.Options{})
		for _, err := range e.Jobs(t.Context(), nightly(), start) {
			if err != nil {
				require.ErrorIs(t, err, backup.ErrDenied)
			}
		}
		require.Less(t, time.Since(start), time.Second)
	})
}

// A site that nobody asked about for so long that its listing was forgotten is
// waited for as ever: a line that kept the old listing would be due at once,
// again and again, and this test would not end.
func TestALineOutlivesItsListing(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(), time.Now()
		c.takesOf = func(s backup.Snapshot) time.Duration {
			if s.Volume == "vol-a1" {
				return time.Hour
			}
			return 2 * time.Minute
		}
		run(t, c, p, at)
		intact(t, c, p, at)
	})
}
