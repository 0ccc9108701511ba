package backup_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

func governance(days int) *backup.Lock { return &backup.Lock{Mode: backup.Governance, Days: days} }

func compliance(days, coolOff int) *backup.Lock {
	return &backup.Lock{Mode: backup.Compliance, Days: days, CoolOffHours: coolOff}
}

// locked is the nightly plan of account A with locks on both sides.
func locked(originals, copies *backup.Lock) backup.Plan {
	p := nightly(copyTo(home), copyTo(second))
	p.Sources = p.Sources[:1]
	p.Lock, p.Copies[0].Lock, p.Copies[1].Lock = originals, copies, copies
	return p
}

// allLocked checks that every snapshot of the plan is locked in a mode, for at
// least so many days from when it was begun.
func allLocked(t *testing.T, c *cloud, mode backup.LockMode, days int) {
	t.Helper()
	n := 0
	for id, s := range c.snaps {
		if s.gone {
			continue
		}
		n++
		require.Equal(t, mode, c.lockOf[id].Mode, "%s at %s", id, s.site)
		require.False(t, c.locks[id].Before(s.Started.Add(time.Duration(days)*24*time.Hour)), "%s at %s", id, s.site)
	}
	require.NotZero(t, n)
}

// Originals and copies are locked by one call each; whoever lists the site
// reads the locks, once for each site and look, not once a snapshot.
func TestLocksOriginalsAndCopies(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), locked(governance(3), compliance(30, 24)), time.Now()
		c.resources[siteB] = nil
		var jobs []backup.Job
		for j, err := range engine(t, c, backup.Options{}).Jobs(t.Context(), p, at) {
			require.NoError(t, err)
			jobs = append(jobs, j)
		}
		forecast := engine(t, c, backup.Options{}).Forecast(jobs)
		report := run(t, c, p, at)
		intact(t, c, p, at)
		require.Equal(t, 12, c.count(backup.StepLock))
		require.Equal(t, 12, report.Calls["LockSnapshot"])
		require.Equal(t, report.Calls, forecast.Calls)
		for id, s := range c.snaps {
			if s.gone {
				continue
			}
			want := backup.Compliance
			if s.site == siteA {
				want = backup.Governance
			}
			require.Equal(t, want, c.lockOf[id].Mode)
		}
		for _, j := range report.Jobs {
			require.Empty(t, j.Unlocked())
		}
		require.Less(t, c.count("locks"), 40)
	})
}

// No plan without locks lists any.
func TestWithoutLocksNoneAreRead(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := story(t)
		run(t, c, nightly(), time.Now())
		require.Zero(t, c.count("locks"))
	})
}

// A lock is put on originals before anybody else is let at them, and on copies
// before the share is taken back.
func TestWhenLocksAreMade(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), locked(governance(3), governance(30))
		c.resources[siteA] = c.resources[siteA][1:]
		c.resources[siteB] = nil
		run(t, c, p, time.Now())
		var order []string
		for _, k := range c.calls {
			if k.mutates() {
				order = append(order, k.op)
			}
		}
		require.Equal(t, []string{"snapshot", "lock", "share", "copy", "copy", "lock", "lock", "revoke"}, order)
	})
}

// Nor is anything shared while AWS is too busy to tell of locks: they are waited for.
func TestNothingIsSharedBeforeItIsLocked(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, start := story(t), locked(governance(3), nil), time.Now()
		c.resources[siteB] = nil
		shares := 0
		c.before = func(k call) error {
			switch {
			case k.op == "locks" && time.Since(start) < 10*time.Minute:
				return fmt.Errorf("RequestLimitExceeded: %w", backup.ErrThrottled)
			case k.op == string(backup.StepShare):
				shares++
				s := c.snaps[k.step.Snapshot]
				require.True(t, s.Tags["snapkeep:step"] != "" || !c.locks[s.ID].IsZero(), "%s is shared and not locked", s.ID)
			}
			return nil
		}
		run(t, c, p, start)
		require.Equal(t, 4, shares)
		intact(t, c, p, start)
	})
}

