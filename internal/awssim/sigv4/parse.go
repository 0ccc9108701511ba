package sigv4

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	timeFormat = "20060102T150405Z"
)

// What may be wrong with a signature.
var (
	ErrMissing    = errors.New("sigv4: the request is not signed")
	ErrIncomplete = errors.New("sigv4: the signature is malformed or incomplete")
	ErrMismatch   = errors.New("sigv4: the signature does not match")
	ErrExpired    = errors.New("sigv4: the signature is too old or not yet valid")
	// ErrStale is an ErrExpired: a presigned request is past its X-Amz-Expires.
	ErrStale = fmt.Errorf("%w: a presigned request", ErrExpired)
	// ErrNoHash: the service wants X-Amz-Content-Sha256, and it is not there.
	ErrNoHash = errors.New("sigv4: X-Amz-Content-Sha256 is missing")
	// ErrHash: X-Amz-Content-Sha256 is not the hash of the body.
	ErrHash = errors.New("sigv4: X-Amz-Content-Sha256 does not match the body")
)

// A fault is one of the errors above with what to say of it.
type fault struct {
	kind error
	text string
}

func (f *fault) Error() string { return f.text }
func (f *fault) Unwrap() error { return f.kind }

// incomplete words ErrIncomplete as AWS does.
func incomplete(format string, args ...any) error {
	return &fault{ErrIncomplete, fmt.Sprintf(format, args...)}
}

// A Signature is what a request says of its own signature.
type Signature struct {
	// KeyID, Date, Region and Service make up the credential scope.
	KeyID, Date, Region, Service string
	// SignedHeaders in lower case.
	SignedHeaders []string
	// Time at which it was made.
	Time time.Time
	// Token is the session token; empty means that there is none.
	Token string
	// Presigned says that the signature is in the query string, Expires how
	// long it is good for then; zero means as long as any request.
	Presigned bool
	Expires   time.Duration

	hex string
}

// Parse reads the signature of a request without checking it.
func Parse(r *http.Request) (*Signature, error) {
	s := &Signature{}
	var err error
	switch h := r.Header.Get("Authorization"); {
	case h != "":
		err = s.readHeader(r, h)
	case r.URL != nil && presigned(r.URL.RawQuery):
		err = s.readQuery(r.URL)
	default:
		return nil, ErrMissing
	}
	if err != nil {
		return nil, err
	}
	// "You must include the host header and any x-amz-* headers in the request."
	const ours = "x-amz-"
	for name := range r.Header {
		if len(name) < len(ours) || !strings.EqualFold(name[:len(ours)], ours) {
			continue
		}
		if name = strings.ToLower(name); !slices.Contains(s.SignedHeaders, name) {
			return nil, incomplete("There were headers present in the request which were not signed: %s", name)
		}
	}
	return s, nil
}

// presigned says that a query string has any part of a signature.
func presigned(query string) bool {
	return strings.Contains(query, "X-Amz-Signature=") || strings.Contains(query, "X-Amz-Algorithm=") ||
		strings.Contains(query, "X-Amz-Credential=")
}

