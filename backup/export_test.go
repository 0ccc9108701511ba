package backup

import "time"

// EscapeField is shown to the tests.
var EscapeField = escapeField

// Remembered counts what the engine keeps in memory: points of lost answers, listings, runs of its own.
func (e *Engine) Remembered() [3]int { return [3]int{len(e.lost), len(e.sights), len(e.own)} }

// PointsOf returns the ids of the snapshots of each point, as a view yields them
// of a listing of all and then one of what was started in the ten minutes of t.
func PointsOf(all, part []Snapshot, t time.Time) (points [][]string) {
	asked := periods{}
	asked.add(t, t)
	for list := range newView(t, all, nil).narrowed(t, asked, part).points() {
		var ids []string
		for _, s := range list {
			ids = append(ids, s.ID)
		}
		points = append(points, ids)
	}
	return points
}
