package runcommand_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go/tracing"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/backup/ebs/runcommand"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/retention"
)

const (
	vault  accounts.ID = "999999999999"
	shop   accounts.ID = "111111111111"
	region             = "eu-west-1"
	// secret is a parameter that must be told nowhere.
	secret = "hunter2"
)

// A world is a simulated AWS with exactly the generated roles: a protected
// account that has an instance with two volumes and an agent, and a vault.
type world struct {
	t        *testing.T
	cloud    *backuptest.Cloud
	watcher  *backuptest.Watcher
	install  iampolicy.Installation
	plan     backup.Plan
	instance backuptest.Ref
	tracer   tracing.TracerProvider // of the engine and all clients; nil if nobody observes

	mu     sync.Mutex // guards all below
	ran    []ran
	events []backup.Event
}

// A ran is a script that an agent ran.
type ran struct {
	document string
	from, to time.Time
	code     int32
}

// outcome says how long a script runs and how it ends.
type outcome struct {
	takes time.Duration
	code  int32
}

// inWorld runs f in a world, in simulated time. The documents do what outcomes
// says, or succeed after a second.
func inWorld(t *testing.T, outcomes map[string]outcome, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, cloud: backuptest.New(backuptest.Options{Seed: 1})}
		id, _, err := w.cloud.AddInstance(shop, region, backuptest.Instance{
			Name: "db", Tags: map[string]string{"backup": "yes"}, Disks: []backuptest.Disk{{GiB: 20}},
		})
		require.NoError(t, err)
		w.instance = backuptest.Ref{Account: shop, Region: region, ID: id}
		w.cloud.PutDocument(shop, backuptest.Document{Name: "freeze", Parameters: []string{"command", "password"}})
		w.cloud.PutDocument(shop, backuptest.Document{Name: "thaw"})
		require.NoError(t, w.cloud.SetAgent(w.instance, backuptest.Agent{Run: w.run(outcomes)}))
		w.roles()
		w.watcher = w.cloud.Watch(backuptest.Watching{Vault: vault})
		time.Sleep(time.Minute)
		f(t, w)
		require.Empty(t, w.cloud.Misuse())
	})
}

