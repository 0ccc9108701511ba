package backup

import (
	"slices"

	"github.com/snapkeep/snapkeep/accounts"
)

// settled says whether nothing more will come of a destination: its copies are
// verified, or it was given up.
func (d *decision) settled(i int) bool { return d.verified[i] || d.over(i) }

// revoke takes the shares back, each once all destinations in its account are
// settled. Unless the job has shared all by itself, what is shared is read from
// the site, not remembered: a share may have been made by a process that did
// not live to tell.
func (d *decision) revoke() *verdict {
	all := true
	for k, share := range d.j.Shares {
		if !d.revocable(share.Account) {
			all = false
			continue
		}
		if share.Trial.Fault != nil {
			all = false
			continue
		}
		v, ok := d.revokeFrom(k)
		if v != nil {
			return v
		}
		all = all && ok
	}
	if all && len(d.j.Shares) > 0 && d.j.Reached == Verified {
		d.reach(Revoked)
	}
	return nil
}

func (d *decision) revocable(id accounts.ID) bool {
	for i, c := range d.j.Copies {
		if c.Site.Account == id && !d.settled(i) {
			return false
		}
	}
	return true
}

// untouched says whether the job, and whoever might have advanced it from an
// older form, has come no further than its originals: then nothing is shared,
// and there are no intermediates.
func (d *decision) untouched() bool {
	some := func(list []Trace) bool {
		return slices.ContainsFunc(list, func(t Trace) bool { return t.Snapshot != "" })
	}
	return d.fresh() && !some(d.j.Rekeyed) &&
		!slices.ContainsFunc(d.j.Copies, func(c JobCopy) bool { return some(c.Snapshots) }) &&
		!slices.ContainsFunc(d.j.Shares, func(s JobShare) bool { return len(s.Shared) > 0 })
}

// revokeFrom takes one account's shares back. It reports whether none is left.
func (d *decision) revokeFrom(k int) (*verdict, bool) {
	share, s := d.j.Shares[k], scope{scopeShare, k}
	if d.untouched() {
		return nil, true
	}
	ids := share.Shared
	if !d.sharedAll(share) {
		v, need := d.look(d.sharedView(share.Account), d.j.Believe, s)
		if v == nil {
			return need, false
		}
		ids = d.sharedIDs(share, v)
	}
	for _, id := range ids {
		if slices.Contains(share.Revoked, id) {
			continue
		}
		if d.paused(s) {
			return nil, false
		}
		return &verdict{
			step:  &Step{Kind: StepRevoke, Snapshot: id, With: share.Account},
			at:    actor{site: d.j.Resource.Site, purpose: accounts.Backup},
			scope: s, fold: fold{copy: -1},
		}, false
	}
	return nil, true
}

// sharedAll says whether the job knows all that was shared with an account:
// nobody else has worked on it, and what each copy there was made from is among
// what it has shared itself. Then a listing would tell nothing new.
func (d *decision) sharedAll(share JobShare) bool {
	if !d.fresh() {
		return false
	}
	for _, c := range d.j.Copies {
		if c.Site.Account != share.Account {
			continue
		}
		for m := range c.Snapshots {
			if !slices.Contains(share.Shared, d.sourceOf(c.Site, m).Snapshot) {
				return false
			}
		}
	}
	return true
}

