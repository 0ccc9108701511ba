package backup_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

// A lab is a cloud and a plan, with a record of its own of what should be there.
type lab struct {
	*cloud
	engine *backup.Engine
	plan   backup.Plan
	want   wanted

	resting string          // ARN of what a dead process has left at rest
	safe    map[string]bool // what has had a whole copy, and where
	seen    []string        // what was wrong for a moment
}

// A wanted is what should be there.
type wanted struct {
	// originals and copies are the runs of which every resource has them.
	originals []time.Time
	copies    map[backup.Site][]time.Time
	// perhaps is the run that nobody took up again: of each resource there may be
	// nothing, or all of it if the vault has proven it, or the originals.
	perhaps time.Time
	proven  bool
	// twice says that the run which settles it was cut as well: then it may have
	// copies of a part, or none, at a destination.
	twice  bool
	cold   []time.Time // the runs whose copies in the other Region were archived
	thawed bool        // and brought back
}

// A setID names what one run has of one resource at one site.
type setID struct {
	site          backup.Site
	run, resource string
}

// sets sorts what there is, but for intermediates. The caller holds mu.
func (l *lab) sets() map[setID][]*fakeSnap {
	sets := map[setID][]*fakeSnap{}
	for _, id := range l.order {
		if s := l.snaps[id]; !s.gone && s.Tags["snapkeep:step"] == "" {
			k := setID{s.site, s.Tags["snapkeep:run"], s.Tags["snapkeep:resource"]}
			sets[k] = append(sets[k], s)
		}
	}
	return sets
}

// volumeIn returns the volume that a snapshot has the data of.
func volumeIn(s *fakeSnap) string {
	if text, ok := s.Tags["snapkeep:volume"]; ok {
		volume, _, _ := strings.Cut(text, ":")
		return volume
	}
	return s.Volume
}

func isCopy(s *fakeSnap) bool { return s.Tags["snapkeep:source"] != "" }

// all lists what the plan protects.
func (l *lab) all() (list []backup.Resource) {
	for _, s := range l.plan.Sources {
		list = append(list, l.resources[backup.Site{Account: s.Account, Region: region}]...)
	}
	return list
}

// copyAt returns the plan's destination at a site, nil if it is none.
func (l *lab) copyAt(site backup.Site) *backup.Copy {
	for i, c := range l.plan.Copies {
		if c.Site() == site {
			return &l.plan.Copies[i]
		}
	}
	return nil
}

// look notes what must not be so at any moment: that the last good copy of
// something is gone, that something is there twice, or shared with somebody who
// has no business with it, or before it was locked.
func (l *lab) look(k call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	whole := map[string]bool{}
	for id, list := range l.sets() {
		done := map[string]bool{}
		for _, s := range list {
			done[volumeIn(s)] = done[volumeIn(s)] || isCopy(s) && l.now(s).State == backup.SnapshotCompleted && !l.archived(s.ID)
		}
		if len(done) == len(l.members(id.resource)) && !slices.Contains(slices.Collect(maps.Values(done)), false) {
			whole[id.resource+" at "+id.site.String()] = true
		}
	}
	for where := range l.safe {
		if !whole[where] {
			l.seen = append(l.seen, "the last good copy is gone of "+where)
		}
	}
	maps.Copy(l.safe, whole)
	made := map[string]string{}
	for _, id := range l.order {
		s := l.snaps[id]
		for with := range s.shared {
			if !s.gone && with != vault {
				l.seen = append(l.seen, fmt.Sprintf("%s is shared with %s", id, with))
			}
		}
		what := s.Tags["snapkeep:key"] + " of " + s.Volume
		if first := made[what]; first != "" && isCopy(s) {
			l.seen = append(l.seen, fmt.Sprintf("%s and %s are both of %s", first, id, what))
		}
		made[what] = id
	}
	if s := l.snaps[k.step.Snapshot]; k.op == string(backup.StepShare) && s.Tags["snapkeep:step"] == "" && l.plan.Lock != nil && l.locks[s.ID].IsZero() {
		l.seen = append(l.seen, s.ID+" was shared before it was locked")
	}
}

