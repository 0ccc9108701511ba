package backup_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

// A model is one random history: a plan, nights that go well or not, and prunes
// that are disturbed in every way, while other nights go by.
type model struct {
	t    *testing.T
	c    *cloud
	p    backup.Plan
	seed uint64

	// The cloud is held where held and died are written.
	held, died int

	mu  sync.Mutex // guards rng
	rng *rand.Rand
}

func (m *model) roll(n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rng.IntN(n)
}

func (m *model) chance(percent int) bool { return m.roll(100) < percent }

// The last good copy always survives; an original goes only when every
// destination has it, or a later one; what is held stays; and once all is
// quiet exactly what the policies keep, and what is held, is left. Meanwhile
// calls fail before and after their effect, the engine dies at any of them,
// other nights go by, and people hold what is just about to go.
func TestPruneModel(t *testing.T) {
	pruned, held, died := 0, 0, 0
	for seed := range uint64(60) {
		inTime(t, func(t *testing.T) {
			m := &model{t: t, c: story(t), seed: seed, rng: rand.New(rand.NewPCG(seed, 2))}
			m.begin()
			for range 2 + m.roll(3) {
				m.disturb()
				pruned += m.pruneUnderFire()
			}
			pruned += m.quiet()
			held, died = held+m.held, died+m.died
		})
	}
	t.Logf("%d points pruned, %d snapshots held, %d engines died", pruned, held, died)
	require.Greater(t, pruned, 400, "the model has become tame")
	require.Greater(t, held, 100, "the model has become tame")
	require.Greater(t, died, 10, "the model has become tame")
}

// begin makes a plan, and some nights of it.
func (m *model) begin() {
	m.p = ofA(0, copyTo(home))
	if m.chance(50) {
		m.p.Copies = append(m.p.Copies, copyTo(second))
	}
	policy := func() retention.Policy {
		p := retention.Policy{Last: retention.Count(m.roll(3))}
		if m.chance(50) || p.Last == 0 {
			p.Daily.Count = retention.Count(1 + m.roll(3))
		}
		p.Weekly.Count = retention.Count(m.roll(2))
		p.MinCount = m.roll(3)
		p.MinAge = time.Duration(m.roll(3)) * 20 * time.Hour
		return p
	}
	m.p.Retention = policy()
	for i := range m.p.Copies {
		c := &m.p.Copies[i]
		c.Every, c.DropOriginal = m.roll(3), m.chance(25)
		if m.chance(60) {
			c.Retention = policy()
		}
	}
	for range 3 + m.roll(5) {
		m.night()
	}
}

// night runs the plan; now and then a destination or a volume fails.
func (m *model) night() {
	for _, c := range m.p.Copies {
		m.c.mu.Lock()
		m.c.badKeys[c.KMSKey] = m.chance(20)
		m.c.mu.Unlock()
	}
	nights(m.t, m.c, m.p, 1)
}

// disturb changes what is there, as people and AWS do.
func (m *model) disturb() {
	for _, site := range []backup.Site{siteA, home, second} {
		list := m.c.at(site)
		if len(list) == 0 || m.chance(50) {
			continue
		}
		s := list[m.roll(len(list))]
		switch m.roll(5) {
		case 0:
			if m.c.refuses(s.ID) == "" {
				s.gone = true
			}
		case 1:
			m.hold(s)
		case 2:
			double(m.c, s)
		case 3:
			s.done = time.Now().Add(30 * time.Minute)
		case 4:
			for ami := range m.c.images {
				if m.c.snaps[m.c.images[ami][0]].site == site {
					delete(m.c.images, ami)
				}
			}
		}
	}
}

// hold lets somebody hold a snapshot. The caller holds the cloud, or is alone.
func (m *model) hold(s *fakeSnap) {
	m.held++
	switch m.roll(3) {
	case 0:
		s.Tags["snapkeep:legal-hold"] = "x"
	case 1:
		m.c.locks[s.ID] = time.Now().Add(time.Duration(1+m.roll(72)) * time.Hour)
	case 2:
		m.c.images["ami-"+s.ID] = []string{s.ID}
	}
}

