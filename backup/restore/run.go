package restore

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/internal/awserr"
)

// A run is one call of Run or Clean.
type run struct {
	*Restorer
	req     Request
	dest    *place
	vault   *place // opened when first needed; nil where nothing is shared
	view    view   // as it was when the run began
	members []*member
	stage   backup.Stage
	report  *Report
	revoked bool
	dropped map[string]bool // snapshots and images that were deleted
}

// A member is one volume on its way.
type member struct {
	backup.PointMember
	copy    string // the completed copy
	volume  string // the available volume
	shared  bool   // with the account, as far as this run knows
	copying attempt
	making  attempt
}

// An attempt is a call that makes something, and what became of it.
type attempt struct {
	made string    // the id that AWS answered; empty if the answer was lost
	sent time.Time // zero if the call is to be sent
	trouble
}

// note remembers a call that took effect, as far as is known.
func (a *attempt) note(id string) {
	a.made, a.sent = id, time.Now()
	a.over()
}

// open says that the call was sent, and that what it made need not show yet.
// What AWS has answered with an id was made, and is waited for longer: to make
// it once more would double it.
func (a *attempt) open(r *Restorer) bool {
	wait := r.settle
	if a.made != "" {
		wait = max(r.settle, r.grace)
	}
	return !a.sent.IsZero() && time.Since(a.sent) < wait
}

// make brings the volumes or the instance about, and removes what was needed
// for them. Each step looks for what is there before it makes anything, so
// that a crash anywhere is repaired by the next Run:
//
//   - after a share: the next Run, or Clean, takes it back, since both take
//     back every share whether they know of it or not;
//   - after a copy: it carries the restore's tags and is found;
//   - between the volumes and the last deletion: the volumes are found, and
//     only the deletions are done.
func (w *run) make(ctx context.Context) error {
	if err := w.copyAll(ctx, w.lacking()); err != nil {
		return err
	}
	w.advance(backup.Copied)
	// Nothing needs the share any more. If it cannot be taken back now, it is
	// tried again at the end, and only then is it an error.
	_ = w.revokeAll(ctx)
	var err error
	if w.req.As == Volumes {
		err = w.makeVolumes(ctx)
	} else {
		err = w.makeInstance(ctx)
	}
	if err != nil {
		return err
	}
	w.advance(Made)
	return w.drop(ctx)
}

// lacking returns the members whose copies are needed: all that are in
// nothing yet that a copy is made into.
func (w *run) lacking() []*member {
	if w.req.As == Volumes {
		return slices.DeleteFunc(slices.Clone(w.members), func(m *member) bool {
			found := w.view.volumes[w.req.volumeKey(m.PointMember)]
			if len(found) > 0 {
				m.making.note(aws.ToString(found[0].VolumeId))
			}
			return len(found) > 0
		})
	}
	if live, _ := alive(w.view.instances[w.req.instanceKey()]); live != nil || w.req.fromImage() {
		return nil
	}
	return w.members // also if there is an image: it holds them
}

// end takes the shares back, whatever happened before and even if the caller
// has no more time.
func (w *run) end(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		ctx = last
	}
	err = errors.Join(err, w.revokeAll(ctx))
	switch {
	case err == nil:
		w.advance(backup.Done)
	case !errors.Is(err, context.Canceled): // the caller's wish is no failure
		w.emit(backup.Event{Account: w.req.Account, Region: w.req.Region, Err: err})
	}
	return err
}

// revokeAll takes every share of the point with the account back: those that
// this run made, and those that an earlier one may have left.
func (w *run) revokeAll(ctx context.Context) error {
	if !w.req.shares() || w.revoked {
		return nil
	}
	at := w.req.Point.Site
	w.report.Left = slices.DeleteFunc(w.report.Left, func(l Leftover) bool { return l.Kind == "share" })
	err := w.openVault(ctx)
	var errs []error
	for _, m := range w.members {
		one := err
		if one == nil {
			one = w.vault.revoke(ctx, m.Snapshot.ID, w.req.Account)
		}
		if one != nil {
			w.report.Left = append(w.report.Left, Leftover{Site: at, Kind: "share", ID: m.Snapshot.ID, Why: "may still be shared: " + one.Error()})
			errs = append(errs, w.failed(at, one))
		}
		m.shared = false
	}
	if err != nil {
		return w.failed(at, err)
	}
	w.revoked = len(errs) == 0
	return errors.Join(errs...)
}

// openVault gets hold of the account that shares, once.
func (w *run) openVault(ctx context.Context) (err error) {
	if w.vault == nil {
		w.vault, err = w.open(ctx, w.req.Point.Site, accounts.VaultSharer)
	}
	return err
}

// advance notes that a stage is reached.
func (w *run) advance(s backup.Stage) {
	w.stage = s
	w.tell(w.req.site(), "", "")
}

// tell tells of an action and what it made or shared, or without an action
// of the stage that is reached.
func (w *run) tell(at backup.Site, a Action, id string) {
	w.emit(backup.Event{Account: at.Account, Region: at.Region, Step: backup.StepKind(a), Snapshot: id})
}

func (w *run) emit(e backup.Event) {
	if w.onEvent == nil {
		return
	}
	e.Time, e.Stage, e.Resource, e.Point = time.Now(), w.stage, w.req.Point.Resource, w.req.Point.ID
	w.onEvent(e)
}

// failed says where and when something failed.
func (w *run) failed(at backup.Site, err error) error { return w.req.failure(at, w.stage, err) }

// poll lists and takes a step on what was found, again and again until the
// step says that it is done. A listing that fails for a while does not end it.
func poll[T any](ctx context.Context, w *run, list func(context.Context, string) (T, error), step func(T) (bool, error)) error {
	var t trouble
	for {
		found, err := list(ctx, w.req.ID)
		if err == nil {
			t.over()
			if done, err := step(found); done || err != nil {
				return err
			}
		} else if err := t.bear(w.settle, err, awserr.Throttled, awserr.Unknown); err != nil {
			return w.failed(w.req.site(), err)
		}
		pause := time.NewTimer(w.poll)
		select {
		case <-ctx.Done():
			pause.Stop()
			return w.failed(w.req.site(), ctx.Err())
		case <-pause.C:
		}
	}
}

// A trouble is an error that may pass, and since when it has been there.
type trouble struct{ since time.Time }

// over says that the trouble is over.
func (t *trouble) over() { t.since = time.Time{} }

// bear returns nil for an error of one of the classes, until such errors have
// come for longer than the limit. Any other error is returned.
func (t *trouble) bear(limit time.Duration, err error, classes ...awserr.Class) error {
	if !slices.Contains(classes, awserr.Classify(err)) {
		return err
	}
	if t.since.IsZero() {
		t.since = time.Now()
	}
	if time.Since(t.since) > limit {
		return err
	}
	return nil
}
