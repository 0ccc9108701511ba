package backup

import (
	"context"
	"fmt"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
)

const (
	// lateScript is how long after its time-out a script is still followed: it
	// may yet bring the instance to rest. An hour is what documents let a script
	// run by default (Systems Manager User Guide, AWS-RunShellScript).
	lateScript = time.Hour
	// resumeTries is how often the script after the snapshots may fail.
	resumeTries = 3
	// freshLook is how old a look at the commands may be when one is sent.
	freshLook = 2 * time.Second
)

// resume follows the scripts and ends the rest of the resource as soon as it is
// of no more use. It comes before all other phases: while it rests, an
// application stands still.
func (d *decision) resume() *verdict {
	q := d.j.Quiesce
	if q == nil {
		return nil
	}
	if v := d.follow(); v != nil {
		return v
	}
	i := q.last(StepQuiesce)
	if i < 0 || d.inUse(i) {
		return nil
	}
	return d.wake(i)
}

// follow looks at the commands while one is under way, and at first where
// another process may have sent some.
func (d *decision) follow() *verdict {
	q := d.j.Quiesce
	if s := d.w.commands; s != nil && s.begun.After(q.Looked) {
		q.merge(d.j, s, d.w.rules.grace)
		d.disturbed()
	}
	due := d.nextSight()
	switch {
	case due.IsZero() || q.Trial.Fault != nil:
		return nil
	case due.After(d.w.now):
		d.wait(due, "a script on %s", d.j.Resource.ID())
		return nil
	case d.paused(scope{kind: scopeQuiesce}):
		return nil
	}
	return d.asking()
}

func (d *decision) asking() *verdict { return &verdict{ask: true, scope: scope{kind: scopeQuiesce}} }

// nextSight returns when the commands should be looked at again; zero if they
// need not be.
func (d *decision) nextSight() (due time.Time) {
	q := d.j.Quiesce
	if q.Looked.IsZero() && !d.fresh() {
		return d.w.now
	}
	for i, c := range q.Commands {
		patience := q.patience(c.Kind)
		if c.Kind == StepQuiesce {
			patience += lateScript
		}
		age := d.w.now.Sub(c.Sent)
		if c.State != CommandPending || !c.Over.IsZero() || age > patience {
			continue
		}
		if t := later(q.Looked, q.Commands[i].Sent).Add(sightEvery(age)); due.IsZero() || t.Before(due) {
			due = t
		}
	}
	return due
}

// sightEvery is how often a command of some age is looked at: what is at rest
// must not wait for us, and what takes long can.
func sightEvery(age time.Duration) time.Duration {
	switch {
	case age < 30*time.Second:
		return 2 * time.Second
	case age < 5*time.Minute:
		return 5 * time.Second
	}
	return 30 * time.Second
}

// inUse says whether the rest that a command brings is still wanted.
func (d *decision) inUse(i int) bool {
	q := d.j.Quiesce
	if q.Through || q.Trial.Fault != nil || d.j.Source.Fault != nil || traced(d.j.Originals) || !d.wanted() {
		return false
	}
	return d.spoilt(i) == ""
}

// spoilt says why no snapshot that counts as consistent can be made any more
// while the rest lasts; nothing if one can.
func (d *decision) spoilt(i int) string {
	q, c := d.j.Quiesce, d.j.Quiesce.Commands[i]
	why := q.failed(i, d.w.now)
	ended := q.last(StepResume) > i
	if why == "" && ended && c.Over.Sub(c.Sent) > q.patience(c.Kind) { // it was late, and is over by now
		why = "did not end within " + q.timeout(c.Kind).String()
	}
	switch {
	case why != "":
		return "the script before the snapshots: " + why
	case c.Doubled, c.Listed && q.RivalResume.After(c.At):
		return "another run ended the rest"
	case d.w.now.After(c.Sent.Add(q.hold())):
		return "no snapshot was made within the " + q.hold().String() + " of rest"
	case q.Through:
		return "the process that brought the instance to rest made no snapshot that is known"
	case ended:
		return "the rest was ended before the snapshots were made"
	}
	return ""
}

