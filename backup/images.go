package backup

import (
	"fmt"
	"slices"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
)

// A JobImage is the image of a job's copies at one destination.
type JobImage struct {
	ID string `json:"id,omitempty"` // "ami-…"; empty while none is known
	// Seen is when a listing last showed it, or else when the answer to the call
	// that registered it came.
	Seen  time.Time `json:"seen,omitzero"`
	Ready bool      `json:"ready,omitempty"` // it is available, and what it should be
	// Wrong says why it is no good; it is deregistered then.
	Wrong string `json:"wrong,omitempty"`
	Trial Trial  `json:"trial,omitzero"` // of all that is done about it; given up, it ends the job Unimaged
}

func (im *JobImage) clone() *JobImage {
	if im == nil {
		return nil
	}
	c := *im
	return &c
}

// complaint says what is wrong with an image that could not be deregistered.
func (im *JobImage) complaint() string {
	if im.Wrong == "" || im.Trial.Fault == nil || im.Trial.Fault.Is(ErrImage) {
		return ""
	}
	return im.Wrong + ": "
}

// images returns the ids of a job's images that are as they should be.
func (j Job) images() (ids []string) {
	for _, c := range j.Copies {
		if c.Image != nil && c.Image.Ready {
			ids = append(ids, c.Image.ID)
		}
	}
	return ids
}

// unmade says whether an image is still to be registered.
func (im *JobImage) unmade() bool { return im != nil && im.ID == "" && im.Trial.Fault == nil }

// images registers an image of the copies at each destination that wants one,
// and looks what AWS bills it as. It comes last: nothing else waits for it, and
// a point without its image is as good as one of a plan that wants none.
//
// A crash before the call leaves a point without an image, one after it an
// image that the next job of the run finds by its key. What is wrong with an
// image is found out anew each time, so none that is wrong is ever taken for
// Ready; a process that ends before it is deregistered leaves it to the next
// job of the run. If nobody takes the run up again, the next one makes up for
// either, see unimagedAt.
func (d *decision) images() *verdict {
	for i, c := range d.j.Copies {
		if c.Image == nil || c.Image.Ready || c.Image.Trial.Fault != nil || !d.verified[i] {
			continue
		}
		if v := d.image(i); v != nil {
			return v
		}
	}
	return nil
}

// image takes one image further.
func (d *decision) image(i int) *verdict {
	c, im, s := d.j.Copies[i], d.j.Copies[i].Image, scope{scopeImage, i}
	// After a call that came to nothing, only a listing begun since then tells
	// whether it had its effect all the same.
	v, need := d.look(imageViewOf(c.Site, d.w.driver), im.Trial.Since, s)
	if v == nil {
		return need
	}
	found, listed := v.imaged[d.j.imageKey(c.Site)]
	switch {
	case listed:
		im.ID, im.Seen = found.ID, v.begun
		return d.judgeImage(i, found, v)
	case im.Wrong != "":
		d.fail(s, fmt.Errorf("%w: %s", ErrImage, im.Wrong))
	case im.ID == "":
		return d.register(i)
	case v.begun.Sub(im.Seen) > d.w.rules.grace:
		d.fail(s, fmt.Errorf("%w: %s has disappeared", ErrImage, im.ID))
	default:
		d.nextLook(imageViewOf(c.Site, d.w.driver), v, atOnce, "the image %s to be listed", im.ID)
	}
	return nil
}

// judgeImage waits for an image and compares it with what it should be.
// RegisterImage derives what is billed from metadata of the snapshots, which
// need not be there: whoever registers an image must look, and discard it if
// it is not billed as the instance (EC2 API Reference, RegisterImage).
func (d *decision) judgeImage(i int, is Image, v *view) *verdict {
	c, im := d.j.Copies[i], d.j.Copies[i].Image
	if is.State == ImagePending {
		d.nextLook(imageViewOf(c.Site, d.w.driver), v, atOnce, "the image %s", is.ID)
		return nil
	}
	if im.Wrong = d.j.Resource.wrong(is); im.Wrong == "" && !sameSnapshots(is, c.Snapshots) {
		im.Wrong = is.ID + " is registered with other snapshots than the point's"
	}
	if im.Wrong == "" {
		im.Ready = true
		return nil
	}
	s := scope{scopeImage, i}
	if d.paused(s) {
		return nil
	}
	return &verdict{
		step: &Step{Kind: StepDeregister, Image: is.ID},
		at:   actor{c.Site, accounts.VaultPruner, true}, scope: s, fold: fold{copy: i},
	}
}

// wrong says why an image that is not pending is none of the resource; "" if it
// is one.
func (r Resource) wrong(is Image) string {
	if is.State != ImageAvailable {
		return fmt.Sprintf("%s is %s: %s", is.ID, is.State, is.Message)
	}
	if why := r.Machine.Mismatch(is); why != "" {
		return is.ID + " is not an image of the instance: " + why
	}
	return ""
}

func sameSnapshots(is Image, traces []Trace) bool {
	if len(is.Snapshots) != len(traces) {
		return false
	}
	return !slices.ContainsFunc(traces, func(t Trace) bool { return !slices.Contains(is.Snapshots, t.Snapshot) })
}

// register makes the image.
func (d *decision) register(i int) *verdict {
	j, c, s := d.j, d.j.Copies[i], scope{scopeImage, i}
	root := slices.IndexFunc(j.Resource.Members, func(m Member) bool { return m.Root })
	if root < 0 {
		d.fail(s, fmt.Errorf("%w: the point has no root volume to register one with", ErrImage))
		return nil
	}
	if d.paused(s) {
		return nil
	}
	l := j.label(duplicate, root, c.Site)
	l.key = j.imageKey(c.Site)
	step := &Step{
		Kind: StepRegister, Resource: j.Resource, Name: imageName(l.key),
		Tags: l.base(j.Vault), Description: j.describe(),
	}
	for _, t := range c.Snapshots {
		step.Snapshots = append(step.Snapshots, t.Snapshot)
	}
	return &verdict{step: step, at: actor{site: c.Site, purpose: accounts.VaultWriter}, scope: s, fold: fold{copy: i}}
}

func (j *Job) imageKey(at Site) string {
	return imageKeyOf(j.Vault, j.Run(), j.Resource.ARN, at)
}

// foldImage notes what became of an image, and returns its id.
func (a *advance) foldImage(v *verdict, made []Snapshot, now time.Time) (string, error) {
	im := a.j.Copies[v.fold.copy].Image
	if v.step.Kind == StepDeregister {
		im.Trial.Fault = newFault(fmt.Errorf("%w: %s; it was deregistered", ErrImage, im.Wrong))
		return v.step.Image, nil
	}
	if len(made) == 0 || made[0].ID == "" {
		return "", fmt.Errorf("register %s: the answer names no image: %w", v.step.Name, ErrUnknownOutcome)
	}
	im.ID, im.Seen = made[0].ID, now
	return im.ID, nil
}

// unimagedAt says whether a run's copies at a destination lack the image that
// the plan wants, or have one that is no good. Only of the last runs with copies
// there it is asked, see lately.
func (c *census) unimagedAt(r *pastRun, runs []*pastRun, d Copy) bool {
	kind := r.job.Resource.Kind
	v := c.views[imageViewOf(d.Site(), c.e.kinds[kind])]
	if !d.Image || kind != kindImaged || v == nil || !c.lately(r, runs, d) {
		return false
	}
	is, listed := v.imaged[r.job.imageKey(d.Site())]
	return !listed || is.State != ImagePending && r.job.Resource.wrong(is) != ""
}
