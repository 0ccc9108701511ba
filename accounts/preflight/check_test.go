package preflight_test

import (
	"context"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go/metrics"
	"github.com/aws/smithy-go/tracing"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/accounts/preflight"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestARightSetUpHasNoProblems(t *testing.T) {
	s := newScene(t)
	report := s.check()
	require.True(t, report.OK(), report.String())
	seen := map[preflight.Probe]bool{}
	for _, f := range report.Findings {
		seen[f.Check] = true
		require.Empty(t, f.Remedy)
	}
	// The others appear only if they are wrong.
	for _, p := range []preflight.Probe{
		preflight.BaseCredentials, preflight.AccountState, preflight.Assume, preflight.Trust, preflight.ExternalID, preflight.Identity,
		preflight.Region, preflight.Permission, preflight.Excess, preflight.KeyState, preflight.KeyPolicy,
		preflight.VaultTrust, preflight.VaultKeyPolicy, preflight.VaultShare,
	} {
		require.True(t, seen[p], p)
	}
	withholds(t, report)
}

// A host that has nothing but the roles learns what they can see, and nothing
// wrong of what they cannot.
func TestWithoutAnAuditorNothingIsWrong(t *testing.T) {
	s := newScene(t)
	s.opts = preflight.Options{}
	report := s.check()
	unknown := map[preflight.Probe]bool{}
	for _, f := range report.Problems() {
		require.Equal(t, preflight.Unknown, f.Outcome, "%+v", f)
		require.NotEmpty(t, f.Remedy)
		unknown[f.Check] = true
	}
	require.Equal(t, map[preflight.Probe]bool{
		preflight.Trust: true, preflight.Permission: true, preflight.Excess: true, preflight.KeyPolicy: true,
		preflight.VaultTrust: true, preflight.VaultKeyPolicy: true,
	}, unknown)
}

// What is wrong of what the roles see themselves is wrong without an auditor too.
func TestWithoutAnAuditorWrongIsWrong(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(*scene)
		want []string
	}{
		{"missing hub is told once", func(s *scene) { s.DeleteRole(vault, "orchestrator") }, []string{
			"wrong 999999999999 - assume: AccessDenied",
		}},
		{"missing role", func(s *scene) { s.DeleteRole(shop, "snapkeep-pruner") }, []string{
			"wrong 111111111111 pruner assume: AccessDenied",
		}},
		{"trust without external id", func(s *scene) {
			s.change(shop, "backup", func(r *awssim.Role) { r.Trust = trusting(s.t, hub) })
		}, []string{"wrong 111111111111 backup external-id: the role was assumed"}},
		{"missing permission", func(s *scene) { s.without(shop, "backup", "SnapshotInstances") }, []string{
			"wrong 111111111111 backup permission: ec2:CreateSnapshots",
		}},
		{"deletes everything", func(s *scene) { s.give(shop, "backup", allow(s.t, "ec2:DeleteSnapshot", "*")) }, []string{
			"wrong 111111111111 backup excess: ec2:DeleteSnapshot on snapshots that are not the vault's",
		}},
		{"terminates", func(s *scene) { s.give(shop, "backup", allow(s.t, "ec2:TerminateInstances", "*")) }, []string{
			"wrong 111111111111 backup excess: ec2:TerminateInstances",
		}},
		{"key policy", func(s *scene) { s.putKeyPolicy(s.in.Protected[0].SourceKeys[0], s.ownKeyPolicy(shop)) }, []string{
			"wrong 999999999999 vault-writer key-policy: kms:DescribeKey is refused: no resource-based policy",
		}},
		{"suspended account", func(s *scene) { s.SetState(clean, core.Suspended) }, []string{
			"wrong 555555555555 restore assume: AccessDenied",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			c.make(s)
			s.opts = preflight.Options{}
			report := s.check()
			left := c.want
			for _, f := range report.Problems() {
				if f.Outcome == preflight.Unknown {
					continue
				}
				at := matching(left, f)
				require.GreaterOrEqual(t, at, 0, "not expected: %+v\n%v", f, report)
				left = append(left[:at:at], left[at+1:]...)
			}
			require.Empty(t, left, "missing from\n%v", report)
		})
	}
}

