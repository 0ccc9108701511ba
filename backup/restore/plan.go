package restore

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup"
)

// A Plan is a restore that has not happened: what Run will do, as data.
type Plan struct {
	Request Request `json:"request"` // as it was given
	// Steps in order. Run decides by what it finds then, not by these.
	Steps []Step `json:"steps"`
}

// A Step is one thing that a restore does.
type Step struct {
	Action Action      `json:"action"` // those on image and instance once, all others once for each member
	Site   backup.Site `json:"site"`   // where it is done: the point's site for shares, else the one restored into
	// Snapshot of the point that is acted on or stands at the beginning; empty
	// for what concerns the image or the instance.
	Snapshot string `json:"snapshot,omitempty"`
	// Volume that was backed up, where it was attached, and its size.
	Volume  string `json:"volume,omitempty"`
	Device  string `json:"device,omitempty"`  // "/dev/xvda"; empty for a detached volume
	SizeGiB int32  `json:"sizeGiB,omitempty"` // the larger of the volume's and the snapshot's
	// Have is the id of what an earlier Run has made of this step already.
	Have string `json:"have,omitempty"`
}

// An Action is what a step does.
type Action string

// The actions, in the order in which they happen.
const (
	Share         Action = "share"          // let the account copy the snapshot
	Copy          Action = "copy"           // copy it under the account's own key
	Revoke        Action = "revoke"         // take the share back
	MakeVolume    Action = "make volume"    // of a copy
	RegisterImage Action = "register image" // of all copies
	RunInstance   Action = "run instance"   // of the image
	DropImage     Action = "drop image"     // deregister it
	DropCopy      Action = "drop copy"      // delete it
)

// Plan checks a request, reads what an earlier Run of it has left, and says
// what is to be done. It changes nothing. Its error joins *RequestErrors for
// what is wrong with the request; any other error is a *backup.Error. That
// the restore role can be assumed and may list is seen here, and that there is
// a role that shares; that they may do all that follows, and that key, subnet
// and type exist, is not.
func (r *Restorer) Plan(ctx context.Context, q Request) (*Plan, error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	dest, err := r.open(ctx, q.site(), accounts.Restore)
	if err != nil {
		return nil, q.failure(q.site(), backup.Planned, err)
	}
	if q.shares() {
		if _, err := r.open(ctx, q.Point.Site, accounts.VaultSharer); err != nil {
			return nil, q.failure(q.Point.Site, backup.Planned, err)
		}
	}
	v, err := dest.look(ctx, q)
	if err != nil {
		return nil, q.failure(q.site(), backup.Planned, err)
	}
	if err := v.check(q); err != nil {
		return nil, err
	}
	return &Plan{Request: q, Steps: q.steps(v)}, nil
}

// failure says where of a restore an error happened.
func (q Request) failure(at backup.Site, stage backup.Stage, err error) error {
	return &backup.Error{Account: at.Account, Region: at.Region, Resource: q.Point.Resource, Stage: stage, Err: err}
}

// steps lists what is to be done for a request, given what is there.
func (q Request) steps(v view) []Step {
	var steps []Step
	each := func(a Action, at backup.Site, have func(backup.PointMember) string) {
		for _, m := range q.Point.Members {
			s := Step{
				Action: a, Site: at, Snapshot: m.Snapshot.ID, Volume: m.Volume, Device: m.Device,
				SizeGiB: max(m.SizeGiB, m.Snapshot.SizeGiB),
			}
			if have != nil {
				s.Have = have(m)
			}
			steps = append(steps, s)
		}
	}
	copies := func(m backup.PointMember) string {
		for _, s := range v.copies[q.copyKey(m)] {
			return aws.ToString(s.SnapshotId)
		}
		return ""
	}
	if q.shares() {
		each(Share, q.Point.Site, nil)
	}
	if q.fromImage() {
		return []Step{q.runStep(v)}
	}
	each(Copy, q.site(), copies)
	if q.shares() {
		each(Revoke, q.Point.Site, nil)
	}
	if q.As == Volumes {
		each(MakeVolume, q.site(), func(m backup.PointMember) string {
			for _, made := range v.volumes[q.volumeKey(m)] {
				return aws.ToString(made.VolumeId)
			}
			return ""
		})
	} else {
		image := Step{Action: RegisterImage, Site: q.site()}
		for _, i := range v.images[q.imageKey()] {
			image.Have = aws.ToString(i.ImageId)
		}
		steps = append(steps, image, q.runStep(v), Step{Action: DropImage, Site: q.site()})
	}
	each(DropCopy, q.site(), nil)
	return steps
}

// runStep is the step that starts the instance.
func (q Request) runStep(v view) Step {
	s := Step{Action: RunInstance, Site: q.site()}
	if live, _ := alive(v.instances[q.instanceKey()]); live != nil {
		s.Have = aws.ToString(live.InstanceId)
	}
	return s
}

// String tells the plan in a few lines and a table.
func (p *Plan) String() string {
	q := p.Request
	var b strings.Builder
	fmt.Fprintf(&b, "restore %s: %s of %s, taken %s, as %s\n", q.ID, q.Point.ID,
		q.Point.Resource[strings.LastIndex(q.Point.Resource, ":")+1:], q.Point.Time.UTC().Format(time.RFC3339), q.As)
	if q.Point.Consistency != backup.CrashConsistent {
		fmt.Fprintf(&b, "consistency: %s\n", q.Point.Consistency)
	}
	fmt.Fprintf(&b, "from %s into %s under %s\n", q.Point.Site, q.site(), q.KMSKey)
	if q.fromImage() {
		fmt.Fprintf(&b, "from the point's image %s\n", q.Point.Image.ID)
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for i, s := range p.Steps {
		size := ""
		if s.SizeGiB > 0 {
			size = fmt.Sprintf("%d GiB", s.SizeGiB)
		}
		have := ""
		if s.Have != "" {
			have = "have " + s.Have
		}
		line := fmt.Sprintf("%3d\t%s\t%s\t%s\t%s\t%s\t%s\t%s", i+1, s.Action, s.Site, s.Snapshot, s.Volume, s.Device, size, have)
		fmt.Fprintln(w, strings.TrimRight(line, "\t"))
	}
	_ = w.Flush() // a strings.Builder does not fail
	return b.String()
}
