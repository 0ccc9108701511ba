package backup

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// An errand is what a call is for, as far as its session is held down to it.
// The zero errand holds nothing down.
type errand struct {
	run string // whose leavings are removed
	// plan that the call is made for, and for a copy the account of its source
	// and the keys that it reads and writes under.
	plan     string
	source   accounts.ID
	from, to string // key ARNs; empty from: the source is not encrypted
	locks    bool   // the call locks
}

// errand returns what the call of a verdict is for. Listings are of all plans,
// and what a plan's session does not know goes in the role's own.
func (a *advance) errand(v *verdict) errand {
	switch {
	case v.at.narrow:
		return errand{run: a.j.Run()}
	case !a.e.opts.NarrowPlans:
		return errand{}
	}
	switch v.step.Kind {
	case StepSnapshot, StepShare, StepRevoke:
		return errand{plan: a.j.Plan}
	case StepLock:
		return errand{plan: a.j.Plan, locks: true}
	case StepCopy:
		m, owner := a.j.Resource.Members[v.fold.member], a.j.Resource.Site.Account
		on := errand{plan: a.j.Plan, source: owner, from: m.KMSKey, to: v.step.KMSKey}
		if m.ManagedKey && v.at.site.Account != owner {
			on.from = a.j.RekeyKey
		}
		return on
	}
	return errand{}
}

// A narrower can hold sessions down by a policy. *accounts.Sessions is one.
type narrower interface {
	Narrow(id accounts.ID, p accounts.Purpose, sessionPolicy string) (*accounts.Sessions, error)
}

// narrow returns the sessions for an actor, held down to its errand. A forged
// tag, or a mistake of ours, then cannot make a call that deletes reach
// anything but what the run made, nor any other reach what is another plan's.
func (e *Engine) narrow(at actor, on errand) (Sessions, error) {
	n, ok := e.sessions.(narrower)
	if on == (errand{}) || !ok {
		return e.sessions, nil
	}
	partition, _ := partitionOf(at.site.Region)
	doc, err := iampolicy.CleanupSession(partition, string(e.opts.Vault), on.run), error(nil)
	if on.plan != "" {
		doc, err = e.planSession(partition, at, on)
	}
	var policy []byte
	if err == nil {
		policy, err = json.Marshal(doc)
	}
	if err != nil {
		return nil, fmt.Errorf("session policy: %w", err)
	}
	return n.Narrow(at.site.Account, at.purpose, string(policy))
}

// planSession returns the policy that holds a session down to a plan.
func (e *Engine) planSession(partition string, at actor, on errand) (*iampolicy.Document, error) {
	s := iampolicy.PlanSession{
		Partition: partition, Vault: string(e.opts.Vault), Account: string(at.site.Account),
		Plan: on.plan, Regions: []string{at.site.Region}, Locks: on.locks,
	}
	if on.to != "" {
		s.Sources, s.Keys = []string{string(on.source)}, []string{on.to}
		if on.from != "" && on.from != on.to {
			s.Keys = append(s.Keys, on.from)
		}
	}
	return s.Policy(string(at.purpose))
}

// narrows refuses sessions that cannot be held down to plans.
func (o Options) narrows(s Sessions) error {
	if _, ok := s.(narrower); o.NarrowPlans && s != nil && !ok {
		return errors.New("backup: Options.NarrowPlans: these Sessions have no Narrow")
	}
	return nil
}
