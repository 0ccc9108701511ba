package backup_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

func TestPointsTellWhatWasProtected(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(), time.Now()
		run(t, c, p, at)
		list := points(t, c, p)
		require.Len(t, list, 6)
		for _, pt := range list {
			if pt.Kind != "instance" || pt.Source != siteA {
				continue
			}
			r := c.resources[siteA][0]
			require.Equal(t, r.ARN, pt.Resource)
			require.Equal(t, r.Machine, pt.Machine)
			require.Equal(t, "nightly", pt.Plan)
			require.Equal(t, pt.Copy, pt.Site == home)
			require.Len(t, pt.Members, 3)
			for i, m := range pt.Members {
				want := r.Members[i]
				want.Encrypted, want.KMSKey = m.Encrypted, m.KMSKey
				require.Equal(t, want, m.Member)
				require.Equal(t, want.SizeGiB, m.Snapshot.SizeGiB)
				if pt.Copy {
					require.Equal(t, keyAt(home), m.Snapshot.KMSKey)
				}
			}
		}
		require.Equal(t, list[0].ID, list[3].ID, "original and copy are one point")
		require.Equal(t, list[0].Time, list[3].Time)
	})
}

// The state of a point follows from what AWS says of its snapshots.
func TestPointStates(t *testing.T) {
	for name, test := range map[string]struct {
		spoil  func(c *cloud, s *fakeSnap) // one snapshot of three at each site
		copies retention.State
		source retention.State
		rest   time.Duration
	}{
		"nothing":                  {func(*cloud, *fakeSnap) {}, retention.Complete, retention.Complete, 0},
		"one is gone":              {func(_ *cloud, s *fakeSnap) { s.gone = true }, retention.Partial, retention.Partial, time.Hour},
		"one is missing for now":   {func(_ *cloud, s *fakeSnap) { s.gone = true }, retention.Pending, retention.Pending, 0},
		"one failed":               {func(_ *cloud, s *fakeSnap) { s.broken = "x" }, retention.Failed, retention.Failed, 0},
		"one is under way":         {func(_ *cloud, s *fakeSnap) { s.done = time.Now().Add(24 * time.Hour) }, retention.Pending, retention.Pending, time.Hour},
		"one is not encrypted":     {func(_ *cloud, s *fakeSnap) { s.Encrypted = false }, retention.Failed, retention.Complete, 0},
		"one is under aws/ebs":     {func(_ *cloud, s *fakeSnap) { s.KMSKey = keyAt(siteB) }, retention.Failed, retention.Complete, 0},
		"one has lost its tags":    {func(_ *cloud, s *fakeSnap) { delete(s.Tags, "snapkeep:schema") }, retention.Partial, retention.Partial, time.Hour},
		"one tells another volume": {func(_ *cloud, s *fakeSnap) { s.Tags["snapkeep:volume"] = "vol-x:::gp3:8" }, retention.Partial, retention.Complete, time.Hour},
		"the original was replaced": {func(_ *cloud, s *fakeSnap) {
			if s.site == siteA {
				s.Volume = "vol-x"
			}
		}, retention.Complete, retention.Partial, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p := story(t), nightly()
				c.takes = func(int32) time.Duration { return 0 }
				run(t, c, p, time.Now())
				for _, site := range []backup.Site{siteA, home} {
					for _, s := range c.at(site) {
						if s.Volume == "vol-a1" || s.Tags["snapkeep:volume"] == "vol-a1:/dev/xvda:root:gp3:8:3000:125" {
							test.spoil(c, s)
						}
					}
				}
				time.Sleep(test.rest)
				for _, pt := range points(t, c, p) {
					switch {
					case pt.Kind != "instance" || pt.Source != siteA:
						require.Equal(t, retention.Complete, pt.State)
					case pt.Copy:
						require.Equal(t, test.copies, pt.State, "copies")
					default:
						require.Equal(t, test.source, pt.State, "originals")
					}
				}
			})
		})
	}
}