// Cut anywhere and taken up again, by the same run or by the next one, every
// snapshot ends locked, no lock is made shorter, and nothing is refused.
func TestCrashAnywhereWithLocks(t *testing.T) {
	p := locked(compliance(2, 0), compliance(30, 0))
	p.Copies = p.Copies[:1]
	cuts := mutationsOf(t, p)
	for cut := range cuts {
		for _, when := range []string{"before", "after"} {
			t.Run(fmt.Sprintf("call %d %s", cut+1, when), func(t *testing.T) {
				inTime(t, func(t *testing.T) {
					c, at := story(t), time.Now()
					c.resources[siteB] = nil
					cutOff(t, c, p, at, cut, when)
					time.Sleep(time.Second)
					report := run(t, c, p, at)
					require.Equal(t, 2, report.Copies)
					intact(t, c, p, at)
					allLocked(t, c, backup.Compliance, 2)
					for _, s := range c.at(home) {
						require.True(t, c.locks[s.ID].After(at.Add(30*24*time.Hour)))
					}
				})
			})
		}
	}
}

// cutOff runs a plan that dies at a call.
func cutOff(t *testing.T, c *cloud, p backup.Plan, at time.Time, cut int, when string) {
	t.Helper()
	ctx, crash := context.WithCancel(t.Context())
	defer crash()
	n := 0
	fault := func(k call) error {
		if !k.mutates() {
			return nil
		}
		if n++; n == cut+1 {
			crash()
		}
		return ctx.Err()
	}
	if when == "before" {
		c.before = fault
	} else {
		c.after = fault
	}
	_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
	require.ErrorIs(t, err, context.Canceled)
	c.before, c.after = nil, nil
}

// What a run left unlocked that was never taken up again, the next one locks;
// and it does not lock again what was locked and has expired.
func TestTheNextRunLocksWhatWasLeft(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), locked(nil, governance(3)), time.Now()
		c.resources[siteB] = nil
		c.resources[siteA] = c.resources[siteA][1:]
		p.Copies = p.Copies[:1]
		cutOff(t, c, p, at, 3, "before") // snapshot, share, copy, then lock
		require.Len(t, c.at(home), 1)
		require.Empty(t, c.locks)
		time.Sleep(25 * time.Hour)
		report := run(t, c, p, time.Now())
		require.Len(t, report.Jobs, 2)
		allOf := c.at(home)
		require.Len(t, allOf, 2)
		for _, s := range allOf {
			require.True(t, c.locks[s.ID].After(time.Now()), s.ID)
		}
		locks := c.count(backup.StepLock)
		time.Sleep(100 * time.Hour) // all of them expire
		report = run(t, c, p, time.Now())
		require.Len(t, report.Jobs, 1)
		require.Equal(t, locks+1, c.count(backup.StepLock))
	})
}

// A run that made all its copies before its plan had locks locks, when it is
// taken up again, the originals that these come from, and no others.
func TestOriginalsAreLockedThatNothingElseNeeds(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), locked(nil, nil), time.Now()
		c.resources[siteB] = nil
		run(t, c, p, at)
		originals := c.at(siteA)
		var spares []*fakeSnap
		for _, s := range originals {
			for _, apart := range []time.Duration{-time.Second, time.Second} {
				spares = append(spares, forge(c, s, func(s *backup.Snapshot) { s.Started = s.Started.Add(apart) }))
			}
		}
		time.Sleep(time.Hour)
		p.Lock = governance(3)
		report := run(t, c, p, at)
		for _, s := range originals {
			require.Equal(t, backup.Governance, c.lockOf[s.ID].Mode, s.ID)
		}
		for _, s := range spares {
			require.Zero(t, c.locks[s.ID], "%s of %s", s.ID, s.Started)
		}
		for _, j := range report.Jobs {
			require.Equal(t, backup.Done, j.Stage)
			for _, trace := range j.Originals {
				require.Equal(t, trace.Started.Add(72*time.Hour), trace.Locked)
			}
		}
	})
}

// Any answer is lost, with an engine that goes on: nothing fails, and a lock in
// compliance mode that is refused since it is there is found.
func TestLoseTheAnswerOfALock(t *testing.T) {
	for _, when := range []string{"before", "after"} {
		for _, lag := range []time.Duration{0, 10 * time.Second, time.Minute} { // the last is longer than Settle
			for nth := range 6 {
				inTime(t, func(t *testing.T) {
					c, p, at, n := story(t), locked(compliance(2, 0), compliance(9, 0)), time.Now(), 0
					c.resources[siteB] = nil
					c.resources[siteA] = c.resources[siteA][1:]
					c.lag = lag
					fault := func(k call) error {
						if k.op != "lock" {
							return nil
						}
						if n++; n == nth%3+1 {
							return lostAnswer
						}
						return nil
					}
					if when == "before" {
						c.before = fault
					} else {
						c.after = fault
					}
					run(t, c, p, at)
					require.GreaterOrEqual(t, n, 3)
					allLocked(t, c, backup.Compliance, 2)
				})
			}
		}
	}
}

