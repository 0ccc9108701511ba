package backup_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

const db = "i-b1"

// calm is a plan that brings the instance of the second account to rest.
func calm(fallback bool) backup.Plan {
	return backup.Plan{
		Name: "calm", Retention: retention.Policy{Last: 7}, Copies: []backup.Copy{copyTo(home)},
		Sources: []backup.Source{{
			Account: beta, Regions: []string{region}, Select: backup.Selector{All: true},
			Quiesce: &backup.Quiesce{
				Before:   &backup.Script{Document: "freeze", Parameters: map[string][]string{"secret": {"hunter2"}}},
				After:    &backup.Script{Document: "thaw"},
				Fallback: fallback,
			},
		}},
	}
}

// kinds are the consistencies of all points of a plan: the original, then copies.
func consistencies(t *testing.T, c *cloud, p backup.Plan) (list []backup.Consistency) {
	t.Helper()
	for _, pt := range points(t, c, p) {
		list = append(list, pt.Consistency)
	}
	return list
}

// sound checks what must be true whatever happened: no rest is left, and what
// is marked as consistent was made during one; of copies alone, if two
// processes were at work on one run, which nobody should do.
func sound(t *testing.T, c *cloud, p backup.Plan, copies ...bool) {
	t.Helper()
	require.True(t, c.ended(db), "%v", c.sent(db))
	for _, pt := range points(t, c, p) {
		if pt.Consistency == backup.ApplicationConsistent && (copies == nil || pt.Copy || !copies[0]) {
			require.True(t, c.atRest(db, pt.Time), "made at %v", pt.Time)
		}
	}
}

func TestScriptsRunAroundTheSnapshots(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := story(t)
		c.agent.lag = 2 * time.Second
		report := run(t, c, calm(false), time.Now())
		require.Equal(t, []backup.StepKind{backup.StepQuiesce, backup.StepResume}, c.sent(db))
		require.Equal(t, map[string]int{"SendCommand": 2, "CreateSnapshots": 1, "ModifySnapshotAttribute": 2, "CopySnapshot": 1}, report.Calls)
		require.Equal(t, []backup.Consistency{backup.ApplicationConsistent, backup.ApplicationConsistent}, consistencies(t, c, calm(false)))
		require.Contains(t, report.String(), "consistency: application")
		sound(t, c, calm(false))
		made, resumed := c.at(siteB)[0].Started, c.agent.scripts[1].sent
		require.LessOrEqual(t, resumed.Sub(made), c.latency+time.Millisecond, "something came before the script that ends the rest")
		require.LessOrEqual(t, made.Sub(c.agent.scripts[0].ends), 3*time.Second, "the instance rested before anything was made")
	})
}

// What goes wrong with the scripts ends in a failure, or in a crash-consistent
// point that says so; and the script after the snapshots has run.
func TestScriptsThatFail(t *testing.T) {
	const ok, bad, never = backup.CommandSucceeded, backup.CommandFailed, backup.CommandPending
	type outcome struct {
		takes time.Duration
		ends  backup.CommandState
	}
	well := outcome{time.Second, ok}
	for name, test := range map[string]struct {
		before, after outcome
		sent          int
		says          string // of why it fell back or failed
	}{
		"before fails":             {outcome{time.Second, bad}, well, 4, "exit code 1"},
		"before takes too long":    {outcome{10 * time.Minute, ok}, well, 3, "did not end within 1m0s"},
		"before fails late":        {outcome{10 * time.Minute, bad}, well, 3, "did not end within 1m0s"},
		"before is a little late":  {outcome{65 * time.Second, ok}, well, 6, "did not end within 1m0s"},
		"before never ends":        {outcome{0, never}, well, 2, "did not end within 1m0s"},
		"before and after fail":    {outcome{time.Second, bad}, outcome{time.Second, bad}, 4, "exit code 1"},
		"before is soon, and late": {outcome{59 * time.Second, ok}, well, 2, ""},
	} {
		for _, fallback := range []bool{true, false} {
			t.Run(name+map[bool]string{true: ", falls back"}[fallback], func(t *testing.T) {
				inTime(t, func(t *testing.T) {
					c, p := story(t), calm(fallback)
					c.agent.run = func(kind backup.StepKind, _ int) (time.Duration, backup.CommandState) {
						o := test.before
						if kind == backup.StepResume {
							o = test.after
						}
						return o.takes, o.ends
					}
					var told []string
					e := engine(t, c, backup.Options{OnEvent: func(ev backup.Event) {
						if ev.Err != nil {
							told = append(told, ev.Err.Error())
						}
					}})
					report, err := e.Run(t.Context(), p, time.Now())
					require.NotContains(t, report.String()+fmt.Sprint(told, err), "hunter2")
					require.Len(t, c.sent(db), test.sent)
					kind := backup.FellBack
					switch {
					case test.says == "":
						kind = backup.ApplicationConsistent
						require.NoError(t, err)
					case !fallback:
						require.ErrorIs(t, err, backup.ErrQuiesce)
						require.ErrorContains(t, err, test.says)
						require.Empty(t, c.at(siteB))
						return
					default:
						require.Contains(t, strings.Join(told, "\n"), "crash-consistent only")
					}
					require.Equal(t, []backup.Consistency{kind, kind}, consistencies(t, c, p))
					if test.after.ends == bad {
						require.ErrorContains(t, err, "may still be at rest")
						require.Equal(t, backup.Unrevoked, report.Jobs[0].Stage)
						return
					}
					require.NoError(t, err)
					sound(t, c, p)
				})
			})
		}
	}
}

