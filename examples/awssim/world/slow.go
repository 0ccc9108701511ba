package world

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxPeek is as much as the largest request may have: a part of an object.
const maxPeek = 16 << 20

// slowWrites lets requests that may change something, and those for contents
// of snapshots and objects, wait before they reach the handler. That a look
// right behind a write comes sooner than the next write is how AWS answers.
func slowWrites(next http.Handler, d time.Duration) http.Handler {
	if d <= 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPeek))
		if err != nil {
			http.Error(w, "the body cannot be read", http.StatusRequestEntityTooLarge)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !reads(r, body) {
			select {
			case <-time.After(d):
			case <-r.Context().Done():
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// reads tells whether the request names an operation that only looks. Those of
// EBS direct and S3 name none.
func reads(r *http.Request, body []byte) bool {
	_, operation, ok := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if !ok {
		form, err := url.ParseQuery(string(body))
		if err != nil || !form.Has("Action") {
			return false
		}
		operation = form.Get("Action")
	}
	for _, verb := range []string{"Describe", "Get", "List", "Search", "Simulate"} {
		if strings.HasPrefix(operation, verb) {
			return true
		}
	}
	return false
}
