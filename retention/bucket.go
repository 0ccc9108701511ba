package retention

import (
	"fmt"
	"math"
	"time"
)

// A family is one kind of rule: the newest points, or one calendar period.
type family uint8

const (
	last family = iota
	hourly
	daily
	weekly
	monthly
	quarterly
	yearly
	families
)

var (
	familyNames  = [families]string{"last", "hourly", "daily", "weekly", "monthly", "quarterly", "yearly"}
	familyFields = [families]string{"Last", "Hourly", "Daily", "Weekly", "Monthly", "Quarterly", "Yearly"}
	periodNames  = [families]string{"point", "hour", "day", "week", "month", "quarter", "year"}
)

// A calendar tells into which hour, day, week … of a Location a moment falls,
// each as a number that grows with time: no moment falls into an earlier
// period than an earlier moment does. Periods are therefore stretches of
// time without holes, and a scan need only compare neighbours.
//
// Local clocks break that order in two ways. When a clock is set back, an
// hour runs twice: the second run is an hour of its own. When a clock is set
// back over midnight (St. John's did so until 2011, at 00:01), a day ends,
// begins and ends again: a day that has begun stays begun.
//
// A calendar remembers the last day it was asked for, and is quick when times
// come in order.
type calendar struct {
	loc *time.Location

	// The stretch of time [from, to) over which the offset to UTC is the
	// same, and the day that had begun before it; no day in it is less.
	from, to int64
	offset   int64
	begun    int64

	day int64 // the day that keys holds, but for hourly
	key [families]int64
}

func newCalendar(loc *time.Location) calendar {
	return calendar{loc: loc, from: 1, to: 0, day: math.MinInt64}
}

// at sets the keys to the periods that hold the Unix time sec.
func (c *calendar) at(sec int64) {
	if sec < c.from || sec >= c.to {
		c.enter(sec)
	}
	local := sec + c.offset
	day := floorDiv(local, 86400)
	// The key of an hour is the moment it began.
	c.key[hourly] = max(c.from, sec-(local-floorDiv(local, 3600)*3600))
	if day = max(day, c.begun); day == c.day {
		return
	}
	year, month, _ := time.Unix(day*86400, 0).UTC().Date()
	c.day = day
	c.key[daily] = day
	c.key[weekly] = floorDiv(day+3, 7) // 1 January 1970 was a Thursday, weeks start on Monday
	c.key[monthly] = int64(year)*12 + int64(month) - 1
	c.key[quarterly] = floorDiv(c.key[monthly], 3)
	c.key[yearly] = int64(year)
}

// enter finds the stretch of one offset that holds sec.
func (c *calendar) enter(sec int64) {
	t := time.Unix(sec, 0).In(c.loc)
	_, offset := t.Zone()
	start, end := t.ZoneBounds()
	c.offset, c.from, c.to, c.begun = int64(offset), math.MinInt64, math.MaxInt64, math.MinInt64
	if !end.IsZero() {
		c.to = end.Unix()
	}
	for !start.IsZero() {
		before := start.Add(-time.Second)
		if _, was := before.Zone(); was != offset {
			c.from = start.Unix()
			c.begun = floorDiv(c.from-1+int64(was), 86400)
			break
		}
		// Only the name of the zone changed, or whether it counts as summer.
		start, _ = before.ZoneBounds()
	}
}

// name returns how people call the period that holds sec: "2026-W12".
func (c *calendar) name(f family, sec int64) string {
	c.at(sec)
	key := c.key[f]
	switch f {
	case hourly:
		return time.Unix(sec, 0).In(c.loc).Format("2006-01-02 15:00Z07:00")
	case weekly:
		year, week := dayDate(key*7 - 3).ISOWeek()
		return fmt.Sprintf("%d-W%02d", year, week)
	case monthly:
		return dayDate(c.day).Format("2006-01")
	case quarterly:
		return fmt.Sprintf("%d-Q%d", floorDiv(key, 4), key-floorDiv(key, 4)*4+1)
	case yearly:
		return fmt.Sprint(key)
	default:
		return dayDate(c.day).Format(time.DateOnly)
	}
}

// dayDate returns midnight UTC of a day numbered from 1 January 1970.
func dayDate(day int64) time.Time { return time.Unix(day*86400, 0).UTC() }

// floorDiv divides and rounds down, where / rounds towards zero.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
