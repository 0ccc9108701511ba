package backup

import (
	"time"

	"github.com/snapkeep/snapkeep/internal/awserr"
)

const (
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute
	// quotaRetry is how soon a copy that AWS had no slot for is tried again.
	quotaRetry = 30 * time.Second
	// shareTries is how often a snapshot that was just made or shared may not
	// be found where it is to be used: five minutes in all.
	shareTries = 6
)

// forgive forgets attempts that came to nothing, after one that did not.
func (t *Trial) forgive() {
	t.Tries, t.Since, t.NotBefore, t.Looking = 0, time.Time{}, time.Time{}, false
}

// looked forgives listings that came to nothing, after one that did not. It
// forgives no calls: what they are decided on is listed between any two of
// them, so they would be tried for ever.
func (t *Trial) looked() {
	if t.Looking {
		t.forgive()
	}
}

// backoff is how long to wait after so many attempts in a row that failed.
func backoff(tries int) time.Duration { return min(firstRetry<<min(tries-1, 10), lastRetry) }

// failed notes an attempt that came to nothing. It reports whether another one
// makes no sense.
func (t *Trial) failed(c awserr.Class, step *Step, o Options, now time.Time) bool {
	if t.Since.IsZero() {
		t.Since, t.Looking = now, step == nil
	}
	limit := o.Patience
	switch c {
	case awserr.Throttled:
		t.NotBefore = now.Add(firstRetry)
		limit = 0
	case awserr.Quota:
		t.NotBefore = now.Add(quotaRetry)
		limit = 0
	case awserr.NotFound:
		if step == nil || step.Kind != StepCopy && step.Kind != StepShare && step.Kind != StepRegister {
			return true
		}
		limit = min(limit, shareTries)
		fallthrough
	case awserr.Unknown:
		t.Tries++
		t.NotBefore = now.Add(backoff(t.Tries))
	default:
		return true
	}
	return limit > 0 && t.Tries > limit || now.Sub(t.Since) > o.Window
}
