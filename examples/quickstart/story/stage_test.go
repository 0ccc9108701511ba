package story_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/backup/restore"
	"github.com/snapkeep/snapkeep/examples/quickstart/story"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/retention"
)

// The cast and the places of the story.
const (
	theVault, theShop, theBank, theClean accounts.ID = "999999999999", "111111111111", "222222222222", "555555555555"

	dublin, virginia = "eu-west-1", "us-east-1"
)

// A stage is the story's world with everything in it that the generated
// documents speak of: both protected accounts have an instance and a detached
// volume, something under `aws/ebs` and a key to rekey it with, and the clean
// account has a role that instances may be given.
type stage struct {
	*story.World
	events []backup.Event     // of the engine and the restorer
	onEach func(backup.Event) // told of each; must not wait for anything; nil means nobody
	opts   backup.Options     // of the engine that restart makes; it sets Vault and OnEvent
	wire   *tap               // to all that they call
	papers []paper            // the generated documents
	// unnamed says that instance stores need not be named.
	unnamed bool
}

// A paper is one generated document in the place where it works.
type paper struct {
	name string // "111111111111/snapkeep-backup", "… trust", "vault key policy", …
	doc  *iampolicy.Document
	put  func(context.Context, *iampolicy.Document) error
	// protected is the account whose resources alone depend on the paper.
	// Empty means that all do.
	protected accounts.ID
	keys      []string // that a key policy is of
}

// newStage builds the world. It is called within backuptest.Simulate.
func newStage(ctx context.Context, opts backuptest.Options) (*stage, error) {
	w, err := story.NewWorldIn(ctx, backuptest.New(opts))
	if err != nil {
		return nil, err
	}
	s := &stage{World: w, wire: &tap{to: w.Base().HTTPClient, secrets: map[string]bool{}}}
	if err := s.furnish(ctx); err != nil {
		return nil, err
	}
	if err := s.listPapers(); err != nil {
		return nil, err
	}
	for _, p := range s.papers {
		if err := p.put(ctx, p.doc); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return s, s.restart()
}

// furnish adds what the story's own world does without.
func (s *stage) furnish(ctx context.Context) error {
	out, err := kms.NewFromConfig(s.admin(theShop, dublin)).CreateKey(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return err
	}
	rekey := aws.ToString(out.KeyMetadata.Arn)
	shop := s.protected(theShop)
	shop.RekeyKeys = []string{rekey}
	s.Plan.Sources[0].RekeyKeys = map[string]string{dublin: rekey}
	_, err = ec2.NewFromConfig(s.admin(theShop, dublin)).CreateVolume(ctx, &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String(dublin + "a"), Size: aws.Int32(5), Encrypted: aws.Bool(true),
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeVolume,
			Tags:         []types.Tag{{Key: aws.String("backup"), Value: aws.String("daily")}},
		}},
	})
	if err != nil {
		return err
	}
	app := s.Cloud.PutRole(theClean, backuptest.Role{Name: "app", Trust: trusting("ec2.amazonaws.com")})
	s.Install.Restore[0].PassRoles = []string{app}
	last := retention.Policy{Last: 1}
	s.Plan.Retention, s.Plan.Copies[0].Retention = last, last
	time.Sleep(time.Minute) // until the volume is available
	return nil
}

func trusting(service string) *iampolicy.Document {
	return &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{{
		Effect: iampolicy.Allow, Actions: iampolicy.Of("sts:AssumeRole"),
		Principal: &iampolicy.Principals{By: map[string]iampolicy.Strings{"Service": iampolicy.Of(service)}},
	}}}
}

// protected returns the installation's entry of an account.
func (s *stage) protected(id accounts.ID) *iampolicy.Protected {
	i := slices.IndexFunc(s.Install.Protected, func(p iampolicy.Protected) bool { return p.Account == string(id) })
	return &s.Install.Protected[i]
}

// admin acts as an administrator of an account.
func (s *stage) admin(id accounts.ID, region string) aws.Config {
	return s.Cloud.Config(s.Cloud.User(id, "admin", backuptest.Admin()), region)
}

// restart begins with a new engine and a new restorer, which tell the stage
// what happens.
func (s *stage) restart() error { return s.restartWith(s.accounts()) }

