package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/retention"
)

// Coverage looks at what there is at the sites that the plans protect, and
// tells what they protect of it, what they do not, and how old the newest
// recovery points are. It changes nothing.
//
// It lists the resources of each such site once, and the snapshots of each site
// once, those of the copies' destinations included; several sites at a time. Of
// the recovery points it keeps in mind only how many there are and the newest
// one of each volume. What is believed of them is what Points believes.
//
// A site that cannot be listed is an *Error in the joined error, and the rest
// is told all the same: the Coverage is nil only where the arguments are wrong.
func (e *Engine) Coverage(ctx context.Context, plans []Plan, now time.Time, opts CoverageOptions) (*Coverage, error) {
	c := &covering{e: e, coverage: &Coverage{At: now.UTC(), RPO: opts.RPO, CopyRPO: opts.CopyRPO}, held: map[string]*possession{}}
	if err := c.prepare(plans, opts); err != nil {
		return nil, err
	}
	surveyed := c.take(ctx)
	for i, s := range c.sites {
		c.coverage.Sites = append(c.coverage.Sites, s.CoveredSite)
		for _, r := range surveyed[i] {
			c.cover(s, r)
		}
	}
	c.remains()
	return c.coverage, c.coverage.err(ctx.Err())
}

// A covering is one call of Coverage.
type covering struct {
	e        *Engine
	coverage *Coverage
	sites    []*coveringSite
	filter   PointFilter

	mu   sync.Mutex // guards all below, Lost of the sites and the coverage's Errors
	held map[string]*possession
}

// A coveringSite is a site, and the selectors that plans have for it, one for
// each of its Plans.
type coveringSite struct {
	CoveredSite
	selectors []Selector
	volumes   []Volumes // what these plans leave out
}

// A possession is what there is of one resource, by place.
type possession struct {
	kind   string
	source Site
	at     map[spot]*newest
}

type spot struct {
	site Site
	copy bool
}

// A newest is what one place has of a resource: the newest of each volume.
type newest struct {
	points int
	newest map[string]time.Time
	last   time.Time
}

func (c *covering) prepare(plans []Plan, opts CoverageOptions) error {
	var errs []error
	names := map[string]bool{}
	for i, p := range plans {
		if err := p.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("plans[%d]: %w", i, err))
			continue
		}
		if names[p.Name] {
			errs = append(errs, fmt.Errorf("plans[%d]: another plan is named %q", i, p.Name))
		}
		names[p.Name] = true
		c.add(p)
	}
	for i, s := range opts.Sites {
		_, known := partitionOf(s.Region)
		if _, err := accounts.ParseID(string(s.Account)); err != nil || !known {
			errs = append(errs, fmt.Errorf("sites[%d]: %q is not an account and a Region", i, s))
			continue
		}
		c.site(s)
	}
	if opts.RPO < 0 || opts.CopyRPO < 0 {
		errs = append(errs, fmt.Errorf("a wanted age is negative: %v, %v", opts.RPO, opts.CopyRPO))
	}
	if len(plans) == 0 && len(opts.Sites) == 0 {
		errs = append(errs, errors.New("no plans and no sites to look at"))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("backup: coverage: %w", err)
	}
	return nil
}

func (c *covering) add(p Plan) {
	for _, s := range p.Sources {
		for _, region := range s.Regions {
			at := c.site(Site{s.Account, region})
			at.Plans, at.selectors, at.volumes = append(at.Plans, p.Name), append(at.selectors, s.Select), append(at.volumes, s.Volumes)
		}
	}
	f := p.Filter(c.e.opts.Vault)
	c.filter.CopySites = append(c.filter.CopySites, f.CopySites...)
	c.filter.Sites = append(c.filter.Sites, f.Sites...)
}

// site returns a site to look at, a new one if it is not among them.
func (c *covering) site(at Site) *coveringSite {
	for _, s := range c.sites {
		if s.Site == at {
			return s
		}
	}
	s := &coveringSite{CoveredSite: CoveredSite{Site: at}}
	c.sites = append(c.sites, s)
	c.filter.Sites = append(c.filter.Sites, at)
	return s
}

// take lists everything, several sites at a time, and returns the resources of
// each site.
func (c *covering) take(ctx context.Context) [][]Surveyed {
	drivers := len(c.e.drivers)
	surveys := make([][]Surveyed, len(c.sites)*drivers)
	var g errgroup.Group
	g.SetLimit(c.e.opts.Concurrency)
	for i := range surveys {
		g.Go(func() error {
			surveys[i] = c.survey(ctx, c.sites[i/drivers], i%drivers)
			return nil
		})
	}
	for _, r := range c.e.readings(c.filter) {
		g.Go(func() error {
			c.read(ctx, r)
			return nil
		})
	}
	_ = g.Wait() // what failed is kept by site
	bySite := make([][]Surveyed, len(c.sites))
	for i, list := range surveys {
		bySite[i/drivers] = append(bySite[i/drivers], list...)
	}
	return bySite
}

