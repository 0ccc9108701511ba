package backup

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/internal/awserr"
)

// Jobs lists what a run of the plan has to do: what older runs of it left
// unfinished comes first, for each resource at most one job that copies, one
// that locks copies or makes an image of them, and one that only takes back;
// then one job for each resource that the plan selects.
// It changes nothing.
//
// The same plan and at make the same run: what an earlier call of Run, or an
// earlier process, has made of it is found and used. Fractions of a second of
// at do not count.
//
// A site that cannot be listed is an *Error in the sequence, and so is a
// resource that cannot be read and an id in the plan's selectors that does not
// exist; the others follow. An invalid plan is the only element, as Validate
// returns it, and so is an *Error with ErrClock.
func (e *Engine) Jobs(ctx context.Context, p Plan, at time.Time) iter.Seq2[Job, error] {
	return func(yield func(Job, error) bool) {
		c, err := e.newCensus(p, at)
		if err != nil {
			yield(Job{}, err)
			return
		}
		c.take(ctx)
		if err := ctx.Err(); err != nil {
			yield(Job{}, err)
			return
		}
		c.yield(yield)
	}
}

// A census is one call of Jobs.
type census struct {
	e     *Engine
	plan  Plan
	at    time.Time // UTC, whole seconds
	given time.Time // as the host said it
	now   time.Time
	sites []*siteCensus
	// views of all sites, as far as they could be listed.
	views map[viewID]*view
	// clock says that this machine's is wrong, as an *Error; nil if it is not.
	clock error
	// destErrs tells destinations that could not be listed.
	destErrs map[Site]error
	// keys is what is known of the destinations' keys.
	keys map[Site]keyView
	// hidden are the keys to be read under that an account may not look at.
	hidden map[accounts.ID][]string
	// evidence is what the destinations tell of runs, by account.
	evidence map[string]map[accounts.ID]evidence
	// copied are the copies at the destinations.
	copied map[route][]*Snapshot
	// begun are the runs that the host's journal knows.
	begun map[string]bool
}

// A siteCensus is one source site as one driver sees it.
type siteCensus struct {
	source    int // index into Plan.Sources
	site      Site
	driver    int
	resources []Resource
	managed   map[string]bool // volumes of resources that an AWS-managed key encrypts
	errs      []error         // *Error
	lost      bool            // the site could not be listed
	rekey     keyView         // of the key to rekey with
}

func (e *Engine) newCensus(p Plan, at time.Time) (*census, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if at.IsZero() || at.UTC().Year() > 9999 || at.UTC().Year() < 1 {
		return nil, errors.New("backup: a run needs a moment between the years 1 and 9999")
	}
	c := &census{
		e: e, plan: p, at: at.UTC().Truncate(time.Second), given: at, now: time.Now(),
		views: map[viewID]*view{}, destErrs: map[Site]error{}, keys: map[Site]keyView{}, hidden: map[accounts.ID][]string{},
		evidence: map[string]map[accounts.ID]evidence{}, copied: map[route][]*Snapshot{}, begun: map[string]bool{},
	}
	for i, s := range p.Sources {
		for _, region := range s.Regions {
			for d := range e.drivers {
				c.sites = append(c.sites, &siteCensus{source: i, site: Site{s.Account, region}, driver: d})
			}
		}
	}
	return c, nil
}

// take lists everything, several sites at a time.
func (c *census) take(ctx context.Context) {
	var g errgroup.Group
	g.SetLimit(c.e.opts.Concurrency)
	for _, s := range c.sites {
		g.Go(func() error {
			c.discover(ctx, s)
			return nil
		})
	}
	_ = g.Wait() // each site keeps its own errors
	c.inspectKeys(ctx)
	c.readJournal(ctx)

	ids := c.viewIDs()
	seen, errs := make([]*view, len(ids)), make([]error, len(ids))
	for i, id := range ids {
		g.Go(func() error {
			seen[i], errs[i] = c.see(ctx, id)
			return nil
		})
	}
	_ = g.Wait()
	for i, id := range ids {
		err := errs[i]
		if err == nil {
			c.views[id], err = seen[i], seen[i].wrongClock()
		}
		switch {
		case errors.Is(err, ErrClock):
			c.clock = &Error{Account: id.site.Account, Region: id.site.Region, Err: err}
		case err != nil:
			c.unlisted(id, err)
		}
	}
}

