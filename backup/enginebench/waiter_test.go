package enginebench_test

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// waiter is what a program does that is written from the SDK's examples: a
// goroutine for each volume, and the SDK's SnapshotCompletedWaiter for each
// snapshot and each copy. The waiter asks by id after 15 s, then at random
// times up to 120 s apart, and gives up at any error.
// Source: aws-sdk-go-v2, service/ec2/api_op_DescribeSnapshots.go.
func waiter(retryer func() aws.Retryer) algorithm {
	return func(ctx context.Context, w *world) error {
		p := newPeer(w, retryer)
		var all sync.WaitGroup
		for _, m := range w.machines {
			for _, volume := range m.volumes {
				all.Go(func() { _ = p.waitForAll(ctx, m, volume) })
			}
		}
		all.Wait()
		return nil
	}
}

// waitForAll takes one volume all the way. At the first error it ends.
func (p *peer) waitForAll(ctx context.Context, m machine, volume string) error {
	original, err := p.snapshot(ctx, m.account, volume)
	if err != nil {
		return err
	}
	if err := wait(ctx, p.sources[m.account], original); err != nil {
		return err
	}
	if err := p.share(ctx, m.account, original); err != nil {
		return err
	}
	copied, err := p.copy(ctx, original, labels)
	if err != nil {
		return err
	}
	if err := wait(ctx, p.home, copied); err != nil {
		return err
	}
	return p.revoke(ctx, m.account, original)
}

func wait(ctx context.Context, c *ec2.Client, id string) error {
	return ec2.NewSnapshotCompletedWaiter(c).Wait(ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: []string{id}}, 24*time.Hour)
}