// The script after the snapshots is tried three times; the point is good all
// the same, and the job says what it has left.
func TestAfterThatFailsIsToldAndThePointIsGood(t *testing.T) {
	for name, test := range map[string]struct{ fails, sent int }{"once": {1, 3}, "for ever": {99, 4}} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p, n := story(t), calm(false), 0
				c.agent.run = func(kind backup.StepKind, _ int) (time.Duration, backup.CommandState) {
					if kind == backup.StepResume {
						if n++; n <= test.fails {
							return time.Second, backup.CommandFailed
						}
					}
					return time.Second, backup.CommandSucceeded
				}
				report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
				require.Len(t, c.sent(db), test.sent)
				kind := backup.ApplicationConsistent
				require.Equal(t, []backup.Consistency{kind, kind}, consistencies(t, c, p))
				require.Equal(t, 1, report.Copies)
				if test.fails == 1 {
					require.NoError(t, err)
					sound(t, c, p)
					return
				}
				require.ErrorIs(t, err, backup.ErrQuiesce)
				require.ErrorContains(t, err, "the instance may still be at rest")
				require.Equal(t, backup.Unrevoked, report.Jobs[0].Stage)
			})
		})
	}
}

// A refusal to send the script is no reason to try again.
func TestScriptsThatAreRefused(t *testing.T) {
	for _, p := range []backup.Plan{calm(true), calm(false), byVSS(true), byVSS(false)} {
		fallback := p.Sources[0].Quiesce.Fallback
		inTime(t, func(t *testing.T) {
			c := story(t)
			c.before = func(k call) error {
				if k.op == "quiesce" || k.op == "vss" {
					return fmt.Errorf("SendCommand: %w", backup.ErrDenied)
				}
				return nil
			}
			_, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
			require.Empty(t, c.sent(db))
			if !fallback {
				require.ErrorIs(t, err, backup.ErrQuiesce)
				require.Empty(t, c.at(siteB))
				return
			}
			require.NoError(t, err)
			require.Equal(t, []backup.Consistency{backup.FellBack, backup.FellBack}, consistencies(t, c, p))
		})
	}
}

// Who may send commands and not follow them ends the rest blindly, and says so.
func TestCommandsThatCannotBeFollowed(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), calm(true)
		c.before = func(k call) error {
			if k.op == "commands" && len(c.agent.scripts) > 0 {
				return backup.ErrDenied
			}
			return nil
		}
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.ErrorContains(t, err, "nobody can tell whether the instance is still at rest")
		require.Equal(t, backup.Unrevoked, report.Jobs[0].Stage)
		require.Equal(t, []backup.StepKind{backup.StepQuiesce, backup.StepResume}, c.sent(db))
		require.Equal(t, []backup.Consistency{backup.FellBack, backup.FellBack}, consistencies(t, c, p))
	})
}

