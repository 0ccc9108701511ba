package backup_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// The rest that a dead process began is over once its end was sent, also where
// the next rest was not begun after all: no snapshot that is made then counts
// as made at rest.
func TestARestThatWasEndedIsOver(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), calm(true), time.Now()
		c.agent.lag = 2 * time.Second
		ctx, crash := withStop(t)
		c.after = func(k call) error {
			if k.op == string(backup.StepQuiesce) {
				crash()
			}
			return ctx.Err()
		}
		c.before = func(call) error { return ctx.Err() }
		_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
		require.ErrorIs(t, err, context.Canceled)
		require.Len(t, c.sent(db), 1)
		lost := false
		c.after, c.before = nil, func(k call) error {
			if k.op == string(backup.StepQuiesce) && !lost {
				lost = true
				return lostAnswer
			}
			return nil
		}
		run(t, c, p, at)
		rest := []backup.StepKind{backup.StepQuiesce, backup.StepResume}
		require.Equal(t, slices.Concat(rest, rest), c.sent(db))
		require.Equal(t, []backup.Consistency{backup.ApplicationConsistent, backup.ApplicationConsistent}, consistencies(t, c, p))
		sound(t, c, p)
	})
}

// Who takes a run up ends every rest that was left before it does anything else,
// however many jobs there are and few workers.
func TestRestsThatWereLeftAreEndedFirst(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at, resting := story(t), calm(true), time.Now(), 3
		for n := range 8 {
			c.resources[siteB] = append(c.resources[siteB], instance(siteB, fmt.Sprintf("i-c%d", n), root(fmt.Sprintf("vol-c%d", n), int32(n+1))))
		}
		ctx, crash := withStop(t)
		n, first := 0, ""
		c.before = func(k call) error {
			if k.op == string(backup.StepQuiesce) {
				if n++; n > resting {
					crash()
				}
			}
			return ctx.Err()
		}
		_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
		require.ErrorIs(t, err, context.Canceled)
		require.Len(t, c.agent.scripts, resting)
		n = 0
		c.before = func(k call) error {
			if n++; k.mutates() && n <= 100 && len(first) < 3*resting {
				first += k.op[:3]
			}
			return nil
		}
		_, err = engine(t, c, backup.Options{Concurrency: 1}).Run(t.Context(), p, at)
		require.NoError(t, err)
		require.Equal(t, strings.Repeat("res", resting), first)
	})
}
