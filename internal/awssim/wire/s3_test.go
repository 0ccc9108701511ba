package wire_test

import (
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

var s3Service = service{wire.S3(), func(h aws.HTTPClient) any {
	return s3.NewFromConfig(config(h), func(o *s3.Options) { o.UsePathStyle = true })
}}

// fillPlain is fill for members that travel in headers, which cannot hold every text.
func fillPlain(v reflect.Value, n *int) {
	*n++
	switch t := v.Type(); {
	case t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]():
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && f.Name != "ResultMetadata" {
				fillPlain(v.Field(i), n)
			}
		}
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		fillPlain(v.Elem(), n)
	case t.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(t, 2, 2))
		fillPlain(v.Index(0), n)
		fillPlain(v.Index(1), n)
	case t.Kind() == reflect.String:
		v.SetString("a b<&> " + strconv.Itoa(*n))
	case t.Kind() == reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"key-1": "value"}))
	default:
		fill(v, n)
	}
}

// computed are members that the client itself works out or looks into.
func computed(v reflect.Value) {
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if strings.HasPrefix(name, "Checksum") || strings.HasPrefix(name, "SSECustomer") || strings.HasPrefix(name, "CopySourceSSE") ||
			name == "ContentMD5" || name == "ContentLength" || name == "ContentType" || strings.HasPrefix(name, "Expires") || name == "ContentRange" {
			v.Field(i).SetZero()
		}
	}
}

func TestS3OperationsSurviveTheWire(t *testing.T) {
	for _, line := range operations(t) {
		name, operation, _ := strings.Cut(line, " ")
		if name != "s3" {
			continue
		}
		t.Run(operation, func(t *testing.T) {
			w := &loop{t: t, protocol: s3Service.protocol}
			call := reflect.ValueOf(s3Service.client(w)).MethodByName(operation)
			require.True(t, call.IsValid(), "no such operation")
			input := reflect.New(call.Type().In(1).Elem())
			fillPlain(input.Elem(), new(int))
			computed(input.Elem())
			for member, value := range map[string]string{"Bucket": "bucket", "Key": "dir/a b+c/\u00fc"} {
				if f := input.Elem().FieldByName(member); f.IsValid() {
					f.Set(reflect.ValueOf(&value))
				}
			}
			want := reflect.New(call.Type().Out(0).Elem())
			fillPlain(want.Elem(), new(int))
			computed(want.Elem())
			if f := want.Elem().FieldByName("Body"); f.IsValid() {
				f.Set(reflect.ValueOf(wire.Blob("contents")))
			}
			w.decodeInto, w.answer = reflect.New(input.Type().Elem()).Interface(), want.Interface()
			sent := clone(input)

			out := call.Call([]reflect.Value{reflect.ValueOf(t.Context()), input})
			if err, ok := out[1].Interface().(error); ok {
				require.NoError(t, err)
			}
			require.Equal(t, operation, w.operation)
			require.Empty(t, w.unknown)
			computed(reflect.ValueOf(w.decodeInto).Elem())
			require.Equal(t, rewound(t, sent.Interface()), rewound(t, w.decodeInto), "what the service reads")
			got := out[0]
			got.Elem().FieldByName("ResultMetadata").SetZero()
			computed(got.Elem())
			if f := got.Elem().FieldByName("Body"); f.IsValid() {
				data, err := io.ReadAll(f.Interface().(io.Reader))
				require.NoError(t, err)
				require.Equal(t, "contents", string(data))
				f.Set(reflect.ValueOf(wire.Blob("contents")))
			}
			require.Equal(t, want.Interface(), got.Interface(), "what the client reads")
		})
	}
}

func s3Request(method, host, target string, header http.Header) *http.Request {
	u, err := url.Parse("https://" + host + target)
	if err != nil {
		u = &url.URL{Path: target}
	}
	if header == nil {
		header = http.Header{}
	}
	return &http.Request{Method: method, URL: u, Host: host, Header: header}
}

func TestS3Addresses(t *testing.T) {
	for _, tt := range []struct{ host, target, bucket, key string }{
		{"s3.eu-west-1.amazonaws.com", "/", "", ""},
		{"s3.eu-west-1.amazonaws.com", "/bucket", "bucket", ""},
		{"s3.eu-west-1.amazonaws.com", "/bucket/a/b", "bucket", "a/b"},
		{"bucket.s3.eu-west-1.amazonaws.com", "/a/b", "bucket", "a/b"},
		{"my.bucket.s3.eu-west-1.amazonaws.com:443", "/a%2Fb%20c", "my.bucket", "a/b c"},
		{"b.s3.x.s3.eu-west-1.amazonaws.com", "/", "b.s3.x", ""},
		{"bucket.localhost:8080", "/a//b", "bucket", "a//b"},
		{"127.0.0.1:8080", "/bucket//a", "bucket", "/a"},
	} {
		at, err := wire.AddressOf(s3Request("GET", tt.host, tt.target, nil))
		require.NoError(t, err)
		require.Equal(t, wire.Address{Bucket: tt.bucket, Key: tt.key}, at, tt.host+tt.target)
	}
}