// pruneUnderFire plans, lets something happen in between, and prunes while
// calls fail, answers are lost, snapshots are refused, another night goes by,
// and the engine dies. It returns how many points were pruned all the same.
func (m *model) pruneUnderFire() int {
	time.Sleep(m.c.lag)
	pp, err := engine(m.t, m.c, backup.Options{}).PlanPrune(m.t.Context(), m.p, time.Now())
	require.NoError(m.t, err, "seed %d", m.seed)
	if m.chance(30) {
		m.disturb()
	}
	ctx, crash := context.WithCancel(m.t.Context())
	defer crash()
	refused := m.roll(10)
	dies := -1 // at this call of the prune; most have fewer than 60
	if m.chance(50) {
		dies = m.roll(60)
	}
	m.c.before = func(k call) error {
		if k.op == "discover" || k.mutates() && k.op != string(backup.StepDelete) {
			return nil // of another night
		}
		if dies--; dies == -1 {
			m.died++
			crash()
			return context.Canceled
		}
		if k.op != string(backup.StepDelete) {
			if m.chance(3) {
				return fmt.Errorf("RequestLimitExceeded: %w", backup.ErrThrottled)
			}
			return nil
		}
		m.allowed(k)
		if m.chance(10) {
			m.holdAt(k.site)
		}
		switch n := m.roll(100); {
		case n < 10:
			return lostAnswer
		case n < 20:
			return fmt.Errorf("RequestLimitExceeded: %w", backup.ErrThrottled)
		case k.step.Snapshot[len(k.step.Snapshot)-1]-'0' == byte(refused):
			return refusal("InvalidSnapshot.InUse")
		}
		return nil
	}
	m.c.after = onDelete(func(string) error {
		if m.chance(10) {
			return lostAnswer
		}
		return nil
	})
	var others sync.WaitGroup
	if m.chance(50) {
		others.Go(func() { nights(m.t, m.c, m.p, 1) })
	}
	if m.chance(30) {
		others.Go(func() { _, _ = engine(m.t, m.c, backup.Options{}).Prune(ctx, pp) })
	}
	r, _ := engine(m.t, m.c, backup.Options{}).Prune(ctx, reread(m.t, pp))
	others.Wait()
	m.c.before, m.c.after = nil, nil
	if r == nil {
		return 0
	}
	return r.Count(backup.Pruned)
}

// holdAt holds a snapshot of a site that is there. The cloud is held.
func (m *model) holdAt(site backup.Site) {
	var there []*fakeSnap
	for _, id := range m.c.order {
		if s := m.c.snaps[id]; s.site == site && !s.gone {
			there = append(there, s)
		}
	}
	if len(there) > 0 {
		m.hold(there[m.roll(len(there))])
	}
}

// A whole is a set of snapshots of one moment that is complete, as the test
// sees it: by the tags that the engine wrote, and by AWS's own fields.
type whole struct {
	site     backup.Site
	resource string
	point    string
	copy     bool
	taken    time.Time
	ids      []string
}

// wholes reads the cloud without the engine. The caller holds the cloud.
func (m *model) wholes() []whole {
	sets := map[string]*whole{}
	volumes := map[string][]string{}
	for _, id := range m.c.order {
		s := m.c.snaps[id]
		tags := s.Tags
		if s.gone || tags["snapkeep:step"] != "" || m.c.now(s).State != backup.SnapshotCompleted {
			continue
		}
		w := whole{site: s.site, resource: tags["snapkeep:resource"], point: tags["snapkeep:point"], taken: s.Started}
		volume := s.Volume
		if text := tags["snapkeep:taken"]; text != "" {
			w.copy, volume = true, tags["snapkeep:volume"]
			w.taken, _ = time.Parse(time.RFC3339Nano, text)
		}
		key := fmt.Sprint(s.site, w.copy, w.point, w.taken)
		if sets[key] == nil {
			sets[key] = &w
		}
		sets[key].ids = append(sets[key].ids, id)
		if !slices.Contains(volumes[key], volume) {
			volumes[key] = append(volumes[key], volume)
		}
	}
	var list []whole
	for key, w := range sets {
		if strconv.Itoa(len(volumes[key])) == m.c.snaps[w.ids[0]].Tags["snapkeep:members"] {
			list = append(list, *w)
		}
	}
	return list
}

// allowed fails the test on a delete that no prune may send: of the newest
// whole copy at a site, or of a whole original without which a destination
// would be left without its data, or later ones. The cloud is held.
func (m *model) allowed(k call) {
	all := m.wholes()
	i := slices.IndexFunc(all, func(w whole) bool { return slices.Contains(w.ids, k.step.Snapshot) })
	if i < 0 {
		return // of what is not whole, or extra
	}
	victim := all[i]
	others := func(site backup.Site, from time.Time) bool {
		return slices.ContainsFunc(all, func(w whole) bool {
			return w.site == site && w.copy && w.resource == victim.resource && !slices.Contains(w.ids, k.step.Snapshot) &&
				(!w.taken.Before(from) || w.point == victim.point)
		})
	}
	if victim.copy {
		if !others(victim.site, victim.taken.Add(1)) && !m.doubled(k.step.Snapshot) {
			m.t.Errorf("seed %d: %s is of the newest copy at %s", m.seed, k.step.Snapshot, victim.site)
		}
		return
	}
	for _, c := range m.p.Copies {
		if !others(c.Site(), victim.taken) && !m.doubled(k.step.Snapshot) {
			m.t.Errorf("seed %d: %s is still to be copied to %s", m.seed, k.step.Snapshot, c.Site())
		}
	}
}