// readHeader reads the header Authorization. What it lacks is told all at once.
func (s *Signature) readHeader(r *http.Request, h string) error {
	rest, ok := strings.CutPrefix(h, algorithm+" ")
	if !ok {
		return incomplete("Authorization header requires the algorithm %s.", algorithm)
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		part = strings.TrimSpace(part)
		k, v, ok := strings.Cut(part, "=")
		if !ok {
			return incomplete("Invalid key=value pair (missing equal-sign) in Authorization header: '%s'.", part)
		}
		if _, twice := parts[k]; twice {
			return incomplete("Authorization header gives '%s' twice.", k)
		}
		parts[k] = v
	}
	var lacking []string
	for _, k := range []string{"Credential", "Signature", "SignedHeaders"} {
		if parts[k] == "" {
			lacking = append(lacking, "Authorization header requires '"+k+"' parameter.")
		}
	}
	date := r.Header.Get("X-Amz-Date")
	if date == "" {
		if date = httpDate(r.Header.Get("Date")); date == "" {
			lacking = append(lacking, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
		}
	}
	if len(lacking) > 0 {
		return incomplete("%s", strings.Join(lacking, " "))
	}
	s.Token, s.hex = r.Header.Get("X-Amz-Security-Token"), parts["Signature"]
	return s.fill(parts["Credential"], parts["SignedHeaders"], date)
}

// httpDate turns a Date header into the form of X-Amz-Date. Either may be in
// the basic format of ISO 8601.
func httpDate(text string) string {
	if t, err := http.ParseTime(text); err == nil {
		return t.UTC().Format(timeFormat)
	}
	return text
}

// readQuery reads the query string of a presigned request.
func (s *Signature) readQuery(u *url.URL) error {
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return incomplete("The query string cannot be parsed.")
	}
	for k, v := range q {
		if len(v) > 1 && strings.HasPrefix(k, "X-Amz-") {
			return incomplete("%s is given twice.", k)
		}
	}
	if q.Get("X-Amz-Algorithm") != algorithm {
		return incomplete("X-Amz-Algorithm only supports \"%s\"", algorithm)
	}
	var lacking []string
	for _, k := range []string{"X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		if q.Get(k) == "" {
			lacking = append(lacking, "AWS query-string parameters must include '"+k+"'.")
		}
	}
	if len(lacking) > 0 {
		return incomplete("%s", strings.Join(lacking, " "))
	}
	s.Token, s.hex, s.Presigned = q.Get("X-Amz-Security-Token"), q.Get("X-Amz-Signature"), true
	if err := s.fill(q.Get("X-Amz-Credential"), q.Get("X-Amz-SignedHeaders"), q.Get("X-Amz-Date")); err != nil {
		return err
	}
	return s.readExpires(q)
}

// maxPresigned is the longest life of a presigned request: one week.
const maxPresigned = 7 * 24 * time.Hour

// readExpires reads how long a presigned request is good for.
// Source: Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters".
func (s *Signature) readExpires(q url.Values) error {
	if !q.Has("X-Amz-Expires") {
		return nil // the SDK gives none to the URL inside CopySnapshot
	}
	seconds, err := strconv.ParseInt(q.Get("X-Amz-Expires"), 10, 32)
	switch s.Expires = time.Duration(seconds) * time.Second; {
	case err != nil:
		return incomplete("X-Amz-Expires should be a number")
	case seconds < 1:
		return incomplete("X-Amz-Expires must be at least 1")
	case s.Expires > maxPresigned:
		return incomplete("X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
	}
	return nil
}

// fill reads what both forms of a signature have.
func (s *Signature) fill(credential, headers, date string) error {
	scope := strings.Split(credential, "/")
	if len(scope) != 5 || slices.Contains(scope, "") {
		return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'.", credential)
	}
	if scope[4] != terminator {
		return incomplete("Credential should be scoped with a valid terminator: '%s', not '%s'.", terminator, scope[4])
	}
	s.KeyID, s.Date, s.Region, s.Service = scope[0], scope[1], scope[2], scope[3]
	s.SignedHeaders = strings.Split(headers, ";")
	if !slices.IsSorted(s.SignedHeaders) || slices.Contains(s.SignedHeaders, "") || headers != strings.ToLower(headers) {
		return incomplete("SignedHeaders must be in lower case, sorted and separated by ';', got '%s'.", headers)
	}
	if !slices.Contains(s.SignedHeaders, "host") {
		return incomplete("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	if b, err := hex.DecodeString(s.hex); err != nil || len(b) != 32 {
		return incomplete("Signature must be 64 hexadecimal digits.")
	}
	t, err := time.Parse(timeFormat, date)
	if err != nil {
		return incomplete("Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", date)
	}
	if day := t.Format("20060102"); day != s.Date {
		return incomplete("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.", s.Date, day, date)
	}
	s.Time = t
	return nil
}
