package backup

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// A JobQuiesce is what a job knows of the scripts of its run. Like all that a
// job remembers it can be lost: the commands are found again by their comments.
type JobQuiesce struct {
	Quiesce // as the plan says
	// Commands that were sent, in their order.
	Commands []JobCommand `json:"commands,omitempty"`
	// Looked is when the commands were last looked at; zero if never.
	Looked time.Time `json:"looked,omitzero"`
	// Through says that nothing more is to be done while the instance rests: the
	// snapshots were made, or may have been by a call whose answer was lost, or
	// it was brought to rest by a process that is gone.
	Through bool `json:"through,omitempty"`
	// RivalRest and RivalResume are when another run last brought the instance
	// to rest, and last ended that.
	RivalRest   time.Time `json:"rivalRest,omitzero"`
	RivalResume time.Time `json:"rivalResume,omitzero"` // our own rest is no rest any more then
	// Trial is how bringing it to rest goes, and looking at the commands.
	Trial Trial `json:"trial,omitzero"`
	// Resuming is how ending the rest goes. Given up, it ends the job Unrevoked:
	// the instance may still be at rest.
	Resuming Trial `json:"resuming,omitzero"`
}

// A JobCommand is one command that was sent for a job.
type JobCommand struct {
	Kind StepKind  `json:"kind"` // StepQuiesce, StepResume or StepVSS
	Sent time.Time `json:"sent"` // by the clock of who sent it; by AWS's if that was another process
	// At is when it was sent by AWS's clock; zero until it is listed.
	At time.Time `json:"at,omitzero"`
	// Listed says that AWS knows of it.
	Listed bool `json:"listed,omitempty"`
	// Doubt, if not zero, says that the answer was lost: a look begun then or
	// later, and without it, proves that it was not sent.
	Doubt time.Time    `json:"doubt,omitzero"`
	State CommandState `json:"state,omitempty"` // when last looked at
	// Over is when it was first seen to be over, by our clock.
	Over time.Time `json:"over,omitzero"`
	// Ended is when the script ended, by AWS's clock; zero if AWS does not tell.
	Ended time.Time `json:"ended,omitzero"`
	// Undelivered says that it failed before it began.
	Undelivered bool `json:"undelivered,omitempty"`
	// Detail says how it ended, if not well.
	Detail string `json:"detail,omitempty"`
	// Doubled says that it was sent more than once, by two processes.
	Doubled bool `json:"doubled,omitempty"`
	// Final says of a StepResume that the script it ends was over when it was sent.
	Final bool `json:"final,omitempty"`
}

// maxCommands is how many commands one job sends at most: four attempts, each
// ended by up to three, with as many again for those that were late.
const maxCommands = 32

// comment returns what the n-th command of a job is found by: 49 characters
// of the 100 that AWS allows.
func (j *Job) comment(kind StepKind, n int) string {
	return CommandComment + string(kind) + " " + keyOf(j.Vault, j.Run(), j.Resource.ARN, string(kind), strconv.Itoa(n), "")
}

// A commandSight is one look at the commands of a resource.
type commandSight struct {
	begun time.Time
	list  []Command
}

// merge takes a look in.
func (q *JobQuiesce) merge(j *Job, s *commandSight, grace time.Duration) {
	q.Looked = s.begun
	ours := map[string]bool{}
	for n := range maxCommands {
		for _, kind := range []StepKind{StepQuiesce, StepResume, StepVSS} {
			comment := j.comment(kind, n)
			ours[comment] = true
			var found []Command
			for _, c := range s.list {
				if c.Comment == comment {
					found = append(found, c)
				}
			}
			if len(found) > 0 {
				q.found(n, kind, found, s.begun)
			}
		}
	}
	q.rivals(s.list, ours)
	for i := range q.Commands {
		c := &q.Commands[i]
		if !c.Listed && c.Doubt.IsZero() && c.Over.IsZero() && s.begun.Sub(c.Sent) > grace {
			c.State, c.Over, c.Detail = CommandFailed, s.begun, "is not listed"
		}
	}
	if last := len(q.Commands) - 1; last >= 0 {
		if c := q.Commands[last]; !c.Listed && !c.Doubt.IsZero() && !s.begun.Before(c.Doubt) {
			q.Commands = q.Commands[:last]
		}
	}
}

