package wire

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ebs/schemas"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
)

// REST is the protocol restJson1: the method and the path name the operation,
// and members travel in the path, in the query string, in headers, in a JSON
// object, or as the whole body. Which member goes where is read from the
// schemas that the SDK exports.
type REST struct {
	operations map[string]*route
	shapes     shapes
}

var _ Protocol = (*REST)(nil)

// EBS returns the protocol of the EBS direct APIs.
func EBS() *REST {
	return newREST(
		smithy.NewOperationSchema(schemas.CompleteSnapshot, schemas.CompleteSnapshotRequest, schemas.CompleteSnapshotResponse),
		smithy.NewOperationSchema(schemas.GetSnapshotBlock, schemas.GetSnapshotBlockRequest, schemas.GetSnapshotBlockResponse),
		smithy.NewOperationSchema(schemas.ListChangedBlocks, schemas.ListChangedBlocksRequest, schemas.ListChangedBlocksResponse),
		smithy.NewOperationSchema(schemas.ListSnapshotBlocks, schemas.ListSnapshotBlocksRequest, schemas.ListSnapshotBlocksResponse),
		smithy.NewOperationSchema(schemas.PutSnapshotBlock, schemas.PutSnapshotBlockRequest, schemas.PutSnapshotBlockResponse),
		smithy.NewOperationSchema(schemas.StartSnapshot, schemas.StartSnapshotRequest, schemas.StartSnapshotResponse),
	)
}

func newREST(operations ...*smithy.OperationSchema) *REST {
	p := &REST{operations: map[string]*route{}}
	for _, op := range operations {
		p.operations[op.ID().Name] = newRoute(op)
	}
	return p
}

// A route is the method and the path of an operation.
type route struct {
	schema *smithy.OperationSchema
	method string
	path   []string // its parts; one in braces is a label
	status int      // of an answer
}

func newRoute(op *smithy.OperationSchema) *route {
	h, ok := smithy.SchemaTrait[*traits.HTTP](op.Schema)
	if !ok || strings.Contains(h.URI, "+}") || strings.Contains(h.URI, "?") {
		panic(fmt.Sprintf("wire: no way to route %s", op.ID()))
	}
	return &route{schema: op, method: h.Method, path: strings.Split(strings.Trim(h.URI, "/"), "/"), status: h.Code}
}

// match returns the labels of a path, if it is that of the route.
func (r *route) match(method string, parts []string) (labels map[string]string, ok bool) {
	if method != r.method || len(parts) != len(r.path) {
		return nil, false
	}
	labels = map[string]string{}
	for i, want := range r.path {
		if !strings.HasPrefix(want, "{") {
			if parts[i] != want {
				return nil, false
			}
			continue
		}
		text, err := url.PathUnescape(parts[i])
		if err != nil || text == "" {
			return nil, false
		}
		labels[strings.Trim(want, "{}")] = text
	}
	return labels, true
}

// fixed is how many parts of the path are no labels: where two routes match,
// the more exact one is meant.
func (r *route) fixed() int {
	n := 0
	for _, part := range r.path {
		if !strings.HasPrefix(part, "{") {
			n++
		}
	}
	return n
}

// Open finds the operation by method and path.
func (p *REST) Open(r *http.Request, body []byte) (*Message, error) {
	parts := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	var best *route
	var found map[string]string
	for _, candidate := range p.operations {
		if labels, ok := candidate.match(r.Method, parts); ok && (best == nil || candidate.fixed() > best.fixed()) {
			best, found = candidate, labels
		}
	}
	if best == nil {
		return nil, ErrNoAction
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	in := request{labels: found, query: query, header: r.Header, body: body}
	return &Message{Operation: best.schema.ID().Name, decode: func(into any) ([]string, error) {
		d := restDecoder{shapes: &p.shapes}
		err := d.request(in, best.schema.Input, reflect.ValueOf(into).Elem())
		slices.Sort(d.unknown)
		return d.unknown, err
	}}, nil
}

// Result writes each member of the output to its place.
func (p *REST) Result(operation, _ string, output any) Answer {
	r := p.operations[operation]
	v := reflect.ValueOf(output).Elem()
	answer := Answer{Status: r.status, ContentType: "application/json", Header: http.Header{}}
	w := restWriter{shapes: &p.shapes, buf: []byte{'{'}}
	for _, m := range p.shapes.of(r.schema.Output, v.Type()).members {
		f := v.Field(m.index)
		switch {
		case m.place == inPayload:
			answer.ContentType, answer.Body = w.payload(m, f)
		case absent(f):
		case m.place == inHeader:
			answer.Header.Set(m.name, w.text(m, f))
		default:
			w.member(m, f)
		}
	}
	if answer.Body == nil {
		answer.Body = append(w.buf, '}')
	}
	return answer
}

// Failure names the error in a header. Its other members are capitalised, as
// the models of such services have them.
func (p *REST) Failure(_ string, e Error) Answer {
	object := map[string]any{"Message": e.Message}
	for k, v := range e.Members {
		object[k] = v
	}
	a := (&JSON{}).answer(e.Status, object)
	a.ContentType, a.Header = "application/json", http.Header{"X-Amzn-Errortype": {e.Code}}
	return a
}

// A Blob is the whole body of an answer. Its bytes belong to the answer from
// then on.
type Blob []byte

// Read gives nothing: a blob is written as it is.
func (Blob) Read([]byte) (int, error) { return 0, io.EOF }

// Close does nothing.
func (Blob) Close() error { return nil }
