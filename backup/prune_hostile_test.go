package backup_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// labelled returns the step that makes the originals of a run: whoever knows
// vault, plan and resource can make the same tags and description.
func labelled(t *testing.T, p backup.Plan, r backup.Resource, at time.Time) backup.Step {
	t.Helper()
	c := newCloud(t)
	c.resources[r.Site] = []backup.Resource{r}
	return firstStep(t, c, p, at)
}

// Somebody who may tag snapshots, and not delete any, would like us to do it.
// What an administrator made by hand was not described as ours.
func TestTagsDoNotMakeSomebodyElsesSnapshotOurs(t *testing.T) {
	real := func(c *cloud) *fakeSnap { return c.at(siteB)[0] }
	for name, tags := range map[string]func(t *testing.T, c *cloud, p backup.Plan, at time.Time) map[string]string{
		"as a point of its own": func(t *testing.T, c *cloud, p backup.Plan, at time.Time) map[string]string {
			return labelled(t, p, c.resources[siteB][0], at).Tags
		},
		"as a point of another instance": func(t *testing.T, c *cloud, p backup.Plan, at time.Time) map[string]string {
			r := c.resources[siteB][0]
			r.ARN += "1"
			return labelled(t, p, r, at).Tags
		},
		"as the double of an original": func(_ *testing.T, c *cloud, _ backup.Plan, _ time.Time) map[string]string {
			return maps.Clone(real(c).Tags)
		},
		"as an intermediate": func(_ *testing.T, c *cloud, _ backup.Plan, _ time.Time) map[string]string {
			tags := maps.Clone(real(c).Tags)
			tags["snapkeep:step"], tags["snapkeep:volume"] = "rekey", "vol-b1:::gp3:30"
			return tags
		},
		"as a copy": func(_ *testing.T, c *cloud, _ backup.Plan, _ time.Time) map[string]string {
			return maps.Clone(c.at(home)[0].Tags)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p := story(t), ofB(1)
				nights(t, c, p, 3)
				want := planPrune(t, c, p)
				for _, description := range []string{"", "before the great migration", "Created by CreateImage(i-b1) for ami-1"} {
					at := real(c).Started
					c.put(siteB, backup.Snapshot{
						Volume: "vol-b1", SizeGiB: 30, Started: at.Add(time.Minute), Encrypted: true, KMSKey: keyAt(siteB), Description: description,
					}, tags(t, c, p, at)).done = at
				}
				pp := planPrune(t, c, p)
				require.Equal(t, want.Groups, pp.Groups)
				require.Equal(t, "4 pruned", outcomes(prune(t, c, pp)))
				require.Len(t, c.at(siteB), 1+3)
			})
		})
	}
}

// Even one that looks like ours is an intermediate only if it can be one.
func TestForgedIntermediatesAreLeftAlone(t *testing.T) {
	for name, change := range map[string]func(*backup.Snapshot){
		"of another size":         func(s *backup.Snapshot) { s.SizeGiB++ },
		"not encrypted":           func(s *backup.Snapshot) { s.Encrypted = false },
		"older than its original": func(s *backup.Snapshot) { s.Started = s.Started.Add(-48 * time.Hour) },
		"with another key":        func(s *backup.Snapshot) { s.Tags["snapkeep:key"] = "0123456789abcdef0123456789abcdef" },
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p := story(t), ofA(1)
				s := leftOver(t, c, p)
				change(&s.Snapshot)
				prune(t, c, planPrune(t, c, p))
				require.False(t, s.gone)
			})
		})
	}
}

// A forged original that AWS's own fields do not bear out takes no real one's
// place: no rule counts it.
func TestForgedOriginalsDisplaceNothing(t *testing.T) {
	for name, change := range map[string]func(*backup.Snapshot){
		"another volume":      func(s *backup.Snapshot) { s.Volume = "vol-evil" },
		"another size":        func(s *backup.Snapshot) { s.SizeGiB++ },
		"another owner":       func(s *backup.Snapshot) { s.Owner = alpha },
		"another description": func(s *backup.Snapshot) { s.Description += "!" },
		"before its run":      func(s *backup.Snapshot) { s.Started = s.Started.Add(-24 * time.Hour) },
		"long after its run":  func(s *backup.Snapshot) { s.Started = s.Started.Add(25 * time.Hour) },
		"in the future":       func(s *backup.Snapshot) { s.Started = time.Now().Add(time.Hour) },
		"of an unknown kind":  func(s *backup.Snapshot) { s.Tags["snapkeep:resource"] += "/x" },
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p := story(t), ofB(2)
				nights(t, c, p, 3)
				want := planPrune(t, c, p)
				for i := range 5 {
					at := time.Now().Add(-time.Duration(i+1) * time.Hour)
					step := labelled(t, p, c.resources[siteB][0], at)
					s := backup.Snapshot{
						Owner: beta, Volume: "vol-b1", SizeGiB: 30, Started: at, Description: step.Description, Tags: maps.Clone(step.Tags),
					}
					change(&s)
					f := c.put(siteB, s, s.Tags)
					f.Owner, f.done = s.Owner, at
				}
				pp := planPrune(t, c, p)
				require.Equal(t, want.Groups, pp.Groups)
				require.Equal(t, "PRR", actions(group(t, pp, siteB, false)))
			})
		})
	}
}

