package ebs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/retention"
)

const (
	protectedID, vaultID = "222222222222", "999999999999"
	near, far, primary   = "eu-west-1", "eu-central-1", "us-west-2"
)

// The keys of a source and of a destination.
const (
	noKey, ofAWS, customer, closed, multi = "none", "aws/ebs", "customer key", "customer key, not shared", "multi-Region key"
)

// A cell is one row of the table: what encrypts the volume, what the copy, and
// where the copy goes.
type cell struct {
	source, target          string
	sameAccount, sameRegion bool
}

func (c cell) destination() backup.Site {
	s := backup.Site{Account: vaultID, Region: far}
	if c.sameAccount {
		s.Account = protectedID
	}
	if c.sameRegion {
		s.Region = near
	}
	return s
}

// A keyWorld is a simulated AWS with one volume to protect, the generated roles
// and the generated key policies.
type keyWorld struct {
	t       *testing.T
	cloud   *backuptest.Cloud
	cell    cell
	volume  backuptest.Ref
	keys    map[string]string // ARNs by part: source, rekey, destination
	install iampolicy.Installation
	plan    backup.Plan
	// unpoliced are keys that keep the policy they have.
	unpoliced []string
	// papers edits the generated documents before they are put: of the key of a
	// part, or of a role.
	papers func(name string, doc *iampolicy.Document)
	engine *backup.Engine
	warned bool // an event told that a key may not be described, and nothing was made yet
}

func (w *keyWorld) hear(ev backup.Event) {
	var k *backup.KeyError
	if errors.As(ev.Err, &k) && strings.Contains(k.Reason, "may not be described") && len(w.cloud.Snapshots()) == 0 {
		w.warned = true
	}
}

// newKeyWorld makes the keys and the volume; open installs the rest.
func newKeyWorld(t *testing.T, c cell) *keyWorld {
	t.Helper()
	w := &keyWorld{t: t, cloud: backuptest.New(backuptest.Options{RecordAuthorizations: true}), cell: c, keys: map[string]string{}}
	at := c.destination()
	switch c.source {
	case customer, closed:
		w.keys["source"] = w.key(protectedID, near)
	case multi:
		w.keys["source"] = w.multiRegion(protectedID, near, near)
	}
	switch {
	case c.target == ofAWS:
		w.keys["destination"] = w.managed(at)
	case c.target == multi && c.source == multi && c.sameAccount:
		w.keys["destination"] = w.replica(w.keys["source"], at.Region)
	case c.target == multi:
		w.keys["destination"] = w.multiRegion(at.Account, primary, at.Region)
	default:
		w.keys["destination"] = w.key(at.Account, at.Region)
	}
	if c.source == ofAWS && !c.sameAccount {
		w.keys["rekey"] = w.key(protectedID, near)
	}
	d := backuptest.Disk{GiB: 1, Blocks: map[int64][]byte{0: []byte("a"), 1: []byte("b"), 2: []byte("c")}, KeyARN: w.keys["source"]}
	if c.source == ofAWS {
		d.KeyARN = "aws/ebs"
	}
	var err error
	w.volume, err = w.cloud.AddVolume(protectedID, near, d)
	require.NoError(t, err)
	w.plan = backup.Plan{
		Name: "nightly", Retention: retention.Policy{Last: 2},
		Sources: []backup.Source{{Account: protectedID, Regions: []string{near}, Select: backup.Selector{All: true}}},
		Copies:  []backup.Copy{{Account: at.Account, Region: at.Region, KMSKey: w.keys["destination"]}},
	}
	if key := w.keys["rekey"]; key != "" {
		w.plan.Sources[0].RekeyKeys = map[string]string{near: key}
	}
	return w
}

func (w *keyWorld) kms(account accounts.ID, region string) *kms.Client {
	return kms.NewFromConfig(w.cloud.Config(w.cloud.Root(account), region))
}

func (w *keyWorld) key(account accounts.ID, region string) string {
	arn, err := w.cloud.AddKey(account, region, nil)
	require.NoError(w.t, err)
	return arn
}