// run is what an agent does.
func (w *world) run(outcomes map[string]outcome) func(backuptest.Command) backuptest.Outcome {
	return func(c backuptest.Command) backuptest.Outcome {
		o, ok := outcomes[c.Document]
		if !ok {
			o.takes = time.Second
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.ran = append(w.ran, ran{c.Document, c.At, c.At.Add(o.takes), o.code})
		return backuptest.Outcome{Stdout: secret, Stderr: secret, ExitCode: o.code, Duration: o.takes}
	}
}

func externalID(id accounts.ID) string { return "external-id-of-" + string(id) }

// roles installs the generated roles, and makes the plan.
func (w *world) roles() {
	key, err := w.cloud.AddKey(vault, region, nil)
	require.NoError(w.t, err)
	document := "arn:aws:ssm:" + region + ":" + string(shop) + ":document/"
	w.install = iampolicy.Installation{
		Vault: string(vault), Orchestrator: "arn:aws:iam::" + string(vault) + ":user/orchestrator", ExternalID: externalID(vault),
		Regions: []string{region}, VaultKeys: []string{key}, KeyAdmins: []string{"arn:aws:iam::" + string(vault) + ":role/key-admin"},
		Protected: []iampolicy.Protected{{
			Account: string(shop), ExternalID: externalID(shop), Regions: []string{region},
			OnlyTagged: map[string]string{"backup": "yes"},
			Documents:  []string{document + "freeze", document + "thaw", "arn:aws:ssm:" + region + "::document/AWSEC2-CreateVssSnapshot"},
		}},
	}
	policy, err := w.install.OrchestratorPolicy()
	require.NoError(w.t, err)
	w.cloud.User(vault, "orchestrator", policy)
	roles, err := w.install.Roles()
	require.NoError(w.t, err)
	for _, r := range roles {
		w.cloud.PutRole(accounts.ID(r.Account), backuptest.Role{Name: r.Name, Trust: r.Trust, Policies: []*iampolicy.Document{r.Policy}})
	}
	w.plan = backup.Plan{
		Name: "nightly", Retention: retention.Policy{Last: 7},
		Sources: []backup.Source{{
			Account: shop, Regions: []string{region}, Select: backup.Selector{Tags: map[string]string{"backup": "yes"}},
			Quiesce: &backup.Quiesce{
				Before:   &backup.Script{Document: "freeze", Parameters: map[string][]string{"command": {"pre-script"}, "password": {secret}}},
				After:    &backup.Script{Document: document + "thaw"},
				Fallback: true,
			},
		}},
		Copies: []backup.Copy{{Account: vault, Region: region, KMSKey: key}},
	}
}

// engine returns a new one, as a program has that was just started.
func (w *world) engine(p *backuptest.Process) *backup.Engine {
	base := p.Config(w.cloud.User(vault, "orchestrator", policyOf(w)), region)
	ways := map[string]*accounts.Account{}
	roles, err := w.install.Roles()
	require.NoError(w.t, err)
	var all []accounts.Account
	for _, r := range roles {
		a := ways[r.Account]
		if a == nil {
			a = &accounts.Account{ID: accounts.ID(r.Account), Purposes: map[accounts.Purpose][]accounts.Role{}}
			ways[r.Account] = a
		}
		a.Purposes[accounts.Purpose(r.Purpose)] = []accounts.Role{{ARN: r.ARN(""), ExternalID: externalID(accounts.ID(r.Account))}}
	}
	for _, a := range ways {
		all = append(all, *a)
	}
	clients := w.observed()
	sessions, err := accounts.New(base, all, clients.accounts)
	require.NoError(w.t, err)
	clients.ebs.Scripts = runcommand.New(clients.scripts)
	e, err := backup.New(sessions, []backup.Driver{ebs.New(clients.ebs)}, backup.Options{
		Vault: vault, Tracer: w.tracer, OnEvent: func(e backup.Event) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.events = append(w.events, e)
		},
	})
	require.NoError(w.t, err)
	return e
}

func policyOf(w *world) *iampolicy.Document {
	policy, err := w.install.OrchestratorPolicy()
	require.NoError(w.t, err)
	return policy
}

// points reads the catalog once listings show all that was made.
func (w *world) points() (all []backup.Point) {
	time.Sleep(time.Minute)
	for pt, err := range w.engine(w.cloud.Process()).Points(context.Background(), w.plan.Filter(vault)) {
		require.NoError(w.t, err)
		all = append(all, pt)
	}
	return all
}

// documents lists what agents ran, in order.
func (w *world) documents() (names []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.ran {
		names = append(names, r.document)
	}
	return names
}

// sound checks what must be true whatever happened: after each script that
// began a rest one has run that ends it, and what is marked as consistent was
// made while one lasted.
func (w *world) sound() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	resting, until := []ran(nil), []time.Time(nil)
	for i, r := range w.ran {
		if r.document != "freeze" {
			continue
		}
		ended := false
		for _, next := range w.ran[i+1:] {
			if next.document == "thaw" && next.code == 0 && !next.from.Before(r.to) && !ended {
				ended = true
				if r.code == 0 {
					resting, until = append(resting, r), append(until, next.from)
				}
			}
		}
		require.True(w.t, ended, "%v", w.ran)
	}
	w.mu.Unlock()
	points := w.points()
	w.mu.Lock()
	for _, pt := range points {
		if pt.Consistency != backup.ApplicationConsistent {
			continue
		}
		within := false
		for i, r := range resting {
			within = within || !pt.Time.Before(r.to) && pt.Time.Before(until[i])
		}
		require.True(w.t, within, "a point of %v, and scripts %v", pt.Time, w.ran)
	}
}
