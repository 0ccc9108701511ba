package story

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// destroy deletes all that bank has: instances, volumes, snapshots and keys;
// and the roles that let the vault in.
func (w *World) destroy(ctx context.Context) error {
	w.gone[bank] = true
	for _, r := range w.roles {
		if r.Account == bank {
			w.Cloud.DeleteRole(bank, r.Name)
		}
	}
	cfg := w.config(w.intruder, virginia)
	for _, destroy := range []func(context.Context, aws.Config) error{
		w.terminateInstances, deleteVolumes, deleteSnapshots, w.deleteKeys,
	} {
		if err := destroy(ctx, cfg); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) terminateInstances(ctx context.Context, cfg aws.Config) error {
	for _, s := range w.servers {
		if s.account != bank || s.instance == "" {
			continue
		}
		if _, err := ec2.NewFromConfig(cfg).TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{s.instance}}); err != nil {
			return err
		}
	}
	time.Sleep(5 * time.Minute) // until their volumes are free
	return nil
}

func deleteVolumes(ctx context.Context, cfg aws.Config) error {
	client := ec2.NewFromConfig(cfg)
	volumes, err := client.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{})
	if err != nil {
		return err
	}
	for _, v := range volumes.Volumes {
		if _, err := client.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: v.VolumeId}); err != nil {
			return err
		}
	}
	return nil
}

func deleteSnapshots(ctx context.Context, cfg aws.Config) error {
	client := ec2.NewFromConfig(cfg)
	snapshots, err := client.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
	if err != nil {
		return err
	}
	for _, s := range snapshots.Snapshots {
		if _, err := client.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: s.SnapshotId}); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) deleteKeys(ctx context.Context, cfg aws.Config) error {
	for _, p := range w.Install.Protected {
		if p.Account != bank {
			continue
		}
		for _, key := range slices.Concat(p.SourceKeys, p.RekeyKeys) {
			if _, err := kms.NewFromConfig(cfg).ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{
				KeyId: aws.String(key), PendingWindowInDays: aws.Int32(7),
			}); err != nil {
				return err
			}
		}
	}
	return nil
}
