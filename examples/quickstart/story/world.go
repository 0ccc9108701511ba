package story

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/backup/restore"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/retention"
)

// The cast. The vault protects shop and bank; bank is lost and comes back in clean.
const (
	vault    = "999999999999"
	shop     = "111111111111"
	bank     = "222222222222"
	clean    = "555555555555"
	stranger = "666666666666" // the intruder's own account
)

// The places. Shop is in Dublin, bank in Virginia; the copies are at home in Dublin too.
const (
	dublin   = "eu-west-1"
	virginia = "us-east-1"
	home     = dublin
)

// A World is the simulated AWS with four accounts in it, the generated roles
// and policies installed, and the programs that act on it.
type World struct {
	Cloud    *backuptest.Cloud      // the simulated AWS
	Engine   *backup.Engine         // of the vault; Restart makes a new one
	Restorer *restore.Restorer      // of the vault, into clean
	Plan     backup.Plan            // what Engine runs: shop and bank, copied into the vault
	Install  iampolicy.Installation // what the roles and policies were generated from
	// Options of the engines that Restart makes; it sets Vault itself.
	Options backup.Options
	EBS     ebs.Options // of their driver
	// Session is how long the roles' sessions last. Zero means an hour.
	Session time.Duration

	sessions *accounts.Sessions
	roles    map[string]iampolicy.Role // by account and name

	orchestrator aws.CredentialsProvider // what the host program runs with
	intruder     aws.CredentialsProvider // the administrator of bank

	vaultKey, cleanKey string                 // ARNs
	sourceKeys         map[accounts.ID]string // by account: the customer key that encrypts its volumes
	servers            []*server
	shopInstance       string
	foreignSnapshot    string // in shop, of no business of snapkeep's
	forged             string // a snapshot that pretends to be an original
	blinded            bool   // set by a control, see blind
	gone               map[accounts.ID]bool

	// kept holds what every volume held at each run, by run and volume.
	kept map[time.Time]map[string]backuptest.Contents
}

// What the story keeps: of originals the last two, of copies a
// week of days and three weeks.
const (
	originalsKept = "last=2"
	copiesKept    = "daily=7 weekly=3"
)

// NewWorld builds the accounts with their data and installs snapkeep. Equal
// seeds build equal worlds. It is called within backuptest.Simulate.
func NewWorld(ctx context.Context, seed uint64) (*World, error) {
	return NewWorldIn(ctx, backuptest.New(backuptest.Options{Seed: seed}))
}

// NewWorldIn is NewWorld in a cloud in which nothing exists yet.
func NewWorldIn(ctx context.Context, cloud *backuptest.Cloud) (*World, error) {
	w := &World{
		Cloud: cloud,
		roles: map[string]iampolicy.Role{},
		gone:  map[accounts.ID]bool{},
		kept:  map[time.Time]map[string]backuptest.Contents{},
	}
	w.orchestrator = w.Cloud.User(vault, "orchestrator")
	w.intruder = w.admin(bank)
	for _, build := range []func(context.Context) error{
		w.makeKeysAndRoles, w.makeServers, w.makeForeignSnapshot,
	} {
		if err := build(ctx); err != nil {
			return nil, fmt.Errorf("building the world: %w", err)
		}
	}
	return w, w.Restart()
}

// Restart begins with a new engine, as a host program does that was killed.
func (w *World) Restart() error {
	sessions, err := accounts.New(w.Base(), w.accounts(), accounts.Options{})
	if err != nil {
		return err
	}
	w.sessions = sessions
	opts := w.Options
	opts.Vault = vault
	if w.Engine, err = backup.New(sessions, []backup.Driver{blind{ebs.New(w.EBS), w}}, opts); err != nil {
		return err
	}
	w.Restorer, err = restore.New(sessions, restore.Options{})
	return err
}

// Base is what the host program runs with: the orchestrator's credentials.
func (w *World) Base() aws.Config { return w.config(w.orchestrator, home) }

// accounts lists the way into each account: what a host program has in a file.
func (w *World) accounts() []accounts.Account {
	byID := map[string]*accounts.Account{}
	var order []string
	for _, name := range slices.Sorted(maps.Keys(w.roles)) {
		r := w.roles[name]
		a := byID[r.Account]
		if a == nil {
			a = &accounts.Account{ID: accounts.ID(r.Account), Purposes: map[accounts.Purpose][]accounts.Role{}}
			byID[r.Account] = a
			order = append(order, r.Account)
		}
		a.Purposes[accounts.Purpose(r.Purpose)] = []accounts.Role{{ARN: r.ARN(""), ExternalID: externalID(accounts.ID(r.Account)), Duration: w.Session}}
	}
	var all []accounts.Account
	for _, id := range order {
		all = append(all, *byID[id])
	}
	return all
}

// plan protects all of shop and bank.
func (w *World) plan(rekeyKey string) (backup.Plan, error) {
	originals, err := retention.ParsePolicy(originalsKept)
	if err != nil {
		return backup.Plan{}, err
	}
	copies, err := retention.ParsePolicy(copiesKept)
	if err != nil {
		return backup.Plan{}, err
	}
	return backup.Plan{
		Name: "nightly",
		Sources: []backup.Source{
			{Account: shop, Regions: []string{dublin}, Select: backup.Selector{Tags: map[string]string{"backup": "daily"}}},
			{
				Account: bank, Regions: []string{virginia}, Select: backup.Selector{All: true},
				RekeyKeys: map[string]string{virginia: rekeyKey},
			},
		},
		Retention: originals,
		Copies:    []backup.Copy{{Account: vault, Region: home, KMSKey: w.vaultKey, Retention: copies}},
	}, nil
}

// config acts with the credentials in a Region.
func (w *World) config(creds aws.CredentialsProvider, region string) aws.Config {
	return w.Cloud.Config(creds, region)
}

// externalID is the one that an account's roles demand.
func externalID(account accounts.ID) string { return "sk-ext-" + string(account) }

// admin is a user with administrator rights.
func (w *World) admin(account accounts.ID) aws.CredentialsProvider {
	return w.Cloud.User(account, "admin", backuptest.Admin())
}

// day is how often the plan runs.
const day = 24 * time.Hour
