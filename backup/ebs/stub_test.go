package ebs_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/ebs"
)

var site = backup.Site{Account: "222222222222", Region: "eu-west-1"}

// A request is one call as it went over the wire.
type request struct {
	action string
	form   url.Values // EC2
	body   string     // KMS
}

// An answer is what the stub sends back: a status and a body, or an error of
// the connection.
type answer struct {
	status int
	body   string
	err    error
}

// A wire is an HTTP client that answers by a function and remembers what it
// was asked. It stands where the shape of requests and broken connections are
// tested; what AWS makes of requests is the simulation's to say.
type wire struct {
	t      *testing.T
	answer func(request) answer

	mu    sync.Mutex // guards calls
	calls []request
}

func (w *wire) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	req := request{body: string(body)}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		req.action = target[strings.LastIndex(target, ".")+1:]
	} else {
		if req.form, err = url.ParseQuery(string(body)); err != nil {
			return nil, err
		}
		req.action = req.form.Get("Action")
	}
	w.mu.Lock()
	w.calls = append(w.calls, req)
	w.mu.Unlock()
	a := w.answer(req)
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{
		StatusCode: a.status, Header: http.Header{"Content-Type": {"text/xml"}},
		Body: io.NopCloser(strings.NewReader(a.body)), Request: r,
	}, nil
}

// count returns how often an action was called.
func (w *wire) count(action string) int {
	n := 0
	for _, c := range w.calls {
		if c.action == action {
			n++
		}
	}
	return n
}

// only returns the single call there was.
func (w *wire) only() request {
	w.t.Helper()
	require.Len(w.t, w.calls, 1)
	return w.calls[0]
}

// open returns a client whose calls the function answers.
func open(t *testing.T, f func(request) answer) (backup.Client, *wire) {
	t.Helper()
	return openAt(t, site, f)
}

func openAt(t *testing.T, site backup.Site, f func(request) answer) (backup.Client, *wire) {
	t.Helper()
	w := &wire{t: t, answer: f}
	return ebs.New(ebs.Options{}).Open(aws.Config{
		Region: site.Region, HTTPClient: w,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "the-secret"}, nil
		}),
	}, site), w
}

// ok is an EC2 answer of the inner XML.
func ok(action, inner string) answer {
	return answer{status: 200, body: fmt.Sprintf(
		`<%[1]sResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId>%[2]s</%[1]sResponse>`, action, inner)}
}

// refused is an EC2 error answer.
func refused(status int, code, message string) answer {
	return answer{status: status, body: fmt.Sprintf(
		`<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>r</RequestID></Response>`, code, message)}
}

// has fails unless the form holds the pairs, given as "key=value".
func has(t *testing.T, form url.Values, pairs ...string) {
	t.Helper()
	for _, p := range pairs {
		key, value, _ := strings.Cut(p, "=")
		require.Contains(t, form, key)
		require.Equal(t, value, form.Get(key), key)
	}
}

// hasNone fails if a key of the form begins with one of the prefixes.
func hasNone(t *testing.T, form url.Values, prefixes ...string) {
	t.Helper()
	for key := range form {
		require.False(t, slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) }), key)
	}
}

// A hole is a server that never answers.
type hole struct{ calls int }

func (h *hole) Do(r *http.Request) (*http.Response, error) {
	h.calls++
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func silent(t *testing.T) (backup.Client, *hole) {
	t.Helper()
	h := &hole{}
	return ebs.New(ebs.Options{}).Open(aws.Config{
		Region: site.Region, HTTPClient: h, Credentials: aws.AnonymousCredentials{},
	}, site), h
}
