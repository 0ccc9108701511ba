package backup

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A Gap is a way in which a resource is not protected as it should be.
type Gap string

// The gaps there are.
const (
	GapUnprotected Gap = "unprotected" // no plan protects any of it
	GapPartly      Gap = "in part"     // a volume of it is protected by no plan
	GapNoVolumes   Gap = "no volumes"  // it has none that could be snapshotted
	GapNoPoint     Gap = "no point"    // a volume that is protected is in no complete recovery point
	GapLate        Gap = "late"        // what can be restored is older than CoverageOptions.RPO
	GapCopyLate    Gap = "copy late"   // what can be restored without its account is older than CoverageOptions.CopyRPO
)

// CoverageOptions say what is wanted. The zero value only looks.
type CoverageOptions struct {
	// RPO is how old the newest recovery point of a resource may be, wherever it
	// is. Zero means that its age is told and not judged.
	RPO time.Duration
	// CopyRPO is the same for the newest copy in another account than the
	// resource's own, which is all that is left when that account is lost. Zero
	// means that it is not judged.
	CopyRPO time.Duration
	// Sites to look at beside those that the plans protect: accounts and Regions
	// where there should be nothing, or nothing yet. Empty means none.
	Sites []Site
}

// A Coverage tells what there is, what plans protect of it, and how old what
// can be restored is. It says nothing about accounts and Regions that are not
// in Sites: what is there is not known.
type Coverage struct {
	At      time.Time     `json:"at"`                // the moment that ages are reckoned to, UTC
	RPO     time.Duration `json:"rpo,omitempty"`     // as it was wanted, in nanoseconds
	CopyRPO time.Duration `json:"copyRpo,omitempty"` // as it was wanted, in nanoseconds
	Sites   []CoveredSite `json:"sites"`             // that were looked at, in the order of the plans
	// Resources that there are, by ARN: every instance, and every volume that is
	// attached to none and in state available.
	Resources []Covered `json:"resources"`
	// Gone are those of which there are recovery points and nothing else any more.
	Gone []Covered `json:"gone,omitempty"`
	// Unseen are those of which there are recovery points, at sites that were not
	// looked at or could not be listed.
	Unseen []Covered `json:"unseen,omitempty"`
	// Errors holds all that could not be listed. Where the snapshots of a site
	// could not be, a resource may seem worse off than it is, never better.
	Errors []*Error `json:"errors,omitempty"`
}

// A CoveredSite is a site that was looked at.
type CoveredSite struct {
	Site
	Plans []string `json:"plans,omitempty"` // names of the plans that protect something here, or would
	// Lost tells why its resources could not be listed; empty if they were.
	Lost string `json:"lost,omitempty"`
}

// A Covered is one resource, and how it is protected.
type Covered struct {
	Resource string   `json:"resource"`        // ARN
	Kind     string   `json:"kind"`            // "instance" or "volume"
	Name     string   `json:"name,omitempty"`  // the Name tag; empty for one that is gone or unseen
	Site     Site     `json:"site"`            // that it lives in
	SizeGiB  int64    `json:"sizeGiB"`         // of all its volumes; zero for one that is gone or unseen
	Plans    []string `json:"plans,omitempty"` // that protect it, or a part
	Left     []string `json:"left,omitempty"`  // volumes that no plan protects, by id
	Held     []Held   `json:"held,omitempty"`  // what there is of recovery points, originals first
	Gaps     []Gap    `json:"gaps,omitempty"`  // none if all is well
	// Unprotected names what no plan could protect, since no snapshot can hold it:
	// "2 instance-store volumes of 300 GB". It is no gap.
	Unprotected []string `json:"unprotected,omitempty"`
}

// A Held is what one place holds of a resource.
type Held struct {
	Site   Site `json:"site"`           // that owns the snapshots
	Copy   bool `json:"copy,omitempty"` // else originals
	Points int  `json:"points"`         // complete recovery points, of whatever plan
	// Time is when the data is from: every volume that a plan protects can be
	// restored from here as it was then, or later. Zero if one of them cannot. Of
	// what no plan protects it is the newest point's.
	Time time.Time `json:"time,omitzero"`
	// Lacks holds the volumes that a plan protects and no complete point here has.
	Lacks []string `json:"lacks,omitempty"`
}

