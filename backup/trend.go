package backup

import "math"

// A trend says how long snapshots of one sort take by their size: seconds, and
// seconds for each GiB.
type trend struct{ base, perGiB float64 }

func (t trend) of(gib float64) float64 { return max(t.base+t.perGiB*gib, 1) }

// A sample is how long a snapshot took.
type sample struct{ seconds, gib float64 }

// part returns how long it took as a part of what a trend says.
func (s sample) part(t trend) float64 { return s.seconds / t.of(s.gib) }

// spread returns the variance of the logarithms of parts of a trend that so
// many parameters were fitted to: infinite, if that is too many.
func spread(list []sample, t trend, fitted int) float64 {
	if len(list) <= fitted {
		return math.Inf(1)
	}
	sum, squares, n := 0.0, 0.0, float64(len(list))
	for _, s := range list {
		l := math.Log(s.part(t))
		sum, squares = sum+l, squares+l*l
	}
	return max(squares-sum*sum/n, 0) / float64(len(list)-fitted)
}

// fit returns the trend that errs least, in proportion to how long each took.
func fit(list []sample) trend {
	var uu, uv, vv, u, v float64
	for _, s := range list {
		x, y := 1/s.seconds, s.gib/s.seconds
		uu, uv, vv, u, v = uu+x*x, uv+x*y, vv+y*y, u+x, v+y
	}
	det := uu*vv - uv*uv
	if det <= 1e-9*uu*vv { // all are of one size
		return trend{base: u / uu}
	}
	switch t := (trend{(u*vv - v*uv) / det, (v*uu - u*uv) / det}); {
	case t.perGiB < 0:
		return trend{base: u / uu}
	case t.base < 0:
		return trend{perGiB: v / vv}
	default:
		return t
	}
}
