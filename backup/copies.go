package backup

import (
	"slices"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
)

// copies makes the copies at each destination, sharing what it must, and
// verifies them. A destination that fails or waits does not hold up the others.
func (d *decision) copies() *verdict {
	for i := range d.j.Copies {
		t := &d.j.Copies[i].Trial
		if t.Fault == nil && !d.over(i) {
			if v := d.copyTo(i); v != nil {
				return v
			}
		}
		if t.Fault != nil && !d.over(i) {
			if v := d.drain(i); v != nil {
				return v
			}
		}
	}
	d.reachCopied()
	return nil
}

// over says whether nothing can be done any more at a destination.
func (d *decision) over(i int) bool {
	c := d.j.Copies[i]
	if c.Trial.Fault != nil {
		return c.Abandoned || !slices.ContainsFunc(c.Snapshots, underWay)
	}
	return d.j.Source.Fault != nil && !traced(c.Snapshots)
}

// underWay says whether a copy was begun of which the end is not known.
func underWay(t Trace) bool { return t.Snapshot != "" && !t.Completed && !t.Failed && !t.Deleted }

// drain waits until the other copies at a destination that failed have ended:
// until then they need the share, and only then it shows which are no good.
func (d *decision) drain(i int) *verdict {
	v, need := d.lookAt(urgencyOf(d.j.Copies[i].Snapshots), d.j.Copies[i].Snapshots, d.copyView(i), scope{scopeCopy, i})
	if v == nil {
		return need
	}
	for m := range d.j.Copies[i].Snapshots {
		t := &d.j.Copies[i].Snapshots[m]
		if !underWay(*t) {
			continue
		}
		switch _, seen := d.sight(t, v); seen {
		case pending:
			d.nextLook(d.copyView(i), v, urgencyOf(d.j.Copies[i].Snapshots), "the copies at %s to end, one of which failed", d.j.Copies[i].Site)
		case gone:
			t.Deleted = true
		}
	}
	return nil
}

func (d *decision) copyTo(i int) *verdict {
	c := &d.j.Copies[i]
	if traced(c.Snapshots) {
		v, need := d.lookAt(urgencyOf(c.Snapshots), c.Snapshots, d.copyView(i), scope{scopeCopy, i})
		if v != nil {
			return d.watchCopies(i, v)
		}
		return need
	}
	if !d.sourcesReady(i) {
		return nil // originals or rekey waits
	}
	v, need := d.lookFor(d.making(), d.copyView(i), scope{scopeCopy, i})
	if v == nil {
		return need
	}
	d.adoptCopies(i, v)
	if member, ok := d.nextMissing(i); ok {
		if ok, v := d.proven(); !ok {
			return v
		}
		return d.copyMember(i, member, v)
	}
	return d.watchCopies(i, v)
}

// sourcesReady says whether every copy that is missing has something to be
// made from. No copy is begun before, so that no part of a point is copied
// whose other parts come to nothing.
func (d *decision) sourcesReady(i int) bool {
	c := d.j.Copies[i]
	if !allCompleted(d.j.Originals) {
		return false
	}
	for m, t := range c.Snapshots {
		if source := d.sourceOf(c.Site, m); t.Snapshot == "" && (source.Snapshot == "" || !source.Completed) {
			return false
		}
	}
	return true
}

// sourceOf returns what a copy of a member is made from: the original, or in
// another account than its owner's the intermediate, if there has to be one.
func (d *decision) sourceOf(to Site, member int) Trace {
	if d.j.Resource.Members[member].ManagedKey && to.Account != d.j.Resource.Site.Account {
		return d.j.Rekeyed[member]
	}
	return d.j.Originals[member]
}

// nextMissing returns the largest member that has no copy at a destination:
// the longest copy is best begun first.
func (d *decision) nextMissing(i int) (member int, ok bool) {
	members := d.j.Resource.Members
	for m, t := range d.j.Copies[i].Snapshots {
		if t.Snapshot == "" && (!ok || members[m].SizeGiB > members[member].SizeGiB) {
			member, ok = m, true
		}
	}
	return member, ok
}

