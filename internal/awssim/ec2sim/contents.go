package ec2sim

import (
	"bytes"
	"maps"
)

// BlockSize is the unit in which contents are kept, compared and written.
// Source: EBS direct APIs, "Elements": a block is 512 KiB.
const BlockSize = 512 << 10

// blocksPerGiB is how many blocks make a GiB.
const blocksPerGiB = (1 << 30) / BlockSize

// A block is one written block. It never changes, so that any number of
// snapshots and volumes can hold it.
type block struct {
	data []byte // at most BlockSize; what is missing is zeros
}

func newBlock(data []byte) *block {
	return &block{data: bytes.Clone(bytes.TrimRight(data, "\x00"))}
}

// A frozen holds the contents of a snapshot by block index. It is never
// written to.
type frozen map[int64]*block

// changedSince counts the blocks that differ from older contents.
func (f frozen) changedSince(old frozen) int {
	n := 0
	for i, b := range f {
		if old[i] != b {
			n++
		}
	}
	for i := range old {
		if f[i] == nil {
			n++
		}
	}
	return n
}

// A disk holds the contents of a volume. Its map may be that of a snapshot
// until the next write.
type disk struct {
	blocks  map[int64]*block
	lent    bool               // blocks belongs to a snapshot too
	changed map[int64]struct{} // since the last snapshot; nil before the first
}

// diskFrom returns a disk with the contents of a snapshot.
func diskFrom(f frozen) disk { return disk{blocks: f, lent: true} }

func (d *disk) write(index int64, data []byte) {
	if d.lent {
		d.blocks, d.lent = maps.Clone(d.blocks), false
	}
	if d.blocks == nil {
		d.blocks = map[int64]*block{}
	}
	d.blocks[index] = newBlock(data)
	if d.changed != nil {
		d.changed[index] = struct{}{}
	}
}

// dirty counts the blocks that a snapshot taken now would store: the changed
// ones, or for the first snapshot all.
func (d *disk) dirty() int {
	if d.changed == nil {
		return len(d.blocks)
	}
	return len(d.changed)
}

// freeze returns the contents for a snapshot.
func (d *disk) freeze() frozen {
	d.lent = true
	d.changed = map[int64]struct{}{}
	return d.blocks
}

// Contents are what a volume or a snapshot holds, as plain data.
type Contents struct {
	// GiB is the size of the whole.
	GiB int32
	// Blocks holds what was written, by block index. Data may be shorter than
	// BlockSize: the rest, like every block that is absent, is zeros.
	Blocks map[int64][]byte
}

// contentsOf copies contents out of the simulation.
func contentsOf(gib int32, blocks map[int64]*block) Contents {
	c := Contents{GiB: gib, Blocks: make(map[int64][]byte, len(blocks))}
	for i, b := range blocks {
		c.Blocks[i] = bytes.Clone(b.data)
	}
	return c
}

// Equal reports whether both hold the same bytes, whatever their sizes: a
// volume may be larger than the snapshot it was made from.
func (c Contents) Equal(other Contents) bool { return c.covers(other) && other.covers(c) }

// covers reports whether each block of other that is not all zeros is in c.
func (c Contents) covers(other Contents) bool {
	for i, data := range other.Blocks {
		if !bytes.Equal(bytes.TrimRight(data, "\x00"), bytes.TrimRight(c.Blocks[i], "\x00")) {
			return false
		}
	}
	return true
}
