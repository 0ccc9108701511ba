// Package awserr says what kind of failure an AWS error is, in the one place
// where AWS's error codes are known.
//
// It looks at behaviour, not at types: a code is what ErrorCode returns, a
// status what HTTPStatusCode returns. So it works for every service, and for
// errors that were wrapped on their way.
package awserr

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/aws/smithy-go"
)

// A Class is what a caller can do about an error.
type Class int

const (
	// Other errors mean that the request was refused and will be again.
	Other Class = iota
	// Throttled requests had no effect and may be sent again, later and slower.
	Throttled
	// Denied: a permission, a key policy, credentials or the account itself stand against it.
	Denied
	// NotFound: what was named is not there, or not visible yet.
	NotFound
	// Quota: a limit on what goes on at once is reached. Time lifts it. Limits
	// that only a deletion or AWS Support lifts are Other.
	Quota
	// Unsupported: AWS does not do this here, at all.
	Unsupported
	// Unknown outcome: the request may have had its effect, or not. Look
	// before asking again what is not idempotent.
	Unknown
)

// String returns the class in words.
func (c Class) String() string {
	switch c {
	case Throttled:
		return "throttled"
	case Denied:
		return "denied"
	case NotFound:
		return "not found"
	case Quota:
		return "quota"
	case Unsupported:
		return "unsupported"
	case Unknown:
		return "unknown outcome"
	default:
		return "other"
	}
}

// Code returns AWS's code of an error, such as "RequestLimitExceeded", or ""
// if none of the errors in its tree has one.
func Code(err error) string {
	var coded interface{ ErrorCode() string }
	if errors.As(err, &coded) {
		return coded.ErrorCode()
	}
	return ""
}

// Classify says what an error is. Nil is Other. A code decides if there is
// one; then the HTTP status; then whether the answer was lost on the way:
// a timeout, a cancelled call, a broken connection, a body cut short.
func Classify(err error) Class {
	if err == nil {
		return Other
	}
	if code := Code(err); code != "" {
		if c, ok := ofCode(code); ok {
			return c
		}
	}
	var status interface{ HTTPStatusCode() int }
	if errors.As(err, &status) {
		switch s := status.HTTPStatusCode(); {
		case s == 429: // Too Many Requests (RFC 6585)
			return Throttled
		case s >= 500:
			return Unknown
		}
	}
	if lost(err) {
		return Unknown
	}
	return Other
}

// ofCode looks a code up; codes of one family share a prefix or a suffix.
func ofCode(code string) (Class, bool) {
	if c, ok := classes[code]; ok {
		return c, true
	}
	switch {
	case strings.HasSuffix(code, ".NotFound"), strings.HasSuffix(code, "NotFoundException"):
		return NotFound, true
	case strings.HasPrefix(code, "Insufficient") && strings.HasSuffix(code, "Capacity"):
		return Quota, true
	}
	return Other, false
}

// lost reports whether the request may have arrived though no answer did.
// A request that was certainly never sent (no such host) counts too: asking
// what came of it costs one listing, doubling a snapshot costs money.
func lost(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return true
	}
	var (
		broken   net.Error                           // timeouts, resets, refused connections, failed lookups
		unsent   interface{ ConnectionError() bool } // smithy-go: no answer came
		given    interface{ CanceledError() bool }   // smithy-go: the call was given up
		unparsed *smithy.DeserializationError        // an answer came, and could not be read
	)
	return errors.As(err, &broken) ||
		errors.As(err, &unsent) && unsent.ConnectionError() ||
		errors.As(err, &given) && given.CanceledError() ||
		errors.As(err, &unparsed)
}