// doubled says whether there is another snapshot with the same tags and volume.
func (m *model) doubled(id string) bool {
	s := m.c.snaps[id]
	for other, o := range m.c.snaps {
		if other != id && !o.gone && o.site == s.site && o.Tags["snapkeep:key"] == s.Tags["snapkeep:key"] && o.Volume == s.Volume {
			return true
		}
	}
	return false
}

// quiet prunes once without any trouble, and compares what is left. It returns
// how many points were pruned.
func (m *model) quiet() int {
	t := m.t
	clear(m.c.badKeys)
	time.Sleep(time.Hour)
	maps.DeleteFunc(m.c.locks, func(_ string, end time.Time) bool { return time.Until(end) < time.Hour }) // none ends just now
	list := points(t, m.c, m.p)
	want := m.kept(list, time.Now())
	pp := planPrune(t, m.c, m.p)
	r := prune(t, m.c, pp)
	require.Equal(t, pp.Prunes(), r.Count(backup.Pruned), "seed %d: %s", m.seed, r)
	var left []string
	for _, pt := range points(t, m.c, m.p) {
		left = append(left, pt.Site.String()+" "+pt.ID)
	}
	slices.Sort(left)
	require.Equal(t, want, left, "seed %d:\n%s", m.seed, pp)
	require.Len(t, list, len(left)+r.Count(backup.Pruned), "seed %d", m.seed)
	return r.Count(backup.Pruned)
}

// kept says which points should be left: those that retention.Evaluate does not
// prune, given the holds.
func (m *model) kept(list []backup.Point, now time.Time) (left []string) {
	groups := map[string][]backup.Point{}
	for _, pt := range list {
		key := pt.Resource + " " + pt.Site.String()
		groups[key] = append(groups[key], pt)
	}
	for _, group := range groups {
		policy := m.p.Retention
		for _, c := range m.p.Copies {
			if c.Site() == group[0].Site && c.Retention.String() != "" {
				policy = c.Retention
			}
		}
		var in []retention.RecoveryPoint
		for _, pt := range group {
			if m.isDropped(pt, group, list, now) {
				if m.isHeld(pt, group, list, now) {
					left = append(left, pt.Site.String()+" "+pt.ID)
				}
				continue
			}
			rp := retention.RecoveryPoint{ID: pt.ID, Time: pt.Time, State: pt.State}
			if m.isHeld(pt, group, list, now) {
				rp.Holds = []retention.Hold{{Kind: retention.Pin}}
			}
			in = append(in, rp)
		}
		result, err := retention.Evaluate(now, in, policy)
		require.NoError(m.t, err)
		for _, d := range result.Decisions {
			if d.Action != retention.Prune {
				left = append(left, group[0].Site.String()+" "+in[d.Index].ID)
			}
		}
	}
	slices.Sort(left)
	return left
}

// isHeld says whether a point is held by what the catalog shows.
func (m *model) isHeld(pt backup.Point, group, all []backup.Point, now time.Time) bool {
	started := func(pt backup.Point) (latest time.Time) {
		for _, s := range pt.Members {
			if s.Snapshot.Started.After(latest) {
				latest = s.Snapshot.Started
			}
		}
		return latest
	}
	for _, s := range pt.Members {
		if s.Snapshot.Tags["snapkeep:legal-hold"] != "" || m.c.refuses(s.Snapshot.ID) != "" {
			return true
		}
	}
	for _, s := range pt.Extra {
		if s.Tags["snapkeep:legal-hold"] != "" || m.c.refuses(s.ID) != "" || !pt.Copy && s.Started.After(now.Add(-m.p.Retention.MinAge)) {
			return true
		}
	}
	if pt.State != retention.Complete {
		return false
	}
	if pt.Copy {
		return !slices.ContainsFunc(group, func(o backup.Point) bool {
			return o.State == retention.Complete && (started(o).After(started(pt)) || started(o).Equal(started(pt)) && o.Time.After(pt.Time))
		})
	}
	for _, c := range m.p.Copies {
		if !slices.ContainsFunc(all, func(o backup.Point) bool {
			return o.Copy && o.Site == c.Site() && o.Resource == pt.Resource && o.State == retention.Complete && (o.ID == pt.ID || !o.Time.Before(pt.Time))
		}) {
			return true
		}
	}
	return false
}

// isDropped says whether an original is let go because it was copied.
func (m *model) isDropped(pt backup.Point, group, all []backup.Point, now time.Time) bool {
	newer := 0
	for _, o := range group {
		if o.State == retention.Complete && o.Time.After(pt.Time) {
			newer++
		}
	}
	if pt.Copy || pt.State != retention.Complete || newer < max(m.p.Retention.MinCount, 1) || pt.Time.After(now.Add(-m.p.Retention.MinAge)) {
		return false
	}
	return slices.ContainsFunc(m.p.Copies, func(c backup.Copy) bool {
		return c.DropOriginal && slices.ContainsFunc(all, func(o backup.Point) bool {
			return o.Copy && o.Site == c.Site() && o.ID == pt.ID && o.State == retention.Complete
		})
	})
}
