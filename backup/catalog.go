package backup

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/retention"
)

// Points reads the catalog: the recovery points at the filter's sites, as AWS
// lists them now; site by site, by resource, the newest first. A site that
// cannot be listed is an *Error in the sequence, and the others follow.
//
// Of originals only what AWS itself says is believed: owner, volume, size and
// StartTime must fit the run that the tags claim, and snapshots whose tags do
// not fit are left out. The tags of copies are the vault's own.
func (e *Engine) Points(ctx context.Context, f PointFilter) iter.Seq2[Point, error] {
	return func(yield func(Point, error) bool) {
		for _, r := range e.readings(f) {
			if err := ctx.Err(); err != nil {
				yield(Point{}, err)
				return
			}
			points, err := r.read(ctx, e)
			if err != nil && ctx.Err() == nil {
				err = &Error{Account: r.id.site.Account, Region: r.id.site.Region, Err: err}
			}
			if err != nil && !yield(Point{}, err) {
				return
			}
			for _, p := range points {
				if f.takes(p) && !yield(p, nil) {
					return
				}
			}
		}
	}
}

func (f PointFilter) takes(p Point) bool {
	return (f.Plan == "" || f.Plan == p.Plan) && (f.Resource == "" || f.Resource == p.Resource) &&
		(f.Account == "" || f.Account == p.Source.Account) && (p.Copy || !f.CopyOnly)
}

// A reading is one listing that points are read from, and what is believed of it.
type reading struct {
	id        viewID
	originals bool
	copies    bool // from whatever account; else from the site's own only
	images    bool // of copies
}

// readings returns what a filter asks to read, each once.
func (e *Engine) readings(f PointFilter) []reading {
	var list []reading
	add := func(r reading) {
		r.images = f.Images && r.copies
		for driver := range e.drivers {
			r.id.driver = driver
			if !slices.Contains(list, r) {
				list = append(list, r)
			}
		}
	}
	for _, s := range f.Sites {
		vault := s.Account == e.opts.Vault
		purpose := accounts.Backup
		if vault {
			purpose = accounts.VaultWriter
		}
		add(reading{id: viewID{site: s, purpose: purpose}, originals: true, copies: vault})
	}
	for _, s := range f.CopySites {
		add(reading{id: viewID{site: s, purpose: accounts.VaultWriter}, copies: true})
	}
	return list
}

func (r reading) read(ctx context.Context, e *Engine) ([]Point, error) {
	v, err := e.see(ctx, r.id, time.Now())
	if err != nil {
		return nil, err
	}
	reader := &pointReader{e: e, site: r.id.site, v: v, now: time.Now()}
	var points []Point
	for snaps := range v.points() {
		originals, copies := reader.claims(r.id.driver, snaps)
		if p, ok := reader.original(originals); ok && r.originals {
			points = append(points, p)
		}
		if p, ok := reader.copy(copies, r.copies); ok {
			points = append(points, p)
		}
	}
	if r.images && len(points) > 0 {
		if err := e.addImages(ctx, points, r.id); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(points, func(a, b Point) int {
		return cmp.Or(cmp.Compare(a.Resource, b.Resource), b.Time.Compare(a.Time), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Source.String(), b.Source.String()))
	})
	return points, nil
}

// A pointReader makes points of what a site lists.
type pointReader struct {
	e    *Engine
	site Site
	v    *view
	now  time.Time
}

// claims parts the snapshots of one point, oldest first, into those of a
// protected resource in this site and copies. Snapshots of another owner, of
// resources of another driver, those whose tags contradict themselves, and
// those that cannot have been made as what they claim to be are neither.
func (r *pointReader) claims(driver int, snaps []Snapshot) (originals, copies []claim) {
	for _, s := range snaps {
		l, err := readLabel(s.Tags, r.e.opts.Vault)
		if err != nil || s.Owner != r.site.Account || !r.made(s, l) {
			continue
		}
		if of, known := r.e.kinds[kindOf(l.resource)]; !known || of != driver {
			continue
		}
		k := claim{s, l}
		if l.kind == duplicate {
			if l.key == keyOf(r.e.opts.Vault, l.run, l.resource, keyCopy, l.volume.Volume, r.site.String()) {
				copies = append(copies, k)
			}
			continue
		}
		if a, err := parseARN(l.resource); err == nil && a.site == r.site {
			originals = append(originals, k)
		}
	}
	return originals, copies
}

// made says whether a snapshot can have been made by the engine. In a protected
// account anyone may put our tags on a snapshot that is somebody else's, to
// have it deleted; what it was described as when it was made, nobody can
// change. The tags in the vault are the vault's own.
func (r *pointReader) made(s Snapshot, l label) bool {
	return r.site.Account == r.e.opts.Vault || s.Description == describe(l.plan, l.point, l.resource)
}

// original makes a point of originals, if there is a set that AWS's fields
// bear out: the first complete one, or else the first of which a part is there.
func (r *pointReader) original(claims []claim) (Point, bool) {
	best, ok := r.bestSet(claims)
	if !ok {
		return Point{}, false
	}
	p := r.point(best.label, r.site)
	p.Time = best.set.started.UTC()
	p.Consistency = best.label.mark.of(best.set.snaps)
	used := map[string]bool{}
	for i, m := range best.label.volumes {
		if s := best.set.snaps[i]; s.ID != "" {
			used[s.ID] = true
			m.Encrypted, m.KMSKey = s.Encrypted, s.KMSKey // a snapshot is encrypted as its volume is
			p.Members = append(p.Members, PointMember{m, s})
		}
	}
	p.Manifest = oneManifest(p.Members)
	p.State = r.state(p.Members, best.label.members, func(PointMember) bool { return true })
	for _, k := range claims {
		if !used[k.ID] && r.leftOver(best, k) {
			p.Extra = append(p.Extra, k.Snapshot)
		}
	}
	return p, true
}

