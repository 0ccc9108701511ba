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
	// underWay says that it was begun, and so long ago.
	underWay bool
	age      time.Duration
}

// left returns how long a task still takes, if all take so many times as long
// as expected.
func (t task) left(pace float64) time.Duration {
	return max(time.Duration(float64(t.takes)*pace)-t.age, 0)
}

// A lane is the tasks that share the slots of one site.
type lane struct {
	tasks []task
	// Of what has ended there: how many, how long that was expected to take, and
	// how long it took.
	ended          int
	expected, took time.Duration
}

// enough is how many ends tell how long the others will take.
const enough = 5

// pace returns how many times as long as expected things take here. What ends
// first are the short ones, so that nothing is taken to be faster.
func (l *lane) pace() float64 {
	if l.ended < enough || l.expected <= 0 {
		return 1
	}
	return max(float64(l.took)/float64(l.expected), 1)
}

// learn takes note of what has ended.
func (l *lane) learn(t Trace, takes time.Duration) {
	if took := t.Ended.Sub(t.since()); t.Snapshot != "" && t.Completed && took > 0 {
		l.ended, l.expected, l.took = l.ended+1, l.expected+takes, l.took+took
	}
}

// since is when a snapshot was begun, as far as is known.
func (t Trace) since() time.Time {
	if t.Started.IsZero() {
		return t.Seen
	}
	return t.Started
}

// lanes are the lanes of all sites.
type lanes map[Site]*lane

func (l lanes) at(s Site) *lane {
	if l[s] == nil {
		l[s] = &lane{}
	}
	return l[s]
}

// add adds what is not begun.
func (l lanes) add(s Site, t task) { l.at(s).tasks = append(l.at(s).tasks, t) }

// play schedules the tasks of each site, and says when each is done.
func (l lanes) play(slots int, by func(a, b task) int, ready func(task) time.Duration, done func(task, time.Duration)) {
	for _, lane := range l {
		tasks := slices.Clone(lane.tasks)
		for i, t := range tasks {
			tasks[i].takes = t.left(lane.pace())
			if !t.underWay {
				tasks[i].ready = ready(t)
			}
		}
		for i, at := range schedule(tasks, slots, by) {
			done(tasks[i], at)
		}
	}
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
	if h.tasks[a].underWay != h.tasks[b].underWay {
		return h.tasks[a].underWay
	}
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
