package ec2sim

import "slices"

// A queue holds what is under way and counts against a limit. What is over
// stays on it until somebody has to know, so that a queue without a limit
// costs nothing however long it is.
type queue[T any] []T

// full tells whether the queue has reached its limit, with so many more to come.
func (q *queue[T]) full(limit, more int, over func(T) bool) bool {
	if !reached(limit, len(*q)+more) {
		return false
	}
	*q = slices.DeleteFunc(*q, over)
	return reached(limit, len(*q)+more)
}

// add puts x on the queue. Where that takes room, those that are over go
// first, and the room is doubled: each is looked at twice, not once a call.
func (q *queue[T]) add(x T, over func(T) bool) {
	if len(*q) == cap(*q) {
		*q = slices.DeleteFunc(*q, over)
		*q = slices.Grow(*q, len(*q)+1)
	}
	*q = append(*q, x)
}
