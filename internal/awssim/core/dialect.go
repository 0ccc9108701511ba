package core

import (
	"errors"
	"net/http"

	"github.com/snapkeep/snapkeep/internal/awssim/sigv4"
)

// A dialect is how a service words the errors that all services have. An error
// without a message is told in the words of whoever found it.
type dialect struct {
	notSigned     Error // no signature at all
	incomplete    Error // a malformed signature
	badKey        Error // an unknown access key, or the wrong session token
	badSignature  Error
	skewed        Error // too old, or from the future
	stale         Error // presigned, and past its own end; the zero value means skewed
	badQuery      Error // a malformed signature in a query string; the zero value means incomplete
	noHash        Error // X-Amz-Content-Sha256 is missing; only S3 demands it
	badHash       Error // X-Amz-Content-Sha256 is not that of the body; only S3 looks
	expiredToken  Error // the session is over
	denied        Error
	throttled     Error
	noAction      Error
	unknownAction Error
	malformed     Error // the request as a whole
	badValue      Error // one member
	unknownMember Error
	internal      Error
}

func clientError(code, message string) Error {
	return Error{Code: code, Message: message, Status: http.StatusBadRequest}
}

func forbidden(code, message string) Error {
	return Error{Code: code, Message: message, Status: http.StatusForbidden}
}

// ec2Dialect: EC2 API Reference, "Error codes". EC2 answers to all that is
// wrong with a key or a signature with AuthFailure, and to an expired session
// with RequestExpired.
var ec2Dialect = func() dialect {
	authFailure := Error{
		Code: "AuthFailure", Status: http.StatusUnauthorized,
		Message: "AWS was not able to validate the provided access credentials",
	}
	return dialect{
		notSigned:     clientError("MissingParameter", "The request must contain the parameter AWSAccessKeyId"),
		incomplete:    authFailure,
		badKey:        authFailure,
		badSignature:  authFailure,
		skewed:        clientError("RequestExpired", "Request has expired."),
		expiredToken:  clientError("RequestExpired", "Request has expired."),
		denied:        forbidden("UnauthorizedOperation", ""),
		throttled:     Error{Code: "RequestLimitExceeded", Message: "Request limit exceeded.", Status: http.StatusServiceUnavailable},
		noAction:      clientError("MissingAction", "The request must contain the parameter Action"),
		unknownAction: clientError("InvalidAction", "The action is not valid for this web service."),
		malformed:     clientError("MalformedQueryString", "The query string contains a syntax error"),
		badValue:      clientError("InvalidParameterValue", "Value is not valid"),
		unknownMember: clientError("UnknownParameter", "The parameter is not recognized"),
		internal:      Error{Code: "InternalError", Message: "An internal error has occurred", Status: http.StatusInternalServerError},
	}
}()

// stsDialect is that of IAM as well: STS and IAM API Reference, "Common errors".
// The code of a throttled call is what STS sends (aws/aws-sdk-go-v2 issue
// 2481), not what that page names.
var stsDialect = dialect{
	notSigned:     forbidden("MissingAuthenticationToken", "Request is missing Authentication Token"),
	incomplete:    clientError("IncompleteSignature", ""),
	badKey:        forbidden("InvalidClientTokenId", "The security token included in the request is invalid."),
	badSignature:  forbidden("SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."),
	skewed:        forbidden("SignatureDoesNotMatch", ""),
	expiredToken:  forbidden("ExpiredToken", "The security token included in the request is expired"),
	denied:        forbidden("AccessDenied", ""),
	throttled:     clientError("Throttling", "Rate exceeded"),
	noAction:      clientError("MissingAction", "The request is missing an action or a required parameter."),
	unknownAction: clientError("InvalidAction", "Could not find operation"),
	malformed:     clientError("MalformedQueryString", "The query string contains a syntax error."),
	badValue:      clientError("ValidationError", "The input fails to satisfy the constraints specified by an AWS service."),
	unknownMember: clientError("ValidationError", "The parameter is not recognized"),
	internal:      Error{Code: "InternalFailure", Message: "An internal error has occurred", Status: http.StatusInternalServerError},
}

// jsonDialect: AWS KMS API Reference, "Common errors". Services with a JSON
// protocol answer with status 400 to a denial as well (elastic/cloudbeat issue 1749).
var jsonDialect = dialect{
	notSigned:     clientError("MissingAuthenticationTokenException", "Missing Authentication Token"),
	incomplete:    clientError("IncompleteSignatureException", ""),
	badKey:        clientError("UnrecognizedClientException", "The security token included in the request is invalid."),
	badSignature:  clientError("InvalidSignatureException", "The request signature we calculated does not match the signature you provided."),
	skewed:        clientError("InvalidSignatureException", ""),
	expiredToken:  clientError("ExpiredTokenException", "The security token included in the request is expired"),
	denied:        clientError("AccessDeniedException", ""),
	throttled:     clientError("ThrottlingException", "Rate exceeded"),
	noAction:      clientError("UnknownOperationException", ""),
	unknownAction: clientError("UnknownOperationException", ""),
	malformed:     clientError("SerializationException", "The request is not a JSON object"),
	badValue:      clientError("SerializationException", "The value has the wrong type"),
	unknownMember: clientError("SerializationException", "The member is not recognized"),
	internal:      Error{Code: "KMSInternalException", Message: "An internal error has occurred", Status: http.StatusInternalServerError},
}

