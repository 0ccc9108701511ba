package backup_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

// A run is cut anywhere and never taken up again: the next night's run
// finishes what it left.
func TestTheNextRunSettlesTheLast(t *testing.T) {
	p := nightly(copyTo(home), copyTo(second))
	for cut := range mutationsOf(t, p) {
		t.Run(fmt.Sprintf("call %d", cut+1), func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, at := story(t), time.Now()
				ctx, crash := context.WithCancel(t.Context())
				defer crash()
				n := 0
				c.after = func(k call) error {
					if k.mutates() {
						if n++; n == cut+1 {
							crash()
						}
						return ctx.Err()
					}
					return nil
				}
				_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
				require.Error(t, err)
				c.after = nil

				time.Sleep(24 * time.Hour)
				report := run(t, c, p, at.Add(24*time.Hour))
				require.Equal(t, 3, report.Points)
				nothingShared(t, c)
				list := points(t, c, p)
				begun := 0
				for _, pt := range list {
					require.Equal(t, retention.Complete, pt.State, "%+v", pt)
					require.Empty(t, pt.Extra)
					if pt.Run.Equal(at) && !pt.Copy {
						begun++
					}
				}
				require.Len(t, list, 3*3+begun*3, "what has originals has copies")
				require.NotZero(t, begun)

				quiet := c.mutations()
				for range jobs(t, engine(t, c, backup.Options{}), p, at.Add(48*time.Hour)) {
				}
				require.Equal(t, quiet, c.mutations())
			})
		})
	}
}

// A resource that is gone when its run is taken up again still gets its copy.
func TestAResourceThatIsGoneIsFinished(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(), time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
		require.Error(t, err)
		c.resources[siteB] = nil
		time.Sleep(time.Minute)
		report := run(t, c, p, at)
		require.Equal(t, 3, report.Copies)
		require.Equal(t, "i-b1", report.Jobs[0].Resource.ID())
		require.True(t, report.Jobs[0].Settle)
		require.Equal(t, "m5.large", pointsAt(t, c, home)[2].Machine.InstanceType)
	})
}

// Copies that were pruned, and runs that were not to be copied, are not made
// up for.
func TestWhatIsDoneIsLeftAlone(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(), time.Now()
		for range 3 {
			run(t, c, p, at)
			at = at.Add(24 * time.Hour)
			time.Sleep(time.Until(at))
		}
		for i, s := range c.at(home) {
			if i < 8 {
				s.gone = true // the first point is pruned, the second half pruned
			}
		}
		for _, j := range jobs(t, engine(t, c, backup.Options{}), p, at) {
			require.False(t, j.Settle)
		}
	})
}

func TestEveryCopiesOneInSoMany(t *testing.T) {
	inTime(t, func(t *testing.T) {
		far := copyTo(second)
		far.Every = 3
		c, p, at := story(t), nightly(copyTo(home), far), time.Now()
		p.Sources = p.Sources[1:]
		var copied []int
		for day := range 10 {
			report := run(t, c, p, at)
			if len(report.Jobs[0].Copies) == 2 {
				copied = append(copied, day)
			}
			require.Len(t, report.Jobs, 1, "a run that was not due is finished")
			again := run(t, c, p, at)
			require.Len(t, again.Jobs[0].Copies, len(report.Jobs[0].Copies), "the same run decides the same")
			at = at.Add(24 * time.Hour)
			time.Sleep(time.Until(at))
		}
		require.Equal(t, []int{0, 3, 6, 9}, copied)
		require.Len(t, c.at(home), 10)
		require.Len(t, c.at(second), 4)
	})
}
