package backup_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

// A prune is cut at every delete, before and after its effect; another one ends
// with exactly what should be left.
func TestPruneCrashesAnywhere(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, _, pp := full(t, 3)
		prune(t, c, pp)
		require.Len(t, deletes(c), 16, "the story has changed")
	})
	for cut := range 16 {
		for _, when := range []string{"before", "after"} {
			inTime(t, func(t *testing.T) {
				c, p, pp := full(t, 3)
				ctx, crash := context.WithCancel(t.Context())
				defer crash()
				n := 0
				fault := onDelete(func(string) error {
					if n++; n == cut+1 {
						crash()
					}
					return ctx.Err()
				})
				if when == "before" {
					c.before = fault
				} else {
					c.after = fault
				}
				_, err := engine(t, c, backup.Options{}).Prune(ctx, pp)
				require.ErrorIs(t, err, context.Canceled)
				c.before, c.after = nil, nil
				time.Sleep(time.Minute)
				prune(t, c, planPrune(t, c, p))
				for _, site := range []backup.Site{siteA, home} {
					require.Len(t, c.at(site), 4, "cut at %d %s", cut, when)
				}
				list := points(t, c, p)
				require.Len(t, list, 4)
				for _, pt := range list {
					require.Equal(t, retention.Complete, pt.State)
				}
				require.Zero(t, planPrune(t, c, p).Prunes())
			})
		}
	}
}

// An original that is dropped because it was copied must not survive its copy,
// wherever the prune is cut.
func TestPruneCrashesBetweenOriginalAndCopy(t *testing.T) {
	for cut := range 4 {
		inTime(t, func(t *testing.T) {
			c, p := story(t), ofB(9)
			p.Copies[0].DropOriginal, p.Copies[0].Retention = true, retention.Policy{Last: 1}
			nights(t, c, p, 3)
			pp := planPrune(t, c, p)
			require.Equal(t, 4, pp.Prunes())
			ctx, crash := context.WithCancel(t.Context())
			defer crash()
			n := 0
			c.after = onDelete(func(string) error {
				if n++; n == cut+1 {
					crash()
				}
				return nil
			})
			_, err := engine(t, c, backup.Options{}).Prune(ctx, pp)
			require.ErrorIs(t, err, context.Canceled)
			c.after = nil
			prune(t, c, planPrune(t, c, p))
			require.Len(t, c.at(siteB), 1, "cut at %d", cut)
			require.Len(t, c.at(home), 1, "cut at %d", cut)
		})
	}
}
