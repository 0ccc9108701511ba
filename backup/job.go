package backup

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
)

// jobVersion is the Version of jobs that this package makes and takes.
const jobVersion = 1

// A Job is one resource's way through one run. It is plain data that survives
// JSON: a host may store it between two calls of Advance, and call Advance in
// another process. It carries all it needs; the plan is not asked again.
//
// What a Job remembers saves looking things up and bridges the time until
// listings show what was just made. It is never the only place where a fact
// is: if it is lost, the run is taken up again from the tags in the cloud.
type Job struct {
	// Version of this form; now 1.
	Version int `json:"version"`
	// Vault account of the engine that made the job. No other takes it.
	Vault accounts.ID `json:"vault"`
	// Plan and At are the run, see Job.Run.
	Plan string    `json:"plan"`
	At   time.Time `json:"at"` // UTC, in whole seconds
	// Point is the id of the recovery point that the job makes.
	Point string `json:"point"`
	// Resource with its members, as it was when the job was made, without its tags.
	Resource Resource `json:"resource"`
	// RekeyKey is the plan's RekeyKeys for the resource's Region.
	RekeyKey string `json:"rekeyKey,omitempty"`
	// RekeyFault is why RekeyKey cannot be used, as KMS said when the job was
	// made. Nil means that nothing is known against it.
	RekeyFault *Fault `json:"rekeyFault,omitempty"`
	// Deadline is when the job is to be done, by the plan. Zero means never.
	Deadline time.Time `json:"deadline,omitzero"`
	// Lock of the originals: the plan's. Nil means none.
	Lock *Lock `json:"lock,omitempty"`
	// Settle says that the job finishes what an older run left: it makes no
	// originals.
	Settle bool `json:"settle,omitempty"`

	// Quiesce is how the resource is brought to rest, and how far that has come;
	// nil if the plan does not ask for it.
	Quiesce *JobQuiesce `json:"quiesce,omitempty"`
	// Consistency of the originals; before they are made, what they shall be.
	Consistency Consistency `json:"consistency,omitempty"`

	// Originals and Rekeyed hold one Trace for each member, in their order.
	// Rekeyed is for members with a ManagedKey only.
	Originals []Trace `json:"originals"`
	Rekeyed   []Trace `json:"rekeyed"` // one for each member; zero for a member without a ManagedKey
	// Copies are the destinations that are due.
	Copies []JobCopy `json:"copies,omitempty"`
	// Shares are the accounts that the snapshots are shared with.
	Shares []JobShare `json:"shares,omitempty"`

	// Stage the job is at. Reached is the last one before Failed,
	// Unlocked, Unrevoked or Unimaged.
	Stage   Stage `json:"stage"`
	Reached Stage `json:"reached"` // equal to Stage until the job ends otherwise than Done
	// Believe is the moment from which a listing proves that something was
	// not made: what is missing in an older one may have been made by a call
	// whose answer nobody saw. Zero means that there was no such call.
	Believe time.Time `json:"believe,omitzero"`
	// Surveyed is when all destinations were last looked at to find copies that
	// the job does not know of. Zero means that this is to be done, unless
	// Believe is zero.
	Surveyed time.Time `json:"surveyed,omitzero"`
	// Ignored is how many snapshots claimed to be this job's and were not.
	Ignored int `json:"ignored,omitempty"`

	// Source is how work in the protected account goes, Tidy how the removal
	// of what failed or is no longer needed.
	Source Trial `json:"source,omitzero"`
	Tidy   Trial `json:"tidy,omitzero"` // given up, it ends the job Unrevoked and not Failed
	// Manifest is how far the job is with what a restore needs beyond blocks.
	Manifest JobManifest `json:"manifest,omitzero"`
	// Locking is how locking the originals goes. Given up, it ends the job Unlocked.
	Locking Trial `json:"locking,omitzero"`
	// Calls counts the calls made for this job by the name of the API.
	Calls map[string]int `json:"calls,omitempty"`
}

