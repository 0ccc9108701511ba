package ec2sim

import (
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A volume can be modified four times in 24 hours, and not while an earlier
// modification is not completed.
// Source: EC2 API Reference, ModifyVolume. The rule of six hours between
// modifications, which it once had, is no more.
const (
	modifications       = 4
	modificationsWithin = 24 * time.Hour
)

// A performance is what can be modified of a volume.
type performance struct {
	size, iops, throughput int32
	kind                   types.VolumeType
}

func (v *volume) performance() performance { return performance{v.size, v.iops, v.throughput, v.kind} }

// A modification changes a volume: it is modifying, then optimizing, when the
// volume is what was asked for, then completed.
type modification struct {
	volume     *volume
	seq        uint64
	from, to   performance
	start      time.Time
	optimizing time.Time
	done       time.Time
}

func (m *modification) order() uint64 { return m.seq }

func (m *modification) state(now time.Time) types.VolumeModificationState {
	switch {
	case now.Before(m.optimizing):
		return types.VolumeModificationStateModifying
	case now.Before(m.done):
		return types.VolumeModificationStateOptimizing
	}
	return types.VolumeModificationStateCompleted
}

func (m *modification) progress(now time.Time) int64 {
	if !now.Before(m.done) || m.done.Equal(m.start) {
		return 100
	}
	return int64(99 * now.Sub(m.start) / m.done.Sub(m.start))
}

func (m *modification) api(now time.Time) *types.VolumeModification {
	out := &types.VolumeModification{
		ModificationState: m.state(now), Progress: aws.Int64(m.progress(now)), StartTime: aws.Time(m.start), VolumeId: aws.String(m.volume.id),
		OriginalSize: aws.Int32(m.from.size), OriginalVolumeType: m.from.kind, OriginalMultiAttachEnabled: aws.Bool(false),
		TargetSize: aws.Int32(m.to.size), TargetVolumeType: m.to.kind, TargetMultiAttachEnabled: aws.Bool(false),
	}
	for _, number := range []struct {
		to    **int32
		value int32
	}{
		{&out.OriginalIops, m.from.iops},
		{&out.OriginalThroughput, m.from.throughput},
		{&out.TargetIops, m.to.iops},
		{&out.TargetThroughput, m.to.throughput},
	} {
		if number.value > 0 {
			*number.to = aws.Int32(number.value)
		}
	}
	if m.state(now) == types.VolumeModificationStateCompleted {
		out.EndTime = aws.Time(m.done)
	}
	return out
}

// ModifyVolume changes the size, the type or the performance of a volume.
func (s *Service) ModifyVolume(c *core.Call, in *ec2.ModifyVolumeInput) (*ec2.ModifyVolumeOutput, error) {
	if err := served(c, in, "Iops Size Throughput VolumeId VolumeType"); err != nil {
		return nil, err
	}
	v, err := s.volumeFor(c, in.VolumeId, in.DryRun)
	if err != nil {
		return nil, err
	}
	target, err := v.modified(in)
	if err != nil {
		return nil, err
	}
	if err := v.canModify(c.Now); err != nil {
		return nil, err
	}
	m := &modification{volume: v, seq: s.next(), from: v.performance(), to: target.performance(), start: stamp(c.Now)}
	m.optimizing = m.start.Add(s.pace.Volume)
	// The smallest modifications take minutes, a full volume of 1 TiB about six hours.
	// Source: Amazon EBS User Guide, "Monitor the progress of volume modifications".
	m.done = m.optimizing.Add(time.Duration(m.to.size) * 6 * time.Hour / 1024)
	v.size, v.iops, v.throughput, v.kind = m.to.size, m.to.iops, m.to.throughput, m.to.kind
	v.changes = append(v.changes, m)
	return &ec2.ModifyVolumeOutput{VolumeModification: m.api(c.Now)}, nil
}

// modified returns the volume as a request wants it.
func (v *volume) modified(in *ec2.ModifyVolumeInput) (*volume, error) {
	target := &volume{kind: v.kind, size: v.size}
	spec := volumeSpec{iops: in.Iops, throughput: in.Throughput}
	if in.VolumeType != "" {
		target.kind = in.VolumeType
	}
	if in.Size != nil {
		target.size = *in.Size
	}
	if target.size < v.size {
		return nil, core.Errorf("InvalidParameterValue", "New size cannot be smaller than existing size")
	}
	// What the request does not name stays, if the type has it.
	t := volumeTypes[target.kind]
	if spec.iops == nil && t.maxIOPS > 0 && target.kind == v.kind {
		spec.iops = aws.Int32(v.iops)
	}
	if spec.throughput == nil && t.throughput && target.kind == v.kind {
		spec.throughput = aws.Int32(v.throughput)
	}
	return target, target.setPerformance(spec)
}

// canModify checks the state of a volume and of its modifications.
// Source of the codes: EC2 API Reference, "Error codes".
func (v *volume) canModify(now time.Time) error {
	if state := v.state(now); state != types.VolumeStateAvailable && state != types.VolumeStateInUse {
		return core.Errorf("IncorrectState", "The volume '%s' is '%s'", v.id, state)
	}
	recent := 0
	for _, m := range v.changes {
		if state := m.state(now); state != types.VolumeModificationStateCompleted {
			return core.Errorf("IncorrectModificationState", "Volume %s is in the modification state %s", v.id, state)
		}
		if now.Before(m.start.Add(modificationsWithin)) {
			recent++
		}
	}
	if recent >= modifications {
		next := v.changes[len(v.changes)-modifications].start.Add(modificationsWithin)
		return core.Errorf("VolumeModificationRateExceeded",
			"You've reached the maximum modification rate per volume limit. The next modification is possible at %s.", next.Format(time.RFC3339))
	}
	return nil
}

// A modificationView is a modification at one time.
type modificationView struct {
	*modification
	now time.Time
}

// modificationFilters are those of DescribeVolumesModifications.
// Source: EC2 API Reference, DescribeVolumesModifications.
var modificationFilters = attributes[modificationView]{
	"modification-state":         func(v modificationView) []string { return one(string(v.state(v.now))) },
	"original-iops":              func(v modificationView) []string { return one(strconv.Itoa(int(v.from.iops))) },
	"original-size":              func(v modificationView) []string { return one(strconv.Itoa(int(v.from.size))) },
	"original-volume-type":       func(v modificationView) []string { return one(string(v.from.kind)) },
	"originalMultiAttachEnabled": func(modificationView) []string { return one(flag(false)) },
	"start-time":                 func(v modificationView) []string { return one(timestamp(v.start)) },
	"target-iops":                func(v modificationView) []string { return one(strconv.Itoa(int(v.to.iops))) },
	"target-size":                func(v modificationView) []string { return one(strconv.Itoa(int(v.to.size))) },
	"target-volume-type":         func(v modificationView) []string { return one(string(v.to.kind)) },
	"targetMultiAttachEnabled":   func(modificationView) []string { return one(flag(false)) },
	"volume-id":                  func(v modificationView) []string { return one(v.volume.id) },
}

// DescribeVolumesModifications lists the most recent modification of each
// volume that ever had one.
func (s *Service) DescribeVolumesModifications(c *core.Call, in *ec2.DescribeVolumesModificationsInput) (*ec2.DescribeVolumesModificationsOutput, error) {
	found, next, err := describe(s, c, in, search[*modification, modificationView]{
		shelf:   func(st *site) *shelf[*modification] { return st.modifications(c.Now) },
		ids:     in.VolumeIds,
		exists:  func(id string) error { return s.wasModified(c, id) },
		id:      func(m *modification) string { return m.volume.id },
		view:    func(m *modification) modificationView { return modificationView{m, c.Now} },
		filters: modificationFilters,
		least:   1, // the reference names no least number
	})
	out := &ec2.DescribeVolumesModificationsOutput{NextToken: next}
	for _, m := range found {
		out.VolumesModifications = append(out.VolumesModifications, *m.api(c.Now))
	}
	return out, err
}

// wasModified returns the error for a volume that is not there, or that was
// never modified.
// Source of the code: EC2 API Reference, "Error codes".
func (s *Service) wasModified(c *core.Call, id string) error {
	v, err := s.ownVolume(c, &id)
	if err == nil && len(v.changes) == 0 {
		return core.Errorf("InvalidVolumeModification.NotFound", "Modification for volume '%s' does not exist.", id)
	}
	return err
}

func (st *site) modifications(now time.Time) *shelf[*modification] {
	sh := &shelf[*modification]{}
	for _, v := range st.volumes.items {
		if n := len(v.changes); n > 0 && !v.gone(now) {
			sh.add(v.changes[n-1])
		}
	}
	slices.SortFunc(sh.items, func(a, b *modification) int { return int(int64(a.seq) - int64(b.seq)) })
	return sh
}
