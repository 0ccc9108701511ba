package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// The measures of a drawing, in pixels.
const (
	width     = 960
	left      = 8
	right     = 34 // where the last time is written
	top       = 18 // above it stand the times
	laneStep  = 7
	curveTall = 120
)

// What has more bars or lanes than this is drawn as a curve: how many were
// under way at each moment.
const (
	mostBars  = 1500
	mostLanes = 60
)

// A drawing is a timeline as the template draws it.
type drawing struct {
	Site    string
	Summary string
	Width   int
	Height  int
	Ticks   []tick
	Bars    []drawnBar
	Curve   string // an SVG path; empty if Bars are drawn
	Floor   int    // where the drawing ends above the times
}

type tick struct {
	X    float64
	Text string
}

type drawnBar struct {
	X, W  float64
	Y     int
	Class string
	Title string
}

// A scale maps moments to pixels.
type scale struct {
	from time.Time
	per  float64 // pixels a second
}

// x returns a place to a tenth of a pixel, so that pages stay small.
func (s scale) x(t time.Time) float64 { return tenth(left + t.Sub(s.from).Seconds()*s.per) }

func tenth(x float64) float64 { return math.Round(x*10) / 10 }

// draw draws a timeline between two moments.
func draw(l Timeline, from, to time.Time) drawing {
	s := scale{from: from, per: (width - left - right) / max(to.Sub(from).Seconds(), 1)}
	d := drawing{Site: l.Site.String(), Summary: summary(l), Width: width, Ticks: ticks(s, from, to)}
	if len(l.Bars) > mostBars || l.Lanes > mostLanes {
		d.Curve, d.Floor = curve(l, s), top+curveTall
	} else {
		d.Floor = top + l.Lanes*laneStep
		for _, b := range l.Bars {
			d.Bars = append(d.Bars, drawBar(b, s))
		}
	}
	d.Height = d.Floor + 4
	return d
}

func summary(l Timeline) string {
	n := map[Kind]int{}
	failed, open := 0, 0
	for _, b := range l.Bars {
		n[b.Kind]++
		if b.Failed {
			failed++
		}
		if b.Open {
			open++
		}
	}
	var parts []string
	for _, k := range []struct {
		n    int
		text string
	}{{n[Original], "originals"}, {n[Rekeyed], "rekeyed"}, {n[Copy], "copies"}, {failed, "failed"}, {open, "still pending"}} {
		if k.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", k.n, k.text))
		}
	}
	return fmt.Sprintf("%s; at most %d at once", strings.Join(parts, ", "), l.Lanes)
}

func drawBar(b Bar, s scale) drawnBar {
	class := string(b.Kind)
	state := "done after " + b.End.Sub(b.Start).Round(time.Second).String()
	switch {
	case b.Failed:
		class, state = "failed", "failed after "+b.End.Sub(b.Start).Round(time.Second).String()
	case b.Open:
		class, state = class+" open", "still pending"
	}
	return drawnBar{
		X: s.x(b.Start), W: max(tenth(s.x(b.End)-s.x(b.Start)), 1), Y: top + b.Lane*laneStep, Class: class,
		Title: fmt.Sprintf("%s: %s of %s, %s, %d GiB, from %s UTC, %s", b.Snapshot, b.Kind, b.Resource, b.Volume, b.GiB,
			b.Start.UTC().Format("15:04:05"), state),
	}
}

// curve returns how many bars were under way at each moment, as an area.
func curve(l Timeline, s scale) string {
	type change struct {
		at time.Time
		by int
	}
	var changes []change
	for _, b := range l.Bars {
		changes = append(changes, change{b.Start, 1}, change{b.End, -1})
	}
	slices.SortStableFunc(changes, func(a, b change) int { return a.at.Compare(b.at) })
	height := func(n int) float64 { return top + curveTall - float64(n)/float64(max(l.Lanes, 1))*curveTall }
	var p strings.Builder
	n, last := 0, -1.0
	fmt.Fprintf(&p, "M%.1f %.1f", s.x(changes[0].at), height(0))
	for _, c := range changes {
		if x := s.x(c.at); x-last >= 0.5 { // finer than that nobody sees
			fmt.Fprintf(&p, "H%.1fV%.1f", x, height(n))
			last = x
		}
		n += c.by
	}
	fmt.Fprintf(&p, "H%.1fV%.1fZ", s.x(changes[len(changes)-1].at), height(0))
	return p.String()
}

// ticks returns at most a dozen times to write above a drawing.
func ticks(s scale, from, to time.Time) []tick {
	steps := []time.Duration{
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour,
		2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	}
	step := steps[0]
	for _, step = range steps {
		if to.Sub(from) <= 12*step {
			break
		}
	}
	for to.Sub(from) > 12*step {
		step *= 2
	}
	format := "15:04"
	if step >= 24*time.Hour {
		format = "2 Jan"
	}
	var list []tick
	for t := from.UTC().Truncate(step); !t.After(to); t = t.Add(step) {
		if !t.Before(from) {
			list = append(list, tick{s.x(t), t.Format(format)})
		}
	}
	return list
}
