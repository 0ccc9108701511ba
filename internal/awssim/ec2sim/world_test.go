package ec2sim_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

const (
	target  = "111111111111"
	second  = "222222222222"
	vault   = "999999999999"
	ireland = "eu-west-1"
	oregon  = "us-west-2"
)

// A world is a cloud under test. SDK clients reach it without limits on
// requests and without retries, so that a test sees every answer.
type world struct {
	*awssim.Cloud
	t testing.TB
}

// inWorld runs a test in a bubble in which time is simulated.
func inWorld(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newWorld(t)) })
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, Cloud: awssim.New(awssim.Options{
		Seed: 1, Latency: -1, Limits: core.Limits{Off: true}, RecordAuthorizations: true,
	})}
	t.Cleanup(func() { require.Empty(t, w.Misuse()) })
	return w
}

// user returns a configuration of an IAM user with the policies.
func (w *world) user(at ec2sim.Site, name string, policies ...*iampolicy.Document) aws.Config {
	cfg := w.Config(w.User(at.Account, name, policies...), at.Region)
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return cfg
}

func (w *world) as(at ec2sim.Site, name string, policies ...*iampolicy.Document) *ec2.Client {
	return ec2.NewFromConfig(w.user(at, name, policies...))
}

func site(account, region string) ec2sim.Site { return ec2sim.Site{Account: account, Region: region} }

// admin is a client that may do everything in its account.
func (w *world) admin(at ec2sim.Site) *ec2.Client { return w.as(at, "admin", awssim.Admin()) }

func (w *world) kms(at ec2sim.Site) *kms.Client {
	return kms.NewFromConfig(w.user(at, "admin", awssim.Admin()))
}

// key makes a customer key that lets in its account, and whoever else the
// statements say.
func (w *world) key(at ec2sim.Site, statements ...string) (arn string) {
	w.t.Helper()
	all := append([]string{`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + at.Account + `:root"},"Action":"kms:*","Resource":"*"}`}, statements...)
	out, err := w.kms(at).CreateKey(w.t.Context(), &kms.CreateKeyInput{
		Policy: aws.String(`{"Version":"2012-10-17","Statement":[` + strings.Join(all, ",") + `]}`),
	})
	require.NoError(w.t, err)
	return *out.KeyMetadata.Arn
}

// letIn is a statement that lets an account use a key.
func letIn(account string) string {
	return `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"kms:*","Resource":"*"}`
}

// volume makes a volume and waits until it is available. key may be empty.
func (w *world) volume(at ec2sim.Site, key string) ec2sim.Ref {
	w.t.Helper()
	in := &ec2.CreateVolumeInput{AvailabilityZone: aws.String(at.Region + "a"), Size: aws.Int32(4), VolumeType: types.VolumeTypeGp3}
	if key != "" {
		in.Encrypted, in.KmsKeyId = aws.Bool(true), &key
	}
	out, err := w.admin(at).CreateVolume(w.t.Context(), in)
	require.NoError(w.t, err)
	time.Sleep(time.Minute)
	return ec2sim.Ref{Site: at, ID: *out.VolumeId}
}

// write fills some blocks of a volume.
func (w *world) write(ref ec2sim.Ref, text string, blocks ...int64) {
	w.t.Helper()
	for _, b := range blocks {
		require.NoError(w.t, w.EC2().WriteVolume(ref, b, []byte(text)))
	}
}

// snapshot takes a snapshot with tags and waits until it is completed.
func (w *world) snapshot(volume ec2sim.Ref, tags ...string) ec2sim.Ref {
	w.t.Helper()
	in := &ec2.CreateSnapshotInput{VolumeId: &volume.ID}
	if len(tags) > 0 {
		in.TagSpecifications = tagged(types.ResourceTypeSnapshot, tags...)
	}
	out, err := w.admin(volume.Site).CreateSnapshot(w.t.Context(), in)
	require.NoError(w.t, err)
	ref := ec2sim.Ref{Site: volume.Site, ID: *out.SnapshotId}
	require.Equal(w.t, types.SnapshotStateCompleted, w.settled(ref).State)
	return ref
}

// settled waits until a snapshot is pending no more.
func (w *world) settled(ref ec2sim.Ref) ec2sim.Snapshot {
	w.t.Helper()
	for range 1000 {
		sn := w.find(ref)
		if sn.State != types.SnapshotStatePending {
			return sn
		}
		time.Sleep(time.Until(sn.Done))
	}
	w.t.Fatalf("%s stays pending", ref)
	return ec2sim.Snapshot{}
}

func (w *world) find(ref ec2sim.Ref) ec2sim.Snapshot {
	w.t.Helper()
	for _, sn := range w.EC2().Snapshots() {
		if sn.Ref == ref {
			return sn
		}
	}
	w.t.Fatalf("there is no %s", ref)
	return ec2sim.Snapshot{}
}

func tags(pairs ...string) []types.Tag {
	var out []types.Tag
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
	}
	return out
}

func tagged(kind types.ResourceType, pairs ...string) []types.TagSpecification {
	return []types.TagSpecification{{ResourceType: kind, Tags: tags(pairs...)}}
}

func tagMap(list []types.Tag) map[string]string {
	m := map[string]string{}
	for _, t := range list {
		m[*t.Key] = *t.Value
	}
	return m
}

// share adds or removes accounts.
func (w *world) share(ref ec2sim.Ref, op types.OperationType, accounts ...string) error {
	_, err := w.admin(ref.Site).ModifySnapshotAttribute(w.t.Context(), &ec2.ModifySnapshotAttributeInput{
		SnapshotId: &ref.ID, Attribute: types.SnapshotAttributeNameCreateVolumePermission, OperationType: op, UserIds: accounts,
	})
	return err
}

// copyInput asks for a copy of a snapshot; key may be empty.
func copyInput(source ec2sim.Ref, key string, tags ...string) *ec2.CopySnapshotInput {
	in := &ec2.CopySnapshotInput{SourceRegion: &source.Region, SourceSnapshotId: &source.ID}
	if key != "" {
		in.Encrypted, in.KmsKeyId = aws.Bool(true), &key
	}
	if len(tags) > 0 {
		in.TagSpecifications = tagged(types.ResourceTypeSnapshot, tags...)
	}
	return in
}

// copy copies as an administrator of a site.
func (w *world) copy(source ec2sim.Ref, to ec2sim.Site, key string, tags ...string) ec2sim.Ref {
	w.t.Helper()
	out, err := w.admin(to).CopySnapshot(w.t.Context(), copyInput(source, key, tags...))
	require.NoError(w.t, err)
	return ec2sim.Ref{Site: to, ID: *out.SnapshotId}
}

func parse(t testing.TB, text string) *iampolicy.Document {
	t.Helper()
	d, err := iampolicy.Parse([]byte(text))
	require.NoError(t, err)
	return d
}

func policy(t testing.TB, statements ...string) *iampolicy.Document {
	t.Helper()
	return parse(t, `{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`)
}

func allow(actions ...string) string { return statement("Allow", actions) }

func deny(actions ...string) string { return statement("Deny", actions) }

func statement(effect string, actions []string) string {
	return `{"Effect":"` + effect + `","Action":["` + strings.Join(actions, `","`) + `"],"Resource":"*"}`
}

// code of an API error; empty for nil.
func code(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	return api.ErrorCode()
}
