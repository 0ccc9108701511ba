package backup_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// What an engine has made it knows before any listing shows it, also for an
// older form of the job.
func TestAnEngineKnowsWhatItMadeBeforeItIsListed(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(copyTo(home), copyTo(second)), time.Now()
		c.resources[siteA], c.resources[siteB] = c.resources[siteA][:1], nil
		e := engine(t, c, backup.Options{})
		j := jobs(t, e, p, at)[0]
		for done := false; !done; {
			next, out, err := e.Advance(t.Context(), j)
			require.NoError(t, err)
			again, after, err := e.Advance(t.Context(), j)
			require.NoError(t, err)
			require.NotEqual(t, "another job that makes the same", after.Waiting)
			for i, id := range known(next) {
				if id != "" {
					require.Equal(t, id, known(again)[i], "of %v", known(next))
				}
			}
			j, done = next, out.Done
			time.Sleep(time.Until(out.NotBefore))
		}
		require.Equal(t, 1, c.count(backup.StepSnapshot))
		require.Equal(t, 7, c.count(backup.StepCopy), "three members to two places, and one rekeyed")
		intact(t, c, p, at)
	})
}

// known lists the ids that a job knows, in the order of its parts.
func known(j backup.Job) (ids []string) {
	traces := slices.Concat(j.Originals, j.Rekeyed)
	for _, c := range j.Copies {
		traces = append(traces, c.Snapshots...)
	}
	for _, t := range traces {
		ids = append(ids, t.Snapshot)
	}
	return ids
}

// Each call that changes something is told once, with what it made or acted upon.
func TestEventsNameWhatCallsWereAbout(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := licensed(t)
		managedToo := managed(siteB, "vol-w3", 4)
		c.resources[siteB][0].Members = append(c.resources[siteB][0].Members, managedToo)
		p.Sources[0].RekeyKeys = map[string]string{region: keyAt(siteB)}
		told := map[backup.StepKind][]string{}
		_, err := engine(t, c, backup.Options{OnEvent: func(ev backup.Event) {
			require.NoError(t, ev.Err)
			if ev.Step == "" {
				return
			}
			told[ev.Step] = append(told[ev.Step], ev.Snapshot)
			if s := c.snaps[ev.Snapshot]; s != nil {
				require.Equal(t, s.site, backup.Site{Account: ev.Account, Region: ev.Region}, "%s of %s", ev.Step, ev.Snapshot)
			}
		}}).Run(t.Context(), p, time.Now())
		require.NoError(t, err)
		want := map[backup.StepKind][]string{}
		for _, id := range c.order {
			switch s := c.snaps[id]; {
			case s.Volume != "vol-ffffffff":
				want[backup.StepSnapshot] = append(want[backup.StepSnapshot], id)
			default:
				want[backup.StepCopy] = append(want[backup.StepCopy], id)
			}
		}
		for _, k := range c.calls {
			switch k.step.Kind {
			case backup.StepShare, backup.StepRevoke, backup.StepDelete:
				want[k.step.Kind] = append(want[k.step.Kind], k.step.Snapshot)
			}
		}
		for _, i := range c.imaged {
			want[backup.StepRegister] = append(want[backup.StepRegister], i.ID)
		}
		require.Len(t, want, 6)
		require.Equal(t, want, told)
	})
}

// A volume may grow between its discovery and its snapshot: what was snapshotted
// is what its copies have to be like.
func TestAVolumeThatHasGrownSinceItWasDiscovered(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), fleetPlan()
		c.before = func(k call) error {
			if k.step.Kind == backup.StepSnapshot {
				c.resources[siteB][0].Members[0].SizeGiB = 60
			}
			return nil
		}
		report := run(t, c, p, time.Now())
		require.EqualValues(t, 60, report.Jobs[0].SizeGiB())
		require.EqualValues(t, 60, pointsAt(t, c, home)[0].Members[0].SizeGiB)
	})
}

// An instance does not rest any longer for the sake of a listing.
func TestNothingIsListedWhileAnInstanceRests(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), calm(false)
		c.agent.run = func(backup.StepKind, int) (time.Duration, backup.CommandState) {
			return 40 * time.Second, backup.CommandSucceeded
		}
		run(t, c, p, time.Now())
		var ops []string
		for _, k := range c.calls {
			if k.site == siteB && k.op != "commands" {
				ops = append(ops, k.op)
			}
		}
		require.Contains(t, strings.Join(ops, " "), "list quiesce snapshot resume list")
	})
}

