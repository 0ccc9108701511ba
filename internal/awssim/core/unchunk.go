package core

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/snapkeep/snapkeep/internal/awssim/sigv4"
)

// unchunk takes a body in the encoding aws-chunked apart and returns the
// request as it would be without: headers from the trailer stand with the
// others. Any other request stays as it is.
// Source: Amazon S3 API Reference, "Transferring Payload in Multiple Chunks".
func unchunk(r *http.Request, body []byte) (*http.Request, []byte, *Error) {
	if !sigv4.IsChunked(r) {
		return r, body, nil
	}
	whole, err := sigv4.Unchunk(body)
	if err != nil {
		return nil, nil, Errorf("IncompleteBody", "%v", err)
	}
	// Source of the code: Amazon S3 API Reference, "Error responses".
	if n, err := strconv.Atoi(r.Header.Get("X-Amz-Decoded-Content-Length")); err != nil || n != len(whole.Payload) {
		return nil, nil, Errorf("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")
	}
	plain := *r
	plain.Header = r.Header.Clone()
	var announced []string
	for name := range strings.SplitSeq(r.Header.Get("X-Amz-Trailer"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			announced = append(announced, http.CanonicalHeaderKey(name))
		}
	}
	for name, values := range whole.Trailer {
		name = http.CanonicalHeaderKey(name)
		if !slices.Contains(announced, name) {
			return nil, nil, Errorf("MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.")
		}
		plain.Header[name] = values
	}
	plain.Header.Del("X-Amz-Trailer")
	plain.Header.Del("X-Amz-Decoded-Content-Length")
	// What is left of the encodings is that of the object.
	var encodings []string
	for part := range strings.SplitSeq(r.Header.Get("Content-Encoding"), ",") {
		if part = strings.TrimSpace(part); part != "" && part != "aws-chunked" {
			encodings = append(encodings, part)
		}
	}
	plain.Header.Del("Content-Encoding")
	if len(encodings) > 0 {
		plain.Header.Set("Content-Encoding", strings.Join(encodings, ","))
	}
	return &plain, whole.Payload, nil
}
