package restore_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup/restore"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// TestLateListings has what AWS made stay missing from listings for minutes,
// longer than an answer that was lost is waited for. What AWS has answered with
// an id is there all the same, and is not made again.
func TestLateListings(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				made := map[string]bool{}
				w.cloud.Lock()
				w.cloud.Observe(func() {
					for _, s := range w.cloud.EC2().SnapshotsLocked() {
						if s.Account == clean {
							made[s.ID] = true
						}
					}
				})
				w.cloud.Unlock()
				w.cloud.SetConsistency(core.Consistency{Max: 4 * time.Minute, Seed: seed})
				q := w.request(restore.Volumes, away)
				r := w.restorer(restore.Options{})
				plan, err := r.Plan(t.Context(), q)
				require.NoError(t, err)
				report, err := r.Run(t.Context(), plan)
				require.NoError(t, err)
				require.Len(t, made, len(q.Point.Members), "one copy a member")
				time.Sleep(10 * time.Minute)
				w.verify(q, report)
			})
		})
	}
}
