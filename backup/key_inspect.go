package backup

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/snapkeep/snapkeep/accounts"
)

// A keyView is what a census knows of the key at a destination, or of one to
// rekey with.
type keyView struct {
	seen    bool   // KMS described it, and nothing speaks against it
	refused bool   // KMS would not describe it
	fault   *Fault // why it cannot be used; nil if nothing is known
}

// inspectKeys looks at the keys that the plan names, each once: at the
// destinations' as who copies, at those to rekey with as who rekeys, and at
// these only where something has to be rekeyed. What is wrong with a
// destination's key is told at once; the jobs that need it say so too.
func (c *census) inspectKeys(ctx context.Context) {
	var g errgroup.Group
	g.SetLimit(c.e.opts.Concurrency)
	for _, s := range c.sites {
		key := c.plan.Sources[s.source].RekeyKeys[s.site.Region]
		if key == "" || len(s.managed) == 0 || !c.sharesFrom(s.site) {
			continue
		}
		g.Go(func() error {
			s.rekey = c.inspectKey(ctx, s.driver, actor{site: s.site, purpose: accounts.Backup}, RekeyKey, key)
			return nil
		})
	}
	views := make([]keyView, len(c.plan.Copies))
	for i, d := range c.plan.Copies {
		driver, needed := c.copiesWith()
		if !needed {
			break
		}
		g.Go(func() error {
			views[i] = c.inspectKey(ctx, driver, actor{site: d.Site(), purpose: accounts.VaultWriter}, DestinationKey, d.KMSKey)
			return nil
		})
	}
	_ = g.Wait() // each key keeps its own fault
	for i, d := range c.plan.Copies {
		c.keys[d.Site()] = views[i]
	}
}

// sharesFrom says whether what is made at a site is shared with another account.
func (c *census) sharesFrom(s Site) bool {
	for _, d := range c.plan.Copies {
		if d.Account != s.Account {
			return true
		}
	}
	return false
}

// copiesWith returns the driver of a site that has something to copy.
func (c *census) copiesWith() (driver int, ok bool) {
	for _, s := range c.sites {
		if len(s.resources) > 0 {
			return s.driver, true
		}
	}
	return 0, false
}

// inspectKey asks KMS of one key. Where that fails, for whatever reason,
// nothing is known.
func (c *census) inspectKey(ctx context.Context, driver int, at actor, part KeyPart, arn string) (v keyView) {
	client, err := c.e.client(ctx, driver, at, errand{})
	if err != nil {
		return v
	}
	describer, ok := client.(KeyDescriber)
	if !ok {
		return v
	}
	looking, done := c.e.observer.during(ctx, "key", at.site)
	k, err := describer.DescribeKey(looking, arn)
	done(err)
	if err != nil {
		v.refused = errors.Is(err, ErrDenied)
		return v
	}
	if err := k.inPart(part, arn); err != nil {
		c.e.tell(Event{Account: at.site.Account, Region: at.site.Region, Err: err})
		v.fault = newFault(err)
		return v
	}
	v.seen = k.State != ""
	return v
}

// equipKeys gives a job what is known of the plan's keys.
func (c *census) equipKeys(j *Job, s *siteCensus) {
	j.RekeyFault = s.rekey.fault
	for i := range j.Copies {
		v := c.keys[j.Copies[i].Site]
		j.Copies[i].KeyFault, j.Copies[i].KeySeen, j.Copies[i].KeyRefused = v.fault, v.seen, v.refused
	}
}

// keysAllow returns why no destination could have a copy of what is to be
// snapshotted, for the sake of keys; nil if one could, as far as is known, or
// if there are no copies to be made.
func (j *Job) keysAllow() error {
	if len(j.Copies) == 0 {
		return nil
	}
	for _, m := range j.Resource.Members {
		if err := m.keyFault(); err != nil {
			return err
		}
		if m.ManagedKey && len(j.Shares) > 0 && j.RekeyKey != "" && j.RekeyFault != nil {
			return j.RekeyFault
		}
	}
	var all error
	for _, c := range j.Copies {
		switch {
		case c.KeyFault == nil:
			return nil
		case all == nil:
			all = c.KeyFault
		default:
			all = fmt.Errorf("%w; %s", all, c.KeyFault.Text)
		}
	}
	return all
}

// keyFault returns why snapshots of the member can never be copied.
func (m Member) keyFault() error {
	return Key{State: m.KeyState}.inPart(SourceKey, m.KMSKey)
}

// copyKeyFault returns why a copy of a member at a destination cannot be
// begun; nil if nothing is known.
func (j *Job) copyKeyFault(member, copy int) error {
	if f := j.Copies[copy].KeyFault; f != nil {
		return f
	}
	m := j.Resource.Members[member]
	if m.ManagedKey && j.Copies[copy].Site.Account != j.Resource.Site.Account {
		return nil // what is copied is under the rekey key already
	}
	return m.keyFault()
}
