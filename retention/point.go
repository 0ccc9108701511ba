package retention

import (
	"fmt"
	"slices"
	"time"
)

// A RecoveryPoint is what lives and dies together: all snapshots of one
// resource at one moment. A multi-volume set is one point, and so is an image
// with its snapshots.
type RecoveryPoint struct {
	// ID names the point, uniquely among the points evaluated together. Of
	// two points of one Time the one with the lower ID comes first.
	ID string `json:"id"`
	// Time is the moment the data is from, by the service's clock rather
	// than by that of the machine that evaluates. The zero Time is an error.
	Time time.Time `json:"time"`
	// State is Complete by default. Only Complete points count.
	State State `json:"state"`
	// Tags are matched by Policy.Tags.
	Tags map[string]string `json:"tags,omitempty"`
	// Holds are the reasons why the point may not be pruned now.
	Holds []Hold `json:"holds,omitempty"`
}

// A State says how whole a recovery point is.
type State int

const (
	// Complete points can be restored from; they alone are counted.
	Complete State = iota
	// Partial points lack some of their snapshots for good.
	Partial
	// Pending points are still being made. They are deferred: EC2 accepts to
	// delete a pending snapshot, and does so once it is complete.
	Pending
	// Failed points came to nothing.
	Failed
	// Deleting points are on their way out already.
	Deleting
)

var stateNames = []string{"complete", "partial", "pending", "failed", "deleting"}

// String returns the state in lower case: "complete".
func (s State) String() string { return nameOf(stateNames, int(s), 0, "State") }

// MarshalText returns what String does; a state that is none is an error.
func (s State) MarshalText() ([]byte, error) {
	return marshalName(stateNames, int(s), 0, "state")
}

// UnmarshalText accepts what MarshalText returns.
func (s *State) UnmarshalText(text []byte) error {
	return unmarshalName(s, stateNames, text, 0, "state")
}

// A Hold is a reason why a recovery point may not be pruned now.
type Hold struct {
	Kind HoldKind `json:"kind"` // who or what holds; Foreign defers, all others block
	// Until is when the hold ends by itself; at that very moment it is over.
	// Zero means that it lasts until somebody removes it.
	Until time.Time `json:"until,omitzero"`
	// Ref is what holds: an image, a lock, a legal hold, a copy job.
	Ref string `json:"ref,omitempty"`
}

// activeAt reports whether the hold binds at the given moment.
func (h Hold) activeAt(now time.Time) bool { return h.Until.IsZero() || h.Until.After(now) }

// A HoldKind says who or what holds a recovery point. Every kind but Foreign
// works alike; a kind that this package does not know holds like any other.
type HoldKind int

const (
	// Pin is a person's wish to keep the point.
	Pin HoldKind = iota + 1
	// LegalHold is a lawyer's.
	LegalHold
	// SnapshotLock is an EBS snapshot lock: nobody can delete the snapshot.
	SnapshotLock
	// InUse is a use that makes the service refuse the deletion, as that of
	// a registered image.
	InUse
	// CopyPending is a copy that has yet to be completed and verified.
	CopyPending
	// LatestCopy is the newest copy at its destination; without it the next
	// one would be a full copy.
	LatestCopy
	// ColdMinimum is time already paid for in the archive tier.
	ColdMinimum
	// Foreign points belong to somebody else, AWS Backup for one. They are
	// deferred and take no part in anything.
	Foreign
)

var holdNames = []string{
	"pin", "legal-hold", "snapshot-lock", "in-use",
	"copy-pending", "latest-copy", "cold-minimum", "foreign",
}

// String returns the kind in lower case with hyphens: "legal-hold".
func (k HoldKind) String() string { return nameOf(holdNames, int(k), int(Pin), "HoldKind") }

// MarshalText returns what String does; a kind that is none is an error.
func (k HoldKind) MarshalText() ([]byte, error) {
	return marshalName(holdNames, int(k), int(Pin), "hold kind")
}

// UnmarshalText accepts what MarshalText returns.
func (k *HoldKind) UnmarshalText(text []byte) error {
	return unmarshalName(k, holdNames, text, int(Pin), "hold kind")
}

// nameOf returns the name of v, whose first value is base, or "Kind(7)".
func nameOf(names []string, v, base int, kind string) string {
	if i := v - base; i >= 0 && i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s(%d)", kind, v)
}

func marshalName(names []string, v, base int, kind string) ([]byte, error) {
	if i := v - base; i >= 0 && i < len(names) {
		return []byte(names[i]), nil
	}
	return nil, fmt.Errorf("retention: unknown %s %d", kind, v)
}

func unmarshalName[T ~int | ~uint8](to *T, names []string, text []byte, base int, kind string) error {
	i := slices.Index(names, string(text))
	if i < 0 {
		return fmt.Errorf("retention: unknown %s %q", kind, text)
	}
	*to = T(i + base)
	return nil
}