// survey lists the resources of a site.
func (c *covering) survey(ctx context.Context, s *coveringSite, driver int) (list []Surveyed) {
	client, err := c.e.client(ctx, driver, actor{site: s.Site, purpose: accounts.Backup}, errand{})
	if err == nil {
		list, err = survey(ctx, client, s.selectors)
	}
	if err != nil {
		c.fail(ctx, s.Site, fmt.Errorf("discover: %w", err))
		c.mu.Lock()
		s.Lost = err.Error()
		c.mu.Unlock()
	}
	return list
}

// read reads the catalog of one site, and keeps the newest of it.
func (c *covering) read(ctx context.Context, r reading) {
	points, err := r.read(ctx, c.e)
	if err != nil {
		c.fail(ctx, r.id.site, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range points {
		// A site that is read as a source, too, tells there of its own copies.
		twice := !r.originals && p.Source.Account == p.Site.Account && slices.Contains(c.filter.Sites, p.Site)
		if p.State == retention.Complete && !twice {
			c.keep(p)
		}
	}
}

// keep takes a point into account. The caller holds mu.
func (c *covering) keep(p Point) {
	h := c.held[p.Resource]
	if h == nil {
		h = &possession{kind: p.Kind, source: p.Source, at: map[spot]*newest{}}
		c.held[p.Resource] = h
	}
	at := spot{p.Site, p.Copy}
	if h.at[at] == nil {
		h.at[at] = &newest{newest: map[string]time.Time{}}
	}
	h.at[at].add(p)
}

func (h *newest) add(p Point) {
	h.points++
	if p.Time.After(h.last) {
		h.last = p.Time
	}
	for _, m := range p.Members {
		if p.Time.After(h.newest[m.Volume]) {
			h.newest[m.Volume] = p.Time
		}
	}
}

// fail notes what could not be listed, unless the host has had enough.
func (c *covering) fail(ctx context.Context, at Site, err error) {
	if ctx.Err() != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.coverage.Errors = append(c.coverage.Errors, &Error{Account: at.Account, Region: at.Region, Err: err})
}

// cover tells of a resource that is there.
func (c *covering) cover(s *coveringSite, r Surveyed) {
	res := r.Resource
	out := Covered{Resource: res.ARN, Kind: res.Kind, Name: res.Name, Site: res.Site, SizeGiB: res.sizeGiB(), Unprotected: res.Unprotected}
	wanted := map[string]bool{}
	for i, chosen := range r.Chosen {
		chosen = s.volumes[i].of(res, chosen)
		if len(chosen) > 0 {
			out.Plans = append(out.Plans, s.Plans[i])
		}
		for _, volume := range chosen {
			wanted[volume] = true
		}
	}
	for _, volume := range volumeIDs(res) {
		if !wanted[volume] && len(wanted) > 0 {
			out.Left = append(out.Left, volume)
		}
	}
	if h := c.held[res.ARN]; h != nil {
		out.Held = h.list(slices.Sorted(maps.Keys(wanted)))
		delete(c.held, res.ARN)
	}
	out.judge(c.coverage, len(res.Members))
	c.coverage.Resources = append(c.coverage.Resources, out)
}

// list tells of the places that hold the volumes that are wanted, originals first.
func (h *possession) list(wanted []string) (list []Held) {
	for at, have := range h.at {
		out := Held{Site: at.site, Copy: at.copy, Points: have.points, Time: have.last}
		for _, volume := range wanted {
			newest, ok := have.newest[volume]
			if !ok {
				out.Lacks = append(out.Lacks, volume)
			} else if newest.Before(out.Time) {
				out.Time = newest
			}
		}
		if len(out.Lacks) > 0 {
			out.Time = time.Time{}
		}
		list = append(list, out)
	}
	slices.SortFunc(list, func(a, b Held) int {
		if a.Copy != b.Copy {
			if b.Copy {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Site.String(), b.Site.String())
	})
	return list
}

// remains tells of what there is nothing of but recovery points.
func (c *covering) remains() {
	listed := map[Site]bool{}
	for _, s := range c.sites {
		listed[s.Site] = s.Lost == ""
	}
	for _, resource := range slices.Sorted(maps.Keys(c.held)) {
		h := c.held[resource]
		out := Covered{Resource: resource, Kind: h.kind, Site: h.source, Held: h.list(nil)}
		if listed[h.source] {
			c.coverage.Gone = append(c.coverage.Gone, out)
		} else {
			c.coverage.Unseen = append(c.coverage.Unseen, out)
		}
	}
	slices.SortFunc(c.coverage.Resources, func(a, b Covered) int { return cmp.Compare(a.Resource, b.Resource) })
}
