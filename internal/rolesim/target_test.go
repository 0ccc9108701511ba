package rolesim_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// A story is what a role is for, as its holder tells it to the cloud.
type story func(ctx context.Context, w *world) error

var own = []string{iampolicy.TagVault, vault, iampolicy.TagPlan, "nightly", "snapkeep:run", "nightly@2026"}

// list is what every role that reads calls.
func list(ctx context.Context, c *ec2.Client) error {
	return steps(
		func() error {
			return did(c.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}}))
		},
		func() error { return did(c.DescribeImages(ctx, &ec2.DescribeImagesInput{Owners: []string{"self"}})) },
		func() error { return did(c.DescribeLockedSnapshots(ctx, nil)) },
		func() error { return did(c.DescribeSnapshotTierStatus(ctx, nil)) },
		func() error { return did(c.ListSnapshotsInRecycleBin(ctx, nil)) },
	)
}

// backUp uses every right of the target backup role with all its options.
func backUp(ctx context.Context, w *world) error {
	cfg, err := w.assume(ctx, target, "snapkeep-backup")
	if err != nil {
		return err
	}
	c := ec2.NewFromConfig(cfg)
	var single, set string
	return steps(
		func() error { return list(ctx, c) },
		func() error { return did(c.DescribeInstances(ctx, nil)) },
		func() error { return did(c.DescribeInstanceTypes(ctx, nil)) },
		func() error { return did(c.DescribeVolumes(ctx, nil)) },
		func() error {
			return did(c.DescribeInstanceAttribute(ctx, &ec2.DescribeInstanceAttributeInput{
				InstanceId: &w.machine.ID, Attribute: types.InstanceAttributeNameUserData,
			}))
		},
		func() error {
			return did(kms.NewFromConfig(cfg).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(w.key["source"])}))
		},
		func() error { return quiesce(ctx, ssm.NewFromConfig(cfg), w.machine.ID) },
		func() (err error) { single, err = w.snapshotOf(ctx, c); return err },
		func() (err error) { set, err = w.snapshotsOf(ctx, c); return err },
		func() error { return completed(ctx, c, single, set) },
		func() error { return share(ctx, c, single, types.OperationTypeAdd, vault) },
		func() error { return share(ctx, c, single, types.OperationTypeRemove, vault) },
		func() error { return w.rekey(ctx, c, single) },
		func() error { return w.image(ctx, c) },
		func() error { return lock(ctx, c, single, 7) },
	)
}

func quiesce(ctx context.Context, c *ssm.Client, instance string) error {
	if _, err := c.SendCommand(ctx, &ssm.SendCommandInput{DocumentName: aws.String(freeze), InstanceIds: []string{instance}}); err != nil {
		return err
	}
	time.Sleep(time.Minute)
	return did(c.ListCommandInvocations(ctx, &ssm.ListCommandInvocationsInput{InstanceId: &instance}))
}

func (w *world) snapshotOf(ctx context.Context, c *ec2.Client) (string, error) {
	out, err := c.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: &w.volume, TagSpecifications: tagged("snapshot", own...)})
	if err != nil {
		return "", err
	}
	return *out.SnapshotId, nil
}

func (w *world) snapshotsOf(ctx context.Context, c *ec2.Client) (string, error) {
	out, err := c.CreateSnapshots(ctx, &ec2.CreateSnapshotsInput{
		InstanceSpecification: &types.InstanceSpecification{InstanceId: &w.machine.ID}, TagSpecifications: tagged("snapshot", own...),
	})
	if err != nil {
		return "", err
	}
	return *out.Snapshots[0].SnapshotId, nil
}

func share(ctx context.Context, c *ec2.Client, id string, how types.OperationType, with ...string) error {
	return did(c.ModifySnapshotAttribute(ctx, &ec2.ModifySnapshotAttributeInput{
		SnapshotId: &id, Attribute: types.SnapshotAttributeNameCreateVolumePermission, OperationType: how, UserIds: with,
	}))
}

// copyOf copies a snapshot within the Region under a key, and waits.
func copyOf(ctx context.Context, c *ec2.Client, id, key string, pairs ...string) (string, error) {
	out, err := c.CopySnapshot(ctx, &ec2.CopySnapshotInput{
		SourceRegion: aws.String(region), SourceSnapshotId: &id, Encrypted: aws.Bool(true), KmsKeyId: &key,
		TagSpecifications: tagged("snapshot", pairs...),
	})
	if err != nil {
		return "", err
	}
	return *out.SnapshotId, completed(ctx, c, *out.SnapshotId)
}

func (w *world) rekey(ctx context.Context, c *ec2.Client, id string) error {
	return did(copyOf(ctx, c, id, w.key["rekey"], own...))
}

