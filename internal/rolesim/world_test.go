package rolesim_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
	"github.com/snapkeep/snapkeep/internal/awssim/ssmsim"
)

const (
	vault  = "999999999999"
	target = "111111111111"
	clean  = "555555555555"
	other  = "333333333333"

	region = "eu-west-1"
	bucket = "vault-exports"
	freeze = "AWSEC2-CreateVssSnapshot"
)

// A world is a cloud with an installation that has every option. Clients reach
// it without limits on requests and without retries.
type world struct {
	*awssim.Cloud
	t   testing.TB
	i   iampolicy.Installation
	key map[string]string // ARNs by name: "source", "rekey", "vault", "clean"

	machine ec2sim.Ref // with the tags by which it is backed up
	volume  string     // of its own
	plain   ec2sim.Ref // another instance, without the tags

	orchestrator   aws.Config
	beforeAssuming func() // nil means nothing
}

// inWorld builds a world in a bubble in which time is simulated. The change
// is made to each generated document before it is put in place.
func inWorld(t *testing.T, change func(name string, doc *iampolicy.Document) *iampolicy.Document, f func(context.Context, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			Cloud: awssim.New(awssim.Options{Seed: 1, Latency: -1, Limits: core.Limits{Off: true}, RecordAuthorizations: true}),
			t:     t, key: map[string]string{},
		}
		w.EC2().SetLimits(ec2sim.Limits{Spacing: -1, PendingPerVolume: -1})
		w.SetOrganization("o-a1b2c3d4e5", "000000000000", vault, target, clean)
		ctx := context.Background()
		for name, account := range map[string]string{"source": target, "rekey": target, "vault": vault, "clean": clean} {
			out, err := kms.NewFromConfig(w.admin(account)).CreateKey(ctx, nil)
			require.NoError(t, err)
			w.key[name] = *out.KeyMetadata.Arn
		}
		w.installation()
		w.machine, w.volume = w.server(ctx, "backup", "yes")
		w.plain, _ = w.server(ctx, "backup", "no")
		if change == nil {
			change = func(_ string, doc *iampolicy.Document) *iampolicy.Document { return doc }
		}
		w.roles(change)
		f(ctx, w)
		require.Empty(t, w.Misuse())
	})
}

func (w *world) installation() {
	w.i = iampolicy.Installation{
		Vault: vault, Orchestrator: "arn:aws:iam::" + vault + ":user/orchestrator", ExternalID: "vault-7c1e",
		Regions: []string{region}, VaultKeys: []string{w.key["vault"]}, KeyAdmins: []string{"arn:aws:iam::" + vault + ":role/key-admin"},
		Lock: &iampolicy.LockBounds{Min: 7, Max: 400}, Images: true, Export: true, Bucket: bucket,
		Organization: "o-a1b2c3d4e5", SourceIdentity: "snapkeep-*", SessionTags: []string{"plan", "run"},
		GrantOperations: []string{"Decrypt"}, Deployers: []string{"deploy/snapkeep"},
		Protected: []iampolicy.Protected{{
			Account: target, ExternalID: "first-9b2d", Regions: []string{region},
			SourceKeys: []string{w.key["source"]}, RekeyKeys: []string{w.key["rekey"]},
			OnlyTagged: map[string]string{"backup": "yes"}, Documents: []string{"arn:aws:ssm:" + region + "::document/" + freeze},
			Images: true, Attributes: true, Lock: &iampolicy.LockBounds{Min: 1, Max: 30},
		}},
		Restore: []iampolicy.RestoreAccount{{
			Account: clean, ExternalID: "restore-e81a", Regions: []string{region}, Keys: []string{w.key["clean"]}, Import: true,
		}},
	}
}

// roles puts the generated roles and the orchestrator in place.
func (w *world) roles(change func(string, *iampolicy.Document) *iampolicy.Document) {
	w.t.Helper()
	policy, err := w.i.OrchestratorPolicy()
	require.NoError(w.t, err)
	w.orchestrator = w.config(w.User(vault, "orchestrator", change("orchestrator", policy)))
	w.PutRole(vault, awssim.Role{Name: "key-admin", Policies: []*iampolicy.Document{awssim.Admin()}, Trust: trusting(vault)})
	roles, err := w.i.Roles()
	require.NoError(w.t, err)
	for _, r := range roles {
		w.PutRole(r.Account, awssim.Role{
			Name: r.Name, Trust: change(r.Name+" trust", r.Trust), Policies: []*iampolicy.Document{change(r.Name, r.Policy)},
		})
	}
}

// trusting lets an account's own principals assume a role.
func trusting(account string) *iampolicy.Document {
	return &iampolicy.Document{Version: iampolicy.Version, Statements: []iampolicy.Statement{{
		Effect: iampolicy.Allow, Actions: iampolicy.Of("sts:AssumeRole"),
		Principal: &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of("arn:aws:iam::" + account + ":root")}},
	}}}
}

func (w *world) config(creds aws.CredentialsProvider) aws.Config {
	cfg := w.Config(creds, region)
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return cfg
}

// admin is somebody with all rights in an account: its administrator, or an
// intruder.
func (w *world) admin(account string) aws.Config {
	return w.config(w.User(account, "admin", awssim.Admin()))
}

