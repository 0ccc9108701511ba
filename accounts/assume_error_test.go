package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
)

// sentinels are all that may come inside an AssumeError.
var sentinels = []error{
	accounts.ErrAccessDenied, accounts.ErrExpired, accounts.ErrCredentials, accounts.ErrSessionTooLong, accounts.ErrSessionPolicy,
	accounts.ErrRegionDisabled, accounts.ErrWrongAccount, accounts.ErrUnknownAccount, accounts.ErrNoRole, accounts.ErrRegion,
}

// failure checks that err is an AssumeError with just this sentinel (nil: none) and returns it.
func failure(t *testing.T, err, sentinel error) *accounts.AssumeError {
	t.Helper()
	var failed *accounts.AssumeError
	require.ErrorAs(t, err, &failed)
	for _, s := range sentinels {
		require.Equal(t, s == sentinel, errors.Is(err, s), "%v is %v", err, s)
	}
	return failed
}

func TestEachCodeHasItsSentinelAndRemedy(t *testing.T) {
	for _, c := range []struct {
		status        int
		code, message string
		sentinel      error
		remedy        string
	}{
		{403, "AccessDenied", "User: x is not authorized to perform: sts:AssumeRole on resource: y", accounts.ErrAccessDenied, "(1) the role exists"},
		{403, "AccessDenied", "User: x is not authorized to perform: sts:AssumeRole on resource: y with an explicit deny in a service control policy", accounts.ErrAccessDenied, "a service control policy of the organization"},
		{403, "AccessDenied", "… with an explicit deny in a resource control policy", accounts.ErrAccessDenied, "a resource control policy of the organization"},
		{403, "AccessDenied", "User: x is not authorized to perform: sts:TagSession on resource: y", accounts.ErrAccessDenied, "must both allow sts:TagSession"},
		{403, "AccessDenied", "User: x is not authorized to perform: sts:SetSourceIdentity on resource: y", accounts.ErrAccessDenied, "must both allow sts:SetSourceIdentity"},
		{403, "ExpiredToken", "The security token included in the request is expired", accounts.ErrExpired, "renew the credentials of " + hubARN},
		{403, "ExpiredTokenException", "expired", accounts.ErrExpired, "renew the credentials of " + hubARN},
		{400, "RequestExpired", "Request has expired", accounts.ErrExpired, "clock"},
		{403, "InvalidClientTokenId", "The security token included in the request is invalid.", accounts.ErrCredentials, "AWS does not know the credentials of " + hubARN},
		{403, "SignatureDoesNotMatch", "no match", accounts.ErrCredentials, "AWS does not know"},
		{403, "RegionDisabledException", "STS is not activated in this region", accounts.ErrRegionDisabled, "activate STS in eu-west-1"},
		{403, "OptInRequired", "opt in", accounts.ErrRegionDisabled, "Options.Region"},
		{400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", accounts.ErrSessionTooLong, "MaxSessionDuration"},
		{400, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.", accounts.ErrSessionTooLong, "at most 1 h"},
		{400, "ValidationError", "1 validation error detected", nil, ""},
		{400, "PackedPolicyTooLarge", "Packed policy consumes 101%", accounts.ErrSessionPolicy, "shorten the policy"},
		{400, "MalformedPolicyDocument", "This policy contains invalid Json", accounts.ErrSessionPolicy, "validate the document"},
		{400, "Throttling", "Rate exceeded", nil, "600 calls a second"},
		{503, "ServiceUnavailable", "try later", nil, ""},
	} {
		t.Run(c.code+" "+c.remedy, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newSTS(t)
				a := f.spoke("111111111111")
				f.fault = func(call fakeCall) *fakeFault {
					if call.Role == hubARN {
						return nil
					}
					return &fakeFault{status: c.status, code: c.code, message: c.message}
				}
				_, err := f.use(config(t, newSessions(t, f, accounts.Options{}, a), a.ID, accounts.Backup))
				e := failure(t, err, c.sentinel)
				require.Equal(t, a.ID, e.Account)
				require.Equal(t, 2, e.Hop)
				require.Equal(t, roleIn(a.ID), e.RoleARN)
				require.Equal(t, c.code, e.Code)
				require.Contains(t, e.Remedy(), c.remedy)
				require.Equal(t, c.remedy == "", e.Remedy() == "")
				require.ErrorContains(t, err, "account 111111111111: hop 2: assume arn:aws:iam::111111111111:role/snapkeep: ")
				require.ErrorContains(t, err, e.Remedy())
				var api smithy.APIError
				require.ErrorAs(t, err, &api)
				require.Equal(t, c.message, api.ErrorMessage())
			})
		})
	}
}

