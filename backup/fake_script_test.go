package backup_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/snapkeep/snapkeep/backup"
)

// An agent runs scripts on instances, and knows what of them is at rest.
type agent struct {
	lag time.Duration // until listings show a command
	// run says how long a script takes and how it ends; nil means a second, and
	// with success. Pending means that it never ends.
	run     func(kind backup.StepKind, n int) (time.Duration, backup.CommandState)
	skew    time.Duration // of AWS's clock
	untold  bool          // AWS does not tell when a script ended
	gone    bool          // what failed was never delivered
	scripts []*script
}

// A script is a command that was sent.
type script struct {
	kind     backup.StepKind
	comment  string
	instance string
	sent     time.Time
	ends     time.Time // zero: never
	state    backup.CommandState
	step     backup.Step
}

// script sends a command. The caller holds mu.
func (f *fakeClient) script(step backup.Step) error {
	a := &f.agent
	if len(step.Comment) > 100 || step.Comment == "" {
		f.t.Errorf("a comment of %d characters", len(step.Comment))
	}
	s := &script{kind: step.Kind, comment: step.Comment, instance: step.Resource.ID(), sent: time.Now(), step: step, state: backup.CommandSucceeded}
	takes := time.Second
	if a.run != nil {
		takes, s.state = a.run(step.Kind, len(a.scripts))
	}
	if s.state != backup.CommandPending {
		s.ends = s.sent.Add(takes)
	}
	a.scripts = append(a.scripts, s)
	if step.Kind == backup.StepVSS && s.state == backup.CommandSucceeded {
		snaps, err := f.snapshot(step)
		for _, snap := range snaps {
			f.snaps[snap.ID].Tags["AppConsistent"] = "True"
		}
		return err
	}
	return nil
}

func (f *fakeClient) Commands(ctx context.Context, q backup.CommandQuery) ([]backup.Command, error) {
	if err := f.enter(ctx, call{op: "commands"}); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []backup.Command
	for i, s := range f.agent.scripts {
		if s.instance != q.Resource.ID() || time.Since(s.sent) < f.agent.lag || s.sent.Before(q.Since) {
			continue
		}
		c := backup.Command{ID: fmt.Sprint(i), Comment: s.comment, Sent: s.sent.Add(f.agent.skew)}
		if !s.ends.IsZero() && !time.Now().Before(s.ends) {
			if c.State = s.state; !f.agent.untold {
				c.Ended = s.ends.Add(f.agent.skew)
			}
			if s.state == backup.CommandFailed {
				c.Detail, c.Undelivered = "Failed, exit code 1", f.agent.gone
			}
		}
		list = append(list, c)
	}
	return list, nil
}

var _ backup.Commander = (*fakeClient)(nil)

// sent lists what was sent to an instance, in order.
func (c *cloud) sent(instance string) (kinds []backup.StepKind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.agent.scripts {
		if s.instance == instance {
			kinds = append(kinds, s.kind)
		}
	}
	return kinds
}

// ended says whether every rest of an instance was ended after it began: a
// script that ends it was sent, and ran well, once each that begins it was over.
func (c *cloud) ended(instance string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, s := range c.agent.scripts {
		if s.instance != instance || s.kind != backup.StepQuiesce || s.ends.IsZero() {
			continue
		}
		if !slices.ContainsFunc(c.agent.scripts[i:], func(r *script) bool {
			return r.instance == instance && r.kind == backup.StepResume && r.state == backup.CommandSucceeded && !r.sent.Before(s.ends)
		}) {
			return false
		}
	}
	return true
}

// atRest says whether a moment lies between the end of a script that brought an
// instance to rest and the sending of the next that ended it.
func (c *cloud) atRest(instance string, t time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := false
	for _, s := range c.agent.scripts {
		switch {
		case s.instance != instance:
		case s.kind == backup.StepQuiesce && s.state == backup.CommandSucceeded && !s.ends.After(t):
			at = true
		case s.kind == backup.StepResume && !s.sent.After(t):
			at = false
		}
	}
	return at
}

// forge sends a command in somebody else's name.
func (c *cloud) forge(comment string) {
	c.agent.scripts = append(c.agent.scripts, &script{
		kind: "forged", comment: comment, instance: db, sent: time.Now(), ends: time.Now(), state: backup.CommandSucceeded,
	})
}
