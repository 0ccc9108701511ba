package backup_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

// forge puts a snapshot into a protected account, as its owner can.
func forge(c *cloud, like *fakeSnap, change func(*backup.Snapshot)) *fakeSnap {
	s := like.Snapshot
	s.Tags = maps.Clone(s.Tags)
	change(&s)
	owner, started := s.Owner, s.Started
	f := c.put(like.site, s, s.Tags)
	f.Owner, f.Started = owner, started
	f.done = time.Now()
	return f
}

// rehearse runs the plan in a cloud of its own and returns what it made: an
// intruder who knows the vault, the plan and the moment can make the same tags.
func rehearse(t *testing.T, p backup.Plan, at time.Time) *cloud {
	t.Helper()
	c := story(t)
	run(t, c, p, at)
	return c
}

// An original is adopted for what AWS says of it. Whatever the tags claim, a
// forged one is not taken, and the real one is made and copied.
func TestForgedOriginalsAreNotAdopted(t *testing.T) {
	for name, change := range map[string]func(*backup.Snapshot){
		"another volume":      func(s *backup.Snapshot) { s.Volume = "vol-evil" },
		"another size":        func(s *backup.Snapshot) { s.SizeGiB++ },
		"another owner":       func(s *backup.Snapshot) { s.Owner = alpha },
		"before the run":      func(s *backup.Snapshot) { s.Started = s.Started.Add(-24 * time.Hour) },
		"in the future":       func(s *backup.Snapshot) { s.Started = s.Started.Add(12 * time.Hour) },
		"a copy's disguise":   func(s *backup.Snapshot) { s.Tags["snapkeep:source"] = siteB.String() },
		"a rekey's disguise":  func(s *backup.Snapshot) { s.Tags["snapkeep:step"] = "rekey" },
		"somebody else's":     func(s *backup.Snapshot) { s.Description = "before the migration" },
		"another key":         func(s *backup.Snapshot) { s.Tags["snapkeep:key"] = "0123456789abcdef0123456789abcdef" },
		"another point's tag": func(s *backup.Snapshot) { s.Tags["snapkeep:point"] = "sk-0123456789abcdef0" },
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				p, at := nightly(), time.Now()
				p.Sources = p.Sources[1:]
				real := rehearse(t, p, at).at(siteB)[0]
				real.Started = at.Add(time.Second)

				c := story(t)
				later := at.Add(10 * time.Minute) // the forger is first
				time.Sleep(time.Until(later))
				forged := forge(c, real, change)
				time.Sleep(time.Minute)
				report := run(t, c, p, at)
				require.Equal(t, 1, report.Points)
				require.Equal(t, 1, report.Copies)
				for _, call := range c.calls {
					require.NotEqual(t, forged.ID, call.step.Snapshot, "%s of the forged snapshot", call.op)
				}
				require.Len(t, c.at(home), 1)
				pt := pointsAt(t, c, home)[0]
				require.Equal(t, retention.Complete, pt.State)
				require.True(t, pt.Time.After(later), "the time is that of the real original")
				nothingShared(t, c)
			})
		})
	}
}

// What cannot be told from an original by anything AWS says is one: a real
// snapshot of the right volume in the right time. Then the first made counts.
func TestARealSnapshotOfTheVolumeMayStandIn(t *testing.T) {
	inTime(t, func(t *testing.T) {
		p, at := nightly(), time.Now()
		p.Sources = p.Sources[1:]
		real := rehearse(t, p, at).at(siteB)[0]
		c := story(t)
		first := forge(c, real, func(s *backup.Snapshot) {})
		forge(c, real, func(s *backup.Snapshot) { s.Started = s.Started.Add(time.Second) })
		time.Sleep(time.Minute)
		run(t, c, p, at)
		require.Zero(t, c.count(backup.StepSnapshot))
		require.Len(t, c.at(home), 1)
		require.True(t, first.Started.Equal(pointsAt(t, c, home)[0].Time))
	})
}

// A set that lacks a volume is none, however it is labelled: a point in the
// vault is never poorer than the resource.
func TestAForgedPartOfASetIsNoSet(t *testing.T) {
	inTime(t, func(t *testing.T) {
		p, at := nightly(), time.Now()
		p.Sources = p.Sources[:1]
		made := rehearse(t, p, at).at(siteA)
		c := story(t)
		c.resources[siteB] = nil
		for _, s := range made {
			if s.Volume == "vol-a1" {
				forge(c, s, func(s *backup.Snapshot) {
					s.Tags["snapkeep:members"], s.Tags["snapkeep:volumes-1"] = "1", "vol-a1:/dev/xvda:root:gp3:8"
					s.Started = at
				})
			}
		}
		time.Sleep(time.Until(at.Add(20 * time.Second)))
		run(t, c, p, at)
		for _, pt := range pointsAt(t, c, home) {
			if pt.Kind == "instance" {
				require.Len(t, pt.Members, 3)
			}
		}
	})
}

