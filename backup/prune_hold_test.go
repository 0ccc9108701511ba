package backup_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

// failing makes the copies of some nights fail at a destination.
func failing(t *testing.T, c *cloud, p backup.Plan, at backup.Site, n int) {
	t.Helper()
	c.badKeys[keyAt(at)] = true
	nights(t, c, p, n)
	delete(c.badKeys, keyAt(at))
}

func TestWhatIsHeld(t *testing.T) {
	every := func(n int, c backup.Copy) backup.Copy { c.Every = n; return c }
	dropping := func(c backup.Copy) backup.Copy { c.DropOriginal = true; return c }
	keeping := func(last retention.Count, c backup.Copy) backup.Copy {
		c.Retention = retention.Policy{Last: last}
		return c
	}
	minAge := func(p backup.Plan, d time.Duration) backup.Plan { p.Retention.MinAge = d; return p }
	minCount := func(p backup.Plan, n int) backup.Plan { p.Retention.MinCount = n; return p }
	for name, test := range map[string]struct {
		plan      backup.Plan
		make      func(t *testing.T, c *cloud, p backup.Plan)
		originals string // oldest first
		copies    string // at home
	}{
		"nothing, once all is copied": {
			ofB(2), func(t *testing.T, c *cloud, p backup.Plan) { nights(t, c, p, 4) },
			"PPRR", "PPRR",
		},
		"nothing without copies": {
			ofB(2, []backup.Copy{}...), func(t *testing.T, c *cloud, p backup.Plan) { p.Copies = nil; nights(t, c, p, 4) },
			"PPRR", "PPRR",
		},
		"each place has its own policy": {
			ofB(3, keeping(1, copyTo(home))), func(t *testing.T, c *cloud, p backup.Plan) { nights(t, c, p, 4) },
			"PRRR", "PPPR",
		},
		"what is newer than the newest copy": {
			ofB(1), func(t *testing.T, c *cloud, p backup.Plan) { nights(t, c, p, 2); failing(t, c, p, home, 3) },
			"PPBBR", "PR",
		},
		"not what was passed over": {
			ofB(1), func(t *testing.T, c *cloud, p backup.Plan) {
				nights(t, c, p, 4)
				copies := c.at(home)
				copies[1].gone, copies[2].gone = true, true // as if they had failed
			},
			"PPPR", "PR",
		},
		"everything, where nothing was ever copied": {
			ofB(1), func(t *testing.T, c *cloud, p backup.Plan) { failing(t, c, p, home, 3) },
			"BBR", "",
		},
		"what one of two destinations lacks": {
			ofB(1, copyTo(home), copyTo(second)), func(t *testing.T, c *cloud, p backup.Plan) {
				nights(t, c, p, 2)
				failing(t, c, p, second, 2)
			},
			"PPBR", "PPPR",
		},
		"what counts until the next copy is due": {
			ofB(1, every(3, copyTo(home))), func(t *testing.T, c *cloud, p backup.Plan) {
				p.Retention.Last = 2 // or it would be refused
				nights(t, c, p, 6)
			},
			"PPPPBR", "PR", // nights 1 and 4 are copied
		},
		"nothing once it is copied and dropped": {
			ofB(3, dropping(copyTo(home))), func(t *testing.T, c *cloud, p backup.Plan) { nights(t, c, p, 4) },
			"PPPR", "PRRR",
		},
		"an original that no copy was made of is not dropped": {
			ofB(3, dropping(copyTo(home))), func(t *testing.T, c *cloud, p backup.Plan) {
				nights(t, c, p, 4)
				c.at(home)[1].gone = true // as if it had failed
			},
			"PRPR", "RRR",
		},
		"a copy that is no good drops nothing": {
			ofB(3, dropping(copyTo(home))), func(t *testing.T, c *cloud, p backup.Plan) {
				nights(t, c, p, 3)
				c.at(home)[0].Encrypted = false
			},
			"RPR", "PRR",
		},
		"what is dropped here and not copied there": {
			ofB(3, dropping(copyTo(home)), copyTo(second)), func(t *testing.T, c *cloud, p backup.Plan) {
				nights(t, c, p, 1)
				failing(t, c, p, second, 2)
			},
			"PBR", "RRR",
		},
		"minimum age, where originals are dropped": {
			minAge(ofB(3, dropping(copyTo(home))), 60*time.Hour), func(t *testing.T, c *cloud, p backup.Plan) { nights(t, c, p, 5) },
			"PPPRR", "PPRRR",
		},
		"minimum count, where originals are dropped": {
			minCount(ofB(3, dropping(copyTo(home))), 2), func(t *testing.T, c *cloud, p backup.Plan) { nights(t, c, p, 5) },
			"PPPRR", "PPRRR",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p := story(t), test.plan
				test.make(t, c, p)
				pp := planPrune(t, c, p)
				t.Logf("\n%s", pp)
				require.Equal(t, test.originals, actions(group(t, pp, siteB, false)), "originals")
				if test.copies != "" && len(p.Copies) > 0 {
					require.Equal(t, test.copies, actions(group(t, pp, home, true)), "copies")
				}
			})
		})
	}
}

