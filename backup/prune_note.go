package backup

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/snapkeep/snapkeep/retention"
)

// A PruneNote says what could not be found out about a place. It stops
// nothing: what AWS holds it refuses to delete itself, though only when asked,
// and what is in the archive it deletes and charges for.
type PruneNote struct {
	Site Site `json:"site"`           // that could not be asked
	Copy bool `json:"copy,omitempty"` // about copies there, not originals
	// Hold is the kind of holds that are not known. Zero means that it is not
	// known what went to the Recycle Bin.
	Hold retention.HoldKind `json:"hold,omitzero"`
	// Fault is why: ErrDenied where the role that reads the site may not.
	Fault *Fault `json:"fault"`
}

// String returns the note as a line.
func (n PruneNote) String() string {
	what := "recycle bin"
	if n.Hold != 0 {
		what = n.Hold.String()
	}
	return fmt.Sprintf("note: %s of %s at %s is not known: %v", what, kindOfPlace(n.Copy), n.Site, n.Fault)
}

func kindOfPlace(isCopy bool) string {
	if isCopy {
		return "copies"
	}
	return "originals"
}

// A holdings is what holds the snapshots of a place, as the cloud tells.
type holdings struct {
	by    map[string][]retention.Hold // by snapshot
	own   map[string]string           // by point: the image that goes with it
	notes []PruneNote
}

// readHolds asks what holds the snapshots of some points of a place.
func (e *Engine) readHolds(ctx context.Context, at place, points []Point) (holdings, error) {
	h := holdings{by: map[string][]retention.Hold{}, own: map[string]string{}}
	ours := map[string]bool{}
	asked := make([]bool, len(e.drivers))
	for _, pt := range points {
		asked[e.kinds[kindOf(pt.Resource)]] = true
		for _, s := range pt.snapshots() {
			ours[s.ID] = true
		}
	}
	for driver, needed := range asked {
		if !needed {
			continue
		}
		c, err := e.reader(ctx, at, driver)
		if err != nil {
			return h, &Error{Account: at.site.Account, Region: at.site.Region, Err: err}
		}
		holder, _ := powers(c)
		if holder == nil {
			continue
		}
		for hold, err := range holder.Holds(ctx) {
			switch {
			case err != nil:
				h.notes = append(h.notes, PruneNote{at.site, at.copy, hold.Kind, newFault(err)})
			case ours[hold.Snapshot]:
				h.by[hold.Snapshot] = append(h.by[hold.Snapshot], hold.Hold)
			}
		}
		if imagerOf(c) != nil && at.copy {
			e.ownImages(ctx, &h, at, driver, points)
		}
	}
	return h, nil
}

// reader returns the client that lists a place.
func (e *Engine) reader(ctx context.Context, at place, driver int) (Client, error) {
	id := e.viewOfPlace(at, driver)
	return e.client(ctx, driver, actor{site: id.site, purpose: id.purpose}, errand{})
}

// recycled notes of what was deleted until when it can be had back. A point
// can be as long as each of its snapshots can.
func (pr *pruning) recycled(ctx context.Context, at place, list []*target) []PruneNote {
	var notes []PruneNote
	for driver := range pr.e.drivers {
		gone := slices.DeleteFunc(slices.Clone(list), func(t *target) bool {
			return t.Outcome != Pruned || pr.e.kinds[kindOf(t.Resource)] != driver
		})
		if len(gone) == 0 || ctx.Err() != nil {
			continue
		}
		c, err := pr.e.reader(ctx, at, driver)
		_, recycler := powers(c)
		if err == nil && recycler != nil {
			err = recall(ctx, recycler, gone)
		}
		if err != nil {
			notes = append(notes, PruneNote{at.site, at.copy, 0, newFault(err)})
		}
	}
	return notes
}

// recall looks what was deleted up in the Recycle Bin.
func recall(ctx context.Context, r Recycler, gone []*target) error {
	kept := map[string]RecycledSnapshot{}
	for s, err := range r.Recycled(ctx) {
		if err != nil {
			return err
		}
		kept[s.ID] = s
	}
	for _, t := range gone {
		first := slices.MinFunc(t.ids, func(a, b string) int { return kept[a].Until.Compare(kept[b].Until) })
		t.Recoverable = kept[first].Until.UTC()
	}
	return nil
}

// of returns what holds a point's snapshots, in order, and nothing twice: one
// image may hold several of them.
func (h holdings) of(pt Point) []retention.Hold {
	var holds []retention.Hold
	for _, s := range pt.snapshots() {
		for _, hold := range h.by[s.ID] {
			hold.Until = hold.Until.UTC()
			holds = append(holds, hold)
		}
	}
	slices.SortFunc(holds, func(a, b retention.Hold) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Ref, b.Ref), a.Until.Compare(b.Until))
	})
	return slices.Compact(holds)
}
