package backup

import "github.com/snapkeep/snapkeep/accounts"

// A Step is one mutating call that the engine wants made, as data. The engine
// decides on steps by looking at listings; a driver turns each into one call.
type Step struct {
	Kind StepKind `json:"kind"` // says which of the other fields count
	// Resource whose members are snapshotted (StepSnapshot).
	Resource Resource `json:"resource,omitzero"`
	// Snapshot acted upon (all others).
	Snapshot string `json:"snapshot,omitempty"`
	// SourceRegion of Snapshot, where a copy comes from (StepCopy).
	SourceRegion string `json:"sourceRegion,omitempty"`
	// KMSKey of the copy (StepCopy).
	KMSKey string `json:"kmsKey,omitempty"`
	// CompletionMinutes of a time-based copy; zero for others (StepCopy).
	CompletionMinutes int `json:"completionMinutes,omitempty"`
	// With names the account shared with (StepShare, StepRevoke).
	With accounts.ID `json:"with,omitempty"`
	// Tags of what is made, set in the same call (StepSnapshot, StepCopy).
	Tags map[string]string `json:"tags,omitempty"`
	// Description of what is made.
	Description string `json:"description,omitempty"`
}

// A StepKind is what a step does.
type StepKind string

// The kinds of steps.
const (
	StepSnapshot StepKind = "snapshot" // all members of a resource at one moment
	StepCopy     StepKind = "copy"     // into the client's site, also to rekey
	StepShare    StepKind = "share"
	StepRevoke   StepKind = "revoke"
	StepDelete   StepKind = "delete"
	// StepManifest is told in events alone: no driver is given it. The manifest
	// of a point was stored, or could not be.
	StepManifest StepKind = "manifest"
)
