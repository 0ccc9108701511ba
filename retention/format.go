package retention

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// String returns the text that ParsePolicy reads, with every field that is
// not zero, always in the same order. The zero Policy is "".
func (p Policy) String() string {
	var terms []string
	term := func(key, value string) { terms = append(terms, key+"="+value) }
	for f := range families {
		if n := p.keep(f).Count; n != 0 {
			term(familyNames[f], n.String())
		}
	}
	for f := range families {
		if s := p.keep(f).Within; s != (Span{}) {
			term(f.within().String(), s.String())
		}
	}
	for _, s := range p.Tags {
		term("tag", s.text())
	}
	if p.MinCount != 0 {
		term("min-count", strconv.Itoa(p.MinCount))
	}
	if p.MinAge != 0 {
		term("min-age", durationText(p.MinAge))
	}
	if p.KeepOldest {
		terms = append(terms, "oldest")
	}
	if p.Location != nil {
		term("tz", locationText(p.Location))
	}
	if p.MaxSkew != 0 {
		term("max-skew", durationText(p.MaxSkew))
	}
	return strings.Join(terms, " ")
}

// MarshalText returns what String does. It fails where that would not read
// back as the same policy: for a field that is wrong, and for a Location that
// has no name in the time zone database and changes its offset, or is Local.
// The zero Policy has a text, though it may not be applied.
func (p Policy) MarshalText() ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if p.Location != nil {
		if _, err := parseLocation(locationText(p.Location)); err != nil {
			return nil, &PolicyError{"Location", err.Error()}
		}
	}
	return []byte(p.String()), nil
}

// text returns the selector as parseSelector reads it, sorted by key.
func (s Selector) text() string {
	pairs := make([]string, 0, len(s))
	for _, key := range slices.Sorted(maps.Keys(s)) {
		pair := escape(key)
		if s[key] != "" {
			pair += ":" + escape(s[key])
		}
		pairs = append(pairs, pair)
	}
	return strings.Join(pairs, ",")
}

// escape writes what would end a term, a pair or a key as %XX, and what
// nobody could read. Letters of any script stay.
func escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		broken := r == utf8.RuneError && size == 1
		if broken || !unicode.IsPrint(r) || strings.ContainsRune(" :,%\"", r) {
			for _, c := range []byte(s[i : i+size]) {
				b.WriteByte('%')
				b.WriteByte("0123456789ABCDEF"[c>>4])
				b.WriteByte("0123456789ABCDEF"[c&15])
			}
		} else {
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

// durationText shortens "24h0m0s" to "24h".
func durationText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// locationText returns the name of a Location. One made by time.FixedZone may
// have any name, or that of another zone, and is written as its offset unless
// its name says the same.
func locationText(loc *time.Location) string {
	at := time.Unix(0, 0).In(loc)
	if start, end := at.ZoneBounds(); loc == time.Local || !start.IsZero() || !end.IsZero() {
		return loc.String()
	}
	if named, err := time.LoadLocation(loc.String()); err == nil && loc.String() != "" {
		same := time.Unix(0, 0).In(named)
		start, end := same.ZoneBounds()
		if start.IsZero() && end.IsZero() && same.Format("Z07:00:00") == at.Format("Z07:00:00") {
			return loc.String()
		}
	}
	return strings.TrimSuffix(at.Format("-07:00:00"), ":00")
}
