package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
)

// Made is the stage of a restore whose volumes are available, or whose
// instance runs. A restore goes from backup.Planned over backup.Shared,
// backup.Copied and Made to backup.Done.
const Made backup.Stage = "made"

// Options configure a Restorer. The zero Options work.
type Options struct {
	// EC2 is applied to every EC2 client, after the package's own settings.
	// Empty means none.
	EC2 []func(*ec2.Options)
	// Poll is the time between two listings while something is waited for.
	// Zero means 15 s.
	Poll time.Duration
	// Settle is how long AWS may take to show what a call has made whose answer
	// was lost, and how long an error that may pass is put up with. Zero means 2 min.
	Settle time.Duration
	// Grace is how long what AWS has said to have made may be missing from
	// listings before it counts as vanished. Zero means 5 min.
	Grace time.Duration
	// Copies is how many copies of one restore are under way at once. Zero
	// means 20, all that EC2 allows into a Region (EBS User Guide, "Quotas
	// for Amazon EBS"); copies of others count there too.
	Copies int
	// OnEvent is told what happens, one event at a time for each Run: every
	// stage, every Action that made or shared something, as the event's Step,
	// and the error in the end. Nil means nobody is.
	OnEvent func(backup.Event)
}

// A Restorer restores recovery points. It is safe for concurrent use, with
// one Run at a time for one restore's ID.
type Restorer struct {
	sessions            backup.Sessions
	ec2                 []func(*ec2.Options)
	poll, settle, grace time.Duration
	copies              int
	onEvent             func(backup.Event)
}

// New returns a Restorer. It does no I/O.
func New(s backup.Sessions, opts Options) (*Restorer, error) {
	switch {
	case s == nil:
		return nil, errors.New("restore: no sessions")
	case opts.Poll < 0, opts.Settle < 0, opts.Grace < 0, opts.Copies < 0:
		return nil, fmt.Errorf("restore: negative option: Poll %v, Settle %v, Grace %v, Copies %d",
			opts.Poll, opts.Settle, opts.Grace, opts.Copies)
	}
	r := &Restorer{
		sessions: s, ec2: slices.Clone(opts.EC2), poll: opts.Poll, settle: opts.Settle, grace: opts.Grace,
		copies: opts.Copies, onEvent: opts.OnEvent,
	}
	if r.poll == 0 {
		r.poll = 15 * time.Second
	}
	if r.settle == 0 {
		r.settle = 2 * time.Minute
	}
	if r.grace == 0 {
		r.grace = 5 * time.Minute
	}
	if r.copies == 0 {
		r.copies = 20
	}
	return r, nil
}

// Run makes what the plan says and removes what it needed on the way. It may
// be called again with the same plan at any time, also by another process
// after a crash: it looks for what is there and goes on from that.
//
// The report is nil only if the request is refused. A failed Run has taken
// every share back, or says in the report which it could not; it keeps copies
// and the image for the next Run, and Clean removes them. The error joins
// *backup.Errors; errors.Is finds the sentinels of package backup.
func (r *Restorer) Run(ctx context.Context, p *Plan) (*Report, error) {
	w, err := r.begin(ctx, p.Request)
	if w == nil {
		return nil, err
	}
	if err == nil {
		err = w.make(ctx)
	}
	if err != nil {
		w.keep()
	}
	return w.report, w.end(ctx, err)
}

// Clean gives up a restore: it takes back every share and deletes the copies
// and the image that a failed Run has kept. Volumes and instances stay; the
// report names them.
func (r *Restorer) Clean(ctx context.Context, p *Plan) (*Report, error) {
	w, err := r.begin(ctx, p.Request)
	if w == nil {
		return nil, err
	}
	if err == nil {
		w.tellMade()
		err = w.drop(ctx)
	}
	return w.report, w.end(ctx, err)
}

// begin looks at what is there. It returns no run if the request is refused,
// and one with an error if nothing can be done but to take shares back.
func (r *Restorer) begin(ctx context.Context, q Request) (*run, error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	w := &run{
		Restorer: r, req: q, stage: backup.Planned, dropped: map[string]bool{},
		report: &Report{ID: q.ID, Site: q.site()},
	}
	for _, m := range q.Point.Members {
		w.members = append(w.members, &member{PointMember: m})
	}
	var err error
	if w.dest, err = r.open(ctx, q.site(), accounts.Restore); err != nil {
		return w, w.failed(q.site(), err)
	}
	if w.view, err = w.dest.look(ctx, q); err != nil {
		return w, w.failed(q.site(), err)
	}
	if err := w.view.check(q); err != nil {
		return nil, err
	}
	return w, nil
}
