package core

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// A Client is an HTTP client that reaches the cloud without a network. It
// works inside testing/synctest, since nothing in it waits for a socket. It
// is what the SDK takes as aws.HTTPClient.
//
// It stands for one process on one host: what has it in its configuration
// lives and dies with it.
type Client struct {
	cloud  *Cloud
	builds bool // see Builder
	once   sync.Once
	dead   chan struct{}
}

// ErrDead is the error of every call that a process makes after its end.
var ErrDead = errors.New("core: the process is dead")

// Client returns a new HTTP client for the cloud.
func (c *Cloud) Client() *Client { return &Client{cloud: c, dead: make(chan struct{})} }

// Builder returns a new HTTP client for whoever makes the world and does not
// live in it: its calls meet no limits and no faults, and are told of
// everything at once. They are authorized, logged and counted as all are.
func (c *Cloud) Builder() *Client {
	b := c.Client()
	b.builds = true
	return b
}

// isBuilder tells whether the client came from Builder.
func (c *Client) isBuilder() bool { return c != nil && c.builds }

// Kill ends the process: each of its calls fails from now on, at once and for
// ever, with ErrDead. Those that are on their way to the cloud take no effect,
// and the answers of others are lost.
func (c *Client) Kill() {
	if c == nil {
		return
	}
	c.once.Do(func() { close(c.dead) })
}

// Dead is closed when the process has ended, by Kill or by a Fault that says Die.
func (c *Client) Dead() <-chan struct{} {
	if c == nil {
		return nil
	}
	return c.dead
}

// isDead tells whether the process has ended. A nil Client is one that came
// over a socket, and lives.
func (c *Client) isDead() bool {
	if c == nil {
		return false
	}
	select {
	case <-c.dead:
		return true
	default:
		return false
	}
}

// clientKey is where the context of a request holds its Client.
type clientKey struct{}

// sender returns the process that a request comes from; nil if it came over a socket.
func sender(r *http.Request) *Client {
	c, _ := r.Context().Value(clientKey{}).(*Client)
	return c
}

// Do sends a request. The cloud's work is done in the caller's goroutine.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	fail := func(err error) error {
		return &url.Error{Op: r.Method[:1] + strings.ToLower(r.Method[1:]), URL: r.URL.Redacted(), Err: err}
	}
	if c.isDead() {
		return nil, fail(ErrDead)
	}
	if err := r.Context().Err(); err != nil {
		return nil, fail(err)
	}
	if _, ok := endpoint(r.URL.Host); !ok {
		return nil, fail(&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{
			Err: "no such host", Name: r.URL.Hostname(), IsNotFound: true,
		}})
	}
	// A shallow copy will do, since a handler changes nothing of a request.
	in := r.WithContext(context.WithValue(r.Context(), clientKey{}, c))
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer in.Body.Close()
	w := &recorder{head: http.Header{}, status: http.StatusOK}
	whole := w.serve(c.cloud, in)
	if c.isDead() {
		return nil, fail(ErrDead)
	}
	if err := r.Context().Err(); err != nil && !whole {
		return nil, fail(err)
	}
	if !whole && w.body.Len() == 0 {
		return nil, fail(&net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)})
	}
	return w.response(r, whole), nil
}

// A recorder is the http.ResponseWriter of one request.
type recorder struct {
	head   http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header         { return w.head }
func (w *recorder) WriteHeader(status int)      { w.status = status }
func (w *recorder) Write(b []byte) (int, error) { return w.body.Write(b) }

// serve runs the handler and reports whether it finished its answer, as a
// server of net/http would see it. Other panics are bugs and go on.
func (w *recorder) serve(h http.Handler, r *http.Request) (whole bool) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // the very value, as net/http compares
			panic(p)
		}
	}()
	h.ServeHTTP(w, r)
	return true
}

func (w *recorder) response(r *http.Request, whole bool) *http.Response {
	var body io.Reader = &w.body
	if !whole {
		body = io.MultiReader(body, errorReader{io.ErrUnexpectedEOF})
	}
	length := int64(w.body.Len())
	if r.Method == http.MethodHead || w.status == http.StatusNotModified || w.status == http.StatusNoContent {
		// A server of net/http sends no body then, but its length, if it is told.
		body = http.NoBody
		if told, err := strconv.ParseInt(w.head.Get("Content-Length"), 10, 64); err == nil {
			length = told
		}
	}
	return &http.Response{
		Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.head, Body: io.NopCloser(body), ContentLength: length, Request: r,
	}
}

// An errorReader fails.
type errorReader struct{ err error }

func (e errorReader) Read([]byte) (int, error) { return 0, e.err }
