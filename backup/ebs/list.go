package ebs

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

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
			OwnerIds: []string{"self"}, Filters: append(tagFilters(q.Tags), startedFilter(q.Started)...), MaxResults: aws.Int32(1000),
		}
		if q.SharedWith != "" {
			in.RestorableByUserIds = []string{string(q.SharedWith)}
		}
		said := words{}
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
				if snap := said.snapshot(s); carries(snap.Tags, q.Tags) && !yield(snap, nil) {
					return
				}
			}
		}
	}
}

// maxValues is how many values a filter takes (EC2 User Guide, "List and filter
// your resources").
const maxValues = 200

// startedFilter asks for what was started in some spans, and as little more as
// can be told in one filter: EC2 compares StartTime as text, as it is in the
// answers, and takes wildcards. Where even days are too many it asks for all.
func startedFilter(spans []backup.Span) []types.Filter {
	if len(spans) == 0 {
		return nil
	}
	for _, cut := range []struct {
		step   time.Duration
		layout string
		length int
	}{
		{10 * time.Minute, "2006-01-02T15:04", len("2006-01-02T15:0")},
		{time.Hour, "2006-01-02T15:", len("2006-01-02T15:")},
		{24 * time.Hour, "2006-01-02T", len("2006-01-02T")},
	} {
		values := map[string]bool{}
		for _, s := range spans {
			for t := s.From.UTC().Truncate(cut.step); t.Before(s.To) && len(values) <= maxValues; t = t.Add(cut.step) {
				values[t.Format(cut.layout)[:cut.length]+"*"] = true
			}
		}
		if len(values) <= maxValues {
			return []types.Filter{filter("start-time", slices.Sorted(maps.Keys(values))...)}
		}
	}
	return nil
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

// words holds each text of a listing once: of what the tags of many snapshots
// say most is the same, and who listed them may keep them for hours.
type words map[string]string

func (w words) one(s *string) string {
	if s == nil {
		return ""
	}
	if first, ok := w[*s]; ok {
		return first
	}
	w[*s] = *s
	return *s
}

func (w words) tags(tags []types.Tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[w.one(t.Key)] = w.one(t.Value)
	}
	return m
}

func (w words) snapshot(s types.Snapshot) backup.Snapshot {
	return backup.Snapshot{
		ID: aws.ToString(s.SnapshotId), Owner: accounts.ID(w.one(s.OwnerId)), Volume: w.one(s.VolumeId),
		SizeGiB: aws.ToInt32(s.VolumeSize), State: backup.SnapshotState(s.State), StateMessage: w.one(s.StateMessage),
		Started: aws.ToTime(s.StartTime), Encrypted: aws.ToBool(s.Encrypted), KMSKey: w.one(s.KmsKeyId),
		Completed: aws.ToTime(s.CompletionTime), CompletionMinutes: int(aws.ToInt32(s.CompletionDurationMinutes)),
		Description: w.one(s.Description), Tags: w.tags(s.Tags),
		Archived: s.StorageTier == types.StorageTierArchive,
	}
}
