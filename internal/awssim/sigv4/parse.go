package sigv4

import (
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

// MaxSkew is how far the time of a request may be from the server's.
// Source: IAM User Guide, "Troubleshoot signed requests for AWS APIs".
const MaxSkew = 15 * time.Minute

// maxPresigned is the longest life of a presigned URL: one week.
const maxPresigned = 7 * 24 * time.Hour

// What may be wrong with a signature.
var (
	ErrMissing    = errors.New("sigv4: the request is not signed")
	ErrIncomplete = errors.New("sigv4: the signature is malformed or incomplete")
	ErrMismatch   = errors.New("sigv4: the signature does not match")
	ErrExpired    = errors.New("sigv4: the signature is too old or not yet valid")
)

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
	// long it is good for then; if it does not say, as long as any request.
	Presigned bool
	Expires   time.Duration

	hex string
}

// Parse reads the signature of a request without checking it.
func Parse(r *http.Request) (*Signature, error) {
	if h := r.Header.Get("Authorization"); h != "" {
		return parseHeader(r, h)
	}
	if r.URL != nil && strings.Contains(r.URL.RawQuery, "X-Amz-Signature=") {
		return parseQuery(r.URL.Query())
	}
	return nil, ErrMissing
}

func parseHeader(r *http.Request, h string) (*Signature, error) {
	rest, ok := strings.CutPrefix(h, algorithm+" ")
	if !ok {
		return nil, fmt.Errorf("%w: want %s", ErrIncomplete, algorithm)
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		k, v, ok := strings.Cut(strings.TrimSpace(part), "=")
		if _, twice := parts[k]; !ok || twice {
			return nil, fmt.Errorf("%w: Authorization", ErrIncomplete)
		}
		parts[k] = v
	}
	s := &Signature{Token: r.Header.Get("X-Amz-Security-Token"), hex: parts["Signature"]}
	if err := s.fill(parts["Credential"], parts["SignedHeaders"], r.Header.Get("X-Amz-Date")); err != nil {
		return nil, err
	}
	for name := range r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(s.SignedHeaders, name) {
			return nil, fmt.Errorf("%w: header %s is not signed", ErrIncomplete, name)
		}
	}
	return s, nil
}

func parseQuery(q url.Values) (*Signature, error) {
	for k, v := range q {
		if len(v) > 1 && strings.HasPrefix(k, "X-Amz-") {
			return nil, fmt.Errorf("%w: %s is given twice", ErrIncomplete, k)
		}
	}
	if q.Get("X-Amz-Algorithm") != algorithm {
		return nil, fmt.Errorf("%w: want %s", ErrIncomplete, algorithm)
	}
	s := &Signature{Token: q.Get("X-Amz-Security-Token"), hex: q.Get("X-Amz-Signature"), Presigned: true}
	if err := s.fill(q.Get("X-Amz-Credential"), q.Get("X-Amz-SignedHeaders"), q.Get("X-Amz-Date")); err != nil {
		return nil, err
	}
	s.Expires = MaxSkew // the SDK gives no X-Amz-Expires to the URL inside CopySnapshot
	if q.Has("X-Amz-Expires") {
		seconds, err := strconv.Atoi(q.Get("X-Amz-Expires"))
		s.Expires = time.Duration(seconds) * time.Second
		if err != nil || seconds < 1 || s.Expires > maxPresigned {
			return nil, fmt.Errorf("%w: X-Amz-Expires", ErrIncomplete)
		}
	}
	return s, nil
}

func (s *Signature) fill(credential, headers, date string) error {
	scope := strings.Split(credential, "/")
	if len(scope) != 5 || scope[4] != terminator || slices.Contains(scope, "") {
		return fmt.Errorf("%w: Credential", ErrIncomplete)
	}
	s.KeyID, s.Date, s.Region, s.Service = scope[0], scope[1], scope[2], scope[3]
	s.SignedHeaders = strings.Split(headers, ";")
	if !slices.IsSorted(s.SignedHeaders) || !slices.Contains(s.SignedHeaders, "host") {
		return fmt.Errorf("%w: SignedHeaders", ErrIncomplete)
	}
	if len(s.hex) != 64 {
		return fmt.Errorf("%w: Signature", ErrIncomplete)
	}
	t, err := time.Parse(timeFormat, date)
	if err != nil || t.Format("20060102") != s.Date {
		return fmt.Errorf("%w: X-Amz-Date", ErrIncomplete)
	}
	s.Time = t
	return nil
}
