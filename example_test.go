package snapkeep_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/backup/restore"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/retention"
)

const (
	vault  = "999999999999" // runs the engine, owns the copies
	shop   = "222222222222" // is protected
	clean  = "555555555555" // is restored into
	region = "eu-west-1"
)

// The whole life of a recovery point: taken in a protected account, copied
// into the vault, verified, pruned by a policy, and restored into a third
// account after the first one has lost everything.
func Example() {
	backuptest.Simulate(func() {
		if err := life(context.Background(), backuptest.New(backuptest.Options{})); err != nil {
			fmt.Println(err)
		}
	})
	// Output:
	// day 1: 1 recovery point, 1 copy, 0 pruned
	// day 2: 1 recovery point, 1 copy, 0 pruned
	// day 3: 1 recovery point, 1 copy, 2 pruned
	// the shop has lost its volume
	// restored: precious
}

func life(ctx context.Context, cloud *backuptest.Cloud) error {
	keys, err := install(ctx, cloud)
	if err != nil {
		return err
	}

	// What a host program has: its own credentials, and a way into each account.
	role := func(account accounts.ID, name string) []accounts.Role {
		return []accounts.Role{{ARN: "arn:aws:iam::" + string(account) + ":role/snapkeep-" + name, ExternalID: "secret-of-" + string(account)}}
	}
	sessions, err := accounts.New(cloud.Config(keys.orchestrator, region), []accounts.Account{
		{ID: vault, Purposes: map[accounts.Purpose][]accounts.Role{
			accounts.VaultWriter: role(vault, "vault-writer"),
			accounts.VaultPruner: role(vault, "vault-pruner"),
			accounts.VaultSharer: role(vault, "vault-sharer"),
		}},
		{ID: shop, Chain: role(shop, "backup"), Purposes: map[accounts.Purpose][]accounts.Role{accounts.Pruner: role(shop, "pruner")}},
		{ID: clean, Purposes: map[accounts.Purpose][]accounts.Role{accounts.Restore: role(clean, "restore")}},
	}, accounts.Options{})
	if err != nil {
		return err
	}
	engine, err := backup.New(sessions, []backup.Driver{ebs.New(ebs.Options{})}, backup.Options{Vault: vault})
	if err != nil {
		return err
	}
	plan := backup.Plan{
		Name:      "nightly",
		Sources:   []backup.Source{{Account: shop, Regions: []string{region}, Select: backup.Selector{All: true}}},
		Retention: retention.Policy{Last: 2},
		Copies:    []backup.Copy{{Account: vault, Region: region, KMSKey: keys.vault}},
	}

	volume, err := createVolume(ctx, cloud)
	if err != nil {
		return err
	}
	for day := range 3 {
		if err := cloud.WriteVolume(volume, int64(day), []byte("precious")); err != nil {
			return err
		}
		report, err := engine.Run(ctx, plan, time.Now())
		if err != nil {
			return err
		}
		prune, err := engine.PlanPrune(ctx, plan, time.Now())
		if err != nil {
			return err
		}
		gone, err := engine.Prune(ctx, prune)
		if err != nil {
			return err
		}
		fmt.Printf("day %d: %d recovery point, %d copy, %d pruned\n", day+1, report.Points, report.Copies, gone.Count(backup.Pruned))
		time.Sleep(24 * time.Hour) // virtual
	}

	admin := cloud.Config(cloud.User(shop, "admin", backuptest.Admin()), region)
	if _, err := ec2.NewFromConfig(admin).DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: &volume.ID}); err != nil {
		return err
	}
	fmt.Println("the shop has lost its volume")
	return recoverInto(ctx, cloud, engine, sessions, plan, keys)
}

