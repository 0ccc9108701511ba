package backup

import (
	"fmt"
	"slices"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
)

// A world is what a decision knows: the time, the rules and the listings it
// has asked for. Deciding makes no call and reads no clock.
type world struct {
	now    time.Time
	rules  rules
	driver int // of the job's kind of resource
	views  map[viewID]*view
	// hanging are listings that others have begun and that take long, with when it
	// is worth asking again.
	hanging map[viewID]time.Time
	// commands is what was seen of the job's scripts, if it was asked for.
	commands *commandSight
	// reached collects the stages that the job reaches in this decision, notes
	// what else is to be told.
	reached []Stage
	notes   []error
	// slots returns how many more copies a site may take now.
	slots func(Site, *view) int
	// busy says whether those who wait for slots of a site, which a listing is of,
	// will keep all of them in use for a while.
	busy func(viewID) bool
	// room returns how many more originals may be pending in a site.
	room func(Site, *view) int
	// turn returns after how many listings it is worth asking again for what
	// others wait for too: roomCopies or roomOriginals.
	turn func(Site, *view, int) int
}

// rules are the options that decisions depend on.
type rules struct {
	maxAge  time.Duration
	maxPoll time.Duration // no less than maxAge
	grace   time.Duration
	settle  time.Duration
	window  time.Duration
	// manifests says that manifests are captured and stored.
	manifests bool
	// throughput of time-based copies between two Regions, in MiB/s.
	throughput float64
}

// A verdict is what to do next about a job: one of look, ask, call, wait and end.
type verdict struct {
	// need is a listing to fetch, if there is none that is good enough for the
	// wish.
	need *viewID
	wish wish
	// ask says that the commands sent for the job are to be looked at.
	ask bool
	// step is the call to make, at and as what it is made; fold takes the answer in.
	step *Step
	at   actor
	fold fold
	// keep is what to do about the manifest, instead of a call.
	keep keeping
	// scope says what has failed if the listing or the call fails for good.
	scope scope
	// until is when to decide again, because of waiting.
	until   time.Time
	waiting string
	lines   []lineID  // whose next listing may tell more, or room there
	timer   time.Time // when to decide again whatever is listed; zero: never
	// end says that the job's stage is final.
	end bool
}

// An actor is where a call is made, and as what.
type actor struct {
	site    Site
	purpose accounts.Purpose
	// narrow says that the session is held down to what this run made.
	narrow bool
}

// A fold says what the answer of a call is the answer to.
type fold struct {
	member int
	copy   int // index into Copies; -1: in the protected account
}

// A scope is a part of a job that fails or succeeds by itself.
type scope struct {
	kind scopeKind
	i    int
}

type scopeKind int

const (
	scopeSource   scopeKind = iota // without it there is no point
	scopeCopy                      // one destination
	scopeShare                     // one account shared with
	scopeTidy                      // the removal of what is no longer needed
	scopeManifest                  // what a restore needs beyond blocks
	scopeQuiesce                   // bringing the resource to rest, and following its scripts
	scopeResume                    // ending that
	scopeLock                      // the locks of one destination, or of the originals
	scopeImage                     // of the copies at one destination
)

func (j *Job) trial(s scope) *Trial {
	switch s.kind {
	case scopeCopy:
		return &j.Copies[s.i].Trial
	case scopeShare:
		return &j.Shares[s.i].Trial
	case scopeTidy:
		return &j.Tidy
	case scopeManifest:
		return &j.Manifest.Trial
	case scopeQuiesce:
		return &j.Quiesce.Trial
	case scopeResume:
		return &j.Quiesce.Resuming
	case scopeLock:
		return j.locking(s.i)
	case scopeImage:
		return &j.Copies[s.i].Image.Trial
	default:
		return &j.Source
	}
}

// decide looks at a job and at what is listed, notes in the job what it sees,
// and says what to do next. It is the whole of the engine's mind: a job that
// goes well, one that was interrupted and one that was lost and found again by
// its tags all come through here.
func decide(j *Job, w *world) *verdict {
	if j.Done() {
		return &verdict{end: true}
	}
	d := &decision{j: j, w: w, verified: make([]bool, len(j.Copies)), unseen: make([]bool, len(j.Copies))}
	for _, phase := range []func() *verdict{
		d.resume, d.survey, d.originals, d.lockOriginals, d.rekey, d.copies, d.lockCopies, d.revoke, d.tidy, d.images,
	} {
		if v := phase(); v != nil {
			return v
		}
	}
	return d.finish()
}

// A decision is one run of decide.
type decision struct {
	j        *Job
	w        *world
	verified []bool    // by destination
	unseen   []bool    // by destination: it may have copies that the job does not know of
	later    time.Time // when what is waited for may have come
	why      string    // what is waited for
	lines    []lineID  // those that the job waits in
	timer    time.Time // the earliest moment waited for that is no listing's
}

// wait notes that something can go on at t.
func (d *decision) wait(t time.Time, why string, args ...any) {
	if d.timer.IsZero() || t.Before(d.timer) {
		d.timer = t
	}
	d.delay(t, why, args...)
}