// Newest returns from when what can be restored is, and from when what can be
// restored if the resource's account is lost; zero if nothing can.
func (c Covered) Newest() (anywhere, elsewhere time.Time) {
	for _, h := range c.Held {
		if h.Time.After(anywhere) {
			anywhere = h.Time
		}
		if h.Site.Account != c.Site.Account && h.Time.After(elsewhere) {
			elsewhere = h.Time
		}
	}
	return anywhere, elsewhere
}

// Has says whether the resource has a gap.
func (c Covered) Has(g Gap) bool { return slices.Contains(c.Gaps, g) }

// judge fills in the gaps of a resource that is there.
func (c *Covered) judge(v *Coverage, volumes int) {
	anywhere, elsewhere := c.Newest()
	late := func(t time.Time, wanted time.Duration) bool {
		return wanted > 0 && (t.IsZero() || v.At.Sub(t) > wanted)
	}
	switch {
	case volumes == 0:
		c.Gaps = append(c.Gaps, GapNoVolumes)
		return
	case len(c.Plans) == 0:
		c.Gaps = append(c.Gaps, GapUnprotected)
		return
	case len(c.Left) > 0:
		c.Gaps = append(c.Gaps, GapPartly)
	}
	if anywhere.IsZero() {
		c.Gaps = append(c.Gaps, GapNoPoint)
	} else if late(anywhere, v.RPO) {
		c.Gaps = append(c.Gaps, GapLate)
	}
	if late(elsewhere, v.CopyRPO) {
		c.Gaps = append(c.Gaps, GapCopyLate)
	}
}

// With returns the resources that have a gap, in their order.
func (v *Coverage) With(g Gap) (list []Covered) {
	for _, c := range v.Resources {
		if c.Has(g) {
			list = append(list, c)
		}
	}
	return list
}

// String returns a summary, a table with a line for each resource, and what is
// not known.
func (v *Coverage) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "coverage at %s: sites %d, resources %d", v.At.Format(time.RFC3339), len(v.Sites), len(v.Resources))
	for _, g := range []Gap{GapUnprotected, GapPartly, GapNoVolumes, GapNoPoint, GapLate, GapCopyLate} {
		if n := len(v.With(g)); n > 0 {
			fmt.Fprintf(&b, ", %s %d", g, n)
		}
	}
	b.WriteByte('\n')
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, c := range v.Resources {
		v.line(w, c)
	}
	_ = w.Flush() // a strings.Builder takes everything
	v.rest(&b, "gone", v.Gone)
	v.rest(&b, "not looked at", v.Unseen)
	for _, e := range v.Errors {
		fmt.Fprintf(&b, "error: %v\n", e)
	}
	b.WriteString("Accounts and Regions that no plan names were not looked at, but for those that were asked for: what is there is not known.\n")
	return b.String()
}

// err joins the errors, in a certain order, and what ended the listing early.
func (v *Coverage) err(early error) error {
	slices.SortFunc(v.Errors, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(a.Error(), b.Error()))
	})
	errs := make([]error, 0, len(v.Errors)+1)
	for _, e := range v.Errors {
		errs = append(errs, e)
	}
	return errors.Join(append(errs, early)...)
}

func (v *Coverage) line(w *tabwriter.Writer, c Covered) {
	anywhere, elsewhere := c.Newest()
	gaps := make([]string, len(c.Gaps))
	for i, g := range c.Gaps {
		gaps[i] = string(g)
	}
	state := cmp.Or(strings.Join(gaps, ", "), "ok")
	if len(c.Unprotected) > 0 {
		state += "; never: " + strings.Join(c.Unprotected, ", ")
	}
	fmt.Fprintf(w, "%s\t%s\t%s\t%d GiB\t%s\tpoint %s\tcopy %s\t%s\n", c.Site, Resource{ARN: c.Resource}.ID(),
		cmp.Or(c.Name, "-"), c.SizeGiB, cmp.Or(strings.Join(c.Plans, ","), "-"), v.age(anywhere), v.age(elsewhere), state)
}

// age says how old something is.
func (v *Coverage) age(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return strings.TrimSuffix(v.At.Sub(t).Round(time.Minute).String(), "0s")
}

func (v *Coverage) rest(b *strings.Builder, what string, list []Covered) {
	for _, c := range list {
		anywhere, elsewhere := c.Newest()
		points := 0
		for _, h := range c.Held {
			points += h.Points
		}
		fmt.Fprintf(b, "%s: %s: points and copies %d, newest %s, copy %s\n", what, c.Resource, points, v.age(anywhere), v.age(elsewhere))
	}
}
