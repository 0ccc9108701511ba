package wire_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

// A service under test: its protocol, and its client on an HTTP client.
type service struct {
	protocol wire.Protocol
	client   func(aws.HTTPClient) any
}

var services = map[string]service{
	"ebs":           {wire.EBS(), func(h aws.HTTPClient) any { return ebs.NewFromConfig(config(h)) }},
	"ec2":           {wire.EC2(), func(h aws.HTTPClient) any { return ec2.NewFromConfig(config(h)) }},
	"iam":           {wire.IAM(), func(h aws.HTTPClient) any { return iam.NewFromConfig(config(h)) }},
	"organizations": {wire.Organizations(), func(h aws.HTTPClient) any { return organizations.NewFromConfig(config(h)) }},
	"sts":           {wire.STS(), func(h aws.HTTPClient) any { return sts.NewFromConfig(config(h)) }},
	"kms":           {wire.KMS(), func(h aws.HTTPClient) any { return kms.NewFromConfig(config(h)) }},
	"ssm":           {wire.SSM(), func(h aws.HTTPClient) any { return ssm.NewFromConfig(config(h)) }},
}

func config(h aws.HTTPClient) aws.Config {
	return aws.Config{
		Region:      "eu-west-1",
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
		HTTPClient:  h,
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
}

// operations returns the listed operations as "service Operation".
func operations(t testing.TB) []string {
	f, err := os.Open("operations.txt")
	require.NoError(t, err)
	defer f.Close()
	var list []string
	for s := bufio.NewScanner(f); s.Scan(); {
		if line := s.Text(); line != "" && !strings.HasPrefix(line, "#") {
			list = append(list, line)
		}
	}
	require.NotEmpty(t, list)
	return list
}

func TestEveryOperationSurvivesTheWire(t *testing.T) {
	for _, line := range operations(t) {
		if strings.HasPrefix(line, "s3 ") {
			continue // see TestS3OperationsSurviveTheWire
		}
		t.Run(line, func(t *testing.T) {
			name, operation, _ := strings.Cut(line, " ")
			survives(t, services[name], operation)
		})
	}
}

// survives sends every member of an operation's input and output both ways.
func survives(t *testing.T, s service, operation string) {
	w := &loop{t: t, protocol: s.protocol}
	call := reflect.ValueOf(s.client(w)).MethodByName(operation)
	require.True(t, call.IsValid(), "no such operation")

	input := reflect.New(call.Type().In(1).Elem())
	fill(input.Elem(), new(int))
	want := reflect.New(call.Type().Out(0).Elem())
	fill(want.Elem(), new(int))
	w.decodeInto, w.answer = reflect.New(input.Type().Elem()).Interface(), want.Interface()
	sent := clone(input)

	out := call.Call([]reflect.Value{reflect.ValueOf(t.Context()), input})
	if err, ok := out[1].Interface().(error); ok {
		require.NoError(t, err)
	}
	require.Equal(t, operation, w.operation)
	require.Empty(t, w.unknown)
	require.Equal(t, rewound(t, sent.Interface()), rewound(t, w.decodeInto), "what the service reads")
	got := out[0]
	got.Elem().FieldByName("ResultMetadata").SetZero()
	require.Equal(t, rewound(t, want.Interface()), rewound(t, got.Interface()), "what the client reads")
}

// A loop decodes what a client sends and answers with a fixed output.
type loop struct {
	t          *testing.T
	protocol   wire.Protocol
	decodeInto any
	answer     any

	operation string
	unknown   []string
}

func (l *loop) Do(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		require.NoError(l.t, err)
	}
	m, err := l.protocol.Open(r, body)
	require.NoError(l.t, err)
	l.operation = m.Operation
	l.unknown, err = m.Decode(l.decodeInto)
	require.NoError(l.t, err)
	return response(l.protocol.Result(m.Operation, "request-1", l.answer)), nil
}

func response(a wire.Answer) *http.Response {
	header := http.Header{"Content-Type": {a.ContentType}}
	maps.Copy(header, a.Header)
	return &http.Response{StatusCode: a.Status, Header: header, Body: io.NopCloser(bytes.NewReader(a.Body))}
}

// An upload is what fill puts where a member is a reader.
type upload struct{ *strings.Reader }

func newUpload(text string) *upload { return &upload{strings.NewReader(text)} }

func (*upload) Close() error { return nil }

// rewound replaces the readers in a struct by fresh ones of what they give.
func rewound(t *testing.T, p any) any {
	t.Helper()
	v := reflect.ValueOf(p).Elem()
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		r, ok := v.Field(i).Interface().(io.Reader)
		if !ok {
			continue
		}
		if s, ok := r.(io.Seeker); ok {
			_, err := s.Seek(0, io.SeekStart)
			require.NoError(t, err)
		}
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		v.Field(i).Set(reflect.ValueOf(newUpload(string(data))))
	}
	return p
}

