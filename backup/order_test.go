package backup_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
)

// manyAccounts is a cloud with so many accounts of so many instances, the i-th of
// the a-th with members named after a volume; and a plan for all.
func manyAccounts(t *testing.T, n, each int, members func(a, i int, volume string) []backup.Member) (*cloud, backup.Plan) {
	c, p := newCloud(t), nightly()
	p.Sources = nil
	for a := range n {
		site := backup.Site{Account: accounts.ID(fmt.Sprintf("%012d", 100+a)), Region: region}
		p.Sources = append(p.Sources, backup.Source{Account: site.Account, Regions: []string{region}, Select: backup.Selector{All: true}})
		for i := range each {
			id := fmt.Sprintf("%d-%d", a, i)
			c.resources[site] = append(c.resources[site], instance(site, "i-"+id, members(a, i, "vol-"+id)...))
		}
	}
	return c, p
}

// A hundred accounts take turns, and one of them has two volumes that take very
// long. The second is not begun when all others have had as much as the first
// took, which would be in the end, but early enough.
func TestALongCopyDoesNotWaitForItsTurn(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := manyAccounts(t, 100, 4, func(a, i int, volume string) []backup.Member {
			if a == 50 && i < 2 {
				return []backup.Member{root(volume, 400)}
			}
			return []backup.Member{root(volume, 100)}
		})
		c.takes = func(giB int32) time.Duration { return time.Duration(giB) * 6 * time.Second }
		c.takesOf = func(s backup.Snapshot) time.Duration {
			if s.Volume == "vol-ffffffff" {
				return c.takes(s.SizeGiB)
			}
			return 5 * time.Minute
		}
		estimate := backup.Estimate{Overhead: time.Second, SnapshotRate: 1024. / 6, CopyRate: 1024. / 6}
		e, at := engine(t, c, backup.Options{Estimate: estimate}), time.Now()
		report, err := e.Run(t.Context(), p, at)
		require.NoError(t, err)
		require.Equal(t, 400, report.Copies)
		floor := 5*time.Minute + 21*10*time.Minute // 406 times ten minutes on 20 slots
		took := report.Ended.Sub(report.Started)
		t.Logf("%v, %.2f%% above the floor", took, 100*(took.Seconds()/floor.Seconds()-1))
		require.Less(t, took, floor*102/100)
	})
}

// Accounts take turns, but not in the middle of a machine: of fifty of them no
// more machines are half copied at a time than there are slots, however many
// wait, and so a run that is cut short leaves whole points.
func TestWhatHasBegunIsFinishedFirst(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := manyAccounts(t, 50, 2, func(_, _ int, volume string) []backup.Member {
			return []backup.Member{root(volume, 100), plain(volume+"-1", 90), plain(volume+"-2", 80), plain(volume+"-3", 70)}
		})
		c.takes = func(giB int32) time.Duration { return time.Duration(giB) * 6 * time.Second }
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.NoError(t, err)
		require.Equal(t, 100, report.Copies)
		begun, most := map[string]int{}, 0
		for _, s := range c.at(home) { // as they were begun
			point := s.Tags["snapkeep:point"]
			if begun[point]++; begun[point] == 4 {
				delete(begun, point)
			}
			most = max(most, len(begun))
		}
		t.Logf("%d half copied at most", most)
		require.LessOrEqual(t, most, 20)
	})
}

// The engine is told nothing of how long copies take, and the defaults are far
// off: it learns what even an empty one takes, and the rate, and looks when
// they end; by its own clock, which may not be AWS's.
func TestEndsAreForeseenBySize(t *testing.T) {
	for _, ahead := range []time.Duration{0, 4 * time.Minute, -4 * time.Minute} {
		t.Run(ahead.String(), func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c := fleet(t, 200, func(i int) int32 { return int32(10 + i*7919%500) })
				c.takes = func(giB int32) time.Duration { return 30*time.Second + time.Duration(giB)*2*time.Second }
				c.ahead = ahead
				report, err := engine(t, c, backup.Options{}).Run(t.Context(), fleetPlan(), time.Now())
				require.NoError(t, err)
				require.Equal(t, 200, report.Copies)
				used := time.Duration(0) // slots, in sum
				copies := c.at(home)
				for _, s := range copies {
					used += s.done.Sub(s.made)
				}
				idle := 1 - used.Seconds()/(20*copies[199].made.Sub(copies[0].made).Seconds())
				n := callsOf(c)
				t.Logf("%v, %.1f%% idle", n, 100*idle)
				require.Less(t, n["list home"], 150, "less than one for each copy")
				require.Less(t, idle, 0.01)
			})
		})
	}
}

// While those who wait keep all slots busy, nobody is in a hurry to know which
// other originals have ended.
func TestSourcesAreLookedAtSeldomWhileSlotsAreBusy(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := newCloud(t), nightly()
		p.Sources = nil
		takes := map[string]time.Duration{}
		for a := range 40 {
			site := backup.Site{Account: accounts.ID(fmt.Sprintf("%012d", 100+a)), Region: region}
			p.Sources = append(p.Sources, backup.Source{Account: site.Account, Regions: []string{region}, Select: backup.Selector{All: true}})
			for i := range 10 {
				id := fmt.Sprintf("%d-%d", a, i)
				c.resources[site] = append(c.resources[site], instance(site, "i-"+id, root("vol-"+id, 100)))
				takes["vol-"+id] = 2*time.Minute + time.Duration((a+i)*7919%1000)*4*time.Second
			}
		}
		c.takesOf = func(s backup.Snapshot) time.Duration {
			if s.Volume == "vol-ffffffff" {
				return 15 * time.Minute
			}
			return takes[s.Volume]
		}
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.NoError(t, err)
		require.Equal(t, 400, report.Copies)
		n, took := callsOf(c), report.Ended.Sub(report.Started)
		t.Logf("%v, %v", n, took)
		require.Less(t, n["list sources"], 40*45, "every five minutes, once slots are busy")
		require.Less(t, took, 3*time.Minute+20*15*time.Minute*102/100)
	})
}