func (s *stage) restartWith(list []accounts.Account) error {
	base := s.Base()
	base.HTTPClient = s.wire
	sessions, err := accounts.New(base, list, accounts.Options{})
	if err != nil {
		return err
	}
	note := func(e backup.Event) {
		s.events = append(s.events, e)
		if s.onEach != nil {
			s.onEach(e)
		}
	}
	opts := s.opts
	opts.Vault, opts.OnEvent = theVault, note
	s.Engine, err = backup.New(sessions, []backup.Driver{ebs.New(ebs.Options{})}, opts)
	if err != nil {
		return err
	}
	s.Restorer, err = restore.New(sessions, restore.Options{OnEvent: note})
	return err
}

// accounts lists the ways in, as the host program's file does.
func (s *stage) accounts() []accounts.Account {
	roles, err := s.Install.Roles()
	if err != nil {
		panic(err) // the papers are of the same installation
	}
	byID := map[string]*accounts.Account{}
	for _, r := range roles {
		if byID[r.Account] == nil {
			byID[r.Account] = &accounts.Account{ID: accounts.ID(r.Account), Purposes: map[accounts.Purpose][]accounts.Role{}}
		}
		byID[r.Account].Purposes[accounts.Purpose(r.Purpose)] = []accounts.Role{{ARN: r.ARN(""), ExternalID: s.externalID(r.Account)}}
	}
	var all []accounts.Account
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		all = append(all, *byID[id])
	}
	return all
}

func (s *stage) externalID(account string) string {
	for _, p := range s.Install.Protected {
		if p.Account == account {
			return p.ExternalID
		}
	}
	for _, r := range s.Install.Restore {
		if r.Account == account {
			return r.ExternalID
		}
	}
	return s.Install.ExternalID
}

// listPapers generates all documents.
func (s *stage) listPapers() error {
	roles, err := s.Install.Roles()
	if err != nil {
		return err
	}
	for _, r := range roles {
		id := accounts.ID(r.Account)
		protected := accounts.ID("")
		if id == theShop || id == theBank {
			protected = id
		}
		role := backuptest.Role{Name: r.Name, Trust: r.Trust, Policies: []*iampolicy.Document{r.Policy}}
		s.papers = append(s.papers,
			paper{name: r.Account + "/" + r.Name, doc: r.Policy, protected: protected, put: func(_ context.Context, d *iampolicy.Document) error {
				with := role
				with.Policies = []*iampolicy.Document{d}
				s.Cloud.PutRole(id, with)
				return nil
			}},
			paper{name: r.Account + "/" + r.Name + " trust", doc: r.Trust, protected: protected, put: func(_ context.Context, d *iampolicy.Document) error {
				with := role
				with.Trust = d
				s.Cloud.PutRole(id, with)
				return nil
			}})
	}
	orchestrator, err := s.Install.OrchestratorPolicy()
	if err != nil {
		return err
	}
	s.papers = append(s.papers, paper{name: "orchestrator", doc: orchestrator, put: func(_ context.Context, d *iampolicy.Document) error {
		s.Cloud.User(theVault, "orchestrator", d)
		return nil
	}})
	return s.listKeyPolicies()
}

func (s *stage) listKeyPolicies() error {
	add := func(name string, doc *iampolicy.Document, err error, protected accounts.ID, keys []string) error {
		put := func(ctx context.Context, d *iampolicy.Document) error {
			for _, key := range keys {
				if err := s.putKeyPolicy(ctx, key, d); err != nil {
					return err
				}
			}
			return nil
		}
		s.papers = append(s.papers, paper{name: name, doc: doc, put: put, protected: protected, keys: keys})
		return err
	}
	doc, err := s.Install.VaultKeyPolicy()
	errs := []error{add("vault key policy", doc, err, "", s.Install.VaultKeys)}
	for _, p := range s.Install.Protected {
		doc, err := s.Install.SourceKeyPolicy(p.Account)
		errs = append(errs,
			add(p.Account+" source key policy", doc, err, accounts.ID(p.Account), p.SourceKeys),
			add(p.Account+" rekey key policy", doc, err, accounts.ID(p.Account), p.RekeyKeys))
	}
	for _, r := range s.Install.Restore {
		doc, err := s.Install.RestoreKeyPolicy(r.Account)
		errs = append(errs, add(r.Account+" key policy", doc, err, "", r.Keys))
	}
	return errors.Join(errs...)
}

