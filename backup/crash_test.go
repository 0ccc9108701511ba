package backup_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// A run is cut at every call that changes something, before the call has its
// effect and after, and taken up again by another engine that knows nothing.
// The end is always the same.
func TestCrashAnywhereAndResume(t *testing.T) {
	p := nightly(copyTo(home), copyTo(second))
	p.Sources = p.Sources[:1]
	for cut := range mutationsOf(t, p) {
		for _, when := range []string{"before", "after"} {
			t.Run(fmt.Sprintf("call %d %s", cut+1, when), func(t *testing.T) {
				inTime(t, func(t *testing.T) {
					c, at := story(t), time.Now()
					ctx, crash := context.WithCancel(t.Context())
					defer crash()
					n := 0
					fault := func(k call) error {
						if !k.mutates() {
							return nil
						}
						if n++; n == cut+1 {
							crash()
						}
						return ctx.Err() // from now on nothing gets through
					}
					if when == "before" {
						c.before = fault
					} else {
						c.after = fault
					}
					_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
					require.ErrorIs(t, err, context.Canceled)

					c.before, c.after = nil, nil
					time.Sleep(time.Second) // the host restarts at once
					report := run(t, c, p, at)
					require.Equal(t, 2, report.Points)
					require.Equal(t, 4, report.Copies)
					c.resources[siteB] = nil
					intact(t, c, p, at)
				})
			})
		}
	}
}

// The same with an engine that survives: one answer is lost, and nothing is
// doubled.
func TestLoseAnyAnswer(t *testing.T) {
	p := nightly(copyTo(home), copyTo(second))
	p.Sources = p.Sources[:1]
	for cut := range mutationsOf(t, p) {
		for _, when := range []string{"before", "after"} {
			t.Run(fmt.Sprintf("call %d %s", cut+1, when), func(t *testing.T) {
				inTime(t, func(t *testing.T) {
					c, at, n := story(t), time.Now(), 0
					c.resources[siteB] = nil
					fault := func(k call) error {
						if !k.mutates() {
							return nil
						}
						if n++; n == cut+1 {
							return lostAnswer
						}
						return nil
					}
					if when == "before" {
						c.before = fault
					} else {
						c.after = fault
					}
					run(t, c, p, at)
					require.Greater(t, n, cut, "the call was never made")
					intact(t, c, p, at)
				})
			})
		}
	}
}
