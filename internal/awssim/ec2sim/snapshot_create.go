package ec2sim

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// CreateSnapshot starts a snapshot of a volume as it is now.
func (s *Service) CreateSnapshot(c *core.Call, in *ec2.CreateSnapshotInput) (*ec2.CreateSnapshotOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	if err := inRegion(c, in.OutpostArn, in.Location); err != nil {
		return nil, err
	}
	v, err := s.ownVolume(c, in.VolumeId)
	if err != nil {
		return nil, err
	}
	tags, err := createTags(in.TagSpecifications, "snapshot")
	if err != nil {
		return nil, err
	}
	made := newSnapshotOf(v, tags["snapshot"])
	demanded := append(needs("CreateSnapshot", v.existing(), made), tagging("CreateSnapshot", made, tags["snapshot"])...)
	if err := c.Authorize(demanded...); err != nil {
		return nil, err
	}
	if err := c.DryRun(in.DryRun); err != nil {
		return nil, err
	}
	if err := s.canSnapshot(c.Now, st, v); err != nil {
		return nil, err
	}
	sn := s.take(c.Now, st, v)
	sn.description = aws.ToString(in.Description)
	sn.tags = ownTags(c.Account.ID, tags["snapshot"])
	return createdSnapshot(sn.api(c.Now, c.Account.ID)), nil
}

func createdSnapshot(sn types.Snapshot) *ec2.CreateSnapshotOutput {
	return &ec2.CreateSnapshotOutput{
		DataEncryptionKeyId: sn.DataEncryptionKeyId, Description: sn.Description, Encrypted: sn.Encrypted,
		KmsKeyId: sn.KmsKeyId, OwnerId: sn.OwnerId, Progress: aws.String(""), SnapshotId: sn.SnapshotId,
		StartTime: sn.StartTime, State: sn.State, StorageTier: sn.StorageTier, Tags: sn.Tags,
		VolumeId: sn.VolumeId, VolumeSize: sn.VolumeSize,
	}
}

// CreateSnapshots starts a snapshot of each volume of an instance, all of the
// same moment. Either all are made or none.
func (s *Service) CreateSnapshots(c *core.Call, in *ec2.CreateSnapshotsInput) (*ec2.CreateSnapshotsOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	if err := inRegion(c, in.OutpostArn, in.Location); err != nil {
		return nil, err
	}
	spec := in.InstanceSpecification
	if spec == nil {
		return nil, core.Errorf("MissingParameter", "The request must contain the parameter InstanceSpecification")
	}
	inst, err := s.ownInstance(c, spec.InstanceId)
	if err != nil {
		return nil, err
	}
	volumes, err := inst.chosen(c.Now, spec)
	if err != nil {
		return nil, err
	}
	tags, err := createTags(in.TagSpecifications, "snapshot")
	if err != nil {
		return nil, err
	}
	each, err := snapshotTags(in.CopyTagsFromSource, tags["snapshot"], volumes)
	if err != nil {
		return nil, err
	}
	if err := c.Authorize(createSnapshotsNeeds(inst, volumes, each)...); err != nil {
		return nil, err
	}
	if err := c.DryRun(in.DryRun); err != nil {
		return nil, err
	}
	if err := s.canSnapshot(c.Now, st, volumes...); err != nil {
		return nil, err
	}
	out := &ec2.CreateSnapshotsOutput{}
	set := &snapshotSet{}
	for i, v := range volumes {
		sn := s.take(c.Now, st, v)
		sn.description = aws.ToString(in.Description)
		sn.tags = ownTags(c.Account.ID, each[i])
		sn.set = set
		set.members = append(set.members, sn)
		out.Snapshots = append(out.Snapshots, sn.info(c.Now, c.Account.ID))
	}
	return out, nil
}

// createSnapshotsNeeds names the instance, each volume and each new snapshot.
func createSnapshotsNeeds(inst *instance, volumes []*volume, tags []map[string]string) []core.Need {
	out := needs("CreateSnapshots", inst.existing())
	for i, v := range volumes {
		made := newSnapshotOf(v, tags[i])
		out = append(out, needs("CreateSnapshots", v.existing(), made)...)
		out = append(out, tagging("CreateSnapshots", made, tags[i])...)
	}
	return out
}

// snapshotTags returns the tags of each snapshot: the request's, and the
// volume's own if it says so. Tags that AWS put are not copied.
func snapshotTags(from types.CopyTagsFromSource, given map[string]string, volumes []*volume) ([]map[string]string, error) {
	if from != "" && from != types.CopyTagsFromSourceVolume {
		return nil, core.Errorf("InvalidParameterValue", "Value (%s) for parameter CopyTagsFromSource is invalid.", from)
	}
	var all []map[string]string
	for _, v := range volumes {
		tags := map[string]string{}
		if from != "" {
			for k, value := range v.tags[v.site.Account] {
				if !strings.HasPrefix(k, "aws:") {
					tags[k] = value
				}
			}
		}
		maps.Copy(tags, given)
		if err := countTags(tags); err != nil {
			return nil, err
		}
		all = append(all, tags)
	}
	return all, nil
}