// found notes what is listed as the n-th command.
func (q *JobQuiesce) found(n int, kind StepKind, found []Command, begun time.Time) {
	for len(q.Commands) <= n {
		// Sent by a process that did not live to tell. Commands that are missing
		// before it are none that could still do anything.
		q.Commands = append(q.Commands, JobCommand{Kind: kind, State: CommandFailed, Over: begun, Detail: "is not listed"})
		if len(q.Commands) == n+1 {
			q.Commands[n] = JobCommand{Kind: kind}
			q.Through = q.Through || kind == StepQuiesce
		}
	}
	c := &q.Commands[n]
	if c.Kind != kind {
		c.Doubled = true
		return
	}
	first := slices.MinFunc(found, func(a, b Command) int { return a.Sent.Compare(b.Sent) })
	if c.Sent.IsZero() {
		c.Sent = first.Sent
	}
	c.Listed, c.At, c.Doubled = true, first.Sent, c.Doubled || len(found) > 1
	c.State, c.Detail, c.Ended, c.Undelivered = first.State, first.Detail, first.Ended, first.Undelivered
	for _, f := range found {
		c.Undelivered = c.Undelivered && f.Undelivered
		if f.State == CommandPending {
			c.State = CommandPending
		}
	}
	if c.State != CommandPending && c.Over.IsZero() {
		c.Over = begun
	}
}

// rivals notes what other runs do to the instance.
func (q *JobQuiesce) rivals(list []Command, ours map[string]bool) {
	for _, c := range list {
		if ours[c.Comment] {
			continue
		}
		switch {
		case strings.HasPrefix(c.Comment, CommandComment+string(StepQuiesce)+" "):
			q.RivalRest = later(q.RivalRest, c.Sent)
		case strings.HasPrefix(c.Comment, CommandComment+string(StepResume)+" "):
			q.RivalResume = later(q.RivalResume, c.Sent)
		}
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// last returns the place of the last command of a kind, -1 if there is none.
func (q *JobQuiesce) last(kind StepKind) int {
	for i := len(q.Commands) - 1; i >= 0; i-- {
		if q.Commands[i].Kind == kind {
			return i
		}
	}
	return -1
}

// count returns how many commands of a kind were sent.
func (q *JobQuiesce) count(kind StepKind) (n int) {
	for _, c := range q.Commands {
		if c.Kind == kind {
			n++
		}
	}
	return n
}

// send notes a command that was sent, or whose answer was lost.
func (q *JobQuiesce) send(kind StepKind, now, doubt time.Time) {
	c := JobCommand{Kind: kind, Sent: now, Doubt: doubt}
	switch i := q.last(StepQuiesce); {
	case kind == StepQuiesce:
		q.Through = false
	case kind == StepResume && i >= 0:
		c.Final = !q.Commands[i].Over.IsZero()
	}
	q.Commands = append(q.Commands, c)
}

// timeout is how long a command may take.
func (q *JobQuiesce) timeout(kind StepKind) time.Duration {
	switch {
	case kind == StepQuiesce && q.Before != nil:
		return q.Before.timeout()
	case kind == StepResume && q.After != nil:
		return q.After.timeout()
	case q.VSS != nil:
		return seconds(q.VSS.TimeoutSeconds, 600)
	}
	return time.Minute
}

// patience is how long a command is waited for. AWS needs a moment to tell that
// one which ends a rest could not be delivered in time; the other way round
// nothing is worth waiting for.
func (q *JobQuiesce) patience(kind StepKind) time.Duration {
	if kind == StepQuiesce {
		return q.timeout(kind)
	}
	return q.timeout(kind) + 10*time.Second
}

// failed says how a command has failed until now: not at all, if nothing is
// returned.
func (q *JobQuiesce) failed(i int, now time.Time) string {
	switch c := q.Commands[i]; {
	case c.State == CommandFailed:
		return c.Detail
	case c.State == CommandPending && now.Sub(c.Sent) > q.patience(c.Kind):
		return "did not end within " + q.timeout(c.Kind).String()
	}
	return ""
}

// Resting says whether the resource may be at rest, or on its way there: until
// that is ended, nothing is more urgent than to advance the job.
func (j Job) Resting() bool {
	q := j.Quiesce
	return q != nil && q.last(StepQuiesce) > q.last(StepResume)
}

func (q *JobQuiesce) clone() *JobQuiesce {
	if q == nil {
		return nil
	}
	c := *q
	c.Quiesce = *q.Quiesce.clone()
	c.Commands = slices.Clone(q.Commands)
	return &c
}

// runsScript says whether a step runs something on the instance.
func (k StepKind) runsScript() bool { return k == StepQuiesce || k == StepResume || k == StepVSS }
