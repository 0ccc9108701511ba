package ec2sim

import (
	"encoding/binary"
	"math/bits"
)

// A Span is a run of blocks.
type Span struct {
	// First is the index of its first block, Count how many there are.
	First, Count int64
}

func (s Span) end() int64 { return s.First + s.Count }

// A layer stands for many written blocks that nobody stores: which they are
// and what they hold is worked out from its seed when somebody looks. Layers
// lie on one another; the topmost that hits a block says what is in it.
//
// The share of blocks that a layer hits is exact in every group of blocks, so
// that they can be counted and listed group by group, without asking for each
// block.
type layer struct {
	seed  uint64
	share uint64 // of whole
	span  Span
	churn bool // hits only what is written already
}

const (
	// whole is the share that hits every block.
	whole = 1 << 32
	// groupSize is how many blocks make a group: a power of two.
	groupSize = 1024
)

// A group is a set of blocks within one group.
type group [groupSize / 64]uint64

func (g *group) add(j int)      { g[j/64] |= 1 << (j % 64) }
func (g *group) has(j int) bool { return g[j/64]>>(j%64)&1 == 1 }

func (g *group) count() int64 {
	n := 0
	for _, w := range g {
		n += bits.OnesCount64(w)
	}
	return int64(n)
}

func (g *group) union(other *group) {
	for i := range g {
		g[i] |= other[i]
	}
}

func (g *group) intersect(other *group) {
	for i := range g {
		g[i] &= other[i]
	}
}

func (g *group) subtract(other *group) {
	for i := range g {
		g[i] &^= other[i]
	}
}

// next returns the first member from j on, or -1.
func (g *group) next(j int) int {
	for w := j / 64; w < len(g); w++ {
		rest := g[w]
		if w == j/64 {
			rest = rest >> (j % 64) << (j % 64)
		}
		if rest != 0 {
			return w*64 + bits.TrailingZeros64(rest)
		}
	}
	return -1
}

// mix spreads a number over all bits.
// Source of the constants: Steele, Lea, Flood, "Fast splittable pseudorandom
// number generators" (SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// quota is how many blocks of a group the layer hits. The sum over the first
// groups is the share of their blocks, to within one.
func (l *layer) quota(g int64) uint64 {
	before := func(g int64) uint64 { return (uint64(g)*groupSize*l.share + mix(l.seed)%whole) / whole }
	return before(g+1) - before(g)
}

// order gives the blocks of a group an order: block j comes at a·j+b, modulo
// the group's size. The layer hits the first of that order, as many as its quota.
func (l *layer) order(g int64) (a, b uint64) {
	h := mix(l.seed ^ mix(uint64(g)))
	return h | 1, h >> 32
}

func (l *layer) hits(i int64) bool {
	if i < l.span.First || i >= l.span.end() {
		return false
	}
	if l.share == whole {
		return true
	}
	g := i / groupSize
	a, b := l.order(g)
	return (a*uint64(i)+b)%groupSize < l.quota(g)
}

// mark adds the blocks of a group that the layer hits.
func (l *layer) mark(g int64, into *group) {
	first := g * groupSize
	if first+groupSize <= l.span.First || first >= l.span.end() {
		return
	}
	inside := first >= l.span.First && first+groupSize <= l.span.end()
	q := l.quota(g)
	if inside && q == groupSize {
		for i := range into {
			into[i] = ^uint64(0)
		}
		return
	}
	a, b := l.order(g)
	inverse := a // modulo 8; each step doubles the bits that are right
	inverse *= 2 - a*inverse
	inverse *= 2 - a*inverse
	for r := range q {
		j := int(inverse * (r - b) % groupSize)
		if i := first + int64(j); inside || i >= l.span.First && i < l.span.end() {
			into.add(j)
		}
	}
}

// data is what a layer's block holds. Most blocks are short, since nobody
// gains from hashing zeros; one in a thousand is full, so that a reader that
// loses the end of a block is found out.
func (l *layer) data(i int64) []byte {
	const short, oneIn = 512, 1024
	x := mix(l.seed ^ mix(uint64(i)))
	size := short
	if x%oneIn == 0 {
		size = BlockSize
	}
	data := make([]byte, size)
	for at := 0; at < size; at += 8 {
		x = mix(x)
		binary.LittleEndian.PutUint64(data[at:], x)
	}
	data[size-1] |= 1 // no zero at the end, where zeros do not count
	return data
}
