package preflight_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/accounts/preflight"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

const (
	manager = "700000000000" // of the organization
	vault   = "999999999999"
	shop    = "111111111111"
	clean   = "555555555555"

	dublin    = "eu-west-1"
	frankfurt = "eu-central-1"
	milan     = "eu-south-1" // to be opted into

	hub = "arn:aws:iam::" + vault + ":role/orchestrator"
)

// A scene is a vault, an account that it protects and one that it restores
// into, set up right, with an organization around them.
type scene struct {
	*awssim.Cloud
	t  testing.TB
	in iampolicy.Installation

	base     aws.Config // of the host
	declared []accounts.Account
	opts     preflight.Options
	silent   map[string]bool // accounts without an auditor

	instance, own, foreign, copied string
}

func newScene(t testing.TB) *scene {
	t.Helper()
	s := &scene{
		Cloud: awssim.New(awssim.Options{Seed: 1, Latency: -1, Limits: core.Limits{Off: true}}),
		t:     t, silent: map[string]bool{},
	}
	t.Cleanup(func() { require.Empty(t, s.Misuse()) })
	s.SetOrganization("o-1", manager, vault, shop, clean)
	require.NoError(t, s.EnableRegion(shop, milan))
	require.NoError(t, s.EnableRegion(vault, milan)) // or it could not copy from there
	s.in = iampolicy.Installation{
		Vault: vault, Orchestrator: hub, ExternalID: "vault-7c1e", Regions: []string{frankfurt, dublin},
		VaultKeys: []string{s.key(vault, frankfurt), s.key(vault, dublin)},
		KeyAdmins: []string{"arn:aws:iam::" + vault + ":role/key-admin"},
		Protected: []iampolicy.Protected{{
			Account: shop, ExternalID: "shop-9b2d", Regions: []string{dublin, milan},
			SourceKeys: []string{s.key(shop, dublin)}, RekeyKeys: []string{s.key(shop, milan)},
		}},
		Restore: []iampolicy.RestoreAccount{{
			Account: clean, ExternalID: "clean-e81a", Regions: []string{dublin}, Keys: []string{s.key(clean, dublin)},
		}},
	}
	host := s.User(vault, "host", allow(s.t, "sts:AssumeRole", hub))
	s.base = s.Config(host, frankfurt)
	s.installRoles()
	s.installKeyPolicies()
	s.fill()
	boss := s.Config(s.User(manager, "boss", awssim.Admin()), "us-east-1")
	s.opts = preflight.Options{Auditor: s.auditor, Organization: &boss}
	return s
}

// installRoles creates the generated roles and declares them.
func (s *scene) installRoles() {
	s.PutRole(vault, awssim.Role{Name: "key-admin", Trust: trusting(s.t, vault), Policies: []*iampolicy.Document{reading(s.t)}})
	policy, err := s.in.OrchestratorPolicy()
	require.NoError(s.t, err)
	s.PutRole(vault, awssim.Role{Name: "orchestrator", Trust: trusting(s.t, "arn:aws:iam::"+vault+":user/host"), Policies: []*iampolicy.Document{policy}})
	roles, err := s.in.Roles()
	require.NoError(s.t, err)
	ids := map[string]string{vault: s.in.ExternalID, shop: s.in.Protected[0].ExternalID, clean: s.in.Restore[0].ExternalID}
	for _, r := range roles {
		s.PutRole(r.Account, awssim.Role{Name: r.Name, Trust: r.Trust, Policies: []*iampolicy.Document{r.Policy}})
		i := slices.IndexFunc(s.declared, func(a accounts.Account) bool { return string(a.ID) == r.Account })
		if i < 0 {
			s.declared = append(s.declared, accounts.Account{ID: accounts.ID(r.Account), Purposes: map[accounts.Purpose][]accounts.Role{}})
			i = len(s.declared) - 1
		}
		s.declared[i].Purposes[accounts.Purpose(r.Purpose)] = []accounts.Role{{ARN: hub}, {ARN: r.ARN(""), ExternalID: ids[r.Account]}}
	}
}

// role returns a generated role, to be put again with something changed.
func (s *scene) role(account, purpose string) awssim.Role {
	roles, err := s.in.Roles()
	require.NoError(s.t, err)
	for _, r := range roles {
		if r.Account == account && r.Purpose == purpose {
			return awssim.Role{Name: r.Name, Trust: r.Trust, Policies: []*iampolicy.Document{r.Policy}}
		}
	}
	s.t.Fatalf("no role for %s in %s", purpose, account)
	return awssim.Role{}
}

