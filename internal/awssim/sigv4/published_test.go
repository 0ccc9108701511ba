package sigv4_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/sigv4"
)

// A published is a request with the signature that AWS publishes for it.
type published struct {
	name, method, url, body string
	headers                 []string // name and value by turns
	signed                  string   // SignedHeaders
	signature               string
	scope                   string // service; "service" if empty
}

// Requests of the SigV4 test suite, and ListUsers of the IAM User Guide. Those
// of the suite that encode a path only once are left out: they are for S3.
var suite = []published{
	{name: "get-vanilla", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{
		name: "ListUsers", url: "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", scope: "iam",
		signed: "content-type;host;x-amz-date", headers: []string{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
		signature: "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
	},
	{
		name: "get-header-value-order", signed: "host;my-header1;x-amz-date",
		headers:   []string{"My-Header1", "value4", "My-Header1", "value1", "My-Header1", "value3", "My-Header1", "value2"},
		signature: "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
	},
	{
		name: "get-header-value-trim", signed: "host;my-header1;my-header2;x-amz-date",
		headers:   []string{"My-Header1", " value1", "My-Header2", ` "a   b   c"`},
		signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
	},
	{name: "get-vanilla-utf8-query", url: "/?ሴ=bar", signature: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
	{name: "query order", url: "/?Param1=value2&Param1=value1", signature: "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
	{name: "query order, keys", url: "/?Param2=value2&Param1=value1", signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
	{name: "query order, encoded", url: "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1", signature: "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
	{name: "get-relative", url: "/example/..", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{name: "get-relative-relative", url: "/example1/example2/../..", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{name: "get-slash-dot-slash", url: "/./", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{name: "get-slash-pointless-dot", url: "/./example", signature: "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
	{name: "get-slashes", url: "//example//", signature: "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
	{name: "post-vanilla", method: http.MethodPost, signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
	{
		name: "post-x-www-form-urlencoded", method: http.MethodPost, body: "Param1=value1", signed: "content-type;host;x-amz-date",
		headers: []string{"Content-Type", "application/x-www-form-urlencoded"}, signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
	},
}

func TestPublishedSignatures(t *testing.T) {
	for _, tt := range suite {
		t.Run(tt.name, func(t *testing.T) {
			if tt.scope == "" {
				tt.scope = "service"
			}
			r := tt.request(t, "https://example.amazonaws.com/", "20150830T123600Z", "AKIDEXAMPLE")
			s, err := sigv4.Parse(r)
			require.NoError(t, err)
			require.NoError(t, s.Verify(r, []byte(tt.body), sigv4.NewSecret(exampleSecret), sigv4.Policy{Now: s.Time}))
		})
	}
}

// request makes the request that was signed. A url without a host is on the one given.
func (p published) request(t *testing.T, home, date, key string) *http.Request {
	t.Helper()
	u, err := url.Parse(home)
	require.NoError(t, err)
	// As the text stands: package url would resolve "//example//" to a host.
	if path, query, _ := strings.Cut(p.url, "?"); strings.HasPrefix(path, "/") {
		u.Path, u.RawQuery = path, query
	} else if path != "" {
		u, err = url.Parse(p.url)
		require.NoError(t, err)
	}
	method := p.method
	if method == "" {
		method = http.MethodGet
	}
	r := &http.Request{Method: method, URL: u, Host: u.Host, Header: http.Header{}}
	r.Header.Set("X-Amz-Date", date)
	for i := 0; i < len(p.headers); i += 2 {
		r.Header.Add(p.headers[i], p.headers[i+1])
	}
	signed := p.signed
	if signed == "" {
		signed = "host;x-amz-date"
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key+"/"+date[:8]+"/us-east-1/"+p.scope+
		"/aws4_request,SignedHeaders="+signed+",Signature="+p.signature)
	return r
}

// The secret and the hash of nothing in the examples of S3.
const (
	storageSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	nothing       = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// Examples of the Amazon S3 API Reference, "Examples: Signature Calculations"
// and "Transferring Payload in Multiple Chunks".
var storage = []published{
	{
		name: "GET Object", url: "/test.txt", signed: "host;range;x-amz-content-sha256;x-amz-date",
		headers:   []string{"Range", "bytes=0-9", "X-Amz-Content-Sha256", nothing},
		signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
	},
	{
		name: "PUT Object", method: http.MethodPut, url: "/test$file.text", body: "Welcome to Amazon S3.",
		signed: "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
		headers: []string{
			"Date", "Fri, 24 May 2013 00:00:00 GMT", "X-Amz-Storage-Class", "REDUCED_REDUNDANCY",
			"X-Amz-Content-Sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
		},
		signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
	},
	{
		name: "GET Bucket Lifecycle", url: "/?lifecycle", signed: "host;x-amz-content-sha256;x-amz-date",
		headers:   []string{"X-Amz-Content-Sha256", nothing},
		signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
	},
	{
		name: "PUT in chunks", method: http.MethodPut, url: "https://s3.amazonaws.com/examplebucket/chunkObject.txt", body: chunks,
		signed: "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
		headers: []string{
			"Content-Encoding", "aws-chunked", "Content-Length", "66824", "X-Amz-Decoded-Content-Length", "66560",
			"X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "X-Amz-Storage-Class", "REDUCED_REDUNDANCY",
		},
		signature: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
	},
}

var chunks = "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" + strings.Repeat("a", 65536) +
	"\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" + strings.Repeat("a", 1024) +
	"\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"

func TestPublishedSignaturesOfStorage(t *testing.T) {
	rules := sigv4.Rules{Storage: true, Skew: sigv4.MaxSkew}
	for _, tt := range storage {
		t.Run(tt.name, func(t *testing.T) {
			tt.scope = "s3"
			r := tt.request(t, "https://examplebucket.s3.amazonaws.com/", "20130524T000000Z", "AKIAIOSFODNN7EXAMPLE")
			s, err := sigv4.Parse(r)
			require.NoError(t, err)
			policy := sigv4.Policy{Now: s.Time, Rules: rules}
			require.NoError(t, s.Verify(r, []byte(tt.body), sigv4.NewSecret(storageSecret), policy))
			want, changed := sigv4.ErrHash, tt.body+"x"
			if sigv4.IsChunked(r) {
				want, changed = sigv4.ErrMismatch, strings.Replace(tt.body, "aa", "ab", 1)
			}
			require.ErrorIs(t, s.Verify(r, []byte(changed), sigv4.NewSecret(storageSecret), policy), want)
			r.Header.Del("X-Amz-Content-Sha256")
			require.ErrorIs(t, s.Verify(r, []byte(tt.body), sigv4.NewSecret(storageSecret), policy), sigv4.ErrNoHash)
		})
	}
	u, err := url.Parse("https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256" +
		"&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z" +
		"&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
	require.NoError(t, err)
	r := &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{}}
	s, err := sigv4.Parse(r)
	require.NoError(t, err)
	require.NoError(t, s.Verify(r, []byte("whatever"), sigv4.NewSecret(storageSecret), sigv4.Policy{Now: s.Time, Rules: rules}), "Query Parameters")
}
