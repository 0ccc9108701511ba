package backup

import (
	"context"
	"iter"
	"time"

	"github.com/snapkeep/snapkeep/retention"
)

// A Holder is a Client that can tell what stands against deleting snapshots of
// its site. PlanPrune and Prune ask it, as whoever lists the site.
type Holder interface {
	// Holds lists what holds the site's own snapshots, whosever they are: what
	// AWS would refuse to delete, and what would cost money. A snapshot is
	// listed once for each hold. An error beside a Kind says that the holds of
	// this kind cannot be read, wholly or from there on, and the others follow.
	Holds(ctx context.Context) iter.Seq2[SnapshotHold, error]
}

// A SnapshotHold is a hold on one snapshot.
type SnapshotHold struct {
	Snapshot string // "snap-…"; empty beside an error
	retention.Hold
}

// A Recycler is a Client that can tell what was deleted and can be had back.
// Prune asks it what became of what it deleted, as whoever lists the site.
type Recycler interface {
	// Recycled lists the site's own snapshots that are deleted and kept all
	// the same. They are in no listing. An error ends it.
	Recycled(ctx context.Context) iter.Seq2[RecycledSnapshot, error]
}

// A RecycledSnapshot is a snapshot that was deleted and can be had back.
type RecycledSnapshot struct {
	ID    string    // "snap-…"
	Until time.Time // when it is gone for good
}

// powers returns what a client can do beyond a Client; nil for what it cannot.
func powers(c Client) (Holder, Recycler) {
	h, _ := c.(Holder)
	r, _ := c.(Recycler)
	return h, r
}
