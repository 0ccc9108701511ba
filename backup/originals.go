package backup

import (
	"errors"
	"fmt"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
)

// volumeSpacing is how far apart EC2 wants snapshots of one volume (EC2 API
// Reference, error code SnapshotCreationPerVolumeRateExceeded).
const volumeSpacing = 15 * time.Second

// pendingOfVolume is how many snapshots of a volume may be pending (EBS User
// Guide, "Quotas for Amazon EBS": 5, and 1 for st1 and sc1).
func pendingOfVolume(volumeType string) int {
	if volumeType == "st1" || volumeType == "sc1" {
		return 1
	}
	return 5
}

// originals finds or makes the snapshots of the resource and waits until they
// are completed.
func (d *decision) originals() *verdict {
	j := d.j
	if j.Source.Fault != nil || !d.wanted() {
		return nil
	}
	if allCompleted(j.Originals) {
		d.reach(Snapshotted)
		return nil
	}
	known := traced(j.Originals)
	var v *view
	var need *verdict
	if known {
		v, need = d.lookAt(d.forOriginals(), j.Originals, d.sourceView(), scope{kind: scopeSource})
	} else {
		v, need = d.lookFor(d.making(), d.sourceView(), scope{kind: scopeSource})
	}
	if v == nil {
		return need
	}
	if !known && !d.adoptOriginals(v) {
		return d.create(v)
	}
	d.watchOriginals(v)
	return nil
}

// wanted says whether originals are needed: because a copy is still to be made
// from them, or because no place has them all.
func (d *decision) wanted() bool {
	somewhere := false
	for _, c := range d.j.Copies {
		if traced(c.Snapshots) {
			somewhere = true
		} else if c.Trial.Fault == nil {
			return true
		}
	}
	return !somewhere && !d.j.Settle
}

// forOriginals says how urgent the next listing is for the originals: not very,
// if their copies would have to wait for slots.
func (d *decision) forOriginals() urgency {
	u := urgencyOf(d.j.Originals)
	if u != forEnd || len(d.j.Copies) == 0 {
		return u
	}
	for i, c := range d.j.Copies {
		if c.Trial.Fault == nil && !d.w.busy(d.copyView(i)) {
			return u
		}
	}
	return atLeisure
}

// adoptOriginals looks for a complete set of originals. If there are several,
// as after a lost answer or because somebody forged one, the first made counts.
func (d *decision) adoptOriginals(v *view) bool {
	j := d.j
	key := keyOf(j.Vault, j.Run(), j.Resource.ARN, keySnapshot, "", "")
	if mine := v.madeWith(key); len(mine) > 0 {
		return d.traceOwn(mine)
	}
	found, refused := j.sets(v.of(j.Point), windowOf(j.At, d.w.rules.window), d.w.now)
	j.Ignored = max(j.Ignored, refused)
	first, ok := firstSet(found)
	if ok = ok && d.vouched(first.snaps); ok {
		d.traceSet(first, v)
	}
	return ok
}

func (d *decision) traceSet(s set, v *view) {
	for i, snap := range s.snaps {
		d.j.Originals[i] = Trace{Snapshot: snap.ID, Seen: v.seen(snap.Started), Started: snap.Started}
		d.j.claimManifest(snap.Tags)
	}
	d.mark(s.snaps)
}

// traceOwn takes over what another job of this engine made for the same run.
func (d *decision) traceOwn(mine []made) bool {
	for i, m := range d.j.Resource.Members {
		for _, s := range mine {
			if s.Volume == m.Volume {
				d.j.Originals[i] = Trace{Snapshot: s.ID, Seen: s.at, Started: s.Started}
				d.j.claimManifest(s.Tags)
			}
		}
	}
	if !traced(d.j.Originals) {
		return false
	}
	d.mark([]Snapshot{mine[0].Snapshot})
	return true
}

// watchOriginals waits for the originals. They are all or nothing: if one
// fails, EC2 fails the others of the call (EBS User Guide, "Create
// multi-volume Amazon EBS snapshots").
func (d *decision) watchOriginals(v *view) {
	j, done, missed := d.j, 0, false
	d.joinFirst(v)
	for i := range j.Originals {
		t := &j.Originals[i]
		switch s, seen := d.sight(t, v); seen {
		case failed:
			d.fail(scope{kind: scopeSource}, bad("%s of %s ended in state error%s", t.Snapshot, j.Resource.Members[i].Volume, saying(s)))
		case gone:
			d.miss(*t, bad("%s of %s has disappeared", t.Snapshot, j.Resource.Members[i].Volume))
			missed = true
		case completed:
			done++
		}
	}
	switch {
	case j.Source.Fault != nil || missed:
	case done == len(j.Originals):
		d.reach(Snapshotted)
	default:
		d.nextLook(d.sourceView(), v, d.forOriginals(), "%d of %d snapshots completed", done, len(j.Originals))
	}
}