// adoptCopies finds copies by their key. The tags at a destination are the
// vault's own; the first made counts, of those that have not failed and are of
// the moment that counts.
func (d *decision) adoptCopies(i int, v *view) {
	j, c := d.j, &d.j.Copies[i]
	moment := d.momentAt(i, v)
	for m := range c.Snapshots {
		if s, listed := v.snapshot(c.Snapshots[m].Snapshot); listed && s.State != SnapshotError && s.Tags[tagTaken] != moment {
			c.Snapshots[m] = Trace{} // it was adopted before the originals were known
		}
		if c.Snapshots[m].Snapshot != "" {
			continue
		}
		key := j.copyKey(m, c.Site)
		for _, s := range v.of(j.Point) {
			if s.Tags[tagKey] != key || s.Owner != c.Site.Account {
				continue
			}
			if s.State == SnapshotError {
				c.spoil(s, v.seen(s.Started))
				continue
			}
			if s.Tags[tagTaken] != moment {
				continue
			}
			c.Snapshots[m] = Trace{Snapshot: s.ID, Seen: v.seen(s.Started), Started: s.Started}
			if c.Site.Account != j.Resource.Site.Account { // there the tags are as good as those of originals
				j.claimManifest(s.Tags)
			}
			break
		}
		for _, mine := range v.madeWith(key) {
			if c.Snapshots[m].Snapshot == "" && (moment == "" || mine.Tags[tagTaken] == moment) {
				c.Snapshots[m] = Trace{Snapshot: mine.ID, Seen: mine.at}
			}
		}
	}
}

// momentAt returns which moment's copies count at a destination, as their tag
// snapkeep:taken says it; empty if nothing tells. There is more than one only
// where originals were doubled: copies are made from those that the job has;
// where these are not needed or not known yet, the most that are there count.
func (d *decision) momentAt(i int, v *view) string {
	j, site := d.j, d.j.Copies[i].Site
	if traced(j.Originals) && !j.Originals[0].Started.IsZero() {
		return takenTag(j.Originals[0].Started)
	}
	moment, most, have := "", 0, map[string]map[string]bool{}
	for m := range j.Resource.Members {
		key := j.copyKey(m, site)
		for _, s := range v.of(j.Point) { // oldest first
			if s.Tags[tagKey] != key || s.Owner != site.Account || s.State == SnapshotError {
				continue
			}
			taken := s.Tags[tagTaken]
			if have[taken] == nil {
				have[taken] = map[string]bool{}
			}
			have[taken][key] = true
			if n := len(have[taken]); n > most {
				moment, most = taken, n
			}
		}
	}
	return moment
}

// spoil notes a copy of an earlier attempt that failed.
func (c *JobCopy) spoil(s Snapshot, seen time.Time) {
	if !slices.ContainsFunc(c.Spoiled, func(t Trace) bool { return t.Snapshot == s.ID }) {
		c.Spoiled = append(c.Spoiled, Trace{Snapshot: s.ID, Seen: seen, Started: s.Started, Failed: true})
	}
}

// copyMember shares what a copy is made from, if it is not yet, or copies it.
func (d *decision) copyMember(i, member int, v *view) *verdict {
	j, c, s := d.j, d.j.Copies[i], scope{scopeCopy, i}
	if err := j.copyKeyFault(member, i); err != nil {
		d.fail(s, err)
		return nil
	}
	source := d.sourceOf(c.Site, member)
	if share := j.share(c.Site.Account); share != nil && !slices.Contains(share.Shared, source.Snapshot) {
		if d.paused(s) || d.unlocked() {
			return nil // lockOriginals waits
		}
		// It is the copy that fails if this does. The share's own trial is for
		// taking back what was shared of the other members.
		return &verdict{
			step: &Step{Kind: StepShare, Snapshot: source.Snapshot, With: share.Account},
			at:   actor{site: j.Resource.Site, purpose: accounts.Backup}, scope: s, fold: fold{copy: i},
		}
	}
	if d.w.slots(c.Site, v) <= 0 {
		d.queue(d.copyView(i), v, roomCopies, "a slot for a copy into %s", c.Site)
		return nil
	}
	if c.CompletionMinutes > 0 && v.throughput(j.Resource.Site.Region) >= d.w.rules.throughput {
		d.nextLook(d.copyView(i), v, forRoom, "throughput of time-based copies from %s into %s", j.Resource.Site.Region, c.Site)
		return nil
	}
	tags, err := j.label(duplicate, member, c.Site).tags(j.Vault)
	if err != nil {
		d.fail(s, err)
		return nil
	}
	if d.paused(s) {
		return nil
	}
	if v, need := d.look(d.copyView(i), j.Believe, s); v == nil {
		return need // there seems to be room; a recent listing will tell
	}
	return &verdict{
		step: &Step{
			Kind: StepCopy, Snapshot: source.Snapshot, SourceRegion: j.Resource.Site.Region, KMSKey: c.KMSKey,
			Tags: tags, Description: j.describe(), CompletionMinutes: c.CompletionMinutes,
		},
		at: actor{site: c.Site, purpose: accounts.VaultWriter}, scope: s, fold: fold{member: member, copy: i},
	}
}