// A lock that a role may not put leaves a good point, a job that says so, and
// no share; the other side is locked.
func TestALockThatIsRefused(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), locked(governance(3), governance(30)), time.Now()
		c.resources[siteB] = nil
		c.maxDays = 10
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, at)
		require.ErrorIs(t, err, backup.ErrDenied)
		require.ErrorContains(t, err, "lock at 999999999999/eu-west-1 (3 of 3 unlocked: snap-")
		require.Equal(t, 2, report.Points)
		require.Equal(t, 4, report.Copies)
		for _, j := range report.Jobs {
			require.Equal(t, backup.Unlocked, j.Stage)
			require.Len(t, j.Unlocked(), 2*len(j.Resource.Members))
			text, err := json.Marshal(j)
			require.NoError(t, err)
			var back backup.Job
			require.NoError(t, json.Unmarshal(text, &back))
			require.Equal(t, j.Unlocked(), back.Unlocked())
		}
		intact(t, c, p, at)
		for _, s := range c.at(siteA) {
			require.NotZero(t, c.locks[s.ID])
		}
		require.Contains(t, report.String(), "unlocked")

		// Once the role may, the same run makes up for it.
		c.maxDays = 0
		run(t, c, p, at)
		intact(t, c, p, at)
		allLocked(t, c, backup.Governance, 3)
	})
}

// A driver that has no locks is told of as an error of each job.
func TestADriverWithoutLocks(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), locked(governance(3), nil)
		c.before = func(k call) error {
			if k.op == "locks" {
				return fmt.Errorf("no such call: %w", backup.ErrUnsupported)
			}
			return nil
		}
		_, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.ErrorIs(t, err, backup.ErrUnsupported)
	})
}

// Whatever lock somebody put on a copy, and whatever the plan wants: the
// engine makes none shorter or weaker (the cloud fails the test), and the plan
// gets what it wants unless AWS refuses it.
func TestLocksAreNeverMadeShorter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		mode := rapid.SampledFrom([]backup.LockMode{backup.Governance, backup.Compliance})
		want := backup.Lock{Mode: mode.Draw(rt, "mode")}
		if rapid.Bool().Draw(rt, "until") {
			want.Until = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(20, 3000).Draw(rt, "hours")) * time.Hour)
		} else {
			want.Days = rapid.IntRange(1, 100).Draw(rt, "days")
		}
		if want.Mode == backup.Compliance {
			want.CoolOffHours = rapid.IntRange(0, 24).Draw(rt, "coolOff")
		}
		theirs := rapid.IntRange(0, 100).Draw(rt, "theirs")
		theirMode, cool := mode.Draw(rt, "their mode"), rapid.IntRange(0, 72).Draw(rt, "their coolOff")
		inTime(t, func(t *testing.T) {
			c, p, at := story(t), locked(nil, &want), time.Now()
			c.resources[siteA], c.resources[siteB], p.Copies = c.resources[siteA][1:], nil, p.Copies[:1]
			c.lag = 0
			c.after = func(k call) error { // somebody locks the copy as soon as it is completed
				c.mu.Lock()
				defer c.mu.Unlock()
				for id, s := range c.snaps {
					if theirs > 0 && s.site == home && c.lockOf[id].Snapshot == "" && !time.Now().Before(s.done) {
						now := time.Now()
						c.lockOf[id] = fakeLock{backup.SnapshotLock{Snapshot: id, Mode: theirMode, Since: now}, now.Add(time.Duration(cool) * time.Hour), now}
						c.locks[id] = now.Add(time.Duration(theirs) * 24 * time.Hour)
					}
				}
				return nil
			}
			_, err := engine(t, c, backup.Options{}).Run(t.Context(), p, at)
			require.NoError(t, err)
			for _, s := range c.at(home) {
				end := want.Until
				if want.Days > 0 {
					end = s.Started.Add(time.Duration(want.Days) * 24 * time.Hour)
				}
				require.False(t, c.locks[s.ID].Before(end), "%+v: %v before %v", want, c.locks[s.ID], end)
				if want.Mode == backup.Compliance || theirs > 0 && theirMode == backup.Compliance {
					require.Equal(t, backup.Compliance, c.lockOf[s.ID].Mode)
				}
			}
		})
	})
}