// create makes the originals, if nothing speaks against it.
func (d *decision) create(v *view) *verdict {
	j, source := d.j, scope{kind: scopeSource}
	if !d.fresh() && j.Surveyed.IsZero() {
		return nil // the survey waits
	}
	tags, err := d.mayCreate(v)
	if err != nil {
		d.fail(source, err)
		return nil
	}
	if d.mustWait(v) || d.paused(source) {
		return nil
	}
	if ok, v := d.captured(); !ok {
		return v
	}
	if !j.Resting() {
		if v, need := d.look(d.sourceView(), j.Believe, source); v == nil {
			return need // there seems to be room; a recent listing will tell
		}
	}
	if j.Quiesce != nil {
		ready, need := d.rest()
		if !ready {
			return need
		}
		if tags, err = j.label(original, 0, Site{}).tags(j.Vault); err != nil {
			d.fail(source, err)
			return nil
		}
	}
	return &verdict{
		step: &Step{Kind: StepSnapshot, Resource: j.Resource, Tags: tags, Description: j.describe()},
		at:   actor{site: j.Resource.Site, purpose: accounts.Backup}, scope: source, fold: fold{copy: -1},
	}
}

// mayCreate returns the tags of the originals, or why there must be none.
func (d *decision) mayCreate(v *view) (map[string]string, error) {
	j := d.j
	for _, c := range j.Copies {
		for _, t := range c.Snapshots {
			if t.Snapshot != "" {
				return nil, bad("copies of this point exist at %s, and its originals are gone", c.Site)
			}
		}
	}
	switch {
	case j.Settle:
		return nil, bad("the originals of %s are gone", j.Run())
	case d.w.now.After(windowOf(j.At, d.w.rules.window).to):
		return nil, fmt.Errorf("no snapshot was made within %v of %s: %w", d.w.rules.window, j.At.Format(time.RFC3339), ErrWindow)
	}
	for _, m := range j.Resource.Members {
		if j.RekeyKey == "" && m.ManagedKey && len(j.Shares) > 0 {
			return nil, fmt.Errorf("%s is encrypted under the AWS-managed key aws/ebs, whose snapshots cannot be shared, "+
				"and the plan's rekeyKeys name no key for %s", m.Volume, j.Resource.Site.Region)
		}
	}
	if err := j.keysAllow(); err != nil {
		return nil, err
	}
	return j.label(original, 0, Site{}).tags(j.Vault)
}

// mustWait says whether it is too early for the run, EC2 would refuse a
// snapshot now, or parts of a set are listed whose other parts may follow; and
// notes until when.
func (d *decision) mustWait(v *view) bool {
	j := d.j
	w := windowOf(j.At, d.w.rules.window)
	if d.w.now.Before(w.from) {
		d.wait(j.At, "the run's moment")
		return true
	}
	found, _ := j.sets(v.of(j.Point), w, d.w.now)
	if len(found) > 0 {
		if until := found[0].started.Add(d.w.rules.grace); until.After(d.w.now) {
			d.nextLook(d.sourceView(), v, atOnce, "the listing to show all snapshots of a set")
			return true
		}
	}
	limit := pendingOfVolume("")
	for _, m := range j.Resource.Members {
		limit = min(limit, pendingOfVolume(m.Type))
	}
	all, ofOne, newest := v.pendingOriginals(j.Resource.Members)
	switch free := d.w.room(j.Resource.Site, v); {
	case ofOne >= limit:
		d.nextLook(d.sourceView(), v, forRoom, "%d pending snapshots of a volume", ofOne)
	case all > 0 && free < len(j.Originals):
		d.queue(d.sourceView(), v, roomOriginals, "%d pending snapshots at %s", all, j.Resource.Site)
	case newest.Add(volumeSpacing).After(d.w.now) && !newest.After(d.w.now):
		d.wait(newest.Add(volumeSpacing), "%v between snapshots of a volume", volumeSpacing)
	default:
		return false
	}
	return true
}

// rekey copies what `aws/ebs` encrypts within the protected account, under a
// key that can be shared, where a copy in another account is still to be made.
func (d *decision) rekey() *verdict {
	j := d.j
	if j.Source.Fault != nil {
		return nil
	}
	needed, all := false, true
	for i, m := range j.Resource.Members {
		if !m.ManagedKey || !d.copyMissing(i) {
			continue
		}
		if !j.Originals[i].Completed {
			return nil // originals waits
		}
		needed = true
		if t := j.Rekeyed[i]; t.Snapshot != "" && t.Completed {
			continue
		}
		all = false
		if v := d.rekeyMember(i); v != nil {
			return v
		}
	}
	if needed && all {
		d.reach(Rekeyed)
	}
	return nil
}

