package restore

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awserr"
)

// duplicateName is what EC2 answers to the name of an image that there is (EC2
// API Reference, "Error codes").
const duplicateName = "InvalidAMIName.Duplicate"

// makeInstance starts the instance and waits until it runs with all its volumes.
func (w *run) makeInstance(ctx context.Context) error {
	live, _ := alive(w.view.instances[w.req.instanceKey()])
	if live != nil {
		w.report.Instance = aws.ToString(live.InstanceId)
	} else if err := w.findImage(ctx); err != nil {
		return err
	} else if err := w.launch(ctx); err != nil {
		return err
	}
	began := time.Now()
	return poll(ctx, w, w.dest.volumes, func(found map[string][]types.Volume) (bool, error) {
		w.report.Volumes = nil
		for _, m := range w.members {
			for _, v := range found[w.req.instanceKey()] {
				if attached(v, w.report.Instance, m.Device) {
					w.report.Volumes = append(w.report.Volumes, restored(m, v))
				}
			}
		}
		if missing := len(w.members) - len(w.report.Volumes); missing > 0 {
			if time.Since(began) < w.settle {
				return false, nil
			}
			// The owner of an instance of an earlier Run may have detached
			// what he likes; one that was just started has all its volumes.
			if live == nil {
				return false, w.failed(w.req.site(), fmt.Errorf("instance %s runs without %d of its volumes", w.report.Instance, missing))
			}
		}
		w.strays(found[w.req.instanceKey()])
		return true, nil
	})
}

// strays reports the volumes of instances of this restore that came to
// nothing. They outlive their instance, and a restore deletes no volumes.
func (w *run) strays(found []types.Volume) {
	for _, v := range found {
		if len(v.Attachments) == 0 {
			w.report.Left = append(w.report.Left, Leftover{
				Site: w.req.site(), Kind: "volume", ID: aws.ToString(v.VolumeId),
				Why: "of an instance of this restore that was terminated; the restore role cannot delete volumes",
			})
		}
	}
}

// findImage takes the point's own image, or registers one.
func (w *run) findImage(ctx context.Context) error {
	if !w.req.fromImage() {
		return w.register(ctx)
	}
	w.report.Image = w.req.Point.Image.ID
	return nil
}

// register registers the image that the instance is started from and waits
// until it is available.
func (w *run) register(ctx context.Context) error {
	var a attempt
	if known := bestImage(w.view.images[w.req.imageKey()]); known != nil {
		a.note(aws.ToString(known.ImageId))
	}
	return poll(ctx, w, w.dest.images, func(found map[string][]types.Image) (bool, error) {
		if best := bestImage(found[w.req.imageKey()]); best != nil {
			id := aws.ToString(best.ImageId)
			switch best.State {
			case types.ImageStateAvailable:
				if err := w.judge(ctx, *best); err != nil {
					return false, w.failed(w.req.site(), err)
				}
				w.report.Image = id
				w.tell(w.req.site(), RegisterImage, id)
				return true, nil
			case types.ImageStatePending:
				return false, nil
			}
			return false, w.failed(w.req.site(), fmt.Errorf("image %s is %s: %s", id, best.State, reason(best.StateReason)))
		}
		if a.open(w.Restorer) {
			return false, nil
		}
		if a.made != "" {
			return false, w.failed(w.req.site(), fmt.Errorf("the image %s has vanished", a.made))
		}
		id, err := w.dest.registerImage(ctx, w.req, w.members)
		// Names are unique: after a lost answer the call may be made again, and
		// what it answers then tells whether the first had its effect.
		if err == nil || a.sent.IsZero() && awserr.Code(err) == duplicateName {
			a.note(id)
			return false, nil
		}
		return false, w.borne(&a, err)
	})
}

// bestImage returns an image that is available or will be, else any that is
// registered, or nil.
func bestImage(found []types.Image) *types.Image {
	var best *types.Image
	for n, i := range found {
		switch i.State {
		case types.ImageStateDeregistered:
		case types.ImageStateAvailable, types.ImageStatePending:
			return &found[n]
		default:
			best = &found[n]
		}
	}
	return best
}

func reason(r *types.StateReason) string {
	if r == nil {
		return "AWS gives no reason"
	}
	return strings.TrimSpace(aws.ToString(r.Code) + " " + aws.ToString(r.Message))
}

// launch starts the instance and waits until it runs.
func (w *run) launch(ctx context.Context) error {
	var a attempt
	return poll(ctx, w, w.dest.instances, func(found map[string][]types.Instance) (bool, error) {
		mine := found[w.req.instanceKey()]
		live, dead := alive(mine)
		if live != nil {
			w.report.Instance = aws.ToString(live.InstanceId)
			if stateOf(*live) == types.InstanceStateNamePending {
				return false, nil
			}
			w.tell(w.req.site(), RunInstance, w.report.Instance)
			return true, nil
		}
		for _, i := range mine {
			if id := aws.ToString(i.InstanceId); id == a.made {
				return false, w.failed(w.req.site(), fmt.Errorf("the instance %s did not start: %s", id, reason(i.StateReason)))
			}
		}
		if a.open(w.Restorer) {
			return false, nil
		}
		if !a.sent.IsZero() {
			return false, w.failed(w.req.site(), fmt.Errorf("the instance %s has vanished", a.made))
		}
		id, err := w.dest.runInstance(ctx, w.req, w.report.Image, dead)
		if err == nil || awserr.Code(err) == mismatch {
			a.note(id)
			return false, nil
		}
		return false, w.borne(&a, err)
	})
}

// borne returns nil for an error that may pass: the call is made again then.
func (w *run) borne(a *attempt, err error) error {
	if err = a.bear(w.settle, err, awserr.Throttled, awserr.Unknown, awserr.NotFound); err != nil {
		return w.failed(w.req.site(), err)
	}
	return nil
}