func (w *keyWorld) multiRegion(account accounts.ID, first, region string) string {
	out, err := w.kms(account, first).CreateKey(context.Background(), &kms.CreateKeyInput{MultiRegion: aws.Bool(true)})
	require.NoError(w.t, err)
	return w.replica(aws.ToString(out.KeyMetadata.Arn), region)
}

// replica returns the ARN that a multi-Region key has in a Region, into which
// it is replicated unless it is there.
func (w *keyWorld) replica(arn, region string) string {
	part := strings.Split(arn, ":")
	if part[3] == region {
		return arn
	}
	out, err := w.kms(accounts.ID(part[4]), part[3]).ReplicateKey(context.Background(), &kms.ReplicateKeyInput{KeyId: &arn, ReplicaRegion: &region})
	require.NoError(w.t, err)
	time.Sleep(time.Minute) // until it is made
	return aws.ToString(out.ReplicaKeyMetadata.Arn)
}

func (w *keyWorld) managed(at backup.Site) string {
	out, err := w.kms(at.Account, at.Region).DescribeKey(context.Background(), &kms.DescribeKeyInput{KeyId: aws.String("alias/aws/ebs")})
	require.NoError(w.t, err)
	return aws.ToString(out.KeyMetadata.Arn)
}

// open installs roles and key policies and makes the engine.
func (w *keyWorld) open() {
	w.t.Helper()
	w.install = w.installation()
	w.cloud.PutRole(vaultID, backuptest.Role{Name: "key-admin", Trust: rootTrust()})
	roles, err := w.install.Roles()
	require.NoError(w.t, err)
	byAccount := map[accounts.ID]map[accounts.Purpose][]accounts.Role{protectedID: {}, vaultID: {}}
	for _, r := range roles {
		w.edit(r.Name, r.Policy)
		w.cloud.PutRole(accounts.ID(r.Account), backuptest.Role{Name: r.Name, Trust: r.Trust, Policies: []*iampolicy.Document{r.Policy}})
		byAccount[accounts.ID(r.Account)][accounts.Purpose(r.Purpose)] = []accounts.Role{{ARN: r.ARN(""), ExternalID: "sk-ext-" + r.Account}}
	}
	own := byAccount[protectedID]
	if w.cell.sameAccount { // who copies within the account is its backup role
		own[accounts.VaultWriter], own[accounts.VaultPruner] = own[accounts.Backup], own[accounts.Pruner]
	}
	w.putPolicies()
	orchestrator, err := w.install.OrchestratorPolicy()
	require.NoError(w.t, err)
	base := w.cloud.Config(w.cloud.User(vaultID, "orchestrator", orchestrator), near)
	var list []accounts.Account
	for _, id := range slices.Sorted(maps.Keys(byAccount)) {
		list = append(list, accounts.Account{ID: id, Purposes: byAccount[id]})
	}
	sessions, err := accounts.New(base, list, accounts.Options{})
	require.NoError(w.t, err)
	w.engine, err = backup.New(sessions, []backup.Driver{ebs.New(ebs.Options{})}, backup.Options{Vault: vaultID, Concurrency: 1, OnEvent: w.hear})
	require.NoError(w.t, err)
}

func (w *keyWorld) edit(name string, doc *iampolicy.Document) {
	if w.papers != nil {
		w.papers(name, doc)
	}
}