func TestAccessDeniedListsTheCausesInOrder(t *testing.T) {
	for _, c := range []struct {
		name   string
		spoil  func(*fakeSTS, *accounts.Account)
		hop    int
		remedy []string // in this order
	}{
		{"role missing", func(f *fakeSTS, a *accounts.Account) { delete(f.roles, roleIn(a.ID)) }, 2, []string{"role exists", hubARN, "character by character"}},
		{"role under another path", func(_ *fakeSTS, a *accounts.Account) { a.Chain[1].ARN = "arn:aws:iam::111111111111:role/x/snapkeep" }, 2, []string{"exactly this name and path"}},
		{"caller not trusted", func(f *fakeSTS, a *accounts.Account) { f.roles[roleIn(a.ID)].trusts = baseARN }, 2, []string{"role exists", "names " + hubARN}},
		{"external id missing", func(_ *fakeSTS, a *accounts.Account) { a.Chain[1].ExternalID = "" }, 2, []string{"role exists", "demands no external id, since none was sent"}},
		{"external id wrong", func(f *fakeSTS, a *accounts.Account) { f.roles[roleIn(a.ID)].externalID = "ext-2" }, 2, []string{"role exists", "character by character"}},
		{"first hop not trusted", func(f *fakeSTS, _ *accounts.Account) { f.roles[hubARN].trusts = "nobody" }, 1, []string{"names the base identity", "organization"}},
		{"tags and source identity", func(f *fakeSTS, a *accounts.Account) {
			f.roles[hubARN].trusts = "nobody"
			a.Chain[0].Tags = map[string]string{"k": "v"}
			a.Chain[0].SourceIdentity = "me"
		}, 1, []string{"allow sts:AssumeRole, sts:TagSession, sts:SetSourceIdentity;", "organization"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newSTS(t)
			a := f.spoke("111111111111")
			c.spoil(f, &a)
			_, err := f.use(config(t, newSessions(t, f, accounts.Options{}, a), a.ID, accounts.Backup))
			e := failure(t, err, accounts.ErrAccessDenied)
			require.Equal(t, c.hop, e.Hop)
			require.Equal(t, a.Chain[c.hop-1].ARN, e.RoleARN)
			rest := e.Remedy()
			for _, want := range c.remedy {
				require.Contains(t, rest, want)
				_, rest, _ = strings.Cut(rest, want)
			}
		})
	}
}

func TestASharedHopsFailureNamesTheAccountOfTheCaller(t *testing.T) {
	f := newSTS(t)
	list := []accounts.Account{f.spoke("111111111111"), f.spoke("222222222222")}
	delete(f.roles, hubARN)
	s := newSessions(t, f, accounts.Options{}, list...)
	for _, a := range list {
		_, err := f.use(config(t, s, a.ID, accounts.Backup))
		e := failure(t, err, accounts.ErrAccessDenied)
		require.Equal(t, a.ID, e.Account)
		require.Equal(t, 1, e.Hop)
		require.Equal(t, hubARN, e.RoleARN)
	}
}

