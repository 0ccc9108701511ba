package runcommand_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
)

const (
	application = backup.ApplicationConsistent
	fellBack    = backup.FellBack
)

func (w *world) night() (*backup.Report, error) {
	return w.engine(w.cloud.Process()).Run(context.Background(), w.plan, time.Now())
}

// kinds returns the consistency of all points: the original's, then the copy's.
func (w *world) kinds() (all []backup.Consistency) {
	for _, pt := range w.points() {
		all = append(all, pt.Consistency)
	}
	return all
}

// The generated roles are enough, and nothing that a script is given or writes
// is told.
func TestWithExactlyTheGeneratedRoles(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		report, err := w.night()
		require.NoError(t, err)
		require.Equal(t, []string{"freeze", "thaw"}, w.documents())
		require.Equal(t, []backup.Consistency{application, application}, w.kinds())
		require.Equal(t, 1, report.Copies)
		require.Less(t, w.ran[1].from.Sub(w.ran[0].to), 10*time.Second, "the instance rested for long")
		require.NotContains(t, fmt.Sprint(report.String(), w.events), secret)
		require.Empty(t, w.watcher.Check())
		w.sound()
	})
}

func TestScriptsOnARealAgent(t *testing.T) {
	offline := func(w *world) {
		require.NoError(w.t, w.cloud.SetAgent(w.instance, backuptest.Agent{Offline: true}))
	}
	for name, test := range map[string]struct {
		outcomes map[string]outcome
		change   func(w *world)
		kind     backup.Consistency
		says     string // of the events
		fails    string // of the run
	}{
		"before fails":             {map[string]outcome{"freeze": {time.Second, 3}}, nil, fellBack, "Failed, exit code 3", ""},
		"before is too long":       {map[string]outcome{"freeze": {5 * time.Minute, 0}}, nil, fellBack, "did not end within 1m0s", ""},
		"after fails":              {map[string]outcome{"thaw": {time.Second, 1}}, nil, application, "", "may still be at rest"},
		"an agent that is offline": {nil, offline, fellBack, "DeliveryTimedOut", ""},
		"no agent":                 {nil, func(w *world) { w.cloud.RemoveAgent(w.instance) }, fellBack, "InvalidInstanceId: Systems Manager does not manage the instance", ""},
		"a document that there is not": {
			nil, func(w *world) { w.plan.Sources[0].Quiesce.Before.Document = "froze" }, fellBack, "access denied", "",
		},
		"a parameter that it does not take": {nil, func(w *world) {
			w.plan.Sources[0].Quiesce.Before.Parameters["passphrase"] = []string{secret}
		}, fellBack, "InvalidParameters: the document does not take the parameters", ""},
	} {
		for _, fallback := range []bool{true, false} {
			t.Run(name+map[bool]string{true: ", falls back"}[fallback], func(t *testing.T) {
				inWorld(t, test.outcomes, func(t *testing.T, w *world) {
					w.plan.Sources[0].Quiesce.Fallback = fallback
					if test.change != nil {
						test.change(w)
					}
					report, err := w.night()
					require.NotContains(t, fmt.Sprint(report.String(), w.events, err), secret)
					if test.kind == fellBack && !fallback {
						require.ErrorIs(t, err, backup.ErrQuiesce)
						require.ErrorContains(t, err, test.says)
						require.Empty(t, w.points())
						return
					}
					require.Equal(t, []backup.Consistency{test.kind, test.kind}, w.kinds())
					require.Contains(t, fmt.Sprint(w.events), test.says)
					if test.fails != "" {
						require.ErrorContains(t, err, test.fails)
						return
					}
					require.NoError(t, err)
					require.Empty(t, w.watcher.Check())
					w.sound()
				})
			})
		}
	}
}

// The process is killed at every call of the path that changes something,
// before its effect and after, and another takes the run up.
func TestKilledAnywhereAtRest(t *testing.T) {
	for _, operation := range []string{"SendCommand 1", "CreateSnapshots 1", "SendCommand 2", "ModifySnapshotAttribute 1", "CopySnapshot 1"} {
		for _, after := range []bool{false, true} {
			t.Run(operation+map[bool]string{false: " before", true: " after"}[after], func(t *testing.T) {
				inWorld(t, nil, func(t *testing.T, w *world) {
					count := map[string]int{}
					w.cloud.SetFault(func(c backuptest.Call) backuptest.Fault {
						count[c.Operation]++
						if fmt.Sprint(c.Operation, " ", count[c.Operation]) == operation {
							return backuptest.Fault{Way: backuptest.Die, After: after}
						}
						return backuptest.Fault{}
					})
					at, dying := time.Now(), w.cloud.Process()
					ctx, stop := dying.Context(context.Background())
					defer stop()
					_, err := w.engine(dying).Run(ctx, w.plan, at)
					require.Error(t, err)
					time.Sleep(time.Second)
					report, err := w.engine(w.cloud.Process()).Run(context.Background(), w.plan, at)
					require.NoError(t, err)
					require.Equal(t, 1, report.Copies)
					require.Len(t, w.points(), 2)
					require.Empty(t, w.watcher.Check())
					w.sound()
				})
			})
		}
	}
}

// The same for a process that lives on and loses an answer.
func TestAnyAnswerLostAtRest(t *testing.T) {
	for _, operation := range []string{"SendCommand 1", "CreateSnapshots 1", "SendCommand 2"} {
		for _, way := range []backuptest.Way{backuptest.Reset, backuptest.Hang, backuptest.Refuse} {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %v after=%v", operation, way, after), func(t *testing.T) {
					inWorld(t, nil, func(t *testing.T, w *world) {
						count := map[string]int{}
						w.cloud.SetFault(func(c backuptest.Call) backuptest.Fault {
							count[c.Operation]++
							if fmt.Sprint(c.Operation, " ", count[c.Operation]) == operation {
								return backuptest.Fault{Way: way, After: after}
							}
							return backuptest.Fault{}
						})
						_, err := w.night()
						require.NoError(t, err)
						require.Equal(t, []backup.Consistency{application, application}, w.kinds())
						require.Empty(t, w.watcher.Check())
						w.sound()
					})
				})
			}
		}
	}
}

// An instance that the role may not touch is left out by AWS itself.
func TestTheRoleRunsNothingOnOthers(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		id, _, err := w.cloud.AddInstance(shop, region, backuptest.Instance{Name: "other", Tags: map[string]string{"backup": "no"}})
		require.NoError(t, err)
		w.plan.Sources[0].Select = backup.Selector{IDs: []string{id}}
		w.plan.Sources[0].Quiesce.Fallback = false
		_, err = w.night()
		require.ErrorIs(t, err, backup.ErrQuiesce)
		require.ErrorContains(t, err, "access denied")
		require.Empty(t, w.documents())
	})
}
