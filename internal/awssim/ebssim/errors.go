package ebssim

import (
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/ebs/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// Errors carry a reason. The EBS direct APIs Reference lists the reasons but
// not what each is for, and hardly any text; where no source is named, the
// reason is the one whose name fits.

func failure(status int, code, reason, format string, args ...any) *core.Error {
	e := &core.Error{Code: code, Message: fmt.Sprintf(format, args...), Status: status}
	if reason != "" {
		e.Members = map[string]string{"Reason": reason}
	}
	return e
}

func invalid(reason types.ValidationExceptionReason, format string, args ...any) error {
	return failure(http.StatusBadRequest, "ValidationException", string(reason), format, args...)
}

func invalidValue(format string, args ...any) error {
	return invalid(types.ValidationExceptionReasonInvalidParameterValue, format, args...)
}

func missing(member string) error { return invalidValue("%s is required", member) }

func notFound(id string) error {
	return failure(http.StatusNotFound, "ResourceNotFoundException", string(types.ResourceNotFoundExceptionReasonSnapshotNotFound),
		"The snapshot '%s' does not exist.", id)
}

func unauthorized(id string) error {
	return failure(http.StatusForbidden, "AccessDeniedException", string(types.AccessDeniedExceptionReasonUnauthorizedAccount),
		"The account is not authorized to access the snapshot '%s'.", id)
}

// unusable is the state of a snapshot that does not allow a call.
func unusable(id, why string) error {
	return invalid(types.ValidationExceptionReasonInvalidSnapshotId, "The snapshot '%s' %s.", id, why)
}

func tooManyPending(limit int) error {
	return failure(http.StatusBadRequest, "ConcurrentLimitExceededException", "",
		"You have reached the limit of %d pending snapshots.", limit)
}

func quotaExceeded(cause error) error {
	return failure(http.StatusPaymentRequired, "ServiceQuotaExceededException",
		string(types.ServiceQuotaExceededExceptionReasonDependencyServiceQuotaExceeded), "%v", cause)
}

func conflict() error {
	return failure(http.StatusConflict, "ConflictException", "",
		"The request uses the same client token as a previous, but non-identical request.")
}