func TestATooLongSessionIsNamedOnceAWSIsAsked(t *testing.T) {
	f := newSTS(t)
	a := f.one()
	a.Chain[0].Duration = 12 * time.Hour
	s := newSessions(t, f, accounts.Options{}, a)
	_, err := f.use(config(t, s, a.ID, accounts.Backup))
	require.NoError(t, err)

	f.roles[roleIn(a.ID)].max = 6 * time.Hour
	_, err = f.use(config(t, newSessions(t, f, accounts.Options{}, a), a.ID, accounts.Backup))
	require.Contains(t, failure(t, err, accounts.ErrSessionTooLong).Remedy(), "raise the role's MaxSessionDuration")

	// The host runs as a role itself, which nobody can see beforehand.
	f.keys["AKIABASE"] = fakeKey{arn: "arn:aws:iam::999999999999:role/ci"}
	f.roles[roleIn(a.ID)].trusts = "*"
	_, err = f.use(config(t, newSessions(t, f, accounts.Options{}, a), a.ID, accounts.Backup))
	require.Contains(t, failure(t, err, accounts.ErrSessionTooLong).Remedy(), "base credentials are a role's session")
}

func TestWrongAccount(t *testing.T) {
	f := newSTS(t)
	a := f.spoke("111111111111")
	f.roles[roleIn(a.ID)].reaches = "222222222222"
	_, err := f.use(config(t, newSessions(t, f, accounts.Options{}, a), a.ID, accounts.Backup))
	e := failure(t, err, accounts.ErrWrongAccount)
	require.Equal(t, 2, e.Hop)
	require.Empty(t, e.Code)
	require.ErrorContains(t, err, `belongs to account "222222222222", not 111111111111`)
}

func TestBaseCredentialsThatFail(t *testing.T) {
	gone := errors.New("the SSO session has expired")
	for _, c := range []struct {
		name     string
		provider aws.CredentialsProviderFunc
		sentinel error
		text     string
	}{
		{"no source", func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, gone }, accounts.ErrCredentials, "the SSO session has expired"},
		{"expired", func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIABASE", SecretAccessKey: "s", CanExpire: true, Expires: time.Unix(0, 0)}, nil
		}, accounts.ErrExpired, "expired at 1970-01-01T00:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newSTS(t)
			base := f.base()
			base.Credentials = c.provider
			s, err := accounts.New(base, []accounts.Account{f.spoke("111111111111"), {ID: "999999999999"}}, accounts.Options{})
			require.NoError(t, err)
			for _, id := range []accounts.ID{"111111111111", "999999999999"} {
				_, err := f.use(config(t, s, id, accounts.Backup))
				e := failure(t, err, c.sentinel)
				require.Equal(t, id, e.Account)
				require.Zero(t, e.Hop)
				require.Contains(t, e.Remedy(), "sign in again")
				require.ErrorContains(t, err, "account "+string(id)+": base credentials: "+c.text)
			}
			require.Empty(t, f.calls)
		})
	}
	f := newSTS(t)
	f.keys["AKIABASE"] = fakeKey{arn: baseARN, expires: time.Unix(0, 0)} // AWS knows better than the host
	f.expectExpired = true
	s := newSessions(t, f, accounts.Options{}, f.spoke("111111111111"), accounts.Account{ID: "999999999999"})
	_, err := f.use(config(t, s, "111111111111", accounts.Backup))
	require.Contains(t, failure(t, err, accounts.ErrExpired).Remedy(), "renew the credentials of the base identity")
	_, err = f.use(config(t, s, "999999999999", accounts.Backup))
	require.Zero(t, failure(t, err, accounts.ErrExpired).Hop)
}

func TestATransportFailureIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSTS(t)
		f.fault = func(fakeCall) *fakeFault { return &fakeFault{err: &net.DNSError{Err: "no such host", Name: "sts"}} }
		a := f.one()
		_, err := f.use(config(t, newSessions(t, f, accounts.Options{}, a), a.ID, accounts.Backup))
		e := failure(t, err, nil)
		require.Empty(t, e.Code)
		var dns *net.DNSError
		require.ErrorAs(t, err, &dns)
	})
}