// wake runs the script that ends the rest, until it has succeeded after the
// one that began it was over.
func (d *decision) wake(i int) *verdict {
	q, s := d.j.Quiesce, scope{kind: scopeResume}
	last, failures := -1, 0
	for k := i + 1; k < len(q.Commands); k++ {
		if last = k; q.failed(k, d.w.now) != "" {
			failures++
		}
	}
	switch {
	case q.Resuming.Fault != nil || d.outOfReach(i):
		return nil
	case len(q.Commands) >= maxCommands: // others send in our name
		d.fail(s, unquiet("%d commands carry the comments of this job; the instance may still be at rest", len(q.Commands)))
		return nil
	case last < 0:
	case failures >= resumeTries:
		d.fail(s, unquiet("the script after the snapshots: %s; the instance may still be at rest", q.failed(last, d.w.now)))
		return nil
	case q.failed(last, d.w.now) != "":
	case q.Commands[last].State == CommandPending:
		if q.Trial.Fault != nil {
			d.fail(s, unquiet("nobody can tell whether the instance is still at rest: %v", q.Trial.Fault))
		}
		return nil // followed
	case d.awake(i, last), q.Commands[i].Over.IsZero():
		return nil // over, or followed until it is
	}
	if d.paused(s) {
		return nil
	}
	return d.running(StepResume, q.After, s)
}

// awake says whether a command that ended the rest well came after that which
// began it was over.
func (d *decision) awake(i, last int) bool {
	rest, end := d.j.Quiesce.Commands[i], d.j.Quiesce.Commands[last]
	return end.State == CommandSucceeded && (end.Final || !rest.Ended.IsZero() && !end.At.Before(rest.Ended))
}

// outOfReach says that neither the script that brings the resource to rest nor
// the one that ends that got there: its agent is gone, and it never rested.
func (d *decision) outOfReach(i int) bool {
	commands := d.j.Quiesce.Commands
	return commands[i].Undelivered && commands[len(commands)-1].Undelivered && len(commands)-1 > i
}

// running is the verdict to send a script.
func (d *decision) running(kind StepKind, script *Script, s scope) *verdict {
	j, sent := d.j, *script
	sent.TimeoutSeconds = int(script.timeout().Seconds())
	return &verdict{
		step: &Step{Kind: kind, Resource: j.Resource, Script: &sent, Comment: j.comment(kind, len(j.Quiesce.Commands))},
		at:   actor{site: j.Resource.Site, purpose: accounts.Backup}, scope: s, fold: fold{copy: -1},
	}
}

// rest brings the resource to rest. It says whether the snapshots are to be
// made now; if not, it has noted what is waited for, or returns what is to be done.
func (d *decision) rest() (ready bool, v *verdict) {
	j, q := d.j, d.j.Quiesce
	if q.VSS != nil {
		return d.restByVSS()
	}
	i := q.last(StepQuiesce)
	switch {
	case i >= 0 && d.inUse(i):
		j.Consistency = ApplicationConsistent
		return q.Commands[i].State == CommandSucceeded, nil // else followed
	case i >= 0 && !d.resumed(i):
		return false, nil // resume waits
	case q.Trial.Fault != nil:
		return d.fallBack(unquiet("the script before the snapshots: %v", q.Trial.Fault)), nil
	case i >= 0 && (q.Resuming.Fault != nil || !d.awake(i, len(q.Commands)-1)):
		// Not again: it is at rest, or a script that is late may bring it there.
		return d.fallBack(unquiet("%s", d.spoilt(i))), nil
	case i >= 0 && q.count(StepQuiesce) >= q.attempts():
		return d.fallBack(unquiet("%s, in the last of %d attempts", d.spoilt(i), q.attempts())), nil
	}
	return false, d.begin(func() *verdict { return d.running(StepQuiesce, q.Before, scope{kind: scopeQuiesce}) })
}

// resumed says whether the script after the snapshots has ended, well or given up.
func (d *decision) resumed(i int) bool {
	q := d.j.Quiesce
	last := len(q.Commands) - 1
	return q.Resuming.Fault != nil || d.outOfReach(i) || last > i && q.Commands[last].State == CommandSucceeded
}