func (w *world) image(ctx context.Context, c *ec2.Client) error {
	return did(c.CreateImage(ctx, &ec2.CreateImageInput{
		InstanceId: &w.machine.ID, Name: aws.String("nightly"), NoReboot: aws.Bool(true),
		TagSpecifications: append(tagged("image", own...), tagged("snapshot", own...)...),
	}))
}

func lock(ctx context.Context, c *ec2.Client, id string, days int32) error {
	return did(c.LockSnapshot(ctx, &ec2.LockSnapshotInput{SnapshotId: &id, LockMode: types.LockModeGovernance, LockDuration: &days}))
}

// prune uses every right of the target pruner.
func prune(ctx context.Context, w *world) error {
	old := w.snapshot(ctx, target, w.volume, own...)
	image, err := w.register(ctx, old, own...)
	require.NoError(w.t, err)
	cfg, err := w.assume(ctx, target, "snapkeep-pruner")
	if err != nil {
		return err
	}
	c := ec2.NewFromConfig(cfg)
	return steps(
		func() error { return did(c.DeregisterImage(ctx, &ec2.DeregisterImageInput{ImageId: &image})) },
		func() error { return did(c.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: &old})) },
	)
}

// needed tells a story with a document whole and with each action of it cut.
func needed(t *testing.T, document string, generated func(iampolicy.Installation) (*iampolicy.Document, error), tell story) {
	t.Helper()
	var all []cut
	inWorld(t, nil, func(ctx context.Context, w *world) {
		doc, err := generated(w.i)
		require.NoError(t, err)
		all = cuts(document, doc, iampolicy.Allow)
		began := len(w.Authorizations())
		require.NoError(t, tell(ctx, w))
		used := map[string]bool{}
		for _, a := range w.Authorizations()[began:] {
			for _, by := range a.Decision.By {
				used[by.Statement] = true
			}
		}
		for _, s := range doc.Statements {
			require.True(t, used[s.Sid] || s.Effect == iampolicy.Deny, "%s: %s has decided nothing", document, s.Sid)
		}
	})
	require.NotEmpty(t, all)
	for _, c := range all {
		if !testing.Short() {
			inWorld(t, c.of, func(ctx context.Context, w *world) {
				require.Error(t, tell(ctx, w), "%v: the story passes without it", c)
			})
		}
	}
	t.Logf("%s: %d actions, each of them needed", document, len(all))
}

func roleOf(get func(iampolicy.Installation) (iampolicy.Role, error)) func(iampolicy.Installation) (*iampolicy.Document, error) {
	return func(i iampolicy.Installation) (*iampolicy.Document, error) {
		r, err := get(i)
		return r.Policy, err
	}
}

func TestTargetBackupNeedsAllItHas(t *testing.T) {
	needed(t, "snapkeep-backup", roleOf(func(i iampolicy.Installation) (iampolicy.Role, error) { return i.TargetBackup(target) }), backUp)
}

func TestTargetPrunerNeedsAllItHas(t *testing.T) {
	needed(t, "snapkeep-pruner", roleOf(func(i iampolicy.Installation) (iampolicy.Role, error) { return i.TargetPruner(target) }), prune)
}

func TestTrustNeedsAllItHas(t *testing.T) {
	needed(t, "snapkeep-backup trust", func(i iampolicy.Installation) (*iampolicy.Document, error) {
		r, err := i.TargetBackup(target)
		return r.Trust, err
	}, func(ctx context.Context, w *world) error { return did(w.assume(ctx, target, "snapkeep-backup")) })
	needed(t, "orchestrator", iampolicy.Installation.OrchestratorPolicy,
		func(ctx context.Context, w *world) error { return did(w.assume(ctx, target, "snapkeep-backup")) })
}

func TestTrustRefusesOtherSessions(t *testing.T) {
	inWorld(t, nil, func(ctx context.Context, w *world) {
		for what, change := range map[string]func(*sts.AssumeRoleInput){
			"without the external id":    func(in *sts.AssumeRoleInput) { in.ExternalId = nil },
			"with another's external id": func(in *sts.AssumeRoleInput) { in.ExternalId = aws.String("vault-7c1e") },
			"for nobody":                 func(in *sts.AssumeRoleInput) { in.SourceIdentity = nil },
			"for somebody else":          func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("mallory") },
			"with another tag":           func(in *sts.AssumeRoleInput) { in.Tags[0].Key = aws.String("backup") },
		} {
			_, err := w.assume(ctx, target, "snapkeep-backup", change)
			require.True(t, denied(err), "%s: %v", what, err)
		}
		_, err := w.assume(ctx, target, "snapkeep-backup", func(in *sts.AssumeRoleInput) { in.Tags = nil })
		require.NoError(t, err, "tags are not demanded")
		w.SetOrganization("o-zzzzzzzzzz", vault)
		_, err = w.assume(ctx, target, "snapkeep-backup")
		require.True(t, denied(err), "from outside the organization: %v", err)
	})
}
