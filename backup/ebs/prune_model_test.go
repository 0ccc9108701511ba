package ebs_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/ebs"
	"github.com/snapkeep/snapkeep/internal/awserr"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/retention"
)

// A pruneModel is one random history on the simulated AWS, with real images,
// locks and archives; what prunes do against the engine's own fake is in
// package backup's model.
type pruneModel struct {
	*estate
	plan backup.Plan
	seed uint64
	held map[string]time.Time // by snapshot, until when; zero: for ever

	mu   sync.Mutex // guards rng and must
	rng  *rand.Rand
	must map[string]bool // snapshots of the newest whole points
}

// Config acts as the owner of each account; roles are the story's to test.
func (m *pruneModel) Config(_ context.Context, id accounts.ID, _ accounts.Purpose, region string) (aws.Config, error) {
	return m.cloud.Config(m.cloud.Root(string(id)), region), nil
}

func (m *pruneModel) roll(n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rng.IntN(n)
}

func (m *pruneModel) engine() *backup.Engine {
	e, err := backup.New(m, []backup.Driver{ebs.New(ebs.Options{})}, backup.Options{Vault: vaultSite.Account})
	require.NoError(m.t, err)
	return e
}

func (m *pruneModel) night() {
	at := time.Now()
	_, err := m.engine().Run(m.t.Context(), m.plan, at)
	require.NoError(m.t, err, "seed %d", m.seed)
	time.Sleep(time.Until(at.Add(24 * time.Hour)))
}

// The newest whole point of every resource at every site survives; nothing that
// is held is sent a delete once a reading can show it; at rest exactly what
// Evaluate retains is left, and what is held.
func TestPruneModelOnTheSimulatedAWS(t *testing.T) {
	pruned, held, seeds := 0, 0, 5
	if testing.Short() {
		seeds = 2
	}
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) {
			m := &pruneModel{estate: newSite(t, false), seed: seed, rng: rand.New(rand.NewPCG(seed, 6)), held: map[string]time.Time{}}
			m.begin()
			for range 2 {
				m.hold(1 + m.roll(3))
				m.underFire()
				m.night()
			}
			pruned += m.quiet()
			held += len(m.held)
			require.Empty(t, m.cloud.Misuse())
		})
	}
	t.Logf("%d points pruned at rest, %d snapshots held", pruned, held)
	require.Greater(t, pruned, 3*seeds, "the model has become tame")
	require.GreaterOrEqual(t, held, seeds, "the model has become tame")
}

func (m *pruneModel) begin() {
	cfg, err := m.Config(m.t.Context(), vaultSite.Account, accounts.VaultWriter, vaultSite.Region)
	require.NoError(m.t, err)
	key, err := kms.NewFromConfig(cfg).CreateKey(m.t.Context(), &kms.CreateKeyInput{})
	require.NoError(m.t, err)
	policy := func() retention.Policy {
		return retention.Policy{Last: retention.Count(1 + m.roll(3)), MinCount: m.roll(3)}
	}
	m.plan = backup.Plan{
		Name:      "model",
		Sources:   []backup.Source{{Account: site.Account, Regions: []string{site.Region}, Select: backup.Selector{IDs: []string{m.ids["web"], m.ids["loose"]}}}},
		Retention: policy(),
		Copies: []backup.Copy{{
			Account: vaultSite.Account, Region: vaultSite.Region, KMSKey: *key.KeyMetadata.Arn, Retention: policy(), DropOriginal: m.roll(4) == 0,
			Image: m.roll(2) == 0,
		}},
	}
	for range 4 {
		m.night()
	}
}

// points returns the catalog.
func (m *pruneModel) points() (all []backup.Point) {
	time.Sleep(time.Minute) // until listings show what was done
	for pt, err := range m.engine().Points(m.t.Context(), m.plan.Filter(vaultSite.Account)) {
		require.NoError(m.t, err)
		all = append(all, pt)
	}
	return all
}

// hold lets people hold some snapshots, each in one way.
func (m *pruneModel) hold(n int) {
	list := m.points()
	for range n {
		pt := list[m.roll(len(list))]
		s := pt.Members[m.roll(len(pt.Members))].Snapshot
		if _, held := m.held[s.ID]; !held && s.State == backup.SnapshotCompleted {
			m.holdOne(pt.Site, s.ID, m.roll(4))
		}
	}
}

