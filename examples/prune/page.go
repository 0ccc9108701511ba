package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

// pageText is the template of the page: it needs no network, and no script.
//
//go:embed page.html
var pageText string

// A side is one plan on the page.
type side struct {
	Name      string
	Calendars []drawing
	Plan      *backup.PrunePlan
}

// A drawing is a calendar as the template draws it.
type drawing struct {
	Title, Policy, Summary string
	Years                  []drawnYear
	Legend                 []drawnClass
	Decisions              []backup.PruneDecision
}

type drawnYear struct {
	Year   int
	Months []label
	Cells  []cell
}

// A label is a text at a place; a cell is a day there.
type label struct {
	X    int
	Text string
}

type cell struct {
	X, Y   int
	Colour string
	Title  string
}

type drawnClass struct{ Colour, Text string }

// step is the side of a day, with the space to the next.
const step = 13

// page writes a plan's calendars as one HTML page, beside those of another plan
// if there is one.
func page(w io.Writer, plan, other *backup.PrunePlan) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"minute": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") },
		"action": func(a *retention.Action, none string) string {
			if a == nil {
				return none
			}
			return a.String()
		},
	}).Parse(pageText)
	if err != nil {
		return err
	}
	data := struct {
		Name, Tally string
		Made        time.Time
		Width       int
		Height      int
		Sides       []side
		Diff        backup.PruneDiff
	}{
		Name: plan.Plan.Name, Made: plan.Made, Width: 34 + weeks*step, Height: 20 + 7*step,
		Sides: []side{draw("as planned", plan)},
	}
	if other != nil {
		data.Sides = append(data.Sides, draw("what if", other))
		data.Diff = other.Diff(plan)
		data.Tally = tally(data.Diff)
	}
	return t.Execute(w, data)
}

func draw(name string, p *backup.PrunePlan) side {
	s := side{Name: name, Plan: p}
	for _, g := range p.Groups {
		c := newCalendar(g)
		d := drawing{Title: c.title(), Policy: g.Policy.String(), Summary: c.summary(), Decisions: g.Decisions}
		for year := c.first; year <= c.last && year > 0; year++ {
			d.Years = append(d.Years, c.draw(year))
		}
		for _, class := range c.legend() {
			d.Legend = append(d.Legend, drawnClass{classes[class].colour, classes[class].text})
		}
		s.Calendars = append(s.Calendars, d)
	}
	return s
}

func (c calendar) draw(year int) drawnYear {
	y := drawnYear{Year: year}
	for _, t := range daysOf(year) {
		week, weekday := place(t)
		if t.Day() == 1 {
			y.Months = append(y.Months, label{34 + week*step, t.Format("Jan")})
		}
		date := t.Format(time.DateOnly)
		day, there := c.days[date]
		drawn := cell{X: 34 + week*step, Y: 18 + weekday*step, Colour: classes[day.class].colour, Title: date + ": no recovery point"}
		if there {
			drawn.Title = fmt.Sprintf("%s, %s: %s", date, classes[day.class].text, strings.Join(day.why, " "))
		}
		y.Cells = append(y.Cells, drawn)
	}
	return y
}