// A JobCopy is one destination of a job.
type JobCopy struct {
	Site   Site   `json:"site"`   // that owns the copies
	KMSKey string `json:"kmsKey"` // key ARN that the copies are written under
	// KeyFault is why KMSKey cannot be used, as KMS said when the job was made:
	// no copy is begun. Nil means that nothing is known against it.
	KeyFault *Fault `json:"keyFault,omitempty"`
	// KeySeen says that KMS described KMSKey when the job was made, and had
	// nothing against it.
	KeySeen bool `json:"keySeen,omitempty"`
	// KeyRefused says that KMS would not describe KMSKey to who copies.
	KeyRefused bool `json:"keyRefused,omitempty"`
	// HiddenKeys are the keys that copies are read under and that KMS would not
	// describe to who copies.
	HiddenKeys []string `json:"hiddenKeys,omitempty"`
	// Snapshots holds one Trace for each member.
	Snapshots []Trace `json:"snapshots"`
	// Image of the copies, nil where the plan wants none.
	Image *JobImage `json:"image,omitempty"`
	// Spoiled holds copies of an earlier attempt that ended in state error: they
	// are made again, and these removed.
	Spoiled []Trace `json:"spoiled,omitempty"`
	Trial   Trial   `json:"trial,omitzero"` // of all that is done there, but for locks
	// Lock of the copies: the destination's. Nil means none.
	Lock *Lock `json:"lock,omitempty"`
	// Locking is how that goes. Given up, it ends the job Unlocked.
	Locking Trial `json:"locking,omitzero"`
	// CompletionMinutes of time-based copies; zero for others.
	CompletionMinutes int `json:"completionMinutes,omitempty"`
	// Expected holds how long copying each member is expected to take, from the
	// last copy of it there. None means that there was none.
	Expected []time.Duration `json:"expected,omitempty"`
	// Abandoned says that after a failure the destination could not even be
	// looked at any more.
	Abandoned bool `json:"abandoned,omitempty"`
}

// A JobShare is one account that snapshots are shared with while it copies them.
type JobShare struct {
	Account accounts.ID `json:"account"` // 12 digits: the account of a destination
	// Shared and Revoked list snapshots by id.
	Shared  []string `json:"shared,omitempty"`
	Revoked []string `json:"revoked,omitempty"` // taken back, and not shared again since
	Trial   Trial    `json:"trial,omitzero"`    // of the calls that share and revoke
}

// A Trace is what a job knows of one snapshot.
type Trace struct {
	Snapshot string `json:"snapshot,omitempty"` // its id; empty while none is known
	// Seen is when a listing last showed it, or else when the answer to the
	// call that made it came.
	Seen time.Time `json:"seen,omitzero"`
	// Missed is when the first listing since Seen was begun, if it lacked the
	// snapshot, though Options.Settle had passed. Zero means that none did.
	Missed time.Time `json:"missed,omitzero"`
	// Started is the snapshot's StartTime.
	Started time.Time `json:"started,omitzero"`
	// Ended is when a listing first showed that it was at its end, completed or
	// in error; for one that was found so, when it was found.
	Ended     time.Time `json:"ended,omitzero"`
	Completed bool      `json:"completed,omitempty"` // state completed, when last listed
	Failed    bool      `json:"failed,omitempty"`    // state error
	Deleted   bool      `json:"deleted,omitempty"`   // by the job, or listed no more
	// Locked is until when it is locked, at least. Zero means that the job has
	// not locked it, nor seen that it is.
	Locked time.Time `json:"locked,omitzero"`
}

// A Trial is how attempts at something have gone.
type Trial struct {
	// Tries is how many in a row came to nothing, Since when the first did.
	Tries int       `json:"tries,omitempty"`
	Since time.Time `json:"since,omitzero"` // zero if none did; being throttled counts here, but is no try
	// NotBefore is when the next one may be made.
	NotBefore time.Time `json:"notBefore,omitzero"`
	// Looking says that they were listings, not calls that change something.
	Looking bool `json:"looking,omitempty"`
	// Fault is why it was given up.
	Fault *Fault `json:"fault,omitempty"`
}

// Run returns the run's id, as in the tag snapkeep:run.
func (j Job) Run() string { return RunID(j.Plan, j.At) }

// SizeGiB returns the size of all members together.
func (j Job) SizeGiB() int64 { return j.Resource.sizeGiB() }

// Done says whether there is nothing left to do.
func (j Job) Done() bool { return j.Stage == Done || j.Stage.unwell() }

// Err returns why the job ended Failed, Unlocked, Unrevoked or Unimaged, as an
// *Error; else nil.
func (j Job) Err() error {
	if !j.Stage.unwell() {
		return nil
	}
	return &Error{j.Resource.Site.Account, j.Resource.Site.Region, j.Resource.ARN, j.Reached, errors.Join(j.faults()...)}
}

// faults returns all that went wrong for good, the worst first.
func (j Job) faults() []error {
	var errs []error
	add := func(prefix string, t Trial) {
		if t.Fault != nil {
			errs = append(errs, &Fault{t.Fault.Kind, prefix + t.Fault.Text})
		}
	}
	add("", j.Source)
	for _, c := range j.Copies {
		add("copy to "+c.Site.String()+": ", c.Trial)
		if c.Image != nil {
			add("image at "+c.Site.String()+": "+c.Image.complaint(), c.Image.Trial)
		}
	}
	add(unlockedFor(j.Resource.Site, j.Lock, j.Originals), j.Locking)
	for _, c := range j.Copies {
		add(unlockedFor(c.Site, c.Lock, c.Snapshots), c.Locking)
	}
	for _, s := range j.Shares {
		add("share with "+s.Account.String()+": ", s.Trial)
	}
	add("clean up: ", j.Tidy)
	if j.Quiesce != nil {
		add("", j.Quiesce.Resuming)
	}
	return errs
}

