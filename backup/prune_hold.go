package backup

import (
	"cmp"
	"slices"

	"github.com/snapkeep/snapkeep/retention"
)

// hold adds to the points of a group the holds that follow from the catalog.
func (p Plan) hold(g pointGroup, points []retention.RecoveryPoint, all []Point, unread map[Site]bool) {
	if g.copy {
		holdLatestCopy(points)
		return
	}
	for _, c := range p.Copies {
		if !unread[c.Site()] {
			holdUncopied(points, copiedPoints(all, g.resource, c.Site()), c)
			continue
		}
		for i := range points {
			addHold(&points[i], retention.CopyPending, c.Site().String()+" cannot be read")
		}
	}
}

// holdLatestCopy holds the newest complete copy.
func holdLatestCopy(points []retention.RecoveryPoint) {
	newest := -1
	for i, pt := range points {
		if pt.State == retention.Complete && (newest < 0 || pt.Time.After(points[newest].Time)) {
			newest = i
		}
	}
	if newest >= 0 {
		addHold(&points[newest], retention.LatestCopy, "the next copy is incremental to it")
	}
}

// holdUncopied holds the originals that are still to be copied to a
// destination. What is older than the newest one copied there is not waited
// for any more: its moment has passed, and the run that should have copied it
// has said so.
func holdUncopied(points []retention.RecoveryPoint, copied map[string]bool, c Copy) {
	order := make([]int, len(points))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(points[b].Time.Compare(points[a].Time), cmp.Compare(points[a].ID, points[b].ID))
	})
	since := slices.IndexFunc(order, func(i int) bool { return copied[points[i].ID] })
	if since < 0 {
		since = len(order)
	}
	// The points that follow the last one copied, oldest first: the n-th is due
	// where every n-th is copied, and so is whatever comes after it.
	following := order[:since]
	slices.Reverse(following)
	for n, i := range following {
		if n+1 >= max(c.Every, 1) {
			addHold(&points[i], retention.CopyPending, c.Site().String())
		}
	}
}

// copiedPoints returns the ids of the points of a resource that are complete at a site.
func copiedPoints(all []Point, resource string, at Site) map[string]bool {
	ids := map[string]bool{}
	for _, pt := range all {
		if pt.Copy && pt.Site == at && pt.Resource == resource && pt.State == retention.Complete {
			ids[pt.ID] = true
		}
	}
	return ids
}

func addHold(pt *retention.RecoveryPoint, kind retention.HoldKind, ref string) {
	pt.Holds = append(pt.Holds, retention.Hold{Kind: kind, Ref: ref})
}