// Whatever is in a protected account, and whatever its tags say: the same
// copies go from the vault, and the same stay.
func FuzzForeignTagsDecideOnNoCopy(f *testing.F) {
	f.Add("snapkeep:machine", "=FF=00:=1B[2J", "snapkeep:volumes-1", "vol-b1:=FE::gp3:30", false)
	f.Add("snapkeep:run", "nightly@2000-01-02T00:00:00Z", "snapkeep:legal-hold", "yes", true)
	f.Add("snapkeep:point", "sk-0123456789abcdef0", "aws:backup:source-resource", "x", true)
	f.Add("snapkeep:source", "999999999999/eu-west-1", "snapkeep:taken", "2999-01-01T00:00:00Z", true)
	f.Add("snapkeep:resource", "arn:aws:ec2:eu-west-1:999999999999:instance/i-b1", "snapkeep:members", "2", false)
	f.Add("snapkeep:members", "128", "snapkeep:volumes-2", "vol-b2:::gp3:1", false)
	f.Add("\xff", "\xff", "snapkeep:plan", "\x00", false)
	f.Fuzz(func(t *testing.T, k1, v1, k2, v2 string, copied bool) {
		if len(v1) > 256 || len(v2) > 256 || len(k1) > 128 || len(k2) > 128 {
			return
		}
		inTime(t, func(t *testing.T) {
			c, p := story(t), ofB(1)
			c.latency = 0
			nights(t, c, p, 3)
			want, err := json.Marshal(group(t, planPrune(t, c, p), home, true))
			require.NoError(t, err)
			for i := range 3 {
				like := c.at(siteB)[i]
				if copied {
					like = c.at(home)[i]
				}
				forged := c.put(siteB, like.Snapshot, like.Tags)
				forged.Owner, forged.Started, forged.done = beta, like.Started.Add(time.Minute), time.Now()
				forged.Tags[k1], forged.Tags[k2] = v1, v2
			}
			pp := planPrune(t, c, p)
			got, err := json.Marshal(group(t, pp, home, true))
			require.NoError(t, err)
			require.JSONEq(t, string(want), string(got))
			r, _ := engine(t, c, backup.Options{}).Prune(t.Context(), reread(t, pp))
			require.NotNil(t, r, "the plan is one still when it was read back")
			require.Len(t, c.at(home), 1)
		})
	})
}

// Snapshots in the vault that claim another source than their resource's site
// are no part of its point.
func TestPointsOfOneIDFromTwoSources(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), ofB(1)
		nights(t, c, p, 2)
		for _, like := range c.at(home) {
			s := c.put(home, like.Snapshot, like.Tags)
			s.Tags["snapkeep:source"], s.done = siteA.String(), time.Now()
		}
		pp := planPrune(t, c, p)
		g := group(t, pp, home, true)
		require.Equal(t, "PR", actions(g))
		require.Len(t, decision(g, 0).Snapshots, 1)
		prune(t, c, pp)
		require.Len(t, c.at(home), 3)
	})
}

// Each driver sees its own kinds of resources only, and no point twice.
func TestPruningWithTwoDrivers(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), ofA(1)
		nights(t, c, p, 3)
		time.Sleep(c.lag)
		e, err := backup.New(c, []backup.Driver{ofKind{c, "volume"}, ofKind{c, "instance"}}, backup.Options{Vault: vault})
		require.NoError(t, err)
		pp, err := e.PlanPrune(t.Context(), p, time.Now())
		require.NoError(t, err)
		require.Equal(t, planPrune(t, c, p).Groups, pp.Groups)
		r, err := e.Prune(t.Context(), pp)
		require.NoError(t, err)
		require.Equal(t, "8 pruned", outcomes(r))
		require.Equal(t, 16, r.Calls)

		n := 0
		for pt, err := range e.Points(t.Context(), p.Filter(vault)) {
			require.NoError(t, err)
			require.Contains(t, []string{"instance", "volume"}, pt.Kind)
			n++
		}
		require.Equal(t, 4, n)
	})
}

// ofKind is a cloud as a driver of one kind alone.
type ofKind struct {
	*cloud
	kind string
}

func (k ofKind) Kinds() []string { return []string{k.kind} }

// Thousands of made-up resources take no longer than they must.
func TestPlanningForAFloodOfResources(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), ofB(1)
		nights(t, c, p, 1)
		like := c.at(siteB)[0]
		r, at := c.resources[siteB][0], like.Started.Truncate(time.Second)
		for i := range 300 {
			r.ARN = fmt.Sprintf("arn:aws:ec2:%s:%s:instance/i-%d", region, beta, i)
			step := labelled(t, p, r, at)
			c.put(siteB, backup.Snapshot{Volume: "vol-b1", SizeGiB: 30, Started: at, Description: step.Description}, step.Tags).done = at
		}
		pp := planPrune(t, c, p)
		require.Len(t, pp.Groups, 302)
		require.Zero(t, pp.Prunes())
	})
}
