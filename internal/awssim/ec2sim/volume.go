package ec2sim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/kmssim"
)

// A volume belongs to the account of its site.
type volume struct {
	id           string
	seq          uint64
	site         Site
	zone         string
	size         int32 // GiB
	kind         types.VolumeType
	iops         int32 // zero: the kind has none
	throughput   int32 // MiB/s; zero: the kind has none
	key          kmssim.ARN
	snapshot     string // made from; empty: none
	fast         bool   // initialized by fast snapshot restore
	source       string // volume it is a copy of; empty: none
	full         int64  // bytes that its snapshot holds
	rate         int32  // of initialization, in MiB/s; zero: not chosen
	autoIO       bool
	platform     platform // that is billed; zero: none
	products     []string // codes of the AWS Marketplace
	changes      []*modification
	created      time.Time
	ready        time.Time // available from then on
	vanishes     time.Time // zero, or when a key that cannot be used undoes it
	deleted      time.Time // zero, or when it starts to be deleted
	attachment   *attachment
	tags         tagSets
	disk         disk
	lastSnapshot time.Time
	open         queue[*snapshot] // pending or failed
}

// An attachment binds a volume to an instance, until it ends.
type attachment struct {
	instance            *instance
	device              string
	begins              time.Time // zero: with since
	since               time.Time
	attached            time.Time
	detaching           time.Time // zero: not
	ends                time.Time // zero: not
	deleteOnTermination bool
}

func (a *attachment) active(now time.Time) bool {
	return a != nil && !now.Before(a.begins) && (a.ends.IsZero() || now.Before(a.ends))
}

func (a *attachment) state(now time.Time) types.VolumeAttachmentState {
	switch {
	case !a.detaching.IsZero() && !now.Before(a.detaching):
		return types.VolumeAttachmentStateDetaching
	case now.Before(a.attached):
		return types.VolumeAttachmentStateAttaching
	}
	return types.VolumeAttachmentStateAttached
}

func (v *volume) order() uint64 { return v.seq }

func (v *volume) encrypted() bool { return v.key != "" }

// gone tells whether the volume cannot be found any more. A volume whose key
// its maker may not use is there for a moment and then is not.
// Source: EC2 API Reference, CreateVolume, KmsKeyId; how it looks from
// outside: kubernetes-sigs/aws-ebs-csi-driver#3010, #1140.
func (v *volume) gone(now time.Time) bool {
	return !v.vanishes.IsZero() && !now.Before(v.vanishes) || !v.deleted.IsZero() && !now.Before(v.deleted)
}

func (v *volume) state(now time.Time) types.VolumeState {
	switch {
	case v.attachment.active(now):
		return types.VolumeStateInUse
	case now.Before(v.ready):
		return types.VolumeStateCreating
	}
	return types.VolumeStateAvailable
}

// ownVolume returns the volume that a caller means by an id.
func (s *Service) ownVolume(c *core.Call, id *string) (*volume, error) {
	if err := checkID(aws.ToString(id), volumeID); err != nil {
		return nil, err
	}
	v := s.volumeByID(c.Now, *id)
	if s.toldVolume(c, v) == nil || v.site != (Site{Account: c.Account.ID, Region: c.Region}) {
		return nil, core.Errorf("InvalidVolume.NotFound", "The volume '%s' does not exist.", *id)
	}
	return v, nil
}

// volumeByID returns a volume that exists now, and forgets one that does not.
func (s *Service) volumeByID(now time.Time, id string) *volume {
	v := s.volumes[id]
	if v == nil || !v.gone(now) {
		return v
	}
	delete(s.volumes, id)
	s.site(v.site).volumes.remove(v)
	return nil
}

func (v *volume) api(now time.Time) types.Volume {
	out := types.Volume{
		AvailabilityZone:   aws.String(v.zone),
		AvailabilityZoneId: aws.String(zoneID(v.zone)),
		CreateTime:         aws.Time(v.created),
		Encrypted:          aws.Bool(v.encrypted()),
		MultiAttachEnabled: aws.Bool(false),
		Size:               aws.Int32(v.size),
		SnapshotId:         aws.String(v.snapshot),
		State:              v.state(now),
		Tags:               apiTags(v.tags[v.site.Account]),
		VolumeId:           aws.String(v.id),
		VolumeType:         v.kind,
	}
	if v.fast {
		out.FastRestored = aws.Bool(true)
	}
	if v.encrypted() {
		out.KmsKeyId = aws.String(string(v.key))
	}
	if v.iops > 0 {
		out.Iops = aws.Int32(v.iops)
	}
	if v.throughput > 0 {
		out.Throughput = aws.Int32(v.throughput)
	}
	if v.rate > 0 {
		out.VolumeInitializationRate = aws.Int32(v.rate)
	}
	if v.source != "" {
		out.SourceVolumeId = aws.String(v.source)
	}
	if v.attachment.active(now) {
		out.Attachments = []types.VolumeAttachment{v.apiAttachment(now)}
	}
	return out
}

func (v *volume) apiAttachment(now time.Time) types.VolumeAttachment {
	a := v.attachment
	return types.VolumeAttachment{
		AttachTime: aws.Time(a.since), DeleteOnTermination: aws.Bool(a.deleteOnTermination), Device: aws.String(a.device),
		InstanceId: aws.String(a.instance.id), State: a.state(now), VolumeId: aws.String(v.id),
	}
}