// A run is cut at every call that changes something, before the call has its
// effect and after, and taken up again by another engine that knows nothing, on
// a machine whose clock is far from AWS's. The script after the snapshots runs
// in every case, and no mark lies.
func TestCrashAnywhereAtRest(t *testing.T) {
	mutations := 0
	inTime(t, func(t *testing.T) {
		c := story(t)
		run(t, c, calm(true), time.Now())
		mutations = c.mutations()
	})
	for cut := range mutations {
		for _, when := range []string{"before", "after"} {
			for _, skew := range []time.Duration{0, -4 * time.Minute, 4 * time.Minute} {
				t.Run(fmt.Sprintf("call %d %s, clock off by %v", cut+1, when, skew), func(t *testing.T) {
					inTime(t, func(t *testing.T) {
						c, p, at := story(t), calm(true), time.Now()
						c.agent.lag, c.agent.skew = 2*time.Second, skew
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
							return ctx.Err() // from now on nothing gets through
						}
						if when == "before" {
							c.before = fault
						} else {
							c.after = fault
						}
						_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
						require.ErrorIs(t, err, context.Canceled)

						c.before, c.after = nil, nil
						time.Sleep(time.Second)
						report := run(t, c, p, at)
						require.Equal(t, 1, report.Copies)
						require.True(t, c.ended(db), "%v", c.sent(db))
						if skew == 0 {
							sound(t, c, p)
						}
						require.Len(t, c.at(siteB), 1)
						require.Len(t, points(t, c, p), 2)
					})
				})
			}
		}
	}
}

// The same with an engine that survives: one answer is lost.
func TestLoseAnyAnswerAtRest(t *testing.T) {
	for cut := range 5 {
		for _, when := range []string{"before", "after"} {
			t.Run(fmt.Sprintf("call %d %s", cut+1, when), func(t *testing.T) {
				inTime(t, func(t *testing.T) {
					c, p, n := story(t), calm(false), 0
					c.agent.lag = 2 * time.Second
					fault := func(k call) error {
						if !k.mutates() {
							return nil
						}
						if n++; n == cut+1 {
							return lostAnswer
						}
						return nil
					}
					if when == "before" {
						c.before = fault
					} else {
						c.after = fault
					}
					run(t, c, p, time.Now())
					sound(t, c, p)
					kind := backup.ApplicationConsistent
					require.Equal(t, []backup.Consistency{kind, kind}, consistencies(t, c, p))
					require.Len(t, c.at(siteB), 1)
				})
			})
		}
	}
}

// A run that its host cuts short ends the rest before it returns.
func TestAStoppedRunEndsTheRest(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), calm(true)
		ctx, stop := withStop(t)
		c.after = func(k call) error {
			if k.op == "quiesce" {
				stop()
			}
			return nil
		}
		report, err := engine(t, c, backup.Options{}).Run(ctx, p, time.Now())
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, []backup.StepKind{backup.StepQuiesce, backup.StepResume}, c.sent(db))
		require.Empty(t, c.at(siteB))
		require.Less(t, report.Ended.Sub(report.Started), time.Minute)
	})
}

// A throttled call while the instance rests is made again; one that is
// throttled for too long ends the rest first.
func TestThrottledWhileAtRest(t *testing.T) {
	for name, test := range map[string]struct {
		storm time.Duration
		sent  int
	}{"for a while": {time.Minute, 2}, "for too long": {5 * time.Minute, 4}} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p := story(t), calm(false)
				start := time.Now()
				c.before = func(k call) error {
					if k.op == "snapshot" && time.Since(start) < test.storm {
						return backup.ErrThrottled
					}
					return nil
				}
				run(t, c, p, start)
				sound(t, c, p)
				require.Len(t, c.sent(db), test.sent)
				kind := backup.ApplicationConsistent
				require.Equal(t, []backup.Consistency{kind, kind}, consistencies(t, c, p))
			})
		})
	}
}