// What was doubled, failed or left over belongs to the point, and is not of it.
func TestPointsHaveExtras(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly()
		run(t, c, p, time.Now())
		time.Sleep(time.Minute)
		for _, site := range []backup.Site{siteB, home} {
			first := c.at(site)[0]
			again := c.put(site, backup.Snapshot{Volume: first.Volume, SizeGiB: first.SizeGiB, Encrypted: true, KMSKey: first.KMSKey, Description: first.Description}, first.Tags)
			again.broken = "x"
		}
		time.Sleep(time.Hour)
		extras := 0
		for _, pt := range points(t, c, p) {
			require.Equal(t, retention.Complete, pt.State)
			extras += len(pt.Extra)
		}
		require.Equal(t, 2, extras)
	})
}

func TestPointFilter(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly(copyTo(home), copyTo(second))
		run(t, c, p, time.Now())
		weekly := p
		weekly.Name = "weekly"
		run(t, c, weekly, time.Now())
		time.Sleep(time.Minute)
		e := engine(t, c, backup.Options{})
		all := p.Filter(vault)
		all.Plan = ""
		for name, test := range map[string]struct {
			narrow func(*backup.PointFilter)
			want   int
		}{
			"all":               {func(*backup.PointFilter) {}, 18},
			"a plan":            {func(f *backup.PointFilter) { f.Plan = "weekly" }, 9},
			"a resource":        {func(f *backup.PointFilter) { f.Resource = c.resources[siteB][0].ARN }, 6},
			"an account":        {func(f *backup.PointFilter) { f.Account = alpha }, 12},
			"copies":            {func(f *backup.PointFilter) { f.CopyOnly = true }, 12},
			"a site":            {func(f *backup.PointFilter) { f.Sites = []backup.Site{home} }, 6},
			"a site twice":      {func(f *backup.PointFilter) { f.Sites = []backup.Site{home, home} }, 6},
			"no sites":          {func(f *backup.PointFilter) { f.Sites = nil }, 0},
			"as a destination":  {func(f *backup.PointFilter) { f.Sites, f.CopySites = nil, []backup.Site{second} }, 6},
			"nobody's resource": {func(f *backup.PointFilter) { f.Resource = "x" }, 0},
		} {
			f := all
			test.narrow(&f)
			n := 0
			for _, err := range e.Points(t.Context(), f) {
				require.NoError(t, err)
				n++
			}
			require.Equal(t, test.want, n, name)
		}
	})
}

func TestPointsOfASiteThatCannotBeRead(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly()
		run(t, c, p, time.Now())
		time.Sleep(time.Minute)
		c.denied[alpha] = fmt.Errorf("AccessDenied: %w", backup.ErrDenied)
		var failed []error
		n := 0
		for _, err := range engine(t, c, backup.Options{}).Points(t.Context(), p.Filter(vault)) {
			if err != nil {
				failed = append(failed, err)
				continue
			}
			n++
		}
		require.Equal(t, 4, n)
		require.Len(t, failed, 1)
		var e *backup.Error
		require.True(t, errors.As(failed[0], &e))
		require.Equal(t, siteA, backup.Site{Account: e.Account, Region: e.Region})
	})
}

// In a protected account nobody can make a point that seems to be a copy of
// another account's resource, nor one in the name of another site.
func TestProtectedAccountsShowOnlyTheirOwn(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly()
		run(t, c, p, time.Now())
		time.Sleep(time.Minute)
		for _, like := range append(c.at(home), c.at(siteA)...) {
			s := c.put(siteB, like.Snapshot, maps.Clone(like.Tags))
			s.Volume, s.Started = like.Volume, like.Started
		}
		time.Sleep(time.Hour)
		list := pointsAt(t, c, siteB)
		require.Len(t, list, 1)
		require.Equal(t, c.resources[siteB][0].ARN, list[0].Resource)
	})
}

