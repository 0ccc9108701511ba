package ebs

import (
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"

	"github.com/snapkeep/snapkeep/backup"
)

var _ backup.Timekeeper = (*client)(nil)

// readClock takes AWS's time from the Date of an answer, which all its services
// send.
func (c *client) readClock(answer middleware.Metadata) {
	theirs, dated := awsmiddleware.GetServerTime(answer)
	ours, timed := awsmiddleware.GetResponseAt(answer)
	if dated && timed {
		ahead := theirs.Sub(ours)
		c.ahead.Store(&ahead)
	}
}

// Ahead returns how far AWS's clock was ahead when it last answered a listing.
func (c *client) Ahead() (time.Duration, bool) {
	if ahead := c.ahead.Load(); ahead != nil {
		return *ahead, true
	}
	return 0, false
}