// What a mark claims and AWS's own time does not bear out counts for nothing.
func TestAMarkHoldsUntilItsTimeOnly(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), calm(true)
		run(t, c, p, time.Now())
		s := c.at(siteB)[0]
		for tag, want := range map[string]backup.Consistency{
			"application/" + s.Started.UTC().Add(time.Minute).Format(time.RFC3339):  backup.ApplicationConsistent,
			"application/" + s.Started.UTC().Add(-time.Minute).Format(time.RFC3339): backup.FellBack,
			"application": backup.FellBack,
			"vss":         backup.FellBack,
			"fallback":    backup.FellBack,
		} {
			s.Tags["snapkeep:consistency"] = tag
			require.Equal(t, want, consistencies(t, c, p)[0], tag)
		}
		s.Tags["snapkeep:consistency"] = "perfect"
		require.Len(t, points(t, c, p), 1, "a mark that nobody writes is no mark of ours")
	})
}

// What a machine that is switched off, or a volume, has to bring to rest is nothing.
func TestNothingToBringToRest(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), calm(false)
		c.resources[siteB][0].Stopped = true
		c.resources[siteB] = append(c.resources[siteB], volume(siteB, plain("vol-b9", 5)))
		run(t, c, p, time.Now())
		require.Empty(t, c.agent.scripts)
		require.Len(t, points(t, c, p), 4)
	})
}

func TestForecastCountsScripts(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c := story(t)
		e := engine(t, c, backup.Options{})
		var jobs []backup.Job
		for j, err := range e.Jobs(t.Context(), calm(false), time.Now()) {
			require.NoError(t, err)
			jobs = append(jobs, j)
		}
		require.Equal(t, 2, e.Forecast(jobs).Calls["SendCommand"])
	})
}

// What a run of another moment finishes keeps its mark: that of originals is
// read from their tags.
func TestTheMarkOutlivesItsRun(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), calm(false), time.Now()
		p.Copies = append(p.Copies, copyTo(second))
		ctx, crash := withStop(t)
		c.before = func(k call) error {
			if k.op == "copy" && k.site == second {
				crash()
				return ctx.Err()
			}
			return nil
		}
		_, err := engine(t, c, backup.Options{}).Run(ctx, p, at)
		require.ErrorIs(t, err, context.Canceled)
		c.before = nil
		time.Sleep(3 * time.Hour)
		p.Sources[0].Quiesce = nil // also where the plan has changed
		run(t, c, p, time.Now())
		n := 0
		for _, pt := range points(t, c, p) {
			if pt.Run.Equal(at.UTC()) {
				n++
				require.Equal(t, backup.ApplicationConsistent, pt.Consistency, "%s", pt.Site)
			}
		}
		require.Equal(t, 3, n)
	})
}

// Whoever sends commands in our name in his own account fails, or falls back,
// there, and nowhere else; and the run ends.
func TestForgedCommands(t *testing.T) {
	for name, forge := range map[string]func(c *cloud, comment func(kind backup.StepKind, n int) string){
		"a rest that nobody began": func(c *cloud, comment func(backup.StepKind, int) string) {
			c.forge(comment(backup.StepQuiesce, 0))
		},
		"all that it could send": func(c *cloud, comment func(backup.StepKind, int) string) {
			for n := range 8 {
				c.forge(comment(backup.StepQuiesce, n))
				c.forge(comment(backup.StepResume, n))
			}
		},
		"another run's": func(c *cloud, _ func(backup.StepKind, int) string) {
			c.forge("snapkeep quiesce 0123")
			c.forge("snapkeep resume 0123")
			c.forge("snapkeep")
			c.forge("snapkeep quiesce")
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p, start := story(t), calm(true), time.Now()
				probe := story(t) // the comments of a run are the same in every cloud
				comments := map[string]string{}
				probe.agent.run = func(backup.StepKind, int) (time.Duration, backup.CommandState) {
					return time.Second, backup.CommandFailed
				}
				_, _ = engine(t, probe, backup.Options{}).Run(t.Context(), p, start)
				for n, s := range probe.agent.scripts {
					comments[fmt.Sprint(s.kind, n)] = s.comment
				}
				forge(c, func(kind backup.StepKind, n int) string { return comments[fmt.Sprint(kind, n)] })
				report, _ := engine(t, c, backup.Options{}).Run(t.Context(), p, start)
				require.Equal(t, 1, report.Copies)
				require.True(t, report.Jobs[0].Done())
			})
		})
	}
}
