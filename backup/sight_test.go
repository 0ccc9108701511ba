package backup_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// One site's listings hang, and fail in the end: the other's jobs go on as if
// nothing were, and the site is asked no more often than one job would ask.
func TestASiteThatHangsHoldsUpNoOther(t *testing.T) {
	for _, hang := range []time.Duration{0, 2 * time.Minute} {
		t.Run(fmt.Sprint(hang), func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p, start := story(t), nightly(), time.Now()
				p.Sources[0].RekeyKeys = nil
				c.resources[siteA] = nil
				for i := range 40 {
					c.resources[siteA] = append(c.resources[siteA], instance(siteA, fmt.Sprintf("i-%04d", i), root(fmt.Sprintf("vol-%04d", i), 100)))
				}
				failed := 0
				c.before = func(k call) error {
					if k.op != "list" || k.site != siteA || time.Since(start) < 30*time.Second {
						return nil
					}
					failed++
					c.mu.Unlock()
					time.Sleep(hang)
					c.mu.Lock()
					return fmt.Errorf("list: %w", context.DeadlineExceeded)
				}
				var revoked time.Time
				c.after = func(k call) error {
					if k.op == string(backup.StepRevoke) && k.site == siteB {
						revoked = time.Now()
					}
					return nil
				}
				report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, start)
				require.ErrorContains(t, err, "deadline exceeded")
				require.Equal(t, 1, report.Copies)
				require.Less(t, revoked.Sub(start), 5*time.Minute)
				require.Less(t, time.Since(start), 2*time.Hour, "its jobs share the failures, too")
				require.LessOrEqual(t, failed, 30)
			})
		})
	}
}
