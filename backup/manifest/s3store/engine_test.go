package s3store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/backup/manifest/s3store"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
	"github.com/snapkeep/snapkeep/retention"
)

const (
	protected = "111111111111"
	hush      = "aHVzaC0xMjM0NTY3ODkwCg==" // user data of the instance
)

// An engine under the generated roles, with nothing but them, captures user
// data, stores it in the locked bucket and verifies it; nothing that it tells
// holds the user data. Without the option for attributes, the point is made
// without a manifest, and says so.
func TestTheGeneratedRolesCapture(t *testing.T) {
	for _, allowed := range []bool{true, false} {
		t.Run(fmt.Sprintf("attributes %v", allowed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &night{t: t, cloud: awssim.New(awssim.Options{Seed: 1})}
				w.install(allowed)
				report, points := w.run()
				require.Empty(t, w.cloud.Misuse())
				require.Equal(t, 1, report.Copies)
				for _, line := range []string{fmt.Sprintf("%+v", report), report.String(), w.told.String()} {
					require.NotContains(t, line, hush)
				}
				if !allowed {
					require.Zero(t, report.Manifests)
					require.Contains(t, report.String(), "no manifest: i-")
					require.Contains(t, report.String(), "DescribeInstanceAttribute")
					return
				}
				require.Equal(t, 1, report.Manifests)
				require.Len(t, points, 2)
				for _, p := range points {
					m, err := w.engine.Manifest(t.Context(), p)
					require.NoError(t, err)
					require.Equal(t, hush, m.Instance.UserData.Reveal())
					require.Equal(t, "web", m.Tags["Name"])
				}
			})
		})
	}
}

// A night is a protected instance, a vault and an engine.
type night struct {
	t      *testing.T
	cloud  *awssim.Cloud
	key    string
	engine *backup.Engine
	told   strings.Builder
}

func (n *night) newKey(account string) (*kms.Client, string) {
	api := kms.NewFromConfig(n.cloud.Config(n.cloud.Root(account), region))
	out, err := api.CreateKey(context.Background(), nil)
	require.NoError(n.t, err)
	return api, *out.KeyMetadata.Arn
}

func (n *night) install(attributes bool) {
	ctx := context.Background()
	keys, key := n.newKey(vault)
	n.key = key
	sourceKeys, source := n.newKey(protected)
	trust := &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{{
		Effect: iampolicy.Allow, Actions: iampolicy.Of("sts:AssumeRole"),
		Principal: &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of("arn:aws:iam::" + vault + ":root")}},
	}}}
	admin := n.cloud.PutRole(vault, awssim.Role{Name: "key-admin", Trust: trust, Policies: []*iampolicy.Document{awssim.Admin()}})
	i := iampolicy.Installation{
		Vault: vault, Orchestrator: "arn:aws:iam::" + vault + ":user/orchestrator", ExternalID: "vault-7c1e",
		Regions: []string{region}, VaultKeys: []string{n.key}, KeyAdmins: []string{admin}, Bucket: bucket, Manifests: true,
		Protected: []iampolicy.Protected{{
			Account: protected, ExternalID: "first-9b2d", Regions: []string{region}, SourceKeys: []string{source}, Attributes: attributes,
		}},
	}
	declared := n.roles(i) // before the policies that name them
	objects := s3.NewFromConfig(n.cloud.Config(n.cloud.Root(vault), region))
	_, err := objects.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: aws.String(bucket), ObjectLockEnabledForBucket: aws.Bool(true),
		CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: region},
	})
	require.NoError(n.t, err)
	policy, err := i.VaultBucketPolicy()
	require.NoError(n.t, err)
	_, err = objects.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String(bucket), Policy: aws.String(text(n.t, policy))})
	require.NoError(n.t, err)
	for _, k := range []struct {
		api    *kms.Client
		key    string
		policy func() (*iampolicy.Document, error)
	}{{keys, key, i.VaultKeyPolicy}, {sourceKeys, source, func() (*iampolicy.Document, error) { return i.SourceKeyPolicy(protected) }}} {
		policy, err := k.policy()
		require.NoError(n.t, err)
		_, err = k.api.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: &k.key, Policy: aws.String(text(n.t, policy)), BypassPolicyLockoutSafetyCheck: true})
		require.NoError(n.t, err)
	}
	n.start(source)
	n.open(i, declared)
}

