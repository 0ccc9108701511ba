package backup

// A Stage is how far a job has come. A job's stage is that of its least
// advanced member and destination.
type Stage string

// The stages, in order. A stage names what is done: a Copied job has all its
// copies completed, but not yet verified. Planned → Snapshotted (all
// originals completed) → Rekeyed (only where `aws/ebs` encrypts) → Shared →
// Copied → Verified → Revoked → Done. Unrevoked ends a job whose copies are
// safe and whose share or intermediates could not be removed, or whose instance
// may still be at rest, since the script that ends that failed; Unlocked one
// whose copies are safe and could not all be locked, see Job.Unlocked; Unimaged
// one that only lacks an image of its copies; Failed ends a
// job that did not make its point or did not reach all its destinations.
// A stage that a job has no need of is left out: one without copies goes from
// Snapshotted to Done.
const (
	Planned     Stage = "planned"
	Snapshotted Stage = "snapshotted"
	Rekeyed     Stage = "rekeyed"
	Shared      Stage = "shared"
	Copied      Stage = "copied"
	Verified    Stage = "verified"
	Revoked     Stage = "revoked"
	Done        Stage = "done"
	Unrevoked   Stage = "unrevoked"
	Unlocked    Stage = "unlocked"
	Unimaged    Stage = "unimaged"
	Failed      Stage = "failed"
)

// stages holds all stages, in order.
var stages = []Stage{Planned, Snapshotted, Rekeyed, Shared, Copied, Verified, Revoked, Done, Unrevoked, Unlocked, Unimaged, Failed}

// unwell says whether a job is at its end and something went wrong for good.
func (s Stage) unwell() bool { return s == Unrevoked || s == Unlocked || s == Unimaged || s == Failed }