// The vault's account may be that of the base credentials, without a role.
func TestTheBaseCredentialsMayBeTheVaultsOwn(t *testing.T) {
	s := newScene(t)
	role := s.role(vault, "vault-writer")
	s.in.Orchestrator = "arn:aws:iam::" + vault + ":user/host"
	policy, err := s.in.OrchestratorPolicy()
	require.NoError(t, err)
	s.base.Credentials = s.User(vault, "host", append(role.Policies, policy)...)
	for i, a := range s.declared {
		if a.ID == vault {
			delete(s.declared[i].Purposes, accounts.VaultWriter)
		}
		for p, chain := range a.Purposes {
			s.declared[i].Purposes[p] = chain[1:]
			s.change(string(a.ID), string(p), func(*awssim.Role) {})
		}
	}
	problems := s.check().Problems()
	require.Len(t, problems, 4, "%+v", problems)
	for _, f := range problems {
		require.Equal(t, accounts.VaultWriter, f.Purpose)
		require.Equal(t, preflight.KeyPolicy, f.Check, "the keys name the writer's role")
	}
}

func TestInAnotherPartition(t *testing.T) {
	cloud := awssim.New(awssim.Options{Seed: 1, Latency: -1, Limits: core.Limits{Off: true}})
	for _, id := range []string{vault, shop} {
		require.NoError(t, cloud.SetPartition(id, "aws-cn"))
	}
	s := &scene{Cloud: cloud, t: t, silent: map[string]bool{}}
	region := "cn-north-1"
	s.in = iampolicy.Installation{
		Partition: "aws-cn", Vault: vault, Orchestrator: "arn:aws-cn:iam::" + vault + ":user/orchestrator", ExternalID: "vault-7c1e",
		Regions: []string{region}, VaultKeys: []string{s.key(vault, region)}, KeyAdmins: []string{"arn:aws-cn:iam::" + vault + ":role/key-admin"},
		Protected: []iampolicy.Protected{{Account: shop, ExternalID: "shop-9b2d", Regions: []string{region}, SourceKeys: []string{s.key(shop, region)}}},
	}
	policy, err := s.in.OrchestratorPolicy()
	require.NoError(t, err)
	s.base = s.Config(s.User(vault, "orchestrator", policy), region)
	roles, err := s.in.Roles()
	require.NoError(t, err)
	declared := map[string]*accounts.Account{vault: {ID: vault}, shop: {ID: shop}}
	for _, r := range roles {
		s.PutRole(r.Account, awssim.Role{Name: r.Name, Trust: r.Trust, Policies: []*iampolicy.Document{r.Policy}})
		id := map[string]string{vault: "vault-7c1e", shop: "shop-9b2d"}[r.Account]
		a := declared[r.Account]
		if a.Purposes == nil {
			a.Purposes = map[accounts.Purpose][]accounts.Role{}
		}
		a.Purposes[accounts.Purpose(r.Purpose)] = []accounts.Role{{ARN: r.ARN("aws-cn"), ExternalID: id}}
	}
	s.declared = []accounts.Account{*declared[vault], *declared[shop]}
	source, err := s.in.SourceKeyPolicy(shop)
	require.NoError(t, err)
	s.putKeyPolicy(s.in.Protected[0].SourceKeys[0], source)
	s.opts.Auditor = func(_ context.Context, id accounts.ID, region string) (aws.Config, error) {
		return s.Config(s.Root(string(id)), region), nil
	}
	report := s.check()
	require.True(t, report.OK(), report.String())
	require.Empty(t, cloud.Misuse())
}

// Whatever AWS does not answer is unknown, never wrong.
func TestTroubleIsUnknown(t *testing.T) {
	for _, service := range []string{"iam", "kms", "ec2", "organizations"} {
		t.Run(service, func(t *testing.T) {
			s := newScene(t)
			retryer := func() aws.Retryer { return aws.NopRetryer{} }
			s.base.Retryer = retryer
			s.opts.Organization.Retryer = retryer
			auditor := s.opts.Auditor
			s.opts.Auditor = func(ctx context.Context, id accounts.ID, region string) (aws.Config, error) {
				cfg, err := auditor(ctx, id, region)
				cfg.Retryer = retryer
				return cfg, err
			}
			sessions, err := accounts.New(s.base, s.declared, accounts.Options{})
			require.NoError(t, err)
			s.SetFault(func(c core.CallInfo) core.Fault {
				if c.Service == service {
					return core.Fault{Way: core.Garbage}
				}
				return core.Fault{}
			})
			report, err := preflight.Check(t.Context(), sessions, s.in, s.opts)
			require.NoError(t, err)
			require.False(t, report.OK())
			for _, f := range report.Problems() {
				require.Equal(t, preflight.Unknown, f.Outcome, "%+v", f)
			}
		})
	}
}