// nobodysKey is what takes the place of a key policy of which nothing is left,
// since a key must have one.
var nobodysKey = iampolicy.Statement{
	Effect: iampolicy.Allow, Actions: iampolicy.Of("kms:GetKeyPolicy"), Resources: iampolicy.Of("*"),
	Principal: &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of("arn:aws:iam::" + string(theVault) + ":root")}},
}

// putKeyPolicy acts as an administrator of the key's account; on the vault's
// keys, where that one has no say, as the key administrator.
func (s *stage) putKeyPolicy(ctx context.Context, key string, doc *iampolicy.Document) error {
	if len(doc.Statements) == 0 {
		doc = &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{nobodysKey}}
	}
	text, err := doc.MarshalJSON()
	if err != nil {
		return err
	}
	_, err = kms.NewFromConfig(s.keyAdmin(ctx, key)).PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{
		KeyId: aws.String(key), Policy: aws.String(string(text)), BypassPolicyLockoutSafetyCheck: true,
	})
	return err
}

// keyAdmin returns a config for whoever may change the policy of a key.
func (s *stage) keyAdmin(ctx context.Context, key string) aws.Config {
	parts := strings.Split(key, ":")
	region, account := parts[3], accounts.ID(parts[4])
	cfg := s.admin(account, region)
	if account != theVault {
		return cfg
	}
	client := sts.NewFromConfig(cfg)
	cfg.Credentials = aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		out, err := client.AssumeRole(ctx, &sts.AssumeRoleInput{
			RoleArn: aws.String(s.Install.KeyAdmins[0]), RoleSessionName: aws.String("key-admin"),
		})
		if err != nil {
			return aws.Credentials{}, err
		}
		c := out.Credentials
		return credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken).Retrieve(ctx)
	})
	return cfg
}

// paper returns an installed document by its name.
func (s *stage) paper(name string) paper {
	i := slices.IndexFunc(s.papers, func(p paper) bool { return p.name == name })
	if i < 0 {
		panic("no paper " + name)
	}
	return s.papers[i]
}

// A telling is what came of the short story.
type telling struct {
	step string // that failed, the last one if none did
	err  error
	run  *backup.Report // of the last run
}

// tell tells the short story: two nights, what they leave over is pruned, and
// an instance and a volume come back in the clean account. It ends at the
// first step that fails.
func (s *stage) tell(ctx context.Context) telling {
	var told telling
	var kept map[string]backuptest.Contents
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"first run", func() (err error) {
			if told.run, err = s.Engine.Run(ctx, s.Plan, time.Now()); err != nil {
				return err
			}
			return s.storesNamed(told.run)
		}},
		{"second run", func() (err error) {
			time.Sleep(24 * time.Hour)
			if kept, err = s.write(ctx); err != nil {
				return err
			}
			told.run, err = s.Engine.Run(ctx, s.Plan, time.Now())
			return err
		}},
		{"prune", func() error { return s.prune(ctx) }},
		{"restore an instance", func() error { return s.bringBack(ctx, "instance", restore.Instance, kept) }},
		{"restore a volume", func() error { return s.bringBack(ctx, "volume", restore.Volumes, kept) }},
	} {
		told.step = step.name
		if told.err = step.do(); told.err != nil {
			return told
		}
	}
	return told
}

// storesNamed demands that what no snapshot can hold is named, unless the
// sessions leave that out: every instance of the world has an instance store.
func (s *stage) storesNamed(r *backup.Report) error {
	for _, j := range r.Jobs {
		if !s.unnamed && j.Resource.Kind == ebs.KindInstance && len(j.Resource.Unprotected) == 0 {
			site := j.Resource.Site
			return &backup.Error{
				Account: site.Account, Region: site.Region, Resource: j.Resource.ARN, Stage: j.Stage,
				Err: fmt.Errorf("its instance store is not named: %w", backup.ErrDenied),
			}
		}
	}
	return nil
}

