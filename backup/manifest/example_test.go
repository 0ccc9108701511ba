package manifest_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/backup/manifest"
	"github.com/snapkeep/snapkeep/backup/restore"
	"github.com/snapkeep/snapkeep/retention"
)

const vault, shop, clean = "999999999999", "111111111111", "555555555555"

// administrators are Sessions for an example: one administrator in each
// account. A real program has accounts.Sessions, and a role for each purpose.
type administrators struct{ *backuptest.Cloud }

func (a administrators) Config(_ context.Context, id accounts.ID, _ accounts.Purpose, region string) (aws.Config, error) {
	return a.Cloud.Config(a.User(id, "admin", backuptest.Admin()), region), nil
}

// An instance is backed up with its manifest in a directory. When its account
// is lost, the copy's manifest says how it is to be started in another, and
// what that account does not have.
func Example() {
	dir, err := os.MkdirTemp("", "manifests")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	store, err := manifest.OpenDir(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	backuptest.Simulate(func() {
		ctx := context.Background()
		sessions := administrators{backuptest.New(backuptest.Options{})}
		plan, err := furnish(ctx, sessions)
		if err != nil {
			fmt.Println(err)
			return
		}
		engine, err := backup.New(sessions, []backup.Driver{ebs.New(ebs.Options{})}, backup.Options{
			Vault: vault, Manifests: store, ManifestDetails: backup.ManifestDetails{UserData: true},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		report, err := engine.Run(ctx, plan, time.Now())
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(report.Points, "point,", report.Manifests, "manifest")

		for point, err := range engine.Points(ctx, backup.PointFilter{Sites: []backup.Site{{Account: vault, Region: "eu-west-1"}}}) {
			if err != nil {
				fmt.Println(err)
				return
			}
			m, err := engine.Manifest(ctx, point) // verified
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(m.Tags["Name"], m.Instance.InstanceType, "tokens", m.Instance.Metadata.Tokens, "user data", m.Instance.UserData)
			q, dropped, err := restore.Carry(m, restore.Request{
				ID: "drill", Point: point, Account: clean, Region: "eu-west-1", As: restore.Instance,
			}, restore.Mapping{KeyNames: map[string]string{"ops": "rescue"}})
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println("start a", q.Instance.InstanceType, "named", q.Instance.Tags["Name"], "with key", q.Instance.KeyName)
			fmt.Println(len(dropped) > 0, "left out, among it", dropped[len(dropped)-1].Field)
		}
	})
	// Output:
	// 1 point, 1 manifest
	// web m5.large tokens required user data [redacted]
	// start a m5.large named web with key rescue
	// true left out, among it instance.place.subnet
}

// furnish runs an instance and makes a plan that backs it up.
func furnish(ctx context.Context, sessions administrators) (backup.Plan, error) {
	key, err := sessions.AddKey(vault, "eu-west-1", nil)
	if err != nil {
		return backup.Plan{}, err
	}
	cfg, err := sessions.Config(ctx, shop, accounts.Backup, "eu-west-1")
	if err != nil {
		return backup.Plan{}, err
	}
	api := ec2.NewFromConfig(cfg)
	if _, err := api.ImportKeyPair(ctx, &ec2.ImportKeyPairInput{
		KeyName: aws.String("ops"), PublicKeyMaterial: []byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA ops"),
	}); err != nil {
		return backup.Plan{}, err
	}
	images, err := api.DescribeImages(ctx, &ec2.DescribeImagesInput{
		Owners: []string{"amazon"}, Filters: []types.Filter{{Name: aws.String("name"), Values: []string{"base-linux-x86_64"}}},
	})
	if err != nil {
		return backup.Plan{}, err
	}
	if _, err := api.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: images.Images[0].ImageId, InstanceType: types.InstanceTypeM5Large, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		KeyName: aws.String("ops"), UserData: aws.String("IyEvYmluL3NoCg=="),
		MetadataOptions: &types.InstanceMetadataOptionsRequest{HttpTokens: types.HttpTokensStateRequired},
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("web")}},
		}},
	}); err != nil {
		return backup.Plan{}, err
	}
	time.Sleep(time.Minute) // virtual: until it runs
	return backup.Plan{
		Name:      "nightly",
		Sources:   []backup.Source{{Account: shop, Regions: []string{"eu-west-1"}, Select: backup.Selector{All: true}}},
		Retention: retention.Policy{Last: 7},
		Copies:    []backup.Copy{{Account: vault, Region: "eu-west-1", KMSKey: key}},
	}, nil
}

// Manifests of points that were pruned are removed by a sweep of its own: a
// plan that prints itself, then its execution.
func ExamplePlanSweep() {
	dir, err := os.MkdirTemp("", "manifests")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	store, err := manifest.OpenDir(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	ctx := context.Background()
	body := []byte(`{"version":1}`)
	ref := backup.ManifestRef{Vault: vault, Plan: "nightly", Point: "sk-0123456789abcdef0", Digest: backup.ManifestDigest(body)}
	if err := store.Put(ctx, ref, body); err != nil {
		fmt.Println(err)
		return
	}
	// A program passes engine.Points(ctx, plan.Filter(vault)): the whole catalog.
	none := func(func(backup.Point, error) bool) {}
	sweep, err := manifest.PlanSweep(ctx, store, vault, "nightly", none, time.Now().Add(30*24*time.Hour), 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(sweep.Remove), "go,", sweep.Kept, "named by points,", sweep.Young, "too young")
	removed, err := sweep.Run(ctx, store)
	fmt.Println(removed, err)
	// Output:
	// 1 go, 0 named by points, 0 too young
	// 1 <nil>
}