// The answer of the last call before the window's end is lost: what it made is
// looked for in a listing begun since then, and found.
func TestAnAnswerLostAtTheEndOfTheWindow(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), fleetPlan(), time.Now()
		c.resources[siteA], c.lag = nil, time.Second
		e := engine(t, c, backup.Options{Window: 10 * time.Minute, Settle: 2 * time.Second, MaxAge: time.Minute})
		j := jobs(t, e, p, at)[0]
		time.Sleep(10*time.Minute - time.Second)
		c.after = func(k call) error {
			if k.step.Kind == backup.StepSnapshot {
				return lostAnswer
			}
			return nil
		}
		for done := false; !done; {
			next, out, err := e.Advance(t.Context(), j)
			require.NoError(t, err)
			j, done = next, out.Done
			time.Sleep(time.Until(out.NotBefore))
		}
		require.Equal(t, 1, c.count(backup.StepSnapshot))
		intact(t, c, p, at)
	})
}

// An engine remembers each answer that was lost, whichever were lost since: an
// older form of a job, that does not know, makes nothing twice.
func TestAnEngineRemembersEachLostAnswer(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := fleet(t, 3, same(10)), fleetPlan(), time.Now()
		c.resources[siteA], c.lag = nil, 25*time.Second
		e := engine(t, c, backup.Options{})
		list := jobs(t, e, p, at)
		c.after = func(k call) error {
			if k.step.Kind == backup.StepSnapshot {
				return lostAnswer
			}
			return nil
		}
		for _, j := range list {
			_, _, err := e.Advance(t.Context(), j)
			require.NoError(t, err)
		}
		require.Equal(t, 3, c.count(backup.StepSnapshot))
		time.Sleep(16 * time.Second)
		for _, j := range list {
			for done := false; !done; {
				next, out, err := e.Advance(t.Context(), j)
				require.NoError(t, err)
				j, done = next, out.Done
				time.Sleep(time.Until(out.NotBefore))
			}
		}
		require.Equal(t, 3, c.count(backup.StepSnapshot))
	})
}

// Originals were doubled, and the copies of one set have failed: what counts is
// the set that is there, also when all originals are gone.
func TestCopiesThatFailedDoNotCountAsASet(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), fleetPlan(), time.Now()
		c.resources[siteB] = []backup.Resource{instance(siteB, "i-b1", root("vol-b1", 30), plain("vol-b2", 30))}
		run(t, c, p, at)
		good := c.at(home)
		require.Len(t, good, 2)
		for _, s := range good {
			bad := forge(c, s, func(s *backup.Snapshot) {
				s.Started = s.Started.Add(-time.Second)
				s.Tags["snapkeep:taken"] = at.UTC().Format(time.RFC3339Nano)
			})
			bad.broken = "gone with its original"
		}
		for _, s := range c.at(siteB) {
			s.gone = true
		}
		time.Sleep(time.Minute)
		report := run(t, c, p, at)
		require.Equal(t, 1, report.Copies)
		require.Equal(t, good, c.at(home), "the failed ones are removed")
		require.Equal(t, 2, c.count(backup.StepCopy))
	})
}

// An older form of a job is advanced after another process has brought the run
// to its end, and its originals were pruned since: that they are gone is no
// failure, once the copies are found.
func TestOriginalsPrunedBehindAnOlderForm(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(), time.Now()
		p.Sources = p.Sources[:1]
		c.resources[siteA] = []backup.Resource{volume(siteA, plain("vol-a1", 10)), volume(siteA, plain("vol-a2", 10))}
		c.takes = func(int32) time.Duration { return 10 * time.Minute }
		ctx, crash := withStop(t)
		c.after = func(k call) error {
			if k.step.Kind == backup.StepSnapshot && len(c.order) == 2 {
				crash()
			}
			return nil
		}
		_, err := engine(t, c, backup.Options{Concurrency: 1}).Run(ctx, p, at)
		require.Error(t, err)
		c.after = nil
		e := engine(t, c, backup.Options{})
		list := jobs(t, e, p, at)
		for begun := time.Now(); time.Since(begun) < 5*time.Minute; time.Sleep(20 * time.Second) {
			for i := range list {
				list[i], _, err = e.Advance(t.Context(), list[i])
				require.NoError(t, err)
			}
		}
		run(t, c, p, at)
		for _, s := range c.at(siteA) {
			s.gone = true
		}
		made := c.mutations()
		for _, j := range list {
			for done := false; !done; {
				next, out, err := e.Advance(t.Context(), j)
				require.NoError(t, err)
				j, done = next, out.Done
				time.Sleep(time.Until(out.NotBefore))
			}
			require.Equal(t, backup.Done, j.Stage)
		}
		require.Equal(t, 2, c.count(backup.StepCopy))
		require.LessOrEqual(t, c.mutations()-made, 2, "shares that may be left are taken back")
	})
}
