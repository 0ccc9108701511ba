package backup

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// A task is one snapshot or copy in a forecast: what it takes, and from when on
// it can be begun.
type task struct {
	job   int // index into the forecaster's jobs
	ready time.Duration
	takes time.Duration
	// soonest is how soon it could be ready, with all the world for its job.
	soonest time.Duration
}

// schedule plays through what the engine does with tasks that share so many
// slots: of those that are ready the first in an order is begun. It returns
// when each is done.
func schedule(tasks []task, slots int, by func(a, b task) int) []time.Duration {
	order := make([]int, len(tasks))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(tasks[a].ready, tasks[b].ready), cmp.Compare(a, b)) })
	done := make([]time.Duration, len(tasks))
	busy := &durations{}
	waiting := &ready{tasks: tasks, by: by}
	for now := time.Duration(0); len(order) > 0 || waiting.Len() > 0; {
		for len(order) > 0 && tasks[order[0]].ready <= now {
			heap.Push(waiting, order[0])
			order = order[1:]
		}
		for busy.Len() > 0 && (*busy)[0] <= now {
			heap.Pop(busy)
		}
		switch {
		case waiting.Len() > 0 && busy.Len() < slots:
			i := heap.Pop(waiting).(int)
			done[i] = now + tasks[i].takes
			heap.Push(busy, done[i])
		case waiting.Len() == 0:
			now = tasks[order[0]].ready
		case len(order) > 0 && tasks[order[0]].ready < (*busy)[0]:
			now = tasks[order[0]].ready
		default:
			now = (*busy)[0]
		}
	}
	return done
}

// durations is a heap, the shortest first.
type durations []time.Duration

func (h durations) Len() int           { return len(h) }
func (h durations) Less(i, j int) bool { return h[i] < h[j] }
func (h durations) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push and Pop are called by container/heap.
func (h *durations) Push(x any) { *h = append(*h, x.(time.Duration)) }

func (h *durations) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// longestFirst and shortestFirst are orders of tasks.
func longestFirst(a, b task) int  { return cmp.Compare(b.takes, a.takes) }
func shortestFirst(a, b task) int { return cmp.Compare(a.takes, b.takes) }

// ready is a heap of indexes of tasks, in an order.
type ready struct {
	tasks []task
	by    func(a, b task) int
	list  []int
}

func (h ready) Len() int { return len(h.list) }

func (h ready) Less(i, j int) bool {
	a, b := h.list[i], h.list[j]
	return cmp.Or(h.by(h.tasks[a], h.tasks[b]), cmp.Compare(a, b)) < 0
}

func (h ready) Swap(i, j int) { h.list[i], h.list[j] = h.list[j], h.list[i] }

// Push and Pop are called by container/heap.
func (h *ready) Push(x any) { h.list = append(h.list, x.(int)) }

func (h *ready) Pop() any {
	last := h.list[len(h.list)-1]
	h.list = h.list[:len(h.list)-1]
	return last
}
