package retention

import (
	"math"
	"time"
)

// Reach returns how far before the newest complete point the oldest one lies
// that the policy keeps, once backups have gone on for longer than that and
// come more often than each rule's period: at the worst moment, guaranteed,
// and on average, usual. No limit, or one above 292 years, is math.MaxInt64.
//
// A count reaches less far than it sounds. Of 3 yearly points the first
// stands for the year that has just begun and the second for the one just
// ended, so that on 1 January the third is one year and a day old: n periods
// guarantee n-2. A calendar rule's span falls short of itself by up to one
// period, for its oldest point goes when it is that old, and the next one
// stands for the next period. Within and MinAge keep everything younger, and
// reach as far as they say, less the distance of two points.
//
// Last, MinCount and Tags reach as far as points happen to lie, and add
// nothing here. Days are 24 hours, months and years as short as they come:
// where clocks change, a day's rule may fall short by that change.
func (p Policy) Reach() (guaranteed, usual time.Duration) {
	consider := func(least, mean float64) {
		guaranteed, usual = max(guaranteed, hoursOf(least)), max(usual, hoursOf(mean))
	}
	guaranteed, usual = p.MinAge, p.MinAge
	for f := range families {
		keep := p.keep(f)
		if keep.Count == All {
			consider(math.Inf(1), math.Inf(1))
		}
		if f > last && keep.Count >= 2 {
			count := min(int(keep.Count), endless)
			consider(periods[f].shortest(count-2), (float64(count)-1.5)*periods[f].mean)
		}
		if keep.Within != (Span{}) {
			least, mean := keep.Within.hours()
			consider(max(0, least-periods[f].longest), max(0, mean-periods[f].mean/2))
		}
	}
	return guaranteed, usual
}

// A period is the length of a family's period in hours.
type period struct {
	mean, longest float64
	// shortest returns how little n periods in a row can be.
	shortest func(n int) float64
}

const (
	// endless is more hours than a Duration has, and safe to multiply.
	endless   = 1 << 28
	dayHours  = 24
	yearHours = 365.2425 * dayHours // of the Gregorian calendar, on average
)

var periods = [families]period{
	last:      {0, 0, times(0)},
	hourly:    {1, 1, times(1)},
	daily:     {dayHours, dayHours, times(dayHours)},
	weekly:    {7 * dayHours, 7 * dayHours, times(7 * dayHours)},
	monthly:   {yearHours / 12, 31 * dayHours, func(n int) float64 { return shortestMonths(n, 1) }},
	quarterly: {yearHours / 4, 92 * dayHours, func(n int) float64 { return shortestMonths(3*n, 3) }},
	yearly:    {yearHours, 366 * dayHours, times(365 * dayHours)},
}

func times(hours float64) func(int) float64 {
	return func(n int) float64 { return float64(n) * hours }
}

// monthDays are the lengths of the months of a year without a leap day.
var monthDays = [12]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// shortestMonths returns how few hours n months in a row can have, if the
// first is one of every step months of a year. No eight years around 2100
// have a leap day, so none is counted.
func shortestMonths(n, step int) float64 {
	least := 365
	for first := 0; first < 12; first += step {
		days := 0
		for i := range n % 12 {
			days += monthDays[(first+i)%12]
		}
		least = min(least, days)
	}
	return (float64(n/12)*365 + float64(least)) * dayHours
}

// hours returns how many hours the span takes at least, and on average.
func (s Span) hours() (least, mean float64) {
	rest := float64(s.Days)*dayHours + float64(s.Hours)
	months := s.Years*12 + s.Months
	return shortestMonths(months, 1) + rest, float64(months)*yearHours/12 + rest
}

// hoursOf returns that many hours, at most the longest Duration.
func hoursOf(hours float64) time.Duration {
	if ns := hours * float64(time.Hour); ns < math.MaxInt64 {
		return time.Duration(ns)
	}
	return math.MaxInt64
}
