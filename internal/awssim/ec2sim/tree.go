package ec2sim

// A tree holds written blocks by index. A tree made from another by writing
// shares with it all that was not written, so a snapshot costs nothing, and
// to compare two costs what differs.
type tree struct {
	root  *node
	level int // of the root; leaves are at level 0
}

// A node has 32 slots: for blocks at level 0, for nodes above.
const (
	slotBits = 5
	slots    = 1 << slotBits
)

type node struct {
	owner  *owner // who may change it in place
	count  int64  // blocks below
	blocks *[slots]*block
	kids   *[slots]*node
}

// An owner stands for one volume between two snapshots. What belongs to
// another is copied before it is changed.
type owner struct{ _ byte }

func newNode(o *owner, level int) *node {
	if level == 0 {
		return &node{owner: o, blocks: new([slots]*block)}
	}
	return &node{owner: o, kids: new([slots]*node)}
}

// own returns the node, or a copy if it belongs to another.
func (n *node) own(o *owner) *node {
	if n.owner == o {
		return n
	}
	mine := &node{owner: o, count: n.count}
	if n.blocks != nil {
		blocks := *n.blocks
		mine.blocks = &blocks
	} else {
		kids := *n.kids
		mine.kids = &kids
	}
	return mine
}

func slot(i int64, level int) int { return int(i >> (slotBits * level) & (slots - 1)) }

// covers tells whether an index fits below a node of the level.
func covers(level int, i int64) bool { return i>>(slotBits*(level+1)) == 0 }

func (t tree) count() int64 {
	if t.root == nil {
		return 0
	}
	return t.root.count
}

// end is an index beyond all that the tree can hold without growing.
func (t tree) end() int64 {
	if t.root == nil {
		return 0
	}
	return 1 << (slotBits * (t.level + 1))
}

func (t tree) get(i int64) *block {
	if t.root == nil || !covers(t.level, i) {
		return nil
	}
	n := t.root
	for level := t.level; level > 0; level-- {
		if n = n.kids[slot(i, level)]; n == nil {
			return nil
		}
	}
	return n.blocks[slot(i, 0)]
}

// put sets a block. Nodes that do not belong to o are left as they are.
func (t *tree) put(o *owner, i int64, b *block) {
	if t.root == nil {
		t.root = newNode(o, 0)
	}
	for !covers(t.level, i) {
		*t = t.lifted(o)
	}
	t.root = t.root.put(o, t.level, i, b)
}

func (n *node) put(o *owner, level int, i int64, b *block) *node {
	n = n.own(o)
	at := slot(i, level)
	if level == 0 {
		if n.blocks[at] == nil {
			n.count++
		}
		n.blocks[at] = b
		return n
	}
	kid := n.kids[at]
	if kid == nil {
		kid = newNode(o, level-1)
	}
	before := kid.count
	kid = kid.put(o, level-1, i, b)
	n.kids[at] = kid
	n.count += kid.count - before
	return n
}

// lifted returns the tree with one more level.
func (t tree) lifted(o *owner) tree {
	up := newNode(o, t.level+1)
	up.kids[0] = t.root
	if t.root != nil {
		up.count = t.root.count
	}
	return tree{root: up, level: t.level + 1}
}

// walk gives the blocks from one index to before another, in order, until
// told to stop.
func (t tree) walk(from, to int64, yield func(int64, *block) bool) {
	differ(tree{}, t, from, to, func(i int64, _, b *block) bool { return yield(i, b) })
}

// differ gives the indexes at which two trees hold different blocks, in order,
// until told to stop.
func differ(a, b tree, from, to int64, yield func(i int64, x, y *block) bool) {
	for a.level < b.level {
		a = a.lifted(nil)
	}
	for b.level < a.level {
		b = b.lifted(nil)
	}
	diff{from, to, yield}.nodes(a.root, b.root, a.level, 0)
}

// A diff is one comparison of two trees.
type diff struct {
	from, to int64
	yield    func(i int64, x, y *block) bool
}

// nodes compares two nodes whose first index is base. It returns false if it
// was told to stop.
func (d diff) nodes(a, b *node, level int, base int64) bool {
	if a == b || base >= d.to || base+1<<(slotBits*(level+1)) <= d.from {
		return true
	}
	for at := range slots {
		i := base + int64(at)<<(slotBits*level)
		if level > 0 {
			if !d.nodes(a.kid(at), b.kid(at), level-1, i) {
				return false
			}
			continue
		}
		x, y := a.block(at), b.block(at)
		if x != y && i >= d.from && i < d.to && !d.yield(i, x, y) {
			return false
		}
	}
	return true
}

func (n *node) kid(at int) *node {
	if n == nil {
		return nil
	}
	return n.kids[at]
}

func (n *node) block(at int) *block {
	if n == nil {
		return nil
	}
	return n.blocks[at]
}