// sharedIDs returns what is shared with an account of what this job may have
// shared: what it remembers, and what is listed and fits. The first few of
// each member are enough, since the first made is what would have been
// shared; more are forged, to keep us busy.
func (d *decision) sharedIDs(share JobShare, v *view) []string {
	const ofEach = 4
	j := d.j
	ids, w := slices.Clone(share.Shared), windowOf(j.At, d.w.rules.window)
	count := map[int]int{}
	key := keyOf(j.Vault, j.Run(), j.Resource.ARN, keySnapshot, "", "")
	for _, s := range v.of(j.Point) {
		member := -1
		if s.Tags[tagKey] == key && s.Description == j.describe() {
			member = j.memberOf(s, w, d.w.now)
		}
		for i, m := range j.Resource.Members {
			if m.ManagedKey && j.rekeyed(s, i) {
				member = len(j.Resource.Members) + i
			}
		}
		if member < 0 || slices.Contains(ids, s.ID) {
			continue
		}
		if count[member]++; count[member] <= ofEach {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// tidy removes what failed and what was only needed on the way. It is the
// last thing a job does: nothing that is removed could still be of use.
func (d *decision) tidy() *verdict {
	j, s := d.j, scope{kind: scopeTidy}
	if j.Tidy.Fault != nil || !d.untied() {
		return nil
	}
	for _, c := range j.Copies {
		for _, t := range slices.Concat(c.Spoiled, c.Snapshots) {
			if t.Failed && !t.Deleted {
				return d.remove(t.Snapshot, actor{c.Site, accounts.VaultPruner, true})
			}
		}
	}
	if slices.ContainsFunc(j.Originals, func(t Trace) bool { return t.Failed }) {
		for _, t := range j.Originals {
			if t.Snapshot != "" && !t.Deleted {
				return d.remove(t.Snapshot, actor{j.Resource.Site, accounts.Pruner, true})
			}
		}
	}
	for i, m := range j.Resource.Members {
		if !m.ManagedKey || len(j.Shares) == 0 || j.Rekeyed[i].Deleted {
			continue
		}
		if j.Rekeyed[i].Snapshot == "" && !d.untouched() {
			v, need := d.look(d.sourceView(), j.Believe, s)
			if v == nil {
				return need
			}
			d.adoptRekeyed(i, v)
		}
		if id := j.Rekeyed[i].Snapshot; id != "" {
			return d.remove(id, actor{j.Resource.Site, accounts.Pruner, true})
		}
	}
	return nil
}

// untied says whether all destinations are settled and all shares taken back,
// as far as they could be.
func (d *decision) untied() bool {
	for i := range d.j.Copies {
		if !d.settled(i) {
			return false
		}
	}
	return d.later.IsZero()
}

func (d *decision) remove(id string, at actor) *verdict {
	s := scope{kind: scopeTidy}
	if d.paused(s) {
		return nil
	}
	return &verdict{step: &Step{Kind: StepDelete, Snapshot: id}, at: at, scope: s, fold: fold{copy: -1}}
}

// finish waits, if there is something to wait for, or ends the job.
func (d *decision) finish() *verdict {
	j := d.j
	if !d.untied() {
		if d.later.IsZero() { // cannot be; but a job that ended too early would leave things shared
			d.wait(d.w.now.Add(d.w.rules.maxAge), "its copies")
		}
		return &verdict{until: d.later, waiting: d.why, lines: d.lines, timer: d.timer}
	}
	failed, open, bare := j.Source.Fault != nil, j.Locking.Fault != nil, false
	loose := j.Tidy.Fault != nil || j.Quiesce != nil && j.Quiesce.Resuming.Fault != nil
	for _, c := range j.Copies {
		failed, open = failed || c.Trial.Fault != nil, open || c.Locking.Fault != nil
		bare = bare || c.Image != nil && c.Image.Trial.Fault != nil
	}
	for _, s := range j.Shares {
		loose = loose || s.Trial.Fault != nil
	}
	switch {
	case failed:
		j.Stage = Failed
		d.w.reached = append(d.w.reached, Failed)
	case open:
		j.Stage = Unlocked
		d.w.reached = append(d.w.reached, Unlocked)
	case loose:
		j.Stage = Unrevoked
		d.w.reached = append(d.w.reached, Unrevoked)
	case bare:
		j.Stage = Unimaged
		d.w.reached = append(d.w.reached, Unimaged)
	default:
		d.reach(Done)
	}
	return &verdict{end: true}
}
