package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/retention"
)

// The cast: the vault protects one volume of shop.
const (
	vault, shop accounts.ID = "999999999999", "111111111111"
	dublin                  = "eu-west-1"

	day = 24 * time.Hour
)

// A world is a simulated AWS in which a plan has run every day.
type world struct {
	cloud   *backuptest.Cloud
	host    *host          // prunes
	history *backup.Engine // made what is there
	base    aws.Config     // of the orchestrator
	admin   *ec2.Client    // of shop
}

// listed is for how many days a listing serves what makes the history: EC2
// allows five pending snapshots of a volume, and none is seen to be complete
// before the next listing.
const listed = 5

// newWorld builds the two accounts, with the generated roles. It is called
// within backuptest.Simulate, whose clock begins on 1 January 2000.
func newWorld(policy retention.Policy, maxShare float64) (*world, error) {
	w := &world{cloud: backuptest.New(backuptest.Options{})}
	w.cloud.SetDurations(backuptest.Durations{Speed: 10})
	key, err := w.cloud.AddKey(vault, dublin, nil)
	if err != nil {
		return nil, err
	}
	volume, err := w.cloud.AddVolume(shop, dublin, backuptest.Disk{GiB: 50})
	if err != nil {
		return nil, err
	}
	install := iampolicy.Installation{
		Vault: string(vault), Orchestrator: "arn:aws:iam::" + string(vault) + ":user/orchestrator", ExternalID: "sk-ext-" + string(vault),
		Regions: []string{dublin}, VaultKeys: []string{key}, KeyAdmins: []string{"arn:aws:iam::" + string(vault) + ":role/key-admin"},
		Protected: []iampolicy.Protected{{Account: string(shop), ExternalID: "sk-ext-" + string(shop), Regions: []string{dublin}}},
	}
	way, err := w.install(install)
	if err != nil {
		return nil, err
	}
	orchestrator, err := install.OrchestratorPolicy()
	if err != nil {
		return nil, err
	}
	w.base = w.cloud.Config(w.cloud.User(vault, "orchestrator", orchestrator), dublin)
	w.admin = ec2.NewFromConfig(w.cloud.Config(w.cloud.User(shop, "admin", backuptest.Admin()), dublin))
	plan := backup.Plan{
		Name: "daily", Retention: policy,
		Sources: []backup.Source{{Account: shop, Regions: []string{dublin}, Select: backup.Selector{IDs: []string{volume.ID}}}},
	}
	if w.host, err = newHost(w.base, way, plan, backup.Options{Vault: vault, MaxShare: maxShare}); err != nil {
		return nil, err
	}
	history, err := newHost(w.base, way, plan, backup.Options{Vault: vault, MaxAge: listed * day})
	if err != nil {
		return nil, err
	}
	w.history = history.engine
	return w, nil
}

// install creates the generated roles, and returns the ways into the accounts.
func (w *world) install(in iampolicy.Installation) ([]accounts.Account, error) {
	roles, err := in.Roles()
	if err != nil {
		return nil, err
	}
	ways := []accounts.Account{{ID: vault}, {ID: shop}}
	for _, r := range roles {
		id := accounts.ID(r.Account)
		w.cloud.PutRole(id, backuptest.Role{Name: r.Name, Trust: r.Trust, Policies: []*iampolicy.Document{r.Policy}})
		for i := range ways {
			if ways[i].ID == id {
				if ways[i].Purposes == nil {
					ways[i].Purposes = map[accounts.Purpose][]accounts.Role{}
				}
				ways[i].Purposes[accounts.Purpose(r.Purpose)] = []accounts.Role{{ARN: r.ARN(""), ExternalID: "sk-ext-" + r.Account}}
			}
		}
	}
	return ways, nil
}

// backUp makes a recovery point every day. Engine.Run would list the account's
// snapshots twice a day, to see each complete. So that two years pass in
// seconds, the runs of some days are planned together, by one listing that they
// share, and go by it as long as Options.MaxAge says: each day costs the one
// call that makes a snapshot.
func (w *world) backUp(ctx context.Context, days int) error {
	for begin := range days {
		if begin%listed != 0 {
			continue
		}
		jobs, err := w.jobs(ctx, min(listed, days-begin))
		if err != nil {
			return err
		}
		for _, job := range jobs {
			time.Sleep(time.Until(job.At))
			for next := (backup.Outcome{}); next.NotBefore.IsZero() && !next.Done; {
				if job, next, err = w.history.Advance(ctx, job); err != nil {
					return err
				}
			}
		}
		time.Sleep(day)
	}
	return nil
}

// jobs plans the runs of some days, beginning now.
func (w *world) jobs(ctx context.Context, days int) ([]backup.Job, error) {
	jobs, errs := make([]backup.Job, days), make([]error, days)
	begin := time.Now()
	var planning sync.WaitGroup
	for n := range days {
		planning.Go(func() {
			for job, err := range w.history.Jobs(ctx, w.host.plan, begin.Add(time.Duration(n)*day)) {
				jobs[n], errs[n] = job, err
			}
		})
	}
	planning.Wait()
	return jobs, errors.Join(errs...)
}

// hold does what people and other programs do with snapshots: one is locked,
// one is used by an image, and one is evidence.
func (w *world) hold(ctx context.Context) error {
	out, err := w.admin.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
	if err != nil || len(out.Snapshots) == 0 {
		return err
	}
	nth := func(n int) *string { return out.Snapshots[len(out.Snapshots)*n/16].SnapshotId }
	if _, err := w.admin.LockSnapshot(ctx, &ec2.LockSnapshotInput{
		SnapshotId: nth(3), LockMode: types.LockModeGovernance, LockDuration: aws.Int32(365),
	}); err != nil {
		return err
	}
	device := aws.String("/dev/xvda")
	if _, err := w.admin.RegisterImage(ctx, &ec2.RegisterImageInput{
		Name: aws.String("golden"), RootDeviceName: device, VirtualizationType: aws.String("hvm"), Architecture: types.ArchitectureValuesX8664,
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: device, Ebs: &types.EbsBlockDevice{SnapshotId: nth(7)}}},
	}); err != nil {
		return err
	}
	_, err = w.admin.CreateTags(ctx, &ec2.CreateTagsInput{
		Resources: []string{*nth(11)}, Tags: []types.Tag{{Key: aws.String("snapkeep:legal-hold"), Value: aws.String("case 4711")}},
	})
	return err
}