// change puts a generated role again with something changed.
func (s *scene) change(account, purpose string, how func(*awssim.Role)) {
	r := s.role(account, purpose)
	how(&r)
	s.PutRole(account, r)
}

// without takes statements out of a role's policy.
func (s *scene) without(account, purpose string, sids ...string) {
	s.change(account, purpose, func(r *awssim.Role) {
		d := &iampolicy.Document{Version: iampolicy.Version}
		for _, st := range r.Policies[0].Statements {
			if !slices.Contains(sids, st.Sid) {
				d.Statements = append(d.Statements, st)
			}
		}
		require.Len(s.t, d.Statements, len(r.Policies[0].Statements)-len(sids))
		r.Policies[0] = d
	})
}

// give adds a policy to a role.
func (s *scene) give(account, purpose string, policy *iampolicy.Document) {
	s.change(account, purpose, func(r *awssim.Role) { r.Policies = append(r.Policies, policy) })
}

// declare changes the last hop to a role as it is declared.
func (s *scene) declare(account string, purpose accounts.Purpose, how func(*accounts.Role)) {
	for _, a := range s.declared {
		if string(a.ID) == account {
			how(&a.Purposes[purpose][len(a.Purposes[purpose])-1])
		}
	}
}

func (s *scene) key(account, region string) string {
	out, err := kms.NewFromConfig(s.Config(s.Root(account), region)).CreateKey(context.Background(), &kms.CreateKeyInput{})
	require.NoError(s.t, err)
	return aws.ToString(out.KeyMetadata.Arn)
}

func (s *scene) installKeyPolicies() {
	vaultPolicy, err := s.in.VaultKeyPolicy()
	require.NoError(s.t, err)
	for _, key := range s.in.VaultKeys {
		s.putKeyPolicy(key, vaultPolicy)
	}
	source, err := s.in.SourceKeyPolicy(shop)
	require.NoError(s.t, err)
	s.putKeyPolicy(s.in.Protected[0].SourceKeys[0], source)
	s.putKeyPolicy(s.in.Protected[0].RekeyKeys[0], source)
	restore, err := s.in.RestoreKeyPolicy(clean)
	require.NoError(s.t, err)
	s.putKeyPolicy(s.in.Restore[0].Keys[0], restore)
}

// putKeyPolicy replaces a key's policy; the vault's only a key admin may.
func (s *scene) putKeyPolicy(arn string, policy *iampolicy.Document) {
	part := strings.Split(arn, ":")
	by := s.Root(part[4])
	if part[4] == vault && s.keyAdminsOnly(arn) {
		by = s.keyAdmin()
	}
	text, err := json.Marshal(policy)
	require.NoError(s.t, err)
	_, err = kms.NewFromConfig(s.Config(by, part[3])).PutKeyPolicy(context.Background(), &kms.PutKeyPolicyInput{
		KeyId: aws.String(arn), Policy: aws.String(string(text)), BypassPolicyLockoutSafetyCheck: true,
	})
	require.NoError(s.t, err)
}

func (s *scene) keyAdminsOnly(arn string) bool {
	_, err := kms.NewFromConfig(s.Config(s.Root(vault), strings.Split(arn, ":")[3])).GetKeyPolicy(
		context.Background(), &kms.GetKeyPolicyInput{KeyId: aws.String(arn)})
	return err != nil
}

func (s *scene) keyAdmin() aws.CredentialsProvider {
	by := s.Config(s.User(vault, "chief", awssim.Admin()), frankfurt)
	return s.assume(by, "arn:aws:iam::"+vault+":role/key-admin")
}

func (s *scene) assume(by aws.Config, arn string) aws.CredentialsProvider {
	out, err := sts.NewFromConfig(by).AssumeRole(context.Background(), &sts.AssumeRoleInput{
		RoleArn: aws.String(arn), RoleSessionName: aws.String("test"),
	})
	require.NoError(s.t, err)
	c := out.Credentials
	return credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
}

// auditor may read IAM and KMS. In the vault it is a key admin, since nobody
// else may read the policies of the vault's keys.
func (s *scene) auditor(_ context.Context, id accounts.ID, region string) (aws.Config, error) {
	if s.silent[string(id)] {
		return aws.Config{}, fmt.Errorf("nobody audits %s", id)
	}
	if id == vault {
		return s.Config(s.keyAdmin(), region), nil
	}
	return s.Config(s.User(string(id), "auditor", reading(s.t)), region), nil
}

