package ebs

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/internal/awscall"
)

// maxExcluded is how many data volumes one CreateSnapshots call can leave out
// (EC2 API Reference, InstanceSpecification).
const maxExcluded = 40

// Do makes the step's one call. CreateSnapshot, CreateSnapshots and
// CopySnapshot have no client token (EC2 API Reference), so they are sent
// once, as LockSnapshot is, and an error that leaves open whether they took
// effect wraps backup.ErrUnknownOutcome. The other calls may be sent five times,
// but not if they were throttled: that is the engine's to know and to wait for.
func (c *client) Do(ctx context.Context, s backup.Step) ([]backup.Snapshot, error) {
	switch s.Kind {
	case backup.StepSnapshot:
		if s.Resource.Kind == KindVolume {
			return c.snapshotVolume(ctx, s)
		}
		return c.snapshotInstance(ctx, s)
	case backup.StepCopy:
		return c.copySnapshot(ctx, s)
	case backup.StepRegister:
		return c.registerImage(ctx, s)
	case backup.StepDeregister:
		return nil, c.deregisterImage(ctx, s.Image)
	case backup.StepShare:
		return nil, c.modify(ctx, s, func(m *types.CreateVolumePermissionModifications, p []types.CreateVolumePermission) { m.Add = p })
	case backup.StepRevoke:
		err := c.modify(ctx, s, func(m *types.CreateVolumePermissionModifications, p []types.CreateVolumePermission) { m.Remove = p })
		if errors.Is(err, backup.ErrNotFound) {
			err = nil // what is not there is not shared
		}
		return nil, err
	case backup.StepDelete:
		_, err := c.ec2.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: aws.String(s.Snapshot)}, paced)
		err = awscall.Wrap("DeleteSnapshot "+s.Snapshot, err)
		if errors.Is(err, backup.ErrNotFound) {
			err = nil
		}
		return nil, err
	case backup.StepQuiesce, backup.StepResume, backup.StepVSS:
		return nil, c.script(ctx, s)
	case backup.StepLock:
		return nil, c.lock(ctx, s)
	case backup.StepArchive:
		_, err := c.ec2.ModifySnapshotTier(ctx, &ec2.ModifySnapshotTierInput{
			SnapshotId: aws.String(s.Snapshot), StorageTier: types.TargetStorageTierArchive,
		}, once)
		return nil, awscall.WrapCreate("ModifySnapshotTier "+s.Snapshot, err)
	case backup.StepThaw:
		_, err := c.ec2.RestoreSnapshotTier(ctx, &ec2.RestoreSnapshotTierInput{
			SnapshotId: aws.String(s.Snapshot), TemporaryRestoreDays: aws.Int32(int32(s.Days)),
		}, once)
		return nil, awscall.WrapCreate("RestoreSnapshotTier "+s.Snapshot, err)
	}
	return nil, fmt.Errorf("step %q: %w", s.Kind, backup.ErrUnsupported)
}

// snapshotInstance snapshots all members at one moment. EC2 puts the tags on
// every snapshot of the set.
func (c *client) snapshotInstance(ctx context.Context, s backup.Step) ([]backup.Snapshot, error) {
	what := "CreateSnapshots of " + s.Resource.ID()
	if s.Resource.Kind != KindInstance || len(s.Resource.Members) == 0 {
		return nil, fmt.Errorf("%s: a %s of %d volumes: %w", what, s.Resource.Kind, len(s.Resource.Members), backup.ErrUnsupported)
	}
	spec := &types.InstanceSpecification{InstanceId: aws.String(s.Resource.ID())}
	for _, m := range s.Resource.Excluded {
		// The root volume among the data volumes is an error.
		if m.Root {
			spec.ExcludeBootVolume = aws.Bool(true)
			continue
		}
		spec.ExcludeDataVolumeIds = append(spec.ExcludeDataVolumeIds, m.Volume)
	}
	if n := len(spec.ExcludeDataVolumeIds); n > maxExcluded {
		return nil, fmt.Errorf("%s: %d data volumes are excluded and EC2 takes at most %d: %w", what, n, maxExcluded, backup.ErrUnsupported)
	}
	out, err := c.ec2.CreateSnapshots(ctx, &ec2.CreateSnapshotsInput{
		InstanceSpecification: spec, Description: optional(s.Description), TagSpecifications: tagSpec(s.Tags),
	}, once)
	if err != nil {
		return nil, awscall.WrapCreate(what, err)
	}
	made := make([]backup.Snapshot, len(out.Snapshots))
	for i, info := range out.Snapshots {
		made[i] = backup.Snapshot{
			ID: aws.ToString(info.SnapshotId), Owner: accounts.ID(aws.ToString(info.OwnerId)), Volume: aws.ToString(info.VolumeId),
			SizeGiB: aws.ToInt32(info.VolumeSize), State: backup.SnapshotState(info.State),
			Started: aws.ToTime(info.StartTime), Encrypted: aws.ToBool(info.Encrypted), Tags: tagMap(info.Tags),
		}
	}
	return made, nil
}