// waitIn notes that something can go on once there is a listing, or room: at t,
// as it seems now.
func (d *decision) waitIn(l lineID, t time.Time, why string, args ...any) {
	d.lines = append(d.lines, l)
	d.delay(t, why, args...)
}

func (d *decision) delay(t time.Time, why string, args ...any) {
	if d.later.IsZero() || t.Before(d.later) {
		d.later, d.why = t, fmt.Sprintf(why, args...)
	}
}

// paused says whether the next attempt at s has to wait, and notes until when.
func (d *decision) paused(s scope) bool {
	t := d.j.trial(s)
	if !t.NotBefore.After(d.w.now) {
		return false
	}
	d.wait(t.NotBefore, "another attempt, after %d without success", max(t.Tries, 1))
	return true
}

// fail gives a part of the job up.
func (d *decision) fail(s scope, err error) {
	if t := d.j.trial(s); t.Fault == nil {
		t.Fault = newFault(err)
	}
}

// reach notes a stage that all parts of the job have reached.
func (d *decision) reach(s Stage) {
	if slices.Index(stages, s) > slices.Index(stages, d.j.Reached) {
		d.j.Reached, d.j.Stage = s, s
		d.w.reached = append(d.w.reached, s)
	}
}

func (d *decision) sourceView() viewID {
	return viewID{site: d.j.Resource.Site, purpose: accounts.Backup, driver: d.w.driver}
}

func (d *decision) sharedView(with accounts.ID) viewID {
	return viewID{site: d.j.Resource.Site, purpose: accounts.Backup, shared: with, driver: d.w.driver}
}

func (d *decision) copyView(i int) viewID {
	return viewID{site: d.j.Copies[i].Site, purpose: accounts.VaultWriter, driver: d.w.driver}
}

// fresh says that nothing can have been made for this job but what it knows.
func (d *decision) fresh() bool { return d.j.Believe.IsZero() }

// survey looks for copies first, where the job may not be the first of its
// run: what has copies needs no original any more.
func (d *decision) survey() *verdict {
	if d.fresh() || !d.j.Surveyed.IsZero() {
		return nil
	}
	all := true
	for i := range d.j.Copies {
		s := scope{scopeCopy, i}
		if d.j.trial(s).Fault != nil {
			continue
		}
		v, need := d.look(d.copyView(i), d.j.Believe, s)
		switch {
		case need != nil:
			return need
		case v == nil:
			all, d.unseen[i] = all && d.j.trial(s).Fault != nil, true
		default:
			d.adoptCopies(i, v)
		}
	}
	if all {
		d.j.Surveyed = d.w.now
	}
	return nil
}

// miss takes note of an original or intermediate that has disappeared. If the
// destinations were not looked at since it was last seen, it may have been
// deleted after it was copied, by who advanced a newer form of this job; then
// it is not needed any more.
func (d *decision) miss(t Trace, err error) {
	if !d.j.Surveyed.Before(t.Seen) {
		d.fail(scope{kind: scopeSource}, err)
		return
	}
	d.j.Surveyed = time.Time{}
	d.j.doubt(d.w.now)
	if !slices.Contains(d.unseen, true) { // else survey waits
		d.wait(d.w.now, "another look at the destinations")
	}
}

// A sighting is what a listing says of a snapshot that the job knows.
type sighting int

const (
	pending sighting = iota
	completed
	failed
	gone
)

// sight brings a trace up to date. A snapshot that was made a short while ago
// and is not listed is pending, not gone: listings lag (EC2 Developer Guide,
// "Eventual consistency"). Nor is one gone that a single listing lacks, however
// long ago the one before was: all of grace must lack it, and a listing of all
// after it.
func (d *decision) sight(t *Trace, v *view) (Snapshot, sighting) {
	s, ok := v.snapshot(t.Snapshot)
	if !ok {
		if v.begun.Sub(t.Seen) > d.w.rules.settle && t.Missed.IsZero() {
			t.Missed = v.begun
		}
		if !t.Missed.IsZero() && v.whole.Sub(t.Missed) > d.w.rules.grace {
			return s, gone
		}
		return s, pending
	}
	seen := v.seen(s.Started)
	t.Missed = time.Time{}
	if seen.After(t.Seen) {
		t.Seen = seen
	}
	if !s.Started.IsZero() {
		t.Started = s.Started
	}
	t.Completed, t.Failed = s.State == SnapshotCompleted, s.State == SnapshotError
	if (t.Completed || t.Failed) && t.Ended.IsZero() {
		t.Ended = seen
	}
	switch {
	case t.Failed:
		return s, failed
	case t.Completed:
		return s, completed
	}
	return s, pending
}

// bad describes a snapshot that is no good.
func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrSnapshot, fmt.Sprintf(format, args...))
}

// saying returns AWS's StateMessage, introduced; nothing if there is none.
func saying(s Snapshot) string {
	if s.StateMessage == "" {
		return ""
	}
	return ": " + s.StateMessage
}

func traced(list []Trace) bool {
	return !slices.ContainsFunc(list, func(t Trace) bool { return t.Snapshot == "" })
}

func allCompleted(list []Trace) bool {
	return !slices.ContainsFunc(list, func(t Trace) bool { return t.Snapshot == "" || !t.Completed })
}
