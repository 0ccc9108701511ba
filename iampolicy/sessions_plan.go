package iampolicy

import (
	"fmt"
	"time"
)

// A PlanSession is what one plan uses of a role. Its policy narrows the role's
// sessions to that: a fault in one plan, or a stolen session of it, does not
// reach what is another plan's. The engine asks for such sessions if its option
// NarrowPlans is set.
type PlanSession struct {
	// Partition of the accounts. Empty means "aws".
	Partition string
	// Vault is the vault's account id.
	Vault string
	// Account that the session is in.
	Account string
	// Plan is the plan's name, as in the tag TagPlan.
	Plan string
	// Regions of the account that the plan uses. The roles "backup" and
	// "vault-writer" need them.
	Regions []string
	// Sources are the accounts that the plan copies from: for "backup" its own
	// account, which rekeys. None leaves copying out.
	Sources []string
	// Keys are the ARNs of all keys that the plan reads or writes copies under:
	// the sources' and its own. None leaves copying out. For "backup" the keys
	// that are rekeyed to are enough.
	Keys []string
	// Locks says that the plan locks snapshots. It counts for "backup" and
	// "vault-writer".
	Locks bool
	// Before is for the pruners: what was started before it may be deleted.
	Before time.Time
}

// Policy returns the session policy for a purpose: "backup", "vault-writer",
// "vault-sharer", "pruner" or "vault-pruner". What a protected account's
// options allow beside snapshots is left out. Where there is no room for them,
// its statements have no Sids. It fails with a *FieldError, or
// with ErrTooLarge for many keys: a session of the whole role, or several
// sessions, do then.
func (s PlanSession) Policy(purpose string) (*Document, error) {
	which, known := map[string]paper{
		"backup": backupSession, "vault-writer": writerSession, "vault-sharer": sharerSession,
		"pruner": deleterSession, "vault-pruner": deleterSession,
	}[purpose]
	c := &specCheck{partition: partitionOr(s.Partition), externalIDs: map[string]string{}}
	switch {
	case !known:
		return nil, &FieldError{Field: "purpose", Problem: fmt.Sprintf("%q has no sessions of a plan", purpose)}
	case s.Plan == "":
		c.fault("Plan", "is missing")
	case which == deleterSession && s.Before.IsZero():
		c.fault("Before", "is missing")
	}
	c.account("Vault", s.Vault)
	c.account("Account", s.Account)
	if which == backupSession || which == writerSession {
		c.regions("Regions", s.Regions)
		c.planKeys(s)
	}
	if len(c.faults) > 0 {
		return nil, c.faults[0]
	}
	p := particulars{
		partition: c.partition, account: s.Account, vault: s.Vault, regions: s.Regions,
		copyFrom: s.Sources, keys: s.Keys, before: s.Before,
	}
	p.plan = s.Plan
	if s.Locks {
		p.lock = &LockBounds{} // the role's own bounds count
	}
	doc, _ := write(which, p)
	if doc.Size() > SessionLimit {
		doc = doc.Minify() // without the names of its statements
	}
	if err := fits(doc, SessionLimit, "session policy of plan "+s.Plan); err != nil {
		return nil, err
	}
	return doc, nil
}

// planKeys checks what a plan copies from and under.
func (c *specCheck) planKeys(s PlanSession) {
	if (len(s.Keys) > 0) != (len(s.Sources) > 0) {
		c.fault("Keys", "and Sources go together")
	}
	for n, account := range s.Sources {
		c.account(fmt.Sprintf("Sources[%d]", n), account)
	}
	for n, arn := range s.Keys {
		if parts := keyPattern.FindStringSubmatch(arn); parts == nil || parts[1] != c.partition {
			c.fault(fmt.Sprintf("Keys[%d]", n), "%q is not the ARN of a key in partition %s", arn, c.partition)
		}
	}
}
