package backup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"
)

// A Journal remembers which runs were begun, where no protected account can
// write. An engine needs none: what it has made is in the tags. But tags in a
// protected account are not believed, so that a run that died before its first
// copy leaves nothing to prove it, and a later run does not copy its originals:
// with a journal it does. Package journal has one in a directory; a host that
// has a database needs two statements.
//
// Whoever can write to it can have the originals of a run copied that he made
// up. Its methods may be called by many goroutines at once.
type Journal interface {
	// Begin notes that the run of a plan at a moment is begun: before its first
	// call that changes anything. When it returns without an error the note is
	// safe. It is called again for the same run, by other processes too.
	Begin(ctx context.Context, plan string, at time.Time) error
	// Begun returns the moments, in whole seconds, of the runs of a plan that
	// were begun, in any order. Those before since need not be among them.
	Begun(ctx context.Context, plan string, since time.Time) ([]time.Time, error)
}

// ErrJournal is told as an event when Options.Journal fails. The engine goes on
// as if there were none, and tries again.
var ErrJournal = errors.New("the journal does not work")

const (
	// journalWait is how long the journal may take for one call.
	journalWait = 15 * time.Second
	// journalRetry is how long after a note that failed the next is tried.
	journalRetry = time.Minute
)

// journalNotes is what the engine has noted in the host's journal.
type journalNotes struct {
	// turn holds one token: who has it notes a run, and no job gets ahead of that.
	turn  chan struct{}
	noted map[string]time.Time // for who has the token: runs, with when they are to be noted again
}

// note has the journal know of a job's run before the first call for it. A run
// that is only settled was begun by others, if at all.
func (a *advance) note(ctx context.Context) {
	e, run := a.e, a.j.Run()
	if e.opts.Journal == nil || a.j.Settle {
		return
	}
	select {
	case e.journal.turn <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-e.journal.turn }()
	now := time.Now()
	if again, ok := e.journal.noted[run]; ok && now.Before(again) {
		return
	}
	maps.DeleteFunc(e.journal.noted, func(_ string, again time.Time) bool { return !now.Before(again) })
	calling, cancel := context.WithTimeout(ctx, journalWait)
	defer cancel()
	err := e.opts.Journal.Begin(calling, a.j.Plan, a.j.At)
	if err == nil {
		e.journal.noted[run] = now.Add(e.opts.Window)
		return
	}
	e.journal.noted[run] = time.Now().Add(journalRetry)
	a.tell(Event{Err: fmt.Errorf("%w: %w", ErrJournal, err)})
}

// readJournal asks the host's journal which runs of the plan there were.
func (c *census) readJournal(ctx context.Context) {
	if c.e.opts.Journal == nil {
		return
	}
	calling, cancel := context.WithTimeout(ctx, journalWait)
	defer cancel()
	begun, err := c.e.opts.Journal.Begun(calling, c.plan.Name, c.at.Add(-ownWindows*c.e.opts.Window))
	if err != nil {
		c.e.tell(Event{Err: fmt.Errorf("%w: %w", ErrJournal, err)})
		return
	}
	for _, at := range begun {
		c.begun[RunID(c.plan.Name, at)] = true
	}
}