// assume opens a session of a generated role as the orchestrator does.
func (w *world) assume(ctx context.Context, account, role string, change ...func(*sts.AssumeRoleInput)) (aws.Config, error) {
	external := map[string]string{vault: "vault-7c1e", target: "first-9b2d", clean: "restore-e81a"}[account]
	in := &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + account + ":role/" + role), RoleSessionName: aws.String("night"), ExternalId: &external,
		SourceIdentity: aws.String("snapkeep-night"), Tags: []ststypes.Tag{{Key: aws.String("plan"), Value: aws.String("nightly")}},
	}
	for _, f := range change {
		f(in)
	}
	if w.beforeAssuming != nil {
		w.beforeAssuming()
	}
	open := func(ctx context.Context) (aws.Credentials, error) {
		out, err := sts.NewFromConfig(w.orchestrator).AssumeRole(ctx, in)
		if err != nil {
			return aws.Credentials{}, fmt.Errorf("assume %s: %w", role, err)
		}
		return aws.Credentials{
			AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey,
			SessionToken: *out.Credentials.SessionToken, CanExpire: true, Expires: *out.Credentials.Expiration,
		}, nil
	}
	sessions := aws.NewCredentialsCache(aws.CredentialsProviderFunc(open))
	if _, err := sessions.Retrieve(ctx); err != nil {
		return aws.Config{}, err
	}
	return w.config(sessions), nil
}

func credentialsOf(c *ststypes.Credentials) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
}

// server runs an instance with an agent and a volume of its own, all tagged.
func (w *world) server(ctx context.Context, pairs ...string) (ec2sim.Ref, string) {
	w.t.Helper()
	id := w.run(ctx, region, append(tagged("instance", pairs...), tagged("volume", pairs...)...)...)
	ref := ec2sim.Ref{Site: ec2sim.Site{Account: target, Region: region}, ID: id}
	require.NoError(w.t, w.SSM().SetAgent(ref, ssmsim.Agent{Platform: "Windows"}))
	return ref, w.volumeOf(ctx, id)
}

// snapshot makes one as an administrator, with tags, and waits for it.
func (w *world) snapshot(ctx context.Context, account, volume string, pairs ...string) string {
	w.t.Helper()
	in := &ec2.CreateSnapshotInput{VolumeId: &volume}
	if len(pairs) > 0 {
		in.TagSpecifications = tagged("snapshot", pairs...)
	}
	out, err := ec2.NewFromConfig(w.admin(account)).CreateSnapshot(ctx, in)
	require.NoError(w.t, err)
	time.Sleep(2 * time.Hour)
	return *out.SnapshotId
}

func tags(pairs ...string) (all []types.Tag) {
	for n := 0; n < len(pairs); n += 2 {
		all = append(all, types.Tag{Key: &pairs[n], Value: &pairs[n+1]})
	}
	return all
}

func tagged(kind types.ResourceType, pairs ...string) []types.TagSpecification {
	return []types.TagSpecification{{ResourceType: kind, Tags: tags(pairs...)}}
}

// denied says that AWS refused a call for want of a right.
func denied(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains([]string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "KMSAccessDeniedException"}, api.ErrorCode())
}

// completed waits for snapshots, and fails if one of them does: a key that EC2
// could not use shows no sooner.
func completed(ctx context.Context, c *ec2.Client, ids ...string) error {
	time.Sleep(3 * time.Hour)
	out, err := c.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: ids})
	if err != nil {
		return err
	}
	for _, sn := range out.Snapshots {
		if sn.State != types.SnapshotStateCompleted {
			return fmt.Errorf("%s is %s: %s", *sn.SnapshotId, sn.State, aws.ToString(sn.StateMessage))
		}
	}
	return nil
}

// steps runs one after another and says which failed.
func steps(all ...func() error) error {
	for n, step := range all {
		if err := step(); err != nil {
			return fmt.Errorf("step %d: %w", n+1, err)
		}
	}
	return nil
}

// did is a step of which only the error matters.
func did[T any](_ T, err error) error { return err }

// A cut takes an action out of a statement of a document.
type cut struct{ document, statement, action string }

func (c cut) String() string { return strings.Join([]string{c.document, c.statement, c.action}, " - ") }

// cuts lists all of a document's statements with an effect.
func cuts(name string, doc *iampolicy.Document, effect iampolicy.Effect) (all []cut) {
	for _, s := range doc.Statements {
		for _, action := range s.Actions.Values {
			if s.Effect == effect {
				all = append(all, cut{name, s.Sid, action})
			}
		}
	}
	return all
}

// of returns the document without what is cut.
func (c cut) of(name string, doc *iampolicy.Document) *iampolicy.Document {
	if name != c.document {
		return doc
	}
	less := *doc
	less.Statements = nil
	for _, s := range doc.Statements {
		if s.Sid == c.statement {
			s.Actions = iampolicy.Of(slices.DeleteFunc(slices.Clone(s.Actions.Values), func(a string) bool { return a == c.action })...)
			if len(s.Actions.Values) == 0 {
				continue
			}
		}
		less.Statements = append(less.Statements, s)
	}
	return &less
}