func (c *client) snapshotVolume(ctx context.Context, s backup.Step) ([]backup.Snapshot, error) {
	out, err := c.ec2.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{
		VolumeId: aws.String(s.Resource.ID()), Description: optional(s.Description), TagSpecifications: tagSpec(s.Tags),
	}, once)
	if err != nil {
		return nil, awscall.WrapCreate("CreateSnapshot of "+s.Resource.ID(), err)
	}
	return []backup.Snapshot{{
		ID: aws.ToString(out.SnapshotId), Owner: accounts.ID(aws.ToString(out.OwnerId)), Volume: aws.ToString(out.VolumeId),
		SizeGiB: aws.ToInt32(out.VolumeSize), State: backup.SnapshotState(out.State), Started: aws.ToTime(out.StartTime),
		Encrypted: aws.ToBool(out.Encrypted), KMSKey: aws.ToString(out.KmsKeyId), Tags: tagMap(out.Tags),
	}}, nil
}

// copySnapshot copies into the client's site. A copy always names its key:
// without one it would be written under `aws/ebs`, and such a copy can never
// be shared again (EBS User Guide, "Share an Amazon EBS snapshot").
func (c *client) copySnapshot(ctx context.Context, s backup.Step) ([]backup.Snapshot, error) {
	what := "CopySnapshot of " + s.Snapshot
	if s.KMSKey == "" {
		return nil, fmt.Errorf("%s: without a key: %w", what, backup.ErrUnsupported)
	}
	// The SDK writes a presigned URL into the input and keeps one that is
	// there, so an input serves one call only.
	out, err := c.ec2.CopySnapshot(ctx, &ec2.CopySnapshotInput{
		SourceRegion: aws.String(s.SourceRegion), SourceSnapshotId: aws.String(s.Snapshot),
		Encrypted: aws.Bool(true), KmsKeyId: aws.String(s.KMSKey),
		Description: optional(s.Description), TagSpecifications: tagSpec(s.Tags), CompletionDurationMinutes: minutes(s),
	}, once)
	if err != nil {
		return nil, awscall.WrapCreate(what, err)
	}
	return []backup.Snapshot{{
		ID: aws.ToString(out.SnapshotId), Owner: c.site.Account, State: backup.SnapshotPending,
		Encrypted: true, KMSKey: s.KMSKey, Tags: tagMap(out.Tags),
	}}, nil
}

// minutes returns a time-based copy's; nil for any other.
func minutes(s backup.Step) *int32 {
	if s.CompletionMinutes == 0 {
		return nil
	}
	return aws.Int32(int32(s.CompletionMinutes))
}

// modify changes who may restore from a snapshot. Adding who is there and
// removing who is not are no errors.
func (c *client) modify(ctx context.Context, s backup.Step,
	set func(*types.CreateVolumePermissionModifications, []types.CreateVolumePermission),
) error {
	what := "ModifySnapshotAttribute of " + s.Snapshot
	if _, err := accounts.ParseID(string(s.With)); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	var mods types.CreateVolumePermissionModifications
	set(&mods, []types.CreateVolumePermission{{UserId: aws.String(string(s.With))}})
	_, err := c.ec2.ModifySnapshotAttribute(ctx, &ec2.ModifySnapshotAttributeInput{
		SnapshotId: aws.String(s.Snapshot), Attribute: types.SnapshotAttributeNameCreateVolumePermission,
		CreateVolumePermission: &mods,
	}, paced)
	return awscall.Wrap(what+" for "+string(s.With), err)
}

func tagSpec(tags map[string]string) []types.TagSpecification {
	if len(tags) == 0 {
		return nil
	}
	return []types.TagSpecification{{ResourceType: types.ResourceTypeSnapshot, Tags: tagList(tags)}}
}

// optional returns nil for a text that is not set.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// once sends a call that makes something, and has no client token, once.
func once(o *ec2.Options) { o.Retryer = awscall.Once() }

// paced leaves it to the engine, which paces the calls, to repeat what was throttled.
func paced(o *ec2.Options) { o.Retryer = awscall.Paced(o.Retryer) }
