package accounts_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/snapkeep/snapkeep/accounts"
)

const (
	baseARN = "arn:aws:iam::999999999999:user/backup"
	hubARN  = "arn:aws:iam::999999999999:role/hub"
)

// fakeSTS answers AssumeRole and GetCallerIdentity as an aws.HTTPClient. It
// fails the test itself on what no program may do: unsigned calls, foreign
// tokens, expired credentials, two calls at once for the same session.
type fakeSTS struct {
	t testing.TB

	mu     sync.Mutex // guards what follows
	roles  map[string]*fakeRole
	keys   map[string]fakeKey
	calls  []fakeCall
	flying map[string]bool

	// Set before use.
	latency       time.Duration
	skew          time.Duration // the server's clock is this much ahead of ours
	undated       bool          // no Date header
	expectExpired bool
	canned        string // answer to everything
	fault         func(fakeCall) *fakeFault
}

// fakeRole is a role and its trust policy.
type fakeRole struct {
	trusts     string // ARN of the principal, or "*"
	externalID string
	max        time.Duration // MaxSessionDuration; 0 is 1 h
	reaches    string        // account answered; "" is the role's own
}

type fakeKey struct {
	arn     string // of the role or user
	token   string
	expires time.Time // by the server's clock; zero: never
}

type fakeCall struct {
	Action, Role, Caller, Host, Region string
	Form                               url.Values
	At                                 time.Time // by our clock
}

type fakeFault struct {
	status        int
	code, message string
	err           error // instead of an answer
}

func newSTS(t testing.TB) *fakeSTS {
	return &fakeSTS{
		t:      t,
		roles:  map[string]*fakeRole{hubARN: {trusts: baseARN}},
		keys:   map[string]fakeKey{"AKIABASE": {arn: baseARN}},
		flying: map[string]bool{},
	}
}

// base is the config of a host that runs as baseARN.
func (f *fakeSTS) base() aws.Config {
	return aws.Config{
		Region:      "eu-west-1",
		Credentials: credentials.NewStaticCredentialsProvider("AKIABASE", "secret-of-base", ""),
		HTTPClient:  f,
	}
}

// trust adds a role.
func (f *fakeSTS) trust(arn string, r fakeRole) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.roles[arn] = &r
}

// made returns the calls so far that have the action and, unless it is empty, the role.
func (f *fakeSTS) made(action, role string) []fakeCall {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(f.calls), func(c fakeCall) bool {
		return c.Action != action || role != "" && c.Role != role
	})
}

