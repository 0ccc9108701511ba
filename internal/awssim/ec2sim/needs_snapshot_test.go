package ec2sim_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// A shelfCall is a call that needs one thing of its caller: its action on a
// snapshot of the fixture, or on everything.
type shelfCall struct {
	action string
	on     func(*keptSnapshots) ec2sim.Ref // nil: everything
	call   func(ctx context.Context, c *ec2.Client, k *keptSnapshots, dry *bool) error
}

// keptSnapshots are snapshots in all the states that calls ask for.
type keptSnapshots struct {
	free, locked, archived, binned, fast ec2sim.Ref
	key                                  string
}

func newKeptSnapshots(w *world, at ec2sim.Site) *keptSnapshots {
	w.EC2().SetLimits(ec2sim.Limits{Spacing: -1})
	vol := w.volume(at, "")
	k := &keptSnapshots{
		free: w.snapshot(vol), locked: w.snapshot(vol), archived: w.snapshot(vol), binned: w.snapshot(vol, "bin", ""),
		fast: w.snapshot(vol), key: w.key(at),
	}
	require.Empty(w.t, w.lock(k.locked, governance(k.locked, 300)))
	w.inArchive(k.archived)
	require.NoError(w.t, w.EC2().SetRecycleBin(ec2sim.BinRule{Site: at, Days: 300, Tags: []ec2sim.BinTag{{Key: "bin"}}}))
	require.Empty(w.t, w.remove(k.binned))
	require.Len(w.t, w.hasten(at, k.fast.ID).Successful, 1)
	return k
}