// ebsDialect: EBS direct APIs Reference, "Common errors". Denials have status
// 403 here; ThrottlingException is what counts per account (Amazon EBS User
// Guide, "Error retries" of the EBS direct APIs).
var ebsDialect = dialect{
	notSigned:     forbidden("MissingAuthenticationTokenException", "Missing Authentication Token"),
	incomplete:    forbidden("IncompleteSignatureException", ""),
	badKey:        forbidden("UnrecognizedClientException", "The security token included in the request is invalid."),
	badSignature:  forbidden("InvalidSignatureException", "The request signature we calculated does not match the signature you provided."),
	skewed:        forbidden("InvalidSignatureException", ""),
	expiredToken:  forbidden("ExpiredTokenException", "The security token included in the request is expired"),
	denied:        forbidden("AccessDeniedException", ""),
	throttled:     clientError("ThrottlingException", "Rate exceeded"),
	noAction:      Error{Code: "UnknownOperationException", Status: http.StatusNotFound},
	unknownAction: Error{Code: "UnknownOperationException", Status: http.StatusNotFound},
	malformed:     clientError("SerializationException", "The request is malformed"),
	badValue:      clientError("SerializationException", "The value has the wrong type"),
	unknownMember: clientError("SerializationException", "The member is not recognized"),
	internal:      Error{Code: "InternalServerException", Message: "An internal error has occurred", Status: http.StatusInternalServerError},
}

// s3Dialect: Amazon S3 API Reference, "Error responses".
var s3Dialect = dialect{
	notSigned:     forbidden("AccessDenied", "Access Denied"),
	incomplete:    clientError("AuthorizationHeaderMalformed", ""),
	badKey:        forbidden("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
	badSignature:  forbidden("SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method."),
	skewed:        forbidden("RequestTimeTooSkewed", "The difference between the request time and the current time is too large."),
	stale:         forbidden("AccessDenied", "Request has expired"),
	badQuery:      clientError("AuthorizationQueryParametersError", ""),
	noHash:        clientError("InvalidRequest", "Missing required header for this request: x-amz-content-sha256"),
	badHash:       clientError("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed."),
	expiredToken:  clientError("ExpiredToken", "The provided token has expired."),
	denied:        forbidden("AccessDenied", ""),
	throttled:     Error{Code: "SlowDown", Message: "Please reduce your request rate.", Status: http.StatusServiceUnavailable},
	noAction:      Error{Code: "MethodNotAllowed", Message: "The specified method is not allowed against this resource.", Status: http.StatusMethodNotAllowed},
	unknownAction: Error{Code: "NotImplemented", Message: "A header or query you provided requested a function that is not implemented.", Status: http.StatusNotImplemented},
	malformed:     clientError("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema"),
	badValue:      clientError("InvalidArgument", "Invalid Argument"),
	unknownMember: clientError("InvalidArgument", "Invalid Argument"),
	internal:      Error{Code: "InternalError", Message: "We encountered an internal error. Please try again.", Status: http.StatusInternalServerError},
}

// orgDialect: AWS Organizations API Reference, "Common errors" and
// TooManyRequestsException.
var orgDialect = func() dialect {
	d := jsonDialect
	d.throttled = clientError("TooManyRequestsException", "You have sent too many requests in too short a period of time.")
	d.internal = Error{Code: "ServiceException", Message: "AWS Organizations can't complete your request because of an internal service error.", Status: http.StatusInternalServerError}
	return d
}()

// ssmDialect: AWS Systems Manager API Reference, "Common errors" and
// SendCommand.
var ssmDialect = func() dialect {
	d := jsonDialect
	d.internal = Error{Code: "InternalServerError", Message: "An error occurred on the server side.", Status: http.StatusInternalServerError}
	return d
}()

func dialectOf(service string) *dialect {
	switch service {
	case "organizations":
		return &orgDialect
	case "ebs":
		return &ebsDialect
	case "s3":
		return &s3Dialect
	case "ec2":
		return &ec2Dialect
	case "kms":
		return &jsonDialect
	case "ssm":
		return &ssmDialect
	}
	return &stsDialect
}

// unsigned is the error for a request whose signature is not right.
func (d *dialect) unsigned(err error, presigned bool) *Error {
	// The first that fits and that the service has.
	for _, e := range []struct {
		fits bool
		Error
	}{
		{errors.Is(err, sigv4.ErrMissing), d.notSigned},
		{errors.Is(err, sigv4.ErrIncomplete) && presigned, d.badQuery},
		{errors.Is(err, sigv4.ErrIncomplete), d.incomplete},
		{errors.Is(err, sigv4.ErrStale), d.stale},
		{errors.Is(err, sigv4.ErrExpired), d.skewed},
		{errors.Is(err, sigv4.ErrNoHash), d.noHash},
		{errors.Is(err, sigv4.ErrHash), d.badHash},
	} {
		if e.fits && e.Code != "" {
			return e.saying(err.Error())
		}
	}
	return &d.badSignature
}

// misscoped is the error for a signature with the wrong scope. A service that
// does not tell what is wrong with a signature does not tell this either.
func (d *dialect) misscoped(why string) *Error {
	e := d.badSignature
	if e.Code != d.badKey.Code {
		e.Message = why
	}
	return &e
}

// saying returns the error with the words, unless it has some of its own.
func (e Error) saying(text string) *Error {
	if e.Message == "" {
		e.Message = text
	}
	return &e
}

// with returns the error with what it is about after its message.
func (e Error) with(detail string) *Error {
	if detail != "" {
		e.Message += ": " + detail
	}
	return &e
}
