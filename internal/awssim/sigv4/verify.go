package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const unsignedPayload = "UNSIGNED-PAYLOAD"

// A Policy says what a service demands of signatures.
type Policy struct {
	// Now is the server's time.
	Now time.Time
	// UnsignedPayload allows requests whose body is not covered.
	UnsignedPayload bool
}

// Verify checks the signature of a request against the secret of its key.
func (s *Signature) Verify(r *http.Request, body []byte, secret string, p Policy) error {
	if err := s.checkTime(p.Now); err != nil {
		return err
	}
	hash := sum(body)
	if r.Header.Get("X-Amz-Content-Sha256") == unsignedPayload && p.UnsignedPayload {
		hash = unsignedPayload
	}
	scope := strings.Join([]string{s.Date, s.Region, s.Service, terminator}, "/")
	text := strings.Join([]string{
		algorithm, s.Time.Format(timeFormat), scope, sum([]byte(s.canonical(r, hash))),
	}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.Date, s.Region, s.Service, terminator, text} {
		key = mac(key, part)
	}
	if want := hex.EncodeToString(key); !hmac.Equal([]byte(want), []byte(s.hex)) {
		return ErrMismatch
	}
	return nil
}

func (s *Signature) checkTime(now time.Time) error {
	switch age := now.Sub(s.Time); {
	case age < -MaxSkew:
		return fmt.Errorf("%w: signed %v ahead of the server", ErrExpired, -age)
	case s.Presigned && age > s.Expires, !s.Presigned && age > MaxSkew:
		return fmt.Errorf("%w: signed %v ago", ErrExpired, age)
	}
	return nil
}

// canonical is the canonical request: what the client must have signed.
func (s *Signature) canonical(r *http.Request, hash string) string {
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	var b strings.Builder
	// All services but S3 encode the path a second time.
	b.WriteString(r.Method + "\n" + strings.ReplaceAll(escape(path), "%2F", "/") + "\n" + s.query(r.URL) + "\n")
	for _, name := range s.SignedHeaders {
		b.WriteString(name + ":" + headerValue(r, name) + "\n")
	}
	b.WriteString("\n" + strings.Join(s.SignedHeaders, ";") + "\n" + hash)
	return b.String()
}

func (s *Signature) query(u *url.URL) string {
	form := u.Query()
	if s.Presigned {
		form.Del("X-Amz-Signature")
	}
	var pairs []string
	for _, k := range slices.SortedFunc(maps.Keys(form), func(a, b string) int {
		return strings.Compare(escape(a), escape(b))
	}) {
		values := slices.Clone(form[k])
		for i := range values {
			values[i] = escape(values[i])
		}
		slices.Sort(values)
		for _, v := range values {
			pairs = append(pairs, escape(k)+"="+v)
		}
	}
	return strings.Join(pairs, "&")
}

func headerValue(r *http.Request, name string) string {
	switch {
	case name == "host":
		if r.Host != "" {
			return bareHost(r.Host)
		}
		return bareHost(r.URL.Host)
	case name == "content-length" && r.Header.Get(name) == "":
		return strconv.FormatInt(r.ContentLength, 10) // net/http keeps it out of the header
	}
	values := r.Header.Values(name)
	trimmed := make([]string, len(values))
	for i, v := range values {
		trimmed[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(trimmed, ",")
}

// bareHost drops the default ports, which clients do not sign.
func bareHost(host string) string {
	return strings.TrimSuffix(strings.TrimSuffix(host, ":443"), ":80")
}

// escape percent-encodes all but the unreserved characters of RFC 3986.
func escape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}
