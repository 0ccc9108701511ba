package core_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// unknownKey is what the services answer to a key that they do not know.
var unknownKey = map[string]refusal{
	"ec2": {"AuthFailure", 401}, "sts": {"InvalidClientTokenId", 403}, "kms": {"UnrecognizedClientException", 400},
}

func (w *world) inAccount(f func(*core.Account)) {
	w.Lock()
	defer w.Unlock()
	f(w.Account(account))
}

// requireKnown calls each service in a Region and checks that the key is known there, or not.
func (w *world) requireKnown(t *testing.T, cfg aws.Config, region string, known bool) {
	t.Helper()
	cfg.Region = region
	for service, call := range calls(t.Context(), cfg) {
		err := call()
		if known {
			require.NoError(t, err, "%s in %s", service, region)
			continue
		}
		require.Equal(t, unknownKey[service], refusal{code(t, err), status(err)}, "%s in %s", service, region)
	}
}

func TestKeysStayInTheirPartition(t *testing.T) {
	for _, tt := range []struct{ partition, arn, home, abroad string }{
		{"aws", "arn:aws:iam::111111111111:user/alice", "eu-west-1", "cn-north-1"},
		{"aws-cn", "arn:aws-cn:iam::111111111111:user/alice", "cn-northwest-1", "us-gov-west-1"},
		{"aws-us-gov", "arn:aws-us-gov:iam::111111111111:user/alice", "us-gov-east-1", "us-east-1"},
		{"aws-iso", "arn:aws-iso:iam::111111111111:user/alice", "us-iso-east-1", "us-isob-east-1"},
		{"aws-eusc", "arn:aws-eusc:iam::111111111111:user/alice", "eusc-de-east-1", "eu-central-1"},
	} {
		t.Run(tt.partition, func(t *testing.T) {
			w := newWorld(t, core.Options{Latency: -1})
			w.inAccount(func(a *core.Account) { require.NoError(t, a.SetPartition(tt.partition)) })
			cfg := w.config(w.user(), "")
			w.requireKnown(t, cfg, tt.home, true)
			w.requireKnown(t, cfg, tt.abroad, false)
			cfg.Region = tt.home
			who, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil)
			require.NoError(t, err)
			require.Equal(t, tt.arn, *who.Arn)
		})
	}
}

func TestAPartitionIsChosenBeforeAnythingElse(t *testing.T) {
	a := core.New(core.Options{}).Account(account)
	require.Error(t, a.SetPartition("aws-moon"))
	require.NoError(t, a.SetPartition("aws-cn"))
	a.PutRole(core.Role{Name: "backup"})
	require.NoError(t, a.SetPartition("aws-cn"))
	require.Error(t, a.SetPartition("aws"))
}

func TestOptInRegions(t *testing.T) {
	w := newWorld(t, core.Options{Latency: -1})
	cfg := w.config(w.user(), "")
	w.requireKnown(t, cfg, "eu-south-1", false)
	w.inAccount(func(a *core.Account) {
		require.NoError(t, a.EnableRegion("eu-south-1"))
		require.NoError(t, a.EnableRegion("eu-west-1"), "it is enabled anyway")
		require.Error(t, a.EnableRegion("cn-north-1"))
		require.Error(t, a.DisableRegion("eu-west-1"))
		require.Equal(t, core.OptedIn, a.OptInStatus("eu-south-1"))
		require.Equal(t, core.NotOptedIn, a.OptInStatus("eu-south-2"))
		require.Equal(t, core.OptInNotRequired, a.OptInStatus("eu-west-1"))
		require.Empty(t, a.OptInStatus("eu-west-9"))
	})
	w.requireKnown(t, cfg, "eu-south-1", true)
	w.requireKnown(t, cfg, "eu-south-2", false)
	w.inAccount(func(a *core.Account) { require.NoError(t, a.DisableRegion("eu-south-1")) })
	w.requireKnown(t, cfg, "eu-south-1", false)
}

func TestSessionsOfTheGlobalEndpointStayInDefaultRegions(t *testing.T) {
	w := newWorld(t, core.Options{Latency: -1})
	w.inAccount(func(a *core.Account) { require.NoError(t, a.EnableRegion("eu-south-1")) })
	for _, limited := range []bool{false, true} {
		c := w.session(core.Session{Role: w.role("backup"), Name: "s", Expires: time.Now().Add(time.Hour), DefaultRegions: limited})
		w.requireKnown(t, w.config(c.Key, c.Token), "eu-west-1", true)
		w.requireKnown(t, w.config(c.Key, c.Token), "eu-south-1", !limited)
	}
}

func TestOnlyActiveAccountsHaveCredentials(t *testing.T) {
	w := newWorld(t, core.Options{Latency: -1})
	cfg := w.config(w.user(), "")
	for _, state := range []core.State{core.PendingActivation, core.Suspended, core.PendingClosure, core.Closed, core.Active} {
		w.inAccount(func(a *core.Account) { a.State = state })
		w.requireKnown(t, cfg, "eu-west-1", state == core.Active)
	}
}

func TestTheGlobalEndpointOfSTS(t *testing.T) {
	w := newWorld(t, core.Options{Latency: -1})
	cfg := w.config(w.user(), "")
	global := func(o *sts.Options) { o.BaseEndpoint, o.Region = aws.String("https://sts.amazonaws.com"), "us-east-1" }
	_, err := sts.NewFromConfig(cfg, global).GetCallerIdentity(t.Context(), nil)
	require.NoError(t, err)
	_, err = sts.NewFromConfig(cfg, global, func(o *sts.Options) { o.Region = "eu-west-1" }).GetCallerIdentity(t.Context(), nil)
	require.Equal(t, "SignatureDoesNotMatch", code(t, err), "it is signed for us-east-1, whoever calls")
}