func (m *pruneModel) holdOne(at backup.Site, id string, how int) {
	ctx, t := m.t.Context(), m.t
	cfg, err := m.Config(ctx, at.Account, "", at.Region)
	require.NoError(t, err)
	api, until := ec2.NewFromConfig(cfg), time.Time{}
	switch how {
	case 0:
		_, err = api.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{{Key: aws.String("snapkeep:legal-hold"), Value: aws.String("x")}}})
	case 1:
		days := int32(1 + m.roll(4))
		until = time.Now().Add(time.Duration(days) * 24 * time.Hour)
		_, err = api.LockSnapshot(ctx, &ec2.LockSnapshotInput{SnapshotId: &id, LockMode: types.LockModeCompliance, LockDuration: &days})
	case 2:
		_, err = api.RegisterImage(ctx, &ec2.RegisterImageInput{
			Name: aws.String("image of " + id), RootDeviceName: aws.String("/dev/xvda"), VirtualizationType: aws.String("hvm"),
			BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{SnapshotId: &id}}},
			Architecture:        types.ArchitectureValuesX8664,
		})
	case 3:
		until = time.Now().Add(90 * 24 * time.Hour)
		_, err = api.ModifySnapshotTier(ctx, &ec2.ModifySnapshotTierInput{SnapshotId: &id, StorageTier: types.TargetStorageTierArchive})
	}
	if how == 3 && awserr.Code(err) == "InvalidSnapshot.InUse" {
		return // an image uses it, which is a hold of its own
	}
	require.NoError(t, err, "seed %d", m.seed)
	m.held[id] = until
}

// underFire prunes while calls are throttled, answers are lost, another night
// goes by, people lock what is about to go, and the engine dies.
func (m *pruneModel) underFire() {
	m.must = map[string]bool{}
	for _, pt := range m.newest(m.points()) {
		for _, member := range pt.Members {
			m.must[member.Snapshot.ID] = true
		}
	}
	pp, err := m.engine().PlanPrune(m.t.Context(), m.plan, time.Now())
	require.NoError(m.t, err)
	ctx, crash := context.WithCancel(m.t.Context())
	defer crash()
	dies := m.roll(80)
	m.cloud.SetFault(func(c core.CallInfo) core.Fault {
		if dies--; dies == 0 {
			crash()
		}
		in, deletes := c.Input.(*ec2.DeleteSnapshotInput)
		if deletes && m.must[*in.SnapshotId] {
			m.t.Errorf("seed %d: %s is of the newest point", m.seed, *in.SnapshotId)
		}
		switch n := m.roll(100); {
		case !deletes && c.Mutating:
			return core.Fault{}
		case n < 8:
			return core.Fault{Way: core.Throttle}
		case deletes && n < 16:
			return core.Fault{Way: core.Reset, After: true}
		case deletes && n < 24:
			return core.Fault{Way: core.Refuse}
		}
		return core.Fault{}
	})
	var others sync.WaitGroup
	others.Go(func() {
		time.Sleep(time.Duration(m.roll(3000)) * time.Millisecond)
		m.lockPlanned(pp)
	})
	if m.roll(2) == 0 {
		others.Go(func() { _, _ = m.engine().Run(m.t.Context(), m.plan, time.Now()) })
	}
	_, _ = m.engine().Prune(ctx, pp)
	others.Wait()
	m.cloud.SetFault(nil)
}

// lockPlanned locks a snapshot that the plan would delete, if it is there.
func (m *pruneModel) lockPlanned(pp *backup.PrunePlan) {
	for _, g := range pp.Groups {
		for _, d := range g.Decisions {
			if d.Action != retention.Prune || m.roll(3) > 0 {
				continue
			}
			cfg, _ := m.Config(m.t.Context(), g.Site.Account, "", g.Site.Region)
			_, err := ec2.NewFromConfig(cfg).LockSnapshot(m.t.Context(), &ec2.LockSnapshotInput{
				SnapshotId: &d.Snapshots[0], LockMode: types.LockModeGovernance, LockDuration: aws.Int32(30),
			})
			if err == nil {
				m.held[d.Snapshots[0]] = time.Now().Add(30 * 24 * time.Hour)
			}
			return
		}
	}
}