// fill sets every exported member below v to a value of its own.
func fill(v reflect.Value, n *int) {
	*n++
	switch t := v.Type(); t.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		fill(v.Elem(), n)
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 3, 1, 12, 0, *n%60, 0, time.UTC)))
			return
		}
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && f.Name != "ResultMetadata" {
				fill(v.Field(i), n)
			}
		}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte{byte(*n), 0, 255})
			return
		}
		v.Set(reflect.MakeSlice(t, 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Map:
		v.Set(reflect.MakeMap(t))
		e := reflect.New(t.Elem()).Elem()
		fill(e, n)
		v.SetMapIndex(reflect.ValueOf("key-"+strconv.Itoa(*n)).Convert(t.Key()), e)
	case reflect.String:
		v.SetString("a<b>&\"c\" \r\n ü " + strconv.Itoa(*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(*n) + 0.5)
	case reflect.Interface:
		if members := wire.UnionMembers(t); members != nil {
			member := reflect.New(members[0])
			fill(member.Elem(), n)
			v.Set(member)
			return
		}
		// The readers of the EBS direct APIs.
		v.Set(reflect.ValueOf(newUpload("\x00block " + strconv.Itoa(*n))))
	default:
		panic("fill: " + t.String())
	}
}

// clone copies a pointer to a struct one level deep, since the client of
// CopySnapshot writes into the input it is given.
func clone(p reflect.Value) reflect.Value {
	c := reflect.New(p.Type().Elem())
	c.Elem().Set(p.Elem())
	return c
}

func TestAbsentMembersStayAbsent(t *testing.T) {
	w := &loop{t: t, protocol: wire.EC2(), decodeInto: &ec2.DescribeSnapshotsInput{}, answer: &ec2.DescribeSnapshotsOutput{
		Snapshots: []types.Snapshot{{SnapshotId: aws.String("")}},
	}}
	out, err := ec2.NewFromConfig(config(w)).DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{MaxResults: aws.Int32(5)})
	require.NoError(t, err)
	require.Equal(t, &ec2.DescribeSnapshotsInput{MaxResults: aws.Int32(5)}, w.decodeInto)
	require.Nil(t, out.NextToken)
	require.Equal(t, []types.Snapshot{{SnapshotId: aws.String("")}}, out.Snapshots)
}

func TestErrorsReachTheClient(t *testing.T) {
	fail := func(p wire.Protocol) aws.HTTPClient {
		return doer(func(*http.Request) (*http.Response, error) {
			return response(p.Failure("request-1", wire.Error{Status: 400, Code: "NotFoundException", Message: "no <such> & thing"})), nil
		})
	}
	calls := map[string]func() error{
		"ec2": func() error {
			_, err := ec2.NewFromConfig(config(fail(wire.EC2()))).DescribeSnapshots(t.Context(), nil)
			return err
		},
		"sts": func() error {
			_, err := sts.NewFromConfig(config(fail(wire.STS()))).GetCallerIdentity(t.Context(), nil)
			return err
		},
		"kms": func() error {
			_, err := kms.NewFromConfig(config(fail(wire.KMS()))).DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: aws.String("k")})
			var typed *kmstypes.NotFoundException
			require.ErrorAs(t, err, &typed)
			return err
		},
	}
	for name, call := range calls {
		var api smithy.APIError
		require.ErrorAs(t, call(), &api, name)
		require.Equal(t, "NotFoundException", api.ErrorCode(), name)
		require.Equal(t, "no <such> & thing", api.ErrorMessage(), name)
	}
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

func TestRequestsThatAreRefused(t *testing.T) {
	tests := []struct {
		name, body string
		into       any
		unknown    []string
		want       string // of the error; empty means none
	}{
		{name: "no action", body: "Version=2016-11-15", want: "names no operation"},
		{name: "other version", body: "Action=X&Version=2000-01-01", want: "another version"},
		{name: "not a form", body: "Action=%zz", want: "malformed"},
		{name: "given twice", body: "Action=X&Version=2016-11-15&A=1&A=2", want: "A is given 2 times"},
		{
			name: "Go name instead of wire name", body: "Action=X&Version=2016-11-15&SnapshotIds.1=snap-1",
			into: &ec2.DescribeSnapshotsInput{}, unknown: []string{"SnapshotIds"},
		},
		{
			name: "output member", body: "Action=X&Version=2016-11-15&Filter.1.Nam=a&Filter.1.Name=b",
			into: &ec2.DescribeSnapshotsInput{}, unknown: []string{"Filter.1.Nam"},
		},
		{
			name: "list without numbers", body: "Action=X&Version=2016-11-15&Filter.x.Name=a&Filter.01.Name=b&Filter.0.Name=c",
			into: &ec2.DescribeSnapshotsInput{}, unknown: []string{"Filter.0", "Filter.01", "Filter.x"},
		},
		{name: "not a number", body: "Action=X&Version=2016-11-15&MaxResults=five", into: &ec2.DescribeSnapshotsInput{}, want: "MaxResults"},
		{name: "too large", body: "Action=X&Version=2016-11-15&MaxResults=5000000000", into: &ec2.DescribeSnapshotsInput{}, want: "MaxResults"},
		{name: "not a boolean", body: "Action=X&Version=2016-11-15&DryRun=1", into: &ec2.DescribeSnapshotsInput{}, want: "DryRun"},
		{name: "value with members", body: "Action=X&Version=2016-11-15&DryRun.1=true", into: &ec2.DescribeSnapshotsInput{}, want: "want one value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := wire.EC2().Open(&http.Request{Method: http.MethodPost}, []byte(tt.body))
			var unknown []string
			if err == nil {
				unknown, err = m.Decode(tt.into)
			}
			if tt.want != "" {
				require.ErrorContains(t, err, tt.want)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.unknown, unknown)
		})
	}
}

