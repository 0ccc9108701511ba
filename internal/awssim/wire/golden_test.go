package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// noSnapshots are services whose modules ship no requests to compare with.
var noSnapshots = map[string]bool{"s3": true}

// notSent are members that stand in the SDK's recorded requests, but that no
// caller can send: the Go input has no such field, since the client writes
// them into the presigned URL alone.
var notSent = map[string]string{"ec2 CopySnapshot": "DestinationRegion"}

// TestTheSDKsOwnRequestsRoundTrip reads the requests that each SDK module
// ships as the golden files of its own tests, every member set, and has the
// client send what was read: it must be the same request again.
func TestTheSDKsOwnRequestsRoundTrip(t *testing.T) {
	compared := map[string]int{}
	for _, line := range operations(t) {
		name, operation, _ := strings.Cut(line, " ")
		if noSnapshots[name] {
			continue
		}
		compared[name]++
		t.Run(line, func(t *testing.T) {
			golden := readSnapshot(t, filepath.Join(moduleDir(t, name), "request_snapshot", operation+".request.snap"))
			s := services[name]
			send := &capture{}
			call := reflect.ValueOf(s.client(send)).MethodByName(operation)
			require.True(t, call.IsValid(), "no such operation")
			input := reflect.New(call.Type().In(1).Elem())

			m, err := s.protocol.Open(golden.request(), golden.body)
			require.NoError(t, err)
			require.Equal(t, operation, m.Operation)
			unknown, err := m.Decode(input.Interface())
			require.NoError(t, err)
			if name, never := notSent[line]; never {
				require.Equal(t, []string{name}, unknown)
				return
			}
			require.Empty(t, unknown)

			out := call.Call([]reflect.Value{reflect.ValueOf(t.Context()), input})
			require.ErrorIs(t, out[1].Interface().(error), errCaptured)
			require.Equal(t, golden.members(t), send.sent.members(t))
		})
	}
	for name := range services {
		if !noSnapshots[name] {
			require.Positive(t, compared[name], "no operation of %s was compared", name)
		}
	}
}

// moduleDir is where the source of an SDK module lies.
func moduleDir(t *testing.T, service string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/"+service).Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

// A recorded is one request as text: method, path with query, headers, body.
type recorded struct {
	method, target string
	header         http.Header
	body           []byte
}

// readSnapshot reads a file of the form "METHOD target", headers and a body,
// with empty lines between.
func readSnapshot(t *testing.T, file string) recorded {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	head, body, _ := bytes.Cut(bytes.TrimPrefix(rest, []byte("\n")), []byte("\n\n"))
	r := recorded{header: http.Header{}, body: body}
	var ok bool
	r.method, r.target, ok = strings.Cut(string(first), " ")
	require.True(t, ok, "%q", first)
	for line := range strings.Lines(string(head)) {
		if line == "\n" {
			continue // a request without headers
		}
		key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		require.True(t, ok, "%q", line)
		r.header.Add(key, value)
	}
	return r
}

func (r recorded) request() *http.Request {
	u, err := url.Parse("https://service.example" + r.target)
	if err != nil {
		panic(err)
	}
	return &http.Request{Method: r.method, URL: u, Host: u.Host, Header: r.header.Clone()}
}

// members returns all that a request says, in a form that does not depend on
// the order in which it says it. Headers of the transport do not count.
func (r recorded) members(t *testing.T) map[string]any {
	t.Helper()
	path, query, _ := strings.Cut(r.target, "?")
	form, err := url.ParseQuery(query)
	require.NoError(t, err)
	all := map[string]any{"method": r.method, "path": path, "query": form}
	for key, value := range r.header {
		if strings.HasPrefix(key, "X-Amz-") {
			all[key] = value
		}
	}
	switch kind := r.header.Get("Content-Type"); {
	case kind == "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(r.body))
		require.NoError(t, err)
		all["body"] = form
	case strings.HasSuffix(kind, "json") || strings.Contains(kind, "json-1"):
		var v any
		require.NoError(t, json.Unmarshal(r.body, &v))
		all["body"] = v
	default:
		all["body"] = string(r.body)
	}
	return all
}

var errCaptured = errors.New("captured")

// A capture keeps the request it is given, and answers nothing.
type capture struct{ sent recorded }

func (c *capture) Do(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	header := r.Header.Clone()
	// What signing and tracing add.
	for _, key := range []string{"X-Amz-Date", "X-Amz-Content-Sha256", "X-Amz-Security-Token", "X-Amz-User-Agent"} {
		header.Del(key)
	}
	c.sent = recorded{method: r.Method, target: r.URL.RequestURI(), header: header, body: body}
	return nil, errCaptured
}