// installation lists the keys that roles are for.
func (w *keyWorld) installation() iampolicy.Installation {
	p := iampolicy.Protected{Account: protectedID, ExternalID: "sk-ext-" + protectedID, Regions: []string{near, far}}
	i := iampolicy.Installation{
		Vault: vaultID, ExternalID: "sk-ext-" + vaultID, Orchestrator: "arn:aws:iam::" + vaultID + ":user/orchestrator",
		Regions: []string{near, far}, KeyAdmins: []string{"arn:aws:iam::" + vaultID + ":role/key-admin"},
	}
	w.cloud.User(vaultID, "orchestrator")
	for _, region := range i.Regions {
		i.VaultKeys = append(i.VaultKeys, w.key(vaultID, region))
	}
	if !w.cell.sameAccount {
		i.VaultKeys = append(i.VaultKeys, w.keys["destination"])
	}
	for _, part := range []string{"source", "rekey"} {
		switch arn := w.keys[part]; {
		case arn == "":
		case part == "rekey" || w.cell.sameAccount:
			p.RekeyKeys = append(p.RekeyKeys, arn)
		case w.cell.source != closed:
			p.SourceKeys = append(p.SourceKeys, arn)
		}
	}
	if arn := w.keys["destination"]; w.cell.sameAccount && !slices.Contains(p.RekeyKeys, arn) {
		p.RekeyKeys = append(p.RekeyKeys, arn)
	}
	i.Protected = []iampolicy.Protected{p}
	return i
}

// putPolicies gives the keys the generated policies, but for the key that is
// not to be shared and those that AWS manages.
func (w *keyWorld) putPolicies() {
	w.t.Helper()
	for part, arn := range w.keys {
		managed := part == "destination" && w.cell.target == ofAWS
		if managed || part == "source" && w.cell.source == closed || slices.Contains(w.unpoliced, part) {
			continue
		}
		field := strings.Split(arn, ":")
		doc, err := w.install.SourceKeyPolicy(protectedID)
		if field[4] == vaultID {
			doc, err = w.install.VaultKeyPolicy()
		}
		require.NoError(w.t, err)
		w.edit(part, doc)
		text, err := json.Marshal(doc)
		require.NoError(w.t, err)
		_, err = w.kms(accounts.ID(field[4]), field[3]).PutKeyPolicy(context.Background(), &kms.PutKeyPolicyInput{
			KeyId: &arn, Policy: aws.String(string(text)), BypassPolicyLockoutSafetyCheck: true,
		})
		require.NoError(w.t, err, part)
	}
}

func rootTrust() *iampolicy.Document {
	return &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{{
		Effect: iampolicy.Allow, Actions: iampolicy.Of("sts:AssumeRole"),
		Principal: &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of("arn:aws:iam::" + vaultID + ":root")}},
	}}}
}

// run runs the plan and returns the calls that it made, those of STS and
// listings left out.
func (w *keyWorld) run() (map[string]int, error) {
	w.t.Helper()
	before := maps.Clone(w.cloud.Stats().Calls)
	_, err := w.engine.Run(context.Background(), w.plan, time.Now())
	made := map[string]int{}
	for op, n := range w.cloud.Stats().Calls {
		service, call, _ := strings.Cut(op, ":")
		if n > before[op] && (service == "kms" || !strings.HasPrefix(call, "Describe")) && service != "sts" {
			made[call] = n - before[op]
		}
	}
	require.Empty(w.t, w.cloud.Misuse())
	return made, err
}

var someID = regexp.MustCompile(`\b(snap|vol)-[0-9a-f]+\b`)

// words returns an error's text without the ids of one run.
func (w *keyWorld) words(err error) string {
	text := err.Error()
	for part, arn := range w.keys {
		id := arn[strings.LastIndex(arn, "/")+1:]
		text = strings.ReplaceAll(text, id, strings.ToUpper(part))
	}
	return someID.ReplaceAllString(text, "$1-…")
}

// uses tells which roles used which keys, as the simulation authorized it.
func (w *keyWorld) uses() []string {
	seen := map[string]bool{}
	for _, a := range w.cloud.Authorizations() {
		if !strings.HasPrefix(a.Action, "kms:") || !strings.Contains(a.Principal, ":role/snapkeep-") || a.Operation == "kms:DescribeKey" {
			continue
		}
		part := "aws/ebs"
		for p, arn := range w.keys {
			if arn == a.Resource {
				part = p + " key"
			}
		}
		if w.keys["source"] == a.Resource && w.keys["destination"] == a.Resource {
			part = "source key"
		}
		seen[fmt.Sprintf("%s: %s", a.Principal[strings.LastIndex(a.Principal, "-")+1:], part)] = true
	}
	return slices.Sorted(maps.Keys(seen))
}
