package record_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/iampolicy/record"
)

const (
	home = "111111111111"
	away = "222222222222"
)

// A world is what the program below works in.
type world struct {
	cloud     *backuptest.Cloud
	volume    string
	key, role string // ARNs
}

func newWorld(t *testing.T) world {
	t.Helper()
	w := world{cloud: backuptest.New(backuptest.Options{RecordAuthorizations: true})}
	v, err := w.cloud.AddVolume(home, "eu-west-1", backuptest.Disk{GiB: 1})
	require.NoError(t, err)
	w.volume = v.ID
	w.key, err = w.cloud.AddKey(home, "eu-central-1", nil)
	require.NoError(t, err)
	trust, err := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + home + `"},
		"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}}`))
	require.NoError(t, err)
	w.role = w.cloud.PutRole(away, backuptest.Role{Name: "target", Trust: trust})
	return w
}

// program snapshots a volume, copies it into another Region under a key, shares
// the copy, restores it, deletes what it made and looks into another account.
func (w world) program(ctx context.Context, cfg aws.Config) error {
	here := ec2.NewFromConfig(cfg)
	there := ec2.NewFromConfig(cfg, func(o *ec2.Options) { o.Region = "eu-central-1" })
	tags := func(kind types.ResourceType) []types.TagSpecification {
		return []types.TagSpecification{{ResourceType: kind, Tags: []types.Tag{{Key: aws.String("plan"), Value: aws.String("a secret")}}}}
	}
	if _, err := kms.NewFromConfig(cfg, func(o *kms.Options) { o.Region = "eu-central-1" }).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &w.key}); err != nil {
		return err
	}
	snap, err := here.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: &w.volume, TagSpecifications: tags("snapshot")})
	if err != nil {
		return err
	}
	time.Sleep(time.Hour)
	copied, err := there.CopySnapshot(ctx, &ec2.CopySnapshotInput{
		SourceSnapshotId: snap.SnapshotId, SourceRegion: aws.String("eu-west-1"), KmsKeyId: &w.key, Encrypted: aws.Bool(true), TagSpecifications: tags("snapshot"),
	})
	if err != nil {
		return err
	}
	time.Sleep(time.Hour)
	if _, err := there.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: []string{*copied.SnapshotId}}); err != nil {
		return err
	}
	if _, err := there.ModifySnapshotAttribute(ctx, &ec2.ModifySnapshotAttributeInput{
		SnapshotId: copied.SnapshotId, Attribute: types.SnapshotAttributeNameCreateVolumePermission,
		OperationType: types.OperationTypeAdd, UserIds: []string{away},
	}); err != nil {
		return err
	}
	if _, err := there.CreateVolume(ctx, &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String("eu-central-1a"), SnapshotId: copied.SnapshotId, Encrypted: aws.Bool(true), KmsKeyId: &w.key, TagSpecifications: tags("volume"),
	}); err != nil {
		return err
	}
	if _, err := here.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: snap.SnapshotId}); err != nil {
		return err
	}
	_, err = sts.NewFromConfig(cfg).AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: &w.role, RoleSessionName: aws.String("run"), SourceIdentity: aws.String("night"), ExternalId: aws.String("a-secret"),
		Tags: []ststypes.Tag{{Key: aws.String("plan"), Value: aws.String("a secret")}},
	})
	return err
}

var opts = record.Options{Account: home}

// recorded runs the program as an administrator.
func recorded(t *testing.T, w world) *record.Recorder {
	t.Helper()
	var calls record.Recorder
	cfg := w.cloud.Config(w.cloud.User(home, "admin", backuptest.Admin()), "eu-west-1")
	cfg.APIOptions = append(cfg.APIOptions, calls.AddTo)
	require.NoError(t, w.program(context.Background(), cfg))
	return &calls
}

// runs says whether the program passes under a policy alone.
func runs(t *testing.T, doc *iampolicy.Document) error {
	t.Helper()
	var err error
	backuptest.Simulate(func() {
		w := newWorld(t)
		err = w.program(context.Background(), w.cloud.Config(w.cloud.User(home, "program", doc), "eu-west-1"))
	})
	return err
}

