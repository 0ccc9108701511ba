package backup_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// accountsOf is a cloud with instances of four volumes in several accounts,
// where a snapshot takes ten minutes and a copy a quarter of an hour; and a
// plan that copies them home.
func accountsOf(t *testing.T, accts, instances int) (*cloud, backup.Plan) {
	c, p := manyAccounts(t, accts, instances, func(_, i int, volume string) []backup.Member {
		return []backup.Member{root(volume+"-r", 8), plain(volume+"-a", int32(20+i)), plain(volume+"-b", 100), plain(volume+"-c", int32(500-i))}
	})
	c.takesOf = func(s backup.Snapshot) time.Duration {
		if s.Volume == "vol-ffffffff" { // a copy
			return 15 * time.Minute
		}
		return 10 * time.Minute
	}
	return c, p
}

// callsOf counts calls by what they are: of listings also where, and whether
// of shares.
func callsOf(c *cloud) map[string]int {
	n := map[string]int{}
	for _, k := range c.calls {
		switch {
		case k.op != "list":
			n[k.op]++
		case k.query.SharedWith != "":
			n["list shares"]++
		case k.site == home:
			n["list home"]++
		default:
			n["list sources"]++
		}
	}
	return n
}

// A thousand volumes of five accounts through 20 slots: the calls are counted,
// and hardly a slot lies idle. What changes something cannot be fewer: a
// quarter of a CreateSnapshots and one share, copy and revoke for each volume.
func TestCallsAreFewAndSlotsAreUsed(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := accountsOf(t, 5, 50)
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.NoError(t, err)
		require.Equal(t, 250, report.Copies)
		n := callsOf(c)
		t.Log(n)
		require.Equal(t, 3250, n["snapshot"]+n["share"]+n["copy"]+n["revoke"])
		require.Equal(t, 5, n["list shares"], "at the beginning; then the jobs know what they have shared")
		require.Less(t, n["list sources"], 250, "only while originals are pending")
		require.Less(t, n["list home"], 400, "eight for each fifty copies that end together")
		require.Less(t, float64(len(c.calls))/1000, 4.0)

		floor := 10*time.Minute + 1000/20*15*time.Minute
		took := report.Ended.Sub(report.Started)
		t.Logf("%v, %.2f%% above the floor", took, 100*(took.Seconds()/floor.Seconds()-1))
		require.Less(t, took, floor*102/100)
	})
}

// Where there is room for all, nobody waits but for the end of his own, and a
// few listings tell that.
func TestWhereThereIsRoomListingsAreFew(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := accountsOf(t, 1, 100)
		c.slots = 1000
		report, err := engine(t, c, backup.Options{Slots: 1000, MaxPending: 1000}).Run(t.Context(), p, time.Now())
		require.NoError(t, err)
		n := callsOf(c)
		t.Log(n, report.Ended.Sub(report.Started))
		require.Less(t, n["list sources"]+n["list home"], 80)
		require.Less(t, report.Ended.Sub(report.Started), 32*time.Minute, "25, and what the rates of the calls take")
	})
}

// A run with nothing to foresee looks no less often than MaxPoll says.
func TestMaxPollBoundsTheTimeBetweenLooks(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := accountsOf(t, 1, 1)
		c.takesOf = func(backup.Snapshot) time.Duration { return 20 * time.Hour }
		start := time.Now()
		_, err := engine(t, c, backup.Options{MaxPoll: time.Minute}).Run(t.Context(), p, start)
		require.NoError(t, err)
		require.InDelta(t, 40*60, len(c.calls), 100)
		require.Less(t, time.Since(start), 40*time.Hour+5*time.Minute)
	})
}

// One stale listing, however late, does not make a snapshot look lost.
func TestASnapshotThatOneListingLacksIsNotGone(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := accountsOf(t, 1, 1)
		c.takesOf = func(backup.Snapshot) time.Duration { return 2 * time.Hour }
		lists := 0
		c.stale = func(site backup.Site) bool {
			if site == home {
				return false
			}
			lists++
			return lists%20 == 0
		}
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.NoError(t, err)
		require.Greater(t, lists, 20)
		require.Equal(t, 1, report.Copies)
	})
}
