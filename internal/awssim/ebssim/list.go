package ebssim

import (
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ebs/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// ListSnapshotBlocks lists the blocks of a snapshot that are written, in
// order, with a token for each.
func (s *Service) ListSnapshotBlocks(c *core.Call, in *ebs.ListSnapshotBlocksInput) (*ebs.ListSnapshotBlocksOutput, error) {
	sn, err := s.readable(c, "SnapshotId", in.SnapshotId)
	if err != nil {
		return nil, err
	}
	w := window{max: in.MaxResults, token: in.NextToken, start: in.StartingBlockIndex}
	l, err := s.listing(c, w, sn.Ref().ID)
	if err != nil {
		return nil, err
	}
	page, next := l.page(sn.Blocks(l.first))
	tokens := s.blockSeal(sn)
	out := &ebs.ListSnapshotBlocksOutput{
		Blocks: make([]types.Block, len(page)), BlockSize: aws.Int32(ec2sim.BlockSize), ExpiryTime: aws.Time(l.expires),
		NextToken: next, VolumeSize: aws.Int64(int64(sn.SizeGiB())),
	}
	for at, i := range page {
		out.Blocks[at] = types.Block{BlockIndex: aws.Int32(int32(i)), BlockToken: aws.String(tokens.token(i, l.id, l.expires))}
	}
	return out, nil
}

// ListChangedBlocks lists the blocks that differ between two snapshots of one
// lineage, with a token for each snapshot that has the block.
func (s *Service) ListChangedBlocks(c *core.Call, in *ebs.ListChangedBlocksInput) (*ebs.ListChangedBlocksOutput, error) {
	// Source: EBS direct APIs Reference, ListChangedBlocks: both must be
	// specified, though the model demands the second only.
	if in.FirstSnapshotId == nil {
		return nil, missing("FirstSnapshotId")
	}
	second, err := s.readable(c, "SecondSnapshotId", in.SecondSnapshotId)
	if err != nil {
		return nil, err
	}
	first, err := s.readable(c, "FirstSnapshotId", in.FirstSnapshotId)
	if err != nil {
		return nil, err
	}
	if !second.Related(first, s.rules.CopiesRelated) {
		// Source of the text: awslabs/coldsnap#466.
		return nil, invalid(types.ValidationExceptionReasonUnrelatedSnapshots, "%s and %s are not related", first.Ref().ID, second.Ref().ID)
	}
	w := window{max: in.MaxResults, token: in.NextToken, start: in.StartingBlockIndex}
	l, err := s.listing(c, w, first.Ref().ID, second.Ref().ID)
	if err != nil {
		return nil, err
	}
	page, next := l.page(second.Changes(first, l.first))
	out := &ebs.ListChangedBlocksOutput{
		ChangedBlocks: make([]types.ChangedBlock, len(page)), BlockSize: aws.Int32(ec2sim.BlockSize), ExpiryTime: aws.Time(l.expires),
		NextToken: next, VolumeSize: aws.Int64(int64(second.SizeGiB())),
	}
	old, now := s.blockSeal(first), s.blockSeal(second)
	for at, i := range page {
		b := types.ChangedBlock{BlockIndex: aws.Int32(int32(i))}
		if first.Holds(i) {
			b.FirstBlockToken = aws.String(old.token(i, l.id, l.expires))
		}
		if second.Holds(i) {
			b.SecondBlockToken = aws.String(now.token(i, l.id, l.expires))
		}
		out.ChangedBlocks[at] = b
	}
	return out, nil
}

// A window is the part of a request that speaks of pages.
type window struct {
	max   *int32
	token *string
	start *int32
}

// A listing is one page that is asked for.
type listing struct {
	id      uint64
	first   int64 // index from which it lists
	max     int
	short   bool      // gives less than it could
	expires time.Time // its block tokens
	next    func(index int64) *string
}

// The bounds of MaxResults. What AWS takes if it is not given is not
// documented; here it is the most.
// Source: botocore, the model of ebs 2019-11-02, MaxResults.
const (
	leastResults = 100
	mostResults  = 10_000
)

// listing checks the paging of a request. A token continues the listing of
// these snapshots and no other; with one the starting index is ignored.
// Source: EBS direct APIs Reference, ListSnapshotBlocks.
func (s *Service) listing(c *core.Call, w window, snapshots ...string) (listing, error) {
	l := listing{id: s.cloud.Rand().Uint64(), max: mostResults, expires: c.Now.UTC().Truncate(time.Second).Add(s.rules.BlockTokens)}
	if w.max != nil {
		l.max = int(*w.max)
		if l.max < leastResults || l.max > mostResults {
			return l, invalidValue("MaxResults must be from %d to %d, not %d.", leastResults, mostResults, l.max)
		}
	}
	k := s.seal(append([]string{c.Operation, c.Account.ID}, snapshots...)...)
	switch {
	case w.token != nil:
		index, ok := k.open(*w.token, c.Now)
		if !ok {
			return l, invalid(types.ValidationExceptionReasonInvalidPageToken, "The page token is not valid or has expired.")
		}
		l.first = index
	case w.start != nil:
		l.first = int64(*w.start)
		if l.first < 0 {
			return l, invalidValue("StartingBlockIndex must not be negative.")
		}
	}
	l.short = s.cloud.Rand().Float64() < s.rules.Short
	if l.short {
		l.max = s.cloud.Rand().IntN(l.max)
	}
	l.next = func(index int64) *string {
		return aws.String(k.token(index, l.id, c.Now.Add(s.rules.PageTokens)))
	}
	return l, nil
}

// page takes what belongs on the page. A page that is short by chance may be
// followed by an empty one.
func (l listing) page(indexes iter.Seq[int64]) (page []int64, next *string) {
	after := l.first
	for i := range indexes {
		if len(page) == l.max {
			return page, l.next(i)
		}
		page = append(page, i)
		after = i + 1
	}
	if l.short && len(page) > 0 {
		return page, l.next(after)
	}
	return page, nil
}
