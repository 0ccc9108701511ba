package backup

import "github.com/snapkeep/snapkeep/accounts"

// A Step is one mutating call that the engine wants made, as data. The engine
// decides on steps by looking at listings; a driver turns each into one call.
type Step struct {
	Kind StepKind `json:"kind"` // says which of the other fields count
	// Resource whose members are snapshotted (StepSnapshot, StepVSS), that a script
	// is run on, or that an image is of (StepRegister).
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
	// Lock to put on Snapshot, or to make its lock (StepLock). It has Days and no Until.
	Lock *Lock `json:"lock,omitempty"`
	// Days that what is thawed stays in the standard tier (StepThaw).
	Days int `json:"days,omitempty"`
	// Tags of what is made, set in the same call (StepSnapshot, StepCopy, StepVSS,
	// StepRegister).
	Tags map[string]string `json:"tags,omitempty"`
	// Resource and Snapshots are what an image is registered of: one snapshot
	// for each member, in their order; Name is what it is called, which no other
	// of the site can be (StepRegister).
	Snapshots []string `json:"snapshots,omitempty"`
	Name      string   `json:"name,omitempty"`  // of an image: 3 to 128 characters (StepRegister)
	Image     string   `json:"image,omitempty"` // "ami-…" (StepDeregister)
	// Description of what is made.
	Description string `json:"description,omitempty"`
	// Script to run on Resource, and Comment that it is found by (StepQuiesce,
	// StepResume), with its defaults filled in. A script's parameters may hold
	// what is not to be told.
	Script  *Script `json:"script,omitempty"`
	Comment string  `json:"comment,omitempty"` // at most 100 characters; also StepVSS
	// VSS says how Windows makes the snapshots (StepVSS).
	VSS *VSS `json:"vss,omitempty"`
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
	StepQuiesce  StepKind = "quiesce" // brings a resource to rest
	StepResume   StepKind = "resume"  // ends that
	StepVSS      StepKind = "vss"     // lets the resource itself snapshot its members at one moment
	// StepManifest is told in events alone: no driver is given it. The manifest
	// of a point was stored, or could not be.
	StepManifest StepKind = "manifest"
	// StepLock is for clients that are a Locker. A lock that is there is
	// replaced. An answer that was lost is an error that wraps
	// ErrUnknownOutcome, as with what makes a snapshot.
	StepLock StepKind = "lock"
	// StepArchive begins to move Snapshot to the archive tier. It is sent once:
	// what is there already is refused.
	StepArchive StepKind = "archive"
	// StepThaw begins to bring Snapshot back from there for Days. It is for
	// clients that are a Thawer.
	StepThaw StepKind = "thaw"
	// StepRegister and StepDeregister are for drivers whose clients are Imagers.
	StepRegister   StepKind = "register" // an image of copies
	StepDeregister StepKind = "deregister"
)

// makes says whether a step makes what a second call would make once more.
func (s *Step) makes() bool {
	return s.Kind == StepSnapshot || s.Kind == StepCopy || s.Kind.runsScript()
}

// key says what a step that makes something is to make.
func (s *Step) key() string {
	if s.Kind.runsScript() {
		return s.Comment
	}
	return s.Tags[tagKey]
}
