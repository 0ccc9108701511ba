package restore

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awserr"
)

// drop removes what the restore needs no more: the image first, since it
// keeps the copies from being deleted, then the copies. What cannot be removed
// is reported; the rest is removed all the same.
func (w *run) drop(ctx context.Context) error {
	return errors.Join(w.dropImages(ctx), w.dropCopies(ctx))
}

func (w *run) dropImages(ctx context.Context) error {
	if w.req.As != Instance {
		return nil
	}
	d := w.dropping("image", w.dest.deregisterImage)
	return poll(ctx, w, w.dest.images, func(found map[string][]types.Image) (bool, error) {
		var ids []string
		for _, i := range found[w.req.imageKey()] {
			if i.State != types.ImageStateDeregistered {
				ids = append(ids, aws.ToString(i.ImageId))
			}
		}
		return d.all(ctx, ids)
	})
}

// dropCopies deletes every snapshot that carries a key of the restore: also
// one that was made twice because the first did not show in time.
func (w *run) dropCopies(ctx context.Context) error {
	d := w.dropping("snapshot", w.dest.deleteSnapshot)
	return poll(ctx, w, w.dest.copies, func(found map[string][]types.Snapshot) (bool, error) {
		var ids []string
		for _, m := range w.members {
			for _, s := range found[w.req.copyKey(m.PointMember)] {
				ids = append(ids, aws.ToString(s.SnapshotId))
			}
		}
		return d.all(ctx, ids)
	})
}

// A dropping is the removal of all things of one kind.
type dropping struct {
	*run
	kind   string
	remove func(ctx context.Context, id string) error
	trial  map[string]*trouble
	errs   []error
}

func (w *run) dropping(kind string, remove func(context.Context, string) error) *dropping {
	return &dropping{run: w, kind: kind, remove: remove, trial: map[string]*trouble{}}
}

// all tries to remove what is listed, and is done when nothing is left to try.
func (d *dropping) all(ctx context.Context, ids []string) (bool, error) {
	again := false
	for _, id := range ids {
		if d.dropped[id] {
			continue
		}
		err := d.remove(ctx, id)
		if err == nil {
			d.dropped[id] = true
			continue
		}
		if d.trial[id] == nil {
			d.trial[id] = &trouble{}
		}
		if d.passes(d.trial[id], err) {
			again = true
			continue
		}
		d.dropped[id] = true // given up
		d.report.Left = append(d.report.Left, Leftover{Site: d.req.site(), Kind: d.kind, ID: id, Why: err.Error()})
		d.errs = append(d.errs, d.failed(d.req.site(), err))
	}
	if again {
		return false, nil
	}
	return true, errors.Join(d.errs...)
}

// passes says whether an error may pass. A snapshot is in use for a moment
// after its image was deregistered.
func (d *dropping) passes(t *trouble, err error) bool {
	if awserr.Code(err) == "InvalidSnapshot.InUse" {
		return t.bear(d.settle, err, awserr.Classify(err)) == nil
	}
	return t.bear(d.settle, err, awserr.Throttled, awserr.Unknown) == nil
}

// keep reports what a failed run leaves for the next one.
func (w *run) keep() {
	left := func(kind, id string) {
		if id != "" && !w.dropped[id] {
			w.report.Left = append(w.report.Left, Leftover{
				Site: w.req.site(), Kind: kind, ID: id, Why: "kept for the next run; Clean removes it",
			})
		}
	}
	seen := map[string]bool{}
	for _, m := range w.members {
		for _, s := range w.view.copies[w.req.copyKey(m.PointMember)] {
			seen[aws.ToString(s.SnapshotId)] = true
			left("snapshot", aws.ToString(s.SnapshotId))
		}
		for _, id := range []string{m.copy, m.copying.made} {
			if !seen[id] {
				seen[id] = true
				left("snapshot", id)
			}
		}
	}
	for _, i := range w.view.images[w.req.imageKey()] {
		if i.State != types.ImageStateDeregistered {
			seen[aws.ToString(i.ImageId)] = true
			left("image", aws.ToString(i.ImageId))
		}
	}
	if !seen[w.report.Image] && !w.req.fromImage() {
		left("image", w.report.Image)
	}
}