func TestAnswersThatAreNotSTSs(t *testing.T) {
	whole := `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><AssumedRoleId>A:b</AssumedRoleId><Arn>arn:aws:sts::111111111111:assumed-role/snapkeep/snapkeep</Arn></AssumedRoleUser>
<Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2000-01-01T00:00:00Z</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>`
	for _, c := range []struct {
		name, body, want string
		sentinel         error
	}{
		{"expired already", whole, "had expired when it was answered", accounts.ErrExpired},
		{"no token", strings.Replace(whole, "<SessionToken>t</SessionToken>", "", 1), "lacks credentials", nil},
		{"no expiration", strings.Replace(whole, "<Expiration>2000-01-01T00:00:00Z</Expiration>", "", 1), "lacks credentials", nil},
		{"no role", strings.Replace(whole, "AssumedRoleUser>", "Other>", 2), "lacks credentials", nil},
		{"no ARN", strings.Replace(whole, "arn:aws:sts::111111111111:", "", 1), `belongs to account ""`, accounts.ErrWrongAccount},
		{"nothing", `<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>`, "lacks credentials", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newSTS(t)
			a := f.one()
			f.canned = c.body
			_, err := f.use(config(t, newSessions(t, f, accounts.Options{}, a), a.ID, accounts.Backup))
			failure(t, err, c.sentinel)
			require.ErrorContains(t, err, c.want)
		})
	}
	f := newSTS(t)
	f.canned = `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>x</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`
	_, err := f.use(config(t, newSessions(t, f, accounts.Options{}, accounts.Account{ID: "999999999999"}), "999999999999", accounts.Backup))
	failure(t, err, nil)
	require.ErrorContains(t, err, "names no account")
}

func TestErrorsRepeatNoSecrets(t *testing.T) {
	const policy = `{"Statement":"policy-text"}`
	quoteID := func(call fakeCall) string { return call.Form.Get("ExternalId") }
	quotePolicy := func(call fakeCall) string { return call.Form.Get("Policy")[5:] }
	for _, c := range []struct {
		code  string
		quote func(fakeCall) string
	}{
		{"ValidationError", quoteID},
		{"ValidationError", quotePolicy},
		{"MalformedPolicyDocument", quotePolicy},
		{"PackedPolicyTooLarge", quotePolicy},
		{"InvalidParameterValue", quotePolicy},
		{"InternalFailure", quotePolicy},
		{"Throttling", quotePolicy},
		{"AccessDenied", quoteID}, // its message is known not to quote policies
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newSTS(t)
			a := f.spoke("111111111111")
			a.Chain[1].Tags = map[string]string{"k": "tag-value"}
			f.fault = func(call fakeCall) *fakeFault {
				if call.Role == hubARN {
					return nil
				}
				return &fakeFault{status: 400, code: c.code, message: fmt.Sprintf("1 validation error detected: Value '%s' failed", c.quote(call))}
			}
			s, err := newSessions(t, f, accounts.Options{}, a).Narrow(a.ID, accounts.Backup, policy)
			require.NoError(t, err)
			_, err = f.use(config(t, s, a.ID, accounts.Backup))
			var e *accounts.AssumeError
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.code, e.Code)
			for inner := err; inner != nil; inner = errors.Unwrap(inner) {
				text := fmt.Sprintf("%v %+v %#v", inner, inner, inner)
				for _, secret := range []string{"policy-text", "ext-111111111111", "tag-value", "secret-of", "token-"} {
					require.NotContains(t, text, secret, c.code)
				}
			}
			require.ErrorContains(t, err, "request id req-1")
			var api smithy.APIError
			require.ErrorAs(t, err, &api)
			require.Equal(t, c.code, api.ErrorCode())
		})
	}
}

func TestAnInvalidParameterOfANarrowSessionIsBlamedOnThePolicy(t *testing.T) {
	f := newSTS(t)
	a := f.one()
	f.fault = func(fakeCall) *fakeFault {
		return &fakeFault{status: 400, code: "ValidationError", message: "1 validation error detected"}
	}
	s, err := newSessions(t, f, accounts.Options{}, a).Narrow(a.ID, accounts.Backup, "{}")
	require.NoError(t, err)
	_, err = f.use(config(t, s, a.ID, accounts.Backup))
	require.Contains(t, failure(t, err, accounts.ErrSessionPolicy).Remedy(), "most likely the session policy")
}
