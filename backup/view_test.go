package backup_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// After a listing of a part each point is told once, with what it has of both;
// new ones too, in whatever order.
func TestPointsOfAPart(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	old := now.Add(-time.Hour)
	snap := func(id, point string, started time.Time) backup.Snapshot {
		return backup.Snapshot{ID: id, Started: started, Tags: map[string]string{"snapkeep:point": point}}
	}
	var all, part []backup.Snapshot
	var want [][]string
	for i := range 20 {
		told, fresh := fmt.Sprintf("told-%d", i), fmt.Sprintf("fresh-%d", i)
		all = append(all, snap(told+"-a", told, old), snap(told+"-gone", told, now))
		part = append(part, snap(told+"-b", told, now), snap(fresh, fresh, now))
		want = append(want, []string{told + "-a", told + "-b"}, []string{fresh})
	}
	require.ElementsMatch(t, want, backup.PointsOf(all, part, now))
}
