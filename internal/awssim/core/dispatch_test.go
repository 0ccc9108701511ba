package core_test

import (
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A letInCase is one way to come with credentials.
type letInCase struct {
	name string
	// config returns what a client uses.
	config func(*world) aws.Config
	// want holds the code and status by service; nil means that the call succeeds.
	want map[string]refusal
}

var letInCases = []letInCase{
	{
		name:   "user",
		config: func(w *world) aws.Config { return w.config(w.user(), "") },
	},
	{
		name: "root",
		config: func(w *world) aws.Config {
			w.Lock()
			defer w.Unlock()
			return w.config(w.Account(account).RootKey(), "")
		},
	},
	{
		name: "session",
		config: func(w *world) aws.Config {
			c := w.session(core.Session{Role: w.role("backup"), Name: "s", Expires: time.Now().Add(time.Hour)})
			return w.config(c.Key, c.Token)
		},
	},
	{
		name:   "unknown key",
		config: func(w *world) aws.Config { return w.config(core.Key{ID: "AKIA0000000000000000", Secret: "s"}, "") },
		want:   map[string]refusal{"ec2": {"AuthFailure", 401}, "sts": {"InvalidClientTokenId", 403}, "kms": {"UnrecognizedClientException", 400}},
	},
	{
		name: "deleted user",
		config: func(w *world) aws.Config {
			k := w.user()
			w.Lock()
			defer w.Unlock()
			w.Account(account).DeleteUser("alice")
			return w.config(k, "")
		},
		want: map[string]refusal{"ec2": {"AuthFailure", 401}, "sts": {"InvalidClientTokenId", 403}, "kms": {"UnrecognizedClientException", 400}},
	},
	{
		name:   "wrong secret",
		config: func(w *world) aws.Config { return w.config(core.Key{ID: w.user().ID, Secret: "s"}, "") },
		want:   map[string]refusal{"ec2": {"AuthFailure", 401}, "sts": {"SignatureDoesNotMatch", 403}, "kms": {"InvalidSignatureException", 400}},
	},
	{
		name:   "token of nobody",
		config: func(w *world) aws.Config { return w.config(w.user(), "token") },
		want:   map[string]refusal{"ec2": {"AuthFailure", 401}, "sts": {"InvalidClientTokenId", 403}, "kms": {"UnrecognizedClientException", 400}},
	},
	{
		name: "session without its token",
		config: func(w *world) aws.Config {
			c := w.session(core.Session{Role: w.role("backup"), Name: "s", Expires: time.Now().Add(time.Hour)})
			return w.config(c.Key, "")
		},
		want: map[string]refusal{"ec2": {"AuthFailure", 401}, "sts": {"InvalidClientTokenId", 403}, "kms": {"UnrecognizedClientException", 400}},
	},
	{
		name: "session of a deleted role",
		config: func(w *world) aws.Config {
			c := w.session(core.Session{Role: w.role("backup"), Name: "s", Expires: time.Now().Add(time.Hour)})
			w.Lock()
			defer w.Unlock()
			w.Account(account).DeleteRole("backup")
			w.Account(account).PutRole(core.Role{Name: "backup"})
			return w.config(c.Key, c.Token)
		},
		want: map[string]refusal{"ec2": {"AuthFailure", 401}, "sts": {"InvalidClientTokenId", 403}, "kms": {"UnrecognizedClientException", 400}},
	},
	{
		name: "expired session",
		config: func(w *world) aws.Config {
			c := w.session(core.Session{Role: w.role("backup"), Name: "s", Expires: time.Now()})
			return w.config(c.Key, c.Token)
		},
		want: map[string]refusal{"ec2": {"RequestExpired", 400}, "sts": {"ExpiredToken", 403}, "kms": {"ExpiredTokenException", 400}},
	},
	{
		name: "not signed",
		config: func(w *world) aws.Config {
			return tampered(w, func(r *http.Request) { r.Header.Del("Authorization") })
		},
		want: map[string]refusal{"ec2": {"MissingParameter", 400}, "sts": {"MissingAuthenticationToken", 403}, "kms": {"MissingAuthenticationTokenException", 400}},
	},
	{
		name: "signature cut",
		config: func(w *world) aws.Config {
			return tampered(w, func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=") })
		},
		want: map[string]refusal{"ec2": {"AuthFailure", 401}, "sts": {"IncompleteSignature", 400}, "kms": {"IncompleteSignatureException", 400}},
	},
	{
		name: "sent to another Region than signed for",
		config: func(w *world) aws.Config {
			return tampered(w, func(r *http.Request) {
				service := r.URL.Host[:3]
				r.URL.Host, r.Host = service+".eu-west-2.amazonaws.com", ""
			})
		},
		want: map[string]refusal{"ec2": {"AuthFailure", 401}, "sts": {"SignatureDoesNotMatch", 403}, "kms": {"InvalidSignatureException", 400}},
	},
}

func TestScopesThatDoNotFit(t *testing.T) {
	w := newWorld(t, core.Options{Latency: -1})
	for old, want := range map[string]string{
		"/eu-west-1/": "Credential should be scoped to a valid region.", "/kms/": "Credential should be scoped to correct service: 'kms'.",
	} {
		err := calls(t.Context(), tampered(w, authorization(old, "/mars/")))["kms"]()
		require.Equal(t, "InvalidSignatureException", code(t, err))
		require.ErrorContains(t, err, want)
	}
}

func TestWhoIsLetIn(t *testing.T) {
	for _, tt := range letInCases {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, core.Options{Latency: -1})
			for service, call := range calls(t.Context(), tt.config(w)) {
				err := call()
				require.Equal(t, tt.want[service].code, code(t, err), service)
				require.Equal(t, tt.want[service].status, status(err), service)
			}
			require.Equal(t, 3*min(1, len(tt.want)), w.Stats().Rejected)
			require.Empty(t, w.Misuse())
		})
	}
}

