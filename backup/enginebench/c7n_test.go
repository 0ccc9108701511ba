package enginebench_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// custodian has the shape of the copy action of Cloud Custodian (c7n,
// resources/ebs.py), and of that alone: all originals are there when it begins,
// completed, shared with the vault, at no cost. Two workers take 20 snapshots
// each, in sets of 5: five CopySnapshot calls, five CreateTags calls, then a
// waiter for the five that asks every 60 s, 60 times at most. At most 10 copies
// are under way, and all wait for the longest of five. A set of fewer than 5 is
// not waited for. Calls are sent up to five times, as botocore does.
//
// A copy that takes longer than an hour ends the action: what has not been
// begun is not copied. With patience the waiter asks as long as it takes.
func custodian(patient bool) algorithm {
	return func(ctx context.Context, w *world) error {
		originals, err := w.prepare(ctx)
		if err != nil {
			return err
		}
		c := &custody{peer: newPeer(w, attempts(5, 20*time.Second)), patient: patient}
		for chunk := range slices.Chunk(originals, 20) {
			c.chunks = append(c.chunks, chunk)
		}
		var workers sync.WaitGroup
		for range 2 {
			workers.Go(func() { c.work(ctx) })
		}
		workers.Wait()
		w.finish()
		return nil
	}
}

// prepare makes and shares all originals, of which the world's builder knows
// how to do it at once, and starts the clock and the count of calls anew.
func (w *world) prepare(ctx context.Context) (originals []string, err error) {
	for volume, takes := range w.takes {
		w.takes[volume] = lasting{copying: takes.copying}
	}
	for _, m := range w.machines {
		client := ec2.NewFromConfig(w.builder(m.account, there))
		for _, volume := range m.volumes {
			made, err := client.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: aws.String(volume)})
			if err != nil {
				return nil, fmt.Errorf("prepare %s: %w", volume, err)
			}
			if _, err := client.ModifySnapshotAttribute(ctx, &ec2.ModifySnapshotAttributeInput{
				SnapshotId: made.SnapshotId, Attribute: types.SnapshotAttributeNameCreateVolumePermission,
				CreateVolumePermission: &types.CreateVolumePermissionModifications{Add: withVault},
			}); err != nil {
				return nil, fmt.Errorf("prepare %s: %w", volume, err)
			}
			originals = append(originals, aws.ToString(made.SnapshotId))
		}
	}
	w.begin()
	return originals, nil
}

// finish lets the copies end that nobody waited for.
func (w *world) finish() {
	now := time.Now()
	last := now
	for _, s := range w.cloud.EC2().Snapshots() {
		if s.Done.After(last) {
			last = s.Done
		}
	}
	time.Sleep(last.Sub(now))
}

// A custody is one run of the copy action.
type custody struct {
	*peer
	patient bool

	mu     sync.Mutex // guards chunks
	chunks [][]string // that have not been begun
}

// work copies chunks until there is none, or one has failed.
func (c *custody) work(ctx context.Context) {
	for {
		c.mu.Lock()
		if len(c.chunks) == 0 {
			c.mu.Unlock()
			return
		}
		chunk := c.chunks[0]
		c.chunks = c.chunks[1:]
		c.mu.Unlock()
		for set := range slices.Chunk(chunk, 5) {
			if err := c.copySet(ctx, set); err != nil {
				c.mu.Lock()
				c.chunks = nil
				c.mu.Unlock()
				return
			}
		}
	}
}

func (c *custody) copySet(ctx context.Context, originals []string) error {
	var copies []string
	for _, original := range originals {
		id, err := c.copy(ctx, original, nil)
		if err != nil {
			return err
		}
		if err := label(ctx, c.home, id); err != nil {
			return err
		}
		copies = append(copies, id)
	}
	if len(copies) < 5 {
		return nil
	}
	for asked := 1; ; asked++ {
		open, err := states(ctx, c.home, copies...)
		if err != nil || len(open) == 0 {
			return err
		}
		if asked == 60 && !c.patient {
			return errors.New("max attempts exceeded")
		}
		time.Sleep(time.Minute)
	}
}