// watchCopies waits for the copies at a destination and verifies them. A copy
// can fail long after its call succeeded: EC2 looks at the key only then (EBS
// User Guide, "Copy an Amazon EBS snapshot"). What was listed too long ago is
// not taken for verified.
func (d *decision) watchCopies(i int, v *view) *verdict {
	c, done, s := &d.j.Copies[i], 0, scope{scopeCopy, i}
	for m := range c.Snapshots {
		t := &c.Snapshots[m]
		snap, seen := d.sight(t, v)
		switch seen {
		case failed:
			if !d.takeOther(i, m, snap, v) {
				d.fail(s, bad("%s ended in state error%s", t.Snapshot, d.j.whyCopyFailed(m, i, snap)))
			}
		case gone:
			d.fail(s, bad("%s has disappeared", t.Snapshot))
		case completed:
			done++
			if err := d.verify(i, m, snap, v); err != nil {
				d.fail(s, err)
			}
		}
	}
	switch {
	case c.Trial.Fault != nil:
	case done == len(c.Snapshots):
		v, need := d.lookAt(urgencyOf(c.Snapshots), c.Snapshots, d.copyView(i), s) // now that all are completed
		d.verified[i] = v != nil
		return need
	default:
		d.nextLook(d.copyView(i), v, urgencyOf(c.Snapshots), "%d of %d copies completed at %s", done, len(c.Snapshots), c.Site)
	}
	return nil
}

// takeOther replaces a copy that failed by another of the same member and
// moment, as another process may have made it; what it was made from may have
// been taken back from under this one, as soon as that was completed.
func (d *decision) takeOther(i, member int, bad Snapshot, v *view) bool {
	c, key := &d.j.Copies[i], d.j.copyKey(member, d.j.Copies[i].Site)
	for _, s := range v.of(d.j.Point) {
		if s.Tags[tagKey] == key && s.Owner == c.Site.Account && s.State != SnapshotError && s.Tags[tagTaken] == bad.Tags[tagTaken] {
			c.spoil(bad, v.seen(bad.Started))
			c.Snapshots[member] = Trace{Snapshot: s.ID, Seen: v.seen(s.Started), Started: s.Started}
			return true
		}
	}
	return false
}

// verify compares a completed copy with what was asked for. It is done each
// time a decision needs it, and never remembered. How the volume and the
// machine are described is not compared: both may change while a run rests.
func (d *decision) verify(i, member int, s Snapshot, v *view) error {
	j, c := d.j, d.j.Copies[i]
	switch {
	case s.Owner != c.Site.Account:
		return bad("%s belongs to %s", s.ID, s.Owner)
	case !s.Encrypted || s.KMSKey != c.KMSKey:
		return bad("%s is encrypted under %q, want %q", s.ID, s.KMSKey, c.KMSKey)
	case s.SizeGiB != j.Resource.Members[member].SizeGiB:
		return bad("%s has %d GiB, want %d", s.ID, s.SizeGiB, j.Resource.Members[member].SizeGiB)
	}
	l, err := readLabel(s.Tags, j.Vault)
	if err != nil {
		return bad("%s: %v", s.ID, err)
	}
	m, taken := j.Resource.Members[member], j.Originals[member].Started
	first, _ := v.snapshot(c.Snapshots[0].Snapshot)
	switch {
	case l.kind != duplicate || l.point != j.Point || l.key != j.copyKey(member, c.Site) || l.source != j.Resource.Site:
		return bad("%s: its tags are those of another snapshot", s.ID)
	case l.members != len(j.Resource.Members) || l.volume.Volume != m.Volume || l.volume.SizeGiB != m.SizeGiB:
		return bad("%s: its tags speak of %s of %d GiB, one of %d, want %s of %d GiB, one of %d", s.ID,
			l.volume.Volume, l.volume.SizeGiB, l.members, m.Volume, m.SizeGiB, len(j.Resource.Members))
	case !taken.IsZero() && !l.taken.Equal(taken):
		return bad("%s: its tags say it was taken at %v, want %v", s.ID, l.taken, taken)
	case first.ID != "" && s.Tags[tagTaken] != first.Tags[tagTaken]:
		return bad("%s: its tags say it was taken at %v, those of %s say %s", s.ID, l.taken, first.ID, first.Tags[tagTaken])
	}
	return nil
}

// reachCopied notes how far all destinations have come.
func (d *decision) reachCopied() {
	j := d.j
	shared, copied, verified := len(j.Copies) > 0, len(j.Copies) > 0, len(j.Copies) > 0
	for i, c := range j.Copies {
		for m, t := range c.Snapshots {
			share := j.share(c.Site.Account)
			shared = shared && (t.Snapshot != "" || share == nil || slices.Contains(share.Shared, d.sourceOf(c.Site, m).Snapshot))
		}
		copied = copied && c.Trial.Fault == nil && allCompleted(c.Snapshots)
		verified = verified && d.verified[i]
	}
	if shared && allCompleted(j.Originals) && len(j.Shares) > 0 {
		d.reach(Shared)
	}
	if copied {
		d.reach(Copied)
	}
	if verified {
		d.reach(Verified)
	}
}
