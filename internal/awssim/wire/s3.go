package wire

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// XML is the protocol restXml as S3 speaks it: the method, the bucket and key
// in host and path, and members of the query name the operation; members
// travel in headers, in the query, in an XML document, or as the whole body.
type XML struct{ table *bindings }

var _ Protocol = (*XML)(nil)

// S3 returns the protocol of S3.
func S3() *XML { return &XML{s3Names()} }

// An Address is the bucket and the key that a request of S3 is for.
type Address struct {
	Bucket, Key string // empty: none
}

// AddressOf reads the bucket from the host's name, or else from the path.
// Behind the name "localhost" buckets have hosts of their own as well.
// Source: Amazon S3 User Guide, "Virtual hosting of general purpose buckets".
func AddressOf(r *http.Request) (Address, error) {
	path, err := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), "/"))
	if err != nil {
		return Address{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if bucket := bucketOf(r.Host); bucket != "" {
		return Address{bucket, path}, nil
	}
	bucket, key, _ := strings.Cut(path, "/")
	return Address{bucket, key}, nil
}

func bucketOf(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	if bucket, ok := strings.CutSuffix(host, ".localhost"); ok {
		return bucket
	}
	if i := strings.LastIndex(host, ".s3."); i > 0 {
		return host[:i]
	}
	return ""
}

// Open finds the operation and reads nothing else yet.
func (x *XML) Open(r *http.Request, body []byte) (*Message, error) {
	at, err := AddressOf(r)
	if err != nil {
		return nil, err
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	in := xmlRequest{
		labels: map[string]string{"Bucket": at.Bucket, "Key": at.Key}, query: query, header: hoisted(r.Header, query), body: body,
	}
	in.route = x.table.route(r.Method, at, in)
	if in.route == nil {
		return nil, ErrNoAction
	}
	return &Message{Operation: in.route.operation, decode: func(into any) ([]string, error) {
		d := xmlDecoder{table: x.table}
		err := d.request(in, reflect.ValueOf(into).Elem())
		slices.Sort(d.unknown)
		return d.unknown, err
	}}, nil
}

// hoisted returns the headers of a request, with those that a presigned URL
// carries in its query, whence it takes them.
// Source: Amazon S3 API Reference, "Authenticating Requests: Using Query
// Parameters".
func hoisted(header http.Header, query url.Values) http.Header {
	if !query.Has("X-Amz-Signature") {
		return header
	}
	all := header.Clone()
	for name, values := range query {
		if c := http.CanonicalHeaderKey(name); strings.HasPrefix(c, "X-Amz-") && !signing[c] {
			all[c] = values
			delete(query, name)
		}
	}
	return all
}

// Result writes each member of the output to its place. Part of an object is
// told by its status.
func (x *XML) Result(operation, requestID string, output any) Answer {
	r := x.table.operations[operation]
	a := Answer{Status: r.status, Header: http.Header{"X-Amz-Request-Id": {requestID}}}
	w := xmlWriter{table: x.table}
	w.output(r, reflect.ValueOf(output).Elem(), &a)
	if a.Header.Get("Content-Range") != "" {
		a.Status = http.StatusPartialContent
	}
	return a
}

// Failure writes an error. Members whose names begin with x-amz- become
// headers, others elements of the document.
// Source: Amazon S3 API Reference, "Error responses".
func (x *XML) Failure(requestID string, e Error) Answer {
	a := Answer{Status: e.Status, Header: http.Header{"X-Amz-Request-Id": {requestID}}}
	w := xmlWriter{table: x.table}
	w.WriteString(header + "<Error>")
	w.leaf("Code", e.Code)
	w.leaf("Message", e.Message)
	for name, value := range e.Members {
		if strings.HasPrefix(name, "x-amz-") {
			a.Header.Set(name, value)
		} else {
			w.leaf(name, value)
		}
	}
	w.leaf("RequestId", requestID)
	w.WriteString("</Error>")
	if e.Status != http.StatusNotModified {
		a.ContentType, a.Body = "application/xml", bytes.Clone(w.Bytes())
	}
	return a
}
