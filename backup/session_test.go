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
	mu       sync.Mutex                  // guards policies
	policies map[accounts.Purpose]string // the last of each
	all      map[string]int              // how often which was asked for
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
	if n.all != nil {
		n.all[string(id)+" "+string(p)+" "+policy]++
	}
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

// With NarrowPlans each call is made in a session of its plan, for its two keys
// alone if it is a copy, and one session serves all calls that are alike.
func TestCallsAreHeldDownToThePlan(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly(copyTo(home))
		n := &narrowing{cloud: c, t: t, policies: map[accounts.Purpose]string{}, all: map[string]int{}}
		e, err := backup.New(n, []backup.Driver{c}, backup.Options{Vault: vault, NarrowPlans: true, Concurrency: 1})
		require.NoError(t, err)
		_, err = e.Run(t.Context(), p, time.Now())
		require.NoError(t, err)

		want := map[string]int{}
		expect := func(account accounts.ID, purpose accounts.Purpose, s iampolicy.PlanSession) {
			s.Vault, s.Account, s.Plan, s.Regions = string(vault), string(account), "nightly", []string{region}
			doc, err := s.Policy(string(purpose))
			require.NoError(t, err)
			text, err := json.Marshal(doc)
			require.NoError(t, err)
			want[string(account)+" "+string(purpose)+" "+string(text)] = 1
		}
		expect(alpha, accounts.Backup, iampolicy.PlanSession{}) // snapshots and shares
		expect(beta, accounts.Backup, iampolicy.PlanSession{})
		managed := c.resources[siteA][0].Members[2].KMSKey
		expect(alpha, accounts.Backup, iampolicy.PlanSession{Sources: []string{string(alpha)}, Keys: []string{keyAt(siteA), managed}})
		expect(home.Account, accounts.VaultWriter, iampolicy.PlanSession{Sources: []string{string(alpha)}, Keys: []string{keyAt(home)}})
		expect(home.Account, accounts.VaultWriter, iampolicy.PlanSession{Sources: []string{string(alpha)}, Keys: []string{keyAt(home), keyAt(siteA)}})
		expect(home.Account, accounts.VaultWriter, iampolicy.PlanSession{Sources: []string{string(beta)}, Keys: []string{keyAt(home)}})
		for asked := range n.all {
			if strings.Contains(asked, "ec2:DeleteSnapshot") {
				delete(n.all, asked) // the intermediate's, see above
			}
		}
		require.Equal(t, want, n.all)
	})
}

func TestPlansCannotBeNarrowedInAnySessions(t *testing.T) {
	c := newCloud(t)
	_, err := backup.New(c, []backup.Driver{c}, backup.Options{Vault: vault, NarrowPlans: true})
	require.EqualError(t, err, "backup: Options.NarrowPlans: these Sessions have no Narrow")
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