func (l *lab) members(arn string) []backup.Member {
	for _, r := range l.all() {
		if r.ARN == arn {
			return r.Members
		}
	}
	return nil
}

// disturbs notes a call about what was left at rest that comes before the one
// that ends it. The caller holds mu.
func (l *lab) disturbs(k call) {
	of := k.step.Resource.ARN
	if s := l.snaps[k.step.Snapshot]; s != nil {
		of = s.Tags["snapkeep:resource"]
	}
	if l.resting == "" || of != l.resting {
		return
	}
	if k.op != string(backup.StepResume) {
		l.seen = append(l.seen, fmt.Sprintf("%s comes before the end of the rest of %s", k.op, of))
	}
	l.resting = ""
}

// leftResting returns the ARN of an instance that is at rest, or on its way there;
// empty if it is not.
func (l *lab) leftResting(id string) string {
	if l.ended(id) {
		return ""
	}
	return instance(siteB, id).ARN
}

// proves says whether a destination has any copy of a run.
func (l *lab) proves(at time.Time) bool {
	var copies []*fakeSnap
	for _, c := range l.plan.Copies {
		copies = append(copies, l.at(c.Site())...)
	}
	return slices.ContainsFunc(copies, func(s *fakeSnap) bool { return s.Tags["snapkeep:run"] == backup.RunID(l.plan.Name, at) })
}

// A verdict collects what is wrong.
type verdict []string

func (v *verdict) add(format string, args ...any) { *v = append(*v, fmt.Sprintf(format, args...)) }

// check is the invariant checker. It returns all that is not as it must be
// whenever nothing is under way: nothing lost, nothing doubled, nothing left
// shared, nothing untagged, nothing left over, nothing unlocked, no image
// lacking or too many, nothing archived that should not be, nothing at rest.
func (l *lab) check() []string {
	points, err := l.catalog(l.t.Context())
	l.mu.Lock()
	v := verdict(l.seen)
	for _, id := range l.order {
		if s := l.snaps[id]; !s.gone {
			l.checkEach(&v, s)
		}
	}
	l.checkSets(&v)
	l.mu.Unlock()
	if err != nil {
		v.add("catalog: %v", err)
	}
	l.checkCatalog(&v, points)
	for _, r := range l.all() {
		if !l.ended(r.ID()) {
			v.add("%s is left at rest: %v", r.ID(), l.sent(r.ID()))
		}
	}
	return v
}

// checkEach looks at one snapshot by itself.
func (l *lab) checkEach(v *verdict, s *fakeSnap) {
	name := fmt.Sprintf("%s at %s (%s)", s.ID, s.site, s.Tags["snapkeep:run"])
	if len(s.shared) > 0 {
		v.add("%s is still shared with %v", name, slices.Collect(maps.Keys(s.shared)))
	}
	if s.Tags["snapkeep:vault"] != string(vault) || s.Tags["snapkeep:key"] == "" || s.Tags["snapkeep:point"] == "" {
		v.add("%s is untagged: %v", name, s.Tags)
	}
	if s.Tags["snapkeep:step"] != "" {
		v.add("%s is an intermediate that is left", name)
	}
	if state := l.now(s).State; state != backup.SnapshotCompleted {
		v.add("%s is %s", name, state)
	}
	lock := l.plan.Lock
	id := setID{s.site, s.Tags["snapkeep:run"], s.Tags["snapkeep:resource"]}
	if isCopy(s) {
		if lock = l.copyAt(s.site).Lock; l.partly(id) {
			return
		}
	} else if (!l.want.proven || l.want.twice) && s.Tags["snapkeep:run"] == backup.RunID(l.plan.Name, l.want.perhaps) {
		return // nobody need come to lock it
	}
	switch have, until := l.lockOf[s.ID], l.locks[s.ID]; {
	case lock == nil && have.Snapshot != "":
		v.add("%s is locked", name)
	case lock != nil && (have.Mode != lock.Mode || until.Before(s.Started.Add(time.Duration(lock.Days)*24*time.Hour))):
		v.add("%s is locked as %q until %v, want %q for %d days from %v", name, have.Mode, until, lock.Mode, lock.Days, s.Started)
	}
}

