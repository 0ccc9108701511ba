package ec2sim

import (
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// CopyVolumes copies a volume as it is now, within its zone and without a
// snapshot. The answer lists the one copy.
func (s *Service) CopyVolumes(c *core.Call, in *ec2.CopyVolumesInput) (*ec2.CopyVolumesOutput, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	if err := served(c, in, "ClientToken Encrypted Iops KmsKeyId Size SourceVolumeId TagSpecifications Throughput VolumeType"); err != nil {
		return nil, err
	}
	tags, err := createTags(in.TagSpecifications, "volume")
	if err != nil {
		return nil, err
	}
	source, err := s.ownVolume(c, in.SourceVolumeId)
	if err != nil {
		return nil, err
	}
	v, err := s.planCopy(st, source, in)
	if err != nil {
		return nil, err
	}
	made := v.planned(tags["volume"])
	demanded := append(needs("CopyVolumes", source.existing(), made), tagging("CopyVolumes", made, tags["volume"])...)
	if err := allowed(c, in.DryRun, demanded...); err != nil {
		return nil, err
	}
	if earlier, err := s.repeated(c, in.ClientToken, in); earlier != nil || err != nil {
		return s.copiedVolume(c, earlier), err
	}
	if state := source.state(c.Now); state != types.VolumeStateAvailable && state != types.VolumeStateInUse {
		return nil, core.Errorf("IncorrectState", "The volume '%s' is '%s'", source.id, state)
	}
	v.tags = ownTags(c.Account.ID, tags["volume"])
	s.make(c, st, v, nil)
	v.disk = diskFrom(source.disk.copy())
	s.remember(c, in.ClientToken, in, v.id)
	return &ec2.CopyVolumesOutput{Volumes: []types.Volume{v.api(c.Now)}}, nil
}

// copiedVolume answers a request that was made before.
func (s *Service) copiedVolume(c *core.Call, earlier *answer) *ec2.CopyVolumesOutput {
	if earlier == nil {
		return nil
	}
	out := &ec2.CopyVolumesOutput{}
	if v := s.volumeByID(c.Now, earlier.id); v != nil {
		out.Volumes = append(out.Volumes, v.api(c.Now))
	}
	return out
}

// planCopy works out the copy of a volume. Its type is gp2 unless the request
// names one, and it is encrypted whenever its source is: under the source's key
// unless the request names another.
// Source: EC2 API Reference, CopyVolumes; which key a copy of an encrypted
// volume has is not written there, and taken to be as it is for snapshots.
func (s *Service) planCopy(st *site, source *volume, in *ec2.CopyVolumesInput) (*volume, error) {
	v := &volume{
		site: st.Site, zone: source.zone, size: source.size, kind: in.VolumeType, source: source.id,
		snapshot: source.snapshot, platform: source.platform, products: source.products,
	}
	if in.Size != nil {
		v.size = *in.Size
	}
	if v.size < source.size {
		return nil, core.Errorf("InvalidParameterValue", "The size of a copy must be at least that of its source, %d GiB.", source.size)
	}
	if err := v.setPerformance(volumeSpec{iops: in.Iops, throughput: in.Throughput}); err != nil {
		return nil, err
	}
	if source.encrypted() && in.KmsKeyId == nil {
		v.key = source.key
		return v, nil
	}
	key, err := s.volumeKey(st, volumeSpec{encrypted: in.Encrypted, key: in.KmsKeyId}, nil)
	v.key = key
	return v, err
}

// copy returns the contents of a disk as they are now. What is written to the
// disk from then on is written beside them.
func (d *disk) copy() frozen {
	d.owner = nil
	return d.frozen
}
