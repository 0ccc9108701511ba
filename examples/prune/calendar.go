package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

// A class is what becomes of the recovery points of one day. Of several points
// the highest class shows; of several rules that keep a point the one that
// reaches furthest back.
type class int

const (
	none class = iota
	goes
	deferred
	held
	otherwise // kept by no calendar rule
	byLast
	byHourly
	byDaily
	byWeekly
	byMonthly
	byQuarterly
	byYearly
)

// classes say how each class is drawn, and what it means.
var classes = []struct {
	letter rune
	colour string
	text   string
	rule   string // what the reasons begin with
}{
	none:        {' ', "none", "no recovery point", ""},
	goes:        {'·', "#d8dde3", "goes", ""},
	deferred:    {'?', "#b9a4e0", "deferred", ""},
	held:        {'#', "#f08c3a", "held: would go, but may not", ""},
	otherwise:   {'o', "#8a97a6", "kept: tag, minimum or age", ""},
	byLast:      {'L', "#5b6b7d", "kept: last or within", "last within"},
	byHourly:    {'H', "#2f9e8f", "kept: hourly", "hourly"},
	byDaily:     {'D', "#58b368", "kept: daily", "daily"},
	byWeekly:    {'W', "#2b83ba", "kept: weekly", "weekly"},
	byMonthly:   {'M', "#1d4f91", "kept: monthly", "monthly"},
	byQuarterly: {'Q', "#7a3b8f", "kept: quarterly", "quarterly"},
	byYearly:    {'Y', "#b02a4c", "kept: yearly", "yearly"},
}

// classOf says what becomes of a point, and which rule has the greatest part in it.
func classOf(d backup.PruneDecision) class {
	switch d.Action {
	case retention.Prune:
		return goes
	case retention.Blocked:
		return held
	case retention.Defer:
		return deferred
	case retention.Retain:
	}
	best := otherwise
	for reason := range d.Reasons.All() {
		family, _, _ := strings.Cut(reason, " ") // "monthly oldest"
		family, _, _ = strings.Cut(family, "-")  // "monthly-within"
		for c := byLast; c <= byYearly; c++ {
			if slices.Contains(strings.Fields(classes[c].rule), family) {
				best = max(best, c)
			}
		}
	}
	return best
}

// A calendar shows what becomes of a group's points, by the days on which the
// policy's location has their times.
type calendar struct {
	group       backup.PruneGroup
	days        map[string]dayOf // by date
	first, last int              // years; both zero if there are no points
	count       map[class]int    // points
}

// A dayOf is what there is of one day.
type dayOf struct {
	class class
	why   []string // of each point
}

func newCalendar(g backup.PruneGroup) calendar {
	c := calendar{group: g, days: map[string]dayOf{}, count: map[class]int{}}
	zone := g.Policy.Location
	if zone == nil {
		zone = time.UTC
	}
	for i, d := range g.Decisions { // newest first
		at := d.Time.In(zone)
		if i == 0 {
			c.last = at.Year()
		}
		c.first = at.Year()
		day := c.days[at.Format(time.DateOnly)]
		day.class = max(day.class, classOf(d))
		day.why = append(day.why, d.Why)
		c.days[at.Format(time.DateOnly)] = day
		c.count[classOf(d)]++
	}
	return c
}

// title says what the calendar is of, and what becomes of how many.
func (c calendar) title() string {
	kind := "originals"
	if c.group.Copy {
		kind = "copies"
	}
	r := c.group.Resource
	return fmt.Sprintf("%s, %s at %s", r[strings.LastIndex(r, ":")+1:], kind, c.group.Site)
}

// summary counts the points.
func (c calendar) summary() string {
	kept := 0
	for class, n := range c.count {
		if class >= otherwise {
			kept += n
		}
	}
	text := fmt.Sprintf("%d kept, %d go", kept, c.count[goes])
	if n := c.count[held]; n > 0 {
		text += fmt.Sprintf(", %d held", n)
	}
	if n := c.count[deferred]; n > 0 {
		text += fmt.Sprintf(", %d deferred", n)
	}
	return text
}

// legend lists the classes that occur.
func (c calendar) legend() (list []class) {
	for class := goes; class <= byYearly; class++ {
		if c.count[class] > 0 {
			list = append(list, class)
		}
	}
	return list
}

// weeks is how many columns a year has at most: 366 days that begin on a Sunday.
const weeks = 54

// place returns the column and row of a day in its year: a column is a week,
// and Monday the first row.
func place(t time.Time) (week, weekday int) {
	begin := time.Date(t.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	n := t.YearDay() - 1 + (int(begin.Weekday())+6)%7
	return n / 7, n % 7
}

// daysOf yields the days of a year.
func daysOf(year int) (all []time.Time) {
	for t := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC); t.Year() == year; t = t.AddDate(0, 0, 1) {
		all = append(all, t)
	}
	return all
}

// calendars draws all groups of a plan for a terminal.
func calendars(p *backup.PrunePlan) string {
	var b strings.Builder
	for _, g := range p.Groups {
		b.WriteString(newCalendar(g).String())
		b.WriteByte('\n')
	}
	if len(p.Groups) == 0 {
		b.WriteString("no recovery points\n")
	}
	return b.String()
}

// String draws the calendar for a terminal: a block for each year, a letter for
// each day.
func (c calendar) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s: %s\n", c.title(), c.group.Policy, c.summary())
	for year := c.first; year <= c.last && year > 0; year++ {
		b.WriteString(c.year(year))
	}
	for _, class := range c.legend() {
		fmt.Fprintf(&b, "  %c  %s\n", classes[class].letter, classes[class].text)
	}
	return b.String()
}

// year draws one year.
func (c calendar) year(year int) string {
	head := []rune(strings.Repeat(" ", weeks+3))
	var rows [7][]rune
	for i := range rows {
		rows[i] = []rune(strings.Repeat(" ", weeks))
	}
	for _, t := range daysOf(year) {
		week, weekday := place(t)
		if t.Day() == 1 {
			copy(head[week:], []rune(t.Format("Jan")))
		}
		rows[weekday][week] = classes[c.days[t.Format(time.DateOnly)].class].letter
	}
	lines := []string{fmt.Sprintf("%d  %s", year, string(head))}
	for i, row := range rows {
		lines = append(lines, fmt.Sprintf(" %s  %s", time.Weekday((i + 1) % 7).String()[:3], string(row)))
	}
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// beside puts two texts side by side.
func beside(left, right string) string {
	l, r := strings.Split(strings.TrimRight(left, "\n"), "\n"), strings.Split(strings.TrimRight(right, "\n"), "\n")
	width := 0
	for _, line := range l {
		width = max(width, utf8.RuneCountInString(line))
	}
	var b strings.Builder
	for i := range max(len(l), len(r)) {
		var a, z string
		if i < len(l) {
			a = l[i]
		}
		if i < len(r) {
			z = r[i]
		}
		line := a + strings.Repeat(" ", width-utf8.RuneCountInString(a)) + "  |  " + z
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}
