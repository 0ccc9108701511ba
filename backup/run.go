package backup

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Run lists the jobs of a run and advances all of them until they are at their
// ends, Options.Concurrency at a time. It returns when nothing is left to do,
// which for large first copies may take days, or soon after ctx is done: within
// a minute, if instances are at rest then, for that is ended first. After that,
// or after a crash, the same call with the same at takes the run up again.
//
// The report is nil only if the plan is invalid. The error joins one *Error for
// each site or resource that failed, and ctx's error; one failed resource never
// stops the others.
func (e *Engine) Run(ctx context.Context, p Plan, at time.Time) (*Report, error) {
	if _, err := e.newCensus(p, at); err != nil {
		return nil, err
	}
	ctx, ran := e.observer.run(ctx, p.Name)
	r := &runner{e: e, queue: newQueue(e)}
	r.report = Report{Plan: p.Name, At: at.UTC().Truncate(time.Second), Started: time.Now()}
	for j, err := range e.Jobs(ctx, p, at) {
		switch {
		case err == nil:
			r.queue.add(entry{job: len(r.report.Jobs), site: j.Resource.Site, rank: j.rank(e.opts.Estimate)})
			r.report.Jobs = append(r.report.Jobs, j)
		case ctx.Err() == nil:
			r.report.Errors = append(r.report.Errors, asError(err, Job{}))
		}
	}
	r.report.Jobs = append([]Job(nil), r.report.Jobs...) // without what it grew by, since it stays
	if p.Deadline > 0 {
		r.deadline = r.report.At.Add(p.Deadline)
	}
	r.foresee()
	stop := e.listen(ctx, r.queue)
	var g errgroup.Group
	for range min(e.opts.Concurrency, len(r.report.Jobs)) {
		g.Go(func() error {
			r.work(ctx)
			return nil
		})
	}
	_ = g.Wait() // errors are in the report
	stop()
	r.release(ctx)
	r.report.Ended = time.Now()
	r.report.count()
	ran(&r.report)
	return &r.report, r.report.err(ctx.Err())
}

// A runner is one call of Run.
type runner struct {
	e     *Engine
	queue *queue

	mu     sync.Mutex // guards all below, while workers run
	report Report
	late   map[int]bool // jobs whose deadline was told to be missed
	// deadline of the plan, zero if it has none, and when it is foreseen again
	// who misses it.
	deadline, foreseen time.Time
}

// work advances jobs until none is left.
func (r *runner) work(ctx context.Context) {
	for {
		next, ok := r.queue.next(ctx)
		if !ok {
			return
		}
		r.mu.Lock()
		j := r.report.Jobs[next.job]
		r.mu.Unlock()
		j, out, err := r.e.Advance(ctx, j)
		r.mu.Lock()
		r.report.Jobs[next.job] = j
		if err != nil && out.Done {
			r.report.Errors = append(r.report.Errors, asError(err, j))
		}
		r.mu.Unlock()
		r.overdue(next.job, j, out.Done)
		r.foresee()
		if out.Done {
			r.e.observer.ended(ctx, j)
			r.queue.drop(next)
			continue
		}
		r.queue.back(next, j, out)
	}
}

// releaseTime is how long a run that is cut short tries to end the rest of the
// instances that it has brought there.
const releaseTime = time.Minute

// release runs the scripts that a run which is cut short owes to instances. It
// does not wait for their ends; whoever takes the run up does.
func (r *runner) release(cut context.Context) {
	if cut.Err() == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(cut), releaseTime)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(r.e.opts.Concurrency)
	for i := range r.report.Jobs {
		j := &r.report.Jobs[i] // each is one goroutine's own
		if !j.Resting() || j.Done() {
			continue
		}
		g.Go(func() error {
			for j.rested(); j.Resting(); {
				next, out, _ := r.e.Advance(ctx, *j) // what goes wrong is told as an event
				if *j = next; out.Done || !pause(ctx, max(time.Until(out.NotBefore), 0)) {
					break
				}
			}
			return nil
		})
	}
	_ = g.Wait()
}

// asError returns err as an *Error; one that is none is about the job.
func asError(err error, j Job) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{j.Resource.Site.Account, j.Resource.Site.Region, j.Resource.ARN, j.Reached, err}
}
