package enginebench_test

import "slices"

// Outcomes are what an algorithm came to in several worlds of a cell.
type outcomes []outcome

// callsEach is all calls of a run, for each volume that was protected.
func (o outcome) callsEach() float64 { return float64(o.Calls) / float64(max(o.Protected, 1)) }

// overFloor is the makespan in terms of the floor.
func (o outcome) overFloor() float64 { return o.Makespan.Seconds() / max(o.Floor, 1).Seconds() }

// cpuEach is how many microseconds were computed, for each volume that was
// protected.
func (o outcome) cpuEach() float64 {
	return float64(o.CPU.Microseconds()) / float64(max(o.Protected, 1))
}

func (all outcomes) each(of func(outcome) float64) []float64 {
	var list []float64
	for _, o := range all {
		list = append(list, of(o))
	}
	return list
}

func (all outcomes) median(of func(outcome) float64) float64 {
	list := all.each(of)
	slices.Sort(list)
	return (list[len(list)/2] + list[(len(list)-1)/2]) / 2
}

func (all outcomes) mean(of func(outcome) float64) float64 {
	sum := 0.0
	for _, o := range all {
		sum += of(o)
	}
	return sum / float64(len(all))
}

func (all outcomes) worst(of func(outcome) float64) float64 { return slices.Max(all.each(of)) }
