package enginebench_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"
)

// tidb has the shape of the volume snapshots of TiDB BR (br/pkg/aws/ebs.go), a
// process for each account: instance after instance it describes a volume and
// the instance, and a pool makes the snapshots with CreateSnapshots, all volumes
// of an instance at once. PendingSnapshotLimitExceeded is tried again every 30 s
// for ever, any other error ends the run; a call is sent up to ten times. Then
// one DescribeSnapshots call every 5 s asks for all ids that are pending, and
// any error of it ends the run.
//
// BR does not copy. The run goes on here in its manner: the pool shares and
// copies, ResourceLimitExceeded is tried again every 30 s for ever; one call
// every 5 s asks for the copies; then the shares are revoked. BR leaves out the
// root volume, which is taken here.
func tidb(ctx context.Context, w *world) error {
	p := newPeer(w, attempts(10, 5*time.Minute))
	var accounts sync.WaitGroup
	for account := range p.sources {
		var cluster []machine
		for _, m := range w.machines {
			if m.account == account {
				cluster = append(cluster, m)
			}
		}
		accounts.Go(func() { _ = p.cluster(ctx, cluster) })
	}
	accounts.Wait()
	return nil
}

// pool is how many calls of a process may be under way, BR's default.
const pool = 8

// cluster protects what is in one account, stage by stage.
func (p *peer) cluster(ctx context.Context, machines []machine) error {
	account := machines[0].account
	originals, err := p.sets(ctx, machines)
	if err != nil {
		return err
	}
	if err := waitForBatch(ctx, p.sources[account], originals); err != nil {
		return err
	}
	copies := make([]string, len(originals))
	if err := pooled(originals, func(i int, id string) error {
		if err := p.share(ctx, account, id); err != nil {
			return err
		}
		return stubborn("ResourceLimitExceeded", func() (err error) {
			copies[i], err = p.copy(ctx, id, labels)
			return err
		})
	}); err != nil {
		return err
	}
	if err := waitForBatch(ctx, p.home, copies); err != nil {
		return err
	}
	return pooled(originals, func(_ int, id string) error { return p.revoke(ctx, account, id) })
}

// sets snapshots instances.
func (p *peer) sets(ctx context.Context, machines []machine) ([]string, error) {
	var group errgroup.Group
	group.SetLimit(pool)
	client := p.sources[machines[0].account]
	made := make([][]string, len(machines))
	for i, m := range machines {
		if _, err := client.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: m.volumes[:1]}); err != nil {
			return nil, errors.Join(err, group.Wait())
		}
		if _, err := client.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{m.instance}}); err != nil {
			return nil, errors.Join(err, group.Wait())
		}
		group.Go(func() error {
			return stubborn("PendingSnapshotLimitExceeded", func() error {
				out, err := client.CreateSnapshots(ctx, &ec2.CreateSnapshotsInput{
					InstanceSpecification: &types.InstanceSpecification{InstanceId: aws.String(m.instance)},
					CopyTagsFromSource:    types.CopyTagsFromSourceVolume,
				})
				if err != nil {
					return err
				}
				for _, s := range out.Snapshots {
					made[i] = append(made[i], aws.ToString(s.SnapshotId))
				}
				return nil
			})
		})
	}
	err := group.Wait()
	var all []string
	for _, ids := range made {
		all = append(all, ids...)
	}
	return all, err
}

// stubborn tries again every 30 s while there is no room.
func stubborn(full string, try func() error) error {
	for {
		err := try()
		if answer := smithy.APIError(nil); !errors.As(err, &answer) || answer.ErrorCode() != full {
			return err
		}
		time.Sleep(30 * time.Second)
	}
}

// waitForBatch asks for all that are pending, by their ids.
func waitForBatch(ctx context.Context, c *ec2.Client, open []string) (err error) {
	for len(open) > 0 {
		time.Sleep(5 * time.Second)
		if open, err = states(ctx, c, open...); err != nil {
			return err
		}
	}
	return nil
}

// pooled does something for all, a few at a time.
func pooled(all []string, do func(i int, one string) error) error {
	var group errgroup.Group
	group.SetLimit(pool)
	for i, one := range all {
		group.Go(func() error { return do(i, one) })
	}
	return group.Wait()
}
