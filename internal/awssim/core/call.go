package core

import (
	"fmt"
	"net/http"
	"time"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// A Call is one authenticated request. Operations of a service are methods
// of the form
//
//	func (s *Service) CopySnapshot(c *core.Call, in *ec2.CopySnapshotInput) (*ec2.CopySnapshotOutput, error)
//
// and run one at a time under the cloud's lock, so they need none of their own.
type Call struct {
	// N is the number of the call, from 1; see CallInfo.N.
	N         int
	Cloud     *Cloud
	Account   *Account // the caller's
	Region    string   // from the credential scope of the signature
	Host      string   // that the request was sent to
	Service   string   // "ec2"
	Operation string   // "CopySnapshot"
	Caller    Caller
	Now       time.Time
	RequestID string

	builds    bool            // the world: see Cloud.Builder
	decisions []Authorization // on what it needed, if somebody wants to know
	UserAgent string
	Referer   string // empty means that the client sent none
}

// ToGlobalSTS says that the request came to the endpoint of STS that serves
// all Regions of the partition aws.
func (c *Call) ToGlobalSTS() bool { return bareHost(c.Host) == globalSTS }

// A Need is one (action, resource, context) that a call must be allowed.
type Need struct {
	Action   string // "ec2:CopySnapshot"
	Resource string // ARN, or "*"
	Owner    string // account that owns the resource; empty means the caller's
	// Keys are the condition keys of this resource, beside those that every
	// call has (aws:PrincipalArn, aws:RequestedRegion, ec2:Region, kms:CallerAccount …).
	Keys map[string][]string
	// Policy of the resource itself: a key policy, a trust policy. Nil means none.
	Policy *iampolicy.Document
	// Grants of a KMS key that count for this call.
	Grants []iampolicy.Grant
	// BeyondRCP says that resource control policies have no say here.
	BeyondRCP bool
}

// An Error is an AWS error answer.
type Error struct {
	Code    string
	Message string
	Status  int // HTTP status; zero means 400
	// Members of the error beside its message, where the service has any:
	// Reason in the EBS direct APIs.
	Members map[string]string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Errorf makes an error answer with status 400.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Status: http.StatusBadRequest}
}