// partly says whether a set is one that nobody completes any more.
func (l *lab) partly(id setID) bool {
	return l.want.twice && id.run == backup.RunID(l.plan.Name, l.want.perhaps) && len(l.sets()[id]) < len(l.members(id.resource))
}

// checkSets holds what is there against what is wanted: every resource has its
// originals once and its copies once at each destination, with what belongs to
// them, and nothing else is there.
func (l *lab) checkSets(v *verdict) {
	sets, images := l.sets(), map[string]*fakeImage{}
	for _, i := range l.imaged {
		switch {
		case i.gone:
		case images[i.Name] != nil:
			v.add("there are two images %s", i.Name)
		default:
			images[i.Name] = i
		}
	}
	whole := func(site backup.Site, r backup.Resource, at time.Time) {
		id := setID{site, backup.RunID(l.plan.Name, at), r.ARN}
		l.checkSet(v, id, r, sets[id])
		l.checkImage(v, id, r, sets[id], images)
		delete(sets, id)
	}
	for _, r := range l.all() {
		for _, at := range l.want.originals {
			whole(r.Site, r, at)
		}
		for site, runs := range l.want.copies {
			for _, at := range runs {
				whole(site, r, at)
			}
		}
		run := backup.RunID(l.plan.Name, l.want.perhaps)
		if l.want.perhaps.IsZero() || len(sets[setID{r.Site, run, r.ARN}]) == 0 {
			continue
		}
		whole(r.Site, r, l.want.perhaps)
		for _, c := range l.plan.Copies {
			id := setID{c.Site(), run, r.ARN}
			switch {
			case !l.want.proven:
			case l.want.twice && len(sets[id]) < len(r.Members):
				delete(sets, id)
			default:
				whole(c.Site(), r, l.want.perhaps)
			}
		}
	}
	for id, list := range sets {
		v.add("%d snapshots of %s of %s at %s are too many", len(list), id.resource, id.run, id.site)
	}
	for name, i := range images {
		v.add("image %s (%s) at %s is too many", i.ID, name, i.site)
	}
}

// checkSet looks at the originals, or the copies, of a resource.
func (l *lab) checkSet(v *verdict, id setID, r backup.Resource, list []*fakeSnap) {
	name := fmt.Sprintf("%s of %s at %s", r.ID(), id.run, id.site)
	var have, want []string
	moments := map[string]bool{}
	cold := id.site == second && slices.ContainsFunc(l.want.cold, func(at time.Time) bool { return backup.RunID(l.plan.Name, at) == id.run })
	for _, s := range list {
		have = append(have, volumeIn(s))
		moments[s.Tags["snapkeep:taken"]] = true
		if isCopy(s) == (id.site == r.Site) {
			v.add("%s: %s is tagged %v", name, s.ID, s.Tags)
		}
		if l.cold[s.ID].IsZero() == cold || l.warm[s.ID].IsZero() == (cold && l.want.thawed) {
			v.add("%s: %s was archived %v and thawed %v", name, s.ID, l.cold[s.ID], l.warm[s.ID])
		}
		for _, o := range l.sets()[setID{r.Site, id.run, id.resource}] {
			if taken := o.Started.UTC().Format(time.RFC3339Nano); isCopy(s) && !isCopy(o) && s.Tags["snapkeep:taken"] != taken {
				v.add("%s: %s says it was taken %s, and %s was at %s", name, s.ID, s.Tags["snapkeep:taken"], o.ID, taken)
			}
		}
	}
	for _, m := range r.Members {
		want = append(want, m.Volume)
	}
	if slices.Sort(have); !slices.Equal(have, want) {
		v.add("%s: there are %v, want one of each of %v", name, have, want)
	}
	if len(moments) > 1 {
		v.add("%s is of %d moments", name, len(moments))
	}
}

