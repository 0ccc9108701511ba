package backup

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/internal/awserr"
)

// discoverTries is how often a site's resources, or its snapshots, are asked for
// where what went wrong may pass: over a bit more than half a minute, since all
// others wait.
const discoverTries = 4

// discover lists a site's resources.
func (c *census) discover(ctx context.Context, s *siteCensus) {
	for try := 1; ; try++ {
		looking, done := c.e.observer.during(ctx, "discover", s.site)
		err := c.discoverOnce(looking, s)
		done(err)
		if err == nil {
			return
		}
		if try == discoverTries || !passing(err) || !pause(ctx, backoff(try)) {
			s.fail(c.e, "", err)
			s.lost = true
			return
		}
		c.e.tell(Event{Account: s.site.Account, Region: s.site.Region, Err: err})
		s.resources, s.managed, s.errs = nil, nil, nil
	}
}

// see lists what is to be known of older runs. A listing that is lacking because
// of what would have passed would leave undone for good what they left, or take
// a run for unproven.
func (c *census) see(ctx context.Context, id viewID) (*view, error) {
	for try := 1; ; try++ {
		v, err := c.e.see(ctx, id, c.now)
		if err == nil || try == discoverTries || !passing(err) || !pause(ctx, backoff(try)) {
			return v, err
		}
		c.e.tell(Event{Account: id.site.Account, Region: id.site.Region, Err: err})
	}
}

// passing says whether what went wrong may pass.
func passing(err error) bool {
	switch classOf(err) {
	case awserr.Unknown, awserr.Throttled, awserr.Quota:
		return true
	}
	return false
}

// pause waits, and says whether it was not cut short.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// discoverOnce returns why the whole site could not be listed; what is wrong
// with single resources is noted.
func (c *census) discoverOnce(ctx context.Context, s *siteCensus) (lost error) {
	client, err := c.e.client(ctx, s.driver, actor{site: s.site, purpose: accounts.Backup}, errand{})
	if err != nil {
		return err
	}
	for r, err := range client.Discover(ctx, c.plan.Sources[s.source].Select) {
		if err != nil && r.ARN == "" {
			if lost == nil {
				lost = fmt.Errorf("discover: %w", err)
			}
			continue
		}
		if err == nil {
			r, err = c.plan.Sources[s.source].Volumes.narrow(r)
		}
		if err == nil {
			err = s.fits(r)
		}
		if err != nil {
			s.fail(c.e, r.ARN, err)
			continue
		}
		if len(r.Unprotected) > 0 {
			c.e.tell(Event{Account: s.site.Account, Region: s.site.Region, Resource: r.ARN, Err: fmt.Errorf(
				"not in its recovery points: %s: %w", strings.Join(r.Unprotected, ", "), ErrUnsupported)})
		}
		s.resources = append(s.resources, r)
		s.note(r.Members)
	}
	return lost
}

// note remembers which volumes an AWS-managed key encrypts.
func (s *siteCensus) note(members []Member) {
	for _, m := range members {
		if m.ManagedKey {
			if s.managed == nil {
				s.managed = map[string]bool{}
			}
			s.managed[m.Volume] = true
		}
	}
}

// fits refuses a resource that no job could be made of: a driver's mistake, or
// an instance without volumes.
func (s *siteCensus) fits(r Resource) error {
	a, err := parseARN(r.ARN)
	switch {
	case err != nil:
		return err
	case a.site != s.site || r.Site != s.site:
		return fmt.Errorf("is in %s", a.site)
	case len(r.Members) == 0:
		return errors.New("has no volumes to protect")
	case len(r.Members) > maxMembers:
		return fmt.Errorf("has %d volumes; one call snapshots at most %d: %w", len(r.Members), maxMembers, ErrUnsupported)
	}
	return nil
}

func (s *siteCensus) fail(e *Engine, resource string, err error) {
	err = &Error{Account: s.site.Account, Region: s.site.Region, Resource: resource, Err: err}
	s.errs = append(s.errs, err)
	e.tell(Event{Account: s.site.Account, Region: s.site.Region, Resource: resource, Err: err})
}