func TestCheckEndsWithItsContext(t *testing.T) {
	s := newScene(t)
	sessions, err := accounts.New(s.base, s.declared, accounts.Options{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	s.SetFault(func(core.CallInfo) core.Fault {
		if calls++; calls == 20 {
			cancel()
		}
		return core.Fault{}
	})
	report, err := preflight.Check(ctx, sessions, s.in, s.opts)
	require.ErrorIs(t, err, context.Canceled)
	require.NotNil(t, report)
	require.NotEmpty(t, report.Findings)
	for _, f := range report.Problems() {
		require.Equal(t, preflight.Unknown, f.Outcome, "%+v", f)
	}
}

func TestTheGuardLetsNoLiveCallOut(t *testing.T) {
	s := newScene(t)
	client := preflight.NewEC2(s.Config(s.Root(shop), dublin))
	_, err := client.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{s.instance}})
	require.ErrorContains(t, err, "preflight: ec2:TerminateInstances is no dry run")
	_, err = client.DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: &s.own, DryRun: aws.Bool(false)})
	require.ErrorContains(t, err, "preflight: ec2:DeleteSnapshot is no dry run")
	_, err = client.DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: &s.own, DryRun: aws.Bool(true)})
	require.ErrorContains(t, err, "DryRunOperation")
	_, err = client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
	require.NoError(t, err)

	nowhere := preflight.NewEC2(aws.Config{Region: dublin, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
	_, err = nowhere.DeleteVolume(t.Context(), &ec2.DeleteVolumeInput{VolumeId: aws.String("vol-1")})
	require.ErrorContains(t, err, "is no dry run")
}

// Every statement that a generated policy has must be asked about, in words
// that the policy itself allows: or a right role would seem wrong.
func TestNeedsAreAllowedByTheirOwnPolicy(t *testing.T) {
	in := newScene(t).in
	in.Restore[0].PassRoles = []string{"arn:aws:iam::" + clean + ":role/app"}
	roles, err := in.Roles()
	require.NoError(t, err)
	for _, role := range roles {
		asked := map[string]bool{}
		for _, need := range preflight.Needs(role, dublin) {
			asked[need.Action] = true
			set := iampolicy.PolicySet{Identity: []*iampolicy.Document{role.Policy}}
			if strings.HasPrefix(need.Action, "kms:") { // keys leave it to the account
				set.Resource = parse(t, `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"`+role.Account+`"},"Action":"*","Resource":"*"}]}`)
			}
			d := iampolicy.Evaluate(need, set)
			require.Equal(t, iampolicy.Allowed, d.Outcome, "%s: %s on %s: %v", role.Name, need.Action, need.Resource, d)
		}
		for _, s := range role.Policy.Statements {
			for _, action := range s.Actions.Values {
				require.True(t, s.Effect == iampolicy.Deny || asked[action], "%s: %s", role.Name, action)
			}
		}
	}
}

func TestCheckNeedsSessions(t *testing.T) {
	report, err := preflight.Check(t.Context(), nil, iampolicy.Installation{}, preflight.Options{})
	require.EqualError(t, err, "preflight: sessions: is nil")
	require.False(t, report.OK())
}

// BenchmarkCheck counts the calls that three accounts in four Regions cost.
func BenchmarkCheck(b *testing.B) {
	s := newScene(b)
	before := s.Stats().Total
	for b.Loop() {
		sessions, err := accounts.New(s.base, s.declared, accounts.Options{})
		require.NoError(b, err)
		report, err := preflight.Check(b.Context(), sessions, s.in, s.opts)
		require.NoError(b, err)
		require.True(b, report.OK())
	}
	b.ReportMetric(float64(s.Stats().Total-before)/float64(b.N), "calls/op")
}

// scopes is a provider that keeps which packages ask for tracers and meters.
type scopes struct {
	tracing.NopTracerProvider
	metrics.NopMeterProvider
	mu   sync.Mutex // guards seen
	seen map[string]bool
}

func (s *scopes) keep(what, scope string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[what+path.Base(scope)] = true
}

func (s *scopes) Tracer(scope string, opts ...tracing.TracerOption) tracing.Tracer {
	s.keep("spans of ", scope)
	return s.NopTracerProvider.Tracer(scope, opts...)
}

func (s *scopes) Meter(scope string, opts ...metrics.MeterOption) metrics.Meter {
	s.keep("counts of ", scope)
	return s.NopMeterProvider.Meter(scope, opts...)
}

func TestTheClientsOfEveryServiceAreObserved(t *testing.T) {
	s := newScene(t)
	watch := &scopes{seen: map[string]bool{}}
	s.opts.Tracer, s.opts.Meter = watch, watch
	require.True(t, s.check().OK())
	want := map[string]bool{}
	for _, service := range []string{"ec2", "iam", "kms", "sts", "organizations"} {
		want["spans of "+service], want["counts of "+service] = true, true
	}
	require.Equal(t, want, watch.seen)
}
