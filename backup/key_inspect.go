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
	c.inspectSources(ctx)
}

// inspectSources finds out which keys the accounts that copy may not look at,
// of those that they are to read under and that are good.
func (c *census) inspectSources(ctx context.Context) {
	var g errgroup.Group
	g.SetLimit(c.e.opts.Concurrency)
	keys := c.sourceKeys()
	for i, k := range keys {
		g.Go(func() error {
			at := actor{site: Site{k.by, k.site.Region}, purpose: accounts.VaultWriter}
			keys[i].refused = c.inspectKey(ctx, k.driver, at, k.part, k.key).refused
			return nil
		})
	}
	_ = g.Wait() // each key keeps what was said of it
	for _, k := range keys {
		if k.refused {
			c.hidden[k.by] = append(c.hidden[k.by], k.key)
		}
	}
}

// A sourceKey is a key that another account is to read under.
type sourceKey struct {
	site    Site        // of what it encrypts
	driver  int         // of the site
	key     string      // ARN
	part    KeyPart     // that it plays
	by      accounts.ID // who is to read
	refused bool        // who is to read may not even look at it
}

// sourceKeys returns all of them, each once for each account that reads.
func (c *census) sourceKeys() (all []sourceKey) {
	seen := map[string]bool{}
	add := func(s *siteCensus, part KeyPart, key string) {
		for _, d := range c.plan.Copies {
			id := string(d.Account) + " " + key
			if key != "" && d.Account != s.site.Account && !seen[id] {
				seen[id] = true
				all = append(all, sourceKey{site: s.site, driver: s.driver, key: key, part: part, by: d.Account})
			}
		}
	}
	for _, s := range c.sites {
		for _, r := range s.resources {
			for _, m := range r.Members {
				if !m.ManagedKey && m.KeyState == "" {
					add(s, SourceKey, m.KMSKey)
				}
			}
		}
		if len(s.managed) > 0 && s.rekey.fault == nil {
			add(s, RekeyKey, c.plan.Sources[s.source].RekeyKeys[s.site.Region])
		}
	}
	return all
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
		if v.refused = errors.Is(err, ErrDenied); v.refused {
			c.e.tell(Event{Account: at.site.Account, Region: at.site.Region, Err: undescribed(part, arn, at, err)})
		}
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
		j.Copies[i].HiddenKeys = c.hiddenKeys(j, j.Copies[i].Site.Account)
	}
}

// hiddenKeys returns the keys that a job's copies are read under and that an
// account may not look at.
func (c *census) hiddenKeys(j *Job, by accounts.ID) (keys []string) {
	for _, key := range c.hidden[by] {
		used := key == j.RekeyKey
		for _, m := range j.Resource.Members {
			used = used || m.KMSKey == key
		}
		if used {
			keys = append(keys, key)
		}
	}
	return keys
}

// undescribed warns of a key that who is to copy may not describe, which EC2
// asks for when it copies (EBS User Guide, "Share the KMS key used to encrypt a
// shared Amazon EBS snapshot"). It is a warning: the copy will show.
func undescribed(part KeyPart, arn string, at actor, err error) error {
	return &KeyError{
		Key: arn, Account: ownerOfKey(arn), Part: part,
		Reason: fmt.Sprintf("may not be described by the %s role of account %s, so that copies will fail (%v)", at.purpose, at.site.Account, err),
		Remedy: "let its key policy and the role's policy allow kms:DescribeKey, and what else EC2 asks for to copy",
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
