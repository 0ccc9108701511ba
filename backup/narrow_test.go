package backup_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// listings counts the listings of all and of a part.
func listings(c *cloud) (all, parts int) {
	for _, k := range c.calls {
		switch {
		case k.op != "list" || k.query.SharedWith != "":
		case len(k.query.Started) > 0:
			parts++
		default:
			all++
		}
	}
	return all, parts
}

// What is read while a run waits does not grow with what lies at its sites. One
// engine makes a run each day, and nothing is ever pruned.
func TestPollsDoNotGrowWithHistory(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := accountsOf(t, 2, 10)
		e := engine(t, c, backup.Options{})
		var first [2]int
		for day := range 10 {
			c.read, c.calls = [2]int{}, nil
			report, err := e.Run(t.Context(), p, time.Now())
			require.NoError(t, err)
			require.Equal(t, 20, report.Copies)
			all, parts := listings(c)
			t.Log(day, c.read, all, parts)
			if day == 0 {
				first = c.read
			}
			require.LessOrEqual(t, c.read[1], first[1]*11/10, "day %d", day)
			require.LessOrEqual(t, all, 3+int(report.Ended.Sub(report.Started).Hours()), "three sites, and one of them every hour")
			require.Greater(t, parts, 4*all)
			time.Sleep(24*time.Hour - report.Ended.Sub(report.Started))
		}
	})
}

// slowAt makes copies into a site take so long.
func slowAt(c *cloud, site backup.Site, takes time.Duration) {
	c.takesOf = func(s backup.Snapshot) time.Duration {
		if s.Owner == site.Account && s.KMSKey == keyAt(site) {
			return takes
		}
		return 10 * time.Minute
	}
}

// removeLater deletes one snapshot at a site, as its owner can, some time after
// the beginning.
func removeLater(c *cloud, site backup.Site, after time.Duration) {
	start, done := time.Now(), false
	c.before = func(call) error {
		if done || time.Since(start) < after {
			return nil
		}
		for _, s := range c.snaps {
			if s.site == site && !s.gone {
				s.gone, done = true, true
				break
			}
		}
		return nil
	}
}

// A copy that was completed hours ago at one destination is deleted while
// another destination is still busy: no listing of a part shows it, and still
// the point does not count as verified there, though no listing of all is due.
func TestACopyDeletedBetweenListingsIsNotVerified(t *testing.T) {
	for after, slow := range map[time.Duration]time.Duration{
		35 * time.Minute: 40 * time.Minute, 5 * time.Hour: 10 * time.Hour, 10 * time.Hour: 10 * time.Hour,
	} {
		t.Run(after.String(), func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p := accountsOf(t, 1, 1)
				p.Copies = []backup.Copy{copyTo(home), copyTo(second)}
				slowAt(c, second, slow)
				removeLater(c, home, after)
				report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
				require.ErrorContains(t, err, "copy to "+home.String())
				require.ErrorContains(t, err, "has disappeared")
				require.Equal(t, backup.Failed, report.Jobs[0].Stage)
			})
		})
	}
}

// An original is deleted while it is pending, by whoever can: it is noticed as
// soon as it would be were everything listed each time.
func TestAnOriginalDeletedBetweenListingsIsGone(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := accountsOf(t, 1, 1)
		c.takesOf = func(backup.Snapshot) time.Duration { return 10 * time.Hour }
		removeLater(c, p.SourceSites()[0], 3*time.Hour)
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.ErrorContains(t, err, "has disappeared")
		require.Less(t, report.Ended.Sub(report.Started), 3*time.Hour+20*time.Minute)
		require.Equal(t, 1, c.count(backup.StepSnapshot))
	})
}

// Another process copies to the same place, in a run of its own: what it has
// under way is seen in listings of a part, and takes slots.
func TestOthersCopiesAreSeenInListingsOfAPart(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := accountsOf(t, 1, 10)
		start, most := time.Now(), 0
		c.before = func(k call) error {
			if k.op == string(backup.StepCopy) {
				most = max(most, c.underWay(home)+1)
			}
			return nil
		}
		for i := range 15 { // of which no one else knows
			time.AfterFunc(15*time.Minute+time.Duration(i)*time.Second, func() {
				c.mu.Lock()
				defer c.mu.Unlock()
				s := c.put(home, backup.Snapshot{Owner: vault, Volume: "vol-ffffffff", SizeGiB: 8}, map[string]string{
					"snapkeep:vault": string(vault), "snapkeep:source": siteB.String(), "snapkeep:point": "p-other",
				})
				s.done = time.Now().Add(5 * time.Hour)
			})
		}
		c.slots = 100
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, start)
		require.NoError(t, err)
		require.Equal(t, 10, report.Copies)
		require.Equal(t, 20, most, "theirs among them")
		require.Greater(t, report.Ended.Sub(report.Started), 85*time.Minute, "then 5 at a time")
		_, parts := listings(c)
		require.Greater(t, parts, 20)
	})
}

// A site that does not filter by StartTime as it is thought to is listed as a
// whole, but for one try an hour.
func TestAFilterThatFindsNothingIsNotBelieved(t *testing.T) {
	for name, filters := range map[string]func([]backup.Span) []backup.Span{
		"nothing":    func([]backup.Span) []backup.Span { return []backup.Span{{}} },
		"everything": func([]backup.Span) []backup.Span { return nil },
		"another day": func(s []backup.Span) []backup.Span {
			return []backup.Span{{From: s[0].From.Add(-24 * time.Hour), To: s[0].To.Add(-24 * time.Hour)}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p := story(t), nightly()
				c.takes = func(int32) time.Duration { return 90 * time.Minute }
				c.filters = filters
				at := time.Now()
				report := run(t, c, p, at)
				require.Equal(t, 3, report.Copies)
				intact(t, c, p, at)
				all, parts := listings(c)
				t.Log(all, parts)
				if name != "everything" {
					require.LessOrEqual(t, parts, 3*5)
					require.Greater(t, all, 5*parts)
				}
			})
		})
	}
}

// Listings that lag far behind, further than Settle, make nothing twice.
func TestListingsOfAPartThatLag(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly()
		c.lag = 4 * time.Minute
		at := time.Now()
		report := run(t, c, p, at)
		require.Equal(t, 3, report.Copies)
		intact(t, c, p, at)
	})
}
