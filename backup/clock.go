package backup

import (
	"errors"
	"fmt"
	"time"
)

// maxSkew is how far AWS's clock and ours may lie apart.
const maxSkew = 5 * time.Minute

// ErrClock means that this machine's clock is more than five minutes off AWS's.
// What a run has made could not be told from what somebody else made at
// another time, and what a policy keeps would be another day's. Jobs lists
// none, Prune and Archive refuse their plans; Advance waits for the clock to be
// set right, as long as for anything else that fails.
var ErrClock = errors.New("this machine's clock is wrong")

// A Timekeeper is a Client that knows what time it is at AWS, whose answers are
// dated. Of one that is none, the engine takes the two clocks for alike.
type Timekeeper interface {
	// Ahead returns how far AWS's clock was ahead of this machine's when the
	// client was last answered; false if it has not been told.
	Ahead() (ahead time.Duration, known bool)
}

// aheadOf returns how far AWS's clock is ahead, as far as a client knows.
func aheadOf(c Client) time.Duration {
	if k, ok := c.(Timekeeper); ok {
		if ahead, known := k.Ahead(); known {
			return ahead
		}
	}
	return 0
}

// wrongClock returns an error if our clock was too far off when the listing was
// answered. Nothing that a listing shows can be trusted to be new, or old, then.
func (v *view) wrongClock() error {
	behind, than := v.ahead.Round(time.Second), "behind"
	if behind < 0 {
		behind, than = -behind, "ahead of"
	}
	if behind <= maxSkew {
		return nil
	}
	return fmt.Errorf("%w: it is %v %s AWS's", ErrClock, behind, than)
}

// rightClock returns an error if our clock was too far off when the places of a
// plan were last read, or if that is why they could not be.
func (e *Engine) rightClock(p Plan, unread error) error {
	if errors.Is(unread, ErrClock) {
		return unread
	}
	for _, at := range p.places() {
		for driver := range e.drivers {
			v := e.sight(e.viewOfPlace(at, driver)).latest()
			if v == nil {
				continue // it could not be read, and nothing is done there
			}
			if err := v.wrongClock(); err != nil {
				return &Error{Account: at.site.Account, Region: at.site.Region, Err: err}
			}
		}
	}
	return nil
}
