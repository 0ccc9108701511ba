package backup_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

// What AWS would refuse to delete is not planned to go, whether it is locked,
// in an image or AWS Backup's, one member of three being enough.
func TestWhatTheCloudHolds(t *testing.T) {
	soon := func() time.Time { return time.Now().Add(36 * time.Hour).UTC() }
	lock := func(c *cloud, s *fakeSnap) { c.locks[s.ID] = soon() }
	for name, test := range map[string]struct {
		hold      func(c *cloud, s *fakeSnap) // a snapshot of the first of four nights
		originals string
		why       string
		later     string // two days later
	}{
		"nothing":     {func(*cloud, *fakeSnap) {}, "PPRR", "not one of the 2 newest", "PPRR"},
		"a lock":      {lock, "BPRR", "would be pruned but for snapshot-lock snap-", "PPRR"},
		"an old lock": {func(c *cloud, s *fakeSnap) { c.locks[s.ID] = time.Now() }, "PPRR", "not one of the 2 newest", "PPRR"},
		"an image": {
			func(c *cloud, s *fakeSnap) { c.images["ami-1"] = []string{s.ID} },
			"BPRR", "would be pruned but for in-use ami-1: last", "BPRR",
		},
		"both": {
			func(c *cloud, s *fakeSnap) { c.images["ami-1"] = []string{s.ID}; lock(c, s) },
			"BPRR", " until 2000-01-06T12:00:00Z and in-use ami-1: last", "BPRR",
		},
		"AWS Backup": {
			func(_ *cloud, s *fakeSnap) { s.Tags["aws:backup:source-resource"] = "vol-1" },
			"DPRR", "foreign: it is not ours to prune", "DPRR",
		},
		"other tags of AWS": {func(_ *cloud, s *fakeSnap) { s.Tags["aws:cloudformation:stack-name"] = "x" }, "PPRR", "not one of the 2 newest", "PPRR"},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p := story(t), ofA(2)
				p.Copies = nil
				nights(t, c, p, 4)
				of := slices.IndexFunc(c.at(siteA), func(s *fakeSnap) bool { return s.Volume == "vol-a2" })
				test.hold(c, c.at(siteA)[of])
				pp := planPrune(t, c, p)
				g := group(t, pp, siteA, false)
				require.Equal(t, test.originals, actions(g))
				require.Contains(t, decision(g, 0).Why, test.why)
				require.Contains(t, pp.String(), decision(g, 0).Action.String())
				require.Empty(t, pp.Notes)
				time.Sleep(48 * time.Hour)
				require.Equal(t, test.later, actions(group(t, planPrune(t, c, p), siteA, false)))
			})
		})
	}
}

// A copy at the destination lets an original go only if nothing holds it.
func TestADroppedOriginalThatIsHeldStays(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), ofB(3, copyTo(home))
		p.Copies[0].DropOriginal = true
		nights(t, c, p, 4)
		c.locks[c.at(siteB)[0].ID] = time.Now().Add(30 * 24 * time.Hour)
		c.images["ami-1"] = []string{c.at(siteB)[1].ID}
		require.Equal(t, "BBPR", actions(group(t, planPrune(t, c, p), siteB, false)))
	})
}

// What is held only after the plan was made is skipped, and sent no delete.
func TestHoldsAreReadAgain(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), ofB(1)
		nights(t, c, p, 4)
		pp := planPrune(t, c, p)
		require.Equal(t, "PPPR", actions(group(t, pp, siteB, false)))
		c.locks[c.at(siteB)[0].ID] = time.Now().Add(time.Hour)
		c.images["ami-1"] = []string{c.at(home)[1].ID}
		r := prune(t, c, pp)
		require.Equal(t, "4 pruned, 2 skipped", outcomes(r))
		require.Contains(t, r.String(), "would be pruned but for in-use ami-1")
		require.Len(t, deletes(c), 4)
	})
}

// A role that may not see holds is told of; what AWS refuses then is Refused,
// and the others go.
func TestHoldsThatCannotBeReadAreNoted(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), ofB(1)
		nights(t, c, p, 4)
		c.locks[c.at(home)[0].ID] = time.Now().Add(time.Hour)
		c.images["ami-1"] = []string{c.at(siteB)[1].ID}
		c.before = func(k call) error {
			if k.op == "locks" && k.site == home || k.op == "bin" && k.site == siteB {
				return fmt.Errorf("not authorized: %w", backup.ErrDenied)
			}
			return nil
		}
		pp := planPrune(t, c, p)
		require.Equal(t, "PBPR", actions(group(t, pp, siteB, false)), "images can be seen")
		require.Equal(t, "PPPR", actions(group(t, pp, home, true)))
		require.Len(t, pp.Notes, 1)
		require.Equal(t, retention.SnapshotLock, pp.Notes[0].Hold)
		require.ErrorIs(t, pp.Notes[0].Fault, backup.ErrDenied)
		const note = "note: snapshot-lock of copies at 999999999999/eu-west-1 is not known: not authorized"
		require.Contains(t, pp.String(), note)

		r, err := engine(t, c, backup.Options{}).Prune(t.Context(), reread(t, pp))
		require.ErrorContains(t, err, "OperationNotPermitted")
		require.Equal(t, "4 pruned, 1 refused", outcomes(r))
		require.Contains(t, r.String(), note)
		require.Contains(t, r.String(), "note: recycle bin of originals at 222222222222/eu-west-1 is not known: not authorized")
		require.Len(t, r.Notes, 2)
	})
}

// What went to the Recycle Bin is no point any more, and can be had back.
func TestTheReportTellsOfTheRecycleBin(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), ofA(1)
		nights(t, c, p, 2)
		pp := planPrune(t, c, p)
		c.bin = 7 * 24 * time.Hour
		kept := c.at(siteA)[0]
		c.after = onDelete(func(id string) error {
			if id == kept.ID {
				c.mu.Lock()
				defer c.mu.Unlock()
				delete(c.binned, id) // no rule caught this one of three
			}
			return nil
		})
		r := prune(t, c, pp)
		require.Equal(t, "4 pruned", outcomes(r))
		require.Contains(t, r.String(), "kept in the Recycle Bin until 2000-01-10 00:00")
		whole := 0
		for _, res := range r.Results {
			if !res.Recoverable.IsZero() {
				whole++
			}
		}
		require.Equal(t, 3, whole, "all but the point of which one snapshot is gone for good")
		require.Equal(t, 0, planPrune(t, c, p).Prunes())
	})
}
