package backup

import (
	"fmt"
	"slices"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
)

// Proof: originals and their tags are in the hands of the protected account, and
// so is every older run that they speak of. An intruder can make up a run, of
// a volume that he has encrypted; copied, it would be the newest of its day,
// and pruning would drop the good one. So what an older run lacks is copied
// only if the vault, where he cannot write, knows of that run, or the host's
// journal; and nothing new is begun for a resource that may not exist.

// An evidence is what the copies in one account tell of a run.
type evidence struct {
	newest   time.Time // StartTime of the last one
	underWay bool
}

// A route is where copies come from and where they are, by the driver.
type route struct {
	from, to Site
	driver   int
}

// prove reads at the destinations which runs there were, and puts the copies in
// order: one destination may have those of a thousand sites, each of which asks
// for its own.
func (c *census) prove() {
	for _, d := range c.plan.Copies {
		for driver := range c.e.drivers {
			c.eachClaim(viewID{site: d.Site(), purpose: accounts.VaultWriter, driver: driver}, func(s *Snapshot, l label) {
				k := claim{*s, l}
				if !c.isCopy(k, d) {
					return
				}
				way := route{l.source, d.Site(), driver}
				c.copied[way] = append(c.copied[way], s)
				if c.evidence[k.label.run] == nil {
					c.evidence[k.label.run] = map[accounts.ID]evidence{}
				}
				e := c.evidence[k.label.run][d.Account]
				if k.Started.After(e.newest) {
					e.newest = k.Started
				}
				e.underWay = e.underWay || k.underWay()
				c.evidence[k.label.run][d.Account] = e
			})
		}
	}
}

func (k claim) underWay() bool { return k.State != SnapshotCompleted && k.State != SnapshotError }

// mayCopy says why a run must not get copies in an account that it lacks; nil
// if it may. What a destination in the resource's own account says proves
// nothing to any other.
func (c *census) mayCopy(r *pastRun, selected bool, to accounts.ID) error {
	of := r.job.Resource.Site.Account
	counts := func(account accounts.ID) bool { return account != of || to == of }
	proven := r.at.Equal(c.at) || c.e.owns(r.id) || c.begun[r.id] // the host, this process, or its journal speaks of it
	for account := range c.evidence[r.id] {
		proven = proven || counts(account)
	}
	if !proven {
		return fmt.Errorf("run %s is not copied by this one: %w", r.id, ErrUnproven)
	}
	if selected {
		return nil
	}
	for site, copies := range r.copies {
		if len(copies) > 0 && counts(site.Account) {
			return nil
		}
	}
	return fmt.Errorf("run %s is not copied: the plan does not select the resource now, and: %w", r.id, ErrUnproven)
}

// resting says that nobody seems to be at work on a run any more: none of its
// copies is under way, and nothing was made for it in Options.Rest. Of what is
// in protected accounts only the resource's own counts, or one account could
// keep all others from being settled.
func (c *census) resting(r *pastRun) bool {
	if r.at.Equal(c.at) || c.e.owns(r.id) {
		return true
	}
	since, of := c.now.Add(-c.e.opts.Rest), r.job.Resource.Site.Account
	for account, e := range c.evidence[r.id] {
		if (account == of || !c.protects(account)) && (e.underWay || e.newest.After(since)) {
			return false
		}
	}
	busy := func(k claim) bool { return r.fits(k) && (k.underWay() || k.Started.After(since)) }
	return !slices.ContainsFunc(r.originals, busy) && !slices.ContainsFunc(r.rekeyed, busy)
}

// protects says whether an account is one that may fall to an intruder.
func (c *census) protects(id accounts.ID) bool {
	return id != c.e.opts.Vault && slices.ContainsFunc(c.plan.Sources, func(s Source) bool { return s.Account == id })
}

// owns says whether this engine has made calls for a run as its own: not to
// settle it, which anybody's tags can bring about.
func (e *Engine) owns(run string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ok := e.own[run]
	return ok
}
