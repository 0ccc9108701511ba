package ebs

import (
	"context"
	"fmt"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/internal/awscall"
)

// List lists the site's own snapshots that carry the query's tags, in the
// order of AWS. It asks for 1,000 at a time, the most that EC2 returns (EC2
// API Reference, DescribeSnapshots), and never by id: one unknown id fails a
// whole call, ids cannot be paged, and calls without a filter or pages have
// half the rate (EC2 API Developer Guide, "Request throttling").
func (c *client) List(ctx context.Context, q backup.Query) iter.Seq2[backup.Snapshot, error] {
	return func(yield func(backup.Snapshot, error) bool) {
		in := &ec2.DescribeSnapshotsInput{
			// Without an owner, EC2 adds everybody's public snapshots.
			OwnerIds: []string{"self"}, Filters: tagFilters(q.Tags), MaxResults: aws.Int32(1000),
		}
		if q.SharedWith != "" {
			in.RestorableByUserIds = []string{string(q.SharedWith)}
		}
		pages := ec2.NewDescribeSnapshotsPaginator(c.ec2, in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(backup.Snapshot{}, fmt.Errorf("list snapshots: %w", awscall.Wrap("DescribeSnapshots", err)))
				return
			}
			c.readClock(page.ResultMetadata)
			for _, s := range page.Snapshots {
				// The tags are compared again, since two filters of one name,
				// as for two tag keys of any value, need not both apply.
				if snap := snapshot(s); carries(snap.Tags, q.Tags) && !yield(snap, nil) {
					return
				}
			}
		}
	}
}

// carries says whether all of want are among tags; "" matches any value.
func carries(tags, want map[string]string) bool {
	for key, value := range want {
		if got, ok := tags[key]; !ok || value != "" && got != value {
			return false
		}
	}
	return true
}

func snapshot(s types.Snapshot) backup.Snapshot {
	return backup.Snapshot{
		ID: aws.ToString(s.SnapshotId), Owner: accounts.ID(aws.ToString(s.OwnerId)), Volume: aws.ToString(s.VolumeId),
		SizeGiB: aws.ToInt32(s.VolumeSize), State: backup.SnapshotState(s.State), StateMessage: aws.ToString(s.StateMessage),
		Started: aws.ToTime(s.StartTime), Encrypted: aws.ToBool(s.Encrypted), KMSKey: aws.ToString(s.KmsKeyId),
		Completed: aws.ToTime(s.CompletionTime), CompletionMinutes: int(aws.ToInt32(s.CompletionDurationMinutes)),
		Description: aws.ToString(s.Description), Tags: tagMap(s.Tags),
		Archived: s.StorageTier == types.StorageTierArchive,
	}
}
