package backup

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/snapkeep/snapkeep/accounts"
)

// What a failure is, for errors.Is. Drivers wrap these around AWS's own
// error, which errors.As still finds.
var (
	ErrNotFound       = errors.New("not found")
	ErrDenied         = errors.New("access denied")
	ErrThrottled      = errors.New("throttled")
	ErrQuota          = errors.New("quota reached")
	ErrUnsupported    = errors.New("not supported")
	ErrUnknownOutcome = errors.New("the answer was lost")
)

// What the engine itself finds wrong, for errors.Is.
var (
	// ErrWindow means that no original was made within Options.Window of the
	// run's moment, and none is made later: it would not be that moment's.
	ErrWindow = errors.New("the run's window has passed")
	// ErrSnapshot means that a snapshot was made and is no good: it ended in
	// state error, it disappeared, or it is not what was asked for.
	ErrSnapshot = errors.New("bad snapshot")
	// ErrDeadline means that a job will miss its plan's deadline, as far as can
	// be foreseen, or has missed it. It is told as an event and counts in the
	// report; the job goes on.
	ErrDeadline = errors.New("misses the plan's deadline")
	// ErrImage means that an image of a point was registered and is no good: AWS
	// bills it as something else than the instance, or it failed. It was
	// deregistered, if that could be done. The point itself is good.
	ErrImage = errors.New("bad image")
	// ErrUnproven means that only tags in the protected account, which anybody
	// there can write, speak of what an older run left: no copy in the vault, and
	// no Options.Journal. It is told as an event,
	// and the originals are left to retention; Run with that run's own moment,
	// while the plan selects the resource, copies them.
	ErrUnproven = errors.New("nothing in the vault proves it")
	// ErrKey means that a KMS key cannot be used for what a plan uses it for, as
	// KMS itself says: a copy of what is under it, or a copy under it, could only
	// fail. Where it can be, it is found before a snapshot is made. What is told
	// as an event is a *KeyError.
	ErrKey = errors.New("unusable KMS key")
	// ErrManifest means that a manifest is not what its digest or its point
	// says, or cannot be read.
	ErrManifest = errors.New("bad manifest")
	// ErrQuiesce means that a script could not bring an instance to rest, or
	// could not end that. In an event it may say that a point fell back.
	ErrQuiesce = errors.New("script failed")
)

// An Error is the failure of one piece of work: where, of what, how far it had come, and why.
type Error struct {
	Account  accounts.ID // of the site where it failed: 12 digits
	Region   string      // "eu-west-1"
	Resource string      // ARN; empty when a whole site failed
	Stage    Stage       // the last stage reached
	Err      error       // the cause; never nil
}

// Error returns "222222222222/eu-west-1: instance/i-1: after snapshotted: why".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(Site{e.Account, e.Region}.String())
	if e.Resource != "" {
		b.WriteString(": " + e.Resource[strings.LastIndex(e.Resource, ":")+1:])
	}
	if e.Stage != "" {
		b.WriteString(": after " + string(e.Stage))
	}
	return b.String() + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// errorText is the form of an Error in JSON.
type errorText struct {
	Account  accounts.ID `json:"account"`
	Region   string      `json:"region"`
	Resource string      `json:"resource,omitempty"`
	Stage    Stage       `json:"stage,omitempty"`
	Cause    *Fault      `json:"cause"`
}

// MarshalJSON keeps of the cause what a Fault does: its text and its sentinel.
func (e *Error) MarshalJSON() ([]byte, error) {
	return json.Marshal(errorText{e.Account, e.Region, e.Resource, e.Stage, newFault(e.Err)})
}

// UnmarshalJSON reads what MarshalJSON wrote. The cause is a *Fault then:
// errors.Is still finds its sentinel.
func (e *Error) UnmarshalJSON(b []byte) error {
	var t errorText
	if err := json.Unmarshal(b, &t); err != nil {
		return err
	}
	if t.Cause == nil {
		return errors.New("backup: an error without a cause")
	}
	*e = Error{t.Account, t.Region, t.Resource, t.Stage, t.Cause}
	return nil
}