// start runs the instance.
func (n *night) start(key string) {
	_, err := ec2.NewFromConfig(n.cloud.Config(n.cloud.Root(protected), region)).RunInstances(context.Background(), &ec2.RunInstancesInput{
		ImageId: aws.String(ec2sim.BaseImage(region, ec2types.ArchitectureValuesX8664)), InstanceType: ec2types.InstanceTypeM5Large,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), UserData: aws.String(hush),
		BlockDeviceMappings: []ec2types.BlockDeviceMapping{{
			DeviceName: aws.String("/dev/sdf"), Ebs: &ec2types.EbsBlockDevice{VolumeSize: aws.Int32(8), Encrypted: aws.Bool(true), KmsKeyId: &key},
		}},
		TagSpecifications: []ec2types.TagSpecification{{
			ResourceType: ec2types.ResourceTypeInstance, Tags: []ec2types.Tag{{Key: aws.String("Name"), Value: aws.String("web")}},
		}},
	})
	require.NoError(n.t, err)
	time.Sleep(time.Minute)
}

// roles puts the generated roles in place.
func (n *night) roles(i iampolicy.Installation) map[string]accounts.Account {
	roles, err := i.Roles()
	require.NoError(n.t, err)
	declared := map[string]accounts.Account{}
	external := map[string]string{vault: i.ExternalID, protected: i.Protected[0].ExternalID}
	for _, r := range roles {
		arn := n.cloud.PutRole(r.Account, awssim.Role{Name: r.Name, Trust: r.Trust, Policies: []*iampolicy.Document{r.Policy}})
		a := declared[r.Account]
		if a.Purposes == nil {
			a = accounts.Account{ID: accounts.ID(r.Account), Purposes: map[accounts.Purpose][]accounts.Role{}}
		}
		a.Purposes[accounts.Purpose(r.Purpose)] = []accounts.Role{{ARN: arn, ExternalID: external[r.Account]}}
		declared[r.Account] = a
	}
	return declared
}

// open makes the engine, with sessions of the generated roles.
func (n *night) open(i iampolicy.Installation, declared map[string]accounts.Account) {
	policy, err := i.OrchestratorPolicy()
	require.NoError(n.t, err)
	sessions, err := accounts.New(n.cloud.Config(n.cloud.User(vault, "orchestrator", policy), region),
		[]accounts.Account{declared[vault], declared[protected]}, accounts.Options{})
	require.NoError(n.t, err)
	cfg, err := sessions.Config(context.Background(), vault, accounts.VaultWriter, region)
	require.NoError(n.t, err)
	store, err := s3store.New(s3.NewFromConfig(cfg), bucket, s3store.Options{
		Owner: vault, KMSKey: n.key, Mode: types.ObjectLockModeCompliance, Retain: 30 * 24 * time.Hour,
	})
	require.NoError(n.t, err)
	n.engine, err = backup.New(sessions, []backup.Driver{ebs.New(ebs.Options{})}, backup.Options{
		Vault: vault, Manifests: store, ManifestDetails: backup.ManifestDetails{UserData: true, Protection: true},
		OnEvent: func(e backup.Event) { fmt.Fprintf(&n.told, "%+v %v\n", e, e.LogValue()) },
	})
	require.NoError(n.t, err)
}

func (n *night) run() (*backup.Report, []backup.Point) {
	plan := backup.Plan{
		Name:      "nightly",
		Sources:   []backup.Source{{Account: protected, Regions: []string{region}, Select: backup.Selector{All: true}}},
		Retention: retention.Policy{Last: 7}, Copies: []backup.Copy{{Account: vault, Region: region, KMSKey: n.key}},
	}
	report, err := n.engine.Run(context.Background(), plan, time.Now())
	require.NoError(n.t, err)
	var points []backup.Point
	for p, err := range n.engine.Points(context.Background(), plan.Filter(vault)) {
		require.NoError(n.t, err)
		points = append(points, p)
	}
	return report, points
}