// Whatever volumes and machines are called, the tags bring it home and back.
func TestTagsCarryAnyResource(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringN(0, 4, 8)
		r := instance(siteB, "i-b1")
		r.Machine = backup.Machine{
			InstanceType: text.Draw(rt, "type"), Zone: text.Draw(rt, "zone"), Architecture: text.Draw(rt, "arch"),
			BootMode: text.Draw(rt, "boot"), ENA: rapid.Bool().Draw(rt, "ena"), RootDevice: text.Draw(rt, "root"),
			PlatformDetails: text.Draw(rt, "platform"), UsageOperation: text.Draw(rt, "usage"), ProductCodes: text.Draw(rt, "codes"),
			SRIOV: text.Draw(rt, "sriov"), TPM: text.Draw(rt, "tpm"), IMDSv2: rapid.Bool().Draw(rt, "imdsv2"),
		}
		for i := range rapid.IntRange(1, 12).Draw(rt, "members") {
			r.Members = append(r.Members, backup.Member{
				Volume: fmt.Sprintf("vol-%017x", i), Device: text.Draw(rt, "device"), Root: i == 0, Type: text.Draw(rt, "volume type"),
				SizeGiB: rapid.Int32Range(1, 65536).Draw(rt, "size"), IOPS: rapid.Int32Range(0, 256000).Draw(rt, "iops"),
				Throughput: rapid.Int32Range(0, 4000).Draw(rt, "throughput"),
			})
		}
		inTime(t, func(t *testing.T) {
			c := newCloud(t)
			c.latency, c.takes = 0, func(int32) time.Duration { return 0 }
			c.resources[siteB] = []backup.Resource{r}
			p := nightly()
			p.Sources = p.Sources[1:]
			run(t, c, p, time.Now())
			list := points(t, c, p)
			require.Len(t, list, 2)
			for _, pt := range list {
				require.Equal(t, r.Machine, pt.Machine)
				for i, m := range pt.Members {
					want := r.Members[i]
					want.Encrypted, want.KMSKey = m.Encrypted, m.KMSKey
					require.Equal(t, want, m.Member)
				}
			}
		})
	})
}

func TestTooMuchForTagsIsToldBeforeAnySnapshot(t *testing.T) {
	long := strings.Repeat("/", 200)
	for name, spoil := range map[string]func(*backup.Resource){
		"EC2 allows 256": func(r *backup.Resource) { r.Members[0].Device = long + long },
		"EC2 allows 50": func(r *backup.Resource) {
			for i := range r.Members {
				r.Members[i].Device = long
			}
		},
	} {
		inTime(t, func(t *testing.T) {
			c := newCloud(t)
			c.dryRun = true
			r := instance(siteB, "i-b1")
			for i := range 60 {
				r.Members = append(r.Members, plain(fmt.Sprintf("vol-%d", i), 1))
			}
			spoil(&r)
			c.resources[siteB] = []backup.Resource{r}
			_, err := engine(t, c, backup.Options{}).Run(t.Context(), fleetPlan(), time.Now())
			require.ErrorContains(t, err, name)
		})
	}
}

// As many volumes as one call takes fit into the tags.
func TestTheLargestInstance(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := newCloud(t), nightly()
		p.Sources = p.Sources[1:]
		r := instance(siteB, "i-0123456789abcdef0")
		for i := range 128 {
			r.Members = append(r.Members, backup.Member{
				Volume: fmt.Sprintf("vol-%017x", i), Device: fmt.Sprintf("/dev/xvd%c%c", 'a'+i/26, 'a'+i%26), Root: i == 0,
				Type: "io2", SizeGiB: 65536, IOPS: 256000, Throughput: 4000,
			})
		}
		c.resources[siteB] = []backup.Resource{r}
		c.takes = func(int32) time.Duration { return time.Minute }
		report := run(t, c, p, time.Now())
		require.Equal(t, 1, report.Copies)
		require.Len(t, c.at(home), 128)
	})
}
