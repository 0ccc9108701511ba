package awscall

import (
	"errors"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/internal/awserr"
)

// Wrap tells the failure of a call that may be repeated. What says which call
// of what, such as "DeleteSnapshot snap-1". Errors.Is finds backup's sentinel,
// if one fits, and errors.As AWS's own error. Nil stays nil.
func Wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	e := &callError{what: what, err: err}
	switch awserr.Classify(err) {
	case awserr.Throttled:
		e.kind = backup.ErrThrottled
	case awserr.Denied:
		e.kind = backup.ErrDenied
		if outOfTime(err) {
			e.kind = backup.ErrClock
		}
	case awserr.NotFound:
		e.kind = backup.ErrNotFound
	case awserr.Quota:
		e.kind = backup.ErrQuota
	case awserr.Unsupported:
		e.kind = backup.ErrUnsupported
	case awserr.Other, awserr.Unknown:
	}
	return e
}

// clockTolerance is what the engine tolerates, see backup.ErrClock. EC2 refuses
// what is signed at a time that is 15 minutes off (EC2 API Reference, "Error
// codes", RequestExpired).
const clockTolerance = 5 * time.Minute

// outOfTime says whether a request was refused for the time it was signed at
// because this machine's clock is wrong: the same code is that of credentials
// that have expired. The SDK corrects itself from the next request on.
func outOfTime(err error) bool {
	var answer *smithyhttp.ResponseError
	if awserr.Code(err) != "RequestExpired" || !errors.As(err, &answer) || answer.Response == nil {
		return false
	}
	theirs, err := smithyhttp.ParseTime(answer.Response.Header.Get("Date"))
	return err == nil && time.Since(theirs).Abs() > clockTolerance
}

// WrapCreate tells the failure of a call that was sent once because it makes
// something. Beyond Wrap, it is a backup.ErrUnknownOutcome if it is open
// whether the call had its effect.
func WrapCreate(what string, err error) error {
	if err != nil && awserr.Classify(err) == awserr.Unknown {
		return &callError{what: what, kind: backup.ErrUnknownOutcome, err: err}
	}
	return Wrap(what, err)
}

// A callError is a failed call, in one line.
type callError struct {
	what string
	kind error // one of backup's sentinels, or nil
	err  error // as the SDK returned it
}

// Error returns "DeleteSnapshot snap-1: access denied: UnauthorizedOperation:
// You are not …". Of AWS's own error it tells the code and the message, of
// any other all it says; none of these holds what was sent.
func (e *callError) Error() string {
	parts := []string{e.what}
	if e.kind != nil {
		parts = append(parts, e.kind.Error())
	}
	if api := answer(e.err); api != nil {
		parts = append(parts, api.ErrorCode(), plain(api.ErrorMessage()))
	} else {
		parts = append(parts, plain(e.err.Error()))
	}
	return strings.Join(parts, ": ")
}

// answer returns the error that AWS answered the call with, or nil. An answer
// to another call inside, such as the AssumeRole that was to give the
// credentials, is not it: what stands around that one says what went wrong.
func answer(err error) smithy.APIError {
	operations := 0
	for ; err != nil && operations <= 1; err = errors.Unwrap(err) {
		switch e := err.(type) { //nolint:errorlint // each link is looked at by itself
		case *smithy.OperationError:
			operations++
		case smithy.APIError:
			return e
		}
	}
	return nil
}

// Unwrap returns the sentinel and AWS's error.
func (e *callError) Unwrap() []error {
	if e.kind == nil {
		return []error{e.err}
	}
	return []error{e.kind, e.err}
}

// plain cuts what EC2 appends to a refusal: the encoded message, kilobytes
// that tell the whole request to who may decode them (STS API Reference,
// DecodeAuthorizationMessage). errors.As still finds it.
func plain(message string) string {
	message, _, _ = strings.Cut(message, "Encoded authorization failure message")
	return strings.TrimRight(message, " .")
}