// Under the recorded policy the program passes, and without any one action of
// it does not.
func TestTheRecordedPolicySufficesAndIsMinimal(t *testing.T) {
	var doc *iampolicy.Document
	asked := map[string]bool{}
	backuptest.Simulate(func() {
		w := newWorld(t)
		began := len(w.cloud.Authorizations())
		calls := recorded(t, w)
		withKeys := opts
		withKeys.SourceKeys = []string{w.key}
		doc = calls.Policy(withKeys)
		for _, a := range w.cloud.Authorizations()[began:] {
			asked[a.Action] = true
		}
	})
	// Keys have other ids in another world.
	text, err := doc.MarshalCompact()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal([]byte(keysAnonymous(string(text))), doc))
	require.NoError(t, runs(t, doc), string(text))
	require.Empty(t, iampolicy.Validate(doc, iampolicy.KindIdentity))

	for i, s := range doc.Statements {
		for _, action := range s.Actions.Values {
			less := *doc
			less.Statements = slices.Clone(doc.Statements)
			less.Statements[i].Actions = iampolicy.Of(slices.DeleteFunc(slices.Clone(s.Actions.Values), func(a string) bool { return a == action })...)
			if len(less.Statements[i].Actions.Values) == 0 {
				less.Statements = slices.Delete(less.Statements, i, i+1)
			}
			require.True(t, asked[action], "nobody asked for %s", action)
			require.Error(t, runs(t, &less), "the program passes without %s of %s", action, s.Sid)
		}
	}
}

// keysAnonymous puts a pattern for the ids of keys.
func keysAnonymous(text string) string {
	const before = ":" + home + ":key/"
	parts := strings.Split(text, before)
	for i := 1; i < len(parts); i++ {
		parts[i] = "*" + parts[i][strings.IndexByte(parts[i], '"'):]
	}
	return strings.Join(parts, before)
}

func TestNothingSecretIsRecorded(t *testing.T) {
	backuptest.Simulate(func() {
		calls := recorded(t, newWorld(t))
		for _, what := range []any{calls.Calls(), calls.Needs(opts), calls.Policy(opts)} {
			text, err := json.Marshal(what)
			require.NoError(t, err)
			require.NotContains(t, string(text), "secret")
			require.NotContains(t, string(text), "night")
		}
	})
}

func TestCallsAreCounted(t *testing.T) {
	backuptest.Simulate(func() {
		cloud := backuptest.New(backuptest.Options{})
		var calls record.Recorder
		cfg := cloud.Config(cloud.User(home, "nobody"), "eu-west-1")
		cfg.APIOptions = append(cfg.APIOptions, calls.AddTo)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				_, err := ec2.NewFromConfig(cfg).DescribeVolumes(context.Background(), &ec2.DescribeVolumesInput{})
				require.Error(t, err, "what is denied is recorded too")
			})
		}
		all.Wait()
		_, err := sts.NewFromConfig(cfg).GetCallerIdentity(context.Background(), nil)
		require.NoError(t, err)
		require.Equal(t, []record.Call{
			{Service: "ec2", Operation: "DescribeVolumes", Region: "eu-west-1", Count: 10},
			{Service: "sts", Operation: "GetCallerIdentity", Region: "eu-west-1", Count: 1},
		}, calls.Calls())
		require.Len(t, calls.Needs(opts), 1, "to ask who one is needs no permission")
	})
}

func TestNothingRecordedGrantsNothing(t *testing.T) {
	var none record.Recorder
	require.Empty(t, none.Calls())
	require.Empty(t, none.Needs(record.Options{}))
	text, err := none.Policy(record.Options{}).MarshalCompact()
	require.NoError(t, err)
	require.Equal(t, `{"Version":"2012-10-17","Statement":[]}`, string(text))
}

func TestExactNamesWhatWasNamed(t *testing.T) {
	backuptest.Simulate(func() {
		w := newWorld(t)
		calls := recorded(t, w)
		text := fmt.Sprint(calls.Needs(record.Options{Account: home, Exact: true}))
		require.Contains(t, text, "arn:aws:ec2:eu-west-1:"+home+":volume/"+w.volume)
		require.Contains(t, text, w.key)
		require.NotContains(t, fmt.Sprint(calls.Needs(opts)), w.volume)
	})
}