// write puts new data on every volume of the plan's and returns what they hold.
func (s *stage) write(ctx context.Context) (map[string]backuptest.Contents, error) {
	kept := map[string]backuptest.Contents{}
	for _, source := range s.Plan.Sources {
		at := s.admin(source.Account, source.Regions[0])
		out, err := ec2.NewFromConfig(at).DescribeVolumes(ctx, &ec2.DescribeVolumesInput{})
		if err != nil {
			return nil, err
		}
		for i, v := range out.Volumes {
			ref := backuptest.Ref{Account: source.Account, Region: at.Region, ID: aws.ToString(v.VolumeId)}
			if err := s.Cloud.WriteVolume(ref, int64(i), []byte("data of "+ref.ID)); err != nil {
				return nil, err
			}
			if kept[ref.ID], err = s.Cloud.ReadVolume(ref); err != nil {
				return nil, err
			}
		}
	}
	return kept, nil
}

// prune deletes the points of the first night: an original and a copy of each
// of the four resources. What a role could not find out is a failure here.
func (s *stage) prune(ctx context.Context) error {
	plan, err := s.Engine.PlanPrune(ctx, s.Plan, time.Now())
	if err != nil {
		return err
	}
	report, err := s.Engine.Prune(ctx, plan)
	if err != nil {
		return err
	}
	if n := report.Count(backup.Pruned); n != 8 || len(report.Results) != 8 {
		return fmt.Errorf("pruned %d points of 8:\n%v", n, report)
	}
	var notes []error
	for _, n := range slices.Concat(plan.Notes, report.Notes) {
		notes = append(notes, &backup.Error{Account: n.Site.Account, Region: n.Site.Region, Err: fmt.Errorf("list holds: %w", n.Fault)})
	}
	return errors.Join(notes...)
}

// bringBack restores bank's newest point of a kind and compares it.
func (s *stage) bringBack(ctx context.Context, kind string, as restore.Kind, kept map[string]backuptest.Contents) error {
	var point backup.Point
	for p, err := range s.Engine.Points(ctx, backup.PointFilter{CopySites: s.Plan.CopySites(), Account: theBank}) {
		if err != nil {
			return err
		}
		if p.Kind == kind && p.State == retention.Complete && p.Time.After(point.Time) {
			point = p
		}
	}
	q := restore.Request{
		ID: "back-" + kind, Point: point, Account: theClean, Region: virginia, Zone: virginia + "b",
		KMSKey: s.Install.Restore[0].Keys[0], As: as,
	}
	if as == restore.Instance {
		q.Instance.InstanceProfileARN = "arn:aws:iam::" + string(theClean) + ":instance-profile/app"
	}
	plan, err := s.Restorer.Plan(ctx, q)
	if err != nil {
		return err
	}
	report, err := s.Restorer.Run(ctx, plan)
	if err != nil {
		return err
	}
	for _, v := range report.Volumes {
		got, err := s.Cloud.ReadVolume(backuptest.Ref{Account: theClean, Region: virginia, ID: v.Volume})
		if want := kept[v.Source]; err != nil || len(want.Blocks) == 0 || !got.Equal(want) {
			return fmt.Errorf("%s is not what %s was (%w)", v.Volume, v.Source, err)
		}
	}
	if len(report.Volumes) != len(point.Members) || len(report.Left) > 0 {
		return fmt.Errorf("restored %d of %d volumes:\n%v", len(report.Volumes), len(point.Members), report)
	}
	return nil
}

// piecesOf takes a joined error apart, down to what is a *backup.Error.
func piecesOf(err error) []error {
	if _, whole := err.(*backup.Error); whole { //nolint:errorlint // each link is looked at by itself
		return []error{err}
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, piecesOf(e)...)
		}
		return all
	}
	return []error{err}
}

// shared returns the snapshots that are shared with anybody.
func (s *stage) shared() []string {
	var ids []string
	for _, snap := range s.Cloud.Snapshots() {
		if len(snap.Shares) > 0 || snap.Public {
			ids = append(ids, fmt.Sprintf("%s/%s/%s with %v", snap.Account, snap.Region, snap.ID, snap.Shares))
		}
	}
	return ids
}
