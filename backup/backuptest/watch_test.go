package backuptest_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/retention"
)

const (
	vault, shop, clean accounts.ID = "999999999999", "111111111111", "555555555555"

	dublin = "eu-west-1"
)

// admins are the Sessions of a program that is an administrator everywhere.
type admins struct{ cloud *backuptest.Cloud }

func (a admins) Config(_ context.Context, id accounts.ID, _ accounts.Purpose, region string) (aws.Config, error) {
	return a.cloud.Config(a.cloud.User(id, "admin", backuptest.Admin()), region), nil
}

func (a admins) ec2(account accounts.ID) *ec2.Client {
	cfg, _ := a.Config(context.Background(), account, "", dublin)
	return ec2.NewFromConfig(cfg)
}

// A watched cloud has one volume in shop, which was backed up into the vault,
// and a snapshot of somebody else's.
type watched struct {
	admins
	*backuptest.Watcher
	volume, foreign string
	run             string
	original, copy  backuptest.Snapshot
}

func watch(t *testing.T) *watched {
	t.Helper()
	ctx := context.Background()
	w := &watched{admins: admins{backuptest.New(backuptest.Options{})}}
	v, err := w.cloud.AddVolume(shop, dublin, backuptest.Disk{Blocks: map[int64][]byte{3: []byte("data")}})
	require.NoError(t, err)
	w.volume = v.ID
	s, err := w.ec2(shop).CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: &w.volume})
	require.NoError(t, err)
	w.foreign = *s.SnapshotId
	time.Sleep(time.Hour)
	w.Watcher = w.cloud.Watch(backuptest.Watching{Vault: vault, Restore: []accounts.ID{clean}})

	key, err := w.cloud.AddKey(vault, dublin, nil)
	require.NoError(t, err)
	engine, err := backup.New(w.admins, []backup.Driver{ebs.New(ebs.Options{})}, backup.Options{Vault: vault})
	require.NoError(t, err)
	at := time.Now()
	w.run = backup.RunID("nightly", at)
	_, err = engine.Run(ctx, backup.Plan{
		Name:      "nightly",
		Sources:   []backup.Source{{Account: shop, Regions: []string{dublin}, Select: backup.Selector{All: true}}},
		Retention: retention.Policy{Last: 3},
		Copies:    []backup.Copy{{Account: vault, Region: dublin, KMSKey: key}},
	}, at)
	require.NoError(t, err)
	for _, s := range w.cloud.Snapshots() {
		switch {
		case s.Account == vault:
			w.copy = s
		case s.ID != w.foreign:
			w.original = s
		}
	}
	w.Want(w.wanted(shop), w.wanted(vault))
	return w
}

func (w *watched) wanted(at accounts.ID) backuptest.Wanted {
	return backuptest.Wanted{Resource: "arn:aws:ec2:eu-west-1:111111111111:volume/" + w.volume, Run: w.run, Account: at, Region: dublin}
}

func TestAWatcherIsContentWithTheEngine(t *testing.T) {
	backuptest.Simulate(func() {
		require.Empty(t, watch(t).Check())
	})
}

// Each rule is broken by the one thing that it is about.
func TestAWatcherSeesEachRuleBroken(t *testing.T) {
	tests := []struct {
		name     string
		rule     backuptest.Rule
		sabotage func(context.Context, *watched) error
	}{
		{"the last good copy is deleted", backuptest.Lost, func(ctx context.Context, w *watched) error {
			_, err := w.ec2(vault).DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: &w.copy.ID})
			return err
		}},
		{"an original that is wanted is deleted", backuptest.Lost, func(ctx context.Context, w *watched) error {
			_, err := w.ec2(shop).DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: &w.original.ID})
			return err
		}},
		{"what is wanted never was", backuptest.Lost, func(_ context.Context, w *watched) error {
			want := w.wanted(vault)
			want.Run = backup.RunID("nightly", time.Now().Add(24*time.Hour))
			w.Want(want)
			return nil
		}},
		{"a second snapshot for one key", backuptest.Doubled, func(ctx context.Context, w *watched) error {
			return w.imitate(ctx, w.original.Tags)
		}},
		{"shared with a stranger, and taken back", backuptest.Shared, func(ctx context.Context, w *watched) error {
			if err := w.share(ctx, shop, w.original.ID, "666666666666", types.OperationTypeAdd); err != nil {
				return err
			}
			return w.share(ctx, shop, w.original.ID, "666666666666", types.OperationTypeRemove)
		}},
		{"a share that is left", backuptest.Shared, func(ctx context.Context, w *watched) error {
			return w.share(ctx, vault, w.copy.ID, string(clean), types.OperationTypeAdd)
		}},
		{"a snapshot without tags", backuptest.Untagged, func(ctx context.Context, w *watched) error {
			return w.imitate(ctx, nil)
		}},
		{"an intermediate that is left", backuptest.Left, func(ctx context.Context, w *watched) error {
			return w.imitate(ctx, map[string]string{
				"snapkeep:vault": string(vault), "snapkeep:key": "k", "snapkeep:point": "p", "snapkeep:step": "rekey",
			})
		}},
		{"somebody else's snapshot is deleted", backuptest.Foreign, func(ctx context.Context, w *watched) error {
			_, err := w.ec2(shop).DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: &w.foreign})
			return err
		}},
		{"somebody else's snapshot is tagged", backuptest.Foreign, func(ctx context.Context, w *watched) error {
			_, err := w.ec2(shop).CreateTags(ctx, &ec2.CreateTagsInput{
				Resources: []string{w.foreign}, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
			})
			return err
		}},
		{"a block of the copy is flipped", backuptest.Changed, func(_ context.Context, w *watched) error {
			return w.cloud.FlipBlock(w.copy.Ref, 3)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			backuptest.Simulate(func() {
				w := watch(t)
				require.NoError(t, tt.sabotage(context.Background(), w))
				time.Sleep(time.Hour)
				found := w.Check()
				require.NotEmpty(t, found)
				for _, v := range found {
					require.Equal(t, tt.rule, v.Rule, v)
				}
				require.Equal(t, found, w.Check(), "to look again changes nothing")
			})
		})
	}
}

func TestAWatcherLeavesWhatItIsToldTo(t *testing.T) {
	backuptest.Simulate(func() {
		w := watch(t)
		require.NoError(t, w.imitate(context.Background(), nil))
		time.Sleep(time.Hour)
		require.NotEmpty(t, w.Check())
		all := w.cloud.Snapshots()
		w.Leave(all[len(all)-1].Ref)
		require.Empty(t, w.Check())
	})
}

// imitate makes a snapshot of the volume with some tags.
func (w *watched) imitate(ctx context.Context, tags map[string]string) error {
	in := &ec2.CreateSnapshotInput{VolumeId: &w.volume}
	if len(tags) > 0 {
		spec := types.TagSpecification{ResourceType: types.ResourceTypeSnapshot}
		for k, v := range tags {
			spec.Tags = append(spec.Tags, types.Tag{Key: aws.String(k), Value: aws.String(v)})
		}
		in.TagSpecifications = append(in.TagSpecifications, spec)
	}
	_, err := w.ec2(shop).CreateSnapshot(ctx, in)
	return err
}

func (w *watched) share(ctx context.Context, owner accounts.ID, id, with string, op types.OperationType) error {
	_, err := w.ec2(owner).ModifySnapshotAttribute(ctx, &ec2.ModifySnapshotAttributeInput{
		SnapshotId: &id, Attribute: types.SnapshotAttributeNameCreateVolumePermission, OperationType: op, UserIds: []string{with},
	})
	return err
}
