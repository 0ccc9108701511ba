package ec2sim

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
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
	// above is how many layers there were when it was written: it lies on them
	// and below later ones.
	above int
}

func newBlock(data []byte, above int) *block {
	return &block{data: bytes.Clone(bytes.TrimRight(data, "\x00")), above: above}
}

// frozen is what a snapshot holds: layers of computed blocks, and the blocks
// that were written one by one. It is never changed.
type frozen struct {
	tree   tree
	layers []*layer
	fills  []*layer // those of layers that do not churn
	count  int64    // blocks that are written
}

// A version is what one block holds: a written block, or that of a layer, or
// nothing. Two blocks of one index are the same if their versions are.
type version struct {
	block *block
	layer *layer
}

func (v version) written() bool { return v != version{} }

// data without the zeros at its end.
func (v version) data(i int64) []byte {
	switch {
	case v.block != nil:
		return v.block.data
	case v.layer != nil:
		return v.layer.data(i)
	}
	return nil
}

// at looks a block up, from the top.
func (f *frozen) at(i int64) version {
	b := f.tree.get(i)
	bottom := 0
	if b != nil {
		bottom = b.above
	}
	var top *layer
	for k := len(f.layers) - 1; k >= bottom; k-- {
		l := f.layers[k]
		if !l.hits(i) {
			continue
		}
		if top == nil {
			top = l
		}
		if !l.churn {
			return version{layer: top}
		}
	}
	switch {
	case b == nil: // what churns hit was never written
		return version{}
	case top != nil:
		return version{layer: top}
	}
	return version{block: b}
}

// with returns the contents with one block more or another one.
func (f frozen) with(i int64, data []byte) frozen {
	d := disk{frozen: f}
	d.write(i, data)
	return d.frozen
}

// A disk holds the contents of a volume.
type disk struct {
	frozen
	owner *owner  // of what was written since the last snapshot; nil: nothing was
	last  *frozen // as of the last snapshot; nil before the first
}

// diskFrom returns a disk with the contents of a snapshot.
func diskFrom(f frozen) disk { return disk{frozen: f} }

func (d *disk) write(i int64, data []byte) {
	if d.owner == nil {
		d.owner = new(owner)
	}
	if !d.at(i).written() {
		d.count++
	}
	d.tree.put(d.owner, i, newBlock(data, len(d.layers)))
}

// fill puts a layer on a disk of so many blocks.
func (d *disk) fill(l *layer, blocks int64) {
	if l.share == whole && l.span.Count == blocks {
		// Nothing below can be seen any more.
		d.frozen, d.owner = frozen{layers: []*layer{l}, fills: []*layer{l}, count: l.span.Count}, nil
		return
	}
	for g := l.span.First / groupSize; g*groupSize < l.span.end(); g++ {
		var fresh group
		l.mark(g, &fresh)
		have := d.writtenIn(g)
		fresh.subtract(&have)
		d.count += fresh.count()
	}
	d.lay(l)
	d.fills = append(slices.Clip(d.fills), l)
}

// lay puts a layer on top. Snapshots share what is below, so it is not
// appended in place.
func (d *disk) lay(l *layer) { d.layers = append(slices.Clip(d.layers), l) }

// churn writes a share of what is written anew, and counts it.
func (d *disk) churn(seed, share uint64) int64 {
	l := &layer{seed: seed, share: share, span: Span{Count: d.end()}, churn: true}
	before := d.frozen
	d.lay(l)
	return d.changedSince(&before)
}

// dirty counts the blocks that a snapshot taken now would store: the changed
// ones, or for the first snapshot all.
func (d *disk) dirty() int64 {
	if d.last == nil {
		return d.count
	}
	return d.changedSince(d.last)
}

// freeze returns the contents for a snapshot.
func (d *disk) freeze() frozen {
	now := d.frozen
	d.last, d.owner = &now, nil
	return now
}

// Contents are what a volume or a snapshot holds, as plain data.
type Contents struct {
	// GiB is the size of the whole.
	GiB int32
	// Blocks holds what was written, by block index. Data may be shorter than
	// BlockSize: the rest, like every block that is absent, is zeros.
	Blocks map[int64][]byte
}

// ErrTooLarge is returned for contents that are too many to be held as plain
// data; see Service.FirstDifference.
var ErrTooLarge = errors.New("ec2sim: too many computed blocks to read")

// maxComputed is how many computed blocks are made into plain data: 128 MiB of it.
const maxComputed = 1 << 17

// contentsOf copies contents out of the simulation.
func contentsOf(gib int32, f frozen) (Contents, error) {
	if n := f.count - f.tree.count(); n > maxComputed {
		return Contents{}, fmt.Errorf("%w: %d, and %d at most", ErrTooLarge, n, maxComputed)
	}
	c := Contents{GiB: gib, Blocks: make(map[int64][]byte, f.count)}
	for i := range f.from(0) {
		c.Blocks[i] = bytes.Clone(f.at(i).data(i))
	}
	return c, nil
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
