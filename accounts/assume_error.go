package accounts

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"
)

// An AssumeError says which step on the way into an account failed, and what
// to do about it. errors.Is finds the sentinel that fits (ErrAccessDenied,
// ErrExpired, …), errors.As the SDK's own error behind it.
type AssumeError struct {
	// Account the caller wanted to reach.
	Account ID
	// Hop counts from 1 along the chain; 0 means the base credentials
	// themselves failed, before any role was assumed.
	Hop int
	// RoleARN of that hop; empty for hop 0.
	RoleARN string
	// Code is AWS's error code, such as "AccessDenied". Empty if AWS was not
	// reached, or answered for another account.
	Code string
	// Err is what the SDK returned. Where AWS's message might repeat the
	// session policy or the external id, only its code and request id are kept.
	Err error

	kind   error
	remedy string
}

// Error names the account, the hop, the cause and the remedy.
func (e *AssumeError) Error() string {
	var b strings.Builder
	b.WriteString("accounts: ")
	if e.Account != "" {
		fmt.Fprintf(&b, "account %s: ", e.Account)
	}
	if e.Hop == 0 {
		b.WriteString("base credentials")
	} else {
		fmt.Fprintf(&b, "hop %d: assume %s", e.Hop, e.RoleARN)
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	if e.remedy != "" {
		b.WriteString(": " + e.remedy)
	}
	return b.String()
}

// Remedy says in words what to check or change, most likely cause first.
// Empty means that nothing more than Err is known.
func (e *AssumeError) Remedy() string { return e.remedy }

// Unwrap returns Err.
func (e *AssumeError) Unwrap() error { return e.Err }

// Is reports whether target is the sentinel that fits the failure.
func (e *AssumeError) Is(target error) bool { return e.kind != nil && target == e.kind }

// An attempt is what the diagnosis of a failed call needs to know about it.
type attempt struct {
	role   Role
	number int    // of the hop; 0 for the base credentials
	caller string // who signs the call: a role's ARN, or "the base identity"
	region string // of the STS endpoint
	policy bool   // a session policy was sent
}

// failure makes the AssumeError of a call to STS that failed with err. ctx is
// the call's own context, which no caller can cancel.
func (a attempt) failure(ctx context.Context, err error) *AssumeError {
	e := &AssumeError{Hop: a.number, RoleARN: a.role.ARN, Err: err}
	var api smithy.APIError
	switch {
	case errors.As(err, &api):
		e.Code = api.ErrorCode()
		e.remedy, e.kind = a.diagnose(api.ErrorCode(), api.ErrorMessage())
		e.Err = a.withhold(err, api, e.kind)
	case ctx.Err() != nil:
		// The SDK's error would satisfy errors.Is(err, context.DeadlineExceeded)
		// and pass for the caller's own deadline.
		e.Err = fmt.Errorf("no answer within %v, neither from STS in %s nor from the source of the credentials of %s",
			refreshTimeout, a.region, a.caller)
		e.remedy = "check the way from here to the Regional endpoint of STS (network, proxy, VPC endpoint)"
	}
	return e
}

// diagnose turns AWS's code into a sentinel and a remedy. Codes: STS API
// Reference, AssumeRole (Errors) and Common Errors.
func (a attempt) diagnose(code, message string) (remedy string, kind error) {
	switch code {
	case "AccessDenied", "AccessDeniedException":
		return a.denied(message), ErrAccessDenied
	case "ExpiredToken", "ExpiredTokenException":
		return "renew the credentials of " + a.caller + ": AWS regards them as expired", ErrExpired
	case "RequestExpired":
		return "set this machine's clock: AWS refuses requests stamped more than 15 min before or after its own time", ErrExpired
	case "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "IncompleteSignature",
		"MissingAuthenticationToken":
		return "AWS does not know the credentials of " + a.caller + ": check that the access key exists, is active, " +
			"belongs to this partition and came with its session token", ErrCredentials
	case "RegionDisabledException", "OptInRequired":
		return "activate STS in " + a.region + " for the account the session is made in " +
			"(IAM console, Account settings), or set Options.Region to a Region that is enabled", ErrRegionDisabled
	case "PackedPolicyTooLarge", "PackedPolicyTooLargeException":
		return "session policy and session tags together exceed AWS's packed size: shorten the policy or send fewer tags", ErrSessionPolicy
	case "MalformedPolicyDocument", "MalformedPolicyDocumentException":
		return "AWS cannot read the session policy: validate the document", ErrSessionPolicy
	case "Throttling", "ThrottlingException", "RequestLimitExceeded":
		// IAM User Guide, "IAM and AWS STS quotas".
		return "STS allows 600 calls a second for an account and Region, all callers together: share one Sessions among all work", nil
	case "ValidationError":
		return a.invalid(message)
	}
	return "", nil
}

// denied lists the causes of an AccessDenied. AWS does not tell a missing role,
// an untrusted caller and a wrong external id apart, so that nobody can probe
// for roles; only organization policies and the actions beside AssumeRole show
// in its message.
func (a attempt) denied(message string) string {
	if a.number == 0 {
		return "no policy can deny GetCallerIdentity: check what stands between here and STS"
	}
	for _, policy := range []string{"service control policy", "resource control policy"} {
		if strings.Contains(message, policy) {
			return "a " + policy + " of the organization forbids the call: exempt the role or the caller there"
		}
	}
	for _, action := range []string{"sts:TagSession", "sts:SetSourceIdentity"} {
		if strings.Contains(message, action) {
			return "the role's trust policy and the policy of " + a.caller + " must both allow " + action
		}
	}
	external := "it demands no external id, since none was sent"
	if a.role.ExternalID != "" {
		external = "its sts:ExternalId is the one declared here, character by character"
	}
	actions := "sts:AssumeRole"
	if len(a.role.Tags) > 0 {
		actions += ", sts:TagSession"
	}
	if a.role.SourceIdentity != "" {
		actions += ", sts:SetSourceIdentity"
	}
	return "AWS answers alike for several causes; check in this order: " +
		"(1) the role exists under exactly this name and path; " +
		"(2) its trust policy names " + a.caller + ", and was saved again if that was deleted and made anew; " +
		"(3) " + external + "; " +
		"(4) both its trust policy and the policy of " + a.caller + " allow " + actions + "; " +
		"(5) no policy of the organization (SCP or RCP) forbids it"
}

// invalid reads a ValidationError, which AWS also uses for durations.
func (a attempt) invalid(message string) (remedy string, kind error) {
	switch {
	case strings.Contains(message, "role chaining"):
		return "the base credentials are a role's session themselves, so this session is chained: ask for at most 1 h (Role.Duration)", ErrSessionTooLong
	case strings.Contains(message, "DurationSeconds"):
		return "raise the role's MaxSessionDuration, or ask for less (Role.Duration)", ErrSessionTooLong
	case a.policy:
		return "AWS finds a parameter invalid, most likely the session policy", ErrSessionPolicy
	}
	return "", nil
}

// withhold returns err, or a bare copy of it where AWS's message might quote
// what was sent: a ValidationError repeats the value it objects to.
func (a attempt) withhold(err error, api smithy.APIError, kind error) error {
	quotesPolicy := a.policy && !errors.Is(kind, ErrAccessDenied)
	quotesID := a.role.ExternalID != "" && strings.Contains(err.Error(), a.role.ExternalID)
	if !quotesPolicy && !quotesID {
		return err
	}
	message := "message withheld, since it may quote the request"
	var answer interface{ ServiceRequestID() string }
	if errors.As(err, &answer) {
		message += "; request id " + answer.ServiceRequestID()
	}
	return &smithy.GenericAPIError{Code: api.ErrorCode(), Message: message, Fault: api.ErrorFault()}
}