// use signs something with the credentials of a config, and checks that AWS would take them.
func (f *fakeSTS) use(cfg aws.Config) (aws.Credentials, error) {
	c, err := cfg.Credentials.Retrieve(context.Background())
	if err != nil {
		return c, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	key, ok := f.keys[c.AccessKeyID]
	if !ok || key.token != c.SessionToken {
		f.t.Errorf("credentials %s were never issued", c.AccessKeyID)
	}
	if now := time.Now().Add(f.skew); !key.expires.IsZero() && !now.Before(key.expires) {
		f.t.Errorf("credentials of %s used at %v, expired at %v", key.arn, now, key.expires)
	}
	return c, nil
}

var scope = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=(\w+)/\d{8}/([a-z0-9-]+)/sts/aws4_request, SignedHeaders=.+, Signature=[0-9a-f]{64}$`)

// Do answers one request.
func (f *fakeSTS) Do(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	m := scope.FindStringSubmatch(req.Header.Get("Authorization"))
	if m == nil {
		f.t.Errorf("unsigned call: %q", req.Header.Get("Authorization"))
		return f.answer(403, errorXML("MissingAuthenticationToken", "unsigned")), nil
	}
	call := fakeCall{
		Action: form.Get("Action"), Role: form.Get("RoleArn"), Host: req.URL.Host, Region: m[2], Form: form, At: time.Now(),
	}
	key, fault := f.receive(&call, m[1], req.Header.Get("X-Amz-Security-Token"))
	defer f.land(call)
	if f.latency > 0 {
		select {
		case <-time.After(f.latency):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	switch {
	case f.canned != "":
		return f.answer(200, f.canned), nil
	case fault != nil && fault.err != nil:
		return nil, fault.err
	case fault != nil:
		return f.answer(fault.status, errorXML(fault.code, fault.message)), nil
	case call.Action == "GetCallerIdentity":
		return f.answer(200, identityXML(key.arn)), nil
	}
	return f.assume(call, key), nil
}

// receive records the call and judges its credentials.
func (f *fakeSTS) receive(call *fakeCall, accessKey, token string) (fakeKey, *fakeFault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key, ok := f.keys[accessKey]
	call.Caller = key.arn
	f.calls = append(f.calls, *call)
	if f.flying[call.id()] {
		f.t.Errorf("two calls at once for %s", call.Role)
	}
	f.flying[call.id()] = true
	if !ok || key.token != token {
		return key, &fakeFault{status: 403, code: "InvalidClientTokenId", message: "The security token included in the request is invalid."}
	}
	if now := time.Now().Add(f.skew); !key.expires.IsZero() && !now.Before(key.expires) {
		if !f.expectExpired {
			f.t.Errorf("call signed at %v with credentials that expired at %v", now, key.expires)
		}
		return key, &fakeFault{status: 403, code: "ExpiredToken", message: "The security token included in the request is expired"}
	}
	if f.fault == nil {
		return key, nil
	}
	return key, f.fault(*call)
}

func (f *fakeSTS) land(call fakeCall) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.flying, call.id())
}

// id tells calls apart that make different sessions.
func (c fakeCall) id() string { return c.Form.Encode() }

func (f *fakeSTS) assume(call fakeCall, caller fakeKey) *http.Response {
	f.mu.Lock()
	defer f.mu.Unlock()
	role := f.roles[call.Role]
	if role == nil || role.trusts != "*" && role.trusts != caller.arn || role.externalID != "" && role.externalID != call.Form.Get("ExternalId") {
		return f.answer(403, errorXML("AccessDenied", fmt.Sprintf("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", caller.arn, call.Role)))
	}
	seconds, err := strconv.Atoi(call.Form.Get("DurationSeconds"))
	duration := time.Duration(seconds) * time.Second
	switch {
	case err != nil:
		f.t.Errorf("no DurationSeconds in %v", call.Form)
	case strings.Contains(caller.arn, ":role/") && duration > time.Hour:
		return f.answer(400, errorXML("ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."))
	case duration > max(role.max, time.Hour):
		return f.answer(400, errorXML("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."))
	}
	n := len(f.keys)
	expires := time.Now().Add(f.skew + duration).UTC().Truncate(time.Second)
	accessKey, token := fmt.Sprintf("ASIA%08d", n), fmt.Sprintf("token-%d", n)
	f.keys[accessKey] = fakeKey{arn: call.Role, token: token, expires: expires}
	account, name := strings.Split(call.Role, ":")[4], call.Role[strings.LastIndexByte(call.Role, '/')+1:]
	if role.reaches != "" {
		account = role.reaches
	}
	return f.answer(200, fmt.Sprintf(`<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><AssumedRoleId>AROA:%[1]s</AssumedRoleId><Arn>arn:aws:sts::%[2]s:assumed-role/%[3]s/%[1]s</Arn></AssumedRoleUser>
<Credentials><AccessKeyId>%[4]s</AccessKeyId><SecretAccessKey>secret-of-session</SecretAccessKey><SessionToken>%[5]s</SessionToken><Expiration>%[6]s</Expiration></Credentials>
</AssumeRoleResult><ResponseMetadata><RequestId>req-1</RequestId></ResponseMetadata></AssumeRoleResponse>`,
		call.Form.Get("RoleSessionName"), account, name, accessKey, token, expires.Format(time.RFC3339)))
}

func (f *fakeSTS) answer(status int, body string) *http.Response {
	h := http.Header{"Content-Type": {"text/xml"}, "X-Amzn-Requestid": {"req-1"}}
	if !f.undated {
		h.Set("Date", time.Now().Add(f.skew).UTC().Format(http.TimeFormat))
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func identityXML(arn string) string {
	return fmt.Sprintf(`<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>%s</Arn><UserId>AIDA</UserId><Account>%s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, arn, strings.Split(arn, ":")[4])
}

func errorXML(code, message string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(message))
	return fmt.Sprintf(`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>req-1</RequestId></ErrorResponse>`, code, b.String())
}

// roleIn is the role of the examples in an account.
func roleIn(id accounts.ID) string { return fmt.Sprintf("arn:aws:iam::%s:role/snapkeep", id) }

// spoke is an account entered through the hub; the fake trusts it so.
func (f *fakeSTS) spoke(id accounts.ID) accounts.Account {
	f.trust(roleIn(id), fakeRole{trusts: hubARN, externalID: "ext-" + string(id)})
	return accounts.Account{ID: id, Chain: []accounts.Role{{ARN: hubARN}, {ARN: roleIn(id), ExternalID: "ext-" + string(id)}}}
}