// A date that has passed locks nothing, and every job says so.
func TestLocksThatHaveEnded(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := story(t)
		p := locked(nil, &backup.Lock{Mode: backup.Governance, Until: time.Now().Add(time.Second)})
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.ErrorContains(t, err, "the plan's locks ended 2000-01-01T00:00:01Z")
		require.Equal(t, 4, report.Copies)
		require.Zero(t, c.count(backup.StepLock))
	})
}

func TestLockValidate(t *testing.T) {
	until := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		lock backup.Lock
		want map[string]string // field: part of the reason
	}{
		"governance":       {backup.Lock{Mode: backup.Governance, Days: 36500}, nil},
		"compliance":       {backup.Lock{Mode: backup.Compliance, Days: 1, CoolOffHours: 24}, nil},
		"until":            {backup.Lock{Mode: backup.Compliance, Until: until, CoolOffHours: 72}, nil},
		"nothing":          {backup.Lock{}, map[string]string{"mode": "want", "days": "is missing"}},
		"a mode":           {backup.Lock{Mode: "strict", Days: 1}, map[string]string{"mode": `"strict"`}},
		"negative":         {backup.Lock{Mode: backup.Governance, Days: -1}, map[string]string{"days": "1 to 36500"}},
		"too long":         {backup.Lock{Mode: backup.Governance, Days: 36501}, map[string]string{"days": "1 to 36500"}},
		"both":             {backup.Lock{Mode: backup.Governance, Days: 1, Until: until}, map[string]string{"": "both days and until"}},
		"cool governance":  {backup.Lock{Mode: backup.Governance, Days: 9, CoolOffHours: 1}, map[string]string{"coolOffHours": "for compliance"}},
		"cool too long":    {backup.Lock{Mode: backup.Compliance, Days: 9, CoolOffHours: 73}, map[string]string{"coolOffHours": "1 to 72"}},
		"cool negative":    {backup.Lock{Mode: backup.Compliance, Days: 9, CoolOffHours: -1}, map[string]string{"coolOffHours": "1 to 72"}},
		"cool beyond lock": {backup.Lock{Mode: backup.Compliance, Days: 1, CoolOffHours: 25}, map[string]string{"coolOffHours": "longer than the lock"}},
	} {
		t.Run(name, func(t *testing.T) {
			for at, p := range map[string]backup.Plan{"lock": locked(&test.lock, nil), "copies[1].lock": locked(nil, nil)} {
				if at != "lock" {
					p.Copies[1].Lock = &test.lock
				}
				err := p.Validate()
				if test.want == nil {
					require.NoError(t, err)
					continue
				}
				for field, reason := range test.want {
					if field != "" {
						field = "." + field
					}
					require.Contains(t, fields(err), at+field)
					require.ErrorContains(t, err, reason)
				}
			}
		})
	}
}

// fields returns the fields that an error of Validate names.
func fields(err error) (all []string) {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		for _, one := range joined.Unwrap() {
			var e *backup.PlanError
			if errors.As(one, &e) {
				all = append(all, e.Field)
			}
		}
	}
	return all
}

// ExamplePlan_Warnings has a plan that locks for longer than it keeps.
func ExamplePlan_Warnings() {
	p := nightly(copyTo(home))
	p.Copies[0].Lock = &backup.Lock{Mode: backup.Compliance, Days: 90, CoolOffHours: 24}
	p.Copies[0].Retention = retention.Policy{Daily: retention.Keep{Count: 30}}
	fmt.Println(p.Validate())
	for _, w := range p.Warnings() {
		fmt.Println(w)
	}
	// Output:
	// <nil>
	// plan: copies[0].lock.days: 90 is longer than the retention of daily=30 keeps, about 28 days: prunes are held off until then, and every snapshot is paid for
}

func TestWarnings(t *testing.T) {
	p := locked(governance(400), compliance(10, 24))
	p.Retention = retention.Policy{Daily: retention.Keep{Count: 30}}
	p.Copies[0].DropOriginal = true
	p.Copies[1].Lock = compliance(90, 0)
	p.Copies[1].Retention = retention.Policy{Monthly: retention.Keep{Count: 13}}
	var got []string
	for _, w := range p.Warnings() {
		got = append(got, w.Field)
	}
	require.Equal(t, []string{"lock.days", "copies[0].dropOriginal", "copies[1].lock.coolOffHours"}, got)
	require.Empty(t, locked(governance(400), nil).Warnings(), "what last=7 reaches depends on how often the plan runs")
}
