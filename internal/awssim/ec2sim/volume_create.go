package ec2sim

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
	"github.com/snapkeep/snapkeep/internal/awssim/kmssim"
)

// A volumeSpec is a volume as a request describes it: by CreateVolume or by a
// block device mapping.
type volumeSpec struct {
	size       *int32
	kind       types.VolumeType
	iops       *int32
	throughput *int32
	encrypted  *bool
	key        *string
	rate       *int32 // of initialization
}

// CreateVolume makes an empty volume or one with the contents of a snapshot.
func (s *Service) CreateVolume(c *core.Call, in *ec2.CreateVolumeInput) (*ec2.CreateVolumeOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	switch {
	case in.OutpostArn != nil:
		return nil, c.Unsupported("OutpostArn")
	case aws.ToBool(in.MultiAttachEnabled):
		return nil, c.Unsupported("MultiAttachEnabled")
	case in.Operator != nil:
		return nil, c.Unsupported("Operator")
	}
	tags, err := createTags(in.TagSpecifications, "volume")
	if err != nil {
		return nil, err
	}
	if old, err := s.sameVolume(c, in, tags["volume"]); old != nil || err != nil {
		return old, err
	}
	place, err := zone(c.Region, in.AvailabilityZone, in.AvailabilityZoneId)
	if err != nil {
		return nil, err
	}
	var source *snapshot
	if aws.ToString(in.SnapshotId) != "" {
		if source, err = s.visibleSnapshot(c, c.Region, in.SnapshotId); err != nil {
			return nil, err
		}
	}
	v, err := s.plan(c, st, source, volumeSpec{
		size: in.Size, kind: in.VolumeType, iops: in.Iops, throughput: in.Throughput,
		encrypted: in.Encrypted, key: in.KmsKeyId, rate: in.VolumeInitializationRate,
	})
	if err != nil {
		return nil, err
	}
	v.zone = place
	if err := c.Authorize(createVolumeNeeds(v, source, tags["volume"])...); err != nil {
		return nil, err
	}
	if err := c.DryRun(in.DryRun); err != nil {
		return nil, err
	}
	v.tags = ownTags(c.Account.ID, tags["volume"])
	s.make(c, st, v, source)
	s.remember(c, in.ClientToken, in, v.id)
	return createdVolume(v.api(c.Now)), nil
}

// sameVolume returns the answer to a request that was made before with the
// same client token, or nil.
func (s *Service) sameVolume(c *core.Call, in *ec2.CreateVolumeInput, tags map[string]string) (*ec2.CreateVolumeOutput, error) {
	earlier, err := s.repeated(c, in.ClientToken, in)
	if earlier == nil || err != nil {
		return nil, err
	}
	v := s.volumeByID(c.Now, earlier.id)
	if v == nil {
		// Source: kubernetes-sigs/aws-ebs-csi-driver#3010.
		return nil, core.Errorf("IdempotentParameterMismatch", "The request with this client token made a resource that is already deleted")
	}
	if err := c.Authorize(createVolumeNeeds(v, nil, tags)...); err != nil {
		return nil, err
	}
	return createdVolume(v.api(c.Now)), nil
}

// createVolumeNeeds names the new volume and the snapshot it is made from.
func createVolumeNeeds(v *volume, source *snapshot, tags map[string]string) []core.Need {
	out := needs("CreateVolume", v.planned(tags))
	if source != nil {
		out = append(out, needs("CreateVolume", source.existing("snapshot", v.site.Account))...)
	}
	return append(out, tagging("CreateVolume", v.planned(nil), tags)...)
}

func createdVolume(v types.Volume) *ec2.CreateVolumeOutput {
	return &ec2.CreateVolumeOutput{
		AvailabilityZone: v.AvailabilityZone, AvailabilityZoneId: v.AvailabilityZoneId, CreateTime: v.CreateTime,
		Encrypted: v.Encrypted, Iops: v.Iops, KmsKeyId: v.KmsKeyId, MultiAttachEnabled: v.MultiAttachEnabled,
		Size: v.Size, SnapshotId: v.SnapshotId, State: v.State, Tags: v.Tags, Throughput: v.Throughput,
		VolumeId: v.VolumeId, VolumeInitializationRate: v.VolumeInitializationRate, VolumeType: v.VolumeType,
	}
}