var shelfCalls = []shelfCall{
	{"LockSnapshot", func(k *keptSnapshots) ec2sim.Ref { return k.free }, func(ctx context.Context, c *ec2.Client, k *keptSnapshots, dry *bool) error {
		in := governance(k.free, 1)
		in.DryRun = dry
		_, err := c.LockSnapshot(ctx, in)
		return err
	}},
	{"UnlockSnapshot", func(k *keptSnapshots) ec2sim.Ref { return k.locked }, func(ctx context.Context, c *ec2.Client, k *keptSnapshots, dry *bool) error {
		_, err := c.UnlockSnapshot(ctx, &ec2.UnlockSnapshotInput{SnapshotId: &k.locked.ID, DryRun: dry})
		return err
	}},
	{"DescribeLockedSnapshots", nil, func(ctx context.Context, c *ec2.Client, _ *keptSnapshots, dry *bool) error {
		_, err := c.DescribeLockedSnapshots(ctx, &ec2.DescribeLockedSnapshotsInput{DryRun: dry})
		return err
	}},
	{"ModifySnapshotTier", func(k *keptSnapshots) ec2sim.Ref { return k.free }, func(ctx context.Context, c *ec2.Client, k *keptSnapshots, dry *bool) error {
		_, err := c.ModifySnapshotTier(ctx, &ec2.ModifySnapshotTierInput{SnapshotId: &k.free.ID, StorageTier: types.TargetStorageTierArchive, DryRun: dry})
		return err
	}},
	{"RestoreSnapshotTier", func(k *keptSnapshots) ec2sim.Ref { return k.archived }, func(ctx context.Context, c *ec2.Client, k *keptSnapshots, dry *bool) error {
		_, err := c.RestoreSnapshotTier(ctx, &ec2.RestoreSnapshotTierInput{SnapshotId: &k.archived.ID, DryRun: dry})
		return err
	}},
	{"DescribeSnapshotTierStatus", nil, func(ctx context.Context, c *ec2.Client, _ *keptSnapshots, dry *bool) error {
		_, err := c.DescribeSnapshotTierStatus(ctx, &ec2.DescribeSnapshotTierStatusInput{DryRun: dry})
		return err
	}},
	{"ListSnapshotsInRecycleBin", nil, func(ctx context.Context, c *ec2.Client, _ *keptSnapshots, dry *bool) error {
		_, err := c.ListSnapshotsInRecycleBin(ctx, &ec2.ListSnapshotsInRecycleBinInput{DryRun: dry})
		return err
	}},
	{"RestoreSnapshotFromRecycleBin", func(k *keptSnapshots) ec2sim.Ref { return k.binned }, func(ctx context.Context, c *ec2.Client, k *keptSnapshots, dry *bool) error {
		_, err := c.RestoreSnapshotFromRecycleBin(ctx, &ec2.RestoreSnapshotFromRecycleBinInput{SnapshotId: &k.binned.ID, DryRun: dry})
		return err
	}},
	{"ResetSnapshotAttribute", func(k *keptSnapshots) ec2sim.Ref { return k.free }, func(ctx context.Context, c *ec2.Client, k *keptSnapshots, dry *bool) error {
		_, err := c.ResetSnapshotAttribute(ctx, &ec2.ResetSnapshotAttributeInput{
			SnapshotId: &k.free.ID, Attribute: types.SnapshotAttributeNameCreateVolumePermission, DryRun: dry,
		})
		return err
	}},
	{"EnableFastSnapshotRestores", func(k *keptSnapshots) ec2sim.Ref { return k.free }, func(ctx context.Context, c *ec2.Client, k *keptSnapshots, dry *bool) error {
		_, err := c.EnableFastSnapshotRestores(ctx, &ec2.EnableFastSnapshotRestoresInput{
			SourceSnapshotIds: []string{k.free.ID}, AvailabilityZones: []string{"eu-west-1b"}, DryRun: dry,
		})
		return err
	}},
	{"DisableFastSnapshotRestores", func(k *keptSnapshots) ec2sim.Ref { return k.fast }, func(ctx context.Context, c *ec2.Client, k *keptSnapshots, dry *bool) error {
		_, err := c.DisableFastSnapshotRestores(ctx, &ec2.DisableFastSnapshotRestoresInput{
			SourceSnapshotIds: []string{k.fast.ID}, AvailabilityZones: []string{"eu-west-1a"}, DryRun: dry,
		})
		return err
	}},
	{"DescribeFastSnapshotRestores", nil, func(ctx context.Context, c *ec2.Client, _ *keptSnapshots, dry *bool) error {
		_, err := c.DescribeFastSnapshotRestores(ctx, &ec2.DescribeFastSnapshotRestoresInput{DryRun: dry})
		return err
	}},
	{"EnableSnapshotBlockPublicAccess", nil, func(ctx context.Context, c *ec2.Client, _ *keptSnapshots, dry *bool) error {
		_, err := c.EnableSnapshotBlockPublicAccess(ctx, &ec2.EnableSnapshotBlockPublicAccessInput{State: blockAll, DryRun: dry})
		return err
	}},
	{"DisableSnapshotBlockPublicAccess", nil, func(ctx context.Context, c *ec2.Client, _ *keptSnapshots, dry *bool) error {
		_, err := c.DisableSnapshotBlockPublicAccess(ctx, &ec2.DisableSnapshotBlockPublicAccessInput{DryRun: dry})
		return err
	}},
	{"GetSnapshotBlockPublicAccessState", nil, func(ctx context.Context, c *ec2.Client, _ *keptSnapshots, dry *bool) error {
		_, err := c.GetSnapshotBlockPublicAccessState(ctx, &ec2.GetSnapshotBlockPublicAccessStateInput{DryRun: dry})
		return err
	}},
	{"EnableEbsEncryptionByDefault", nil, func(ctx context.Context, c *ec2.Client, _ *keptSnapshots, dry *bool) error {
		_, err := c.EnableEbsEncryptionByDefault(ctx, &ec2.EnableEbsEncryptionByDefaultInput{DryRun: dry})
		return err
	}},
	{"DisableEbsEncryptionByDefault", nil, func(ctx context.Context, c *ec2.Client, _ *keptSnapshots, dry *bool) error {
		_, err := c.DisableEbsEncryptionByDefault(ctx, &ec2.DisableEbsEncryptionByDefaultInput{DryRun: dry})
		return err
	}},
	{"GetEbsEncryptionByDefault", nil, func(ctx context.Context, c *ec2.Client, _ *keptSnapshots, dry *bool) error {
		_, err := c.GetEbsEncryptionByDefault(ctx, &ec2.GetEbsEncryptionByDefaultInput{DryRun: dry})
		return err
	}},
	{"GetEbsDefaultKmsKeyId", nil, func(ctx context.Context, c *ec2.Client, _ *keptSnapshots, dry *bool) error {
		_, err := c.GetEbsDefaultKmsKeyId(ctx, &ec2.GetEbsDefaultKmsKeyIdInput{DryRun: dry})
		return err
	}},
	{"ModifyEbsDefaultKmsKeyId", nil, func(ctx context.Context, c *ec2.Client, k *keptSnapshots, dry *bool) error {
		_, err := c.ModifyEbsDefaultKmsKeyId(ctx, &ec2.ModifyEbsDefaultKmsKeyIdInput{KmsKeyId: &k.key, DryRun: dry})
		return err
	}},
	{"ResetEbsDefaultKmsKeyId", nil, func(ctx context.Context, c *ec2.Client, _ *keptSnapshots, dry *bool) error {
		_, err := c.ResetEbsDefaultKmsKeyId(ctx, &ec2.ResetEbsDefaultKmsKeyIdInput{DryRun: dry})
		return err
	}},
}

// Each call needs its action and no other, on the snapshot it names; neither
// who is denied that nor a dry run changes anything.
func TestWhatCallsOnKeptSnapshotsNeed(t *testing.T) {
	for _, tt := range shelfCalls {
		t.Run(tt.action, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				at := site(target, ireland)
				k := newKeptSnapshots(w, at)
				before := w.EC2().Snapshots()
				others := policy(t, allow("*"), deny("ec2:"+tt.action))
				require.Equal(t, "UnauthorizedOperation", code(t, tt.call(t.Context(), w.as(at, "others", others), k, nil)))
				only := w.as(at, "only", policy(t, allow("ec2:"+tt.action)))
				require.Equal(t, "DryRunOperation", code(t, tt.call(t.Context(), only, k, aws.Bool(true))))
				require.Equal(t, before, w.EC2().Snapshots())
				on := "*"
				if tt.on != nil {
					on = "arn:aws:ec2:eu-west-1::snapshot/" + tt.on(k).ID
				}
				require.Equal(t, []string{"ec2:" + tt.action + " " + on}, w.asked(func() error { return tt.call(t.Context(), only, k, nil) }))
			})
		})
	}
}
