package backup

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The plan that schedule plays through keeps the slots, begins nothing before
// it is ready, leaves no slot idle while something is ready, and so takes less
// than twice the shortest time that there can be.
func TestScheduleIsOneThatCanBe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slots := rapid.IntRange(1, 6).Draw(t, "slots")
		tasks := make([]task, rapid.IntRange(1, 40).Draw(t, "tasks"))
		var sum, longest, ready time.Duration
		for i := range tasks {
			tasks[i].ready = time.Duration(rapid.IntRange(0, 30).Draw(t, "ready")) * time.Minute
			tasks[i].takes = time.Duration(rapid.IntRange(1, 30).Draw(t, "takes")) * time.Minute
			sum += tasks[i].takes
			longest, ready = max(longest, tasks[i].ready+tasks[i].takes), max(ready, tasks[i].ready)
		}
		done := schedule(tasks, slots, longestFirst)
		for i := range tasks {
			if done[i]-tasks[i].takes < tasks[i].ready {
				t.Fatalf("task %d begins %v before it is ready", i, tasks[i].ready-(done[i]-tasks[i].takes))
			}
			began, busy := done[i]-tasks[i].takes, 0
			for k := range tasks {
				if done[k]-tasks[k].takes <= began && began < done[k] {
					busy++
				}
			}
			if busy > slots {
				t.Fatalf("%d of %d slots at %v", busy, slots, began)
			}
		}
		if end := slices.Max(done); end < longest || end > ready+sum/time.Duration(slots)+longest {
			t.Fatalf("ends at %v; the longest alone takes %v", end, longest)
		}
	})
}