func TestS3RequestsThatAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name, method, target, body string
		header                     http.Header
		unknown                    []string
		want                       error
	}{
		{name: "no such operation", method: "POST", target: "/bucket", want: wire.ErrNoAction},
		{name: "query not a form", method: "GET", target: "/bucket/a?x=%zz", want: wire.ErrMalformed},
		{name: "unknown query member", method: "GET", target: "/bucket/a?acl&versionId=1&x-id=GetObject", unknown: []string{"acl"}},
		{name: "unknown header", method: "GET", target: "/bucket/a", header: http.Header{"X-Amz-Color": {"red"}}, unknown: []string{"X-Amz-Color"}},
		{name: "no XML", method: "PUT", target: "/bucket?versioning", body: "x", want: wire.ErrMalformed},
		{name: "two documents", method: "PUT", target: "/bucket?versioning", body: "<a/><a/>", want: wire.ErrMalformed},
		{name: "another document", method: "PUT", target: "/bucket?versioning", body: "<Versioning/>", want: wire.ErrMalformed},
		{name: "deep", method: "PUT", target: "/bucket?versioning", body: strings.Repeat("<a>", 99), want: wire.ErrMalformed},
		{
			name: "unknown element", method: "PUT", target: "/bucket?versioning",
			body: "<VersioningConfiguration><Status>Enabled</Status><Color/></VersioningConfiguration>", unknown: []string{"VersioningConfiguration.Color"},
		},
		{
			name: "corrupt", method: "PUT", target: "/bucket?versioning", body: "<VersioningConfiguration/>",
			header: http.Header{"X-Amz-Checksum-Crc32": {"AAAAAA=="}}, want: wire.ErrDigest,
		},
		{name: "given twice", method: "GET", target: "/bucket/a?versionId=1&versionId=2", want: wire.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := wire.S3().Open(s3Request(tt.method, "s3.eu-west-1.amazonaws.com", tt.target, tt.header), []byte(tt.body))
			var unknown []string
			if err == nil {
				unknown, err = m.Decode(s3Input(m.Operation))
			}
			require.ErrorIs(t, err, tt.want)
			require.Equal(t, tt.unknown, unknown)
		})
	}
}

// s3Input returns a fresh input of an operation.
func s3Input(operation string) any {
	m, _ := reflect.TypeFor[*s3.Client]().MethodByName(operation)
	return reflect.New(m.Type.In(2).Elem()).Interface()
}

func TestS3ErrorsReachTheClient(t *testing.T) {
	fail := doer(func(*http.Request) (*http.Response, error) {
		return response(wire.S3().Failure("request-1", wire.Error{
			Status: 404, Code: "NoSuchKey", Message: "no <such> & key", Members: map[string]string{"Key": "a&b", "x-amz-delete-marker": "true"},
		})), nil
	})
	_, err := s3.NewFromConfig(config(fail)).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("a&b")})
	var typed *types.NoSuchKey
	require.ErrorAs(t, err, &typed)
	require.Equal(t, "no <such> & key", *typed.Message)
}

func FuzzS3(f *testing.F) {
	f.Add("GET", "bucket.s3.eu-west-1.amazonaws.com", "/a%20b?versionId=1", "", "")
	f.Add("PUT", "s3.eu-west-1.amazonaws.com", "/bucket?object-lock", "", "<ObjectLockConfiguration><Rule><DefaultRetention><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>")
	f.Add("POST", "s3.eu-west-1.amazonaws.com", "/bucket?delete", "X-Amz-Bypass-Governance-Retention: true", "<Delete><Object><Key>a</Key></Object><Quiet>true</Quiet></Delete>")
	f.Add("PUT", "x.localhost:1", "/a?partNumber=1&uploadId=2", "X-Amz-Meta-A: b", "body")
	f.Add("PUT", "s3.amazonaws.com", "/b/a", "X-Amz-Object-Lock-Retain-Until-Date: 2026-03-01T12:00:00Z", "body")
	protocol := wire.S3()
	f.Fuzz(func(t *testing.T, method, host, target, header, body string) {
		head := http.Header{}
		if k, v, ok := strings.Cut(header, ": "); ok {
			head.Set(k, v)
		}
		m, err := protocol.Open(s3Request(method, host, target, head), []byte(body))
		if err == nil {
			_, _ = m.Decode(s3Input(m.Operation)) // it must not panic
		}
	})
}
