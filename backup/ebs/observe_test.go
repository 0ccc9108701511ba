package ebs_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go/tracing"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/retention"
)

// spans is a provider that keeps whose child each span is.
type spans struct {
	mu    sync.Mutex // guards under
	under map[string]map[string]bool
}

func (s *spans) Tracer(string, ...tracing.TracerOption) tracing.Tracer { return s }

func (s *spans) StartSpan(ctx context.Context, name string, _ ...tracing.SpanOption) (context.Context, tracing.Span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.under[name] == nil {
		s.under[name] = map[string]bool{}
	}
	if parent, ok := tracing.GetSpan(ctx); ok {
		s.under[name][parent.Name()] = true
	}
	_, none := tracing.NopTracerProvider{}.Tracer("").StartSpan(ctx, name)
	child := named{none, name}
	return tracing.WithSpan(ctx, child), child
}

type named struct {
	tracing.Span
	name string
}

func (n named) Name() string { return n.name }

// sessionsOf are Sessions with one administrator an account.
type sessionsOf struct {
	cloud *backuptest.Cloud
	users map[accounts.ID]aws.CredentialsProvider
}

func (s sessionsOf) Config(_ context.Context, id accounts.ID, _ accounts.Purpose, region string) (aws.Config, error) {
	return s.cloud.Config(s.users[id], region), nil
}

// One provider, given to the engine and to the SDK's clients, makes one tree:
// EC2's spans are below those of the steps and listings that they are of.
func TestTheClientsSpansAreBelowTheEngines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const vault, shop = "999999999999", "111111111111"
		cloud := backuptest.New(backuptest.Options{})
		users := map[accounts.ID]aws.CredentialsProvider{
			vault: cloud.User(vault, "admin", backuptest.Admin()), shop: cloud.User(shop, "admin", backuptest.Admin()),
		}
		key, err := cloud.AddKey(vault, "eu-west-1", nil)
		require.NoError(t, err)
		_, err = cloud.AddVolume(shop, "eu-west-1", backuptest.Disk{})
		require.NoError(t, err)

		provider := &spans{under: map[string]map[string]bool{}}
		driver := ebs.New(ebs.Options{EC2: []func(*ec2.Options){func(o *ec2.Options) { o.TracerProvider = provider }}})
		engine, err := backup.New(sessionsOf{cloud, users}, []backup.Driver{driver}, backup.Options{Vault: vault, Tracer: provider})
		require.NoError(t, err)
		_, err = engine.Run(t.Context(), backup.Plan{
			Name: "nightly", Retention: retention.Policy{Last: 1},
			Sources: []backup.Source{{Account: shop, Regions: []string{"eu-west-1"}, Select: backup.Selector{All: true}}},
			Copies:  []backup.Copy{{Account: vault, Region: "eu-west-1", KMSKey: key}},
		}, time.Now())
		require.NoError(t, err)

		require.Contains(t, provider.under["EC2.CopySnapshot"], "snapkeep.copy") // and itself, for what it signs
		require.Equal(t, map[string]bool{"snapkeep.list": true}, provider.under["EC2.DescribeSnapshots"])
		require.Equal(t, map[string]bool{"snapkeep.discover": true}, provider.under["EC2.DescribeVolumes"])
		require.Equal(t, map[string]bool{"snapkeep.run": true}, provider.under["snapkeep.copy"])
	})
}