// Somebody who forges runs gets none of them into the vault, and is told of a
// few.
func TestForgedRunsDoNotFloodTheVault(t *testing.T) {
	for name, shared := range map[string]bool{"shared": true, "not shared": false} {
		t.Run(name, func(t *testing.T) { inTime(t, func(t *testing.T) { flood(t, shared) }) })
	}
}

func flood(t *testing.T, shared bool) {
	p, start := nightly(), time.Now()
	p.Sources = p.Sources[1:]
	c := story(t)
	run(t, c, p, start)
	before := len(c.at(home))
	time.Sleep(24 * time.Hour)
	// A hundred runs between the real ones, each a perfect forgery, and as
	// many of instances that never were.
	for i := range 100 {
		at := start.Add(time.Duration(i+1) * time.Minute)
		for _, id := range []string{"i-b1", fmt.Sprintf("i-%d", i)} {
			r := c.resources[siteB][0]
			r.ARN = fmt.Sprintf("arn:aws:ec2:%s:%s:instance/%s", region, beta, id)
			probe := newCloud(t)
			probe.resources[siteB] = []backup.Resource{r}
			step := firstStep(t, probe, p, at)
			forged := backup.Snapshot{Volume: "vol-b1", SizeGiB: 30, Started: at.Add(time.Second), Description: step.Description}
			c.put(siteB, forged, step.Tags).done = at
		}
	}
	for _, s := range c.at(siteB) {
		s.shared[vault] = shared
	}
	time.Sleep(time.Minute)
	told := 0
	e := engine(t, c, backup.Options{OnEvent: func(ev backup.Event) {
		if errors.Is(ev.Err, backup.ErrUnproven) {
			told++
		}
	}})
	report, err := e.Run(t.Context(), p, time.Now())
	require.NoError(t, err)
	settled := 0
	for _, j := range report.Jobs {
		if j.Settle {
			require.Empty(t, j.Copies)
			settled++
		}
	}
	want := 0
	if shared {
		want = 1 + 16
	}
	require.Equal(t, want, settled, "one of the resource, and a few of strangers, to take back what is shared")
	require.Equal(t, 1+16, told)
	require.Equal(t, before+1, len(c.at(home)))
}

// A run that somebody makes up between two real ones, of a volume that he has
// encrypted, does not displace a good copy.
func TestAForgedRunDisplacesNothing(t *testing.T) {
	inTime(t, func(t *testing.T) {
		p := nightly()
		p.Sources = p.Sources[1:]
		p.Retention = retention.Policy{Daily: retention.Keep{Count: 7}}
		c := story(t)
		time.Sleep(2 * time.Hour) // the bubble begins at midnight
		at := time.Now()
		for range 3 {
			time.Sleep(time.Until(at))
			run(t, c, p, at)
			at = at.Add(24 * time.Hour)
		}
		good := c.at(home)[2]
		forgedAt := at.Add(-3 * time.Hour) // late in the day of the good one
		time.Sleep(time.Until(forgedAt))
		probe := newCloud(t)
		probe.resources[siteB] = c.resources[siteB]
		step := firstStep(t, probe, p, forgedAt)
		forged := backup.Snapshot{Volume: "vol-b1", SizeGiB: 30, Started: forgedAt.Add(time.Second), Description: step.Description}
		c.put(siteB, forged, step.Tags).done = forgedAt
		time.Sleep(time.Until(at))
		run(t, c, p, at)
		require.Len(t, c.at(home), 4)
		time.Sleep(time.Minute)
		prune(t, c, planPrune(t, c, p))
		require.False(t, good.gone)
		require.Len(t, c.at(home), 4)
	})
}

// firstStep returns the first step that an engine would make for a run.
func firstStep(t *testing.T, c *cloud, p backup.Plan, at time.Time) (step backup.Step) {
	t.Helper()
	c.latency, c.lag = 0, 0
	c.before = func(k call) error {
		if k.mutates() {
			step = k.step
		}
		return nil
	}
	e, err := backup.New(c, []backup.Driver{c}, backup.Options{Vault: vault, Settle: 1, Window: 1000 * time.Hour})
	require.NoError(t, err)
	j := jobs(t, e, p, at)[0]
	time.Sleep(time.Nanosecond)
	_, _, err = e.Advance(t.Context(), j)
	require.NoError(t, err)
	require.Equal(t, backup.StepSnapshot, step.Kind)
	return step
}