// viewIDs returns what is to be listed, each once.
func (c *census) viewIDs() []viewID {
	var ids []viewID
	add := func(id viewID) {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, s := range c.sites {
		if s.lost {
			continue
		}
		add(viewID{site: s.site, purpose: accounts.Backup, driver: s.driver})
		for _, d := range c.plan.Copies {
			if d.Account != s.site.Account {
				add(viewID{site: s.site, purpose: accounts.Backup, shared: d.Account, driver: s.driver})
			}
			add(viewID{site: d.Site(), purpose: accounts.VaultWriter, driver: s.driver})
			if d.Lock != nil {
				add(viewID{site: d.Site(), purpose: accounts.VaultWriter, driver: s.driver, locks: true})
			}
			if d.Image && c.e.kinds[kindImaged] == s.driver {
				add(imageViewOf(d.Site(), s.driver))
			}
		}
	}
	return ids
}

// unlisted notes a listing that failed. A failure that may still pass is left to
// the jobs, which are more patient; one that will not is told once for the site,
// whose jobs could do nothing.
func (c *census) unlisted(id viewID, err error) {
	switch classOf(err) {
	case awserr.Unknown, awserr.Throttled, awserr.Quota:
		return
	}
	if id.locks || id.images {
		return // the jobs that lock, or want images, say so
	}
	if id.purpose == accounts.VaultWriter {
		if c.destErrs[id.site] == nil {
			c.destErrs[id.site] = err
		}
		return
	}
	for _, s := range c.sites {
		if s.site == id.site && s.driver == id.driver && !s.lost {
			s.fail(c.e, "", err)
			s.lost, s.resources = true, nil
		}
	}
}

// yield hands over what was found.
func (c *census) yield(yield func(Job, error) bool) {
	if c.clock != nil {
		yield(Job{}, c.clock)
		return
	}
	for _, err := range c.errors() {
		if !yield(Job{}, err) {
			return
		}
	}
	c.prove()
	var current []Job
	for _, s := range c.sites {
		h := c.history(s)
		for _, j := range c.older(s, h) {
			c.equipKeys(&j, s)
			if !yield(j, nil) {
				return
			}
		}
		for _, r := range s.resources {
			current = append(current, c.job(s, r, h))
			c.equipKeys(&current[len(current)-1], s)
			c.expectManifest(s.driver, current[len(current)-1])
		}
	}
	for i := range current {
		j := current[i]
		current[i] = Job{} // who asks for jobs may keep them, and need not have them twice
		if !yield(j, nil) {
			return
		}
	}
}

// errors returns all that could not be listed or found.
func (c *census) errors() []error {
	var errs []error
	for _, s := range c.sites {
		errs = append(errs, s.errs...)
	}
	for _, d := range c.plan.Copies {
		if err := c.destErrs[d.Site()]; err != nil {
			errs = append(errs, &Error{Account: d.Account, Region: d.Region, Err: err})
		}
	}
	for i := range c.plan.Sources {
		errs = append(errs, c.missing(i)...)
	}
	return errs
}

// missing returns an error for each id that a source selects and that none of
// its Regions has. If one of them could not be listed, nobody knows.
func (c *census) missing(source int) []error {
	s := c.plan.Sources[source]
	have := map[string]bool{}
	for _, site := range c.sites {
		if site.source != source {
			continue
		}
		if site.lost {
			return nil
		}
		for _, r := range site.resources {
			have[r.ID()] = true
			for _, m := range r.Members {
				have[m.Volume] = true
			}
		}
		for _, err := range site.errs { // told already
			var e *Error
			if errors.As(err, &e) {
				have[Resource{ARN: e.Resource}.ID()] = true
			}
		}
	}
	var errs []error
	for _, id := range s.Select.namedIDs() {
		if have[id] || s.Select.excludesID(id) {
			continue
		}
		err := &Error{Account: s.Account, Region: s.Regions[0], Resource: id, Err: fmt.Errorf("selected by id: %w", ErrNotFound)}
		if len(s.Regions) > 1 {
			err.Err = fmt.Errorf("selected by id: %w in any of %v", ErrNotFound, s.Regions)
		}
		errs = append(errs, err)
	}
	return errs
}

// job returns the job of a selected resource, with the destinations that are due.
func (c *census) job(s *siteCensus, r Resource, h history) Job {
	r.Members = c.membersOf(r, h)
	j := newJob(c.e.opts.Vault, c.plan.Name, c.at, r)
	c.equip(&j, s)
	if c.plan.Deadline > 0 {
		j.Deadline = c.at.Add(c.plan.Deadline)
	}
	if _, begun := h.points[j.Point]; begun && j.Believe.IsZero() {
		j.Believe = c.now.Add(c.e.opts.Settle)
	}
	j.quiesced(c.plan.Sources[s.source].Quiesce)
	for _, d := range c.plan.Copies {
		if h.due(r.ARN, c.at, d) {
			j.addCopy(d)
			j.expect(h, c.e.opts.Estimate)
			j.addShare(d.Account)
		}
	}
	return j
}

// membersOf returns the members that a resource had when the run's snapshots
// were made, if the run has come so far: volumes may have been attached or have
// grown since. The copies tell, or originals that a copy speaks for. Originals
// alone tell nothing, since anybody in the account may make a poorer set, until
// it is too late to make others.
func (c *census) membersOf(r Resource, h history) []Member {
	past := h.points[pointID(c.e.opts.Vault, RunID(c.plan.Name, c.at), r.ARN)]
	if past == nil || past.job == nil || !past.spokenFor() && !c.now.After(past.window.to) {
		return r.Members
	}
	members := slices.Clone(past.job.Resource.Members)
	for i, m := range members {
		k := slices.IndexFunc(r.Members, func(now Member) bool { return now.Volume == m.Volume })
		if k >= 0 { // whether and how a volume is encrypted never changes
			members[i].Encrypted, members[i].KMSKey, members[i].KeyState = r.Members[k].Encrypted, r.Members[k].KMSKey, r.Members[k].KeyState
		}
	}
	return members
}

// equip gives a job what does not depend on its resource.
func (c *census) equip(j *Job, s *siteCensus) {
	j.Lock = c.plan.Lock
	j.RekeyKey = c.plan.Sources[s.source].RekeyKeys[s.site.Region]
	given := j.At
	if j.At.Equal(c.at) {
		given = c.given
	}
	j.Believe = c.e.believe(j.Run(), given, c.now)
}