// plan checks a specification and works out the volume that it and a snapshot,
// which may be nil, lead to. The volume is not there yet.
func (s *Service) plan(c *core.Call, st *site, source *snapshot, spec volumeSpec) (*volume, error) {
	v := &volume{site: st.Site, kind: spec.kind, rate: aws.ToInt32(spec.rate)}
	// Source: EC2 API Reference, CreateVolume, VolumeInitializationRate.
	if spec.rate != nil && (source == nil || v.rate < 100 || v.rate > 300) {
		return nil, core.Errorf("InvalidParameterValue", "Value (%d) for parameter VolumeInitializationRate is invalid.", v.rate)
	}
	if source != nil {
		if err := source.usable(c.Now); err != nil {
			return nil, err
		}
		v.snapshot = source.id
		if b := source.billing; b != nil {
			v.platform, v.products = b.platform, b.products
		}
	}
	if err := v.setSize(spec.size, source); err != nil {
		return nil, err
	}
	if err := v.setPerformance(spec); err != nil {
		return nil, err
	}
	key, err := s.volumeKey(st, spec, source)
	v.key = key
	return v, err
}

func (v *volume) setSize(size *int32, source *snapshot) error {
	switch {
	case size == nil && source == nil:
		return core.Errorf("MissingParameter", "The request must contain the parameter size or snapshotId")
	case size == nil:
		v.size = source.size
	case source != nil && *size < source.size:
		return core.Errorf("InvalidParameterValue",
			"Value (%d) for parameter size is invalid. The size of a volume must be at least that of its snapshot, %d GiB.", *size, source.size)
	default:
		v.size = *size
	}
	return nil
}

// volumeKey returns the key that a volume will be under; empty means none.
// Source: Amazon EBS User Guide, "Amazon EBS encryption", encryption outcomes:
// volumes from encrypted snapshots are encrypted; from one's own under its
// key, from another account's under one's own default key, unless one is named.
// Where encryption by default is on, everything else is under the default key.
func (s *Service) volumeKey(st *site, spec volumeSpec, source *snapshot) (kmssim.ARN, error) {
	if spec.key != nil && !aws.ToBool(spec.encrypted) {
		return "", core.Errorf("InvalidParameterDependency", "The parameter KmsKeyId requires the parameter Encrypted to be set.")
	}
	fromEncrypted := source != nil && source.encrypted()
	if fromEncrypted && spec.encrypted != nil && !*spec.encrypted {
		return "", core.Errorf("InvalidParameterValue", "Encrypted snapshots cannot be made into volumes that are not encrypted")
	}
	switch {
	case spec.key != nil:
		key, ok := s.kms.Resolve(st.Site, *spec.key)
		if !ok {
			return kmssim.ARN(*spec.key), nil
		}
		return key, nil
	case fromEncrypted && source.site.Account == st.Account:
		return source.key, nil
	case fromEncrypted || aws.ToBool(spec.encrypted) || st.encrypts:
		return s.defaultKey(st), nil
	}
	return "", nil
}

// make puts a planned volume into the world. If its caller may not use the
// keys it is undone a moment later.
func (s *Service) make(c *core.Call, st *site, v *volume, source *snapshot) keyFault {
	v.id = s.cloud.NewID("vol")
	v.seq = s.next()
	v.created = stamp(c.Now)
	v.ready = v.created.Add(s.pace.Volume)
	if source != nil {
		v.disk = diskFrom(source.data)
		v.fast = st.takeCredit(c.Now, source, v.zone)
		v.full = source.data.count * BlockSize
	}
	fault := s.tryKeys(c, volumeUses, v.keyed(source)...)
	if fault != keyWorks {
		v.vanishes = v.ready
	}
	s.volumes[v.id] = v
	st.volumes.add(v)
	return fault
}

// keyed returns the keys that making the volume involves.
func (v *volume) keyed(source *snapshot) []keyed {
	if source == nil {
		return []keyed{{key: v.key, id: v.id}}
	}
	same := source.key == v.key
	return []keyed{{key: v.key, id: v.id, same: same}, {key: source.key, id: source.context, same: same}}
}