// copyMissing says whether an account that is shared with lacks a copy of a
// member, as far as it could be looked at.
func (d *decision) copyMissing(member int) bool {
	for i, c := range d.j.Copies {
		if d.unseen[i] { // survey waits
			continue
		}
		if c.Site.Account != d.j.Resource.Site.Account && c.Trial.Fault == nil && c.Snapshots[member].Snapshot == "" {
			return true
		}
	}
	return false
}

func (d *decision) rekeyMember(i int) *verdict {
	j, source, t := d.j, scope{kind: scopeSource}, &d.j.Rekeyed[i]
	var v *view
	var need *verdict
	if t.Snapshot == "" {
		v, need = d.lookFor(d.making(), d.sourceView(), source)
	} else {
		v, need = d.lookAt(urgencyOf(j.Rekeyed[i:i+1]), j.Rekeyed[i:i+1], d.sourceView(), source)
	}
	if v == nil {
		return need
	}
	if t.Snapshot == "" {
		d.adoptRekeyed(i, v)
	}
	if t.Snapshot != "" {
		d.watchRekeyed(i, v)
		return nil
	}
	if d.w.slots(j.Resource.Site, v) <= 0 {
		d.queue(d.sourceView(), v, roomCopies, "a slot for a copy into %s", j.Resource.Site)
		return nil
	}
	tags, err := j.label(intermediate, i, Site{}).tags(j.Vault)
	if err == nil && j.RekeyKey == "" {
		err = errors.New("the plan's rekeyKeys name no key for " + j.Resource.Site.Region)
	}
	if err == nil && j.RekeyFault != nil {
		err = j.RekeyFault
	}
	if err != nil {
		d.fail(source, err)
		return nil
	}
	if d.paused(source) {
		return nil
	}
	if v, need := d.look(d.sourceView(), j.Believe, source); v == nil {
		return need // there seems to be room; a recent listing will tell
	}
	return &verdict{
		step: &Step{
			Kind: StepCopy, Snapshot: j.Originals[i].Snapshot, SourceRegion: j.Resource.Site.Region, KMSKey: j.RekeyKey,
			Tags: tags, Description: j.describe(),
		},
		at: actor{site: j.Resource.Site, purpose: accounts.Backup}, scope: source, fold: fold{member: i, copy: -1},
	}
}

// adoptRekeyed looks for an intermediate; the first made counts.
func (d *decision) adoptRekeyed(i int, v *view) {
	j := d.j
	for _, m := range v.madeWith(j.rekeyKey(i)) {
		j.Rekeyed[i] = Trace{Snapshot: m.ID, Seen: m.at}
		return
	}
	for _, s := range v.of(j.Point) {
		if j.rekeyed(s, i) {
			j.Rekeyed[i] = Trace{Snapshot: s.ID, Seen: v.seen(s.Started), Started: s.Started}
			return
		}
	}
}

func (d *decision) watchRekeyed(i int, v *view) {
	t, volume := &d.j.Rekeyed[i], d.j.Resource.Members[i].Volume
	switch s, seen := d.sight(t, v); seen {
	case failed:
		d.fail(scope{kind: scopeSource}, bad("%s, the copy of %s under a key that can be shared, ended in state error%s", t.Snapshot, volume, d.j.whyRekeyFailed(i, s)))
	case gone:
		d.miss(*t, bad("%s, the copy of %s under a key that can be shared, has disappeared", t.Snapshot, volume))
	case pending:
		d.nextLook(d.sourceView(), v, urgencyOf(d.j.Rekeyed[i:i+1]), "%s to be rekeyed", volume)
	}
}

// label returns what the tags of a snapshot of the job shall say.
func (j *Job) label(kind labelKind, member int, to Site) label {
	l := label{
		plan: j.Plan, at: j.At, run: j.Run(), point: j.Point, resource: j.Resource.ARN,
		members: len(j.Resource.Members), machine: j.Resource.Machine, kind: kind, manifest: j.Manifest.Digest,
	}
	l.mark.kind = j.Consistency
	switch kind {
	case original:
		l.volumes, l.mark.until = j.Resource.Members, j.restsUntil()
		l.key = keyOf(j.Vault, l.run, l.resource, keySnapshot, "", "")
	case intermediate:
		l.volume, l.key = j.Resource.Members[member], j.rekeyKey(member)
	case duplicate:
		l.volume, l.key = j.Resource.Members[member], j.copyKey(member, to)
		l.source, l.taken = j.Resource.Site, j.Originals[member].Started
	}
	return l
}

func (j *Job) describe() string { return describe(j.Plan, j.Point, j.Resource.ARN) }

// describe returns what every snapshot of a point is described as.
func describe(plan, point, resource string) string {
	return fmt.Sprintf("snapkeep %s: %s of %s", plan, point, Resource{ARN: resource}.ID())
}
