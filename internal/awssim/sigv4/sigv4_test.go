package sigv4_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/sigv4"
)

// The secret of AWS's published examples.
const exampleSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A signed is a request that the SDK's signer has signed.
type signed struct {
	*http.Request
	body []byte
}

func sign(t testing.TB, at time.Time) signed {
	t.Helper()
	body := []byte("Action=DescribeSnapshots&Version=2016-11-15")
	r, err := http.NewRequest(http.MethodPost, "https://ec2.eu-west-1.amazonaws.com/a%20b/c?x=1&x=0&x-y=%2F&z", bytes.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Amz-Meta", "  two   words ")
	hash := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(context.Background(), credentials(), r, hex.EncodeToString(hash[:]), "ec2", "eu-west-1", at)
	require.NoError(t, err)
	return signed{r, body}
}

func credentials() aws.Credentials {
	return aws.Credentials{AccessKeyID: "AKIAX", SecretAccessKey: exampleSecret, SessionToken: "token"}
}

func TestRequestsOfTheSDK(t *testing.T) {
	tests := []struct {
		name   string
		tamper func(*signed)
		want   error // nil means accepted
	}{
		{name: "untouched", tamper: func(*signed) {}},
		{name: "default port", tamper: func(s *signed) { s.Host = s.URL.Host + ":443" }},
		{name: "unsigned header added", tamper: func(s *signed) { s.Header.Set("User-Agent", "x") }},
		{name: "body", tamper: func(s *signed) { s.body = append(s.body, '&') }, want: sigv4.ErrMismatch},
		{name: "method", tamper: func(s *signed) { s.Method = http.MethodPut }, want: sigv4.ErrMismatch},
		{name: "path", tamper: func(s *signed) { s.URL.Path, s.URL.RawPath = "/a/b/c", "" }, want: sigv4.ErrMismatch},
		{name: "query", tamper: func(s *signed) { s.URL.RawQuery += "&y=1" }, want: sigv4.ErrMismatch},
		{name: "host", tamper: func(s *signed) { s.Host = "ec2.us-east-1.amazonaws.com" }, want: sigv4.ErrMismatch},
		{name: "signed header", tamper: func(s *signed) { s.Header.Set("X-Amz-Meta", "other") }, want: sigv4.ErrMismatch},
		{name: "x-amz header added", tamper: func(s *signed) { s.Header.Set("X-Amz-Target", "x") }, want: sigv4.ErrIncomplete},
		{name: "session token swapped", tamper: func(s *signed) { s.Header.Set("X-Amz-Security-Token", "other") }, want: sigv4.ErrMismatch},
		{name: "Region of the scope", tamper: replace("/eu-west-1/", "/us-east-1/"), want: sigv4.ErrMismatch},
		{name: "service of the scope", tamper: replace("/ec2/", "/kms/"), want: sigv4.ErrMismatch},
		{name: "date of the scope", tamper: replace("/20260301/", "/20260302/"), want: sigv4.ErrIncomplete},
		{name: "scope too short", tamper: replace("/ec2/", "/"), want: sigv4.ErrIncomplete},
		{name: "other algorithm", tamper: replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), want: sigv4.ErrIncomplete},
		{name: "host not signed", tamper: replace(";host;", ";"), want: sigv4.ErrIncomplete},
		{name: "header left out of the list", tamper: replace("content-type;", ""), want: sigv4.ErrMismatch},
		{name: "signature cut", tamper: func(s *signed) {
			h := s.Header.Get("Authorization")
			s.Header.Set("Authorization", h[:len(h)-1])
		}, want: sigv4.ErrIncomplete},
		{name: "no date", tamper: func(s *signed) { s.Header.Del("X-Amz-Date") }, want: sigv4.ErrIncomplete},
		{name: "no signature", tamper: func(s *signed) { s.Header.Del("Authorization") }, want: sigv4.ErrMissing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := sign(t, now)
			tt.tamper(&r)
			require.ErrorIs(t, verify(r, exampleSecret, now), tt.want)
		})
	}
}

func replace(old, new string) func(*signed) {
	return func(s *signed) {
		h := s.Header.Get("Authorization")
		s.Header.Set("Authorization", strings.Replace(h, old, new, 1))
	}
}

func verify(r signed, secret string, at time.Time) error {
	s, err := sigv4.Parse(r.Request)
	if err != nil {
		return err
	}
	return s.Verify(r.Request, r.body, sigv4.NewSecret(secret), sigv4.Policy{Now: at, Rules: sigv4.Rules{Skew: sigv4.MaxSkew}})
}

func TestMostServicesAllowFiveMinutes(t *testing.T) {
	r := sign(t, now)
	s, err := sigv4.Parse(r.Request)
	require.NoError(t, err)
	at := func(late time.Duration) error {
		return s.Verify(r.Request, r.body, sigv4.NewSecret(exampleSecret), sigv4.Policy{Now: now.Add(late)})
	}
	require.NoError(t, at(5*time.Minute))
	require.NoError(t, at(-5*time.Minute))
	require.EqualError(t, at(5*time.Minute+time.Second),
		"Signature expired: 20260301T120000Z is now earlier than 20260301T120001Z (20260301T120501Z - 5 min.)")
	require.EqualError(t, at(-5*time.Minute-time.Second),
		"Signature not yet current: 20260301T120000Z is still later than 20260301T115959Z (20260301T115459Z + 5 min.)")
}

