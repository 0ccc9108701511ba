package preflight

import (
	"errors"
	"regexp"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/snapkeep/snapkeep/internal/awserr"
)

// A cause is the layer of policies that refused something.
type cause struct {
	check  Probe // that it is a matter of
	phrase string
}

// causes by what AWS's refusals say of them. Source: IAM User Guide,
// "Troubleshoot access denied error messages".
var causes = []cause{
	{Organization, "service control policy"},
	{Organization, "resource control policy"},
	{Boundary, "permissions boundary"},
	{KeyPolicy, "resource-based policy"},
	{Permission, "session policy"},
	{Permission, "identity-based policy"},
}

var refusal = regexp.MustCompile(`is not authorized to perform: ([\w-]+:\w+)`)

// A denial is what AWS's refusal says.
type denial struct {
	action string // that was refused; a call takes several
	cause  cause  // the zero cause if the message tells none
}

// denialOf reads a refusal. ok is false for errors that are none.
func denialOf(err error) (d denial, ok bool) {
	var api smithy.APIError
	if !errors.As(err, &api) || !strings.Contains(api.ErrorCode(), "Denied") && api.ErrorCode() != "UnauthorizedOperation" {
		return denial{}, false
	}
	if m := refusal.FindStringSubmatch(api.ErrorMessage()); m != nil {
		d.action = m[1]
	}
	for _, c := range causes {
		if strings.Contains(api.ErrorMessage(), c.phrase) {
			d.cause = c
			break
		}
	}
	return d, true
}

// because puts a cause into words.
func (c cause) because() string {
	switch {
	case c.phrase == "":
		return "AWS does not say by which policy"
	case c.check == Organization:
		return "a " + c.phrase + " forbids it"
	}
	return "no " + c.phrase + " allows it, or one forbids it"
}

// unusable says that an error means the Region is closed to the account: its
// credentials, which serve elsewhere, are not known there. Source: EC2 API
// Reference, "Error codes" (AuthFailure, OptInRequired); Account Management
// Reference Guide, "Enable or disable AWS Regions in your account".
func unusable(err error) bool {
	switch awserr.Code(err) {
	case "AuthFailure", "OptInRequired", "UnrecognizedClientException", "InvalidClientTokenId":
		return true
	}
	return false
}

// said is what AWS answered, without the ids of requests, so that the same
// refusal reads the same each time.
func said(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return err.Error()
}

// brief is an error as evidence: AWS's code, or that there was no answer. AWS's
// messages are left out, since they may quote what was sent.
func brief(err error) string {
	if code := awserr.Code(err); code != "" {
		return code
	}
	var sent interface{ HTTPStatusCode() int }
	if errors.As(err, &sent) {
		return "an answer that is none of AWS's"
	}
	if awserr.Classify(err) == awserr.Unknown {
		return "no answer"
	}
	return err.Error()
}
