package ec2sim

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A rootTask replaces the root volume of a running instance. What it was made
// from is one of image, snapshot and volume; none is the launch state.
type rootTask struct {
	item
	instance        *instance
	image, snapshot string
	deletes         bool // the volume that is replaced
	start, done     time.Time
	failed          bool
}

func (t *rootTask) existing() subject { return t.subject("replace-root-volume-task", core.Keys()) }

func (t *rootTask) state(now time.Time) types.ReplaceRootVolumeTaskState {
	switch {
	case now.Before(t.start.Add(t.done.Sub(t.start) / 4)):
		return types.ReplaceRootVolumeTaskStatePending
	case now.Before(t.done) && t.failed:
		return types.ReplaceRootVolumeTaskStateFailing
	case now.Before(t.done):
		return types.ReplaceRootVolumeTaskStateInProgress
	case t.failed:
		return types.ReplaceRootVolumeTaskStateFailed
	}
	return types.ReplaceRootVolumeTaskStateSucceeded
}

func (t *rootTask) api(now time.Time) types.ReplaceRootVolumeTask {
	out := types.ReplaceRootVolumeTask{
		DeleteReplacedRootVolume: aws.Bool(t.deletes), InstanceId: aws.String(t.instance.id), ReplaceRootVolumeTaskId: aws.String(t.id),
		StartTime: aws.String(t.start.Format(time.RFC3339)), Tags: apiTags(t.ownTags()), TaskState: t.state(now),
	}
	if !now.Before(t.done) {
		out.CompleteTime = aws.String(t.done.Format(time.RFC3339))
	}
	if t.image != "" {
		out.ImageId = aws.String(t.image)
	}
	if t.snapshot != "" {
		out.SnapshotId = aws.String(t.snapshot)
	}
	return out
}

// A replacement is a root volume about to be replaced.
type replacement struct {
	instance *instance
	old      *volume
	image    *image    // named, or nil
	source   *snapshot // what the new volume is made from
	named    bool      // the request names the snapshot
	volume   volume    // the model of the new one
	ready    *volume   // named instead of all that, or nil
	tags     map[string]string
}

// CreateReplaceRootVolumeTask replaces the root volume of a running instance
// by one with the contents of a snapshot, of an image or, without either, of
// its launch.
func (s *Service) CreateReplaceRootVolumeTask(c *core.Call, in *ec2.CreateReplaceRootVolumeTaskInput) (*ec2.CreateReplaceRootVolumeTaskOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	if err := served(c, in, "ClientToken DeleteReplacedRootVolume ImageId InstanceId SnapshotId TagSpecifications VolumeId VolumeInitializationRate"); err != nil {
		return nil, err
	}
	earlier, err := s.repeated(c, in.ClientToken, in)
	if err != nil {
		return nil, err
	}
	if earlier != nil {
		t := lookup(&st.tasks, earlier.id)
		api := t.api(c.Now)
		return &ec2.CreateReplaceRootVolumeTaskOutput{ReplaceRootVolumeTask: &api}, c.Authorize(needs(c.Operation, t.instance.existing())...)
	}
	r, err := s.replacement(c, st, in)
	if err != nil {
		return nil, err
	}
	if err := allowed(c, in.DryRun, r.needs(c)...); err != nil {
		return nil, err
	}
	if state := r.instance.state(c.Now); state != types.InstanceStateNameRunning {
		return nil, core.Errorf("IncorrectInstanceState", "The instance '%s' is not in the 'running' state.", r.instance.id)
	}
	t := s.replace(c, st, r)
	t.deletes = aws.ToBool(in.DeleteReplacedRootVolume)
	if t.deletes && !t.failed {
		r.old.deleted = t.done
	}
	s.remember(c, in.ClientToken, in, t.id)
	api := t.api(c.Now)
	return &ec2.CreateReplaceRootVolumeTaskOutput{ReplaceRootVolumeTask: &api}, nil
}

