package backup_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/retention"
)

// ofB is the nightly plan of account B alone: one instance with one volume.
func ofB(last retention.Count, copies ...backup.Copy) backup.Plan {
	p := nightly(copies...)
	p.Sources, p.Retention = p.Sources[1:], retention.Policy{Last: last}
	return p
}

// ofA is that of account A: an instance with three volumes, and a volume.
func ofA(last retention.Count, copies ...backup.Copy) backup.Plan {
	p := nightly(copies...)
	p.Sources, p.Retention = p.Sources[:1], retention.Policy{Last: last}
	return p
}

// nights runs the plan once a day. Errors are expected where the test breaks
// something; what came of a night shows in the catalog.
func nights(t *testing.T, c *cloud, p backup.Plan, n int) {
	t.Helper()
	for range n {
		at := time.Now()
		_, _ = engine(t, c, backup.Options{}).Run(t.Context(), p, at)
		time.Sleep(time.Until(at.Add(24 * time.Hour)))
	}
}

func planPrune(t *testing.T, c *cloud, p backup.Plan) *backup.PrunePlan {
	t.Helper()
	time.Sleep(c.lag)
	pp, err := engine(t, c, backup.Options{}).PlanPrune(t.Context(), p, time.Now())
	require.NoError(t, err)
	return pp
}

func prune(t *testing.T, c *cloud, pp *backup.PrunePlan) *backup.PruneReport {
	t.Helper()
	r, err := engine(t, c, backup.Options{}).Prune(t.Context(), pp)
	require.NoError(t, err)
	return r
}

// group returns the group of the one instance at a site.
func group(t *testing.T, pp *backup.PrunePlan, site backup.Site, isCopy bool) backup.PruneGroup {
	t.Helper()
	i := slices.IndexFunc(pp.Groups, func(g backup.PruneGroup) bool {
		return g.Site == site && g.Copy == isCopy && strings.Contains(g.Resource, ":instance/")
	})
	require.GreaterOrEqual(t, i, 0, "no such group:\n%s", pp)
	return pp.Groups[i]
}

// actions writes what becomes of a group's points, oldest first: R retain,
// P prune, B blocked, D defer.
func actions(g backup.PruneGroup) string {
	text := ""
	for _, d := range g.Decisions {
		text = strings.ToUpper(d.Action.String()[:1]) + text
	}
	return text
}

// decision returns the decision on a group's n-th point, the oldest being 0.
func decision(g backup.PruneGroup, n int) backup.PruneDecision {
	return g.Decisions[len(g.Decisions)-1-n]
}

// outcomes counts a report's results: "2 pruned, 1 refused".
func outcomes(r *backup.PruneReport) string {
	var list []string
	for _, o := range []backup.PruneOutcome{
		backup.Pruned, backup.AlreadyGone, backup.Skipped, backup.Refused, backup.PruneFailed, backup.NotTried, backup.Unverified,
	} {
		if n := r.Count(o); n > 0 {
			list = append(list, fmt.Sprintf("%d %s", n, o))
		}
	}
	return strings.Join(list, ", ")
}

// deletes returns the snapshots that deletes were sent for, in order.
func deletes(c *cloud) (ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, call := range c.calls {
		if call.op == string(backup.StepDelete) {
			ids = append(ids, call.step.Snapshot)
		}
	}
	return ids
}

// onDelete makes a fault of deletes alone. Of before hooks the cloud is locked.
func onDelete(f func(id string) error) func(call) error {
	return func(k call) error {
		if k.op != string(backup.StepDelete) {
			return nil
		}
		return f(k.step.Snapshot)
	}
}

// leftOver runs account A's plan for three nights and leaves an intermediate of
// the first.
func leftOver(t *testing.T, c *cloud, p backup.Plan) *fakeSnap {
	t.Helper()
	var step *backup.Step
	c.before = func(k call) error {
		if k.op == string(backup.StepCopy) && k.site == siteA && step == nil {
			step = &k.step
		}
		return nil
	}
	nights(t, c, p, 3)
	c.before = nil
	s := c.put(siteA, backup.Snapshot{
		Volume: "vol-ffffffff", SizeGiB: 50, Encrypted: true, KMSKey: step.KMSKey, Description: step.Description,
		Started: c.at(siteA)[0].Started.Add(time.Hour),
	}, step.Tags)
	s.done = time.Now()
	return s
}

// A refusal is an error with which AWS answers.
type refusal string

func (r refusal) Error() string     { return string(r) + ": no" }
func (r refusal) ErrorCode() string { return string(r) }

// reread returns a prune plan as it comes back from a file.
func reread(t *testing.T, pp *backup.PrunePlan) *backup.PrunePlan {
	t.Helper()
	text, err := json.MarshalIndent(pp, "", "  ")
	require.NoError(t, err)
	back := new(backup.PrunePlan)
	require.NoError(t, json.Unmarshal(text, back))
	return back
}
