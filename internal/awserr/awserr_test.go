package awserr_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"testing"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awserr"
)

// answered wraps an error as the SDK does when AWS answered with a status.
func answered(status int, err error) error {
	return &smithy.OperationError{ServiceID: "EC2", OperationName: "CopySnapshot", Err: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
		Err:      err,
	}}
}

func coded(code string) error { return &smithy.GenericAPIError{Code: code, Message: "m"} }

func TestClassify(t *testing.T) {
	reset := &url.Error{Op: "Post", URL: "https://ec2", Err: &net.OpError{Op: "read", Err: syscall.ECONNRESET}}
	for name, test := range map[string]struct {
		err  error
		want awserr.Class
	}{
		"nil":                                 {nil, awserr.Other},
		"a plain error":                       {errors.New("x"), awserr.Other},
		"a code nobody knows":                 {answered(400, coded("InvalidParameterValue")), awserr.Other},
		"a limit that waiting does not lift":  {answered(400, coded("SnapshotLimitExceeded")), awserr.Other},
		"throttled with a status of 503":      {answered(503, coded("RequestLimitExceeded")), awserr.Throttled},
		"per volume":                          {answered(400, coded("SnapshotCreationPerVolumeRateExceeded")), awserr.Throttled},
		"throttled without a code":            {answered(429, errors.New("x")), awserr.Throttled},
		"EC2 denies":                          {answered(403, coded("UnauthorizedOperation")), awserr.Denied},
		"STS denies":                          {answered(403, coded("AccessDenied")), awserr.Denied},
		"STS is off in the Region":            {coded("RegionDisabledException"), awserr.Denied},
		"a snapshot is not there":             {answered(400, coded("InvalidSnapshot.NotFound")), awserr.NotFound},
		"a family of codes":                   {coded("InvalidKeyPair.NotFound"), awserr.NotFound},
		"EBS direct does not find":            {coded("ResourceNotFoundException"), awserr.NotFound},
		"copy slots":                          {answered(400, coded("ResourceLimitExceeded")), awserr.Quota},
		"capacity with a status of 500":       {answered(500, coded("InsufficientInstanceCapacity")), awserr.Quota},
		"unsupported":                         {coded("UnsupportedOperation"), awserr.Unsupported},
		"an internal error":                   {answered(500, coded("InternalError")), awserr.Unknown},
		"500 with a code nobody knows":        {answered(500, coded("Strange")), awserr.Unknown},
		"502 from something in between":       {answered(502, errors.New("bad gateway")), awserr.Unknown},
		"a deadline":                          {fmt.Errorf("copy: %w", context.DeadlineExceeded), awserr.Unknown},
		"cancelled":                           {&smithy.CanceledError{Err: context.Canceled}, awserr.Unknown},
		"cancelled, as smithy says it":        {&smithy.CanceledError{Err: errors.New("x")}, awserr.Unknown},
		"a connection that was reset":         {reset, awserr.Unknown},
		"an answer that never came":           {&smithyhttp.RequestSendError{Err: errors.New("x")}, awserr.Unknown},
		"a body that ended early":             {fmt.Errorf("read: %w", io.ErrUnexpectedEOF), awserr.Unknown},
		"an answer that could not be read":    {&smithy.DeserializationError{Err: errors.New("x")}, awserr.Unknown},
		"a broken connection among several":   {errors.Join(errors.New("x"), reset), awserr.Unknown},
		"a refusal that arrived, body broken": {answered(400, errors.New("x")), awserr.Other},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, awserr.Classify(test.err), "%v", test.err)
		})
	}
}

func TestCodeLooksThroughWrapping(t *testing.T) {
	require.Equal(t, "InvalidSnapshot.InUse", awserr.Code(fmt.Errorf("delete: %w", answered(400, coded("InvalidSnapshot.InUse")))))
	require.Empty(t, awserr.Code(errors.New("x")))
	require.Empty(t, awserr.Code(nil))
}

func TestClassNames(t *testing.T) {
	seen := map[string]bool{}
	for c := awserr.Other; c <= awserr.Unknown; c++ {
		seen[c.String()] = true
	}
	require.Len(t, seen, 7)
}
