package conformance

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const (
	describeSnapshots = "EC2 API Reference, DescribeSnapshots"
	pagination        = "EC2 Developer Guide, Pagination"
)

// two makes a snapshot with tags and one without.
func (s *scene) two() (plain, withTags string) {
	plain = s.snapshot(s.owner(), "")
	withTags = s.snapshot(s.owner(), "")
	must(s.owner().ec2().CreateTags(s.ctx, &ec2.CreateTagsInput{
		Resources: []string{withTags}, Tags: []types.Tag{tag("plan", "p1"), tag("run", "r1")},
	}))(s)
	return plain, withTags
}

// finds checks that a filter finds the snapshots and no others.
func (s *scene) finds(f types.Filter, want ...string) {
	got := s.list(s.owner(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, Filters: []types.Filter{f}})
	s.check(len(got) == len(want), "%d snapshots, where AWS lists %d", len(got), len(want))
	for _, id := range want {
		s.check(slices.Contains(got, id), "another snapshot")
	}
}

// six makes six snapshots of as many volumes.
func (s *scene) six() (ids []string) {
	for range 6 {
		ids = append(ids, s.snapshot(s.owner(), ""))
	}
	return ids
}

var listingCases = []Case{
	{"listing", "own ones", "those of the account and no others", describeSnapshots, func(s *scene) {
		s.snapshot(s.vault(), "")
		id := s.snapshot(s.owner(), "")
		got := s.list(s.owner(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
		s.check(len(got) == 1 && got[0] == id, "%d snapshots", len(got))
	}},
	{"listing", "those of an account that shares none", "none", describeSnapshots, func(s *scene) {
		s.snapshot(s.owner(), "")
		got := s.list(s.owner(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{Other}})
		s.check(len(got) == 0, "%d snapshots", len(got))
	}},
	{"listing", "by tag", "those with the value", describeSnapshots, func(s *scene) {
		_, id := s.two()
		s.finds(filter("tag:plan", "p1"), id)
	}},
	{"listing", "by tag key", "those with the key", describeSnapshots, func(s *scene) {
		_, id := s.two()
		s.finds(filter("tag-key", "run"), id)
	}},
	{"listing", "by a tag that none has", "none", describeSnapshots, func(s *scene) {
		s.two()
		s.finds(filter("tag:plan", "nope"))
	}},
	{"listing", "by a tag with a wildcard", "those that fit", "EC2 User Guide, List and filter resources", func(s *scene) {
		_, id := s.two()
		s.finds(filter("tag:plan", "p?"), id)
	}},
	{"listing", "by a tag in another case", "none: values are case-sensitive", "EC2 User Guide, List and filter resources", func(s *scene) {
		s.two()
		s.finds(filter("tag:plan", "P1"))
	}},
	{"listing", "by volume", "those of the volume", describeSnapshots, func(s *scene) {
		plain, _ := s.two()
		s.finds(filter("volume-id", *s.look(s.owner(), plain).VolumeId), plain)
	}},
	{"listing", "by state", "those in it", describeSnapshots, func(s *scene) {
		plain, withTags := s.two()
		s.finds(filter("status", "completed"), plain, withTags)
	}},
	{"listing", "by another owner", "none", describeSnapshots, func(s *scene) {
		s.two()
		s.finds(filter("owner-id", Other))
	}},
	{"listing", "by start, with a wildcard", "those that began then", describeSnapshots, func(s *scene) {
		s.two()
		s.finds(filter("start-time", "1999-01-01T*"))
	}},
	{"listing", "by size", "those of such volumes", describeSnapshots, func(s *scene) {
		plain, withTags := s.two()
		s.finds(filter("volume-size", "4"), plain, withTags)
	}},
	{"listing", "by encryption", "those that are", describeSnapshots, func(s *scene) {
		s.snapshot(s.owner(), "")
		id := s.snapshot(s.owner(), defaultKey)
		s.finds(filter("encrypted", "true"), id)
	}},
	{"listing", "by description", "those that have it", describeSnapshots, func(s *scene) {
		volume := s.volume(s.owner(), "")
		s.snapshot(s.owner(), "")
		sn := must(s.owner().ec2().CreateSnapshot(s.ctx, &ec2.CreateSnapshotInput{VolumeId: &volume, Description: aws.String("nightly")}))(s)
		s.finds(filter("description", "night*"), *sn.SnapshotId)
	}},
	{"listing", "by two filters", "those that both fit", "EC2 User Guide, List and filter resources", func(s *scene) {
		s.two()
		got := s.list(s.owner(), &ec2.DescribeSnapshotsInput{
			OwnerIds: []string{"self"}, Filters: []types.Filter{filter("tag:plan", "p1"), filter("tag:run", "other")},
		})
		s.check(len(got) == 0, "%d snapshots", len(got))
	}},
	{"listing", "by a filter with two values", "those that fit one of them", "EC2 User Guide, List and filter resources", func(s *scene) {
		_, id := s.two()
		s.finds(filter("tag:plan", "p1", "p2"), id)
	}},
	{"listing", "by a filter that there is not", "InvalidParameterValue", errorCodes, func(s *scene) {
		_, err := s.owner().ec2().DescribeSnapshots(s.ctx, &ec2.DescribeSnapshotsInput{Filters: []types.Filter{filter("no-such-filter", "x")}})
		s.refused(err, "InvalidParameterValue")
	}},
	{"listing", "an id that does not exist", "InvalidSnapshot.NotFound", errorCodes, func(s *scene) {
		_, err := s.owner().ec2().DescribeSnapshots(s.ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: []string{noSnapshot}})
		s.refused(err, "InvalidSnapshot.NotFound")
	}},
	{"listing", "an id that is none", "InvalidSnapshotID.Malformed, or InvalidParameterValue", errorCodes, func(s *scene) {
		_, err := s.owner().ec2().DescribeSnapshots(s.ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: []string{"snap-zzz"}})
		s.refused(err, "InvalidSnapshotID.Malformed", "InvalidParameterValue")
	}},
	{"listing", "five at a time", "five and a token", pagination, func(s *scene) {
		s.six()
		out := must(s.owner().ec2().DescribeSnapshots(s.ctx, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, MaxResults: aws.Int32(5)}))(s)
		s.check(len(out.Snapshots) == 5 && out.NextToken != nil, "%d, and a token: %v", len(out.Snapshots), out.NextToken != nil)
	}},
	{"listing", "page by page", "each once", pagination, func(s *scene) {
		ids := s.six()
		seen := map[string]int{}
		pages := ec2.NewDescribeSnapshotsPaginator(s.owner().ec2(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, MaxResults: aws.Int32(5)})
		for pages.HasMorePages() {
			for _, sn := range must(pages.NextPage(s.ctx))(s).Snapshots {
				seen[*sn.SnapshotId]++
			}
		}
		for _, id := range ids {
			s.check(seen[id] == 1, "one is listed %d times", seen[id])
		}
	}},
	{"listing", "one at a time", "InvalidParameterValue: 5 to 1000", pagination, func(s *scene) {
		_, err := s.owner().ec2().DescribeSnapshots(s.ctx, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, MaxResults: aws.Int32(1)})
		s.refused(err, "InvalidParameterValue")
	}},
	{"listing", "ids and a page size", "InvalidParameterCombination", "EC2 API Reference, Query requests for Amazon EC2", func(s *scene) {
		id := s.snapshot(s.owner(), "")
		_, err := s.owner().ec2().DescribeSnapshots(s.ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: []string{id}, MaxResults: aws.Int32(5)})
		s.refused(err, "InvalidParameterCombination")
	}},
	{"listing", "a token that is none", "InvalidParameterValue, or InvalidNextToken", pagination, func(s *scene) {
		_, err := s.owner().ec2().DescribeSnapshots(s.ctx, &ec2.DescribeSnapshotsInput{NextToken: aws.String("garbage"), MaxResults: aws.Int32(5)})
		s.refused(err, "InvalidParameterValue", "InvalidNextToken")
	}},
}