func TestSecretAndClock(t *testing.T) {
	r := sign(t, now)
	require.ErrorIs(t, verify(r, "other", now), sigv4.ErrMismatch)
	require.NoError(t, verify(r, exampleSecret, now.Add(sigv4.MaxSkew)))
	require.NoError(t, verify(r, exampleSecret, now.Add(-sigv4.MaxSkew)))
	require.ErrorIs(t, verify(r, exampleSecret, now.Add(sigv4.MaxSkew+time.Second)), sigv4.ErrExpired)
	require.ErrorIs(t, verify(r, exampleSecret, now.Add(-sigv4.MaxSkew-time.Second)), sigv4.ErrExpired)
}

func TestPresignedURL(t *testing.T) {
	presign := func(query string) signed {
		r, err := http.NewRequest(http.MethodGet, "https://ec2.us-east-1.amazonaws.com/?Action=CopySnapshot&Version=2016-11-15"+query, nil)
		require.NoError(t, err)
		empty := sha256.Sum256(nil)
		text, _, err := v4.NewSigner().PresignHTTP(context.Background(), credentials(), r, hex.EncodeToString(empty[:]), "ec2", "us-east-1", now)
		require.NoError(t, err)
		u, err := url.Parse(text)
		require.NoError(t, err)
		return signed{&http.Request{Method: http.MethodGet, URL: u}, nil}
	}
	r := presign("&X-Amz-Expires=3600&SourceSnapshotId=snap-1")
	require.NoError(t, verify(r, exampleSecret, now.Add(time.Hour)))
	require.ErrorIs(t, verify(r, exampleSecret, now.Add(time.Hour+time.Second)), sigv4.ErrExpired)
	r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "snap-1", "snap-2", 1)
	require.ErrorIs(t, verify(r, exampleSecret, now), sigv4.ErrMismatch)
	require.NoError(t, verify(presign(""), exampleSecret, now.Add(sigv4.MaxSkew)), "no X-Amz-Expires")
	require.ErrorIs(t, verify(presign("&X-Amz-Expires=60"), exampleSecret, now.Add(time.Minute+time.Second)), sigv4.ErrStale)
	require.NotErrorIs(t, verify(presign(""), exampleSecret, now.Add(sigv4.MaxSkew+time.Second)), sigv4.ErrStale)
	require.ErrorIs(t, verify(presign(""), exampleSecret, now.Add(sigv4.MaxSkew+time.Second)), sigv4.ErrExpired, "no X-Amz-Expires")
	require.ErrorIs(t, verify(presign("&X-Amz-Expires=0"), exampleSecret, now), sigv4.ErrIncomplete)
	require.ErrorIs(t, verify(presign("&X-Amz-Expires=604801"), exampleSecret, now), sigv4.ErrIncomplete, "longer than a week")
}

func TestUnsignedPayloadOnlyWhereAllowed(t *testing.T) {
	r := sign(t, now)
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	require.NoError(t, v4.NewSigner().SignHTTP(context.Background(), credentials(), r.Request, "UNSIGNED-PAYLOAD", "ec2", "eu-west-1", now))
	require.ErrorIs(t, verify(r, exampleSecret, now), sigv4.ErrMismatch)
	s, err := sigv4.Parse(r.Request)
	require.NoError(t, err)
	unsigned := sigv4.Policy{Now: now, Rules: sigv4.Rules{UnsignedPayload: true}}
	require.NoError(t, s.Verify(r.Request, []byte("anything"), sigv4.NewSecret(exampleSecret), unsigned))

	// botocore signs the same without telling so.
	quiet := sign(t, now)
	require.NoError(t, v4.NewSigner().SignHTTP(context.Background(), credentials(), quiet.Request, "UNSIGNED-PAYLOAD", "ec2", "eu-west-1", now))
	require.ErrorIs(t, verify(quiet, exampleSecret, now), sigv4.ErrMismatch)
	s, err = sigv4.Parse(quiet.Request)
	require.NoError(t, err)
	require.NoError(t, s.Verify(quiet.Request, []byte("anything"), sigv4.NewSecret(exampleSecret), unsigned))
}

func FuzzParse(f *testing.F) {
	f.Add(sign(f, now).Header.Get("Authorization"), "20260301T120000Z", "")
	f.Add("", "", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a/20260301/b/c/aws4_request&X-Amz-Date=20260301T120000Z&X-Amz-Expires=1&X-Amz-SignedHeaders=host&X-Amz-Signature="+strings.Repeat("0", 64))
	f.Add("AWS4-HMAC-SHA256 Credential=////,SignedHeaders=,Signature=", "0", "X-Amz-Signature=")
	f.Fuzz(func(t *testing.T, authorization, date, query string) {
		r := &http.Request{Method: http.MethodGet, URL: &url.URL{Host: "h", RawQuery: query}, Header: http.Header{}}
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", date)
		s, err := sigv4.Parse(r)
		if err != nil {
			return
		}
		require.NotEmpty(t, s.KeyID)
		require.NotEmpty(t, s.Region)
		require.Contains(t, s.SignedHeaders, "host")
		require.Error(t, s.Verify(r, nil, sigv4.NewSecret("a secret that nobody has"), sigv4.Policy{Now: s.Time}))
	})
}

func BenchmarkVerify(b *testing.B) {
	r := sign(b, now)
	s, err := sigv4.Parse(r.Request)
	require.NoError(b, err)
	policy, secret := sigv4.Policy{Now: now}, sigv4.NewSecret(exampleSecret)
	for b.Loop() {
		if err := s.Verify(r.Request, r.body, secret, policy); err != nil {
			b.Fatal(err)
		}
	}
}