// clone returns a copy that shares nothing a decision writes to.
func (j Job) clone() Job {
	j.Resource.Members = slices.Clone(j.Resource.Members)
	j.Originals, j.Rekeyed = slices.Clone(j.Originals), slices.Clone(j.Rekeyed)
	j.Copies, j.Shares = slices.Clone(j.Copies), slices.Clone(j.Shares)
	for i := range j.Copies {
		j.Copies[i].Snapshots = slices.Clone(j.Copies[i].Snapshots)
		j.Copies[i].Spoiled = slices.Clone(j.Copies[i].Spoiled)
		j.Copies[i].Image = j.Copies[i].Image.clone()
	}
	for i := range j.Shares {
		j.Shares[i].Shared = slices.Clone(j.Shares[i].Shared)
		j.Shares[i].Revoked = slices.Clone(j.Shares[i].Revoked)
	}
	j.Calls, j.Quiesce = maps.Clone(j.Calls), j.Quiesce.clone()
	return j
}

// check refuses a job that this engine cannot have made.
func (j Job) check(vault accounts.ID) error {
	n := len(j.Resource.Members)
	switch {
	case j.Version != jobVersion:
		return fmt.Errorf("backup: job of version %d, want %d", j.Version, jobVersion)
	case j.Vault != vault:
		return fmt.Errorf("backup: job of vault %q, this engine's is %q", j.Vault, vault)
	case !isPlanName(j.Plan) || j.At.IsZero() || j.Point != pointID(vault, j.Run(), j.Resource.ARN):
		return fmt.Errorf("backup: job of plan %q: its point %q is not that of its run and resource", j.Plan, j.Point)
	case n == 0 || len(j.Originals) != n || len(j.Rekeyed) != n:
		return fmt.Errorf("backup: job %s: %d members, %d originals, %d rekeyed", j.Point, n, len(j.Originals), len(j.Rekeyed))
	case j.Manifest.Digest != "" && j.manifestRef(j.Manifest.Digest).Validate() != nil:
		return fmt.Errorf("backup: job %s: its manifest's digest is none", j.Point)
	case !slices.Contains(stages, j.Stage):
		return fmt.Errorf("backup: job %s: unknown stage %q", j.Point, j.Stage)
	}
	for _, c := range j.Copies {
		if len(c.Snapshots) != n {
			return fmt.Errorf("backup: job %s: %d members, %d snapshots at %s", j.Point, n, len(c.Snapshots), c.Site)
		}
		if c.Site.Account != j.Resource.Site.Account && j.share(c.Site.Account) == nil {
			return fmt.Errorf("backup: job %s: copies to %s and shares nothing with it", j.Point, c.Site)
		}
	}
	return nil
}

// share returns the share with an account, nil if the job has none.
func (j *Job) share(id accounts.ID) *JobShare {
	for i := range j.Shares {
		if j.Shares[i].Account == id {
			return &j.Shares[i]
		}
	}
	return nil
}

// newJob returns a job for a resource at the beginning of its way.
func newJob(vault accounts.ID, plan string, at time.Time, r Resource) Job {
	r.Tags = nil
	j := Job{
		Version: jobVersion, Vault: vault, Plan: plan, At: at, Resource: r, Stage: Planned, Reached: Planned,
		Originals: make([]Trace, len(r.Members)), Rekeyed: make([]Trace, len(r.Members)),
	}
	j.Point = pointID(vault, j.Run(), r.ARN)
	return j
}

// addCopy makes a destination due.
func (j *Job) addCopy(c Copy) {
	made := JobCopy{
		Site: c.Site(), KMSKey: c.KMSKey, CompletionMinutes: c.CompletionMinutes, Lock: c.Lock, Snapshots: make([]Trace, len(j.Resource.Members)),
	}
	if c.Image && j.Resource.Kind == kindImaged {
		made.Image = &JobImage{}
	}
	j.Copies = append(j.Copies, made)
}

// addShare adds an account that the snapshots are, or may be, shared with.
func (j *Job) addShare(id accounts.ID) {
	if id != j.Resource.Site.Account && j.share(id) == nil {
		j.Shares = append(j.Shares, JobShare{Account: id})
	}
}