// leftOver says whether a snapshot is of the same point as the best set: an
// original that was doubled, or an intermediate.
func (r *pointReader) leftOver(best borneOut, k claim) bool {
	j := best.job
	if k.label.kind == original {
		return j.memberOf(k.Snapshot, windowOf(k.label.at, r.e.opts.Window), r.now) >= 0
	}
	for i, m := range j.Resource.Members {
		if k.label.key == j.rekeyKey(i) {
			return k.SizeGiB == m.SizeGiB && k.Encrypted && !k.Started.Before(best.set.started)
		}
	}
	return false
}

// A borneOut is a claim with the set that bears it out.
type borneOut struct {
	label label
	job   *Job
	set   set
}

func (r *pointReader) bestSet(claims []claim) (best borneOut, ok bool) {
	snaps := make([]Snapshot, len(claims))
	for i, k := range claims {
		snaps[i] = k.Snapshot
	}
	variants := 0
	for _, k := range claims {
		if k.label.kind != original {
			continue
		}
		if variants++; variants > maxVariants {
			break
		}
		j := newJob(r.e.opts.Vault, k.label.plan, k.label.at, Resource{ARN: k.label.resource, Site: r.site, Members: k.label.volumes})
		sets, _ := j.sets(snaps, windowOf(j.At, r.e.opts.Window), r.now)
		if first, complete := firstSet(sets); complete {
			return borneOut{k.label, &j, first}, true
		}
		if !ok && len(sets) > 0 {
			best, ok = borneOut{k.label, &j, sets[0]}, true
		}
	}
	return best, ok
}

// copy makes a point of copies. In a protected account, copies that claim to
// come from another account are nobody's.
func (r *pointReader) copy(claims []claim, believed bool) (Point, bool) {
	claims = slices.DeleteFunc(claims, func(k claim) bool {
		return !believed && k.label.source.Account != r.site.Account
	})
	if len(claims) == 0 {
		return Point{}, false
	}
	first := ofOneMoment(claims)[0].label
	p := r.point(first, first.source)
	p.Copy, p.Time, p.Consistency = true, first.taken, first.mark.kind
	for _, k := range claims {
		i := slices.IndexFunc(p.Members, func(m PointMember) bool { return m.Volume == k.label.volume.Volume })
		switch {
		case !k.label.goesWith(first):
			p.Extra = append(p.Extra, k.Snapshot)
		case i < 0:
			p.Members = append(p.Members, PointMember{k.label.volume, k.Snapshot})
		case p.Members[i].Snapshot.State == SnapshotError && k.State != SnapshotError:
			p.Extra = append(p.Extra, p.Members[i].Snapshot)
			p.Members[i].Snapshot = k.Snapshot
		default:
			p.Extra = append(p.Extra, k.Snapshot)
		}
	}
	slices.SortFunc(p.Members, func(a, b PointMember) int { return cmp.Compare(a.Volume, b.Volume) })
	p.Manifest = oneManifest(p.Members)
	p.State = r.state(p.Members, first.members, r.verified)
	return p, true
}

func (r *pointReader) point(l label, source Site) Point {
	return Point{
		ID: l.point, Plan: l.plan, Run: l.at, Site: r.site, Source: source,
		Resource: l.resource, Kind: kindOf(l.resource), Machine: l.machine,
	}
}

// oneManifest returns the digest that members name: the one that some of them
// name, where others have none; none if they disagree.
func oneManifest(members []PointMember) (digest string) {
	for _, m := range members {
		switch named := manifestTag(m.Snapshot.Tags); {
		case named == "" || named == digest:
		case digest == "":
			digest = named
		default:
			return ""
		}
	}
	return digest
}

// verified says whether a copy is what it should be, as far as it can be told
// without the plan: of the volume's size, and encrypted under a key of the
// site's own.
func (r *pointReader) verified(m PointMember) bool {
	key, err := parseKey(m.Snapshot.KMSKey)
	return err == nil && m.Snapshot.Encrypted && key.site == r.site && m.Snapshot.SizeGiB == m.SizeGiB
}

// state says how whole a point is that should have a number of members. As
// long as one of them is under way it is Pending: the others may follow, and
// nobody should delete what is being made.
func (r *pointReader) state(members []PointMember, want int, verified func(PointMember) bool) retention.State {
	var newest time.Time
	good, bad := 0, 0
	for _, m := range members {
		if m.Snapshot.Started.After(newest) {
			newest = m.Snapshot.Started
		}
		switch {
		case m.Snapshot.State == SnapshotError, m.Snapshot.State == SnapshotCompleted && !verified(m):
			bad++
		case m.Snapshot.State == SnapshotCompleted:
			good++
		}
	}
	switch {
	case good+bad < len(members):
		return retention.Pending
	case bad > 0:
		return retention.Failed
	case good == want:
		return retention.Complete
	case r.now.Sub(newest) > r.e.opts.Grace:
		return retention.Partial
	}
	return retention.Pending
}