// A destination that cannot be read may have no copy at all.
func TestOriginalsAreHeldWhileADestinationCannotBeRead(t *testing.T) {
	inTime(t, func(t *testing.T) {
		away := backup.Site{Account: "333333333333", Region: region}
		c, p := story(t), ofB(1, copyTo(home), copyTo(away))
		nights(t, c, p, 3)
		c.denied[away.Account] = fmt.Errorf("AccessDenied: %w", backup.ErrDenied)
		pp, err := engine(t, c, backup.Options{}).PlanPrune(t.Context(), p, time.Now())
		require.ErrorIs(t, err, backup.ErrDenied)
		require.ErrorContains(t, err, "333333333333/eu-west-1: list")
		require.Equal(t, "BBR", actions(group(t, pp, siteB, false)))
		require.Contains(t, decision(group(t, pp, siteB, false), 0).Why, "copy-pending 333333333333/eu-west-1 cannot be read")
		require.Equal(t, "PPR", actions(group(t, pp, home, true)), "the vault's copies go all the same")

		r, err := engine(t, c, backup.Options{}).Prune(t.Context(), pp)
		require.ErrorIs(t, err, backup.ErrDenied)
		require.Equal(t, "2 pruned", outcomes(r))
	})
}

// Retention of the vault must not depend on what it protects.
func TestALostAccountKeepsNothingInTheVault(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), ofB(1)
		nights(t, c, p, 3)
		c.denied[beta] = fmt.Errorf("AccessDenied: %w", backup.ErrDenied)
		pp, err := engine(t, c, backup.Options{}).PlanPrune(t.Context(), p, time.Now())
		require.ErrorIs(t, err, backup.ErrDenied)
		require.Len(t, pp.Groups, 1)
		require.Equal(t, "PPR", actions(pp.Groups[0]))
	})
}

// While a copy is under way its source is needed, also where a later one was
// completed before it.
func TestOriginalsAreHeldWhileTheyAreCopied(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), ofB(1)
		nights(t, c, p, 2)
		c.at(home)[0].done = time.Now().Add(time.Hour)
		pp := planPrune(t, c, p)
		require.Equal(t, "BR", actions(group(t, pp, siteB, false)))
		require.Equal(t, "DR", actions(group(t, pp, home, true)), "and it is not deleted itself")
		time.Sleep(time.Hour)
		require.Equal(t, "PR", actions(group(t, planPrune(t, c, p), siteB, false)))
	})
}

// The copy made last is not always that of the newest data.
func TestTheCopyMadeLastIsHeld(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), ofB(1)
		nights(t, c, p, 3)
		c.at(home)[1].Started = time.Now()
		g := group(t, planPrune(t, c, p), home, true)
		require.Equal(t, "PBR", actions(g))
		require.Equal(t, []retention.Hold{{Kind: retention.LatestCopy}}, decision(g, 1).Holds)
	})
}

func TestTagsKeepPoints(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), ofA(1)
		p.Retention.Tags = []retention.Selector{{"keep": "yes"}}
		nights(t, c, p, 4)
		of := func(volume string, site backup.Site, night int) map[string]string {
			n := 0
			for _, s := range c.at(site) {
				if s.Volume == volume || strings.HasPrefix(s.Tags["snapkeep:volume"], volume+":") {
					if n++; n == night+1 {
						return s.Tags
					}
				}
			}
			t.Fatal("no such snapshot")
			return nil
		}
		of("vol-a1", home, 0)["keep"] = "no"
		of("vol-a2", home, 0)["keep"] = "yes"
		of("vol-a2", home, 1)["keep"] = "no"
		of("vol-a2", home, 2)["snapkeep:legal-hold"] = ""
		of("vol-a2", siteA, 1)["snapkeep:legal-hold"] = "case 4711"
		of("vol-a2", siteA, 2)["keep"] = "yes"
		pp := planPrune(t, c, p)
		require.Equal(t, "RPBR", actions(group(t, pp, home, true)), "one tagged member is enough")
		require.Equal(t, "PBRR", actions(group(t, pp, siteA, false)))
		require.Contains(t, decision(group(t, pp, home, true), 2).Why, "but for legal-hold: ")
		require.Equal(t, "tag", decision(group(t, pp, home, true), 0).Reasons.String())
	})
}

// A session that may delete what is older than MinAge could not delete an
// intermediate that was made since.
func TestWhatWasMadeForACopySinceHoldsItsPoint(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), ofA(1)
		p.Retention.MinAge = 36 * time.Hour
		left := leftOver(t, c, p)
		require.Equal(t, "PPR", actions(group(t, planPrune(t, c, p), siteA, false)))
		left.Started = time.Now().Add(-35 * time.Hour)
		g := group(t, planPrune(t, c, p), siteA, false)
		require.Equal(t, "BPR", actions(g))
		require.Contains(t, decision(g, 0).Why, "copy-pending "+left.ID+" until 2000-01-04T01:00:")
		time.Sleep(time.Hour)
		pp := planPrune(t, c, p)
		g = group(t, pp, siteA, false)
		require.Equal(t, "PPR", actions(g))
		require.Equal(t, left.ID, decision(g, 0).Snapshots[0], "before the members that tell what it is of")
		prune(t, c, pp)
		require.True(t, left.gone)
	})
}