// An intruder floods the account with snapshots that carry a job's tags.
func TestAFloodOfForgedTagsIsToldOnceAndEnds(t *testing.T) {
	inTime(t, func(t *testing.T) {
		p, at := nightly(), time.Now()
		p.Sources = p.Sources[1:]
		real := rehearse(t, p, at).at(siteB)[0]
		c := story(t)
		time.Sleep(time.Minute)
		for i := range 500 {
			f := forge(c, real, func(s *backup.Snapshot) { s.Volume = fmt.Sprintf("vol-%d", i) })
			f.shared[vault] = true
		}
		time.Sleep(time.Minute)
		told := 0
		e := engine(t, c, backup.Options{OnEvent: func(ev backup.Event) {
			if ev.Err != nil {
				require.ErrorContains(t, ev.Err, "ignored 500 snapshots")
				told++
			}
		}})
		report, err := e.Run(t.Context(), p, at)
		require.NoError(t, err)
		require.Equal(t, 1, report.Copies)
		require.Equal(t, 1, told)
		require.Less(t, c.mutations(), 6)
	})
}

// The vault's points are the same, whatever tags anybody writes in a protected
// account; and no tags make the engine panic.
func FuzzForeignTags(f *testing.F) {
	f.Add("snapkeep:members", "3", "snapkeep:volumes-1", "vol-b1:::gp3:30")
	f.Add("snapkeep:source", "999999999999/eu-west-1", "snapkeep:taken", "2000-01-01T00:00:00Z")
	f.Add("snapkeep:step", "rekey", "snapkeep:volume", "vol-b1:=41:root:::::managed")
	f.Add("snapkeep:run", "nightly@2000-01-01T00:00:00Z", "snapkeep:resource", "arn:aws:ec2:eu-west-1:222222222222:instance/i-b1")
	f.Add("snapkeep:plan", "\x00", "snapkeep:machine", "a:b:c:d:ena:f:g")
	f.Add("snapkeep:volumes-2", "", "snapkeep:schema", "2")
	f.Add("snapkeep:consistency", "application/2000-01-01T00:04:00Z", "AppConsistent", "true")
	f.Add("snapkeep:consistency", "vss/x", "snapkeep:source", "999999999999/eu-west-1")
	f.Fuzz(func(t *testing.T, k1, v1, k2, v2 string) {
		inTime(t, func(t *testing.T) {
			p, at := nightly(), time.Now()
			p.Sources = p.Sources[1:]
			c := story(t)
			c.latency = 0
			run(t, c, p, at)
			time.Sleep(time.Minute)
			want, err := json.Marshal(pointsAt(t, c, home))
			require.NoError(t, err)

			var all []*fakeSnap
			for _, like := range []*fakeSnap{c.at(siteB)[0], c.at(home)[0]} {
				forged := c.put(siteB, like.Snapshot, like.Tags)
				forged.Owner, forged.Volume, forged.Started = beta, "vol-b1", at
				forged.Tags[k1], forged.Tags[k2] = v1, v2
				all = append(all, forged)
			}
			time.Sleep(time.Minute)
			pointsAt(t, c, siteB)
			_, _ = engine(t, c, backup.Options{}).Run(t.Context(), p, at.Add(time.Hour)) // settles, or not
			for _, forged := range all {                                                 // or this tests nothing
				require.Equal(t, forged.Tags["snapkeep:vault"] == string(vault), c.shown[forged.ID])
			}
			for _, pt := range pointsAt(t, c, home) {
				if pt.Run.Equal(at) {
					text, err := json.Marshal([]backup.Point{pt})
					require.NoError(t, err)
					require.JSONEq(t, string(want), string(text))
				}
			}
		})
	})
}

// Whoever may only write tags cannot have us delete what is not ours: not as an
// intermediate, nor as what is left of a set that failed.
func TestTagsOnSomebodyElsesSnapshotDoNotDeleteIt(t *testing.T) {
	inTime(t, func(t *testing.T) {
		p, at := nightly(), time.Now()
		c := story(t)
		ctx, crash := withStop(t)
		var precious []*fakeSnap
		c.before = func(k call) error {
			if k.step.Kind == backup.StepCopy && k.site == siteA {
				s := c.put(siteA, backup.Snapshot{SizeGiB: 50, Encrypted: true, KMSKey: keyAt(siteA), Description: "precious"}, k.step.Tags)
				s.done = time.Now()
				precious = append(precious, s)
				crash()
				return ctx.Err()
			}
			if k.step.Kind == backup.StepSnapshot && k.site == siteB {
				s := c.put(siteB, backup.Snapshot{Volume: "vol-b1", SizeGiB: 30, Description: "precious"}, k.step.Tags)
				s.broken = "x"
				precious = append(precious, s)
			}
			return nil
		}
		_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
		require.Error(t, err)
		c.before = nil
		time.Sleep(time.Minute)
		report := run(t, c, p, at)
		require.Equal(t, 3, report.Copies)
		require.Len(t, precious, 2)
		for _, s := range precious {
			require.False(t, s.gone, "%s", s.site)
		}
		require.Equal(t, 1, c.count(backup.StepDelete))
	})
}
