package ec2sim

import (
	"cmp"
	"slices"
)

// A resource has a place in the order in which resources were made.
type resource interface {
	comparable
	order() uint64
}

// A shelf holds resources in the order of their making, which is the order
// in which they are listed.
type shelf[T resource] struct {
	items []T
}

func (sh *shelf[T]) add(x T) { sh.items = append(sh.items, x) }

func (sh *shelf[T]) find(order uint64) (int, bool) {
	return slices.BinarySearchFunc(sh.items, order, func(x T, o uint64) int { return cmp.Compare(x.order(), o) })
}

func (sh *shelf[T]) remove(x T) {
	if i, ok := sh.find(x.order()); ok {
		sh.items = slices.Delete(sh.items, i, i+1)
	}
}

// after returns what was made after the resource with that place.
func (sh *shelf[T]) after(order uint64) []T {
	i, ok := sh.find(order)
	if ok {
		i++
	}
	return sh.items[i:]
}
