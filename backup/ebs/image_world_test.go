package ebs_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
	"github.com/snapkeep/snapkeep/retention"
)

// An imageWorld is a Windows instance from the Marketplace in a protected
// account, and a vault, with the generated roles and nothing else.
type imageWorld struct {
	t        *testing.T
	cloud    *awssim.Cloud
	sessions *accounts.Sessions
	plan     backup.Plan
	instance string
	told     []backup.Event
}

// inImageWorld builds it; without the right, the roles may not touch images.
func inImageWorld(t *testing.T, right bool, f func(*imageWorld)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &imageWorld{t: t, cloud: awssim.New(awssim.Options{Limits: core.Limits{Off: true}})}
		w.protect()
		w.install(right)
		f(w)
		w.cloud.SetFault(nil)
		require.Empty(t, w.cloud.Misuse())
	})
}

func (w *imageWorld) admin(at backup.Site) *ec2.Client {
	return ec2.NewFromConfig(w.cloud.Config(w.cloud.Root(string(at.Account)), at.Region))
}

func (w *imageWorld) protect() {
	base, err := w.cloud.EC2().PublishImage(site.Region, ec2sim.PublicImage{Name: "win", Platform: "Windows", Products: []string{"sold1", "a-code"}})
	require.NoError(w.t, err)
	run, err := w.admin(site).RunInstances(context.Background(), &ec2.RunInstancesInput{
		ImageId: &base, InstanceType: types.InstanceTypeM5Large, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		MetadataOptions: &types.InstanceMetadataOptionsRequest{HttpTokens: types.HttpTokensStateRequired},
		BlockDeviceMappings: []types.BlockDeviceMapping{{
			DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(10), VolumeType: types.VolumeTypeGp3, Iops: aws.Int32(4000)},
		}},
	})
	require.NoError(w.t, err)
	w.instance = *run.Instances[0].InstanceId
	time.Sleep(time.Minute)
}

func (w *imageWorld) install(right bool) {
	ctx := context.Background()
	keys := kms.NewFromConfig(w.cloud.Config(w.cloud.Root(string(vaultSite.Account)), vaultSite.Region))
	key, err := keys.CreateKey(ctx, &kms.CreateKeyInput{})
	require.NoError(w.t, err)
	i := iampolicy.Installation{
		Vault: string(vaultSite.Account), Orchestrator: "arn:aws:iam::" + string(vaultSite.Account) + ":user/orchestrator", ExternalID: "vault-7c1e",
		Regions: []string{vaultSite.Region}, VaultKeys: []string{*key.KeyMetadata.Arn}, KeyAdmins: []string{"arn:aws:iam::" + string(vaultSite.Account) + ":role/key-admin"},
		Protected: []iampolicy.Protected{{Account: string(site.Account), ExternalID: "first-9b2d", Regions: []string{site.Region}}}, Images: right,
	}
	policy, err := i.OrchestratorPolicy()
	require.NoError(w.t, err)
	orchestrator := w.cloud.User(i.Vault, "orchestrator", policy)
	roles, err := i.Roles()
	require.NoError(w.t, err)
	declared := map[string]accounts.Account{}
	for _, r := range roles {
		arn := w.cloud.PutRole(r.Account, awssim.Role{Name: r.Name, Trust: r.Trust, Policies: []*iampolicy.Document{r.Policy}})
		a := declared[r.Account]
		if a.Purposes == nil {
			a = accounts.Account{ID: accounts.ID(r.Account), Purposes: map[accounts.Purpose][]accounts.Role{}}
		}
		id := map[string]string{i.Vault: i.ExternalID, string(site.Account): i.Protected[0].ExternalID}[r.Account]
		a.Purposes[accounts.Purpose(r.Purpose)] = []accounts.Role{{ARN: arn, ExternalID: id}}
		declared[r.Account] = a
	}
	w.cloud.PutRole(i.Vault, awssim.Role{Name: "key-admin", Trust: policyOf(w.t, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::`+i.Vault+`:root"}}]}`)})
	doc, err := i.VaultKeyPolicy()
	require.NoError(w.t, err)
	text, err := json.Marshal(doc)
	require.NoError(w.t, err)
	_, err = keys.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: key.KeyMetadata.Arn, Policy: aws.String(string(text)), BypassPolicyLockoutSafetyCheck: true})
	require.NoError(w.t, err)
	w.sessions, err = accounts.New(w.cloud.Config(orchestrator, vaultSite.Region), slices.Collect(maps.Values(declared)), accounts.Options{})
	require.NoError(w.t, err)
	w.plan = backup.Plan{
		Name: "windows", Retention: retention.Policy{Last: 1},
		Sources: []backup.Source{{Account: site.Account, Regions: []string{site.Region}, Select: backup.Selector{All: true}}},
		Copies:  []backup.Copy{{Account: vaultSite.Account, Region: vaultSite.Region, KMSKey: *key.KeyMetadata.Arn, Image: true}},
	}
}

func policyOf(t *testing.T, text string) *iampolicy.Document {
	doc, err := iampolicy.Parse([]byte(text))
	require.NoError(t, err)
	return doc
}

func (w *imageWorld) engine() *backup.Engine {
	w.t.Helper()
	e, err := backup.New(w.sessions, []backup.Driver{ebs.New(ebs.Options{})}, backup.Options{
		Vault: vaultSite.Account, OnEvent: func(ev backup.Event) { w.told = append(w.told, ev) },
	})
	require.NoError(w.t, err)
	return e
}

// night runs the plan and lets a day pass.
func (w *imageWorld) night() *backup.Report {
	w.t.Helper()
	at := time.Now()
	r, err := w.engine().Run(context.Background(), w.plan, at)
	require.NoError(w.t, err)
	time.Sleep(time.Until(at.Add(24 * time.Hour)))
	return r
}

// points returns the points in the vault with their images, the newest first.
func (w *imageWorld) points() (list []backup.Point) {
	w.t.Helper()
	f := w.plan.Filter(vaultSite.Account)
	f.Images, f.CopyOnly = true, true
	for pt, err := range w.engine().Points(context.Background(), f) {
		require.NoError(w.t, err)
		require.Equal(w.t, retention.Complete, pt.State)
		list = append(list, pt)
	}
	return list
}

// images lists what is registered in the vault.
func (w *imageWorld) images() []types.Image {
	w.t.Helper()
	out, err := w.admin(vaultSite).DescribeImages(context.Background(), &ec2.DescribeImagesInput{Owners: []string{"self"}})
	require.NoError(w.t, err)
	return out.Images
}

// cut ends a context at the nth call of some operations, before or after its
// effect; nothing gets through from then on.
func (w *imageWorld) cut(n int, after bool, operations ...string) context.Context {
	ctx, crash := context.WithCancel(context.Background())
	seen := 0
	w.cloud.SetFault(func(c core.CallInfo) core.Fault {
		if slices.Contains(operations, c.Operation) && ctx.Err() == nil {
			if seen++; seen == n {
				crash()
				return core.Fault{Way: core.Reset, After: after}
			}
		}
		if ctx.Err() != nil {
			return core.Fault{Way: core.Reset}
		}
		return core.Fault{}
	})
	return ctx
}
