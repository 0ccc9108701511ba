package wire_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	ebstypes "github.com/aws/aws-sdk-go-v2/service/ebs/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/wire"
)

var ebsInputs = map[string]any{
	"CompleteSnapshot": ebs.CompleteSnapshotInput{}, "GetSnapshotBlock": ebs.GetSnapshotBlockInput{},
	"ListChangedBlocks": ebs.ListChangedBlocksInput{}, "ListSnapshotBlocks": ebs.ListSnapshotBlocksInput{},
	"PutSnapshotBlock": ebs.PutSnapshotBlockInput{}, "StartSnapshot": ebs.StartSnapshotInput{},
}

func restRequest(method, target string, header http.Header) *http.Request {
	u, err := url.Parse("https://ebs.eu-west-1.amazonaws.com" + target)
	if err != nil {
		u = &url.URL{Path: target}
	}
	if header == nil {
		header = http.Header{}
	}
	return &http.Request{Method: method, URL: u, Header: header}
}

func TestRESTRequestsThatAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name, method, target, body string
		header                     http.Header
		unknown                    []string
		want                       error
		text                       string // of the error; empty means none
	}{
		{name: "no such path", method: "GET", target: "/snapshots/snap-1/volumes", want: wire.ErrNoAction},
		{name: "other method", method: "DELETE", target: "/snapshots/snap-1/blocks", want: wire.ErrNoAction},
		{name: "empty label", method: "GET", target: "/snapshots//blocks", want: wire.ErrNoAction},
		{name: "slash at the end", method: "GET", target: "/snapshots/snap-1/blocks/", want: wire.ErrNoAction},
		{name: "query not a form", method: "GET", target: "/snapshots/snap-1/blocks?a=%zz", want: wire.ErrMalformed},
		{name: "given twice", method: "GET", target: "/snapshots/snap-1/blocks?maxResults=100&maxResults=101", want: wire.ErrMalformed},
		{name: "no number", method: "GET", target: "/snapshots/snap-1/blocks?maxResults=many", text: "maxResults"},
		{name: "too large", method: "GET", target: "/snapshots/snap-1/blocks/2147483648?blockToken=a", text: "BlockIndex"},
		{
			name: "Go name in the query", method: "GET", target: "/snapshots/snap-1/blocks?NextToken=a&X-Amz-Date=b&x-id=c",
			unknown: []string{"NextToken"},
		},
		{
			name: "unknown header", method: "PUT", target: "/snapshots/snap-1/blocks/1",
			header:  http.Header{"X-Amz-Data-Length": {"1"}, "X-Amz-Length": {"1"}, "X-Amz-Date": {"x"}, "Accept": {"x"}},
			unknown: []string{"X-Amz-Length"},
		},
		{name: "body not JSON", method: "POST", target: "/snapshots", body: "{", want: wire.ErrMalformed},
		{name: "two values", method: "POST", target: "/snapshots", body: "{}{}", want: wire.ErrMalformed},
		{name: "no object", method: "POST", target: "/snapshots", body: "[]", want: wire.ErrMalformed},
		{name: "text for a number", method: "POST", target: "/snapshots", body: `{"VolumeSize":"1"}`, text: "VolumeSize"},
		{name: "no list", method: "POST", target: "/snapshots", body: `{"Tags":{}}`, text: "Tags: want a list"},
		{name: "no object in a list", method: "POST", target: "/snapshots", body: `{"Tags":[1]}`, text: "Tags.0: want an object"},
		{
			name: "unknown member", method: "POST", target: "/snapshots", body: `{"volumeSize":1,"Tags":[{"key":"a","Value":"b"}]}`,
			unknown: []string{"Tags.0.key", "volumeSize"},
		},
		{
			name: "label in the body", method: "POST", target: "/snapshots/completion/snap-1", body: `{"SnapshotId":"snap-2"}`,
			unknown: []string{"SnapshotId"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := wire.EBS().Open(restRequest(tt.method, tt.target, tt.header), []byte(tt.body))
			var unknown []string
			if err == nil {
				unknown, err = m.Decode(reflect.New(reflect.TypeOf(ebsInputs[m.Operation])).Interface())
			}
			switch {
			case tt.want != nil:
				require.ErrorIs(t, err, tt.want)
			case tt.text != "":
				require.ErrorContains(t, err, tt.text)
			default:
				require.NoError(t, err)
			}
			require.Equal(t, tt.unknown, unknown)
		})
	}
}

func TestRESTErrorsCarryTheirMembers(t *testing.T) {
	fail := doer(func(*http.Request) (*http.Response, error) {
		return response(wire.EBS().Failure("request-1", wire.Error{
			Status: 400, Code: "ValidationException", Message: "no <such> & \"thing\"", Members: map[string]string{"Reason": "INVALID_BLOCK"},
		})), nil
	})
	_, err := ebs.NewFromConfig(config(fail)).ListSnapshotBlocks(t.Context(), &ebs.ListSnapshotBlocksInput{SnapshotId: aws.String("snap-1")})
	var typed *ebstypes.ValidationException
	require.ErrorAs(t, err, &typed)
	require.Equal(t, "no <such> & \"thing\"", *typed.Message)
	require.Equal(t, ebstypes.ValidationExceptionReasonInvalidBlock, typed.Reason)
}

func TestABlobIsTheWholeAnswer(t *testing.T) {
	data := []byte("{\x00block")
	a := wire.EBS().Result("GetSnapshotBlock", "", &ebs.GetSnapshotBlockOutput{BlockData: wire.Blob(data), DataLength: aws.Int32(7)})
	require.Equal(t, data, a.Body)
	require.Equal(t, "7", a.Header.Get("X-Amz-Data-Length"))
	require.NotContains(t, a.Header, "X-Amz-Checksum")
	a = wire.EBS().Result("GetSnapshotBlock", "", &ebs.GetSnapshotBlockOutput{})
	require.Empty(t, a.Body)
}

func FuzzREST(f *testing.F) {
	f.Add("GET", "/snapshots/snap-1/blocks?pageToken=a&maxResults=100&startingBlockIndex=7", "", "")
	f.Add("GET", "/snapshots/snap-1/changedblocks?firstSnapshotId=snap-0", "", "")
	f.Add("PUT", "/snapshots/snap-1/blocks/7", "X-Amz-Data-Length: 524288", "\x00\x01")
	f.Add("POST", "/snapshots", "", `{"VolumeSize":8,"Tags":[{"Key":"a","Value":"b"}],"Encrypted":true,"Timeout":10}`)
	f.Add("POST", "/snapshots/completion/a%2Fb", "X-Amz-Changedblockscount: -1", "null")
	f.Fuzz(func(t *testing.T, method, target, header, body string) {
		head := http.Header{}
		if k, v, ok := strings.Cut(header, ": "); ok {
			head.Set(k, v)
		}
		m, err := wire.EBS().Open(restRequest(method, target, head), []byte(body))
		if err != nil {
			return
		}
		into := reflect.New(reflect.TypeOf(ebsInputs[m.Operation]))
		unknown, err := m.Decode(into.Interface())
		if err != nil || len(unknown) > 0 {
			return
		}
		if in, ok := into.Interface().(*ebs.PutSnapshotBlockInput); ok {
			data, err := io.ReadAll(in.BlockData)
			require.NoError(t, err)
			require.True(t, bytes.Equal([]byte(body), data))
		}
	})
}