func TestListsOfTheQueryProtocols(t *testing.T) {
	m, err := wire.EC2().Open(&http.Request{Method: http.MethodGet, URL: &url.URL{
		RawQuery: "Action=DescribeSnapshots&Version=2016-11-15&SnapshotId.10=c&SnapshotId.2=b&SnapshotId.1=a&X-Amz-Date=now",
	}}, nil)
	require.NoError(t, err)
	var in ec2.DescribeSnapshotsInput
	unknown, err := m.Decode(&in)
	require.NoError(t, err)
	require.Empty(t, unknown)
	require.Equal(t, []string{"a", "b", "c"}, in.SnapshotIds)

	m, err = wire.STS().Open(&http.Request{Method: http.MethodPost},
		[]byte("Action=AssumeRole&Version=2011-06-15&TransitiveTagKeys.member.1=k&Tags=&PolicyArns.1.arn=x"))
	require.NoError(t, err)
	var role sts.AssumeRoleInput
	unknown, err = m.Decode(&role)
	require.NoError(t, err)
	require.Equal(t, []string{"PolicyArns.1"}, unknown)
	require.Equal(t, []string{"k"}, role.TransitiveTagKeys)
	require.Empty(t, role.Tags)
}

func TestJSONThatIsRefused(t *testing.T) {
	open := func(target, body string) (*wire.Message, error) {
		return wire.KMS().Open(&http.Request{Header: http.Header{"X-Amz-Target": {target}}}, []byte(body))
	}
	for _, body := range []string{"[]", "{", `{"KeyId":"k"}{}`, `"x"`} {
		_, err := open("TrentService.DescribeKey", body)
		require.ErrorIs(t, err, wire.ErrMalformed, body)
	}
	_, err := open("Other.DescribeKey", "{}")
	require.ErrorIs(t, err, wire.ErrNoAction)

	m, err := open("TrentService.DescribeKey", `{"KeyId":"k","keyId":"k","GrantTokens":["a"],"ResultMetadata":{}}`)
	require.NoError(t, err)
	var in kms.DescribeKeyInput
	unknown, err := m.Decode(&in)
	require.NoError(t, err)
	require.Equal(t, []string{"ResultMetadata", "keyId"}, unknown)
	require.Equal(t, "k", *in.KeyId)

	for _, body := range []string{`{"KeyId":5}`, `{"GrantTokens":"a"}`, `{"GrantTokens":[{}]}`} {
		m, err := open("TrentService.DescribeKey", body)
		require.NoError(t, err)
		_, err = m.Decode(&in)
		require.Error(t, err, body)
	}
}

func FuzzQuery(f *testing.F) {
	f.Add("Action=X&Version=2016-11-15&Filter.1.Name=a&Filter.1.Value.1=b&MaxResults=7&DryRun=true")
	f.Add("Action=X&Version=2016-11-15&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.2=b")
	f.Add("Action=X&Version=2016-11-15&Filter=&Filter.1=x&......=1&.=2")
	f.Fuzz(func(t *testing.T, body string) {
		m, err := wire.EC2().Open(&http.Request{Method: http.MethodPost}, []byte(body))
		if err != nil {
			return
		}
		for _, into := range []any{&ec2.DescribeSnapshotsInput{}, &ec2.RunInstancesInput{}, &ec2.ModifySnapshotAttributeInput{}} {
			if _, err := m.Decode(into); err != nil {
				continue
			}
			// What was understood, a client can send again.
			again := &loop{t: t, protocol: wire.EC2(), decodeInto: reflect.New(reflect.TypeOf(into).Elem()).Interface(), answer: &ec2.DescribeSnapshotsOutput{}}
			in, ok := into.(*ec2.DescribeSnapshotsInput)
			if !ok {
				continue
			}
			_, err := ec2.NewFromConfig(config(again)).DescribeSnapshots(context.Background(), in)
			require.NoError(t, err)
			require.Equal(t, compact(*in), compact(*again.decodeInto.(*ec2.DescribeSnapshotsInput)))
		}
	})
}

// compact makes empty lists nil, since the protocol cannot tell them apart.
func compact(in ec2.DescribeSnapshotsInput) ec2.DescribeSnapshotsInput {
	for _, l := range []*[]string{&in.OwnerIds, &in.RestorableByUserIds, &in.SnapshotIds} {
		if len(*l) == 0 {
			*l = nil
		}
	}
	var filters []types.Filter
	for _, f := range in.Filters {
		if len(f.Values) == 0 {
			f.Values = nil
		}
		if f.Name != nil || f.Values != nil { // an empty filter leaves no trace
			filters = append(filters, f)
		}
	}
	in.Filters = filters
	return in
}