// checkImage looks for the image of a set, if it should have one, and takes it
// from the list.
func (l *lab) checkImage(v *verdict, id setID, r backup.Resource, list []*fakeSnap, images map[string]*fakeImage) {
	c := l.copyAt(id.site)
	if c == nil || !c.Image || r.Kind != "instance" {
		return
	}
	var ids []string
	for _, s := range list {
		ids = append(ids, s.ID)
	}
	for name, i := range images {
		if i.site != id.site || i.Tags["snapkeep:run"] != id.run || i.Tags["snapkeep:resource"] != id.resource {
			continue
		}
		delete(images, name)
		if slices.Sort(ids); !slices.Equal(slices.Sorted(slices.Values(i.Snapshots)), ids) {
			v.add("image %s is of %v, want %v", i.ID, i.Snapshots, ids)
		}
		return
	}
	v.add("%s of %s at %s has no image", r.ID(), id.run, id.site)
}

// checkCatalog asks the engine: all points are complete, none has anything that
// no restore needs, and no mark lies.
func (l *lab) checkCatalog(v *verdict, points []backup.Point) {
	for _, pt := range points {
		if l.partly(setID{pt.Site, backup.RunID(l.plan.Name, pt.Run), pt.Resource}) {
			continue
		}
		c := l.copyAt(pt.Site)
		imaged := pt.Copy && c.Image && strings.Contains(pt.Resource, ":instance/")
		if pt.State != retention.Complete || len(pt.Extra) > 0 || imaged != (pt.Image != nil) {
			v.add("catalog: %s of %s at %s is %v, with %d extra, image %v", pt.Run, pt.Resource, pt.Site, pt.State, len(pt.Extra), pt.Image)
		}
		if pt.Consistency == backup.ApplicationConsistent && !l.atRest(db, pt.Time) {
			v.add("catalog: %s of %s at %s was made at %v, not at rest: %s", pt.Run, pt.Resource, pt.Site, pt.Time, l.timeline())
		}
	}
	n := 0
	for _, list := range l.sets() {
		if len(list) > 0 {
			n++
		}
	}
	if len(points) != n {
		v.add("catalog: %d points of %d sets", len(points), n)
	}
}

// fellBack lists the points that are not as consistent as the plan wants.
func (l *lab) fellBack() (list []string) {
	points, err := l.catalog(l.t.Context())
	if err != nil {
		return []string{err.Error()}
	}
	for _, pt := range points {
		if pt.Consistency == backup.FellBack {
			list = append(list, pt.ID+" at "+pt.Site.String())
		}
	}
	return list
}

// print is the end state without what differs from one way to it to another: the
// ids that AWS gives, times, and how often an instance was brought to rest.
func (l *lab) print() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []string
	for _, id := range l.order {
		s := l.snaps[id]
		if s.gone {
			continue
		}
		var tags []string
		for key, value := range s.Tags {
			switch key {
			case "snapkeep:taken", "snapkeep:consistency":
			default:
				tags = append(tags, key+"="+value)
			}
		}
		slices.Sort(tags)
		lines = append(lines, fmt.Sprintf("%s: %s, %d GiB, key %q, shared with %v, locked %q, cold %v, %s", s.site, volumeIn(s), s.SizeGiB, s.KMSKey,
			slices.Collect(maps.Keys(s.shared)), l.lockOf[id].Mode, l.archived(id), strings.Join(tags, " ")))
	}
	for _, i := range l.imaged {
		if !i.gone {
			lines = append(lines, fmt.Sprintf("%s: image %s of %d", i.site, i.Name, len(i.Snapshots)))
		}
	}
	slices.Sort(lines)
	return lines
}

// timeline tells which scripts were run, and when.
func (l *lab) timeline() string {
	var lines []string
	for _, s := range l.agent.scripts {
		lines = append(lines, fmt.Sprintf("%s from %s to %s: %s", s.kind, s.sent.Format(time.TimeOnly), s.ends.Format(time.TimeOnly), s.state))
	}
	return strings.Join(lines, "; ")
}
