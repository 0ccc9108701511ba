package backup

import (
	"time"

	"github.com/snapkeep/snapkeep/accounts"
)

// A Snapshot is what a listing of a site says of one snapshot: AWS's own
// fields, which can be believed, and the tags, which in a protected account
// cannot (its owner, or an intruder, can write any).
type Snapshot struct {
	ID           string        `json:"id"`                     // "snap-…"
	Owner        accounts.ID   `json:"owner"`                  // 12 digits: OwnerId
	Volume       string        `json:"volume"`                 // source volume; arbitrary for copies
	SizeGiB      int32         `json:"sizeGiB"`                // of the volume, not of the blocks stored
	State        SnapshotState `json:"state"`                  // as EC2 names it
	StateMessage string        `json:"stateMessage,omitempty"` // why it is in state error; DescribeSnapshots alone tells
	Started      time.Time     `json:"started"`                // StartTime: when it was initiated
	Completed    time.Time     `json:"completed,omitzero"`     // CompletionTime; zero if AWS names none
	// CompletionMinutes of a time-based copy; zero for others.
	CompletionMinutes int    `json:"completionMinutes,omitempty"`
	Encrypted         bool   `json:"encrypted,omitempty"` // under KMSKey
	KMSKey            string `json:"kmsKey,omitempty"`    // key ARN; empty unless encrypted, and in the answer of CreateSnapshots
	// Description it was made with. EC2 has no call that changes it, so that
	// what was not made as ours cannot become so (EC2 API Reference,
	// ModifySnapshotAttribute: permissions and product codes alone).
	Description string            `json:"description,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"` // all of them
	// Archived says that it is in the archive tier, where nothing can be made of
	// it until it is brought back, see Engine.Thaw.
	Archived bool `json:"archived,omitempty"`
}

// A SnapshotState is EC2's state of a snapshot.
type SnapshotState string

// The states that matter to the engine (EC2 API Reference, Snapshot); any
// other is treated as pending.
const (
	SnapshotPending   SnapshotState = "pending"
	SnapshotCompleted SnapshotState = "completed"
	SnapshotError     SnapshotState = "error"
)
