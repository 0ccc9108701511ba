package enginebench_test

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/snapkeep/snapkeep/accounts"
)

// A peer is what the other algorithms work with: a client for each account,
// whose credentials are cached and renewed as the SDK does it.
type peer struct {
	w       *world
	sources map[accounts.ID]*ec2.Client
	home    *ec2.Client // of the vault
}

// newPeer returns clients that retry as the algorithm does. Nil means as the
// SDK does by default.
func newPeer(w *world, retryer func() aws.Retryer) *peer {
	p := &peer{w: w, sources: map[accounts.ID]*ec2.Client{}}
	client := func(of accounts.Account, as accounts.Purpose, region string) *ec2.Client {
		cfg := w.base.Copy()
		cfg.Region = region
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(w.base), of.Purposes[as][0].ARN))
		cfg.Retryer = retryer
		return ec2.NewFromConfig(cfg)
	}
	for _, a := range w.ways {
		if a.ID == vault {
			p.home = client(a, accounts.VaultWriter, home)
		} else {
			p.sources[a.ID] = client(a, accounts.Backup, there)
		}
	}
	return p
}

// attempts is a retryer that never runs out of tokens.
func attempts(n int, longest time.Duration) func() aws.Retryer {
	return func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff, o.RateLimiter = n, longest, ratelimit.None
		})
	}
}

// snapshot makes a snapshot of one volume, with tags.
func (p *peer) snapshot(ctx context.Context, account accounts.ID, volume string) (string, error) {
	out, err := p.sources[account].CreateSnapshot(ctx, &ec2.CreateSnapshotInput{
		VolumeId: aws.String(volume), TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeSnapshot, Tags: labels}},
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.SnapshotId), nil
}

var labels = []types.Tag{{Key: aws.String("backup"), Value: aws.String("bench")}}

// share shares a snapshot with the vault; revoke takes that back.
func (p *peer) share(ctx context.Context, account accounts.ID, id string) error {
	return p.modify(ctx, account, id, &types.CreateVolumePermissionModifications{Add: withVault})
}

func (p *peer) revoke(ctx context.Context, account accounts.ID, id string) error {
	return p.modify(ctx, account, id, &types.CreateVolumePermissionModifications{Remove: withVault})
}

var withVault = []types.CreateVolumePermission{{UserId: aws.String(string(vault))}}

func (p *peer) modify(ctx context.Context, account accounts.ID, id string, m *types.CreateVolumePermissionModifications) error {
	_, err := p.sources[account].ModifySnapshotAttribute(ctx, &ec2.ModifySnapshotAttributeInput{
		SnapshotId: aws.String(id), Attribute: types.SnapshotAttributeNameCreateVolumePermission, CreateVolumePermission: m,
	})
	return err
}

// copy copies a snapshot into the vault, with tags if any are given.
func (p *peer) copy(ctx context.Context, id string, tags []types.Tag) (string, error) {
	in := &ec2.CopySnapshotInput{
		SourceRegion: aws.String(there), SourceSnapshotId: aws.String(id),
		Encrypted: aws.Bool(true), KmsKeyId: aws.String(p.w.key),
	}
	if len(tags) > 0 {
		in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeSnapshot, Tags: tags}}
	}
	out, err := p.home.CopySnapshot(ctx, in)
	if err != nil {
		return "", err
	}
	return aws.ToString(out.SnapshotId), nil
}

// label puts tags on something that exists.
func label(ctx context.Context, c *ec2.Client, id string) error {
	_, err := c.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{id}, Tags: labels})
	return err
}

// states asks for snapshots by their ids, and returns how many are not completed.
func states(ctx context.Context, c *ec2.Client, ids ...string) (open []string, err error) {
	out, err := c.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: ids})
	if err != nil {
		return nil, err
	}
	for _, s := range out.Snapshots {
		if s.State != types.SnapshotStateCompleted {
			open = append(open, aws.ToString(s.SnapshotId))
		}
	}
	return open, nil
}

// algorithms are all there are, in the order of the table in the README.
var algorithms = []struct {
	name string
	run  algorithm
}{
	{"waiter", waiter(nil)},
	{"waiter-50-attempts", waiter(attempts(50, 20*time.Second))},
	{"kanister", kanister},
	{"c7n-copies", custodian(false)},
	{"c7n-copies-patient", custodian(true)},
	{"tidb", tidb},
	{"snapkeep", ours},
}