// recoverInto restores the newest copy into the clean account.
func recoverInto(ctx context.Context, cloud *backuptest.Cloud, engine *backup.Engine, sessions backup.Sessions, plan backup.Plan, keys keys) error {
	var newest backup.Point
	for point, err := range engine.Points(ctx, backup.PointFilter{CopySites: plan.CopySites()}) {
		if err != nil {
			return err
		}
		if point.Time.After(newest.Time) {
			newest = point
		}
	}
	restorer, err := restore.New(sessions, restore.Options{})
	if err != nil {
		return err
	}
	what, err := restorer.Plan(ctx, restore.Request{
		ID: "drill-1", Point: newest, As: restore.Volumes,
		Account: clean, Region: region, Zone: region + "a", KMSKey: keys.clean,
	})
	if err != nil {
		return err
	}
	report, err := restorer.Run(ctx, what)
	if err != nil {
		return err
	}
	restored, err := cloud.ReadVolume(backuptest.Ref{Account: clean, Region: region, ID: report.Volumes[0].Volume})
	if err != nil {
		return err
	}
	fmt.Printf("restored: %s\n", restored.Blocks[2])
	return nil
}

type keys struct {
	orchestrator aws.CredentialsProvider
	vault, clean string // ARNs of KMS keys
}

// install does what an administrator does once: keys, generated roles, generated key policies.
func install(ctx context.Context, cloud *backuptest.Cloud) (keys, error) {
	vaultKeys := kms.NewFromConfig(cloud.Config(cloud.User(vault, "admin", backuptest.Admin()), region))
	vaultKey, err := vaultKeys.CreateKey(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return keys{}, err
	}
	cleanKey, err := kms.NewFromConfig(cloud.Config(cloud.User(clean, "admin", backuptest.Admin()), region)).CreateKey(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return keys{}, err
	}
	made := keys{vault: *vaultKey.KeyMetadata.Arn, clean: *cleanKey.KeyMetadata.Arn}

	installation := iampolicy.Installation{
		Vault: vault, ExternalID: "secret-of-" + vault, Regions: []string{region}, VaultKeys: []string{made.vault},
		Orchestrator: "arn:aws:iam::" + vault + ":user/orchestrator",
		KeyAdmins:    []string{"arn:aws:iam::" + vault + ":role/key-admin"},
		Protected:    []iampolicy.Protected{{Account: shop, ExternalID: "secret-of-" + shop, Regions: []string{region}}},
		Restore:      []iampolicy.RestoreAccount{{Account: clean, ExternalID: "secret-of-" + clean, Regions: []string{region}, Keys: []string{made.clean}}},
	}
	cloud.PutRole(vault, backuptest.Role{Name: "key-admin"}) // a key policy names nobody who is not there
	assume, err := installation.OrchestratorPolicy()
	if err != nil {
		return made, err
	}
	made.orchestrator = cloud.User(vault, "orchestrator", assume)
	roles, err := installation.Roles()
	if err != nil {
		return made, err
	}
	for _, r := range roles {
		cloud.PutRole(accounts.ID(r.Account), backuptest.Role{Name: r.Name, Trust: r.Trust, Policies: []*iampolicy.Document{r.Policy}})
	}
	policy, err := installation.VaultKeyPolicy()
	if err != nil {
		return made, err
	}
	text, err := json.Marshal(policy)
	if err != nil {
		return made, err
	}
	_, err = vaultKeys.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{
		KeyId: &made.vault, Policy: aws.String(string(text)), BypassPolicyLockoutSafetyCheck: true,
	})
	return made, err
}

// createVolume makes the volume that is worth protecting.
func createVolume(ctx context.Context, cloud *backuptest.Cloud) (backuptest.Ref, error) {
	admin := cloud.Config(cloud.User(shop, "admin", backuptest.Admin()), region)
	out, err := ec2.NewFromConfig(admin).CreateVolume(ctx, &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String(region + "a"), Size: aws.Int32(8), VolumeType: types.VolumeTypeGp3,
	})
	if err != nil {
		return backuptest.Ref{}, err
	}
	time.Sleep(time.Minute) // virtual: until it is available
	return backuptest.Ref{Account: shop, Region: region, ID: *out.VolumeId}, nil
}