// newest returns the newest complete point of each resource at each site.
func (m *pruneModel) newest(list []backup.Point) map[string]backup.Point {
	found := map[string]backup.Point{}
	for _, pt := range list {
		key := pt.Site.String() + pt.Resource
		if best, ok := found[key]; pt.State == retention.Complete && (!ok || pt.Time.After(best.Time)) {
			found[key] = pt
		}
	}
	return found
}

// quiet prunes without any trouble and compares what is left.
func (m *pruneModel) quiet() int {
	list := m.points()
	require.Len(m.t, m.newest(list), 4, "seed %d: two resources, two sites", m.seed)
	pp, err := m.engine().PlanPrune(m.t.Context(), m.plan, time.Now())
	require.NoError(m.t, err)
	want := m.kept(list, pp.Made)
	r, err := m.engine().Prune(m.t.Context(), pp)
	require.NoError(m.t, err, "seed %d: %s", m.seed, r)
	var left []string
	for _, pt := range m.points() {
		left = append(left, pt.Site.Region+" "+pt.ID)
	}
	slices.Sort(left)
	require.Equal(m.t, want, left, "seed %d:\n%s", m.seed, pp)
	require.Equal(m.t, len(list), len(left)+r.Count(backup.Pruned), "seed %d", m.seed)
	return r.Count(backup.Pruned)
}

// kept says what should be left: what its policy retains, and what is held. All
// nights went well, so that no original waits for its copy.
func (m *pruneModel) kept(list []backup.Point, now time.Time) (left []string) {
	t, groups, copied := m.t, map[string][]backup.Point{}, map[string]bool{}
	for _, pt := range list {
		groups[pt.Site.String()+pt.Resource] = append(groups[pt.Site.String()+pt.Resource], pt)
		copied[pt.ID] = copied[pt.ID] || pt.Copy && pt.State == retention.Complete
	}
	for _, group := range groups {
		policy, dropped := m.plan.Retention, map[string]bool{}
		if group[0].Copy {
			policy = m.plan.Copies[0].Retention
		} else if m.plan.Copies[0].DropOriginal {
			for id, lets := range letGo(t, group, retention.Policy{Last: 1, MinCount: policy.MinCount}, now, nil) {
				dropped[id] = lets && copied[id]
			}
		}
		rest := slices.DeleteFunc(slices.Clone(group), func(pt backup.Point) bool { return dropped[pt.ID] })
		gone := letGo(t, rest, policy, now, m.holds)
		for _, pt := range group {
			if !gone[pt.ID] && (!dropped[pt.ID] || len(m.holds(pt, now)) > 0) {
				left = append(left, pt.Site.Region+" "+pt.ID)
			}
		}
	}
	slices.Sort(left)
	return left
}

// letGo says of each point whether a policy lets it go, and nothing holds it.
func letGo(t *testing.T, list []backup.Point, policy retention.Policy, now time.Time, holds func(backup.Point, time.Time) []retention.Hold) map[string]bool {
	var in []retention.RecoveryPoint
	for _, pt := range list {
		rp := retention.RecoveryPoint{ID: pt.ID, Time: pt.Time, State: pt.State}
		if holds != nil {
			rp.Holds = holds(pt, now)
		}
		in = append(in, rp)
	}
	result, err := retention.Evaluate(now, in, policy)
	require.NoError(t, err)
	gone := map[string]bool{}
	for _, d := range result.Decisions {
		gone[in[d.Index].ID] = d.Action == retention.Prune
	}
	return gone
}

// holds returns what holds a point now, as the test knows it.
func (m *pruneModel) holds(pt backup.Point, now time.Time) (holds []retention.Hold) {
	for _, member := range pt.Members {
		if until, held := m.held[member.Snapshot.ID]; held && (until.IsZero() || until.After(now)) {
			holds = append(holds, retention.Hold{Kind: retention.Pin, Until: until})
		}
	}
	return holds
}
