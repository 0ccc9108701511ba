package backuptest

import (
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// BlockSize is the unit in which contents are written and kept: 512 KiB.
const BlockSize = ec2sim.BlockSize

// ErrNotFound is returned for a Ref that names nothing.
var ErrNotFound = ec2sim.ErrNotFound

// A Ref names a volume or a snapshot.
type Ref struct {
	Account accounts.ID // 12 digits: the owner
	Region  string      // "eu-west-1"
	ID      string      // "vol-…" or "snap-…"
}

func (r Ref) inside() ec2sim.Ref {
	return ec2sim.Ref{Site: ec2sim.Site{Account: r.Account.String(), Region: r.Region}, ID: r.ID}
}

func refOf(r ec2sim.Ref) Ref {
	return Ref{Account: accounts.ID(r.Account), Region: r.Region, ID: r.ID}
}

// Contents are what a volume or a snapshot holds.
type Contents struct {
	// GiB is the size of the whole.
	GiB int32
	// Blocks holds what was written, by block index. Data may be shorter than
	// BlockSize: the rest, like every block that is absent, is zeros.
	Blocks map[int64][]byte
}

// Equal reports whether both hold the same bytes. Sizes do not matter: a
// volume may be larger than the snapshot it was made from.
func (c Contents) Equal(other Contents) bool {
	return ec2sim.Contents(c).Equal(ec2sim.Contents(other))
}

// WriteVolume writes one block of a volume, as a program on its instance
// would. What data lacks of BlockSize is zeros. It is an error if the block
// lies beyond the volume's end.
func (c *Cloud) WriteVolume(volume Ref, block int64, data []byte) error {
	return c.sim.EC2().WriteVolume(volume.inside(), block, data)
}

// A Span is a run of blocks.
type Span struct {
	// First is the index of its first block, Count how many there are.
	First, Count int64
}

// A Fill says what FillVolume writes.
type Fill struct {
	// Seed decides what the blocks hold and, for a share below 1, which they are.
	Seed uint64
	// Share of the blocks that are written, from above 0 to 1. Zero means all.
	Share float64
	// Spans to write; they may overlap. None means the whole volume.
	Spans []Span
}

// FillVolume writes many blocks of a volume at once. Volumes of 16 TiB cost
// no more than small ones: their blocks are worked out when they are read.
func (c *Cloud) FillVolume(volume Ref, f Fill) error {
	in := ec2sim.Fill{Seed: f.Seed, Share: f.Share}
	for _, s := range f.Spans {
		in.Spans = append(in.Spans, ec2sim.Span(s))
	}
	return c.sim.EC2().FillVolume(volume.inside(), in)
}

// Churn writes a share of a volume's written blocks anew, as a day's work
// does, and returns how many. The seed decides which, and what they hold.
func (c *Cloud) Churn(volume Ref, seed uint64, share float64) (blocks int64, err error) {
	return c.sim.EC2().Churn(volume.inside(), seed, share)
}

// FirstDifference returns the first block in which two volumes or snapshots
// do not hold the same bytes, and -1 if there is none. Unlike ReadVolume and
// ReadSnapshot it works for those of any size.
func (c *Cloud) FirstDifference(a, b Ref) (block int64, err error) {
	return c.sim.EC2().FirstDifference(a.inside(), b.inside())
}

// ReadVolume returns what is on a volume. It is an error if FillVolume has
// written more than 131,072 blocks of it.
func (c *Cloud) ReadVolume(volume Ref) (Contents, error) {
	got, err := c.sim.EC2().ReadVolume(volume.inside())
	return Contents(got), err
}

// ReadSnapshot returns what is in a snapshot, whatever its state, within the
// limit of ReadVolume.
func (c *Cloud) ReadSnapshot(snapshot Ref) (Contents, error) {
	got, err := c.sim.EC2().ReadSnapshot(snapshot.inside())
	return Contents(got), err
}

// FlipBlock changes one bit in one block of one snapshot, as a fault of the
// storage would. The block must hold something. Other snapshots keep theirs.
func (c *Cloud) FlipBlock(snapshot Ref, block int64) error {
	return c.sim.EC2().FlipBlock(snapshot.inside(), block)
}

// FailSnapshot turns a pending snapshot, or copy of one, to the state error.
func (c *Cloud) FailSnapshot(snapshot Ref, message string) error {
	return c.sim.EC2().SetSnapshotError(snapshot.inside(), message)
}

// BaseImage returns the id of a public image in a Region, to run instances
// from. The architecture is x86_64 or arm64.
func (c *Cloud) BaseImage(region string, architecture types.ArchitectureValues) string {
	return ec2sim.BaseImage(region, architecture)
}

// A Snapshot is what there is to know of a snapshot, seen from nobody's account.
type Snapshot struct {
	Ref
	State        types.SnapshotState // pending, completed or error; in the Recycle Bin recoverable or recovering
	StateMessage string              // of state error; else empty
	// Start is when it was made, Done when it completes or fails.
	Start, Done time.Time
	// Volume it was made of; copies have vol-ffffffff. Origin is the volume
	// whose contents it holds, through all copies.
	Volume, Origin string
	SizeGiB        int32 // of the volume, not of what was written
	// KeyARN is the key it is encrypted with; empty means not encrypted.
	KeyARN string
	Tags   map[string]string // the owner's
	// Shares are the accounts it is shared with, sorted.
	Shares []accounts.ID
	// Public says that it is shared with everybody.
	Public bool
	// Source of a copy; the zero Ref for others.
	Source Ref
	// Full says that it stores all its blocks, as first copies and archived
	// snapshots do, and not only what changed since an earlier one.
	Full bool
	// Written is how many blocks were moved to make it.
	Written int
	// Lock is the state of its lock; empty if it has none.
	Lock types.LockState
	Tier types.StorageTier // standard or archive
	// Archived is when it was archived; the zero time if it is not, and never was.
	Archived time.Time
}

// Snapshots returns every snapshot of every account, in the order in which
// they were made.
func (c *Cloud) Snapshots() []Snapshot { return snapshotsOf(c.sim.EC2().Snapshots()) }

func snapshotsOf(inside []ec2sim.Snapshot) []Snapshot {
	var all []Snapshot
	for _, s := range inside {
		out := Snapshot{
			Ref: refOf(s.Ref), State: s.State, StateMessage: s.StateMessage, Start: s.Start, Done: s.Done,
			Volume: s.Volume, Origin: s.Origin, SizeGiB: s.SizeGiB, KeyARN: s.KeyARN, Tags: maps.Clone(s.Tags), Public: s.Public,
			Source: refOf(s.Source), Full: s.Full, Written: s.Written, Lock: s.Lock, Tier: s.Tier, Archived: s.Archived,
		}
		for _, a := range slices.Sorted(slices.Values(s.Shares)) {
			out.Shares = append(out.Shares, accounts.ID(a))
		}
		all = append(all, out)
	}
	return all
}
