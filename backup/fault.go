package backup

import (
	"errors"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/internal/awserr"
)

// A Fault is an error as a Job keeps it: what it was about and what it said.
// It is an error itself; errors.Is finds the sentinel that Kind names, while
// AWS's own error is only in the Event of the moment.
type Fault struct {
	Kind string `json:"kind,omitempty"` // the text of one of the Err… sentinels; empty for any other error
	Text string `json:"text"`           // what the error's own Error returned
}

// Error returns the text.
func (f *Fault) Error() string { return f.Text }

// Is says whether target is the sentinel that Kind names.
func (f *Fault) Is(target error) bool {
	for _, s := range sentinels {
		if target == s {
			return f.Kind == s.Error()
		}
	}
	return false
}

var sentinels = [...]error{
	ErrNotFound, ErrDenied, ErrThrottled, ErrQuota, ErrUnsupported, ErrUnknownOutcome, ErrWindow, ErrSnapshot,
	ErrManifest, ErrQuiesce, ErrKey, ErrImage, ErrClock,
}

// newFault keeps an error.
func newFault(err error) *Fault {
	f := &Fault{Text: err.Error()}
	if c := classOf(err); c != awserr.Other && !errors.Is(err, ErrClock) {
		f.Kind = sentinelOf(c).Error()
		return f
	}
	for _, s := range sentinels {
		if errors.Is(err, s) {
			f.Kind = s.Error()
			break
		}
	}
	return f
}

// classOf says what a driver's or a session's error is: by the sentinel that
// it wraps, or else by AWS's code. What stands in the way into an account
// counts as denied, whether AWS said so or nobody was asked; a clock may be set
// right any moment.
func classOf(err error) awserr.Class {
	if errors.Is(err, ErrClock) {
		return awserr.Unknown
	}
	for _, c := range []awserr.Class{
		awserr.Unknown, awserr.Throttled, awserr.Quota, awserr.Denied, awserr.NotFound, awserr.Unsupported,
	} {
		if errors.Is(err, sentinelOf(c)) {
			return c
		}
	}
	for _, refused := range []error{
		accounts.ErrNoRole, accounts.ErrUnknownAccount, accounts.ErrRegion, accounts.ErrRegionDisabled,
		accounts.ErrWrongAccount, accounts.ErrAccessDenied, accounts.ErrCredentials, accounts.ErrExpired,
		accounts.ErrSessionTooLong, accounts.ErrSessionPolicy,
	} {
		if errors.Is(err, refused) {
			return awserr.Denied
		}
	}
	return awserr.Classify(err)
}

func sentinelOf(c awserr.Class) error {
	switch c {
	case awserr.Throttled:
		return ErrThrottled
	case awserr.Denied:
		return ErrDenied
	case awserr.NotFound:
		return ErrNotFound
	case awserr.Quota:
		return ErrQuota
	case awserr.Unsupported:
		return ErrUnsupported
	case awserr.Unknown:
		return ErrUnknownOutcome
	default:
		panic("backup: no sentinel for " + c.String())
	}
}
