package core_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// authorization changes the header of that name.
func authorization(old, new string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
	}
}

// Each is told in the words of AWS, where the service tells at all: EC2 says
// the same of all of them.
func TestMalformedSignatures(t *testing.T) {
	tests := []struct {
		name   string
		tamper func(*http.Request)
		want   string // part of the message
	}{
		{"no credential", authorization("Credential=", "Credentials="), "Authorization header requires 'Credential' parameter."},
		{"no signature", authorization("Signature=", "Signed="), "Authorization header requires 'Signature' parameter."},
		{"no signed headers", authorization("SignedHeaders=", "Headers="), "Authorization header requires 'SignedHeaders' parameter."},
		{"no date", func(r *http.Request) { r.Header.Del("X-Amz-Date") }, "requires existence of either a 'X-Amz-Date' or a 'Date' header."},
		{"wrong date", func(r *http.Request) { r.Header.Set("X-Amz-Date", "2000-01-01") }, "Date must be in ISO-8601 'basic format'. Got '2000-01-01'."},
		{"another day", func(r *http.Request) { r.Header.Set("X-Amz-Date", "20000102T000000Z") }, "Date in Credential scope does not match YYYYMMDD"},
		{"bearer", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, "Authorization header requires the algorithm"},
		{"no equal sign", authorization(", SignedHeaders", ", x, SignedHeaders"), "Invalid key=value pair (missing equal-sign) in Authorization header: 'x'."},
		{"twice", authorization(", SignedHeaders", ", Signature=0, SignedHeaders"), "Authorization header gives 'Signature' twice."},
		{"no terminator", authorization("/aws4_request", "/aws3_request"), "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws3_request'."},
		{"short scope", authorization("/aws4_request", ""), "Credential must have exactly 5 slash-delimited elements"},
		{"host not signed", authorization("host;", "hostess;"), "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		{"unsigned header", func(r *http.Request) { r.Header.Set("X-Amz-Other", "x") }, "which were not signed: x-amz-other"},
		{"no hexadecimal digits", authorization("Signature=", "Signature=x"), "Signature must be 64 hexadecimal digits."},
	}
	codes := map[string]refusal{"ec2": {"AuthFailure", 401}, "sts": {"IncompleteSignature", 400}, "kms": {"IncompleteSignatureException", 400}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // the clock stands at 2000-01-01T00:00:00Z
				w := newWorld(t, core.Options{Latency: -1})
				for service, call := range calls(t.Context(), tampered(w, tt.tamper)) {
					err := call()
					require.Equal(t, codes[service], refusal{code(t, err), status(err)}, service)
					if service != "ec2" {
						require.ErrorContains(t, err, tt.want, service)
					}
				}
				require.Empty(t, w.Misuse())
			})
		})
	}
}

func TestMalformedQueries(t *testing.T) {
	w := newWorld(t, core.Options{Latency: -1})
	whole := url.Values{
		"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Credential": {w.user().ID + "/20000101/us-east-1/sts/aws4_request"},
		"X-Amz-Date": {"20000101T000000Z"}, "X-Amz-SignedHeaders": {"host"}, "X-Amz-Signature": {strings.Repeat("0", 64)},
	}
	for _, tt := range []struct{ name, value, code, text string }{
		{"X-Amz-Algorithm", "", "IncompleteSignature", "X-Amz-Algorithm only supports"},
		{"X-Amz-Credential", "", "IncompleteSignature", "X-Amz-Credential"},
		{"X-Amz-Date", "", "IncompleteSignature", "X-Amz-Date"},
		{"X-Amz-SignedHeaders", "", "IncompleteSignature", "X-Amz-SignedHeaders"},
		{"X-Amz-Signature", "", "IncompleteSignature", "X-Amz-Signature"},
		{"X-Amz-Expires", "soon", "IncompleteSignature", "should be a number"},
		{"X-Amz-Expires", "0", "IncompleteSignature", "at least 1"},
		{"X-Amz-Expires", "604801", "IncompleteSignature", "less than a week"},
		{"X-Amz-Expires", "99999999999999", "IncompleteSignature", "should be a number"},
		{"X-Amz-Security-Token", "x", "InvalidClientTokenId", "security token"},
		{"X-Amz-Date", "20000101T000000Z", "SignatureDoesNotMatch", "Signature expired"},
	} {
		q := url.Values{}
		for k, v := range whole {
			q[k] = v
		}
		q.Set(tt.name, tt.value)
		r, err := http.NewRequest(http.MethodGet, "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&"+q.Encode(), nil)
		require.NoError(t, err)
		answer, err := w.Client().Do(r)
		require.NoError(t, err)
		body := read(t, answer)
		require.Contains(t, body, "<Code>"+tt.code+"</Code>", "%s=%s", tt.name, tt.value)
		require.Contains(t, body, tt.text, "%s=%s", tt.name, tt.value)
	}
}

func TestClocksThatDisagree(t *testing.T) {
	for _, tt := range []struct {
		name string
		off  time.Duration
		want map[string]string // codes
	}{
		{name: "4 minutes", off: 4 * time.Minute},
		{name: "6 minutes", off: 6 * time.Minute, want: map[string]string{"kms": "InvalidSignatureException"}},
		{name: "16 minutes", off: 16 * time.Minute, want: map[string]string{
			"kms": "InvalidSignatureException", "ec2": "RequestExpired", "sts": "SignatureDoesNotMatch",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, core.Options{Latency: -1})
				late := tampered(w, func(*http.Request) { time.Sleep(tt.off) })
				for service, call := range calls(t.Context(), late) {
					require.Equal(t, tt.want[service], code(t, call()), service)
				}
			})
		})
	}
}