// chosen returns the volumes of an instance that a specification does not
// exclude, root first.
// Source: EC2 API Reference, InstanceSpecification: up to 40 data volumes can
// be excluded in a request, and the root volume only by its own parameter.
func (in *instance) chosen(now time.Time, spec *types.InstanceSpecification) ([]*volume, error) {
	if len(spec.ExcludeDataVolumeIds) > 40 {
		return nil, core.Errorf("InvalidParameterValue", "At most 40 data volumes can be excluded, not %d", len(spec.ExcludeDataVolumeIds))
	}
	attached := in.attached(now)
	for _, id := range spec.ExcludeDataVolumeIds {
		i := slices.IndexFunc(attached, func(v *volume) bool { return v.id == id })
		switch {
		case i < 0:
			return nil, core.Errorf("InvalidParameterValue", "The volume '%s' is not attached to the instance '%s'", id, in.id)
		case attached[i].attachment.device == in.rootDevice:
			return nil, core.Errorf("InvalidParameterValue", "The volume '%s' is the root volume; use ExcludeBootVolume", id)
		}
	}
	var chosen []*volume
	for _, v := range attached {
		root := v.attachment.device == in.rootDevice
		if root && aws.ToBool(spec.ExcludeBootVolume) || slices.Contains(spec.ExcludeDataVolumeIds, v.id) {
			continue
		}
		chosen = append(chosen, v)
	}
	if len(chosen) == 0 {
		return nil, core.Errorf("InvalidParameterValue", "The instance '%s' has no volumes to create snapshots of", in.id)
	}
	return chosen, nil
}

// canSnapshot checks the states of volumes and every limit on snapshots.
func (s *Service) canSnapshot(now time.Time, st *site, volumes ...*volume) error {
	for _, v := range volumes {
		if state := v.state(now); state != types.VolumeStateAvailable && state != types.VolumeStateInUse {
			return core.Errorf("IncorrectState", "The volume '%s' is '%s'", v.id, state)
		}
		if s.limits.Spacing > 0 && !v.lastSnapshot.IsZero() && now.Sub(v.lastSnapshot) < s.limits.Spacing {
			return core.Errorf("SnapshotCreationPerVolumeRateExceeded", "The maximum per volume CreateSnapshot request rate has been exceeded."+
				" Use an increasing or variable sleep interval between requests.")
		}
		if v.open.full(s.limits.pendingPerVolume(v.kind), 0, noLongerOpen(now)) {
			return core.Errorf("ConcurrentSnapshotLimitExceeded", "Maximum allowed in-progress snapshots for a single volume exceeded.")
		}
	}
	if st.pending.full(s.limits.PendingPerSite, len(volumes)-1, doneBy(now)) {
		return core.Errorf("PendingSnapshotLimitExceeded", "You have reached the limit of pending snapshots: %d", s.limits.PendingPerSite)
	}
	return s.roomFor(st, len(volumes))
}

// noLongerOpen tells whether a snapshot no longer counts against its volume's
// limit: one that failed does until it is deleted.
func noLongerOpen(now time.Time) func(*snapshot) bool {
	return func(sn *snapshot) bool { return sn.gone(now) || sn.state(now) == types.SnapshotStateCompleted }
}

// doneBy tells whether a snapshot has been completed, or has failed.
func doneBy(now time.Time) func(*snapshot) bool {
	return func(sn *snapshot) bool { return !now.Before(sn.done) }
}

// roomFor checks how many snapshots an account may have in a Region.
func (s *Service) roomFor(st *site, n int) error {
	if reached(s.limits.SnapshotsPerSite, len(st.snapshots.items)+n-1) {
		// Some may be on the shelf only since nobody has asked for them since.
		for _, sn := range slices.Clone(st.snapshots.items) {
			if sn.lost(s.cloud.Now()) {
				s.forget(sn)
			}
		}
	}
	if reached(s.limits.SnapshotsPerSite, len(st.snapshots.items)+n-1) {
		return core.Errorf("SnapshotLimitExceeded", "You have reached the limit of snapshots: %d", s.limits.SnapshotsPerSite)
	}
	return nil
}

// take starts a snapshot of a volume, under the volume's key.
func (s *Service) take(now time.Time, st *site, v *volume) *snapshot {
	start, changed := stamp(now), v.disk.dirty()
	sn := &snapshot{
		id: s.cloud.NewID("snap"), seq: s.next(), site: st.Site, volume: v.id, size: v.size, key: v.key,
		start: start, done: start.Add(s.moving(Work{Origin: v.id, Blocks: int(changed)})),
		billing: billingOf(v.platform, v.products), lineage: v.id, context: v.id, written: int32(changed), full: v.disk.last == nil,
	}
	sn.data = v.disk.freeze()
	v.lastSnapshot = now
	v.open.add(sn, noLongerOpen(now))
	st.pending.add(sn, doneBy(now))
	s.keep(sn)
	return sn
}

func (sn *snapshot) info(now time.Time, viewer string) types.SnapshotInfo {
	full := sn.api(now, viewer)
	return types.SnapshotInfo{
		Description: full.Description, Encrypted: full.Encrypted, OwnerId: full.OwnerId, Progress: aws.String(""),
		SnapshotId: full.SnapshotId, StartTime: full.StartTime, State: full.State, Tags: full.Tags,
		VolumeId: full.VolumeId, VolumeSize: full.VolumeSize,
	}
}

// inRegion refuses snapshots on Outposts and in Local Zones.
func inRegion(c *core.Call, outpost *string, location types.SnapshotLocationEnum) error {
	if outpost != nil {
		return c.Unsupported("OutpostArn")
	}
	if location == types.SnapshotLocationEnumLocal {
		return c.Unsupported("Location local")
	}
	return nil
}
