package awscall_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/internal/awscall"
)

// operation wraps an answer as the SDK does.
func operation(name string, status int, err error) error {
	return &smithy.OperationError{ServiceID: "EC2", OperationName: name, Err: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: err,
	}}
}

func api(code, message string) error { return &smithy.GenericAPIError{Code: code, Message: message} }

func TestWrap(t *testing.T) {
	refused := operation("DeleteSnapshot", 403, api("UnauthorizedOperation", "You may not. Encoded authorization failure message: c2VjcmV0"))
	assume := operation("DeleteSnapshot", 0, fmt.Errorf("get credentials: hop 1: %w", operation("AssumeRole", 403, api("AccessDenied", "no"))))
	tests := map[string]struct {
		err, kind error
		text      string
	}{
		"refused":             {refused, backup.ErrDenied, "delete snap-1: access denied: UnauthorizedOperation: You may not"},
		"refused again":       {&retry.MaxAttemptsError{Attempt: 5, Err: refused}, backup.ErrDenied, "delete snap-1: access denied: UnauthorizedOperation: You may not"},
		"gone":                {operation("X", 400, api("InvalidSnapshot.NotFound", "gone")), backup.ErrNotFound, "delete snap-1: not found: InvalidSnapshot.NotFound: gone"},
		"too fast":            {operation("X", 503, api("RequestLimitExceeded", "slow")), backup.ErrThrottled, "delete snap-1: throttled: RequestLimitExceeded: slow"},
		"too much":            {operation("X", 400, api("ResourceLimitExceeded", "20")), backup.ErrQuota, "delete snap-1: quota reached: ResourceLimitExceeded: 20"},
		"not here":            {operation("X", 400, api("UnsupportedOperation", "no")), backup.ErrUnsupported, "delete snap-1: not supported: UnsupportedOperation: no"},
		"wrong":               {operation("X", 400, api("InvalidParameterValue", "x")), nil, "delete snap-1: InvalidParameterValue: x"},
		"no such role":        {assume, backup.ErrDenied, "delete snap-1: access denied: " + assume.Error()},
		"no answer":           {errors.New("x"), nil, "delete snap-1: x"},
		"broken, may be sent": {operation("X", 500, api("InternalError", "x")), nil, "delete snap-1: InternalError: x"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := awscall.Wrap("delete snap-1", test.err)
			require.EqualError(t, err, test.text)
			require.ErrorIs(t, err, test.err)
			for _, sentinel := range []error{
				backup.ErrDenied, backup.ErrNotFound, backup.ErrThrottled, backup.ErrQuota, backup.ErrUnsupported, backup.ErrUnknownOutcome,
			} {
				require.Equal(t, sentinel == test.kind, errors.Is(err, sentinel), "%v", sentinel)
			}
		})
	}
	require.NoError(t, awscall.Wrap("x", nil))
	require.NoError(t, awscall.WrapCreate("x", nil))
}

func TestWrapCreate(t *testing.T) {
	lost := operation("CopySnapshot", 500, api("InternalError", "x"))
	require.ErrorIs(t, awscall.WrapCreate("copy", lost), backup.ErrUnknownOutcome)
	require.EqualError(t, awscall.WrapCreate("copy", lost), "copy: the answer was lost: InternalError: x")
	throttled := awscall.WrapCreate("copy", operation("CopySnapshot", 503, api("RequestLimitExceeded", "x")))
	require.ErrorIs(t, throttled, backup.ErrThrottled)
	require.NotErrorIs(t, throttled, backup.ErrUnknownOutcome)
}

// Only the date of the answer tells a wrong clock from credentials that have expired.
func TestARequestOutOfTime(t *testing.T) {
	for name, test := range map[string]struct {
		date string
		want error
	}{
		"the clock is behind":   {time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), backup.ErrClock},
		"the clock is ahead":    {time.Now().Add(-16 * time.Minute).UTC().Format(http.TimeFormat), backup.ErrClock},
		"the clock is right":    {time.Now().UTC().Format(http.TimeFormat), backup.ErrDenied},
		"the answer is undated": {"", backup.ErrDenied},
		"the date is none":      {"tomorrow", backup.ErrDenied},
	} {
		err := awscall.Wrap("list", &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: 400, Header: http.Header{"Date": {test.date}}}},
			Err:      api("RequestExpired", "Request has expired."),
		})
		require.ErrorIs(t, err, test.want, name)
		require.Equal(t, test.want == backup.ErrClock, awscall.Repeat().IsErrorRetryable(err), name)
		require.False(t, awscall.Once().IsErrorRetryable(err), name)
		require.NotErrorIs(t, err, map[error]error{backup.ErrClock: backup.ErrDenied, backup.ErrDenied: backup.ErrClock}[test.want], name)
	}
	require.ErrorIs(t, awscall.Wrap("list", api("RequestExpired", "x")), backup.ErrDenied)
}

func TestRetryers(t *testing.T) {
	require.Equal(t, 1, awscall.Once().MaxAttempts())
	require.Equal(t, 5, awscall.Repeat().MaxAttempts())
	lost := operation("X", 500, api("InternalError", "x"))
	require.False(t, awscall.Once().IsErrorRetryable(lost))
	require.True(t, awscall.Repeat().IsErrorRetryable(lost))
	// Far more failures than the SDK's quota of 500 tokens would bear.
	r := awscall.Repeat()
	for range 1000 {
		_, err := r.GetRetryToken(t.Context(), lost)
		require.NoError(t, err)
	}
}
