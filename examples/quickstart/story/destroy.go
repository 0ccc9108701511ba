package story

import (
	"context"
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
	client := ec2.NewFromConfig(cfg)
	for _, s := range w.servers {
		if s.account != bank {
			continue
		}
		if s.instance != "" {
			if _, err := client.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{s.instance}}); err != nil {
				return err
			}
			time.Sleep(5 * time.Minute)
		}
	}
	volumes, err := client.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{})
	if err != nil {
		return err
	}
	for _, v := range volumes.Volumes {
		if _, err := client.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: v.VolumeId}); err != nil {
			return err
		}
	}
	snapshots, err := client.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
	if err != nil {
		return err
	}
	for _, s := range snapshots.Snapshots {
		if _, err := client.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: s.SnapshotId}); err != nil {
			return err
		}
	}
	for _, p := range w.Install.Protected {
		for _, key := range append(p.SourceKeys, p.RekeyKeys...) {
			if p.Account != bank {
				continue
			}
			if _, err := kms.NewFromConfig(cfg).ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{
				KeyId: aws.String(key), PendingWindowInDays: aws.Int32(7),
			}); err != nil {
				return err
			}
		}
	}
	return nil
}