// replacement checks a request and works out the new volume. Everything but
// its contents is as it is of the old one.
// Source: EC2 User Guide, "Replace the root volume for an Amazon EC2 instance
// without stopping it".
func (s *Service) replacement(c *core.Call, st *site, in *ec2.CreateReplaceRootVolumeTaskInput) (*replacement, error) {
	if in.ImageId != nil && in.SnapshotId != nil || in.VolumeId != nil && (in.ImageId != nil || in.SnapshotId != nil) {
		return nil, core.Errorf("InvalidParameterCombination", "Only one of an image, a snapshot and a volume can be specified")
	}
	tags, err := createTags(in.TagSpecifications, "replace-root-volume-task")
	if err != nil {
		return nil, err
	}
	inst, err := s.ownInstance(c, in.InstanceId)
	if err != nil {
		return nil, err
	}
	r := &replacement{instance: inst, tags: tags["replace-root-volume-task"]}
	i := slices.IndexFunc(inst.attached(c.Now), func(v *volume) bool { return v.attachment.device == inst.rootDevice })
	if i < 0 {
		return nil, core.Errorf("IncorrectState", "The instance '%s' has no root volume", inst.id)
	}
	r.old = inst.attached(c.Now)[i]
	switch {
	case in.VolumeId != nil:
		if r.ready, err = s.ownVolume(c, in.VolumeId); err != nil {
			return nil, err
		}
		return r, r.fitsVolume(c.Now)
	case in.SnapshotId != nil:
		if r.source, err = s.visibleSnapshot(c, c.Region, in.SnapshotId); err != nil {
			return nil, err
		}
		r.named = true
		if r.source.copied || !slices.Contains(inst.roots, r.source.volume) {
			return nil, core.Errorf("InvalidParameterValue", "The snapshot '%s' was not taken of a root volume of the instance '%s'", r.source.id, inst.id)
		}
	case in.ImageId != nil:
		if r.image, err = s.visibleImage(c, in.ImageId); err != nil {
			return nil, err
		}
		if err := r.fits(c.Now); err != nil {
			return nil, err
		}
		r.source = s.rootOf(c.Now, r.image)
	default:
		r.source = s.rootOf(c.Now, inst.image)
	}
	if r.source == nil {
		return nil, core.Errorf("InvalidParameterValue", "There is no snapshot to restore the root volume from")
	}
	return r, s.planReplacement(c, st, r, in.VolumeInitializationRate)
}

// fitsVolume checks a volume that is to be the new root volume.
// Source: EC2 API Reference, CreateReplaceRootVolumeTask, VolumeId.
func (r *replacement) fitsVolume(now time.Time) error {
	v := r.ready
	switch {
	case v.state(now) != types.VolumeStateAvailable:
		return core.Errorf("IncorrectState", "%s is not 'available'.", v.id)
	case v.zone != r.old.zone:
		return core.Errorf("InvalidVolume.ZoneMismatch", "The volume '%s' is not in the same availability zone as instance '%s'", v.id, r.instance.id)
	case r.old.encrypted() && !v.encrypted():
		return core.Errorf("InvalidParameterValue", "The volume '%s' must be encrypted, as the root volume is", v.id)
	}
	return nil
}

// fits checks that an image is of the same kind as the instance.
func (r *replacement) fits(now time.Time) error {
	im, of := r.image, r.instance.image
	switch {
	case im.state(now) != types.ImageStateAvailable:
		return unavailable(im)
	case im.arch != of.arch, im.virtualization != of.virtualization, im.platform != r.instance.platform,
		!slices.Equal(im.products, r.instance.products):
		return core.Errorf("InvalidParameterValue",
			"The image '%s' must have the same product codes, billing information, architecture and virtualization type as the instance", im.id)
	}
	return nil
}

// rootOf returns the snapshot at the root device of an image.
func (s *Service) rootOf(now time.Time, im *image) *snapshot {
	for _, m := range im.mappings {
		if m.device == im.rootDevice {
			return s.snapshotByID(now, m.snapshot)
		}
	}
	return nil
}

