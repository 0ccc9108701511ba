package ec2sim

import "iter"

// end is an index beyond all that is written.
func (f *frozen) end() int64 {
	end := f.tree.end()
	for _, l := range f.layers {
		end = max(end, l.span.end())
	}
	return end
}

// writtenIn returns the blocks of a group that are written.
func (f *frozen) writtenIn(g int64) group {
	var in group
	for _, l := range f.fills {
		l.mark(g, &in)
	}
	f.tree.walk(g*groupSize, (g+1)*groupSize, func(i int64, _ *block) bool {
		in.add(int(i % groupSize))
		return true
	})
	return in
}

// from lists the blocks that are written, in order, from an index on. It
// costs what is listed, not what there is.
func (f frozen) from(first int64) iter.Seq[int64] {
	if len(f.fills) == 0 {
		return func(yield func(int64) bool) {
			f.tree.walk(first, f.tree.end(), func(i int64, _ *block) bool { return yield(i) })
		}
	}
	return groups(first, f.end(), f.writtenIn)
}

// groups lists the members of groups, in order, from an index on.
func groups(first, end int64, in func(g int64) group) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for g := first / groupSize; g*groupSize < end; g++ {
			members := in(g)
			j := 0
			if g == first/groupSize {
				j = int(first % groupSize)
			}
			for j = members.next(j); j >= 0; j = members.next(j + 1) {
				if !yield(g*groupSize + int64(j)) {
					return
				}
			}
		}
	}
}

// common is how many layers two contents share. A layer is put on one volume,
// once, so those who share it share all below it as well.
func common(a, b []*layer) int {
	n := min(len(a), len(b))
	for n > 0 && a[n-1] != b[n-1] {
		n--
	}
	return n
}

// rewrittenIn returns the blocks of a group that the layers from the given
// one on have written.
func (f *frozen) rewrittenIn(g int64, since int) group {
	var fills, churns group
	churned := false
	for _, l := range f.layers[since:] {
		if l.churn {
			churned = true
			l.mark(g, &churns)
		} else {
			l.mark(g, &fills)
		}
	}
	if churned {
		have := f.writtenIn(g)
		churns.intersect(&have)
		fills.union(&churns)
	}
	return fills
}

// changedIn returns the blocks of a group whose version is another than in
// older contents.
//
// A block that a layer has written which the other side does not have is
// another for sure. Written blocks that differ may lie below layers that both
// have, so they are looked up.
func (f *frozen) changedIn(g int64, old *frozen) group {
	shared := common(f.layers, old.layers)
	changed := f.rewrittenIn(g, shared)
	others := old.rewrittenIn(g, shared)
	changed.union(&others)
	differ(old.tree, f.tree, g*groupSize, (g+1)*groupSize, func(i int64, _, _ *block) bool {
		if j := int(i % groupSize); !changed.has(j) && old.at(i) != f.at(i) {
			changed.add(j)
		}
		return true
	})
	return changed
}

// sameLayers tells whether two contents differ in written blocks at most.
func (f *frozen) sameLayers(old *frozen) bool {
	n := common(f.layers, old.layers)
	return n == len(f.layers) && n == len(old.layers)
}

// changedFrom lists the blocks that differ from older contents, in order, from
// an index on.
func (f frozen) changedFrom(first int64, old *frozen) iter.Seq[int64] {
	end := max(f.end(), old.end())
	if f.sameLayers(old) {
		return func(yield func(int64) bool) {
			differ(old.tree, f.tree, first, end, func(i int64, _, _ *block) bool {
				return old.at(i) == f.at(i) || yield(i)
			})
		}
	}
	return groups(first, end, func(g int64) group { return f.changedIn(g, old) })
}

// changedSince counts the blocks that differ from older contents.
func (f *frozen) changedSince(old *frozen) int64 {
	n := int64(0)
	if f.sameLayers(old) {
		for range f.changedFrom(0, old) {
			n++
		}
		return n
	}
	end := max(f.end(), old.end())
	for g := int64(0); g*groupSize < end; g++ {
		changed := f.changedIn(g, old)
		n += changed.count()
	}
	return n
}
