package backup_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// A narrowing is a cloud whose sessions can be held down.
type narrowing struct {
	*cloud
	t        *testing.T
	mu       sync.Mutex // guards policies
	policies map[accounts.Purpose]string
}

func (n *narrowing) Config(ctx context.Context, id accounts.ID, p accounts.Purpose, region string) (aws.Config, error) {
	if p == accounts.Pruner || p == accounts.VaultPruner {
		n.t.Errorf("a session for %s that is not held down", p)
	}
	return n.cloud.Config(ctx, id, p, region)
}

func (n *narrowing) Narrow(id accounts.ID, p accounts.Purpose, policy string) (*accounts.Sessions, error) {
	n.mu.Lock()
	n.policies[p] = policy
	n.mu.Unlock()
	base := aws.Config{Region: region, AppID: string(p), Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "x"}, nil
	})}
	s, err := accounts.New(base, []accounts.Account{{
		ID: id, Purposes: map[accounts.Purpose][]accounts.Role{p: {{ARN: "arn:aws:iam::" + string(id) + ":role/pruner", ExternalID: "0123456789"}}},
	}}, accounts.Options{})
	require.NoError(n.t, err)
	return s.Narrow(id, p, policy)
}

// Who deletes may delete what this run made, and nothing else.
func TestDeletionsAreHeldDownToTheRun(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(copyTo(home), copyTo(second)), time.Now()
		c.badKeys[keyAt(second)] = true
		n := &narrowing{cloud: c, t: t, policies: map[accounts.Purpose]string{}}
		e, err := backup.New(n, []backup.Driver{c}, backup.Options{Vault: vault})
		require.NoError(t, err)
		_, err = e.Run(t.Context(), p, at)
		require.ErrorContains(t, err, "Given key ID is not accessible")
		require.Equal(t, 6, c.count(backup.StepDelete), "an intermediate and five failed copies")
		require.Len(t, n.policies, 2)
		want, err := json.Marshal(iampolicy.CleanupSession("aws", string(vault), backup.RunID("nightly", at)))
		require.NoError(t, err)
		for _, policy := range n.policies {
			require.JSONEq(t, string(want), policy)
			require.Contains(t, policy, "ec2:DeleteSnapshot")
		}
	})
}

func TestNothingSecretIsInAJob(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := story(t)
		c.resources[siteB][0].Tags = map[string]string{"password": "hunter2"}
		for _, j := range jobs(t, engine(t, c, backup.Options{}), fleetPlan(), time.Now()) {
			text, err := json.Marshal(j)
			require.NoError(t, err)
			require.False(t, strings.Contains(string(text), "hunter2"))
		}
	})
}
