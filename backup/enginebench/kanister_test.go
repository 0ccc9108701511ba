package enginebench_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// kanister has the shape of Kanister's blockstorage for EBS, as it was until
// it was removed in August 2025: an action for each workload, here an instance,
// and in it a goroutine for each volume, which
//   - looks the volume up, tags it, makes the snapshot, and describes the
//     availability zones to learn the Region;
//   - polls the snapshot by its id after 1, 2, 4, 8, then every 10 s;
//   - copies it, tags the copy with a call of its own, polls it in the same way,
//     and describes it.
//
// A call is sent up to eleven times. Nothing is tried again beyond that: an
// error ends the action, and what its other volumes have made so far is
// forgotten. It never shares; a call to share and one to revoke are added here.
func kanister(ctx context.Context, w *world) error {
	p := newPeer(w, attempts(11, 5*time.Minute))
	var all sync.WaitGroup
	for _, m := range w.machines {
		all.Go(func() { p.action(ctx, m) })
	}
	all.Wait()
	return nil
}

// action snapshots all volumes of a workload, then copies them.
func (p *peer) action(ctx context.Context, m machine) {
	originals := make([]string, len(m.volumes))
	if err := each(m.volumes, func(i int, volume string) (err error) {
		originals[i], err = p.actionSnapshot(ctx, m, volume)
		return err
	}); err != nil {
		return
	}
	_ = each(originals, func(_ int, id string) error { return p.actionCopy(ctx, m, id) })
}

func (p *peer) actionSnapshot(ctx context.Context, m machine, volume string) (string, error) {
	c := p.sources[m.account]
	if _, err := c.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{volume}}); err != nil {
		return "", err
	}
	if err := label(ctx, c, volume); err != nil {
		return "", err
	}
	id, err := p.snapshot(ctx, m.account, volume)
	if err != nil {
		return "", err
	}
	if _, err := c.DescribeAvailabilityZones(ctx, nil); err != nil {
		return "", err
	}
	return id, poll(ctx, c, id)
}

func (p *peer) actionCopy(ctx context.Context, m machine, original string) error {
	if err := p.share(ctx, m.account, original); err != nil {
		return err
	}
	id, err := p.copy(ctx, original, nil)
	if err != nil {
		return err
	}
	if err := label(ctx, p.home, id); err != nil {
		return err
	}
	if err := poll(ctx, p.home, id); err != nil {
		return err
	}
	if _, err := states(ctx, p.home, id); err != nil {
		return err
	}
	return p.revoke(ctx, m.account, original)
}

// poll waits for one snapshot.
func poll(ctx context.Context, c *ec2.Client, id string) error {
	for pause := time.Second; ; pause = min(2*pause, 10*time.Second) {
		open, err := states(ctx, c, id)
		if err != nil || len(open) == 0 {
			return err
		}
		time.Sleep(pause)
	}
}

// each does something for all, at the same time.
func each(all []string, do func(i int, one string) error) error {
	var group sync.WaitGroup
	errs := make([]error, len(all))
	for i, one := range all {
		group.Go(func() { errs[i] = do(i, one) })
	}
	group.Wait()
	return errors.Join(errs...)
}