type refusal struct {
	code   string
	status int
}

func status(err error) int {
	var e *awshttp.ResponseError
	if errors.As(err, &e) {
		return e.HTTPStatusCode()
	}
	return 0
}

func (w *world) role(name string) *core.Role {
	w.Lock()
	defer w.Unlock()
	return w.Account(account).PutRole(core.Role{Name: name})
}

// tampered is the configuration of a user whose requests are changed on the way.
func tampered(w *world, change func(*http.Request)) aws.Config {
	cfg := w.config(w.user(), "")
	inner := cfg.HTTPClient
	cfg.HTTPClient = doer(func(r *http.Request) (*http.Response, error) {
		change(r)
		return inner.Do(r)
	})
	return cfg
}

func TestASessionEndsByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, core.Options{})
		c := w.session(core.Session{Role: w.role("backup"), Name: "s", Expires: time.Now().Add(time.Hour)})
		call := calls(t.Context(), w.config(c.Key, c.Token))["sts"]
		require.NoError(t, call())
		time.Sleep(time.Hour - time.Second)
		require.NoError(t, call())
		time.Sleep(time.Second)
		require.Equal(t, "ExpiredToken", code(t, call()))
	})
}

func TestARequestThatWasUnderWayTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, core.Options{})
		cfg := tampered(w, func(*http.Request) { time.Sleep(16 * time.Minute) })
		want := map[string]string{"ec2": "RequestExpired", "sts": "SignatureDoesNotMatch", "kms": "InvalidSignatureException"}
		for service, call := range calls(t.Context(), cfg) {
			require.Equal(t, want[service], code(t, call()), service)
		}
	})
}

func TestAnUnknownRegionHasNoHost(t *testing.T) {
	w := newWorld(t, core.Options{Latency: -1})
	cfg := w.config(w.user(), "")
	cfg.Region = "eu-west-9"
	var dns *net.DNSError
	_, err := ec2.NewFromConfig(cfg).DescribeSnapshots(t.Context(), nil)
	require.ErrorAs(t, err, &dns)
	require.Equal(t, "ec2.eu-west-9.amazonaws.com", dns.Name)
	require.True(t, dns.IsNotFound)
}

func TestMisuseIsAnErrorAndIsRemembered(t *testing.T) {
	var told []string
	w := newWorld(t, core.Options{Latency: -1, OnMisuse: func(s string) { told = append(told, s) }})
	w.copySnapshot = func(c *core.Call, in *ec2.CopySnapshotInput) (*ec2.CopySnapshotOutput, error) {
		return nil, c.Refuse(in, "KmsKeyId", "DestinationOutpostArn", "Encrypted")
	}
	w.describe = func(*core.Call, *ec2.DescribeSnapshotsInput) (*ec2.DescribeSnapshotsOutput, error) {
		return nil, errors.New("not an AWS error")
	}
	k := w.user()
	client := w.ec2(k)
	_, err := client.DescribeVolumes(t.Context(), nil)
	require.Equal(t, "InvalidAction", code(t, err))
	_, err = client.CopySnapshot(t.Context(), &ec2.CopySnapshotInput{
		SourceRegion: aws.String("eu-west-1"), SourceSnapshotId: aws.String("s"), DestinationOutpostArn: aws.String("o"), Encrypted: aws.Bool(true),
	})
	require.Equal(t, "UnsupportedOperation", code(t, err))
	_, err = client.DescribeSnapshots(t.Context(), nil)
	require.Equal(t, "InternalError", code(t, err))
	_, err = kms.NewFromConfig(w.config(k, "")).ListAliases(t.Context(), nil)
	require.Equal(t, "UnknownOperationException", code(t, err))
	require.Equal(t, []string{
		"ec2 has no operation DescribeVolumes",
		"ec2 CopySnapshot: DestinationOutpostArn is not simulated",
		"bug in the simulated ec2 DescribeSnapshots: not an AWS error",
		"kms has no operation ListAliases",
	}, told)
	require.Equal(t, told, w.Misuse())
}

func TestStats(t *testing.T) {
	w := newWorld(t, core.Options{Latency: -1})
	for _, call := range calls(t.Context(), w.config(w.user(), "")) {
		require.NoError(t, call())
		require.NoError(t, call())
	}
	require.Equal(t, core.Stats{
		Calls: map[string]int{"ec2:DescribeSnapshots": 2, "sts:GetCallerIdentity": 2, "kms:DescribeKey": 2}, Total: 6,
	}, w.Stats())
}
