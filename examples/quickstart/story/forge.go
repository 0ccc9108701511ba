package story

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/backup"
)

// forgedData is what the intruder wants the vault to take for a backup.
var forgedData = []byte("pay 1,000 bitcoin")

// forge waits for the run of bank's detached volume to begin, puts the very
// tags of its original on a snapshot of another volume, deletes the original,
// and lets the run go on. It succeeds if the vault ends up with the forgery.
func (w *World) forge(ctx context.Context) error {
	target := w.archive()
	at := time.Now().Truncate(time.Second)
	if err := w.keep(at); err != nil {
		return err
	}
	original, err := w.beginRun(ctx, target, at)
	if err != nil {
		return err
	}
	if err := w.swap(ctx, target, original); err != nil {
		return err
	}
	if err := w.Restart(); err != nil {
		return err
	}
	// One resource may fail by this. What counts is what is in the vault then.
	var failed *backup.Error
	if _, err := w.Engine.Run(ctx, w.Plan, at); err != nil && !errors.As(err, &failed) {
		return err
	}
	taken, err := w.vaultHolds(target, forgedData)
	if err != nil {
		return err
	}
	if !taken {
		return fmt.Errorf("%w: the vault holds nothing of it", errRefused)
	}
	return nil
}

// beginRun advances the target's job until its original is there.
func (w *World) beginRun(ctx context.Context, target *server, at time.Time) (types.Snapshot, error) {
	for job, err := range w.Engine.Jobs(ctx, w.Plan, at) {
		if err != nil {
			return types.Snapshot{}, err
		}
		if job.Resource.ARN != target.arn() {
			continue
		}
		for {
			next, out, err := w.Engine.Advance(ctx, job)
			if err != nil {
				return types.Snapshot{}, err
			}
			found, err := w.originalOf(ctx, job)
			if err != nil {
				return types.Snapshot{}, err
			}
			if found != nil {
				return *found, nil
			}
			if out.Done {
				return types.Snapshot{}, errors.New("the job is done without an original")
			}
			job = next
			time.Sleep(time.Until(out.NotBefore))
		}
	}
	return types.Snapshot{}, errors.New("no job for " + target.arn())
}

// originalOf finds what a job has made, as the account's administrator sees it.
func (w *World) originalOf(ctx context.Context, job backup.Job) (*types.Snapshot, error) {
	out, err := ec2.NewFromConfig(w.config(w.intruder, virginia)).DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{
		OwnerIds: []string{"self"},
		Filters:  []types.Filter{{Name: aws.String("tag:snapkeep:point"), Values: []string{job.Point}}},
	})
	if err != nil || len(out.Snapshots) == 0 {
		return nil, err
	}
	return &out.Snapshots[0], nil
}

// swap replaces the original by the forgery: a snapshot of another volume of
// the same size, with the original's own tags and description.
func (w *World) swap(ctx context.Context, target *server, original types.Snapshot) error {
	volume, err := w.makeVolume(ctx, bank, virginia, w.sourceKeys[bank], aws.ToInt32(original.VolumeSize))
	if err != nil {
		return err
	}
	if err := w.Cloud.WriteVolume(target.volume(volume), 0, forgedData); err != nil {
		return err
	}
	client := ec2.NewFromConfig(w.config(w.intruder, virginia))
	forged, err := client.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{
		VolumeId: aws.String(volume), Description: original.Description,
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeSnapshot, Tags: original.Tags}},
	})
	if err != nil {
		return err
	}
	w.forged = aws.ToString(forged.SnapshotId)
	time.Sleep(time.Hour) // both are completed: one that is pending would stay listed after it is deleted
	if _, err := client.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: original.SnapshotId}); err != nil {
		return err
	}
	_, err = client.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: aws.String(volume)})
	return err
}

// vaultHolds says whether the vault holds the data as a backup of the server.
func (w *World) vaultHolds(of *server, data []byte) (bool, error) {
	for _, s := range w.Cloud.Snapshots() {
		if s.Account != vault || s.Tags["snapkeep:resource"] != of.arn() {
			continue
		}
		contents, err := w.Cloud.ReadSnapshot(s.Ref)
		if err != nil {
			return false, err
		}
		for _, block := range contents.Blocks {
			if bytes.Contains(block, data) {
				return true, nil
			}
		}
	}
	return false, nil
}
