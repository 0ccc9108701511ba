package retention

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Span is a length of civil time. Years and months are taken off the date
// and the day is clamped to the end of the month, so that one month before
// 31 March is the last day of February; then days are taken off the date, and
// at last hours off the clock that never changes. The zero Span is none.
type Span struct {
	Years, Months, Days, Hours int // none negative, none more than 9,999 years
}

// maxYears bounds a Span, so that no sum of its parts can overflow.
const maxYears = 9999

// String returns the span as policy text has it: "1y2m3d4h"; "0h" if none.
func (s Span) String() string {
	if s == (Span{}) {
		return "0h"
	}
	var b strings.Builder
	for _, part := range s.parts() {
		if *part.n != 0 {
			b.WriteString(strconv.Itoa(*part.n))
			b.WriteByte(part.unit)
		}
	}
	return b.String()
}

type spanPart struct {
	unit byte
	n    *int
	most int
}

// parts lists the fields from the longest to the shortest, as text has them.
func (s *Span) parts() [4]spanPart {
	return [4]spanPart{
		{'y', &s.Years, maxYears},
		{'m', &s.Months, maxYears * 12},
		{'d', &s.Days, maxYears * 366},
		{'h', &s.Hours, maxYears * 366 * 24},
	}
}

// parseSpan reads numbers with the units y, m, d, h, in this order and each
// at most once.
func parseSpan(text string) (Span, error) {
	var s Span
	rest, found := text, false
	for _, part := range s.parts() {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		if digits == 0 || digits == len(rest) || rest[digits] != part.unit {
			continue
		}
		n, err := strconv.Atoi(rest[:digits])
		if err != nil || n > part.most {
			return Span{}, fmt.Errorf("%q is more than %d years", text, maxYears)
		}
		*part.n, rest, found = n, rest[digits+1:], true
	}
	if rest != "" || !found {
		return Span{}, fmt.Errorf("%q is not a span such as 1y2m3d4h", text)
	}
	return s, nil
}

// check returns what is wrong with the span, or "".
func (s Span) check() string {
	for _, part := range s.parts() {
		switch {
		case *part.n < 0:
			return fmt.Sprintf("%s is negative", s)
		case *part.n > part.most:
			return fmt.Sprintf("%s is more than %d years", s, maxYears)
		}
	}
	return ""
}

// before returns the moment that lies the span before t, in t's Location.
func (s Span) before(t time.Time) time.Time {
	// A wall clock names two moments while it is set back. Only spans that
	// change the date may lose which of the two t was.
	if s.Years != 0 || s.Months != 0 || s.Days != 0 {
		year, month, day := t.Date()
		months := year*12 + int(month) - 1 - s.Years*12 - s.Months
		first := time.Date(0, time.Month(months+1), 1, 0, 0, 0, 0, time.UTC)
		day = min(day, first.AddDate(0, 1, -1).Day())
		hour, minute, sec := t.Clock()
		t = time.Date(first.Year(), first.Month(), day-s.Days, hour, minute, sec, t.Nanosecond(), t.Location())
	}
	// time.Duration ends at 292 years, so hours are taken off the seconds.
	return time.Unix(t.Unix()-int64(s.Hours)*3600, int64(t.Nanosecond())).In(t.Location())
}
