package backup

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
)

// A Describer is a Client that can tell what a restore needs of resources
// beyond their blocks. An engine with Options.Manifests asks those clients that
// are one; resources of others have no manifests.
type Describer interface {
	// Describe returns a manifest for each of the resources, given by ARN, that
	// still exists, in any order, with all fields but Version, Vault, Plan, Run
	// and Point. It makes as few calls as it can, however many resources there
	// are: at most DescribeBatch. What it tells of a resource that has not
	// changed does not change either: lists have an order. An error ends it.
	Describe(ctx context.Context, resources []string) iter.Seq2[Manifest, error]
	// Detail adds to a manifest what takes calls for its resource alone.
	Detail(ctx context.Context, m *Manifest, what ManifestDetails) error
}

// A DescribeCounter is a Driver that can tell, for Forecast, what describing
// takes.
type DescribeCounter interface {
	// DescribeCalls returns the calls, by the name of the API, that so many
	// resources of a kind in one site take, with these details.
	DescribeCalls(kind string, resources int, what ManifestDetails) map[string]int
}

// ManifestDetails are what of a manifest takes calls for each resource by itself,
// and rights that the backup role must be given for it. The zero value asks for none.
type ManifestDetails struct {
	// UserData of instances. It often holds secrets: ask for it only if who can
	// read the store may have them. One call for each instance.
	UserData bool
	// Protection against termination and stopping, and what a shutdown from
	// within does. Three calls for each instance.
	Protection bool
}

// DescribeBatch is how many resources the engine describes at once.
const DescribeBatch = 200

// describedFor is how long what was described counts as the present.
const describedFor = 5 * time.Minute

// A describer describes the resources of sites for all jobs: the first job that
// asks has others of its site described in the same call, that will ask soon.
type describer struct {
	mu    sync.Mutex // guards sites, and all in them but busy
	sites map[viewID]*describedSite
}

// A describedSite is what is known of the resources of one site.
type describedSite struct {
	busy chan struct{} // holds one token: who has it describes
	// coming holds resources that will be asked for, and since when that is known.
	coming map[string]time.Time
	have   map[string]described // by ARN
}

type described struct {
	Manifest
	at time.Time
}

func (d *describer) site(id viewID) *describedSite {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sites == nil {
		d.sites = map[viewID]*describedSite{}
	}
	s := d.sites[id]
	if s == nil {
		s = &describedSite{busy: make(chan struct{}, 1), coming: map[string]time.Time{}, have: map[string]described{}}
		d.sites[id] = s
	}
	return s
}

// expect notes that a resource will be asked for.
func (d *describer) expect(id viewID, resource string, now time.Time) {
	s := d.site(id)
	d.mu.Lock()
	defer d.mu.Unlock()
	s.coming[resource] = now
}

// take returns what is known of a resource, if that is recent, and forgets it.
func (d *describer) take(s *describedSite, resource string, now time.Time) (Manifest, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m, ok := s.have[resource]
	delete(s.have, resource)
	return m.Manifest, ok && now.Sub(m.at) < describedFor
}

// batch returns which resources to describe: the one, and some that will be
// asked for. What nobody has asked for in a day is not expected any more.
func (d *describer) batch(s *describedSite, resource string, now time.Time) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(s.coming, func(_ string, since time.Time) bool { return now.Sub(since) > 24*time.Hour })
	maps.DeleteFunc(s.have, func(_ string, m described) bool { return now.Sub(m.at) >= describedFor })
	delete(s.coming, resource)
	batch := []string{resource}
	for _, r := range slices.Sorted(maps.Keys(s.coming)) {
		if len(batch) == DescribeBatch {
			break
		}
		batch = append(batch, r)
	}
	for _, r := range batch {
		delete(s.coming, r)
	}
	return batch
}

// again notes that resources will be asked for as before.
func (d *describer) again(s *describedSite, resources []string, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range resources {
		s.coming[r] = now
	}
}

func (d *describer) keep(s *describedSite, m Manifest, at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s.have[m.Resource] = described{m, at}
}

// errDescribing says that another job has the site described just now.
var errDescribing = errors.New("the site is being described")

// describe returns a resource's manifest as the driver tells it.
func (e *Engine) describe(ctx context.Context, driver int, r Resource) (Manifest, error) {
	id := viewID{site: r.Site, purpose: accounts.Backup, driver: driver}
	c, err := e.client(ctx, driver, actor{site: r.Site, purpose: accounts.Backup}, errand{})
	if err != nil {
		return Manifest{}, err
	}
	client, ok := c.(Describer)
	if !ok {
		return Manifest{}, fmt.Errorf("describe a %s: %w", r.Kind, ErrUnsupported)
	}
	s := e.describer.site(id)
	m, found := e.describer.take(s, r.ARN, time.Now())
	if !found {
		select {
		case s.busy <- struct{}{}:
		default:
			return Manifest{}, errDescribing
		}
		// Another job may have had it described since we looked.
		if m, found = e.describer.take(s, r.ARN, time.Now()); !found {
			err = e.describeBatch(ctx, client, s, r.ARN)
			m, found = e.describer.take(s, r.ARN, time.Now())
		}
		<-s.busy
		if err == nil && !found {
			err = fmt.Errorf("describe %s: %w", r.ID(), ErrNotFound)
		}
		if err != nil {
			return Manifest{}, err
		}
	}
	if e.opts.ManifestDetails != (ManifestDetails{}) {
		if err := client.Detail(ctx, &m, e.opts.ManifestDetails); err != nil {
			return Manifest{}, fmt.Errorf("describe %s: %w", r.ID(), err)
		}
	}
	return m, nil
}

// describeBatch describes a resource and others of its site. The caller holds
// the site's token.
func (e *Engine) describeBatch(ctx context.Context, client Describer, s *describedSite, resource string) error {
	begun := time.Now()
	batch := e.describer.batch(s, resource, begun)
	for m, err := range client.Describe(ctx, batch) {
		if err != nil {
			e.describer.again(s, batch, begun) // so that they stay together
			return fmt.Errorf("describe: %w", err)
		}
		e.describer.keep(s, m, begun)
	}
	return nil
}
