package backup

import (
	"slices"
	"time"
)

// A window is when the originals of a run may have been started.
type window struct{ from, to time.Time }

// windowOf returns a run's window: from its moment, less the clocks' skew.
func windowOf(at time.Time, length time.Duration) window {
	return window{at.Add(-maxSkew), at.Add(length)}
}

func (w window) holds(t time.Time) bool { return !t.Before(w.from) && !t.After(w.to) }

// Adoption: an original is taken for one of a job's by what AWS says of it.
// Its tags are only how it is found, since the account's owner, or an
// intruder, can put any tags on any snapshot. The description must be ours,
// too: it cannot be changed (see Snapshot.Description), so that nobody who may
// only write tags can have somebody else's snapshot copied, or deleted as the
// remains of a failed job.

// adoptable says whether AWS's own fields let a snapshot be the original of a
// member: owner, volume, size and StartTime.
func adoptable(s Snapshot, site Site, m Member, w window, now time.Time) bool {
	return s.Owner == site.Account && s.Volume == m.Volume && s.SizeGiB == m.SizeGiB &&
		w.holds(s.Started) && !s.Started.After(now.Add(maxSkew))
}

// A set is snapshots of one StartTime, one for each member that has one.
type set struct {
	started time.Time
	snaps   []Snapshot // by member; the zero Snapshot where there is none
	found   int
}

func (s set) complete() bool { return s.found == len(s.snaps) }

// firstSet returns the complete set that counts, of those that were found: the
// first made of which nothing failed, so that two processes that both made one
// go on with the same; else the first made.
func firstSet(found []set) (first set, ok bool) {
	for _, s := range found {
		switch {
		case !s.complete():
		case !slices.ContainsFunc(s.snaps, func(s Snapshot) bool { return s.State == SnapshotError }):
			return s, true
		case !ok:
			first, ok = s, true
		}
	}
	return first, ok
}

// joinFirst gives up the set that the job has for another that counts, while
// nothing was made from it yet. There are two where a call had its effect after
// listings had seemed to prove that it had none, or where two processes work on
// one run. What is given up stays until the point is pruned. What was taken at
// rest is not given up: the other set may not have been.
func (d *decision) joinFirst(v *view) {
	j := d.j
	list := v.of(j.Point)
	if len(list) <= len(j.Originals) || j.Quiesce != nil || d.used() {
		return
	}
	found, _ := j.sets(list, windowOf(j.At, d.w.rules.window), d.w.now)
	if first, ok := firstSet(found); ok && first.snaps[0].ID != j.Originals[0].Snapshot {
		d.traceSet(first, v)
	}
}

// used says whether the job knows of anything that was made from originals.
func (d *decision) used() bool {
	some := func(t Trace) bool { return t.Snapshot != "" }
	return slices.ContainsFunc(d.j.Rekeyed, some) ||
		slices.ContainsFunc(d.j.Copies, func(c JobCopy) bool { return slices.ContainsFunc(c.Snapshots, some) })
}

// sets puts candidates, oldest first, into sets by StartTime: CreateSnapshots
// gives all snapshots of a call the same (EBS User Guide, "Create multi-volume
// Amazon EBS snapshots"). Of two snapshots of one volume in a set the lower id
// counts. The second result is how many candidates were turned away.
func (j *Job) sets(candidates []Snapshot, w window, now time.Time) (found []set, refused int) {
	key, description := keyOf(j.Vault, j.Run(), j.Resource.ARN, keySnapshot, "", ""), j.describe()
	for _, s := range candidates {
		if _, isStep := s.Tags[tagStep]; isStep {
			continue // an intermediate
		}
		if _, isCopy := s.Tags[tagSource]; isCopy {
			continue // a copy, where a destination is in the protected account
		}
		i := j.memberOf(s, w, now)
		if i < 0 || s.Tags[tagKey] != key || s.Description != description {
			refused++
			continue
		}
		n := len(found) - 1
		if n < 0 || !found[n].started.Equal(s.Started) {
			found = append(found, set{started: s.Started, snaps: make([]Snapshot, len(j.Resource.Members))})
			n++
		}
		if found[n].snaps[i].ID == "" {
			found[n].snaps[i] = s
			found[n].found++
		}
	}
	return found, refused
}

// memberOf returns the member that a snapshot may be the original of, or -1.
func (j *Job) memberOf(s Snapshot, w window, now time.Time) int {
	for i, m := range j.Resource.Members {
		if adoptable(s, j.Resource.Site, m, w, now) {
			return i
		}
	}
	return -1
}

// rekeyed says whether a snapshot in the protected account may be the
// intermediate of a member: right key in its tags, owner, size and description,
// begun after its original, encrypted under the key the plan names.
func (j *Job) rekeyed(s Snapshot, i int) bool {
	m := j.Resource.Members[i]
	return s.Tags[tagStep] == keyRekey && s.Tags[tagKey] == j.rekeyKey(i) &&
		s.Owner == j.Resource.Site.Account && s.SizeGiB == m.SizeGiB && s.Description == j.describe() &&
		!s.Started.Before(j.Originals[i].Started) && s.Encrypted && s.KMSKey == j.RekeyKey
}

func (j *Job) rekeyKey(i int) string {
	return keyOf(j.Vault, j.Run(), j.Resource.ARN, keyRekey, j.Resource.Members[i].Volume, j.Resource.Site.String())
}

func (j *Job) copyKey(i int, to Site) string {
	return keyOf(j.Vault, j.Run(), j.Resource.ARN, keyCopy, j.Resource.Members[i].Volume, to.String())
}