// begin sends a command, if a look shows that nobody else has sent it, and that
// no other run has the instance at rest.
func (d *decision) begin(send func() *verdict) *verdict {
	q := d.j.Quiesce
	switch {
	case d.paused(scope{kind: scopeQuiesce}):
		return nil
	case q.Looked.Before(later(d.j.Believe, d.w.now.Add(-freshLook))):
		return d.asking()
	case q.RivalRest.After(q.RivalResume) && q.RivalRest.Add(q.hold()).After(d.w.now):
		d.wait(q.Looked.Add(sightEvery(time.Minute)), "another run that has %s at rest", d.j.Resource.ID())
		return nil
	}
	return send()
}

// fallBack says whether the snapshots are made though the resource could not
// be brought to rest; else it gives the job up.
func (d *decision) fallBack(err error) bool {
	j := d.j
	if !j.Quiesce.Fallback {
		d.fail(scope{kind: scopeSource}, err)
		return false
	}
	if j.Consistency != FellBack {
		j.Consistency = FellBack
		d.w.notes = append(d.w.notes, fmt.Errorf("the point is crash-consistent only: %w", err))
	}
	return true
}

// disturbed looks whether the rest ended before the snapshots were made, as
// where an answer came so late that nobody waited for it. Then the copies are
// not marked as consistent, though the originals' tags still say so.
func (d *decision) disturbed() {
	j, q := d.j, d.j.Quiesce
	i := q.last(StepQuiesce)
	if j.Consistency != ApplicationConsistent || i < 0 || !traced(j.Originals) {
		return
	}
	rest := q.Commands[i].At
	ended := func(t time.Time) bool { return t.After(rest) && t.Before(j.Originals[0].Started) }
	bad := ended(q.RivalResume)
	for _, c := range q.Commands[i+1:] {
		bad = bad || ended(c.At)
	}
	if bad {
		j.Consistency = FellBack
		d.w.notes = append(d.w.notes, unquiet("the rest was over before the snapshots were made; the point is crash-consistent only"))
	}
}

// mark takes the consistency over that originals have by their tags, and fails
// where that is not enough.
func (d *decision) mark(snaps []Snapshot) {
	if err := d.j.mark(snaps); err != nil {
		d.fail(scope{kind: scopeSource}, err)
	}
}

func (j *Job) mark(snaps []Snapshot) error {
	j.rested()
	j.Consistency = markOf(snaps)
	if q := j.Quiesce; q != nil && !q.Fallback && j.Consistency == FellBack {
		return unquiet("the snapshots were made, and are crash-consistent only")
	}
	return nil
}

// rested notes that the resource need not stay at rest any more.
func (j *Job) rested() {
	if j.Quiesce != nil {
		j.Quiesce.Through = true
	}
}

// restsUntil returns until when the resource is sure to be at rest, by AWS's clock.
func (j *Job) restsUntil() time.Time {
	q := j.Quiesce
	if q == nil || j.Consistency != ApplicationConsistent {
		return time.Time{}
	}
	if i := q.last(StepQuiesce); i >= 0 {
		return q.Commands[i].At.Add(q.hold())
	}
	return time.Time{}
}

// quiesced gives a job what the plan wants of it. What is no machine, or is
// switched off, has nothing that could rest.
func (j *Job) quiesced(q *Quiesce) {
	if q != nil && j.Resource.Machine != (Machine{}) && !j.Resource.Stopped {
		j.Quiesce = &JobQuiesce{Quiesce: *q.clone()}
	}
}

// ask looks at the commands of a job's resource.
func (a *advance) ask(ctx context.Context, v *verdict) {
	begun := time.Now()
	c, err := a.e.client(ctx, a.driver, actor{site: a.j.Resource.Site, purpose: accounts.Backup}, errand{})
	var list []Command
	if err == nil {
		q := CommandQuery{Resource: a.j.Resource, Since: a.j.At.Add(-maxSkew - time.Hour)}
		if commander, ok := c.(Commander); ok {
			list, err = commander.Commands(ctx, q)
		} else {
			err = fmt.Errorf("scripts on a %s: %w", a.j.Resource.Kind, ErrUnsupported)
		}
	}
	if err != nil {
		a.blame(ctx, v, err)
		return
	}
	a.w.commands = &commandSight{begun, list}
	a.j.trial(v.scope).looked()
}