func (s *Service) planReplacement(c *core.Call, st *site, r *replacement, rate *int64) error {
	spec := volumeSpec{size: aws.Int32(max(r.old.size, r.source.size)), kind: r.old.kind}
	if volumeTypes[r.old.kind].maxIOPS > 0 {
		spec.iops = aws.Int32(r.old.iops)
	}
	if r.old.throughput > 0 {
		spec.throughput = aws.Int32(r.old.throughput)
	}
	if rate != nil {
		spec.rate = aws.Int32(int32(*rate))
	}
	if r.old.encrypted() {
		spec.encrypted, spec.key = aws.Bool(true), aws.String(string(r.old.key))
	}
	v, err := s.plan(c, st, r.source, spec)
	if err != nil {
		return err
	}
	r.volume = *v
	r.volume.zone, r.volume.platform, r.volume.products = r.old.zone, r.old.platform, r.old.products
	return nil
}

func (r *replacement) needs(c *core.Call) []core.Need {
	at := r.instance.site
	task := planned(at, "replace-root-volume-task", core.Keys(), r.tags)
	made := r.volume.planned(nil)
	if r.ready != nil {
		made = r.ready.existing()
	}
	out := needs("CreateReplaceRootVolumeTask", r.instance.existing(), task, made)
	if r.image != nil {
		out = append(out, needs("CreateReplaceRootVolumeTask", r.image.existing(c.Account.ID))...)
	}
	if r.named {
		out = append(out, needs("CreateReplaceRootVolumeTask", r.source.existing("snapshot", c.Account.ID))...)
	}
	return append(out, tagging("CreateReplaceRootVolumeTask", task, r.tags)...)
}

// replace makes the new volume and swaps it for the old one, with a reboot.
// If the caller may not use a key, the old one stays.
func (s *Service) replace(c *core.Call, st *site, r *replacement) *rootTask {
	inst := r.instance
	t := &rootTask{item: s.newItem(st.Site, "replacevol", r.tags), instance: inst, start: stamp(c.Now)}
	t.done = t.start.Add(s.pace.Volume + 2*s.pace.Attachment + s.pace.Instance)
	if r.image != nil {
		t.image = r.image.id
	}
	if r.named {
		t.snapshot = r.source.id
	}
	st.tasks.add(t)
	v := r.ready
	if v == nil {
		made := r.volume
		if v = &made; s.make(c, st, v, r.source) != keyWorks {
			t.failed = true
			return t
		}
	}
	old := r.old.attachment
	old.detaching, old.ends = t.done.Add(-s.pace.Attachment), t.done
	s.attach(c, v, inst, old.device)
	v.attachment.begins, v.attachment.since, v.attachment.attached = t.done, t.done, t.done
	v.attachment.deleteOnTermination = old.deleteOnTermination
	inst.roots = append(inst.roots, v.id)
	inst.boot(t.done)
	return t
}

var rootTaskFilters = attributes[*rootTask]{
	"instance-id": func(t *rootTask) []string { return one(t.instance.id) },
}

// DescribeReplaceRootVolumeTasks lists the replacements of root volumes.
func (s *Service) DescribeReplaceRootVolumeTasks(c *core.Call, in *ec2.DescribeReplaceRootVolumeTasksInput) (*ec2.DescribeReplaceRootVolumeTasksOutput, error) {
	found, next, err := describe(s, c, in, search[*rootTask, *rootTask]{
		shelf: func(st *site) *shelf[*rootTask] { return &st.tasks },
		ids:   in.ReplaceRootVolumeTaskIds,
		exists: func(id string) error {
			if lookup(&s.siteOf(c).tasks, id) == nil {
				return core.Errorf("InvalidReplaceRootVolumeTaskID.NotFound", "The task ID '%s' does not exist", id)
			}
			return nil
		},
		id:      (*rootTask).ident,
		view:    same[*rootTask],
		filters: rootTaskFilters,
		tags:    (*rootTask).ownTags,
		least:   1, // Source: EC2 API Reference, DescribeReplaceRootVolumeTasks: from 1 to 50
	})
	out := &ec2.DescribeReplaceRootVolumeTasksOutput{NextToken: next}
	for _, t := range found {
		out.ReplaceRootVolumeTasks = append(out.ReplaceRootVolumeTasks, t.api(c.Now))
	}
	return out, err
}