// fill puts something into the shop that dry runs can speak of, and a copy
// into the vault.
func (s *scene) fill() {
	there := s.ec2(shop, dublin)
	ctx := context.Background()
	out, err := there.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId:  aws.String(ec2sim.BaseImage(dublin, types.ArchitectureValuesX8664)),
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: types.InstanceTypeT3Micro,
	})
	require.NoError(s.t, err)
	s.EC2().Settle(ec2sim.Site{Account: shop, Region: dublin})
	s.instance = *out.Instances[0].InstanceId
	s.own = s.snapshot(shop, dublin, map[string]string{iampolicy.TagVault: vault})
	s.foreign = s.snapshot(shop, dublin, nil)
	s.copied = s.snapshot(vault, frankfurt, map[string]string{iampolicy.TagVault: vault})
}

func (s *scene) snapshot(account, region string, tags map[string]string) string {
	ctx := context.Background()
	client := s.ec2(account, region)
	volume, err := client.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String(region + "a"), Size: aws.Int32(1)})
	require.NoError(s.t, err)
	s.EC2().Settle(ec2sim.Site{Account: account, Region: region})
	in := &ec2.CreateSnapshotInput{VolumeId: volume.VolumeId}
	for k, v := range tags {
		in.TagSpecifications = append(in.TagSpecifications, types.TagSpecification{
			ResourceType: types.ResourceTypeSnapshot, Tags: []types.Tag{{Key: aws.String(k), Value: aws.String(v)}},
		})
	}
	out, err := client.CreateSnapshot(ctx, in)
	require.NoError(s.t, err)
	return aws.ToString(out.SnapshotId)
}

// ec2 is a client of an account's root user.
func (s *scene) ec2(account, region string) *ec2.Client {
	return ec2.NewFromConfig(s.Config(s.Root(account), region))
}

// organization is a client of its management account.
func (s *scene) organization() *organizations.Client {
	return organizations.NewFromConfig(*s.opts.Organization)
}

// forbid binds an account with a resource control policy.
func (s *scene) forbid(account string, policy string) {
	ctx := context.Background()
	client := s.organization()
	roots, err := client.ListRoots(ctx, &organizations.ListRootsInput{})
	require.NoError(s.t, err)
	_, err = client.EnablePolicyType(ctx, &organizations.EnablePolicyTypeInput{
		RootId: roots.Roots[0].Id, PolicyType: orgtypes.PolicyTypeResourceControlPolicy,
	})
	require.NoError(s.t, err)
	out, err := client.CreatePolicy(ctx, &organizations.CreatePolicyInput{
		Name: aws.String("guard"), Description: aws.String("guard"), Type: orgtypes.PolicyTypeResourceControlPolicy, Content: aws.String(policy),
	})
	require.NoError(s.t, err)
	_, err = client.AttachPolicy(ctx, &organizations.AttachPolicyInput{PolicyId: out.Policy.PolicySummary.Id, TargetId: aws.String(account)})
	require.NoError(s.t, err)
}

// check runs the preflight and sees to it that nothing is changed by it.
func (s *scene) check() *preflight.Report {
	s.t.Helper()
	s.SetFault(func(c core.CallInfo) core.Fault {
		if c.Mutating {
			s.t.Errorf("the preflight calls %s:%s", c.Service, c.Operation)
		}
		return core.Fault{}
	})
	defer s.SetFault(nil)
	sessions, err := accounts.New(s.base, s.declared, accounts.Options{})
	require.NoError(s.t, err)
	report, err := preflight.Check(context.Background(), sessions, s.in, s.opts)
	require.NoError(s.t, err)
	return report
}

func parse(t testing.TB, text string) *iampolicy.Document {
	t.Helper()
	d, err := iampolicy.Parse([]byte(text))
	require.NoError(t, err)
	return d
}

func allow(t testing.TB, action, resource string) *iampolicy.Document {
	t.Helper()
	return parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"`+action+`","Resource":"`+resource+`"}]}`)
}

func deny(t testing.TB, action string) *iampolicy.Document {
	t.Helper()
	return parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"`+action+`","Resource":"*"}]}`)
}

// trusting lets a principal assume a role, without more ado.
func trusting(t testing.TB, who string) *iampolicy.Document {
	t.Helper()
	return parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+who+`"},"Action":"sts:AssumeRole"}]}`)
}

// trustingIf demands an external id.
func trustingIf(t testing.TB, who, id string) *iampolicy.Document {
	t.Helper()
	return parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+who+`"},"Action":"sts:AssumeRole",
		"Condition":{"StringEquals":{"sts:ExternalId":"`+id+`"}}}]}`)
}

// reading is what an auditor may do.
func reading(t testing.TB) *iampolicy.Document {
	t.Helper()
	return parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*",
		"Action":["iam:GetRole","iam:ListRoles","iam:SimulatePrincipalPolicy","kms:DescribeKey","kms:GetKeyPolicy"]}]}`)
}
