package backup

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/snapkeep/snapkeep/retention"
)

// inUse is how EC2 refuses to delete a snapshot that an image uses (EC2 API
// Reference, "Error codes").
const inUse = "InvalidSnapshot.InUse"

// ownImages finds the images that are the points' own, and takes their holds
// away: they go with their points. It lists images only if there are any that
// hold something; where it cannot, all of them hold.
func (e *Engine) ownImages(ctx context.Context, h *holdings, at place, driver int, points []Point) {
	isImage := func(hold retention.Hold) bool { return hold.Kind == retention.InUse }
	held := false
	for _, holds := range h.by {
		held = held || slices.ContainsFunc(holds, isImage)
	}
	if !held {
		return
	}
	v, err := e.see(ctx, imageViewOf(at.site, driver), time.Now())
	if err != nil {
		h.notes = append(h.notes, PruneNote{at.site, at.copy, retention.InUse, newFault(err)})
		return
	}
	for _, pt := range points {
		image, _, ok := pt.imageOf(v, e.opts.Vault)
		if !ok {
			continue
		}
		h.own[pt.ID] = image.ID
		for _, s := range pt.snapshots() {
			h.by[s.ID] = slices.DeleteFunc(h.by[s.ID], func(hold retention.Hold) bool { return isImage(hold) && hold.Ref == image.ID })
		}
	}
}

// dropImage deregisters a target's image, if it has one. If that fails, the
// point is left as it is.
func (pr *pruning) dropImage(ctx context.Context, c Client, driver int, t *target) bool {
	if t.image == "" {
		return true
	}
	err := pr.deleteOne(ctx, c, driver, t, Step{Kind: StepDeregister, Image: t.image})
	if err != nil && ctx.Err() != nil {
		t.Why = fmt.Sprintf("cancelled before %s was deregistered", t.image)
		return false
	}
	pr.e.tell(Event{
		Step: StepDeregister, Account: t.Site.Account, Region: t.Site.Region,
		Resource: t.Resource, Point: t.Point, Snapshot: t.image, Err: err,
	})
	if err != nil {
		t.fail(err)
		return false
	}
	t.Image = t.image
	return true
}
